//! Opens the ledger and brings every engine to where it ends.

use super::StartError;
use crate::engine::{Engine, RecoveryError};
use crate::ledger::file::{Directory, FileLog, Options, Recovery, SpareWorker};
use crate::ledger::{LedgerUrl, Log, MemoryLog};
use crate::sys::Clock;
use crossbeam_channel::{Receiver, bounded};
use seathold_protocol::DecodeError;
use seathold_protocol::batch::{Batch, Stamp};
use seathold_protocol::limits::PARTITIONS_DEFAULT;
use std::thread;
use std::time::Instant;

/// Batches that may wait for a core during the replay. They have some kilobytes each; at the most 64 MiB.
const BATCHES_PER_CORE: usize = 16;

/// A ledger that was opened and not yet read.
pub(super) enum OpenLedger {
    File(Box<Recovery<Directory>>),
    Memory(u16),
}

/// The log that the ledger thread appends to, and the helper of a log that has one.
type Replayed = (Box<dyn Log>, Option<SpareWorker<Directory>>);

impl OpenLedger {
    /// Opens the ledger, or creates one with a partition for every core at least.
    pub(super) fn open(url: &LedgerUrl, cores: usize, keep_bytes: u64) -> Result<Self, StartError> {
        let partitions = PARTITIONS_DEFAULT.max(cores as u16);
        match url {
            LedgerUrl::File(path) => {
                let options = Options { keep_bytes, ..Options::new(partitions) };
                Ok(Self::File(Box::new(FileLog::open(Directory::lock(path)?, options)?)))
            }
            LedgerUrl::Redis(url) => Err(StartError::Usage(format!(
                "the server cannot keep its ledger in {url} yet; use --ledger file:DIR"
            ))),
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
            Self::Memory(partitions) => *partitions,
        }
    }

    /// Hands every batch to the engine that owns its partition.
    pub(super) fn replay(
        self,
        engines: &mut [Engine],
        partition_cores: &[u8],
        clock: Clock,
    ) -> Result<Replayed, StartError> {
        let recovery = match self {
            Self::Memory(partitions) => return Ok((Box::new(MemoryLog::new(partitions)), None)),
            Self::File(recovery) => recovery,
        };
        let started = Instant::now();
        let (log, records, batches) = replay_per_core(*recovery, engines, partition_cores, clock.now())?;
        engines.iter().try_for_each(Engine::end_replay)?;
        let seconds = started.elapsed().as_secs_f64();
        log::info!("ledger: {records} records in {batches} batches replayed in {seconds:.2} s");
        let worker = SpareWorker::spawn(&log)?;
        Ok((Box::new(log), Some(worker)))
    }
}

/// Reads the log on this thread and replays it on one thread per engine: reading takes a fraction of the time that the
/// replay takes, and engines share nothing. The batches of a partition go to one engine, in the log's order. Returns
/// the log with how many records and batches there were.
fn replay_per_core(
    recovery: Recovery<Directory>,
    engines: &mut [Engine],
    partition_cores: &[u8],
    now: Stamp,
) -> Result<(FileLog<Directory>, u64, u64), StartError> {
    thread::scope(|scope| {
        let start = |engine| {
            let (batches_in, batches_out) = bounded::<Batch>(BATCHES_PER_CORE);
            (batches_in, scope.spawn(move || replay_all(engine, &batches_out, now)))
        };
        let (cores, replays): (Vec<_>, Vec<_>) = engines.iter_mut().map(start).unzip();
        let (mut batches, mut records) = (0_u64, 0_u64);
        let read = recovery.for_each(|batch| {
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
        Ok((read?, records, batches))
    })
}

fn replay_all(engine: &mut Engine, batches: &Receiver<Batch>, now: Stamp) -> Result<(), RecoveryError> {
    batches.iter().try_for_each(|batch| engine.replay(&batch.view(), now))
}
