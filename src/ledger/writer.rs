//! The ledger thread: takes every commit that is queued, makes one append of them, and tells each core. While an
//! append is on its way the next commits queue up: that alone sets the size of a group.

use std::io;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, TrySendError, bounded};
use seathold_protocol::batch::Batch;

use super::figures::LedgerFigures;
use super::log::{AppendError, Commit, Log};
use super::notice::{Health, Notice};
use crate::sys::point;

/// How long the thread waits before it tries again when the log could not be written, or looks again whether it has room.
const RETRY: Duration = Duration::from_millis(100);

/// The running ledger thread.
#[derive(Debug)]
pub struct LedgerWriter {
    commits: CommitSender,
    figures: Arc<LedgerFigures>,
    thread: JoinHandle<()>,
}

/// A core's end of the queue. The thread ends when the last one is gone and the last commit is durable.
#[derive(Clone, Debug)]
pub struct CommitSender {
    sender: Sender<Commit>,
}

impl LedgerWriter {
    /// Starts the thread. `on_notice` is called on it with a core's number and the news; it must not wait for the
    /// ledger. `on_broken` is called at most once, with the reason why nothing will be acknowledged any more; the
    /// process should end then.
    pub fn spawn(
        log: Box<dyn Log>,
        cores: usize,
        on_notice: impl Fn(usize, Notice) + Send + 'static,
        on_broken: impl FnOnce(AppendError) + Send + 'static,
    ) -> io::Result<Self> {
        let (sender, receiver) = bounded(cores);
        let figures = Arc::new(LedgerFigures::default());
        let mut turn = Turn {
            log,
            cores,
            receiver,
            on_notice,
            figures: figures.clone(),
            queued: Vec::with_capacity(cores),
            list: Vec::new(),
            fenced: Vec::new(),
            health: Health::Fine,
            stalled_by: None,
            asked: None,
        };
        let thread = std::thread::Builder::new().name("ledger".to_owned()).spawn(move || {
            if let Err(error) = turn.run() {
                log::error!("ledger: {error}; stopping, nothing is acknowledged any more");
                on_broken(error);
            }
        })?;
        Ok(Self { commits: CommitSender { sender }, figures, thread })
    }

    /// A sender for one core.
    pub fn commits(&self) -> CommitSender {
        self.commits.clone()
    }

    /// What the thread counts.
    pub fn figures(&self) -> Arc<LedgerFigures> {
        self.figures.clone()
    }

    /// Waits until every other sender is gone and the last commit is durable.
    pub fn join(self) {
        drop(self.commits);
        if let Err(panic) = self.thread.join() {
            std::panic::resume_unwind(panic);
        }
    }
}

impl CommitSender {
    /// Hands over a commit. The answer is `Notice::Durable`; until then the core has no second one. After
    /// `on_broken` commits are dropped: nobody can make them durable.
    pub fn send(&self, commit: Commit) {
        if let Err(TrySendError::Full(_)) = self.sender.try_send(commit) {
            panic!("the queue has a place for each core, and a core has one commit in flight");
        }
    }
}

struct Turn<N> {
    log: Box<dyn Log>,
    cores: usize,
    receiver: Receiver<Commit>,
    on_notice: N,
    figures: Arc<LedgerFigures>,
    queued: Vec<Commit>,
    /// Where the batches of an append are listed; empty between appends, and kept for its memory.
    list: Vec<&'static Batch>,
    /// Partitions that other servers have taken over.
    fenced: Vec<u16>,
    /// What the cores were told last.
    health: Health,
    /// Why the log cannot be written, while it cannot.
    stalled_by: Option<String>,
    /// The compaction that was asked for last: asked once, not after every append.
    asked: Option<Vec<(u16, u64)>>,
}

impl<N: Fn(usize, Notice)> Turn<N> {
    fn run(&mut self) -> Result<(), AppendError> {
        while self.wait() {
            point("writer::taken");
            if !self.append()? {
                break;
            }
            point("writer::appended");
            self.acknowledge();
            self.ask_for_compaction();
        }
        Ok(())
    }

    /// Waits for commits and queues all that are there; false when there will be none. Nothing is queued when it is time
    /// for the log to look. A full one is looked at, too: cores that refuse new reservations may have nothing to append by
    /// which it could be noticed that there is room.
    fn wait(&mut self) -> bool {
        let full = self.health == Health::Full;
        let first = match if full { Some(RETRY) } else { self.log.look_every() } {
            None => self.receiver.recv().map_err(|_| RecvTimeoutError::Disconnected),
            Some(patience) => self.receiver.recv_timeout(patience),
        };
        match first {
            Ok(first) => self.take(first),
            Err(RecvTimeoutError::Timeout) => return true,
            Err(RecvTimeoutError::Disconnected) => return false,
        }
        while let Ok(commit) = self.receiver.try_recv() {
            self.take(commit);
        }
        true
    }

    /// Queues a commit, without what is no longer this server's.
    fn take(&mut self, mut commit: Commit) {
        for partition in &self.fenced {
            strip(&mut commit, *partition);
        }
        if !commit.remaining.is_empty() {
            self.log.note_remaining(&commit.remaining);
        }
        self.queued.push(commit);
    }

    /// Appends all that is queued, as often as it takes. False when the log cannot be written and nobody waits any more.
    fn append(&mut self) -> Result<bool, AppendError> {
        loop {
            let mut batches: Vec<&Batch> = std::mem::take(&mut self.list);
            batches.extend(self.queued.iter().flat_map(|commit| &commit.batches));
            let start = Instant::now();
            self.figures.begin_append();
            let appended = self.log.append(&batches);
            self.figures.end_append();
            if appended.is_ok() && !batches.is_empty() {
                let records = batches.iter().map(|batch| u64::from(batch.records)).sum();
                let bytes = batches.iter().map(|batch| batch.encoded_bytes()).sum();
                self.figures.count(batches.len(), records, bytes, start.elapsed());
            }
            self.list = emptied(batches);
            match appended {
                Ok(()) => {
                    self.look();
                    return Ok(true);
                }
                Err(AppendError::Fenced { partition, tail, .. }) => {
                    self.lose(partition, tail.epoch);
                    continue;
                }
                Err(error @ (AppendError::NoSpace(_) | AppendError::Away(_))) => self.stall(&error),
                Err(error) => return Err(error),
            }
            match self.receiver.recv_timeout(RETRY) {
                Ok(commit) => self.take(commit),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => {
                    log::error!(
                        "ledger: still not written at the end; the last batches were never acknowledged"
                    );
                    return Ok(false);
                }
            }
        }
    }

    /// Notes a try that failed for a reason that passes by itself.
    fn stall(&mut self, error: &AppendError) {
        let tries = match error {
            AppendError::NoSpace(_) => &self.figures.no_space,
            _ => &self.figures.away,
        };
        tries.fetch_add(1, Relaxed);
        let before = self.stalled_by.replace(error.to_string());
        if before != self.stalled_by {
            log::warn!("{error}");
        }
        if before.is_none() {
            self.figures.stalls.fetch_add(1, Relaxed);
        }
        self.set_health(Health::Stalled);
    }

    /// Notes what the log takes, now that it does not stall.
    fn look(&mut self) {
        let health = if self.log.is_full() { Health::Full } else { Health::Fine };
        if health != self.health {
            match health {
                Health::Full => log::warn!(
                    "ledger: the log is full and takes only what gives places back; new reservations are refused \
                     until it has room, so give it more"
                ),
                _ => log::info!("ledger: everything can be written again"),
            }
        }
        self.stalled_by = None;
        self.set_health(health);
    }

    /// Tells the cores if something has changed.
    fn set_health(&mut self, health: Health) {
        if self.health != health {
            self.health = health;
            self.figures.set_health(health);
            self.tell_all(&Notice::Health(health));
        }
    }

    /// Gives up a partition that another server has taken over, and goes on with the rest.
    fn lose(&mut self, partition: u16, epoch: u64) {
        assert!(!self.fenced.contains(&partition), "nothing of a fenced partition is appended");
        log::error!(
            "ledger: another server has taken over partition {partition}, in epoch {epoch}; \
             its departures are answered UNAVAILABLE here until the next start"
        );
        self.fenced.push(partition);
        self.queued.iter_mut().for_each(|commit| strip(commit, partition));
        self.figures.fenced.fetch_add(1, Relaxed);
        self.tell_all(&Notice::Fenced { partition, epoch });
    }

    fn acknowledge(&mut self) {
        for commit in self.queued.drain(..) {
            for &(partition, sequence) in &commit.covered {
                point("writer::covered");
                self.log.covered(partition, sequence);
            }
            (self.on_notice)(commit.core, Notice::Durable(commit));
        }
    }

    fn ask_for_compaction(&mut self) {
        let wanted = self.log.wants_compaction();
        if wanted == self.asked {
            return;
        }
        if let Some(wanted) = &wanted {
            point("writer::compacts");
            self.tell_all(&Notice::Compact(wanted.clone()));
        }
        self.asked = wanted;
    }

    fn tell_all(&self, notice: &Notice) {
        for core in 0..self.cores {
            (self.on_notice)(core, notice.clone());
        }
    }
}

/// The memory of a list, for other batches: what is collected from a vector's own elements stays in its memory.
fn emptied<'a>(mut list: Vec<&Batch>) -> Vec<&'a Batch> {
    list.clear();
    list.into_iter().map(|_| unreachable!("the list is empty")).collect()
}

/// Takes out of `commit` all that is about `partition`.
fn strip(commit: &mut Commit, partition: u16) {
    commit.batches.retain(|batch| batch.partition != partition);
    commit.covered.retain(|(covered, _)| *covered != partition);
    commit.remaining.retain(|remaining| remaining.partition != partition);
}

#[cfg(test)]
mod tests;
