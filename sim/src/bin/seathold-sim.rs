//! `seathold-sim`: looks for a seed whose world breaks a promise.
#![forbid(unsafe_code)]

use std::process::ExitCode;

fn main() -> ExitCode {
    seathold_sim::program::main()
}
