//! Rules files: what they mean, and what is refused with its line.
