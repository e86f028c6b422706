//! Opens the ledger and brings every engine to where it ends.

use super::{ServeOptions, StartError};
use crate::engine::{Engine, RecoveryError};
use crate::ledger::file::{self, Directory, FileLog, Recovery, SpareWorker};
use crate::ledger::redis::{self, RedisLog, Takeover};
use crate::ledger::{LedgerUrl, Log, MemoryLog};
use crate::sys::Clock;
use crossbeam_channel::{Receiver, bounded};
use seathold_protocol::DecodeError;
use seathold_protocol::batch::{Batch, BatchView, Stamp};
use seathold_protocol::limits::PARTITIONS_DEFAULT;
use std::sync::Arc;
use std::thread;
use std::time::Instant;

/// Batches that may wait for a core during the replay. They have some kilobytes each; at the most 64 MiB.
const BATCHES_PER_CORE: usize = 16;

/// A ledger that was opened and not yet read.
pub(super) enum OpenLedger {
    File(Box<Recovery<Directory>>),
    Redis(Box<Takeover>),
    Memory(u16),
}

/// The log that the ledger thread appends to, and the helper of a log that has one.
type Replayed = (Box<dyn Log>, Option<SpareWorker<Directory>>);

impl OpenLedger {
    /// Opens the ledger. A directory gets one with a partition for every core at least, if it has none.
    pub(super) fn open(options: &ServeOptions, cores: usize) -> Result<Self, StartError> {
        let partitions = PARTITIONS_DEFAULT.max(cores as u16);
        let keep_bytes = options.ledger_keep_mib << 20;
        match &options.ledger {
            LedgerUrl::File(path) => {
                let options = file::Options { keep_bytes, ..file::Options::new(partitions) };
                Ok(Self::File(Box::new(FileLog::open(Directory::lock(path)?, options)?)))
            }
            LedgerUrl::Redis(url) => {
                let (url, durability) = (url.clone(), options.durability);
                let takeover = RedisLog::open(&redis::Options { url, durability, keep_bytes })?;
                takeover.durability().iter().for_each(|sentence| log::info!("ledger: {sentence}"));
                Ok(Self::Redis(Box::new(takeover)))
            }
            LedgerUrl::Memory => {
                log::warn!("ledger: memory keeps nothing; every reservation is lost when this process ends");
                Ok(Self::Memory(partitions))
            }
        }
    }

    /// How many partitions the ledger was created with.
    pub(super) fn partitions(&self) -> u16 {
        match self {
            Self::File(recovery) => recovery.partitions(),
            Self::Redis(takeover) => takeover.partitions(),
            Self::Memory(partitions) => *partitions,
        }
    }

    /// Whether other systems read in it what is left.
    pub(super) fn shows_remaining(&self) -> bool {
        matches!(self, Self::Redis(_))
    }

    /// What the ledger thread counts of Redis, if that is where the ledger is.
    pub(super) fn redis_figures(&self) -> Option<Arc<redis::Figures>> {
        match self {
            Self::Redis(takeover) => Some(takeover.figures()),
            Self::File(_) | Self::Memory(_) => None,
        }
    }

    /// Hands every batch to the engine that owns its partition.
    pub(super) fn replay(
        self,
        engines: &mut [Engine],
        partition_cores: &[u8],
        clock: Clock,
    ) -> Result<Replayed, StartError> {
        let (core_of, now) = (partition_cores, clock.now());
        let replayed: Replayed = match self {
            Self::Memory(partitions) => (Box::new(MemoryLog::new(partitions)), None),
            Self::File(recovery) => {
                let log = replay_per_core(|each| recovery.for_each(each), engines, core_of, now)?;
                let worker = SpareWorker::spawn(&log)?;
                (Box::new(log), Some(worker))
            }
            Self::Redis(mut takeover) => {
                // The engines have judged what is there before the owner before is shut out.
                replay_per_core(|each| takeover.read(each), engines, core_of, now)?;
                engines.iter().try_for_each(Engine::end_replay)?;
                (Box::new(replay_per_core(|each| takeover.take(now, each), engines, core_of, now)?), None)
            }
        };
        engines.iter().try_for_each(Engine::end_replay)?;
        Ok(replayed)
    }
}

/// What a log hands its batches to.
type Each<'a> = &'a mut dyn FnMut(BatchView<'_>) -> Result<(), DecodeError>;

/// Reads the log on this thread and replays it on one thread per engine: reading takes a fraction of the time that the
/// replay takes, and engines share nothing. The batches of a partition go to one engine, in the log's order.
fn replay_per_core<L, E: Into<StartError>>(
    read: impl FnOnce(Each<'_>) -> Result<L, E>,
    engines: &mut [Engine],
    partition_cores: &[u8],
    now: Stamp,
) -> Result<L, StartError> {
    let started = Instant::now();
    let (mut batches, mut records) = (0_u64, 0_u64);
    let log = thread::scope(|scope| {
        let start = |engine| {
            let (batches_in, batches_out) = bounded::<Batch>(BATCHES_PER_CORE);
            (batches_in, scope.spawn(move || replay_all(engine, &batches_out, now)))
        };
        let (cores, replays): (Vec<_>, Vec<_>) = engines.iter_mut().map(start).unzip();
        let read = read(&mut |batch| {
            batches += 1;
            records += u64::from(batch.records);
            let core = usize::from(partition_cores[usize::from(batch.partition)]);
            // An engine that is gone has refused a record, and tells below which.
            cores[core].send(batch.to_batch()).map_err(|_| DecodeError::BadField("record"))
        });
        drop(cores);
        for replay in replays {
            replay.join().expect("a panic of ours ends the process")?;
        }
        read.map_err(Into::into)
    })?;
    let seconds = started.elapsed().as_secs_f64();
    log::info!("ledger: {records} records in {batches} batches replayed in {seconds:.2} s");
    Ok(log)
}

fn replay_all(engine: &mut Engine, batches: &Receiver<Batch>, now: Stamp) -> Result<(), RecoveryError> {
    batches.iter().try_for_each(|batch| engine.replay(&batch.view(), now))
}
