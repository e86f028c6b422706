//! One departure's state machine, its memory in the caches: commands applied one after the other.

use super::{plan, reserve, target};
use seathold::catalog::SaleRules;
use seathold::inventory::{Layout, Published};
use seathold::shard::{Answer, Command, Draft, Shard};
use seathold_protocol::batch::Stamp;
use seathold_protocol::plan::DeparturePlan;
use seathold_protocol::record::encode_plan;
use seathold_protocol::{Day, DepartureId};
use std::sync::Arc;

/// Commands of one piece of work.
pub const COMMANDS: usize = 512;

const SEGMENTS: u8 = 10;
const COACHES: u8 = 16;
const SEATS: u64 = COACHES as u64 * 64;

/// What is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// RESERVE of one seat over four of ten segments, half of all seats being taken for the whole route.
    Reserve,
    /// CONFIRM of such holds.
    Confirm,
    /// CANCEL of such holds.
    Cancel,
    /// RESERVE under the ids of such holds again.
    Duplicate,
    /// RESERVE on a departure that is sold out.
    Refused,
}

/// A departure of 1,024 seats, and commands for it.
pub struct Work {
    shard: Shard,
    draft: Draft,
    now: Stamp,
    commands: Vec<Command>,
    accepted: usize,
}

impl Work {
    /// The departure in the state in which the commands are what `step` says.
    pub fn prepared(step: Step) -> Self {
        let train = "T 1";
        let departure = DepartureId::new(train, Day(7));
        let mut work = Self::opened(train, departure);
        let whole = |number| Command::Reserve(reserve(number, departure, (0, SEGMENTS), 1));
        let sold_first = if step == Step::Refused { SEATS } else { SEATS / 2 };
        work.commands = (0..sold_first).map(whole).collect();
        work.accepted = work.commands.len();
        work.apply();

        let numbers = SEATS..SEATS + COMMANDS as u64;
        let part = |number: u64| {
            let from = (number % u64::from(SEGMENTS - 3)) as u8;
            Command::Reserve(reserve(number, departure, (from, from + 4), 1))
        };
        let reserves: Vec<_> = numbers.clone().map(part).collect();
        work.accepted = if step == Step::Refused { 0 } else { COMMANDS };
        if matches!(step, Step::Confirm | Step::Cancel | Step::Duplicate) {
            work.commands = reserves.clone();
            work.apply();
        }
        work.commands = match step {
            Step::Reserve | Step::Duplicate | Step::Refused => reserves,
            Step::Confirm => numbers.map(|number| Command::Confirm(target(number, departure))).collect(),
            Step::Cancel => numbers.map(|number| Command::Cancel(target(number, departure))).collect(),
        };
        work
    }

    fn opened(train: &str, departure: DepartureId) -> Self {
        let seats = plan(COACHES);
        let layout = Arc::new(Layout::new(&seats));
        let published = Arc::new(Published::new(&layout, SEGMENTS, 100));
        let stops = (0..=SEGMENTS).map(|stop| format!("S{stop}")).collect();
        let record = DeparturePlan { train: train.to_owned(), day: Day(7), stops, seats };
        let mut plan_record = Vec::new();
        encode_plan(departure, &record, &mut plan_record);
        let shard = Shard::new(departure, SaleRules::OPEN, layout, SEGMENTS, published, plan_record.into());
        // As much as a batch may hold of this: the buffer is one that has gone round before.
        let draft = Draft { sequence: 1, records: 0, expired: 0, payload: Vec::with_capacity(1 << 20) };
        Self { shard, draft, now: Stamp::default(), commands: Vec::new(), accepted: 0 }
    }

    /// Applies the commands.
    ///
    /// # Panics
    ///
    /// When they are not answered as they must be.
    pub fn apply(&mut self) {
        let mut accepted = 0;
        for command in &self.commands {
            let outcome = self.shard.apply(command, self.now, &mut self.draft);
            accepted += usize::from(matches!(outcome.answer, Answer::Reservation(_)));
        }
        assert_eq!(accepted, self.accepted, "of {} commands", self.commands.len());
    }
}
