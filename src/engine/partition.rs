//! One partition: its place in the log, the batch that it fills, the answers that wait for it.

use super::Answered;
use crate::shard::Draft;
use seathold_protocol::batch::{Batch, Position, Stamp};
use std::collections::VecDeque;

pub(super) struct Partition {
    number: u16,
    /// This owner's term: raised above every term in the log before anything is written.
    epoch: u64,
    /// The newest batch, sent or replayed.
    tail: Position,
    /// The newest batch that is known to be in the log.
    pub(super) durable: u64,
    pub(super) draft: Draft,
    /// No batch of this term has been sent.
    opening: bool,
    /// The next batch is written even when it is empty: the first of a term, and one that lets the log be trimmed.
    forced: bool,
    /// Answers and the batch that each rests on, in the order of the asking.
    withheld: VecDeque<(u64, Answered)>,
    /// Departures of this partition that were touched, as shard numbers.
    pub(super) members: Vec<u32>,
}

impl Partition {
    pub(super) fn new(number: u16) -> Self {
        Self {
            number,
            epoch: 0,
            tail: Position::default(),
            durable: 0,
            draft: Draft { sequence: 1, ..Draft::default() },
            opening: true,
            forced: true,
            withheld: VecDeque::new(),
            members: Vec::new(),
        }
    }

    /// Notes a batch that the log has. The next one has a higher epoch.
    pub(super) fn replayed(&mut self, position: Position) {
        self.tail = position;
        self.durable = position.sequence;
        self.epoch = position.epoch;
        self.draft.sequence = position.sequence + 1;
    }

    /// The batch to send. `payload` becomes the next draft's buffer.
    pub(super) fn take_batch(&mut self, now: Stamp, mut payload: Vec<u8>) -> Batch {
        if self.opening {
            self.opening = false;
            self.epoch += 1;
        }
        self.forced = false;
        payload.clear();
        let position = Position { epoch: self.epoch, sequence: self.draft.sequence };
        let next = Draft { sequence: position.sequence + 1, records: 0, expired: 0, payload };
        let full = std::mem::replace(&mut self.draft, next);
        let previous_epoch = std::mem::replace(&mut self.tail, position).epoch;
        Batch {
            partition: self.number,
            position,
            previous_epoch,
            stamp: now,
            records: full.records,
            payload: full.payload,
        }
    }

    pub(super) fn force_batch(&mut self) {
        self.forced = true;
    }

    pub(super) fn is_empty(&self) -> bool {
        self.draft.records == 0 && !self.forced
    }

    /// Keeps an answer until the batch `rests_on` is durable. An answer never overtakes one that came before it.
    pub(super) fn withhold(&mut self, rests_on: u64, answered: Answered) {
        self.withheld.push_back((rests_on, answered));
    }

    /// What is lost when another server takes the partition over: the answers that nobody can bear out any more, in the
    /// order of the asking, and the departures.
    pub(super) fn into_parts(self) -> (impl Iterator<Item = Answered>, Vec<u32>) {
        (self.withheld.into_iter().map(|(_, answered)| answered), self.members)
    }

    /// The next withheld answer that may be told.
    pub(super) fn next_released(&mut self) -> Option<Answered> {
        let (rests_on, _) = self.withheld.front()?;
        if *rests_on > self.durable {
            return None;
        }
        self.withheld.pop_front().map(|(_, answered)| answered)
    }
}
