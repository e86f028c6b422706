//! Seat allocation.
fn main() {}
