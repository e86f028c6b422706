//! See `tests/fuzz/requests.rs`.
#![no_main]

#[path = "../../tests/fuzz/requests.rs"]
mod requests;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| requests::check(bytes));
