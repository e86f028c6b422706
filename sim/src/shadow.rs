//! The shadow of one process: plain tables that follow every command in the order in which the engines take them, and say what
//! each must be answered. It looks at the engines after every step.

use crate::plain::{Plain, Request};
use seathold::audit::Audit;
use seathold::catalog::Catalog;
use seathold::engine::{Answered, Ask, Board, Engine, Origin};
use seathold::shard::{Answer, Command};
use seathold_protocol::DepartureId;
use seathold_protocol::batch::Stamp;
use seathold_protocol::record::ReservationRecord;
use seathold_protocol::request::Availability;
use seathold_protocol::reservation::State;
use seathold_protocol::status::Status;
use std::collections::{BTreeMap, BTreeSet};

/// How long a refused client is told to wait: while nothing can be written, while the ledger takes no new reservations, and
/// when another server has the departure.
const STALLED_MS: u64 = 200;
const FULL_MS: u64 = 500;
const FENCED_MS: u64 = 1_000;

/// One process.
pub(crate) struct Shadow {
    partitions: u16,
    departures: BTreeMap<DepartureId, Plain>,
    expected: BTreeMap<Request, Expected>,
    fenced: BTreeSet<u16>,
}

/// What is to be answered.
struct Expected {
    departure: DepartureId,
    answer: Answer,
    /// Requests that hold what a refusal is for: they must be durable, and so answered, before it.
    rests_on: Vec<Request>,
}

/// What refuses a command before anybody looks at it.
#[derive(Clone, Copy)]
pub(crate) struct Room {
    pub(crate) stalled: bool,
    pub(crate) full: bool,
}

impl Shadow {
    /// The shadow of a process that has recovered, from the ledger alone. Only the deadlines of holds are taken from the
    /// engines, and must be possible.
    pub(crate) fn recover(
        catalog: &Catalog,
        partitions: u16,
        audit: &Audit,
        engines: &[&Engine],
        now: Stamp,
        rest_max_ms: u64,
    ) -> Result<Self, String> {
        let plain = |index| (catalog.id(index), Plain::new(&catalog.plan(index), catalog.rules(index)));
        let mut departures: BTreeMap<_, _> = catalog.indices().map(plain).collect();
        let mut records: BTreeMap<_, _> = audit.reservations().map(|record| (record.id, *record)).collect();
        let mut found = 0;
        for engine in engines {
            for record in engine.shards().flat_map(|shard| shard.reservations()) {
                let known = records.get_mut(&record.id);
                let known = known.ok_or_else(|| format!("I4: {record:?} is not in the ledger"))?;
                let late = record.deadline_ms.saturating_sub(now.boot_ms);
                if record.state == State::Held && late > rest_max_ms {
                    return Err(format!("I7: {record:?} was recovered at {now:?} and is held too long"));
                }
                if *record != (ReservationRecord { deadline_ms: record.deadline_ms, ..*known }) {
                    return Err(format!("{record:?} was recovered from {known:?}"));
                }
                known.deadline_ms = record.deadline_ms;
                found += 1;
            }
        }
        if found != records.len() {
            return Err(format!(
                "I3: {} reservations are in the ledger, {found} were recovered",
                records.len()
            ));
        }
        for record in records.values() {
            let plain = departures.get_mut(&record.departure);
            plain.ok_or_else(|| format!("{record:?} is of no departure"))?.restore(record)?;
        }
        Ok(Self { partitions, departures, expected: BTreeMap::new(), fenced: BTreeSet::new() })
    }

    /// Commands that an engine has just taken, in this order.
    pub(crate) fn submitted(
        &mut self,
        asks: &[Ask],
        now: Stamp,
        room: Room,
        engine: &Engine,
        board: &Board,
    ) -> Result<(), String> {
        for ask in asks {
            let departure = ask.command.departure();
            let before = self.departures.get(&departure).map_or(0, |plain| plain.reservations.len());
            let answer = self.follow(&ask.command, now, room, engine)?;
            let plain = self.departures.get_mut(&departure).ok_or("a departure that is not on sale")?;
            let rests_on = match answer {
                Answer::Refused(refusal) if is_for_want_of_places(refusal.status) => {
                    plain.unsettled.iter().copied().collect()
                }
                _ => Vec::new(),
            };
            if plain.reservations.len() > before {
                plain.unsettled.insert(key(&ask.origin));
            }
            let expected = Expected { departure, answer, rests_on };
            if self.expected.insert(key(&ask.origin), expected).is_some() {
                return Err(format!("{:?} was asked twice", ask.origin));
            }
        }
        let touched: BTreeSet<_> = asks.iter().map(|ask| ask.command.departure()).collect();
        touched.into_iter().try_for_each(|departure| self.compare_free(departure, now, board))
    }

    fn follow(
        &mut self,
        command: &Command,
        now: Stamp,
        room: Room,
        engine: &Engine,
    ) -> Result<Answer, String> {
        let departure = command.departure();
        if self.fenced.contains(&departure.partition(self.partitions)) {
            return Ok(Answer::refused(Status::Unavailable, FENCED_MS));
        }
        let plain = self.departures.get_mut(&departure).ok_or("a departure that is not on sale")?;
        if let Command::Reserve(reserve) = command
            && let Some(sold_out) = plain.sold_out(reserve)?
        {
            return Ok(sold_out);
        }
        if room.stalled && !matches!(command, Command::Lookup(_)) {
            return Ok(Answer::refused(Status::Unavailable, STALLED_MS));
        }
        if room.full && matches!(command, Command::Reserve(_)) {
            return Ok(Answer::refused(Status::Busy, FULL_MS));
        }
        let made = match command {
            Command::Reserve(reserve) if !plain.reservations.contains_key(&reserve.id) => {
                let mut records = engine
                    .shards()
                    .filter(|shard| shard.departure() == departure)
                    .flat_map(|shard| shard.reservations());
                records.find(|record| record.id == reserve.id)
            }
            _ => None,
        };
        plain.apply(command, now.boot_ms, made)
    }

    /// An engine lets an answer go.
    pub(crate) fn answered(&mut self, answered: &Answered) -> Result<(), String> {
        let Some(expected) = self.expected.remove(&key(&answered.origin)) else {
            return Err(format!("I5: {answered:?} was not asked, or answered before"));
        };
        let plain = self.departures.get_mut(&expected.departure).ok_or("a departure that is not on sale")?;
        plain.unsettled.remove(&key(&answered.origin));
        let unsettled = expected.rests_on.iter().find(|request| plain.unsettled.contains(request)).copied();
        if self.is_fenced(expected.departure) && answered.answer == Answer::refused(Status::Unknown, 0) {
            return Ok(());
        }
        if answered.answer != expected.answer {
            return Err(format!("{answered:?} should be {:?}", expected.answer));
        }
        match unsettled {
            Some(hold) => {
                Err(format!("I12: {answered:?} rests on the hold of {hold:?}, which a crash may undo"))
            }
            None => Ok(()),
        }
    }

    /// A first RESERVE was refused before its owner was asked.
    pub(crate) fn refused_at_the_door(&mut self, command: &Command, answer: Answer) -> Result<(), String> {
        let Command::Reserve(reserve) = command else {
            return Err(format!("{command:?} was refused at the door"));
        };
        let plain = self.departures.get_mut(&reserve.departure).ok_or("a departure that is not on sale")?;
        match plain.sold_out(reserve)? {
            Some(expected) if expected == answer => Ok(()),
            expected => Err(format!("{answer:?} was told at the door and should be {expected:?}")),
        }
    }

    /// An engine has ended holds.
    pub(crate) fn expired(&mut self, engine: &Engine, now: Stamp, board: &Board) -> Result<(), String> {
        for shard in engine.shards() {
            let plain =
                self.departures.get_mut(&shard.departure()).ok_or("a departure that is not on sale")?;
            let mut found = 0;
            for record in shard.reservations() {
                found += 1;
                let known = plain.reservations.get(&record.id);
                let known = known.ok_or_else(|| format!("I4: {record:?} came from nowhere"))?;
                if known.state == State::Held && record.state == State::Expired {
                    plain.expire(record.id, now.boot_ms)?;
                } else if (known.state, known.seats()) != (record.state, record.seats()) {
                    return Err(format!("I6: {known:?} became {record:?} by itself"));
                }
            }
            if found != plain.reservations.len() {
                return Err(format!("{} of {} reservations are left", found, plain.reservations.len()));
            }
            self.compare_free(shard.departure(), now, board)?;
        }
        Ok(())
    }

    /// Another server has a partition: what was not told is nobody's to tell here.
    pub(crate) fn fenced(&mut self, partition: u16) {
        self.fenced.insert(partition);
    }

    pub(crate) fn has_lost(&self, partition: u16) -> bool {
        self.fenced.contains(&partition)
    }

    pub(crate) fn is_fenced(&self, departure: DepartureId) -> bool {
        self.fenced.contains(&departure.partition(self.partitions))
    }

    /// I2: what the board tells is what the tables leave.
    pub(crate) fn compare_free(
        &self,
        departure: DepartureId,
        now: Stamp,
        board: &Board,
    ) -> Result<(), String> {
        if self.is_fenced(departure) {
            return Ok(());
        }
        let asked = Availability { departure, class: None, pair: None };
        let told = board.availability(&asked, now).map_err(|refusal| format!("{refusal:?}"))?;
        let told: Vec<_> = told.classes().map(|(class, free)| (class, free.collect::<Vec<_>>())).collect();
        let expected: Vec<_> = self.departures[&departure].free().collect();
        if told == expected {
            return Ok(());
        }
        Err(format!("I2: {departure} has {told:?} free and should have {expected:?}"))
    }
}

/// Whether others' holds are what a RESERVE was refused for.
fn is_for_want_of_places(status: Status) -> bool {
    use Status::{Limit, PassengerAlreadyBooked, SoldOut, WishUnmet};
    matches!(status, SoldOut | WishUnmet | PassengerAlreadyBooked | Limit)
}

fn key(origin: &Origin) -> Request {
    (origin.core, origin.connection, origin.correlation)
}
