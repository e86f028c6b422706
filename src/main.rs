//! `seathold`: the server, and the demo that proves it.

use clap::{Parser, Subcommand};
use seathold::demo::{DemoOptions, demo};
use seathold::server::{CreateOptions, ExitCode, ServeOptions, create_ledger, serve};
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
    #[command(after_help = SERVE_MORE)]
    Serve(Box<ServeOptions>),
    /// Create an empty ledger in Redis
    CreateLedger(CreateOptions),
    /// Sell ten thousand places to a million buyers, through a crash, and audit the result
    Demo(DemoOptions),
}

const SERVE_MORE: &str = "\
The log goes to standard error; SEATHOLD_LOG=off, error, warn, info or debug says how much of it [default: info].

Exit status:
   0  stopped as told, by SIGTERM or Ctrl-C
  64  the command line is wrong
  65  the ledger is damaged, or contradicts the timetable
  69  a port or the ledger is in use, or the Redis ledger cannot be reached
  70  a bug of ours
  74  the ledger cannot be opened, written or synced
  78  timetable, rules or token cannot be loaded, or there is no ledger where --ledger says, or Redis
      must be set up differently first";

fn main() {
    seathold::sys::set_points();
    let arguments = Arguments::try_parse().unwrap_or_else(|error| {
        let code = if error.use_stderr() { ExitCode::Usage } else { ExitCode::Ok };
        // Nobody is left to tell when the terminal is gone.
        let _ = error.print();
        process::exit(code as i32);
    });
    let code = match arguments.command {
        Command::Serve(options) => run_server(&options),
        Command::CreateLedger(options) => run_create_ledger(&options),
        Command::Demo(options) => run_demo(&options),
    };
    process::exit(code as i32);
}

fn run_server(options: &ServeOptions) -> ExitCode {
    seathold::admin::init_log();
    match serve(options) {
        Ok(()) => ExitCode::Ok,
        Err(error) => {
            // One line of the log for each wrong row of a timetable.
            error.to_string().lines().for_each(|line| log::error!("{line}"));
            error.exit_code()
        }
    }
}

fn run_create_ledger(options: &CreateOptions) -> ExitCode {
    match create_ledger(options) {
        Ok(()) => {
            println!("created {} with {} partitions", options.ledger, options.partitions);
            ExitCode::Ok
        }
        Err(error) => {
            eprintln!("seathold create-ledger: {error}");
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
