//! The result of a run as an object for programs: what `--json` prints and `report.json` holds.
//!
//! This is the one place that documents its keys. They are stable: what is added gets a new key, and a change of meaning
//! a higher `schema`.

use super::configuration::Configuration;
use super::host::{Host, Program};
use super::summary::Distributions;
use crate::load::habits::Parties;
use crate::load::oracle::Findings;
use serde::Serialize;
use std::collections::BTreeMap;

/// The version of the JSON object.
pub(super) const SCHEMA: u32 = 3;

/// What was measured. Refusals are results; errors are not.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    /// Version of these keys.
    pub schema: u32,
    /// `open`: requests are due at a rate; `closed`: the next request waits for an answer.
    pub r#loop: &'static str,
    /// The server's URL.
    pub url: String,
    /// Its name and version.
    pub server: String,
    /// Its cores.
    pub server_cores: usize,
    /// What was asked.
    pub workload: String,
    /// When requests are due and how buyers behave, in the options that say so.
    pub demand: String,
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
    /// Passengers of one reservation: a number, or a text of numbers with weights.
    pub party: Parties,
    /// Seed of the choices.
    pub seed: u64,
    /// Seconds measured.
    pub seconds: u64,
    /// Seconds before that.
    pub warmup_seconds: u64,
    /// Answers in the measured time, refusals included; in an open loop those that were due in it, however late.
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
    /// Requests that were unanswered when their connection was lost.
    pub lost_with_connections: u64,
    /// Requests given up.
    pub timeouts: u64,
    /// Requests that were due in the measured time and never sent.
    pub unsent: u64,
    /// Replies that answer nothing that was asked.
    pub unreadable: u64,
    /// Statuses that no request of this run should get.
    pub unexpected: BTreeMap<&'static str, u64>,
    /// From intended to answered, of all answers together.
    pub latency_us: Latency,
    /// By request: ping, refused, reserve, confirm, hold, cancel, refund, duplicate, lookup, availability.
    pub steps: BTreeMap<&'static str, StepReport>,
    /// What of --slo did not hold.
    pub slo_missed: Vec<String>,
    /// What --oracle found, if it was asked.
    pub oracle: Option<Findings>,
    /// The figures mean what they say.
    pub valid: bool,
    /// If not, why and what to do.
    pub why_not: Vec<String>,
    /// What was done apart from refusals.
    pub latencies: LatenciesReport,
    /// The length of an interval of `series`; its last one may be shorter.
    pub interval_seconds: u64,
    /// The measured time, interval by interval.
    pub series: Vec<IntervalReport>,
    /// Each rate of --steps, in order; empty without it.
    pub rate_steps: Vec<RateStepReport>,
    /// When the measured time began: UTC, RFC 3339.
    pub started: String,
    /// Every option, as the command line gave it.
    pub configuration: Configuration,
    /// Where the generator ran.
    pub host: Host,
    /// The generator.
    pub program: Program,
    /// What the percentiles were read from.
    #[serde(skip)]
    pub(super) distributions: Distributions,
}

/// What the three times of a request say.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct LatenciesReport {
    /// Answers that did what was asked; null if there were none.
    pub done: Option<Waits>,
    /// Refusals; null if there were none.
    pub refused: Option<Waits>,
    /// From when a request was due and had a free slot until it was sent: the generator's own lateness. Null in a closed
    /// loop, where a request is due when it is sent.
    pub lateness_us: Option<Latency>,
}

/// The same answers, from the plan's view and from the server's.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Waits {
    /// From intended to answered: what a buyer waits.
    pub response_us: Latency,
    /// From sent to answered.
    pub service_us: Latency,
}

/// What came in one interval of the measured time.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct IntervalReport {
    /// Seconds from the start of the measured time.
    pub from_s: f64,
    /// Its length.
    pub seconds: f64,
    /// Answers that did what was asked: those that came in it, and in an open loop those that were due in it.
    pub done: u64,
    /// Sales among them.
    pub accepted: u64,
    /// Refusals.
    pub refused: u64,
    /// Errors that were noticed in it, a quarter of a second late at most. What was never sent, or given up after the
    /// measured time, is in no interval.
    pub errors: u64,
    /// From intended to answered, of those done; null if there were none. Exact to a hundredth.
    pub done_us: Option<Latency>,
    /// The same of refusals.
    pub refused_us: Option<Latency>,
}

/// What came at one of the rates of --steps, in the keys of an interval.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct RateStepReport {
    /// Arrivals a second; a burst comes on top.
    pub rate: f64,
    /// What came while it was due.
    #[serde(flatten)]
    pub came: IntervalReport,
}

/// One kind of request.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct StepReport {
    /// Answers in the measured time, refusals included.
    pub requests: u64,
    /// The same per second.
    pub requests_per_second: f64,
    /// From intended to answered, of these answers.
    pub latency_us: Latency,
    /// Those that did what was asked; null if there were none.
    pub done: Option<PartReport>,
    /// Refusals; null if there were none.
    pub refused: Option<PartReport>,
}

/// A part of the answers to one kind of request.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct PartReport {
    /// Answers in the measured time.
    pub requests: u64,
    /// The same per second.
    pub requests_per_second: f64,
    /// From intended to answered.
    pub latency_us: Latency,
}

/// Percentiles in microseconds, exact to a thousandth where nothing else is said.
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

impl Report {
    /// The oracle was asked, and something that the server said does not hold.
    pub(in crate::load) fn is_not_borne_out(&self) -> bool {
        self.oracle.as_ref().is_some_and(|findings| !findings.is_clean())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::load::results::summary;
    use serde_json::Value;

    /// Every key of schema 3. Add to it freely; a key that goes or means something else raises `SCHEMA`.
    const KEYS: &str = "\
        accepted accepted_per_second configuration connections connections_lost demand departures errors host \
        host.cores host.cpu host.kernel host.memory_bytes in_flight interval_seconds latencies \
        latencies.done latencies.done.response_us latencies.done.service_us latencies.lateness_us \
        latencies.refused latencies.refused.response_us latencies.refused.service_us latency_us loop \
        lost_with_connections oracle oracle.changed oracle.checked oracle.examples oracle.lost oracle.not_checked \
        oracle.seats_sold_twice oracle.wrong_answers party program program.revision program.version rate_steps rate_steps[].accepted \
        rate_steps[].done rate_steps[].done_us rate_steps[].errors rate_steps[].from_s rate_steps[].rate \
        rate_steps[].refused rate_steps[].refused_us rate_steps[].seconds refusals refused refused_per_second requests \
        requests_per_second schema seconds seed series series[].accepted series[].done \
        series[].done_us series[].errors series[].from_s series[].refused series[].refused_us \
        series[].seconds server server_cores shard_aware slo_missed started steps steps.reserve \
        steps.reserve.done steps.reserve.done.latency_us steps.reserve.done.requests \
        steps.reserve.done.requests_per_second steps.reserve.latency_us steps.reserve.refused \
        steps.reserve.refused.latency_us steps.reserve.refused.requests \
        steps.reserve.refused.requests_per_second steps.reserve.requests \
        steps.reserve.requests_per_second threads timeouts unexpected unreadable unsent url valid \
        warmup_seconds why_not workload";

    /// Keys below `value` as paths; those of a latency, of maps by name and of all intervals but the first are left out.
    fn keys(path: &str, value: &Value, found: &mut Vec<String>) {
        match value {
            Value::Object(map) if !map.contains_key("p50") => {
                for (key, value) in map {
                    let path = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
                    found.push(path.clone());
                    if !["refusals", "unexpected", "configuration"].contains(&key.as_str()) {
                        keys(&path, value, found);
                    }
                }
            }
            Value::Array(items) => {
                items.first().into_iter().for_each(|item| keys(&format!("{path}[]"), item, found));
            }
            _ => {}
        }
    }

    #[test]
    fn the_keys_are_those_of_the_schema() {
        assert_eq!(SCHEMA, 3, "a new schema has a new list");
        let mut found = Vec::new();
        let mut report = summary::tests::report();
        report.oracle = Some(Findings::default());
        report.rate_steps.push(RateStepReport { rate: 1.0, came: report.series[0] });
        keys("", &serde_json::to_value(report).unwrap(), &mut found);
        found.retain(|key| !key.starts_with("steps.confirm"));
        found.sort();
        assert_eq!(found, KEYS.split_whitespace().collect::<Vec<_>>());
    }
}
