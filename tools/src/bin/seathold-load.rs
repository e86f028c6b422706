//! `seathold-load`: how many requests a second a server answers, and how fast.
#![forbid(unsafe_code)]

use std::process::ExitCode;

fn main() -> ExitCode {
    seathold_tools::load::main()
}
