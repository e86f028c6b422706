//! Where the demo's server keeps its ledger, and how that is read for the audit.

use super::DemoError;
use super::interrupt::Interrupt;
use super::redis::Redis;
use crate::audit::Audit;
use crate::ledger::redis::create;
use crate::ledger::{LedgerReader, LedgerUrl, ReadError};
use seathold_protocol::limits::PARTITIONS_DEFAULT;
use std::path::{Path, PathBuf};

pub(super) enum Ledger {
    File(PathBuf),
    Redis(Redis),
}

impl Ledger {
    /// A ledger in a directory that the server makes.
    pub(super) fn in_files(directory: &Path) -> Self {
        Self::File(directory.join("ledger"))
    }

    /// A new ledger in a Redis that is started for it.
    pub(super) fn in_redis(
        program: &Path,
        directory: &Path,
        interrupt: &Interrupt,
    ) -> Result<Self, DemoError> {
        let redis = Redis::start(program, directory, interrupt)?;
        create(&redis.url(), PARTITIONS_DEFAULT, &jiff::Timestamp::now().to_string())?;
        Ok(Self::Redis(redis))
    }

    /// What `seathold serve` is told of it.
    pub(super) fn arguments(&self) -> Vec<String> {
        let durability = match self {
            Self::File(_) => None,
            // The audit asks for every answer that was given, so none may wait in Redis for its disk.
            Self::Redis(_) => Some(["--durability", "fsync"]),
        };
        let ledger = ["--ledger".to_owned(), self.url().to_string()];
        ledger.into_iter().chain(durability.into_iter().flatten().map(str::to_owned)).collect()
    }

    /// The Redis that it is in.
    pub(super) fn redis(&mut self) -> Option<&mut Redis> {
        match self {
            Self::File(_) => None,
            Self::Redis(redis) => Some(redis),
        }
    }

    /// Reads it from its first batch to its last, when no server writes it any more.
    pub(super) fn audit(&self) -> Result<Audit, ReadError> {
        let mut reader = LedgerReader::open(&self.url())?;
        let mut audit = Audit::new(reader.partitions(), reader.is_trimmed());
        reader.for_each(|batch| {
            audit.follow(&batch);
            Ok(())
        })?;
        reader.check_tail()?;
        Ok(audit)
    }

    fn url(&self) -> LedgerUrl {
        match self {
            Self::File(path) => LedgerUrl::File(path.clone()),
            Self::Redis(redis) => LedgerUrl::Redis(redis.url()),
        }
    }
}
