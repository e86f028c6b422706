//! One departure as a state machine.
//!
//! ```text
//!            command, now                      ┌ inventory   which seats are free
//!  engine ───────────────► Shard::apply ───────┼ book        reservations by id
//!         ◄─────────────── Outcome             ├ tallies     places per account and passenger
//!            answer, the batch it rests on     └ deadlines   which hold ends next
//!                    └───► Draft: the records of this turn
//! ```
//!
//! No I/O, no clock, no thread: time comes in with every command, records go out into the caller's draft. Every
//! command is idempotent under its reservation's id. A refusal is a value and makes no record.

mod book;
mod deadlines;
mod draft;
mod entries;
mod replay;
mod reserve;
mod sale;
mod tally;
mod touch;

pub use deadlines::DeadlineQueue;
pub use draft::Draft;
pub use replay::ReplayError;

use crate::catalog::SaleRules;
use crate::inventory::{Inventory, Layout, Places, Published, Trip};
use book::{Book, Slot};
use seathold_protocol::batch::Stamp;
use seathold_protocol::record::ReservationRecord;
use seathold_protocol::reply::{Refusal, Sale, SaleReply};
use seathold_protocol::request::{Reserve, Target};
use seathold_protocol::reservation::{Reservation, State};
use seathold_protocol::status::Status;
use seathold_protocol::{AccountId, DepartureId, PassengerId};
use std::sync::Arc;
use tally::Tally;

/// What a client or an operator asks of one departure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Command {
    /// Hold seats.
    Reserve(Reserve),
    /// Make a hold sold.
    Confirm(Target),
    /// Give a hold back.
    Cancel(Target),
    /// Give sold seats back.
    Refund(Target),
    /// Tell the present state.
    Lookup(Target),
    /// Open the sale, with this percent of the places; 0 leaves the percentage.
    Open(DepartureId, u8),
    /// Close the sale.
    Close(DepartureId),
}

impl Command {
    /// The departure asked.
    pub fn departure(&self) -> DepartureId {
        match self {
            Self::Reserve(reserve) => reserve.departure,
            Self::Confirm(target) | Self::Cancel(target) | Self::Refund(target) | Self::Lookup(target) => {
                target.departure
            }
            Self::Open(departure, _) | Self::Close(departure) => *departure,
        }
    }

    /// Whether it may be told to come again when room is short: all but what finishes a sale, and an operator's word. Wherever
    /// commands wait, these others have room that it may not take.
    pub fn can_be_put_off(&self) -> bool {
        matches!(self, Self::Reserve(_) | Self::Lookup(_))
    }
}

/// What to tell whoever asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// OK, and the reservation as it stands.
    Reservation(Reservation),
    /// OK, and the sale as it stands.
    Sale(SaleReply),
    /// No.
    Refused(Refusal),
}

impl Answer {
    /// A refusal with its detail.
    pub fn refused(status: Status, detail: u64) -> Self {
        Self::Refused(Refusal { status, detail })
    }
}

/// An answer, and what must be durable before it may be told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// What to tell.
    pub answer: Answer,
    /// The sequence of the partition's batch that the answer rests on; 0 for none.
    pub rests_on: u64,
}

impl Outcome {
    fn at_once(status: Status, detail: u64) -> Self {
        Self { answer: Answer::refused(status, detail), rests_on: 0 }
    }
}

/// One departure.
pub struct Shard {
    departure: DepartureId,
    rules: SaleRules,
    sale: Sale,
    released_percent: u8,
    inventory: Inventory,
    published: Arc<Published>,
    book: Book,
    /// Places of live reservations; not counted without a limit.
    accounts: Tally<AccountId>,
    /// Live reservations they travel with; not counted where they may have several seats.
    passengers: Tally<PassengerId>,
    /// Held slots by the end of their hold.
    deadlines: DeadlineQueue,
    /// When the engine will look for holds to end; never later than the first of them.
    wake_at_ms: u64,
    /// Changes so far; the version of the newest record.
    version: u32,
    /// The encoded plan record, and the batch that it is in (0: in none yet).
    plan_record: Box<[u8]>,
    plan_logged_in: u64,
    /// The newest sale record's version and batch; 0 while there is none.
    sale_version: u32,
    sale_logged_in: u64,
}

impl Shard {
    /// A departure that nobody has touched. `plan_record` goes to the log before the first change.
    pub fn new(
        departure: DepartureId,
        rules: SaleRules,
        layout: Arc<Layout>,
        segments: u8,
        published: Arc<Published>,
        plan_record: Box<[u8]>,
    ) -> Self {
        let places: u64 = (0..layout.classes().len()).map(|class| u64::from(layout.capacity(class))).sum();
        Self {
            departure,
            rules,
            sale: Sale::ByRules,
            released_percent: rules.released_percent,
            inventory: Inventory::new(layout, segments, rules.released_percent),
            published,
            book: Book::new(places),
            accounts: Tally::default(),
            passengers: Tally::default(),
            deadlines: DeadlineQueue::default(),
            wake_at_ms: u64::MAX,
            version: 0,
            plan_record,
            plan_logged_in: 0,
            sale_version: 0,
            sale_logged_in: 0,
        }
    }

    /// Does what is asked, or says why not. Records go into `draft`.
    pub fn apply(&mut self, command: &Command, now: Stamp, draft: &mut Draft) -> Outcome {
        match command {
            Command::Reserve(reserve) => self.reserve(reserve, now, draft),
            Command::Confirm(target) => self.settle(target, State::Confirmed, now, draft),
            Command::Cancel(target) => self.settle(target, State::Cancelled, now, draft),
            Command::Refund(target) => self.settle(target, State::Refunded, now, draft),
            Command::Lookup(target) => match self.find(target, now, draft) {
                Ok(slot) => self.told(slot, now),
                Err(outcome) => outcome,
            },
            Command::Open(_, percent) => self.open(*percent, now, draft),
            Command::Close(_) => self.close(now, draft),
        }
    }

    /// Whether fewer places are free than asked for, as far as the counts say.
    pub fn is_short_of(&self, reserve: &Reserve) -> bool {
        let class = self.inventory.layout().class_index(reserve.class);
        let trip = Trip::new(reserve.from, reserve.to, self.inventory.segments());
        let free = class.zip(trip).map(|(class, trip)| self.published.free(class, trip));
        free.is_some_and(|free| free < u32::from(reserve.party))
    }

    /// When the next hold ends, on the clock of `Stamp::boot_ms`.
    pub fn next_deadline(&self) -> Option<u64> {
        self.deadlines.first().map(|(deadline, _)| deadline)
    }

    /// When to look for holds to end, if that is earlier than what was answered before. A hold that is confirmed does
    /// not put it off: most are, and looking in vain once is cheaper than keeping up with each.
    pub fn wake_earlier(&mut self) -> Option<u64> {
        let next = self.next_deadline()?;
        let earlier = next < self.wake_at_ms;
        self.wake_at_ms = self.wake_at_ms.min(next);
        earlier.then_some(next)
    }

    /// When to look next, after what was answered before has come.
    pub fn wake_next(&mut self) -> Option<u64> {
        let next = self.next_deadline();
        self.wake_at_ms = next.unwrap_or(u64::MAX);
        next
    }

    /// Ends the first hold whose time is up; false when there is none.
    pub fn expire_next(&mut self, now: Stamp, draft: &mut Draft) -> bool {
        match self.deadlines.first() {
            Some((deadline, slot)) if deadline <= now.boot_ms => {
                self.change(slot, State::Expired, now, draft);
                true
            }
            _ => false,
        }
    }

    /// The reservations that are remembered, in no particular order.
    pub fn reservations(&self) -> impl Iterator<Item = &ReservationRecord> {
        self.book.entries().map(|(_, entry)| &entry.record)
    }

    /// The departure's id.
    pub fn departure(&self) -> DepartureId {
        self.departure
    }

    /// Its seats and places.
    pub fn inventory(&self) -> &Inventory {
        &self.inventory
    }

    /// What is published of them.
    pub fn published(&self) -> &Published {
        &self.published
    }

    /// Moves a reservation on to `wanted`, says that it is there already, or why it cannot get there.
    fn settle(&mut self, target: &Target, wanted: State, now: Stamp, draft: &mut Draft) -> Outcome {
        let slot = match self.find(target, now, draft) {
            Ok(slot) => slot,
            Err(outcome) => return outcome,
        };
        let entry = self.book.entry(slot);
        let (present, rests_on) = (entry.record.state, entry.logged_in);
        if present == wanted {
            return self.told(slot, now);
        }
        if present.may_become(wanted) {
            self.change(slot, wanted, now, draft);
            return self.told(slot, now);
        }
        let status = match present {
            State::Held => Status::NotConfirmed,
            State::Confirmed => Status::AlreadyConfirmed,
            State::Cancelled => Status::Cancelled,
            State::Expired => Status::Expired,
            State::Refunded => Status::Refunded,
        };
        Outcome { answer: Answer::refused(status, 0), rests_on }
    }

    /// The slot of a reservation that this account may see, its hold ended first if its time is up: a late CONFIRM
    /// never depends on whether the expiry has run.
    fn find(&mut self, target: &Target, now: Stamp, draft: &mut Draft) -> Result<Slot, Outcome> {
        let Some(slot) = self.book.find(target.id) else {
            return Err(Outcome::at_once(Status::NotFound, 0));
        };
        self.expire_if_due(slot, now, draft);
        let entry = self.book.entry(slot);
        if entry.record.account != target.account {
            return Err(Outcome {
                answer: Answer::refused(Status::IdConflict, 0),
                rests_on: entry.logged_in,
            });
        }
        Ok(slot)
    }

    fn expire_if_due(&mut self, slot: Slot, now: Stamp, draft: &mut Draft) {
        let record = &self.book.entry(slot).record;
        if record.state == State::Held && record.deadline_ms <= now.boot_ms {
            self.change(slot, State::Expired, now, draft);
        }
    }

    /// Moves a reservation along one arrow of `State::may_become` and writes its record.
    fn change(&mut self, slot: Slot, next: State, now: Stamp, draft: &mut Draft) {
        let version = self.next_version(now, draft);
        let record = &mut self.book.entry_mut(slot).record;
        assert!(record.state.may_become(next), "{:?} cannot become {next:?}", record.state);
        record.state = next;
        record.version = version;
        let record = *record;
        self.deadlines.remove(slot);
        if !next.is_live() {
            self.release(&record);
        }
        self.log(slot, draft);
        draft.expired += u32::from(next == State::Expired);
        if !next.is_live() {
            self.book.finish(slot);
        }
    }

    /// Counts one change, publishes the count, and makes sure that the plan stands in the log before it.
    fn next_version(&mut self, now: Stamp, draft: &mut Draft) -> u32 {
        if self.plan_logged_in == 0 {
            self.log_plan(draft);
        }
        self.version = self.version.checked_add(1).expect("a departure sees fewer than 2^32 changes");
        self.published.set_version(u64::from(self.version));
        self.published.set_changed_ms(now.boot_ms);
        self.version
    }

    fn log_plan(&mut self, draft: &mut Draft) {
        draft.push(|payload| payload.extend_from_slice(&self.plan_record));
        self.plan_logged_in = draft.sequence;
    }

    fn log(&mut self, slot: Slot, draft: &mut Draft) {
        let entry = self.book.entry_mut(slot);
        draft.push(|payload| entry.record.encode(payload));
        entry.logged_in = draft.sequence;
    }

    /// Counts the places and passengers of a reservation that becomes live.
    fn count(&mut self, record: &ReservationRecord) {
        if self.rules.places_per_account > 0 {
            self.accounts.add(record.account, u32::from(record.party));
        }
        if self.rules.one_seat_per_passenger {
            record.passengers().iter().for_each(|passenger| self.passengers.add(*passenger, 1));
        }
    }

    /// Gives back the places of a reservation that is no longer live.
    fn release(&mut self, record: &ReservationRecord) {
        let (class, trip) = self.place_of(record).expect("a live reservation has a class and a trip");
        self.inventory.give(class, trip, &places_of(record), &self.published);
        if self.rules.places_per_account > 0 {
            self.accounts.remove(record.account, u32::from(record.party));
        }
        if self.rules.one_seat_per_passenger {
            record.passengers().iter().for_each(|passenger| self.passengers.remove(*passenger, 1));
        }
    }

    /// Where in the inventory a record's places are.
    fn place_of(&self, record: &ReservationRecord) -> Option<(usize, Trip)> {
        let class = self.inventory.layout().class_index(record.class)?;
        Some((class, Trip::new(record.from, record.to, self.inventory.segments())?))
    }

    /// The reservation as it stands, once its newest record is durable.
    fn told(&self, slot: Slot, now: Stamp) -> Outcome {
        let entry = self.book.entry(slot);
        let record = &entry.record;
        let layout = self.inventory.layout();
        let class = layout.class_index(record.class).expect("a booked class is in the plan");
        let mut seats = [None; seathold_protocol::limits::PASSENGERS_MAX];
        for (seat, number) in seats.iter_mut().zip(record.seats()) {
            *seat = layout.seat(class, *number);
        }
        let remaining = match record.state {
            State::Held => record.deadline_ms.saturating_sub(now.boot_ms),
            _ => 0,
        };
        let reservation = Reservation {
            id: record.id,
            departure: record.departure,
            state: record.state,
            class: record.class,
            from: record.from,
            to: record.to,
            party: record.party,
            remaining_ms: u32::try_from(remaining).unwrap_or(u32::MAX),
            met: record.met,
            seats,
        };
        Outcome { answer: Answer::Reservation(reservation), rests_on: entry.logged_in }
    }
}

fn places_of(record: &ReservationRecord) -> Places {
    Places::new(record.seats()).expect("a record has 1 to 9 seats")
}

#[cfg(test)]
mod tests;
