//! seathold-cli
fn main() {}
