//! The demo's result, for a person and for a program.

use super::crowd::Crowd;
use super::history::History;
use super::last_wave::Wave;
use super::rush::Tally;
use super::{DemoOptions, LedgerKind};
use crate::audit::{Audit, Report};
use indicatif::HumanCount;
use serde::Serialize;
use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

/// What the parts of a run have brought.
pub(super) struct Run {
    pub(super) tally: Tally,
    /// How long the rush took.
    pub(super) rush: Duration,
    pub(super) wave: Wave,
    /// From each SIGKILL to a server that takes requests.
    pub(super) recoveries: Vec<Duration>,
    pub(super) audit: Audit,
}

/// What the demo found.
#[derive(Clone, Debug, Serialize)]
pub struct DemoReport {
    /// Buyers in the rush.
    pub buyers: u64,
    /// Departures on sale.
    pub departures: u64,
    /// Their places.
    pub places: u64,
    /// The seed of the run.
    pub seed: u64,
    /// Where the ledger was.
    pub ledger: LedgerKind,
    /// Requests for places that got a hold, the last wave's included.
    pub accepted: u64,
    /// Holds given to buyers who came later, on places that others gave back.
    pub accepted_late: u64,
    /// Requests for places that were refused, the last wave's included.
    pub refused: u64,
    /// Those of the rush by reason.
    pub refused_by_reason: BTreeMap<&'static str, u64>,
    /// Reservations by their last state in the ledger.
    pub confirmed: u64,
    /// Likewise.
    pub cancelled: u64,
    /// Likewise.
    pub expired: u64,
    /// Likewise.
    pub refunded: u64,
    /// CONFIRMs of the rush that came after the hold had run out, and were told so.
    pub confirmed_too_late: u64,
    /// Requests of the last wave.
    pub last_wave: u64,
    /// Of these, sold.
    pub last_wave_sold: u64,
    /// Seat-segments sold, of all that there are.
    pub seat_segments_sold: u64,
    /// All of them.
    pub seat_segments: u64,
    /// Places that two reservations had at once.
    pub oversold: u64,
    /// Acknowledged answers that the ledger does not bear out.
    pub lost: u64,
    /// Seat-segments that are free after the last wave, or still in a hold.
    pub unsold: u64,
    /// Reservations of the ledger that no buyer asked for.
    pub phantoms: u64,
    /// Requests of the rush, of any kind, whose outcome was never learnt.
    pub unknown: u64,
    /// Requests for places that were not served, and told so.
    pub not_done: u64,
    /// SIGKILLs of the server.
    pub crashes: u64,
    /// The longest time from a SIGKILL to a server that takes requests.
    pub recovery_ms: u64,
    /// SIGKILLs of Redis.
    pub redis_crashes: u64,
    /// The longest time from one of these until a change that was asked for after it was acknowledged.
    pub redis_recovery_ms: u64,
    /// How long the rush took.
    pub rush_ms: u64,
    /// Buyers who came at once, as fast as they were served.
    pub storm_buyers: u64,
    /// Answered requests per second while four of five buyers came at once.
    pub requests_per_second: u64,
    /// Latency of RESERVE in the rush, as its buyers saw it, waiting for the restarted server included.
    pub reserve_p50_us: u64,
    /// Likewise.
    pub reserve_p99_us: u64,
    /// Batches and records in the ledger.
    pub ledger_batches: u64,
    /// Likewise.
    pub ledger_records: u64,
    /// `pass` or `fail`.
    pub audit: &'static str,
    /// What the audit found wrong, at most a hundred sentences.
    pub violations: Vec<String>,
}

impl DemoReport {
    pub(super) fn new(options: &DemoOptions, crowd: &Crowd, history: &History, run: Run) -> Self {
        let Run { tally, rush, wave, recoveries, mut audit } = run;
        let found: Report = audit.finish();
        let sent = options.buyers + wave.asked;
        let phantoms = audit.reservations().filter(|record| !crowd.sent(record.id, sent)).count() as u64;
        let segments = found.seat_segments;
        let all_there = found.departures == crowd.departures().len() as u64;
        let passes = found.passes() && phantoms == 0 && all_there;
        let latency = |quantile| tally.reserve_us.as_ref().map_or(0, |us| us.value_at_quantile(quantile));
        Self {
            buyers: options.buyers,
            departures: crowd.departures().len() as u64,
            places: crowd.places(),
            seed: options.seed,
            ledger: options.ledger,
            accepted: history.len(),
            accepted_late: tally.accepted_late,
            refused: tally.refused.values().sum::<u64>() + wave.asked - wave.sold,
            refused_by_reason: tally.refused,
            confirmed: found.confirmed,
            cancelled: found.cancelled,
            expired: found.expired,
            refunded: found.refunded,
            confirmed_too_late: tally.too_late,
            last_wave: wave.asked,
            last_wave_sold: wave.sold,
            seat_segments_sold: segments.sold,
            seat_segments: segments.sold + segments.held + segments.free,
            oversold: found.oversold,
            lost: history.lost(&audit, crowd),
            unsold: segments.free + segments.held,
            phantoms,
            unknown: tally.unknown,
            not_done: tally.not_done,
            crashes: recoveries.len() as u64,
            recovery_ms: longest_ms(&recoveries),
            redis_crashes: tally.redis_crashes,
            redis_recovery_ms: longest_ms(&tally.redis_recoveries),
            rush_ms: rush.as_millis() as u64,
            storm_buyers: tally.storm_buyers,
            requests_per_second: (tally.storm_requests as f64 / tally.storm.as_secs_f64().max(1e-3)) as u64,
            reserve_p50_us: latency(0.5),
            reserve_p99_us: latency(0.99),
            ledger_batches: found.batches,
            ledger_records: found.records,
            audit: if passes { "pass" } else { "fail" },
            violations: found.listed.iter().map(ToString::to_string).collect(),
        }
    }

    /// Whether everything that was promised was kept.
    pub fn passes(&self) -> bool {
        self.audit == "pass" && self.oversold == 0 && self.lost == 0 && self.unsold == 0
    }
}

fn longest_ms(durations: &[Duration]) -> u64 {
    durations.iter().max().map_or(0, |longest| longest.as_millis() as u64)
}

impl fmt::Display for DemoReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let n = |number: u64| HumanCount(number).to_string();
        let row = |f: &mut fmt::Formatter<'_>, name: &str, count: u64, note: &str| {
            writeln!(f, "{}", format!("  {name:<18} {:>9}  {note}", n(count)).trim_end())
        };
        let sold_percent = 100.0 * self.seat_segments_sold as f64 / self.seat_segments.max(1) as f64;
        let (buyers, places) = (n(self.buyers), n(self.places));
        let (departures, seed) = (self.departures, self.seed);
        writeln!(f, "{buyers} buyers asked for {places} places on {departures} departures (seed {seed})")?;
        writeln!(f, "\nsales")?;
        row(f, "holds given", self.accepted, "")?;
        row(f, "to late comers", self.accepted_late, "of these, on places that others gave back")?;
        row(f, "confirmed", self.confirmed, "")?;
        row(f, "cancelled", self.cancelled, "")?;
        let too_late = format!("of these, {} were confirmed too late and told so", self.confirmed_too_late);
        row(f, "ran out", self.expired, &too_late)?;
        if self.refunded > 0 {
            row(f, "refunded", self.refunded, "brought back when Redis was killed")?;
        }
        let asked = format!("single travellers sold, of {} who asked", n(self.last_wave));
        row(f, "last wave", self.last_wave_sold, &asked)?;
        let of_all = format!("sold, of {}: {sold_percent:.2} %", n(self.seat_segments));
        row(f, "seat-segments", self.seat_segments_sold, &of_all)?;
        writeln!(f, "\nrefusals")?;
        for (reason, count) in &self.refused_by_reason {
            row(f, reason, *count, "")?;
        }
        row(f, "outcome unknown", self.unknown, "")?;
        row(f, "not served", self.not_done, "and told so")?;
        let (rate, storm) = (n(self.requests_per_second), n(self.storm_buyers));
        writeln!(f, "\nspeed      {rate} requests a second while {storm} buyers came at once")?;
        let (p50, p99) = (self.reserve_p50_us, self.reserve_p99_us);
        writeln!(f, "latency    RESERVE p50 {p50} us, p99 {p99} us, as buyers saw it in the whole rush")?;
        let (crashes, recovery) = (self.crashes, self.recovery_ms);
        writeln!(f, "crashes    {crashes} by SIGKILL; serving again after {recovery} ms at most")?;
        if self.ledger == LedgerKind::Redis {
            let (crashes, recovery) = (self.redis_crashes, self.redis_recovery_ms);
            writeln!(
                f,
                "redis      {crashes} by SIGKILL; reservations taken again after {recovery} ms at most"
            )?;
        }
        let (records, batches) = (n(self.ledger_records), n(self.ledger_batches));
        writeln!(f, "ledger     {}: {records} records in {batches} batches", self.ledger)?;
        writeln!(f, "\noversold   {}\nlost       {}\nunsold     {}", self.oversold, self.lost, self.unsold)?;
        write!(f, "audit      {}", self.audit)?;
        self.violations.iter().try_for_each(|violation| write!(f, "\n  {violation}"))
    }
}
