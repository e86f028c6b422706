//! `seathold-cli`: every request of the protocol from a shell, and a ledger read from outside.
//!
//! ```text
//!  arguments ──► connection ──► SDK ──► reply ──┐
//!      │            train: names and stops      ├──► output: a text for a person, or one JSON object
//!      └───────► ledger ──► tail, audit ────────┘
//!                                    failure: a sentence that says what to do, and an exit code
//! ```

mod advice;
mod audit;
mod availability;
mod connection;
mod dates;
mod exit;
mod failure;
mod group;
mod ids;
mod ledger;
mod matrix;
mod output;
mod ping;
mod record_line;
mod remaining;
mod reserve;
mod resolve;
mod sale;
mod spans;
mod stats;
mod stops;
mod table;
mod tail;
mod target;
mod ticket;
mod train;

pub use exit::Exit;

use clap::{Parser, Subcommand};
use connection::ServerOptions;
use output::Output;

/// Ask a Seathold server, reserve by hand, read a ledger
#[derive(Debug, Parser)]
#[command(name = "seathold-cli", version, arg_required_else_help = true, after_help = Exit::TABLE)]
pub struct Arguments {
    /// Print JSON: one object per result, and one with a `message` if there is none
    #[arg(long, global = true)]
    json: bool,
    #[command(flatten)]
    server: ServerOptions,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Is the server there, and how fast does it answer
    Ping(ping::Ping),
    /// A train on a date: its stops, classes and sale
    Resolve(resolve::Resolve),
    /// Free places of a train on a date
    Availability(availability::Availability),
    /// Hold places
    Reserve(reserve::Reserve),
    /// Make a hold sold
    Confirm(target::Which),
    /// Give a hold back
    Cancel(target::Which),
    /// Give sold places back
    Refund(target::Which),
    /// The present state of a reservation
    Lookup(target::Which),
    /// Operator: open the sale of a train on a date
    Open(sale::Open),
    /// Operator: close the sale of a train on a date
    Close(sale::Close),
    /// Operator: the server's counters
    Stats(stats::Stats),
    /// The records of a ledger as JSON lines; needs no server
    #[command(after_help = tail::GROUPS)]
    Tail(tail::Tail),
    /// Prove from a ledger that nothing was sold twice or lost; needs no server
    Audit(audit::Audit),
}

/// Does what the arguments say and tells the result on stdout, a failure on stderr.
pub fn run(arguments: Arguments) -> Exit {
    let Arguments { server, json, command } = arguments;
    let output = Output::new(json);
    let result = match command {
        Command::Ping(ping) => ping.run(&server, output),
        Command::Resolve(resolve) => resolve.run(&server, output),
        Command::Availability(availability) => availability.run(&server, output),
        Command::Reserve(reserve) => reserve.run(&server, output),
        Command::Confirm(which) => which.run(target::Verb::Confirm, &server, output),
        Command::Cancel(which) => which.run(target::Verb::Cancel, &server, output),
        Command::Refund(which) => which.run(target::Verb::Refund, &server, output),
        Command::Lookup(which) => which.run(target::Verb::Lookup, &server, output),
        Command::Open(open) => open.run(&server, output),
        Command::Close(close) => close.run(&server, output),
        Command::Stats(stats) => stats.run(&server, output),
        Command::Tail(tail) => tail.run(output),
        Command::Audit(audit) => audit.run(output),
    };
    result.unwrap_or_else(|failure| output.fail(&failure))
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_command_line_contradicts_itself_nowhere() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn wrong_arguments_are_refused_before_anything_is_sent() {
        let refused = |line: &str| {
            let words = ["seathold-cli"].into_iter().chain(line.split_whitespace());
            Arguments::try_parse_from(words).expect_err(line).to_string()
        };
        assert!(refused("resolve G1 2026-02-30").contains("write YYYY-MM-DD"));
        assert!(refused("availability G1 2026-10-01 --from A").contains("--to"));
        let reserve = "reserve G1 2026-10-01 --class second --from A --to B";
        assert!(refused(&format!("{reserve} --passengers 0")).contains("1..=9"));
        assert!(refused(&format!("{reserve} --passengers 10")).contains("1..=9"));
        assert!(refused(&format!("{reserve} --hold soon")).contains("10m"));
        assert!(refused(&format!("{reserve} --seat-letters 7")).contains("letter"));
        assert!(refused(&format!("{reserve} --id xyz")).contains("hexadecimal"));
        assert!(refused("confirm 1").contains("--departure"));
        assert!(refused("confirm 1 --train G1").contains("--date"));
        assert!(refused("open G1 2026-10-01 --released 0").contains("1..=100"));
        assert!(refused("tail redis://127.0.0.1:x").contains("server 1 of the URL"));
        assert!(refused("tail redis://127.0.0.1 --remove").contains("--group"));
        assert!(refused("tail redis://127.0.0.1 --consumer a").contains("--group"));
        assert!(refused("tail redis://127.0.0.1 --group a --remove --follow").contains("--follow"));
        assert!(refused("ping --count 0").contains("1..="));
    }
}
