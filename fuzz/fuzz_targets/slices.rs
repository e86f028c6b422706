//! See `tests/fuzz/slices.rs`.
#![no_main]

#[path = "../../tests/fuzz/slices.rs"]
mod slices;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| slices::check(bytes));
