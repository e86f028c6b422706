//! The result of a run: an object for programs, a page for people.
//!
//! The keys of the object are stable: what is added gets a new key, and a change of meaning a higher `schema`.

use super::tally::Tally;
use super::verdict::why_not;
use crate::load::options::Options;
use crate::load::step::Step;
use hdrhistogram::Histogram;
use seathold_protocol::reply::Welcome;
use serde::Serialize;
use std::collections::BTreeMap;
use std::fmt;

/// The version of the JSON object.
const SCHEMA: u32 = 1;

/// What was measured. Refusals are results; errors are not.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    /// Version of these keys.
    pub schema: u32,
    /// `closed`: the next request waits for an answer.
    pub r#loop: &'static str,
    /// The server's URL.
    pub url: String,
    /// Its name and version.
    pub server: String,
    /// Its cores.
    pub server_cores: usize,
    /// What was asked.
    pub workload: String,
    /// Connections.
    pub connections: usize,
    /// Requests in flight on each.
    pub in_flight: usize,
    /// Threads of the generator.
    pub threads: usize,
    /// Requests went to the cores that own their departures.
    pub shard_aware: bool,
    /// Departures asked for.
    pub departures: usize,
    /// Passengers of one reservation.
    pub party: u8,
    /// Seed of the choices.
    pub seed: u64,
    /// Seconds measured.
    pub seconds: u64,
    /// Seconds before that.
    pub warmup_seconds: u64,
    /// Answers in the measured time, refusals included.
    pub requests: u64,
    /// The same per second.
    pub requests_per_second: f64,
    /// Reservations held and confirmed, and holds of the workload `hold`.
    pub accepted: u64,
    /// The same per second.
    pub accepted_per_second: f64,
    /// Refusals of the domain.
    pub refused: u64,
    /// The same per second.
    pub refused_per_second: f64,
    /// The same by status.
    pub refusals: BTreeMap<&'static str, u64>,
    /// All of what follows.
    pub errors: u64,
    /// Connections lost.
    pub connections_lost: u64,
    /// Requests given up.
    pub timeouts: u64,
    /// Replies that answer nothing that was asked.
    pub unreadable: u64,
    /// Statuses that no request of this run should get.
    pub unexpected: BTreeMap<&'static str, u64>,
    /// Of all answers together.
    pub latency_us: Latency,
    /// By request: ping, refused, reserve, confirm, hold, lookup, availability.
    pub steps: BTreeMap<&'static str, StepReport>,
    /// The figures mean what they say.
    pub valid: bool,
    /// If not, why and what to do.
    pub why_not: Vec<String>,
}

/// One kind of request.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct StepReport {
    /// Answers in the measured time, refusals included.
    pub requests: u64,
    /// The same per second.
    pub requests_per_second: f64,
    /// Of these answers.
    pub latency_us: Latency,
}

/// Percentiles in microseconds, exact to a thousandth.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Latency {
    /// Half of the answers took no longer.
    pub p50: f64,
    /// 90 of 100.
    pub p90: f64,
    /// 99 of 100.
    pub p99: f64,
    /// 999 of 1,000.
    pub p999: f64,
    /// All.
    pub max: f64,
}

impl Latency {
    fn new(latency_ns: &Histogram<u64>) -> Self {
        let us = |ns: u64| (ns as f64 / 100.0).round() / 10.0;
        let at = |quantile| us(latency_ns.value_at_quantile(quantile));
        Self { p50: at(0.5), p90: at(0.9), p99: at(0.99), p999: at(0.999), max: us(latency_ns.max()) }
    }
}

impl Report {
    pub(in crate::load) fn new(
        options: &Options,
        welcome: &Welcome,
        departures: usize,
        tally: &Tally,
    ) -> Self {
        let per_second = |count: u64| (count as f64 / options.seconds as f64 * 10.0).round() / 10.0;
        let refusals: BTreeMap<_, _> =
            tally.refusals().map(|(status, count)| (status.name(), count)).collect();
        let refused = refusals.values().sum();
        let step = |step: Step| {
            let answers = tally.of(step);
            let requests = answers.total();
            let requests_per_second = per_second(requests);
            let latency_us = Latency::new(&answers.response_ns);
            (requests > 0).then_some((step.name(), StepReport { requests, requests_per_second, latency_us }))
        };
        let why_not = why_not(&options.workload, tally);
        Self {
            schema: SCHEMA,
            r#loop: "closed",
            url: options.url.to_string(),
            server: welcome.server.clone(),
            server_cores: welcome.core_ports.len(),
            workload: options.workload.to_string(),
            connections: options.connections,
            in_flight: options.in_flight,
            threads: options.threads,
            shard_aware: options.shard_aware,
            departures,
            party: options.party,
            seed: options.seed,
            seconds: options.seconds,
            warmup_seconds: options.warmup,
            requests: tally.requests(),
            requests_per_second: per_second(tally.requests()),
            accepted: tally.accepted(),
            accepted_per_second: per_second(tally.accepted()),
            refused,
            refused_per_second: per_second(refused),
            refusals,
            errors: tally.errors(),
            connections_lost: tally.connections_lost,
            timeouts: tally.timeouts,
            unreadable: tally.unreadable,
            unexpected: tally.unexpected().map(|(status, count)| (status.name(), count)).collect(),
            latency_us: Latency::new(&tally.response_ns()),
            steps: Step::ALL.into_iter().filter_map(step).collect(),
            valid: why_not.is_empty(),
            why_not,
        }
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { workload, url, server, server_cores, connections, in_flight, seconds, .. } = self;
        let route = if self.shard_aware { ", straight to the owners" } else { "" };
        writeln!(f, "{workload} on {url} ({server}, {server_cores} cores), closed loop{route}")?;
        write!(f, "{connections} connections x {in_flight} in flight, {} threads, ", self.threads)?;
        write!(f, "{seconds} s after {} s of warm-up", self.warmup_seconds)?;
        if self.departures > 0 {
            write!(f, ", {} departures, parties of {}, seed {}", self.departures, self.party, self.seed)?;
        }
        writeln!(f, "\n")?;
        writeln!(
            f,
            "{:<14}{:>12}{:>14}{:>10}{:>10}{:>10}{:>10}{:>10}",
            "", "a second", "answers", "p50", "p90", "p99", "p99.9", "max"
        )?;
        for (name, step) in &self.steps {
            let Latency { p50, p90, p99, p999, max } = step.latency_us;
            write!(f, "{name:<14}{:>12}{:>14}", whole(step.requests_per_second), grouped(step.requests))?;
            for us in [p50, p90, p99, p999, max] {
                write!(f, "{:>10}", duration(us))?;
            }
            writeln!(f)?;
        }
        if [Step::Reserve, Step::Hold].iter().any(|step| self.steps.contains_key(step.name())) {
            let accepted = grouped(self.accepted);
            writeln!(f, "{:<14}{:>12}{accepted:>14}", "accepted", whole(self.accepted_per_second))?;
        }
        writeln!(f, "{:<14}{:>12}{:>14}", "refused", whole(self.refused_per_second), grouped(self.refused))?;
        for (status, count) in &self.refusals {
            writeln!(f, "  {status:<24}{:>14}", grouped(*count))?;
        }
        writeln!(f, "{:<14}{:>26}", "errors", grouped(self.errors))?;
        let named = [
            ("connections lost", self.connections_lost),
            ("no answer in 5 s", self.timeouts),
            ("unreadable", self.unreadable),
        ];
        let unexpected = self.unexpected.iter().map(|(status, count)| (*status, *count));
        for (name, count) in named.into_iter().chain(unexpected).filter(|(_, count)| *count > 0) {
            writeln!(f, "  {name:<24}{:>14}", grouped(count))?;
        }
        for why in &self.why_not {
            writeln!(f, "not valid: {why}")?;
        }
        Ok(())
    }
}

fn whole(rate: f64) -> String {
    grouped(rate.round() as u64)
}

/// 1234567 as 1,234,567.
pub(in crate::load) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() * 4 / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

fn duration(us: f64) -> String {
    match us {
        us if us < 1_000.0 => format!("{us:.0} us"),
        us if us < 1_000_000.0 => format!("{:.2} ms", us / 1e3),
        us => format!("{:.2} s", us / 1e6),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::load::results::tally::Times;
    use crate::load::step::Outcome;
    use clap::Parser;
    use seathold_protocol::status::Status;

    fn took(nanoseconds: u64) -> Times {
        Times { intended_ns: 0, sent_ns: 0, answered_ns: nanoseconds }
    }

    fn report() -> Report {
        let line = ["seathold-load", "--workload", "sale", "--seconds", "2"];
        let options = Options::try_parse_from(line).unwrap();
        let welcome = Welcome {
            version: 1,
            core: 0,
            operator: false,
            credit: 1_024,
            request_bytes_max: 512,
            reply_bytes_max: 262_144,
            core_ports: vec![1, 2],
            partition_cores: vec![0, 1],
            server: "seathold/0".to_owned(),
        };
        let mut tally = Tally::new();
        for _ in 0..3_000 {
            tally.count(Step::Reserve, Outcome::Done, took(2_000_000), true);
            tally.count(Step::Confirm, Outcome::Done, took(1_000_000), true);
        }
        tally.count(Step::Reserve, Outcome::Refused(Status::SoldOut), took(100_000), true);
        tally.timeouts = 1;
        Report::new(&options, &welcome, 15, &tally)
    }

    #[test]
    fn the_object_has_the_promised_keys() {
        let object = serde_json::to_value(report()).unwrap();
        assert_eq!(object["requests"], 6_001);
        assert_eq!(object["accepted_per_second"], 1_500.0);
        assert_eq!(object["refused"], 1);
        assert_eq!(object["refusals"]["SOLD_OUT"], 1);
        assert_eq!((&object["errors"], &object["timeouts"]), (&1.into(), &1.into()));
        assert_eq!(object["valid"], false);
        assert_eq!(object["loop"], "closed");
        let p50 = object["steps"]["confirm"]["latency_us"]["p50"].as_f64().unwrap();
        assert!((999.0..1_001.0).contains(&p50), "{p50}");
        for key in ["workload", "connections", "in_flight", "seconds", "requests_per_second", "why_not"] {
            assert!(!object[key].is_null(), "{key} is missing");
        }
        for key in ["p50", "p90", "p99", "p999", "max"] {
            assert!(object["latency_us"][key].is_number(), "{key} is missing");
        }
    }

    #[test]
    fn the_page_keeps_sales_refusals_and_errors_apart() {
        let page = report().to_string();
        for line in [
            "accepted             1,500         3,000",
            "  SOLD_OUT  ",
            "  no answer in 5 s  ",
            "not valid: ",
        ] {
            assert!(page.contains(line), "`{line}` is missing in:\n{page}");
        }
        assert!(page.contains("2.00 ms"), "{page}");
    }

    #[test]
    fn numbers_are_grouped_by_three() {
        assert_eq!([0, 999, 1_000, 1_234_567].map(grouped), ["0", "999", "1,000", "1,234,567"]);
    }
}
