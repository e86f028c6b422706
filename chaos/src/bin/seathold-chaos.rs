//! `seathold-chaos`: kills the server again and again under load, and checks what its buyers were told.
#![forbid(unsafe_code)]

use std::process::ExitCode;

fn main() -> ExitCode {
    seathold_chaos::program::main()
}
