//! One departure as a plain table: who has which seat on which segment, and what each command must be answered. Slow, and
//! without a line of the shard's or the inventory's, so that it makes none of their mistakes.

use seathold::catalog::SaleRules;
use seathold::shard::{Answer, Command};
use seathold_protocol::limits::PASSENGERS_MAX;
use seathold_protocol::plan::{DeparturePlan, Seat, Stock};
use seathold_protocol::record::ReservationRecord;
use seathold_protocol::request::{Reserve, Target};
use seathold_protocol::reservation::{Reservation, State};
use seathold_protocol::status::{Limit, Status};
use seathold_protocol::{Class, ReservationId};
use std::collections::{BTreeMap, BTreeSet};

/// Places of one class.
struct Table {
    class: Class,
    /// What is painted on each seat; empty for places without numbers.
    seats: Vec<Seat>,
    capacity: u32,
    /// By seat and segment, who has it.
    holders: Vec<Vec<Option<ReservationId>>>,
    /// By segment, places taken; of a class without numbers.
    taken: Vec<u32>,
}

/// A core's request: its core, connection and correlation.
pub(crate) type Request = (u8, u64, u64);

/// One departure.
pub(crate) struct Plain {
    segments: usize,
    rules: SaleRules,
    tables: Vec<Table>,
    pub(crate) reservations: BTreeMap<ReservationId, ReservationRecord>,
    /// The requests by which places are held, until they are answered: a crash may give those places back.
    pub(crate) unsettled: BTreeSet<Request>,
}

impl Table {
    fn free(&self, from: u8, to: u8) -> u32 {
        let trip = usize::from(from)..usize::from(to);
        if self.seats.is_empty() {
            let taken = self.taken[trip].iter().max().expect("a trip has a segment");
            return self.capacity - taken;
        }
        self.holders.iter().filter(|seat| seat[trip.clone()].iter().all(Option::is_none)).count() as u32
    }

    fn put(&mut self, record: &ReservationRecord, live: bool) -> Result<(), String> {
        let trip = usize::from(record.from)..usize::from(record.to);
        if self.seats.is_empty() {
            for taken in &mut self.taken[trip] {
                *taken =
                    if live { *taken + u32::from(record.party) } else { *taken - u32::from(record.party) };
                if *taken > self.capacity {
                    return Err(format!("I1: {record:?} makes {taken} of {}", self.capacity));
                }
            }
            return Ok(());
        }
        for number in record.seats() {
            let seat = self.holders.get_mut(usize::from(*number));
            let seat = seat.ok_or_else(|| format!("{record:?} has a seat that does not exist"))?;
            for holder in &mut seat[trip.clone()] {
                let after = live.then_some(record.id);
                let before = std::mem::replace(holder, after);
                if before != (!live).then_some(record.id) {
                    return Err(format!("I1: {record:?} meets {before:?} on seat {number}"));
                }
            }
        }
        Ok(())
    }
}

impl Plain {
    pub(crate) fn new(plan: &DeparturePlan, rules: SaleRules) -> Self {
        let segments = usize::from(plan.segments());
        let table = |class: &seathold_protocol::plan::ClassPlan| {
            let seats = match &class.stock {
                Stock::Places(_) => Vec::new(),
                Stock::Seats(blocks) => {
                    let rows = blocks.iter().flat_map(|block| {
                        let rows = block.first_row..block.first_row + block.rows;
                        rows.map(move |row| (block, row))
                    });
                    let seats = rows.flat_map(|(block, row)| {
                        block.letters.iter().map(move |letter| Seat {
                            coach: block.coach,
                            row,
                            letter: *letter,
                        })
                    });
                    seats.collect()
                }
            };
            let holders = vec![vec![None; segments]; seats.len()];
            Table { class: class.class, seats, capacity: class.capacity(), holders, taken: vec![0; segments] }
        };
        let tables = plan.seats.classes.iter().map(table).collect();
        Self { segments, rules, tables, reservations: BTreeMap::new(), unsettled: BTreeSet::new() }
    }

    /// Takes a reservation as the ledger has it.
    pub(crate) fn restore(&mut self, record: &ReservationRecord) -> Result<(), String> {
        if record.state.is_live() {
            self.table(record.class)?.put(record, true)?;
        }
        self.reservations.insert(record.id, *record);
        Ok(())
    }

    /// Free places of each class for each pair of stops, in the order of AVAILABILITY.
    pub(crate) fn free(&self) -> impl Iterator<Item = (Class, Vec<u32>)> {
        let segments = self.segments as u8;
        self.tables.iter().map(move |table| {
            let pairs = (0..segments).flat_map(|from| (from + 1..=segments).map(move |to| (from, to)));
            (table.class, pairs.map(|(from, to)| table.free(from, to)).collect())
        })
    }

    /// Does what is asked, and says how it must be answered. `found` is what the server made of a new reservation: which seats
    /// it chose is its own affair, as long as they are free.
    pub(crate) fn apply(
        &mut self,
        command: &Command,
        boot_ms: u64,
        found: Option<&ReservationRecord>,
    ) -> Result<Answer, String> {
        match command {
            Command::Reserve(reserve) => self.reserve(reserve, boot_ms, found),
            Command::Confirm(target) => self.settle(target, Some(State::Confirmed), boot_ms),
            Command::Cancel(target) => self.settle(target, Some(State::Cancelled), boot_ms),
            Command::Refund(target) => self.settle(target, Some(State::Refunded), boot_ms),
            Command::Lookup(target) => self.settle(target, None, boot_ms),
            Command::Open(..) | Command::Close(_) => Err("no simulated client is an operator".to_owned()),
        }
    }

    /// SOLD_OUT at the door, where nobody looks for the id.
    pub(crate) fn sold_out(&mut self, reserve: &Reserve) -> Result<Option<Answer>, String> {
        let free = self.table(reserve.class)?.free(reserve.from, reserve.to);
        let refused = reserve.first && free < u32::from(reserve.party) && self.unsettled.is_empty();
        Ok(refused.then(|| Answer::refused(Status::SoldOut, u64::from(free))))
    }

    /// Ends a hold whose time is up.
    pub(crate) fn expire(&mut self, id: ReservationId, boot_ms: u64) -> Result<(), String> {
        let record = self.reservations[&id];
        if record.state != State::Held || record.deadline_ms > boot_ms {
            return Err(format!("I8: {record:?} was ended at {boot_ms}"));
        }
        self.change(id, State::Expired)
    }

    fn reserve(
        &mut self,
        reserve: &Reserve,
        boot_ms: u64,
        found: Option<&ReservationRecord>,
    ) -> Result<Answer, String> {
        if let Some(sold_out) = self.sold_out(reserve)? {
            return Ok(sold_out);
        }
        self.end_if_due(reserve.id, boot_ms)?;
        if let Some(known) = self.reservations.get(&reserve.id) {
            let same = known.account == reserve.account && known.fingerprint == reserve.fingerprint();
            return Ok(if same { self.told(known, boot_ms) } else { Answer::refused(Status::IdConflict, 0) });
        }
        let live = || self.reservations.values().filter(|record| record.state.is_live());
        let travels = |passenger| live().any(|record| record.passengers().contains(passenger));
        if let Some(at) = reserve.passengers().iter().position(travels) {
            return Ok(Answer::refused(Status::PassengerAlreadyBooked, at as u64));
        }
        let limit = self.rules.places_per_account;
        let own = live().filter(|record| record.account == reserve.account);
        let has: u32 = own.map(|record| u32::from(record.party)).sum();
        if limit > 0 && has + u32::from(reserve.party) > limit {
            return Ok(Answer::refused(Status::Limit, Limit::PlacesPerAccount.detail(limit)));
        }
        let free = self.table(reserve.class)?.free(reserve.from, reserve.to);
        if free < u32::from(reserve.party) {
            return Ok(Answer::refused(Status::SoldOut, u64::from(free)));
        }
        let found = found.ok_or_else(|| format!("{reserve:?} must be held, and the server has it not"))?;
        let hold_ms = if reserve.hold_ms == 0 { self.rules.hold_ms_default } else { reserve.hold_ms };
        let record = ReservationRecord {
            state: State::Held,
            deadline_ms: boot_ms + u64::from(hold_ms),
            fingerprint: reserve.fingerprint(),
            departure: reserve.departure,
            id: reserve.id,
            account: reserve.account,
            class: reserve.class,
            from: reserve.from,
            to: reserve.to,
            party: reserve.party,
            passengers: reserve.passengers,
            ..*found
        };
        self.restore(&record)?;
        Ok(self.told(&record, boot_ms))
    }

    fn settle(&mut self, target: &Target, wanted: Option<State>, boot_ms: u64) -> Result<Answer, String> {
        self.end_if_due(target.id, boot_ms)?;
        let Some(record) = self.reservations.get(&target.id) else {
            return Ok(Answer::refused(Status::NotFound, 0));
        };
        if record.account != target.account {
            return Ok(Answer::refused(Status::IdConflict, 0));
        }
        let (present, wanted) = (record.state, wanted.unwrap_or(record.state));
        let status = match (present, wanted) {
            _ if present == wanted => Status::Ok,
            (State::Held, State::Confirmed | State::Cancelled) | (State::Confirmed, State::Refunded) => {
                self.change(target.id, wanted)?;
                Status::Ok
            }
            (State::Held, _) => Status::NotConfirmed,
            (State::Confirmed, _) => Status::AlreadyConfirmed,
            (State::Cancelled, _) => Status::Cancelled,
            (State::Expired, _) => Status::Expired,
            (State::Refunded, _) => Status::Refunded,
        };
        Ok(match status {
            Status::Ok => self.told(&self.reservations[&target.id], boot_ms),
            status => Answer::refused(status, 0),
        })
    }

    fn end_if_due(&mut self, id: ReservationId, boot_ms: u64) -> Result<(), String> {
        let due = |record: &ReservationRecord| record.state == State::Held && record.deadline_ms <= boot_ms;
        if self.reservations.get(&id).is_some_and(due) { self.change(id, State::Expired) } else { Ok(()) }
    }

    fn change(&mut self, id: ReservationId, next: State) -> Result<(), String> {
        let record = self.reservations.get_mut(&id).expect("whoever changes it has found it");
        record.state = next;
        let record = *record;
        if next.is_live() { Ok(()) } else { self.table(record.class)?.put(&record, false) }
    }

    fn told(&self, record: &ReservationRecord, boot_ms: u64) -> Answer {
        let table = self.tables.iter().find(|table| table.class == record.class).expect("it was sold");
        let mut seats = [None; PASSENGERS_MAX];
        for (seat, number) in seats.iter_mut().zip(record.seats()) {
            *seat = table.seats.get(usize::from(*number)).copied();
        }
        let held = record.state == State::Held;
        let remaining_ms = if held { record.deadline_ms.saturating_sub(boot_ms) as u32 } else { 0 };
        Answer::Reservation(Reservation {
            id: record.id,
            departure: record.departure,
            state: record.state,
            class: record.class,
            from: record.from,
            to: record.to,
            party: record.party,
            remaining_ms,
            met: record.met,
            seats,
        })
    }

    fn table(&mut self, class: Class) -> Result<&mut Table, String> {
        let found = self.tables.iter_mut().find(|table| table.class == class);
        found.ok_or_else(|| format!("class {class:?} was sold and does not exist"))
    }
}
