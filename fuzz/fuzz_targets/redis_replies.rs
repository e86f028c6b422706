//! See `src/ledger/redis/replies.rs`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| seathold::ledger::redis::replies::check(bytes));
