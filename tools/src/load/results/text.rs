//! The result of a run as a page for people: sales, refusals and errors apart.

use super::figures::{counted, duration, grouped, whole};
use super::report::{IntervalReport, LatenciesReport, Latency, RateStepReport, Report};
use crate::load::step::Step;
use std::fmt;

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { workload, url, server, server_cores, connections, in_flight, seconds, .. } = self;
        let route = if self.shard_aware { ", straight to the owners" } else { "" };
        let cores = counted(*server_cores as u64, "core", "cores");
        writeln!(f, "{workload} on {url} ({server}, {cores}), {} loop{route}", self.r#loop)?;
        let connections = counted(*connections as u64, "connection", "connections");
        let threads = counted(self.threads as u64, "thread", "threads");
        write!(f, "{connections} x {in_flight} in flight, {threads}, ")?;
        write!(f, "{seconds} s after {} s of warm-up", self.warmup_seconds)?;
        if self.departures > 0 {
            let departures = counted(self.departures as u64, "departure", "departures");
            write!(f, ", {departures}, parties of {}, seed {}", self.party, self.seed)?;
        }
        write!(f, "\n{}", self.demand)?;
        writeln!(f, "\n")?;
        writeln!(
            f,
            "{:<22}{:>12}{:>14}{:>10}{:>10}{:>10}{:>10}{:>10}",
            "", "a second", "answers", "p50", "p90", "p99", "p99.9", "max"
        )?;
        for (name, step) in &self.steps {
            let refused =
                if *name == Step::Refused.name() { (*name).to_owned() } else { format!("{name} refused") };
            for (name, part) in [((*name).to_owned(), step.done), (refused, step.refused)] {
                let Some(part) = part else { continue };
                write!(f, "{name:<22}{:>12}{:>14}", whole(part.requests_per_second), grouped(part.requests))?;
                writeln!(f, "{}", Columns(part.latency_us))?;
            }
        }
        if [Step::Reserve, Step::Hold].iter().any(|step| self.steps.contains_key(step.name())) {
            let accepted = grouped(self.accepted);
            writeln!(f, "{:<22}{:>12}{accepted:>14}", "accepted", whole(self.accepted_per_second))?;
        }
        writeln!(f, "{:<22}{:>12}{:>14}", "refused", whole(self.refused_per_second), grouped(self.refused))?;
        for (status, count) in &self.refusals {
            writeln!(f, "  {status:<32}{:>14}", grouped(*count))?;
        }
        writeln!(f, "{:<22}{:>26}", "errors", grouped(self.errors))?;
        let named = [
            ("connections lost", self.connections_lost),
            ("lost with a connection", self.lost_with_connections),
            ("no answer in 5 s", self.timeouts),
            ("due and never sent", self.unsent),
            ("unreadable", self.unreadable),
        ];
        let unexpected = self.unexpected.iter().map(|(status, count)| (*status, *count));
        for (name, count) in named.into_iter().chain(unexpected).filter(|(_, count)| *count > 0) {
            writeln!(f, "  {name:<32}{:>14}", grouped(count))?;
        }
        self.latencies.fmt(f)?;
        self.rate_steps.iter().try_for_each(|step| step.fmt(f))?;
        if let Some(findings) = &self.oracle {
            write!(f, "{findings}")?;
        }
        for missed in &self.slo_missed {
            writeln!(f, "missed: {missed}")?;
        }
        for why in &self.why_not {
            writeln!(f, "not valid: {why}")?;
        }
        Ok(())
    }
}

impl fmt::Display for LatenciesReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (name, waits) in [("done", self.done), ("refused", self.refused)] {
            let Some(waits) = waits else { continue };
            writeln!(
                f,
                "{:<48}{}",
                format!("{name}, from intended to answered"),
                Columns(waits.response_us)
            )?;
            writeln!(f, "{:<48}{}", format!("{name}, from sent to answered"), Columns(waits.service_us))?;
        }
        self.lateness_us.map_or(Ok(()), |lateness| {
            writeln!(f, "{:<48}{}", "lateness, from sendable to sent", Columns(lateness))
        })
    }
}

/// A row of the table: what was done at a rate, and beside it what was not.
impl fmt::Display for RateStepReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let IntervalReport { seconds, done, refused, errors, done_us, .. } = self.came;
        let name = format!("due: {} a second", self.rate);
        write!(f, "{name:<22}{:>12}{:>14}", whole(done as f64 / seconds), grouped(done))?;
        match done_us {
            Some(latency) => write!(f, "{}", Columns(latency))?,
            None => write!(f, "{:>10}", "-")?,
        }
        for (name, count) in [("refused", refused), ("errors", errors)] {
            if count > 0 {
                write!(f, "  {} {name}", grouped(count))?;
            }
        }
        writeln!(f)
    }
}

/// The columns of the table that hold a latency.
struct Columns(Latency);

impl fmt::Display for Columns {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Latency { p50, p90, p99, p999, max } = self.0;
        [p50, p90, p99, p999, max].iter().try_for_each(|us| write!(f, "{:>10}", duration(*us)))
    }
}

#[cfg(test)]
mod tests {
    use crate::load::results::report::{RateStepReport, StepReport};
    use crate::load::results::summary;

    #[test]
    fn the_page_keeps_sales_refusals_and_errors_apart() {
        let page = summary::tests::report().to_string();
        for line in [
            "accepted                     1,500         3,000",
            "reserve refused                  1             1    100 us",
            "done, from intended to answered",
            "refused, from sent to answered",
            "  SOLD_OUT  ",
            "  no answer in 5 s  ",
            "not valid: ",
        ] {
            assert!(page.contains(line), "`{line}` is missing in:\n{page}");
        }
        assert!(page.contains("2.00 ms"), "{page}");
    }

    #[test]
    fn lateness_is_told_of_an_open_loop_alone() {
        let mut report = summary::tests::report();
        assert!(!report.to_string().contains("lateness"), "{report}");
        report.latencies.lateness_us = Some(report.latency_us);
        assert!(report.to_string().contains("lateness, from sendable to sent"), "{report}");
    }

    #[test]
    fn the_page_has_no_plural_of_one() {
        let page = summary::tests::report().to_string();
        assert!(page.contains(", 2 cores), closed loop"), "{page}");
        assert!(page.contains("64 connections x 32 in flight, 1 thread, "), "{page}");
    }

    #[test]
    fn each_rate_of_a_run_has_a_row() {
        let mut report = summary::tests::report();
        report.rate_steps = [1_000.0, 2_000.0]
            .into_iter()
            .zip(&report.series)
            .map(|(rate, came)| RateStepReport { rate, came: *came })
            .collect();
        let page = report.to_string();
        let rows: Vec<_> = page.lines().filter(|line| line.starts_with("due: ")).collect();
        assert_eq!(rows.len(), 2, "{page}");
        assert!(rows[0].starts_with("due: 1000 a second           6,000         6,000"), "{page}");
        assert!(rows[0].ends_with("  1 refused") && rows[1].ends_with("0         -"), "{page}");
    }

    #[test]
    fn each_row_of_refusals_says_whose_they_are() {
        let mut report = summary::tests::report();
        let reserve = report.steps["reserve"];
        report.steps.insert("refused", StepReport { done: None, ..reserve });
        let page = report.to_string();
        let labels: Vec<_> = page.lines().skip(5).take(4).map(|row| row[..22].trim_end()).collect();
        assert_eq!(labels, ["confirm", "refused", "reserve", "reserve refused"], "{page}");
    }
}
