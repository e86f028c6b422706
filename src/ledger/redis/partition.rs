//! What the owner knows of one partition: its batches, what its departures have left, and where Redis stands.

use super::figures::Figures;
use super::kept::{Entry, Kept, Stands};
use super::node::Node;
use super::tail::{Owner, Tail};
use crate::ledger::log::{AppendError, Remaining};
use seathold_protocol::DepartureId;
use seathold_protocol::batch::{Batch, Position};
use std::collections::HashMap;
use std::sync::atomic::Ordering::Relaxed;

/// What one departure has left, as it stands in Redis.
#[derive(Debug)]
struct Left {
    field: String,
    text: String,
    /// Not in Redis yet.
    dirty: bool,
}

/// One partition that this process owns, or owned.
#[derive(Debug)]
pub(super) struct Partition {
    pub(super) number: u16,
    /// Its keys' slot in a cluster.
    pub(super) slot: u16,
    pub(super) kept: Kept,
    /// Redis has no tail: its keys are gone.
    pub(super) emptied: bool,
    /// Its keys were gone, and not all is in again: until then they do not name the ledger, and no start takes them for whole.
    pub(super) nameless: bool,
    /// While its slot moves: the node that has its keys already.
    pub(super) asking: Option<Node>,
    /// The epoch of the owner that took it over.
    pub(super) fenced: Option<u64>,
    /// Nobody was told yet that it is fenced.
    untold: bool,
    /// State up to this sequence stands in later batches.
    pub(super) floor: u64,
    /// The floor up to which Redis was trimmed.
    pub(super) trimmed: u64,
    remaining: HashMap<DepartureId, Left, foldhash::quality::RandomState>,
    /// Those of `remaining` that are dirty.
    dirty: Vec<DepartureId>,
}

impl Partition {
    pub(super) fn new(number: u16, slot: u16) -> Self {
        Self {
            number,
            slot,
            kept: Kept::default(),
            emptied: false,
            nameless: false,
            asking: None,
            fenced: None,
            untold: false,
            floor: 0,
            trimmed: 0,
            remaining: HashMap::default(),
            dirty: Vec::new(),
        }
    }

    /// Whether there is nothing to append.
    pub(super) fn is_up(&self) -> bool {
        self.fenced.is_some() || self.kept.is_confirmed()
    }

    /// Whether what it lacks follows the tail that Redis has.
    pub(super) fn is_plain(&self) -> bool {
        !self.emptied && !self.nameless && self.asking.is_none() && !self.kept.is_doubted()
    }

    /// What is to be appended: each batch with the tail that it is appended behind.
    pub(super) fn pending(&self) -> impl Iterator<Item = (Tail, &Entry)> {
        self.kept.pending().filter(|_| self.fenced.is_none())
    }

    /// Takes a batch that is to be appended; one that is sent again is kept already.
    pub(super) fn take(&mut self, batch: &Batch, owner: Owner) -> Result<(), AppendError> {
        let tail = self.kept.tail().position;
        if let Some(epoch) = self.fenced {
            return Err(self.fence(epoch));
        }
        if batch.position == tail {
            return Ok(());
        }
        if batch.previous() != tail || batch.position.epoch < tail.epoch {
            let offered = batch.previous();
            return Err(AppendError::TailMismatch { partition: self.number, tail, offered });
        }
        let mut bytes = Vec::with_capacity(batch.encoded_bytes());
        batch.encode(&mut bytes);
        self.kept.push(batch.position, owner, bytes);
        Ok(())
    }

    /// That it is fenced, if that is news.
    pub(super) fn new_fence(&mut self) -> Option<AppendError> {
        let epoch = self.fenced.filter(|_| self.untold)?;
        Some(self.fence(epoch))
    }

    /// Takes note of where Redis stands. That another owner has the partition is no error here: the others go on.
    pub(super) fn stands_at(&mut self, tail: Option<Tail>, figures: &Figures) -> Result<(), AppendError> {
        let ours = self.kept.tail().position;
        match self.kept.stands_at(tail) {
            Stands::Here { lost } => {
                self.emptied = tail.is_none();
                self.nameless |= self.emptied;
                if lost > 0 {
                    figures.lost_batches.fetch_add(lost as u64, Relaxed);
                    log::warn!(
                        "ledger: Redis has lost the last {lost} batches of partition {}; they are appended again",
                        self.number
                    );
                    self.rewrite();
                }
                Ok(())
            }
            Stands::Fenced(epoch) => {
                self.fenced = Some(epoch);
                self.untold = true;
                Ok(())
            }
            Stands::Elsewhere => Err(AppendError::TailMismatch {
                partition: self.number,
                tail: tail.unwrap_or_default().position,
                offered: ours,
            }),
        }
    }

    /// Notes what a departure has left, to be written with the next batch.
    pub(super) fn note(&mut self, remaining: &Remaining) {
        let left = self.remaining.entry(remaining.departure).or_insert_with(|| Left {
            field: remaining.field.clone(),
            text: String::new(),
            dirty: false,
        });
        left.text.clone_from(&remaining.text);
        if !std::mem::replace(&mut left.dirty, true) {
            self.dirty.push(remaining.departure);
        }
    }

    /// Fields and values that Redis does not have yet.
    pub(super) fn unwritten(&self) -> impl ExactSizeIterator<Item = (&str, &str)> {
        self.dirty.iter().map(|departure| {
            let left = &self.remaining[departure];
            (left.field.as_str(), left.text.as_str())
        })
    }

    /// Notes that Redis has the batch with this tail, and with the last one what `unwritten` told.
    pub(super) fn confirm(&mut self, tail: Tail) {
        self.kept.confirm(tail);
        self.emptied = false;
        if self.kept.is_confirmed() {
            self.nameless = false;
            self.written();
        }
    }

    fn written(&mut self) {
        for departure in self.dirty.drain(..) {
            self.remaining.get_mut(&departure).expect("it was noted").dirty = false;
        }
    }

    /// Everything is to be written again.
    fn rewrite(&mut self) {
        self.remaining.values_mut().for_each(|left| left.dirty = true);
        self.dirty.clear();
        self.dirty.extend(self.remaining.keys());
    }

    /// It is another owner's, so nothing of it is needed any more.
    fn fence(&mut self, epoch: u64) -> AppendError {
        self.untold = false;
        self.kept = Kept::behind(self.kept.tail());
        self.remaining.clear();
        self.dirty.clear();
        let ours = self.kept.tail().position;
        AppendError::Fenced { partition: self.number, tail: Position { epoch, ..ours }, offered: ours.epoch }
    }
}
