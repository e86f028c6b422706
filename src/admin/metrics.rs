//! The metrics page: every figure of the server in Prometheus' text exposition format 0.0.4
//! (<https://prometheus.io/docs/instrumenting/exposition_formats/>). Written by hand: the figures are plain atomics,
//! so a registry would only be a second list of them, and prometheus-client writes OpenMetrics instead.

use super::Watched;
use crate::counters::Counter;
use crate::ledger::{Health, LedgerFigures, redis};
use seathold_protocol::status::Status;
use std::fmt::{Display, Write};
use std::sync::atomic::Ordering::Relaxed;
use std::time::SystemTime;

pub(super) const CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// The whole page.
pub(super) fn render(watched: &Watched) -> String {
    let mut page = Exposition::default();
    facts(&mut page, watched);
    cores(&mut page, watched);
    ledger(&mut page, &watched.ledger);
    if let Some(figures) = &watched.redis {
        redis(&mut page, figures);
    }
    page.text
}

fn facts(page: &mut Exposition, watched: &Watched) {
    page.family("build_info", "gauge", "The version of the server, always 1.");
    page.sample("build_info", &[("version", env!("CARGO_PKG_VERSION"))], 1);
    let up_since = watched.up_since.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    page.single("up_since", "gauge", "When the server was ready, in Unix seconds.", up_since.as_secs());
    page.single("departures", "gauge", "Departures in the timetable that is loaded.", watched.departures);
    page.single("partitions", "gauge", "Partitions of the ledger.", watched.partitions);
}

fn cores(page: &mut Exposition, watched: &Watched) {
    let cores = || watched.counters.iter().enumerate().map(|(core, counters)| (core.to_string(), counters));
    for counter in Counter::ALL {
        let name = format!("{}_total", counter.name());
        page.family(&name, "counter", counter.help());
        for (core, counters) in cores() {
            page.sample(&name, &[("core", &core)], counters.get(*counter));
        }
    }
    page.family("refused_total", "counter", "Requests answered with a status other than OK, by that status.");
    for status in Status::ALL.iter().filter(|status| **status != Status::Ok) {
        for (core, counters) in cores() {
            let labels = [("core", &*core), ("status", status.name())];
            page.sample("refused_total", &labels, counters.refusals(*status));
        }
    }
}

fn ledger(page: &mut Exposition, figures: &LedgerFigures) {
    let counters = [
        ("ledger_batches_total", "Batches made durable.", &figures.batches),
        ("ledger_records_total", "Records made durable.", &figures.records),
        ("ledger_bytes_total", "Encoded bytes of the batches made durable.", &figures.bytes),
        (
            "ledger_groups_total",
            "Appends to the log, each of all batches that waited for it.",
            &figures.groups,
        ),
        ("ledger_no_space_total", "Appends that were tried and found no room.", &figures.no_space),
        ("ledger_away_total", "Appends that were tried and found the log away.", &figures.away),
        (
            "ledger_stalls_total",
            "Times that the log could not be written, each for one try or many.",
            &figures.stalls,
        ),
    ];
    for (name, help, figure) in counters {
        page.single(name, "counter", help, figure.load(Relaxed));
    }
    page.family(
        "ledger_health",
        "gauge",
        "1 for what the log takes now, else 0: fine is everything, full is what gives places back, stalled is nothing.",
    );
    for health in Health::ALL {
        let holds = u8::from(health == figures.health());
        page.sample("ledger_health", &[("is", health.name())], holds);
    }
    page.single(
        "ledger_fenced_partitions",
        "gauge",
        "Partitions that another server has taken over: their departures are UNAVAILABLE here.",
        figures.fenced.load(Relaxed),
    );

    let name = "ledger_append_seconds";
    page.family(name, "histogram", "How long appends took, write and sync together.");
    let mut appends = 0;
    for (bound_us, count) in figures.append_us_buckets() {
        appends += count;
        let bound = seconds(bound_us).to_string();
        page.sample(&format!("{name}_bucket"), &[("le", &bound)], appends);
    }
    // Read while the ledger thread counts, the groups may lag behind the buckets; a histogram never falls.
    let appends = appends.max(figures.groups.load(Relaxed));
    page.sample(&format!("{name}_bucket"), &[("le", "+Inf")], appends);
    page.sample(&format!("{name}_sum"), &[], seconds(figures.append_us_sum()));
    page.sample(&format!("{name}_count"), &[], appends);
    let longest = seconds(figures.append_us_max());
    page.single("ledger_append_max_seconds", "gauge", "The longest append since the start.", longest);
}

fn redis(page: &mut Exposition, figures: &redis::Figures) {
    page.family("redis_server_info", "gauge", "A primary of the ledger as it was found last, always 1.");
    for (node, found) in figures.found() {
        let appendfsync = match (found.append_only, found.appendfsync) {
            (false, _) => "off".to_owned(),
            (true, None) => "unknown".to_owned(),
            (true, Some(appendfsync)) => appendfsync.to_string(),
        };
        let labels = [
            ("node", &*node.to_string()),
            ("server", &*found.flavor.to_string()),
            ("version", &*found.version.to_string()),
            ("appendfsync", &*appendfsync),
        ];
        page.sample("redis_server_info", &labels, 1);
    }
    page.family("redis_replicas", "gauge", "Replicas of a primary that are in sync.");
    for (node, found) in figures.found() {
        page.sample("redis_replicas", &[("node", &node.to_string())], found.replicas);
    }
    let counters = [
        ("redis_connections_total", "Connections made to servers of the ledger.", &figures.connected),
        (
            "redis_dropped_total",
            "Connections given up because a reply was late or they broke.",
            &figures.dropped,
        ),
        ("redis_settled_total", "Batches found to be in when they were sent again.", &figures.settled),
        (
            "redis_lost_batches_total",
            "Acknowledged batches that Redis had lost and that were appended again from memory.",
            &figures.lost_batches,
        ),
        (
            "redis_unproven_total",
            "Pipelines sent again because the server did not say that they are as durable as asked.",
            &figures.unproven,
        ),
        ("redis_scripts_loaded_total", "Times that the append step was loaded.", &figures.scripts_loaded),
        ("redis_retargeted_total", "Times that a slot was found on another node.", &figures.retargeted),
    ];
    for (name, help, figure) in counters {
        page.single(name, "counter", help, figure.load(Relaxed));
    }
}

fn seconds(us: u64) -> f64 {
    us as f64 / 1e6
}

/// A page in the making. Names get their prefix here; help texts and label values are our own words, without a line
/// break, a quote or a backslash to escape.
#[derive(Default)]
struct Exposition {
    text: String,
}

impl Exposition {
    fn family(&mut self, name: &str, kind: &str, help: &str) {
        self.line(format_args!("# HELP seathold_{name} {help}"));
        self.line(format_args!("# TYPE seathold_{name} {kind}"));
    }

    fn sample(&mut self, name: &str, labels: &[(&str, &str)], value: impl Display) {
        if labels.is_empty() {
            return self.line(format_args!("seathold_{name} {value}"));
        }
        let labels: Vec<_> = labels.iter().map(|(label, value)| format!("{label}=\"{value}\"")).collect();
        self.line(format_args!("seathold_{name}{{{}}} {value}", labels.join(",")));
    }

    /// A family of one sample without labels.
    fn single(&mut self, name: &str, kind: &str, help: &str, value: impl Display) {
        self.family(name, kind, help);
        self.sample(name, &[], value);
    }

    fn line(&mut self, line: impl Display) {
        writeln!(self.text, "{line}").expect("a string takes all that is written to it");
    }
}

#[cfg(test)]
mod tests;
