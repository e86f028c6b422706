//! `seathold`: the server, and the demo that proves it.

use clap::{Parser, Subcommand};
use seathold::demo::{DemoOptions, demo};
use seathold::server::{ExitCode, ServeOptions, serve};
use std::process;

/// The reservation server for the minute when tickets go on sale
#[derive(Parser)]
#[command(version, arg_required_else_help = true)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Run the server
    Serve(ServeOptions),
    /// Sell ten thousand places to a million buyers, through a crash, and audit the result
    Demo(DemoOptions),
}

fn main() {
    let arguments = Arguments::try_parse().unwrap_or_else(|error| {
        let code = if error.use_stderr() { ExitCode::Usage } else { ExitCode::Ok };
        // Nobody is left to tell when the terminal is gone.
        let _ = error.print();
        process::exit(code as i32);
    });
    let code = match arguments.command {
        Command::Serve(options) => run_server(&options),
        Command::Demo(options) => run_demo(&options),
    };
    process::exit(code as i32);
}

fn run_server(options: &ServeOptions) -> ExitCode {
    seathold::admin::init_log();
    match serve(options) {
        Ok(()) => ExitCode::Ok,
        Err(error) => {
            log::error!("{error}");
            error.exit_code()
        }
    }
}

fn run_demo(options: &DemoOptions) -> ExitCode {
    match demo(options) {
        Ok(report) => {
            if options.json {
                println!("{}", serde_json::json!(report));
            } else {
                println!("{report}");
            }
            if report.passes() { ExitCode::Ok } else { ExitCode::Failed }
        }
        Err(error) => {
            eprintln!("seathold demo: {error}");
            ExitCode::Failed
        }
    }
}
