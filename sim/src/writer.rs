//! The ledger thread, a step at a time: takes every commit that is queued, makes one append of them, and tells each core. The
//! real one waits on a channel and on the clock; this one is called.

use crate::branch::{Branch, Counts};
use seathold::ledger::{AppendError, Commit, Health, Log, Notice};
use seathold_protocol::batch::Batch;

/// What an append came to.
pub(crate) enum Step {
    /// The batches of these commits are durable; each goes back to its core.
    Durable(Vec<Commit>),
    /// Nothing is acknowledged, and the same will be tried again.
    Waiting,
    /// The process must end.
    Broken(String),
}

pub(crate) struct Writer {
    pub(crate) log: Box<dyn Log>,
    queued: Vec<Commit>,
    fenced: Vec<u16>,
    health: Health,
    asked: Option<Vec<(u16, u64)>>,
    /// News for all cores.
    pub(crate) news: Vec<Notice>,
}

impl Writer {
    pub(crate) fn new(log: Box<dyn Log>) -> Self {
        Self {
            log,
            queued: Vec::new(),
            fenced: Vec::new(),
            health: Health::Fine,
            asked: None,
            news: Vec::new(),
        }
    }

    pub(crate) fn is_idle(&self) -> bool {
        self.queued.is_empty()
    }

    /// Takes a commit, without what is no longer this server's.
    pub(crate) fn take(&mut self, mut commit: Commit) {
        self.fenced.iter().for_each(|partition| strip(&mut commit, *partition));
        if !commit.remaining.is_empty() {
            self.log.note_remaining(&commit.remaining);
        }
        self.queued.push(commit);
    }

    /// One append, of nothing if nothing is queued: so a log that others can touch finds out.
    pub(crate) fn step(&mut self, counts: &mut Counts) -> Step {
        loop {
            let batches: Vec<&Batch> = self.queued.iter().flat_map(|commit| &commit.batches).collect();
            match self.log.append(&batches) {
                Ok(()) => break,
                Err(AppendError::Fenced { partition, tail, .. }) => {
                    counts.bump(Branch::Fenced);
                    self.fenced.push(partition);
                    self.queued.iter_mut().for_each(|commit| strip(commit, partition));
                    self.news.push(Notice::Fenced { partition, epoch: tail.epoch });
                }
                Err(AppendError::NoSpace(_)) => {
                    counts.bump(Branch::FullDisk);
                    self.set_health(Health::Stalled);
                    return Step::Waiting;
                }
                Err(AppendError::Away(_)) => {
                    counts.bump(Branch::LedgerAway);
                    self.set_health(Health::Stalled);
                    return Step::Waiting;
                }
                Err(error) => return Step::Broken(error.to_string()),
            }
        }
        let full = self.log.is_full();
        if full && self.health != Health::Full {
            counts.bump(Branch::LedgerFull);
        }
        self.set_health(if full { Health::Full } else { Health::Fine });
        let durable = std::mem::take(&mut self.queued);
        for (partition, sequence) in durable.iter().flat_map(|commit| &commit.covered) {
            self.log.covered(*partition, *sequence);
        }
        let wanted = self.log.wants_compaction();
        if wanted != self.asked {
            if let Some(wanted) = &wanted {
                counts.bump(Branch::Compaction);
                self.news.push(Notice::Compact(wanted.clone()));
            }
            self.asked = wanted;
        }
        Step::Durable(durable)
    }

    fn set_health(&mut self, health: Health) {
        if self.health != health {
            self.health = health;
            self.news.push(Notice::Health(health));
        }
    }
}

/// Takes out of `commit` all that is about `partition`.
fn strip(commit: &mut Commit, partition: u16) {
    commit.batches.retain(|batch| batch.partition != partition);
    commit.covered.retain(|(covered, _)| *covered != partition);
    commit.remaining.retain(|remaining| remaining.partition != partition);
}
