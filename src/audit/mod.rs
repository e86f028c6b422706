//! Proves from a ledger alone that nothing was sold twice and nothing was lost between its records.
//!
//! The audit shares no code with the inventory and the shard: it keeps a plain table of who has which seat on which
//! segment, and follows every record with it. Whatever it finds is a sentence with the place in the log.

mod departure;
mod report;

pub use report::{Places, Report, Violation};

use departure::Departure;
use seathold_protocol::batch::{BatchView, Position, Stamp};
use seathold_protocol::record::{Record, ReservationRecord};
use seathold_protocol::{DepartureId, ReservationId};
use std::collections::HashMap;

/// Violations that are listed; further ones are only counted.
const LISTED_MAX: usize = 100;

/// Where a record stands, and when its batch was filled.
#[derive(Clone, Copy, Debug)]
struct Place {
    partition: u16,
    position: Position,
    stamp: Stamp,
}

/// Follows a log from its first batch to its last.
#[derive(Default)]
pub struct Audit {
    /// By partition: the last batch.
    tails: HashMap<u16, Position>,
    departures: HashMap<DepartureId, Departure>,
    batches: u64,
    records: u64,
    violations: Vec<Violation>,
    violation_count: u64,
    /// The log's oldest part was trimmed, so departures may begin in the middle.
    trimmed: bool,
    /// Records of a trimmed log that stand before their departure's plan, which was written again behind them.
    orphans: HashMap<DepartureId, Vec<(Record, Place)>>,
}

impl Audit {
    /// An audit of a log from its beginning, or of one whose beginning was trimmed.
    pub fn new(trimmed: bool) -> Self {
        Self { trimmed, ..Self::default() }
    }

    /// Follows one batch.
    pub fn follow(&mut self, batch: &BatchView<'_>) {
        self.batches += 1;
        let place = Place { partition: batch.partition, position: batch.position, stamp: batch.stamp };
        let tail = self.tails.insert(batch.partition, batch.position);
        match tail {
            None if self.trimmed => {}
            tail => {
                let expected = tail.unwrap_or_default();
                if batch.previous() != expected {
                    self.violated(
                        Some(place),
                        None,
                        format!("follows {:?}, not {expected:?}", batch.previous()),
                    );
                }
                if batch.position.epoch < expected.epoch {
                    self.violated(
                        Some(place),
                        None,
                        "has an older epoch than the batch before it".to_owned(),
                    );
                }
            }
        }
        let mut records = Vec::new();
        if let Err(error) = batch.for_each_record(|record| records.push(record)) {
            self.violated(Some(place), None, format!("cannot be read: {error}"));
        }
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
        let mut report = Report { batches: self.batches, records: self.records, ..Report::default() };
        let mut found = Vec::new();
        for (id, departure) in &self.departures {
            found.extend(departure.recount(&mut report).into_iter().map(|text| (*id, text)));
        }
        found.extend(self.orphans.keys().map(|id| (*id, "has records and no plan".to_owned())));
        found.into_iter().for_each(|(id, text)| self.violated(None, Some(id), text));
        report.departures = self.departures.len() as u64;
        report.violations = self.violation_count;
        report.listed = self.violations.clone();
        report
    }

    fn follow_record(&mut self, record: Record, place: Place) {
        self.records += 1;
        let id = record.departure();
        match (record, self.departures.get_mut(&id)) {
            (Record::Plan(_, plan), Some(departure)) => {
                let told = departure.same_plan(&plan);
                self.judge(told, place, id);
            }
            (Record::Plan(_, plan), None) => {
                let mut departure = Departure::new(*plan, self.trimmed);
                let orphans = self.orphans.remove(&id).unwrap_or_default();
                let told: Vec<_> = orphans
                    .into_iter()
                    .map(|(orphan, place)| (departure.follow(&orphan, place.stamp), place))
                    .collect();
                self.departures.insert(id, departure);
                told.into_iter().for_each(|(told, place)| self.judge(told, place, id));
            }
            (record, Some(departure)) => {
                let told = departure.follow(&record, place.stamp);
                self.judge(told, place, id);
            }
            (record, None) if self.trimmed => self.orphans.entry(id).or_default().push((record, place)),
            (_, None) => self.judge(Err("has a record before its plan".to_owned()), place, id),
        }
    }

    fn judge(&mut self, told: Result<(), String>, place: Place, departure: DepartureId) {
        if let Err(text) = told {
            self.violated(Some(place), Some(departure), text);
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
