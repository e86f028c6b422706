//! seathold-load
fn main() {}
