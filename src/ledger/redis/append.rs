//! Appending: whatever Redis does not have yet goes there, in rounds, until it has everything or says that it cannot.

use super::compaction::Compaction;
use super::create::Head;
use super::durability::Durability;
use super::figures::Figures;
use super::keys::Keys;
use super::link::Reply;
use super::partition::Partition;
use super::servers::Servers;
use super::tail::Owner;
use crate::ledger::log::{AppendError, Log, Remaining};
use crate::sys::point;
use seathold_protocol::batch::Batch;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Rounds that may fail before an append is given back to the caller, who tells the cores and comes again: one loads the
/// step, one finds the new primary, one learns that it is full.
const FAILURES_MAX: usize = 4;

/// Nor does an append begin another round after this, once one has failed: buyers wait meanwhile.
const PATIENCE: Duration = Duration::from_millis(1_500);

/// How often an owner with nothing to append looks whether the ledger is still its own, and all there.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// The log in Redis.
pub struct RedisLog {
    pub(super) servers: Servers,
    pub(super) keys: Keys,
    pub(super) head: Head,
    pub(super) owner: Owner,
    pub(super) durability: Durability,
    pub(super) partitions: Vec<Partition>,
    pub(super) figures: Arc<Figures>,
    pub(super) compaction: Compaction,
    /// Redis is at its memory limit; when to look again.
    pub(super) full_until: Option<Instant>,
    pub(super) replies: Vec<Reply>,
    /// Redis was emptied: the word that there is a ledger is to be written again.
    pub(super) head_lost: bool,
}

impl Log for RedisLog {
    fn append(&mut self, batches: &[&Batch]) -> Result<(), AppendError> {
        for batch in batches {
            self.partitions[usize::from(batch.partition)].take(batch, self.owner)?;
        }
        if batches.is_empty() {
            self.look()?;
        } else {
            point("append::kept");
        }
        self.bring_up()?;
        if let Some(fence) = self.partitions.iter_mut().find_map(Partition::new_fence) {
            return Err(fence);
        }
        self.restore_head();
        self.trim_what_is_covered();
        self.compaction.note(&self.partitions, self.full_until.is_some());
        Ok(())
    }

    fn look_every(&self) -> Option<Duration> {
        Some(LOOK_EVERY)
    }

    fn note_remaining(&mut self, remaining: &[Remaining]) {
        for left in remaining {
            self.partitions[usize::from(left.partition)].note(left);
        }
    }

    fn covered(&mut self, partition: u16, sequence: u64) {
        let partition = &mut self.partitions[usize::from(partition)];
        partition.floor = partition.floor.max(sequence);
    }

    fn wants_compaction(&self) -> Option<Vec<(u16, u64)>> {
        self.compaction.wanted()
    }

    /// A server at its limit says so when it is asked to write: it is asked for the last batches again.
    fn is_full(&mut self) -> bool {
        if self.full_until.is_some_and(|until| self.servers.now() >= until) {
            self.partitions.iter_mut().for_each(|partition| partition.kept.doubt_last());
            if let Err(error) = self.bring_up() {
                log::debug!("ledger: whether there is room is not known: {error}");
            }
        }
        self.full_until.is_some()
    }
}

impl RedisLog {
    /// Appends all that is pending.
    pub(super) fn bring_up(&mut self) -> Result<(), AppendError> {
        let began = self.servers.now();
        let mut failures = 0;
        while !self.is_up() {
            let round = self.round();
            if let Some(error) = round.error {
                return Err(error);
            }
            let Some(trouble) = round.trouble else { continue };
            failures += 1;
            if !self.is_up()
                && (round.wait || failures == FAILURES_MAX || self.servers.now() - began > PATIENCE)
            {
                return Err(AppendError::Away(trouble));
            }
        }
        Ok(())
    }

    fn is_up(&self) -> bool {
        self.partitions.iter().all(Partition::is_up)
    }
}
