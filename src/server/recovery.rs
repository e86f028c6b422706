//! Opens the ledger and brings every engine to where it ends.

use super::StartError;
use crate::engine::Engine;
use crate::ledger::file::{Directory, FileLog, Options, Recovery, SpareWorker};
use crate::ledger::{LedgerUrl, Log, MemoryLog};
use crate::sys::Clock;
use seathold_protocol::DecodeError;
use seathold_protocol::limits::PARTITIONS_DEFAULT;
use std::time::Instant;

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
        let now = clock.now();
        let (mut batches, mut records) = (0_u64, 0_u64);
        let mut refused = None;
        let read = recovery.for_each(|batch| {
            batches += 1;
            records += u64::from(batch.records);
            let core = usize::from(partition_cores[usize::from(batch.partition)]);
            engines[core].replay(&batch, now).map_err(|error| {
                refused = Some(error);
                DecodeError::BadField("record")
            })
        });
        if let Some(error) = refused {
            return Err(error.into());
        }
        let log = read?;
        engines.iter().try_for_each(Engine::end_replay)?;
        let seconds = started.elapsed().as_secs_f64();
        log::info!("ledger: {records} records in {batches} batches replayed in {seconds:.2} s");
        let worker = SpareWorker::spawn(&log)?;
        Ok((Box::new(log), Some(worker)))
    }
}
