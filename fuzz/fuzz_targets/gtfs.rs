//! See `tests/fuzz/gtfs.rs`.
#![no_main]

#[path = "../../tests/fuzz/feed.rs"]
mod feed;
#[path = "../../tests/fuzz/gtfs.rs"]
mod gtfs;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| gtfs::check(bytes));
