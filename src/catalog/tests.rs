//! Whole feeds through the importer: what loads, what is refused with file and line, what lenient skips.
