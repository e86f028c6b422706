//! seathold
fn main() {}
