//! `audit`: whether a ledger keeps every promise, read from the ledger alone.

use super::exit::Exit;
use super::failure::Failure;
use super::ledger::WhichLedger;
use super::output::Output;
use super::remaining::{self, Remaining};
use super::table::{Align, Table};
use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};
use seathold::audit;
use serde::Serialize;
use std::fmt;
use std::time::Duration;

#[derive(Debug, Args)]
pub(super) struct Audit {
    #[command(flatten)]
    ledger: WhichLedger,
}

impl Audit {
    pub(super) fn run(self, output: Output) -> Result<Exit, Failure> {
        let mut reader = self.ledger.open()?;
        let before = reader.remaining()?;
        let mut audit = audit::Audit::new(reader.partitions(), reader.is_trimmed());
        let progress = progress();
        let read = reader.for_each(|batch| {
            audit.follow(&batch);
            progress.inc(u64::from(batch.records));
            Ok(())
        });
        read.and_then(|()| reader.check_tail())?;
        let after = reader.remaining()?;
        progress.finish_and_clear();
        let remaining = remaining::compare(&mut audit, &before, &after);
        let findings = Findings { remaining, ..audit.finish().into() };
        output.show(&findings)?;
        Ok(if findings.report.passes() { Exit::Done } else { Exit::Refused })
    }
}

/// Shown only on a terminal. How many records there are is known at the end alone.
fn progress() -> ProgressBar {
    let style = ProgressStyle::with_template("{spinner} {human_pos} records, {per_sec}");
    let progress = ProgressBar::new_spinner().with_style(style.expect("the template is right"));
    progress.enable_steady_tick(Duration::from_millis(100));
    progress
}

#[derive(Serialize)]
struct Findings {
    audit: &'static str,
    /// What a ledger in Redis tells other systems.
    #[serde(skip_serializing_if = "Option::is_none")]
    remaining: Option<Remaining>,
    #[serde(flatten)]
    report: audit::Report,
}

impl From<audit::Report> for Findings {
    fn from(report: audit::Report) -> Self {
        let audit = if report.passes() { "pass" } else { "fail" };
        Self { audit, remaining: None, report }
    }
}

impl fmt::Display for Findings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let report = &self.report;
        writeln!(
            f,
            "records {}, batches {}, departures {}\n",
            report.records, report.batches, report.departures
        )?;
        let states = [
            ("held", report.held),
            ("confirmed", report.confirmed),
            ("cancelled", report.cancelled),
            ("expired", report.expired),
            ("refunded", report.refunded),
        ];
        writeln!(f, "{}\n", counts("reservations", &states))?;
        let places = &report.seat_segments;
        let segments = [
            ("free", places.free),
            ("held", places.held),
            ("sold", places.sold),
            ("oversold", report.oversold),
        ];
        writeln!(f, "{}\n", counts("seat-segments", &segments))?;
        if let Some(Remaining { told, compared }) = self.remaining {
            writeln!(f, "remaining places told of {told} departures, compared of {compared}\n")?;
        }
        for violation in &report.listed {
            writeln!(f, "{violation}")?;
        }
        let unlisted = report.violations - report.listed.len() as u64;
        if unlisted > 0 {
            writeln!(f, "and {unlisted} more")?;
        }
        match report.violations {
            0 => write!(f, "audit: pass"),
            1 => write!(f, "audit: fail, 1 violation"),
            many => write!(f, "audit: fail, {many} violations"),
        }
    }
}

fn counts(title: &str, lines: &[(&str, u64)]) -> Table {
    let mut table = Table::new([(title, Align::Left), ("", Align::Right)]);
    for (name, count) in lines {
        table.row([format!("  {name}"), count.to_string()]);
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;
    use seathold::audit::{Places, Report, Violation};

    #[test]
    fn a_report_ends_with_its_verdict() {
        let violation =
            Violation { position: None, departure: None, text: "seat 3 is sold twice".to_owned() };
        let report = Report {
            batches: 2,
            records: 14,
            departures: 1,
            held: 1,
            confirmed: 10,
            seat_segments: Places { free: 5, held: 1, sold: 120 },
            oversold: 1,
            violations: 2,
            listed: vec![violation],
            ..Report::default()
        };
        let expected = "\
records 14, batches 2, departures 1

reservations
  held         1
  confirmed   10
  cancelled    0
  expired      0
  refunded     0

seat-segments
  free           5
  held           1
  sold         120
  oversold       1

seat 3 is sold twice
and 1 more
audit: fail, 2 violations";
        let findings = Findings::from(report);
        assert_eq!(findings.to_string(), expected);
        let json = serde_json::to_string(&findings).unwrap();
        assert!(json.starts_with(r#"{"audit":"fail","batches":2,"records":14,"#), "{json}");
        let findings =
            Findings { remaining: Some(Remaining { told: 4, compared: 3 }), ..Report::default().into() };
        assert!(findings.to_string().contains("told of 4 departures, compared of 3\n"), "{findings}");
        let json = serde_json::to_string(&findings).unwrap();
        assert!(json.starts_with(r#"{"audit":"pass","remaining":{"told":4,"compared":3},"#), "{json}");
    }
}
