//! One simulated process: its cores, its mesh, its ledger thread, and all of it gone when it is killed.

use crate::branch::{Branch, Counts};
use crate::disk::SimDisk;
use crate::front::{Around, Front};
use crate::history::History;
use crate::journal::Journal;
use crate::network::Network;
use crate::redis::SimHost;
use crate::run::Bug;
use crate::shadow::Shadow;
use crate::writer::{Step, Writer};
use mio::{Poll, Token, Waker};
use seathold::audit::Audit;
use seathold::catalog::Catalog;
use seathold::counters::Counters;
use seathold::engine::{Board, Engine};
use seathold::ledger::file::{FileLog, Options};
use seathold::ledger::redis::{self, Durability, Figures, Host, RedisError, RedisLog};
use seathold::ledger::{Log, Notice};
use seathold::mesh::{Bell, connect};
use seathold_protocol::DecodeError;
use seathold_protocol::batch::{Batch, BatchView, Stamp};
use std::sync::Arc;

pub(crate) const CORES: usize = 2;
pub(crate) const PARTITIONS: u16 = 4;

/// Small segments, so that a run begins, trims and recycles many.
const SEGMENT_BYTES: u64 = 32_768;
const KEEP_BYTES: u64 = 65_536;

/// Holds ended in one turn at most, as a turn's budget of the reactor.
const EXPIRIES_AT_START: usize = 4_096;

pub(crate) struct Node {
    number: usize,
    /// Counts the processes of a world, of which a node is one after the other.
    process: u64,
    cores: Vec<Front>,
    pub(crate) board: Arc<Board>,
    writer: Writer,
    partition_cores: Vec<u8>,
    shadow: Shadow,
}

/// What a node needs of its world for one step.
pub(crate) struct Surroundings<'a> {
    pub(crate) now: Stamp,
    pub(crate) bug: Bug,
    pub(crate) net: &'a mut Network,
    pub(crate) history: &'a mut History,
    pub(crate) journal: &'a mut Journal,
    pub(crate) counts: &'a mut Counts,
}

/// How the file ledger of a simulated world is laid out.
pub(crate) fn file_options() -> Options {
    Options { ledger: 1, segment_bytes: SEGMENT_BYTES, keep_bytes: KEEP_BYTES, ..Options::new(PARTITIONS) }
}

/// Where the ledger in Redis is, and how much of it is kept.
pub(crate) fn redis_options() -> redis::Options {
    let url = "redis://sim".parse().expect("it is a URL");
    redis::Options { url, durability: Durability::Local, keep_bytes: KEEP_BYTES }
}

/// Engines that have taken up a ledger, and what they read in it.
pub(crate) struct Replayed {
    pub(crate) engines: Vec<Engine>,
    pub(crate) board: Arc<Board>,
    pub(crate) batches: Vec<Batch>,
}

impl Replayed {
    pub(crate) fn new(catalog: &Arc<Catalog>) -> Self {
        let board = Arc::new(Board::new(Arc::clone(catalog), PARTITIONS));
        let engine = |core| {
            let (board, counters) = (Arc::clone(&board), Arc::new(Counters::default()));
            let owns = |partition| owner(partition) == core;
            Engine::new(Arc::clone(catalog), board, counters, owns)
        };
        Self { engines: (0..CORES).map(engine).collect(), board, batches: Vec::new() }
    }

    pub(crate) fn take(&mut self, batch: Batch, now: Stamp) -> Result<(), String> {
        let engine = &mut self.engines[owner(batch.partition)];
        engine.replay(&batch.view(), now).map_err(|error| error.to_string())?;
        self.batches.push(batch);
        Ok(())
    }
}

/// The core that owns a partition.
pub(crate) fn owner(partition: u16) -> usize {
    usize::from(partition) % CORES
}

/// Opens a file ledger and reads all of it.
pub(crate) fn open_file(
    disk: &SimDisk,
    mut each: impl FnMut(Batch) -> Result<(), String>,
) -> Result<FileLog<SimDisk>, String> {
    let recovery = FileLog::open(disk.clone(), file_options()).map_err(|error| error.to_string())?;
    let mut refused = None;
    let read = recovery.for_each(|batch| {
        each(batch.to_batch()).map_err(|error| {
            refused = Some(error);
            DecodeError::BadField("record")
        })
    });
    match refused {
        Some(refused) => Err(refused),
        None => read.map_err(|error| error.to_string()),
    }
}

impl Node {
    /// Takes up the ledger on a disk.
    pub(crate) fn start_on_disk(
        catalog: &Arc<Catalog>,
        disk: &SimDisk,
        rest_max_ms: u64,
        around: &mut Surroundings<'_>,
    ) -> Result<Self, String> {
        let mut replayed = Replayed::new(catalog);
        let now = around.now;
        let log = open_file(disk, |batch| replayed.take(batch, now))?;
        around.history.compare(&replayed.batches)?;
        Self::serve(0, catalog, replayed, Box::new(log), rest_max_ms, around)
    }

    /// Takes the ledger in a Redis over from whoever has it.
    pub(crate) fn start_on_redis(
        number: usize,
        catalog: &Arc<Catalog>,
        host: &SimHost,
        rest_max_ms: u64,
        around: &mut Surroundings<'_>,
    ) -> Result<(Self, Arc<Figures>), StartFailed> {
        let mut replayed = Replayed::new(catalog);
        let now = around.now;
        let mut refused = None;
        let mut each = |batch: BatchView<'_>| {
            // The batch that raises the epoch is the log's own.
            if batch.records == 0 {
                around.history.fill(&batch.to_batch());
            }
            replayed.take(batch.to_batch(), now).map_err(|error| {
                refused = Some(error);
                DecodeError::BadField("record")
            })
        };
        let through: Arc<dyn Host> = Arc::new(host.clone());
        let taken = RedisLog::open_through(Some(through), &redis_options()).and_then(|mut takeover| {
            let figures = takeover.figures();
            takeover.read(&mut each)?;
            Ok((takeover.take(now, &mut each)?, figures))
        });
        if let Some(refused) = refused {
            return Err(StartFailed::Wrong(refused));
        }
        let (log, figures) = taken.map_err(StartFailed::Refused)?;
        around.history.compare(&replayed.batches).map_err(StartFailed::Wrong)?;
        let node = Self::serve(number, catalog, replayed, Box::new(log), rest_max_ms, around);
        Ok((node.map_err(StartFailed::Wrong)?, figures))
    }

    /// Begins to serve what was taken up.
    pub(crate) fn serve(
        number: usize,
        catalog: &Arc<Catalog>,
        replayed: Replayed,
        log: Box<dyn Log>,
        rest_max_ms: u64,
        around: &mut Surroundings<'_>,
    ) -> Result<Self, String> {
        let Replayed { engines, board, batches } = replayed;
        engines.iter().try_for_each(Engine::end_replay).map_err(|error| error.to_string())?;
        let trimmed = batches.iter().any(|batch| {
            let same = |other: &&Batch| other.partition == batch.partition;
            let first = batches.iter().find(same).expect("there is one at least");
            first.position.sequence > 1
        });
        let mut audit = Audit::new(PARTITIONS, trimmed);
        batches.iter().for_each(|batch| audit.follow(&batch.view()));
        let report = audit.finish();
        if !report.passes() {
            return Err(format!("the audit finds {:?}", report.listed));
        }
        if trimmed {
            around.counts.bump(Branch::TrimmedLog);
        }
        let each: Vec<&Engine> = engines.iter().collect();
        let shadow = Shadow::recover(catalog, PARTITIONS, &audit, &each, around.now, rest_max_ms)?;
        let bells =
            (0..CORES).map(|_| bell()).collect::<Result<Vec<_>, _>>().map_err(|error| error.to_string())?;
        let parts = engines.into_iter().zip(connect(&bells)).enumerate();
        let cores =
            parts.map(|(core, (engine, mailbox))| Front::new(core, engine, mailbox, around.bug)).collect();
        let partition_cores = (0..PARTITIONS).map(|partition| owner(partition) as u8).collect();
        let (process, writer) = (around.history.begin(), Writer::new(log));
        let mut node = Self { number, process, cores, board, writer, partition_cores, shadow };
        for core in 0..CORES {
            while node.cores[core].engine.expire(around.now, EXPIRIES_AT_START) {}
            node.shadow.expired(&node.cores[core].engine, around.now, &node.board)?;
        }
        Ok(node)
    }

    /// One turn of one core; see `Front::turn`.
    pub(crate) fn turn(
        &mut self,
        core: usize,
        expire: usize,
        around: &mut Surroundings<'_>,
    ) -> Result<(), String> {
        let Self { number, cores, board, partition_cores, shadow, .. } = self;
        let mut inner = Around {
            node: *number,
            now: around.now,
            partition_cores,
            board,
            net: around.net,
            shadow,
            journal: around.journal,
            counts: around.counts,
        };
        let Some(commit) = cores[core].turn(&mut inner, expire)? else { return Ok(()) };
        commit.batches.iter().for_each(|batch| around.history.fill(batch));
        if around.bug == Bug::AcknowledgeBeforeSync {
            self.cores[core].notices.push_back(Notice::Durable(commit.clone()));
        }
        self.writer.take(commit);
        Ok(())
    }

    /// One append of the ledger thread; whether it covered old state. An error means that the process ends.
    pub(crate) fn append(&mut self, around: &mut Surroundings<'_>) -> Result<bool, Broke> {
        let step = self.writer.step(around.counts);
        let is_compaction = |notice: &Notice| matches!(notice, Notice::Compact(_));
        let news = std::mem::take(&mut self.writer.news);
        let (after, before): (Vec<_>, Vec<_>) = news.into_iter().partition(is_compaction);
        self.tell_all(&before);
        match step {
            Step::Waiting => Ok(false),
            Step::Broken(reason) => Err(Broke(reason)),
            Step::Durable(commits) => {
                let covers = commits.iter().any(|commit| !commit.covered.is_empty());
                for commit in commits {
                    commit.batches.iter().for_each(|batch| around.history.acknowledge(batch, self.process));
                    if around.bug != Bug::AcknowledgeBeforeSync {
                        self.cores[commit.core].notices.push_back(Notice::Durable(commit));
                    }
                }
                self.tell_all(&after);
                Ok(covers)
            }
        }
    }

    fn tell_all(&mut self, news: &[Notice]) {
        self.cores.iter_mut().for_each(|core| core.notices.extend(news.iter().cloned()));
    }

    /// Whether it knows that another server has all that it had.
    pub(crate) fn is_shut_out(&self) -> bool {
        (0..PARTITIONS).all(|partition| self.shadow.has_lost(partition))
    }

    /// Whether nothing is left to do but what time brings.
    pub(crate) fn is_idle(&self) -> bool {
        self.writer.is_idle()
            && self.cores.iter().all(|core| core.is_idle() && core.engine.next_deadline().is_none())
    }
}

/// Why a process does not begin to serve.
pub(crate) enum StartFailed {
    /// The ledger cannot be taken now.
    Refused(RedisError),
    /// What it holds cannot be.
    Wrong(String),
}

/// Why a process must end.
pub(crate) struct Broke(pub(crate) String);

/// A bell that never has to wake anybody.
fn bell() -> std::io::Result<Arc<Bell>> {
    let poll = Poll::new()?;
    Ok(Arc::new(Bell::new(Waker::new(poll.registry(), Token(0))?)))
}
