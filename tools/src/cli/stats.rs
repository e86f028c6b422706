//! `stats`: the server's counters, grouped for a person.
//!
//! The names are the server's. They are grouped by what they begin with, so that a counter of a newer server
//! shows up too.

use super::connection::ServerOptions;
use super::exit::Exit;
use super::failure::Failure;
use super::output::Output;
use super::table::{Align, Table};
use clap::Args;
use serde::{Serialize, Serializer};
use std::fmt;

#[derive(Debug, Args)]
pub(super) struct Stats {}

impl Stats {
    pub(super) fn run(self, server: &ServerOptions, output: Output) -> Result<Exit, Failure> {
        let counters = server.connect()?.stats()?;
        output.show(&Figures(counters))
    }
}

/// Names and values, sorted by name.
struct Figures(Vec<(String, u64)>);

/// The groups in the order in which they are shown; what fits none comes last.
const GROUPS: [(&str, &[&str]); 4] = [
    (
        "reservations",
        &["reserved", "confirmed", "cancelled", "expired", "looked_up", "sale_", "departures_", "refunded"],
    ),
    ("refusals", &["refused_"]),
    (
        "connections",
        &["accept", "answers_", "broken_", "bytes_", "connections_", "frame_", "hello_", "write_"],
    ),
    ("ledger", &["ledger_"]),
];

fn group_of(name: &str) -> usize {
    let has_name = |(_, prefixes): &(&str, &[&str])| prefixes.iter().any(|prefix| name.starts_with(prefix));
    GROUPS.iter().position(has_name).unwrap_or(GROUPS.len())
}

impl fmt::Display for Figures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let titles = GROUPS.iter().map(|(title, _)| *title).chain(["server"]);
        let mut is_first = true;
        for (group, title) in titles.enumerate() {
            let mut table = Table::new([(title, Align::Left), ("", Align::Right)]);
            // Most reasons to refuse never occur: a page of zeros would hide the others.
            let shown = |(name, value): &&(String, u64)| {
                group_of(name) == group && (*value > 0 || !name.starts_with("refused_"))
            };
            let mut rows = 0;
            for (name, value) in self.0.iter().filter(shown) {
                table.row([format!("  {name}"), value.to_string()]);
                rows += 1;
            }
            if rows > 0 {
                let gap = if is_first { "" } else { "\n\n" };
                write!(f, "{gap}{table}")?;
                is_first = false;
            }
        }
        Ok(())
    }
}

impl Serialize for Figures {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(name, value)| (name, value)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_leave_out_refusals_that_never_happened() {
        let named = |(name, value): (&str, u64)| (name.to_owned(), value);
        let figures = Figures(
            [
                ("bytes_read", 1_024),
                ("cores", 2),
                ("refused_closed", 0),
                ("refused_sold_out", 9),
                ("reserved", 31),
            ]
            .map(named)
            .to_vec(),
        );
        let expected = "\
reservations
  reserved    31

refusals
  refused_sold_out  9

connections
  bytes_read  1024

server
  cores  2";
        assert_eq!(figures.to_string(), expected);
        let json = serde_json::to_string(&figures).unwrap();
        assert_eq!(
            json,
            r#"{"bytes_read":1024,"cores":2,"refused_closed":0,"refused_sold_out":9,"reserved":31}"#
        );
    }
}
