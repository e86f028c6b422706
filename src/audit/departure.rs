//! One departure in an audit: a plain table of seats by segments, and the history of its reservations.

use super::report::{Places, Report};
use seathold_protocol::ReservationId;
use seathold_protocol::batch::Stamp;
use seathold_protocol::plan::{DeparturePlan, Stock};
use seathold_protocol::record::{NO_SEAT, Record, ReservationRecord, SaleRecord};
use seathold_protocol::reservation::State;
use std::collections::HashMap;

/// Who has what in one class.
enum Table {
    /// By seat and segment: the reservation that has it.
    Seats(Vec<Option<ReservationId>>),
    /// By segment: places taken, of so many.
    Places(Vec<u32>, u32),
}

pub(super) struct Departure {
    plan: DeparturePlan,
    tables: Vec<Table>,
    reservations: HashMap<ReservationId, ReservationRecord>,
    /// The highest version so far.
    version: u32,
    /// Seat-segments that were given to two reservations at once.
    oversold: u64,
    /// Versions may begin above 1.
    trimmed: bool,
}

impl Departure {
    pub(super) fn new(plan: DeparturePlan, trimmed: bool) -> Self {
        let segments = usize::from(plan.segments());
        let table = |class: &seathold_protocol::plan::ClassPlan| match &class.stock {
            Stock::Seats(_) => Table::Seats(vec![None; class.capacity() as usize * segments]),
            Stock::Places(places) => Table::Places(vec![0; segments], *places),
        };
        let tables = plan.seats.classes.iter().map(table).collect();
        Self { plan, tables, reservations: HashMap::new(), version: 0, oversold: 0, trimmed }
    }

    pub(super) fn same_plan(&self, plan: &DeparturePlan) -> Result<(), String> {
        if *plan == self.plan { Ok(()) } else { Err("changes its plan".to_owned()) }
    }

    pub(super) fn reservation(&self, id: ReservationId) -> Option<&ReservationRecord> {
        self.reservations.get(&id)
    }

    pub(super) fn reservations(&self) -> impl Iterator<Item = &ReservationRecord> {
        self.reservations.values()
    }

    /// Follows one record that is not a plan.
    pub(super) fn follow(&mut self, record: &Record, stamp: Stamp) -> Result<(), String> {
        match record {
            Record::Reservation(record) => self.follow_reservation(record, stamp),
            Record::Sale(sale) => self.follow_sale(sale),
            Record::Plan(_, plan) => self.same_plan(plan),
        }
    }

    fn follow_sale(&mut self, sale: &SaleRecord) -> Result<(), String> {
        if sale.version <= self.version { Ok(()) } else { self.next_version(sale.version) }
    }

    /// A record that is not newer must be the one that is known: state written again.
    fn follow_reservation(&mut self, record: &ReservationRecord, stamp: Stamp) -> Result<(), String> {
        let id = record.id;
        let known = self.reservations.get(&id).copied();
        if record.version <= self.version {
            return match known {
                Some(known) if same_but_for_clock(&known, record) => Ok(()),
                Some(known) if known.version > record.version => {
                    Err(format!("reservation {id}: an old state is written again"))
                }
                None if self.trimmed => self.adopt(record),
                _ => Err(format!("reservation {id}: version {} is used twice", record.version)),
            };
        }
        self.next_version(record.version)?;
        let Some(known) = known else {
            if record.state != State::Held && !self.trimmed {
                return Err(format!("reservation {id} begins as {}", record.state.name()));
            }
            return self.adopt(record);
        };
        if !known.state.is_live() && record.state == State::Held {
            // Forgotten, and its id used anew.
            return self.adopt(record);
        }
        if !known.state.may_become(record.state) {
            let (from, to) = (known.state.name(), record.state.name());
            return Err(format!("reservation {id} goes from {from} to {to}"));
        }
        if !same_contents(&known, record) {
            return Err(format!(
                "reservation {id} changes its contents when it becomes {}",
                record.state.name()
            ));
        }
        if record.state == State::Expired && stamp.boot_ms < record.deadline_ms {
            let early = record.deadline_ms - stamp.boot_ms;
            return Err(format!("reservation {id} expires {early} ms before its deadline"));
        }
        self.reservations.insert(id, *record);
        if record.state.is_live() { Ok(()) } else { self.mark(record, false) }
    }

    /// Counts the tables against the reservations, and both into the report.
    pub(super) fn recount(&self, report: &mut Report) -> Vec<String> {
        let segments = usize::from(self.plan.segments());
        let mut found = Vec::new();
        for (at, (class, table)) in self.plan.seats.classes.iter().zip(&self.tables).enumerate() {
            let mut places = Places::default();
            for record in self.reservations.values().filter(|record| record.class == class.class) {
                let pieces = u64::from(record.party) * u64::from(record.to - record.from);
                match record.state {
                    State::Held => places.held += pieces,
                    State::Confirmed => places.sold += pieces,
                    State::Cancelled | State::Expired | State::Refunded => {}
                }
            }
            let taken = match table {
                Table::Seats(seats) => seats.iter().flatten().count() as u64,
                Table::Places(taken, _) => taken.iter().map(|taken| u64::from(*taken)).sum(),
            };
            let capacity = u64::from(class.capacity()) * segments as u64;
            if taken != places.held + places.sold || taken > capacity {
                found.push(format!(
                    "class {} (number {at}): {taken} seat-segments are taken, {} held and {} sold, of {capacity}",
                    class.class, places.held, places.sold
                ));
            }
            places.free = capacity.saturating_sub(taken);
            report.seat_segments.add(places);
        }
        report.oversold += self.oversold;
        for record in self.reservations.values() {
            report.count(record.state);
        }
        found
    }

    fn next_version(&mut self, version: u32) -> Result<(), String> {
        // What was written again before a trimmed log begins cannot be told from a change.
        let before = std::mem::replace(&mut self.version, version);
        if version == before + 1 || self.trimmed {
            return Ok(());
        }
        Err(format!("version {version} follows version {before}: records are missing"))
    }

    fn adopt(&mut self, record: &ReservationRecord) -> Result<(), String> {
        self.version = self.version.max(record.version);
        self.reservations.insert(record.id, *record);
        if record.state.is_live() { self.mark(record, true) } else { Ok(()) }
    }

    /// Gives the record's seats to it, or takes them back; what is wrong with that comes first.
    fn mark(&mut self, record: &ReservationRecord, take: bool) -> Result<(), String> {
        let id = record.id;
        let segments = usize::from(self.plan.segments());
        let class = self.plan.seats.classes.iter().position(|class| class.class == record.class);
        let class =
            class.ok_or_else(|| format!("reservation {id} has class {}, not in the plan", record.class))?;
        let (from, to) = (usize::from(record.from), usize::from(record.to));
        if from >= to || to > segments {
            return Err(format!("reservation {id} goes from stop {from} to {to} of {}", segments + 1));
        }
        match &mut self.tables[class] {
            Table::Seats(seats) => {
                for seat in record.seats() {
                    let row = usize::from(*seat) * segments;
                    let Some(cells) = seats.get_mut(row + from..row + to).filter(|_| *seat != NO_SEAT) else {
                        return Err(format!("reservation {id} has seat {seat}, not in the plan"));
                    };
                    for cell in cells {
                        let expected = if take { None } else { Some(id) };
                        if *cell != expected {
                            self.oversold += 1;
                            let other = cell.map_or("nobody".to_owned(), |other| other.to_string());
                            return Err(format!(
                                "seat {seat} of reservation {id} belongs to {other}: sold twice"
                            ));
                        }
                        *cell = take.then_some(id);
                    }
                }
            }
            Table::Places(taken, capacity) => {
                for taken in &mut taken[from..to] {
                    let party = u32::from(record.party);
                    *taken = if take { *taken + party } else { taken.saturating_sub(party) };
                    if *taken > *capacity {
                        self.oversold += u64::from(*taken - *capacity);
                        return Err(format!(
                            "reservation {id}: {taken} places taken of {capacity}: oversold"
                        ));
                    }
                }
            }
        }
        Ok(())
    }
}

fn same_contents(a: &ReservationRecord, b: &ReservationRecord) -> bool {
    let contents = |record: &ReservationRecord| ReservationRecord {
        version: 0,
        deadline_ms: 0,
        state: State::Held,
        ..*record
    };
    contents(a) == contents(b)
}

/// A deadline is told on the clock of its batch's boot.
fn same_but_for_clock(a: &ReservationRecord, b: &ReservationRecord) -> bool {
    ReservationRecord { deadline_ms: 0, ..*a } == ReservationRecord { deadline_ms: 0, ..*b }
}
