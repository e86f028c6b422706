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
use super::notice::Notice;

/// How long the thread waits before it tries again when there was no room.
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
    /// The compaction that was asked for last: asked once, not after every append.
    asked: Option<Vec<(u16, u64)>>,
}

impl<N: Fn(usize, Notice)> Turn<N> {
    fn run(&mut self) -> Result<(), AppendError> {
        while let Ok(commit) = self.receiver.recv() {
            self.queued.push(commit);
            self.queued.extend(self.receiver.try_iter());
            if !self.append()? {
                break;
            }
            self.acknowledge();
            self.ask_for_compaction();
        }
        Ok(())
    }

    /// Appends all that is queued, as often as it takes. False when there is no room and nobody waits any more.
    fn append(&mut self) -> Result<bool, AppendError> {
        let mut stalled = false;
        loop {
            let batches: Vec<&Batch> = self.queued.iter().flat_map(|commit| &commit.batches).collect();
            let start = Instant::now();
            match self.log.append(&batches) {
                Ok(()) => {
                    let records = batches.iter().map(|batch| u64::from(batch.records)).sum();
                    let bytes = batches.iter().map(|batch| batch.encoded_bytes()).sum();
                    self.figures.count(batches.len(), records, bytes, start.elapsed());
                    break;
                }
                Err(AppendError::NoSpace(error)) => {
                    self.figures.no_space.fetch_add(1, Relaxed);
                    if !stalled {
                        stalled = true;
                        self.figures.stalled.store(true, Relaxed);
                        log::warn!("{}", AppendError::NoSpace(error));
                        self.tell_all(&Notice::Stalled);
                    }
                }
                Err(error) => return Err(error),
            }
            match self.receiver.recv_timeout(RETRY) {
                Ok(commit) => self.queued.push(commit),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => {
                    log::error!(
                        "ledger: still no space at the end; the last batches were never acknowledged"
                    );
                    return Ok(false);
                }
            }
        }
        if stalled {
            log::info!("ledger: there is space again");
            self.figures.stalled.store(false, Relaxed);
            self.tell_all(&Notice::Resumed);
        }
        Ok(true)
    }

    fn acknowledge(&mut self) {
        for commit in self.queued.drain(..) {
            for &(partition, sequence) in &commit.covered {
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

#[cfg(test)]
mod tests;
