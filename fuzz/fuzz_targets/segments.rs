//! See `tests/fuzz/segments.rs`.
#![no_main]

#[path = "../../tests/fuzz/segments.rs"]
mod segments;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| segments::check(bytes));
