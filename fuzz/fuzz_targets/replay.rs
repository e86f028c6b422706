//! See `tests/fuzz/replay.rs`.
#![no_main]

#[path = "../../tests/fuzz/replay.rs"]
mod replay;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| replay::check(bytes));
