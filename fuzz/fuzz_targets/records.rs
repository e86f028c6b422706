//! See `tests/fuzz/records.rs`.
#![no_main]

#[path = "../../tests/fuzz/records.rs"]
mod records;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| records::check(bytes));
