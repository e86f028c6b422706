//! One core's brain: which shard a command is for, what goes into the next batch, which answers wait for it.
//!
//! ```text
//!  submit ──► shard ──► draft of its partition ──► commit ──► (ledger)
//!                │                                               │
//!                └──► answer, withheld in its partition ◄── committed
//!                                   │
//!                                   └──► answers, to be sent
//! ```
//!
//! Sans I/O: the reactor passes commands, time and ledger notices in, and takes commits and answers out. The one
//! rule lives here: an answer leaves only when the batch that it rests on is durable.

mod board;
mod compaction;
mod fence;
mod partition;
mod query;
mod recovery;
mod remaining;
mod room;

pub use board::Board;
pub use query::FreePlaces;
pub use recovery::RecoveryError;
pub use room::{WITHHELD_FOR_RESERVE, WITHHELD_MAX};

use crate::catalog::{Catalog, DepartureIndex};
use crate::counters::{Counter, Counters};
use crate::shard::{Answer, Command, DeadlineQueue, Shard};
use compaction::Compaction;
use partition::Partition;
use recovery::Orphans;
use remaining::{Changes, Names};
use room::DRAFT_BYTES_FOR_EXPIRIES;
use seathold_protocol::DepartureId;
use seathold_protocol::batch::{Batch, Stamp};
use seathold_protocol::frame::Opcode;
use seathold_protocol::record::encode_plan;
use seathold_protocol::remaining::Remaining;
use seathold_protocol::reply::Refusal;
use seathold_protocol::request::Reserve;
use seathold_protocol::status::Status;
use std::collections::HashMap;
use std::collections::VecDeque;
use std::sync::Arc;

/// Commands that are looked at together before they are done one by one: enough to hide the wait for memory, few enough
/// that what was fetched is still near when its turn comes.
pub const GROUP: usize = 16;

/// Where an answer goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Origin {
    /// The core that owns the connection.
    pub core: u8,
    /// The request's opcode.
    pub opcode: Opcode,
    /// The connection with its generation, as its core numbers it.
    pub connection: u64,
    /// The client's own number of the request.
    pub correlation: u64,
}

/// A command, and where its answer goes.
#[derive(Clone, Copy, Debug)]
pub struct Ask {
    /// Where the answer goes.
    pub origin: Origin,
    /// What is asked.
    pub command: Command,
}

/// An answer that may be told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Answered {
    /// To whom.
    pub origin: Origin,
    /// What.
    pub answer: Answer,
}

/// Where a departure's state is.
#[derive(Clone, Copy)]
struct Location {
    /// Its index among the shards.
    shard: usize,
    partition: u16,
}

/// One core's departures and what they wait for.
pub struct Engine {
    catalog: Arc<Catalog>,
    board: Arc<Board>,
    counters: Arc<Counters>,
    /// By partition; `None` where another core or another server owns it.
    partitions: Vec<Option<Partition>>,
    /// By departure; those from the catalogue's length on are in the ledger alone.
    shards: Vec<Option<Box<Shard>>>,
    retired: HashMap<DepartureId, u32, foldhash::quality::RandomState>,
    /// Their trains, in the order of their shards.
    retired_trains: Vec<Box<str>>,
    /// Records whose departure's plan was not met yet; empty but for the replay of a trimmed log.
    orphans: Orphans,
    /// Shards by the end of their next hold.
    deadlines: DeadlineQueue,
    answers: VecDeque<Answered>,
    withheld: usize,
    commit_in_flight: bool,
    stalled: bool,
    full: bool,
    compaction: Compaction,
    /// `None` while nobody shall be told remaining places.
    changes: Option<Changes>,
}

impl Engine {
    /// The engine of the core that owns the partitions for which `owns` is true. A departure is dormant until it is
    /// touched.
    pub fn new(
        catalog: Arc<Catalog>,
        board: Arc<Board>,
        counters: Arc<Counters>,
        owns: impl Fn(u16) -> bool,
    ) -> Self {
        let owned = |partition| owns(partition).then(|| Partition::new(partition));
        Self {
            shards: (0..catalog.len()).map(|_| None).collect(),
            partitions: (0..board.partitions()).map(owned).collect(),
            catalog,
            board,
            counters,
            retired: HashMap::default(),
            retired_trains: Vec::new(),
            orphans: Orphans::default(),
            deadlines: DeadlineQueue::default(),
            answers: VecDeque::new(),
            withheld: 0,
            commit_in_flight: false,
            stalled: false,
            full: false,
            compaction: Compaction::default(),
            changes: None,
        }
    }

    /// `submit` for each of `asks`, in this order. What a command meets has mostly left the caches since the last one: a
    /// glance over a whole group first lets the processor fetch for all of them at once.
    pub fn submit_group(&mut self, asks: &[Ask], now: Stamp) {
        for group in asks.chunks(GROUP) {
            let mut locations = [None; GROUP];
            for (location, ask) in locations.iter_mut().zip(group) {
                *location = self.locate(ask.command.departure());
            }
            let live = |location: &Option<Location>| self.shards[location.as_ref()?.shard].as_deref();
            locations.iter().filter_map(live).for_each(Shard::touch);
            for (location, ask) in locations.iter().zip(group) {
                if let Some(shard) = live(location) {
                    shard.touch_for(&ask.command);
                }
            }
            for (location, ask) in locations.iter().zip(group) {
                self.submit_at(*location, ask.origin, &ask.command, now);
            }
        }
    }

    /// Does what is asked of a departure of this core. The answer comes out of `next_answer`, now or later.
    pub fn submit(&mut self, origin: Origin, command: &Command, now: Stamp) {
        self.submit_at(self.locate(command.departure()), origin, command, now);
    }

    fn submit_at(&mut self, location: Option<Location>, origin: Origin, command: &Command, now: Stamp) {
        let Some(Location { shard, partition }) = location else {
            let unknown = Refusal { status: Status::UnknownDeparture, detail: 0 };
            let refusal = self.board.fences.refusal(command.departure()).unwrap_or(unknown);
            return self.refuse(origin, refusal.status, refusal.detail);
        };
        let (retired, live) = (shard >= self.catalog.len(), self.shards[shard].is_some());
        if let Command::Reserve(reserve @ Reserve { first: true, .. }) = command
            && let Some(state) = &self.shards[shard]
            && state.is_short_of(reserve)
            && !retired
            && let Some(refusal) = self.board.sold_out_at(DepartureIndex(shard as u32), reserve, now)
        {
            return self.refuse(origin, refusal.status, refusal.detail);
        }
        if let Some((status, retry_ms)) = self.congested(command, partition) {
            return self.refuse(origin, status, retry_ms);
        }
        // RESERVE is up to its shard, whose sale is over: a reservation of that id may have been made before.
        if retired && matches!(command, Command::Open(..)) {
            return self.refuse(origin, Status::Closed, 0);
        }
        if !live {
            self.wake(shard);
        }
        let owner = self.partitions[usize::from(partition)].as_mut().expect("locate finds owned partitions");
        let state = self.shards[shard].as_mut().expect("woken above");
        let records = owner.draft.records;
        let outcome = state.apply(command, now, &mut owner.draft);
        if let Some(changes) = &mut self.changes
            && owner.draft.records != records
        {
            changes.note(partition, shard);
        }
        if let Some(deadline) = state.wake_earlier() {
            self.deadlines.set(shard as u32, deadline);
        }
        if let (Answer::Sale(sale), false) = (&outcome.answer, retired) {
            self.board.set_sale(DepartureIndex(shard as u32), sale.sale);
        }
        self.answer(partition, Answered { origin, answer: outcome.answer }, outcome.rests_on);
    }

    /// The next answer that may be told.
    pub fn next_answer(&mut self) -> Option<Answered> {
        self.answers.pop_front()
    }

    /// Ends holds whose time is up, at most `budget` of them. Returns whether some may be left.
    pub fn expire(&mut self, now: Stamp, budget: usize) -> bool {
        for _ in 0..budget {
            let Some((deadline, shard)) = self.deadlines.first() else { return false };
            if deadline > now.boot_ms {
                return false;
            }
            let state = self.shards[shard as usize].as_mut().expect("only a live shard has deadlines");
            let number = state.departure().partition(self.partitions.len() as u16);
            let owner = self.partitions[usize::from(number)].as_mut().expect("a shard's partition is owned");
            if owner.draft.payload.len() > DRAFT_BYTES_FOR_EXPIRIES {
                return false;
            }
            if state.expire_next(now, &mut owner.draft)
                && let Some(changes) = &mut self.changes
            {
                changes.note(number, shard as usize);
            }
            match state.wake_next() {
                Some(deadline) => self.deadlines.set(shard, deadline),
                None => self.deadlines.remove(shard),
            }
        }
        true
    }

    /// When to look for holds to end, on the clock of `Stamp::boot_ms`.
    pub fn next_deadline(&self) -> Option<u64> {
        self.deadlines.first().map(|(deadline, _)| deadline)
    }

    /// Fills `batches` with what is to be made durable next, `covered` with the word on what that lets the log trim
    /// (partition and sequence), and `remaining` with the places of the departures that changed. False when there is
    /// nothing, or when the last commit is still on its way: one is in flight at most, and while it is the next one fills.
    /// Drafts go on in buffers from `spare`; what `remaining` holds is used again.
    pub fn commit(
        &mut self,
        now: Stamp,
        batches: &mut Vec<Batch>,
        covered: &mut Vec<(u16, u64)>,
        remaining: &mut Vec<Remaining>,
        spare: &mut Vec<Vec<u8>>,
    ) -> bool {
        if self.commit_in_flight {
            return false;
        }
        if let Some(changes) = &mut self.changes {
            changes.reuse(remaining);
        }
        let names = Names { catalog: &self.catalog, retired: &self.retired_trains };
        for partition in self.partitions.iter_mut().flatten().filter(|partition| !partition.is_empty()) {
            self.counters.add(Counter::Expired, partition.draft.expired.into());
            let batch = partition.take_batch(now, spare.pop().unwrap_or_default());
            if let Some(changes) = &mut self.changes {
                changes.list(batch.partition, &names, &self.shards, remaining);
            }
            batches.push(batch);
        }
        covered.append(&mut self.compaction.covered);
        self.commit_in_flight = !batches.is_empty() || !covered.is_empty();
        self.commit_in_flight
    }

    /// Notes that these batches are durable and lets go the answers that rest on them.
    pub fn committed(&mut self, batches: &[Batch]) {
        assert!(self.commit_in_flight, "only a commit in flight can become durable");
        self.commit_in_flight = false;
        self.stalled = false;
        for batch in batches {
            let partition = self.partitions[usize::from(batch.partition)].as_mut().expect("ours");
            partition.durable = batch.position.sequence;
            self.board.set_durable(batch.partition, batch.position.sequence);
            while let Some(answered) = partition.next_released() {
                self.withheld -= 1;
                tell(&mut self.answers, &self.counters, answered);
            }
        }
    }

    /// Whether a commit is on its way to the ledger.
    pub fn awaits_ledger(&self) -> bool {
        self.commit_in_flight
    }

    /// Whether everything that was submitted is durable and told.
    pub fn is_idle(&self) -> bool {
        let drafts_empty = self.partitions.iter().flatten().all(|partition| partition.is_empty());
        drafts_empty && !self.commit_in_flight && self.withheld == 0 && self.answers.is_empty()
    }

    /// The departures of this core that somebody has touched.
    pub fn shards(&self) -> impl Iterator<Item = &Shard> {
        self.shards.iter().flatten().map(|shard| &**shard)
    }

    fn locate(&self, departure: DepartureId) -> Option<Location> {
        let partition = departure.partition(self.partitions.len() as u16);
        self.partitions[usize::from(partition)].as_ref()?;
        let shard = match self.catalog.find(departure) {
            Some(DepartureIndex(index)) => index,
            None => *self.retired.get(&departure)?,
        };
        Some(Location { shard: shard as usize, partition })
    }

    /// Makes a dormant departure of the catalogue live.
    fn wake(&mut self, shard: usize) {
        let index = DepartureIndex(shard as u32);
        let id = self.catalog.id(index);
        let mut plan_record = Vec::new();
        encode_plan(id, &self.catalog.plan(index), &mut plan_record);
        let (layout, published) = self.board.activate(index);
        let segments = self.catalog.segments(index);
        let rules = self.catalog.rules(index);
        let shard_state = Shard::new(id, rules, layout, segments, published, plan_record.into());
        self.shards[shard] = Some(Box::new(shard_state));
        let partition = id.partition(self.partitions.len() as u16);
        let owner = self.partitions[usize::from(partition)].as_mut().expect("only owned departures wake");
        owner.members.push(shard as u32);
        self.counters.bump(Counter::DeparturesLive);
    }

    fn answer(&mut self, partition: u16, answered: Answered, rests_on: u64) {
        let owner = self.partitions[usize::from(partition)].as_mut().expect("the partition is ours");
        if rests_on > owner.durable {
            owner.withhold(rests_on, answered);
            self.withheld += 1;
        } else {
            tell(&mut self.answers, &self.counters, answered);
        }
    }

    fn refuse(&mut self, origin: Origin, status: Status, detail: u64) {
        let answered = Answered { origin, answer: Answer::refused(status, detail) };
        tell(&mut self.answers, &self.counters, answered);
    }
}

fn tell(answers: &mut VecDeque<Answered>, counters: &Counters, answered: Answered) {
    match answered.answer {
        Answer::Refused(refusal) => counters.count_refusal(refusal.status),
        Answer::Reservation(_) | Answer::Sale(_) => counters.bump(match answered.origin.opcode {
            Opcode::Reserve => Counter::Reserved,
            Opcode::Confirm => Counter::Confirmed,
            Opcode::Cancel => Counter::Cancelled,
            Opcode::Refund => Counter::Refunded,
            Opcode::Open | Opcode::Close => Counter::SaleDecided,
            _ => Counter::LookedUp,
        }),
    }
    answers.push_back(answered);
}

#[cfg(test)]
mod tests;
