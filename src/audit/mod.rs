//! Proves from a ledger alone that nothing was sold twice and nothing was lost between its records.
//!
//! The audit shares no code with the inventory and the shard: it keeps a plain table of who has which seat on which
//! segment, and follows every record with it. Whatever it finds is a sentence with the place in the log.

mod departure;
mod remaining;
mod report;
mod table;

pub use remaining::Told;
pub use report::{Places, Report, Violation};

use departure::{Departure, Moment};
use seathold_protocol::batch::{BatchView, Position, Stamp};
use seathold_protocol::record::{Record, ReservationRecord};
use seathold_protocol::{DepartureId, ReservationId};
use std::collections::{HashMap, HashSet};

/// Violations that are listed; further ones are only counted.
const LISTED_MAX: usize = 100;

/// Where a record stands, and when its command ran.
#[derive(Clone, Copy, Debug)]
struct Place {
    partition: u16,
    position: Position,
    moment: Moment,
}

/// Follows a log from its first batch to its last.
pub struct Audit {
    /// How many the ledger has.
    partitions: u16,
    /// By partition: the last batch and when it left.
    tails: HashMap<u16, (Position, Stamp)>,
    departures: HashMap<DepartureId, Departure>,
    batches: u64,
    records: u64,
    violations: Vec<Violation>,
    violation_count: u64,
    /// The log's oldest part was trimmed, so departures may begin in the middle.
    trimmed: bool,
    /// Records of a trimmed log that stand before their departure's plan, which was written again behind them.
    orphans: HashMap<DepartureId, Vec<(Record, Place)>>,
    /// Departures with records in a partition that is not theirs: told once.
    misplaced: HashSet<DepartureId>,
}

impl Audit {
    /// An audit of a ledger with this many partitions (at least 1), from its beginning, or of one whose beginning was
    /// trimmed.
    pub fn new(partitions: u16, trimmed: bool) -> Self {
        Self {
            partitions,
            tails: HashMap::new(),
            departures: HashMap::new(),
            batches: 0,
            records: 0,
            violations: Vec::new(),
            violation_count: 0,
            trimmed,
            orphans: HashMap::new(),
            misplaced: HashSet::new(),
        }
    }

    /// Follows one batch.
    pub fn follow(&mut self, batch: &BatchView<'_>) {
        self.batches += 1;
        let tail = self.tails.insert(batch.partition, (batch.position, batch.stamp));
        let same_clock = tail.filter(|(_, left)| left.boot_id == batch.stamp.boot_id);
        let after_ms = same_clock.map_or(0, |(_, left)| left.boot_ms);
        let moment = Moment { after_ms, stamp: batch.stamp };
        let place = Place { partition: batch.partition, position: batch.position, moment };
        if batch.partition >= self.partitions {
            self.violated(Some(place), None, format!("the ledger has {} partitions", self.partitions));
        }
        if tail.is_some() || !self.trimmed {
            let expected = tail.map(|(position, _)| position).unwrap_or_default();
            if batch.previous() != expected {
                self.violated(Some(place), None, format!("follows {:?}, not {expected:?}", batch.previous()));
            }
            if batch.position.epoch < expected.epoch {
                self.violated(Some(place), None, "has an older epoch than the batch before it".to_owned());
            }
        }
        let mut records = Vec::new();
        if let Err(error) = batch.for_each_record(|record| records.push(record)) {
            self.violated(Some(place), None, format!("cannot be read: {error}"));
        }
        self.records += records.len() as u64;
        for record in records {
            self.follow_record(record, place);
        }
    }

    /// The newest record of a reservation.
    pub fn reservation(&self, departure: DepartureId, id: ReservationId) -> Option<&ReservationRecord> {
        self.departures.get(&departure)?.reservation(id)
    }

    /// Every departure's newest records.
    pub fn reservations(&self) -> impl Iterator<Item = &ReservationRecord> {
        self.departures.values().flat_map(Departure::reservations)
    }

    /// Ends the audit: recounts every table against the reservations.
    pub fn finish(&mut self) -> Report {
        let mut report = Report {
            batches: self.batches,
            records: self.records,
            trimmed: self.trimmed,
            ..Report::default()
        };
        let mut found = Vec::new();
        for (id, departure) in &self.departures {
            found.extend(departure.recount(&mut report).into_iter().map(|text| (*id, text)));
        }
        found.extend(self.orphans.keys().map(|id| (*id, "has records and no plan".to_owned())));
        found.sort();
        found.into_iter().for_each(|(id, text)| self.violated(None, Some(id), text));
        report.departures = self.departures.len() as u64;
        report.violations = self.violation_count;
        report.listed = self.violations.clone();
        report
    }

    fn follow_record(&mut self, record: Record, place: Place) {
        let id = record.departure();
        let owner = id.partition(self.partitions);
        if owner != place.partition && self.misplaced.insert(id) {
            self.violated(Some(place), Some(id), format!("belongs to partition {owner}"));
        }
        let departure = match (&record, self.departures.get_mut(&id)) {
            (_, Some(departure)) => departure,
            (Record::Plan(_, plan), None) => {
                return self.begin(id, Departure::new(*plan.clone(), self.trimmed));
            }
            (_, None) if self.trimmed => return self.orphans.entry(id).or_default().push((record, place)),
            (_, None) => {
                return self.violated(Some(place), Some(id), "has a record before its plan".to_owned());
            }
        };
        let mut found = Vec::new();
        departure.follow(&record, place.moment, &mut found);
        found.into_iter().for_each(|text| self.violated(Some(place), Some(id), text));
    }

    /// Takes a departure whose plan is met, and follows what stood before that.
    fn begin(&mut self, id: DepartureId, departure: Departure) {
        self.departures.insert(id, departure);
        for (orphan, place) in self.orphans.remove(&id).unwrap_or_default() {
            self.follow_record(orphan, place);
        }
    }

    fn violated(&mut self, place: Option<Place>, departure: Option<DepartureId>, text: String) {
        self.violation_count += 1;
        if self.violations.len() < LISTED_MAX {
            let position = place.map(|place| (place.partition, place.position));
            self.violations.push(Violation { position, departure, text });
        }
    }
}

#[cfg(test)]
mod tests;
