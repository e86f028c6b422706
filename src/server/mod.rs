//! Wires the threads together.
