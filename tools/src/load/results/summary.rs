//! From what was counted to the report.

use super::host::{Host, Program};
use super::latencies::Latencies;
use super::report::{
    IntervalReport, LatenciesReport, Latency, PartReport, RateStepReport, Report, SCHEMA, StepReport, Waits,
};
use super::series::Interval;
use super::tally::Tally;
use super::verdict::why_not;
use crate::load::options::Options;
use crate::load::step::Step;
use hdrhistogram::{Counter, Histogram};
use jiff::Timestamp;
use seathold_protocol::reply::Welcome;
use std::collections::BTreeMap;
use std::time::{Duration, SystemTime};

/// Whole histograms, in nanoseconds, for the files that hold them.
#[derive(Clone, Debug)]
pub(super) struct Distributions {
    /// From intended to answered.
    pub(super) response: Latencies<u64>,
    /// From sent to answered.
    pub(super) service: Latencies<u64>,
    /// From when a request was due and could be sent until it was; empty in a closed loop.
    pub(super) lateness_ns: Histogram<u64>,
    pub(super) intervals: Vec<Interval>,
    /// When the measured time began.
    pub(super) started: SystemTime,
}

impl Latency {
    pub(super) fn new<C: Counter>(latency_ns: &Histogram<C>) -> Self {
        let us = |ns: u64| (ns as f64 / 100.0).round() / 10.0;
        let at = |quantile| us(latency_ns.value_at_quantile(quantile));
        Self { p50: at(0.5), p90: at(0.9), p99: at(0.99), p999: at(0.999), max: us(latency_ns.max()) }
    }

    fn of_any<C: Counter>(latency_ns: &Histogram<C>) -> Option<Self> {
        (!latency_ns.is_empty()).then(|| Self::new(latency_ns))
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
            let latency_us = Latency::new(&answers.response.all_ns());
            let part = |latency_ns: &Histogram<u64>| {
                let latency_us = Latency::of_any(latency_ns)?;
                let requests = latency_ns.len();
                Some(PartReport { requests, requests_per_second: per_second(requests), latency_us })
            };
            let (done, refused) = (part(&answers.response.done_ns), part(&answers.response.refused_ns));
            let report = StepReport { requests, requests_per_second, latency_us, done, refused };
            (requests > 0).then_some((step.name(), report))
        };
        let distributions = Distributions {
            response: tally.response(),
            service: tally.service.clone(),
            lateness_ns: tally.lateness_ns.clone(),
            intervals: tally.series.intervals().to_vec(),
            started: tally.began + Duration::from_secs(options.warmup),
        };
        let rates = options.shape.steps.iter().zip(tally.rate_steps.intervals());
        let rate_steps = rates
            .map(|(rate, came)| RateStepReport { rate: *rate, came: IntervalReport::new(came) })
            .collect();
        let why_not = why_not(&options.workload, tally);
        Self {
            schema: SCHEMA,
            r#loop: if options.shape.closed { "closed" } else { "open" },
            url: options.url.to_string(),
            server: welcome.server.clone(),
            server_cores: welcome.core_ports.len(),
            workload: options.workload.to_string(),
            demand: options.demand(),
            connections: options.connections,
            in_flight: options.in_flight,
            threads: options.threads,
            shard_aware: options.shard_aware,
            departures,
            party: options.habits.party.clone(),
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
            lost_with_connections: tally.lost_with_connections,
            timeouts: tally.timeouts,
            unsent: tally.unsent + tally.unsent_for_lack_of_time,
            unreadable: tally.unreadable,
            unexpected: tally.unexpected().map(|(status, count)| (status.name(), count)).collect(),
            latency_us: Latency::new(&distributions.response.all_ns()),
            steps: Step::ALL.into_iter().filter_map(step).collect(),
            slo_missed: Vec::new(),
            oracle: None,
            valid: why_not.is_empty(),
            why_not,
            latencies: distributions.summary(),
            interval_seconds: tally.series.interval_seconds(),
            series: distributions.intervals.iter().map(IntervalReport::new).collect(),
            rate_steps,
            started: rfc_3339(distributions.started),
            configuration: options.output.configuration.clone(),
            host: Host::this(),
            program: Program::this(),
            distributions,
        }
    }
}

impl Distributions {
    fn summary(&self) -> LatenciesReport {
        let waits = |response_ns, service_ns| {
            Some(Waits {
                response_us: Latency::of_any(response_ns)?,
                service_us: Latency::of_any(service_ns)?,
            })
        };
        LatenciesReport {
            done: waits(&self.response.done_ns, &self.service.done_ns),
            refused: waits(&self.response.refused_ns, &self.service.refused_ns),
            lateness_us: Latency::of_any(&self.lateness_ns),
        }
    }
}

impl IntervalReport {
    fn new(interval: &Interval) -> Self {
        let Interval { from_s, seconds, accepted, errors, ref response } = *interval;
        Self {
            from_s,
            seconds,
            done: response.done_ns.len(),
            accepted,
            refused: response.refused_ns.len(),
            errors,
            done_us: Latency::of_any(&response.done_ns),
            refused_us: Latency::of_any(&response.refused_ns),
        }
    }
}

fn rfc_3339(time: SystemTime) -> String {
    Timestamp::try_from(time).map_or_else(|_| String::new(), |time| format!("{time:.3}"))
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::load::results::counter::tests::{counter, on_time};
    use crate::load::step::Outcome;
    use clap::Parser;
    use seathold_protocol::status::Status;

    pub(in crate::load::results) fn report() -> Report {
        let line = ["seathold-load", "--closed", "--workload", "sale", "--seconds", "2"];
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
        let mut counter = counter(0..2_000_000_000);
        for _ in 0..3_000 {
            counter.count(Step::Reserve, Outcome::Done, on_time(0, 2_000_000));
            counter.count(Step::Confirm, Outcome::Done, on_time(0, 1_000_000));
        }
        counter.count(Step::Reserve, Outcome::Refused(Status::SoldOut), on_time(0, 100_000));
        counter.tally.timeouts = 1;
        Report::new(&options, &welcome, 15, &counter.end())
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
}
