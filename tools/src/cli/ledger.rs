//! A ledger read from outside, beside the server that writes it or without one.

use super::exit::Exit;
use super::failure::Failure;
use clap::Args;
use seathold::ledger::file::OpenError;
use seathold::ledger::redis::{RedisError, RedisUrl};
use seathold::ledger::{LedgerReader, LedgerUrl, ReadError};
use std::io::ErrorKind;
use std::path::Path;

/// The argument that names a ledger.
#[derive(Debug, Args)]
pub(super) struct WhichLedger {
    /// The ledger: file:DIR or redis://HOST:PORT, the same as the server's --ledger
    #[arg(value_name = "LEDGER")]
    ledger: LedgerUrl,
}

impl WhichLedger {
    /// Opens it for reading only.
    pub(super) fn open(&self) -> Result<LedgerReader, Failure> {
        LedgerReader::open(&self.ledger).map_err(|error| match &self.ledger {
            LedgerUrl::File(path) if has_no_segment(path) => nothing_there(path),
            _ => error.into(),
        })
    }

    /// Where it is in Redis: consumer groups are nowhere else.
    pub(super) fn in_redis(&self) -> Result<&RedisUrl, Failure> {
        match &self.ledger {
            LedgerUrl::Redis(url) => Ok(url),
            other => Err(Failure::usage(format!(
                "{other} has no consumer groups, only a ledger in Redis has; read it without --group"
            ))),
        }
    }
}

/// Whether the directory is not there, or nothing in it is a ledger's. One that cannot be listed has another fault.
fn has_no_segment(path: &Path) -> bool {
    match std::fs::read_dir(path) {
        Ok(entries) => entries.flatten().all(|entry| entry.path().extension().is_none_or(|end| end != "log")),
        Err(error) => matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory),
    }
}

fn nothing_there(path: &Path) -> Failure {
    let path = path.display();
    Failure::new(
        Exit::NoLedger,
        format!("there is no ledger in {path}; give the directory of the server's --ledger"),
    )
}

impl From<ReadError> for Failure {
    fn from(error: ReadError) -> Self {
        match error {
            ReadError::File(error) => of_file(error),
            ReadError::Redis(error) => of_redis(error),
            ReadError::InMemory => Self::usage(error.to_string()),
        }
    }
}

/// Why a ledger in Redis cannot be read on.
pub(super) fn of_redis(error: RedisError) -> Failure {
    let exit = match error {
        RedisError::Unreachable(_) | RedisError::Away(_) | RedisError::Broken(_) => Exit::Io,
        RedisError::NoLedger { .. } | RedisError::Exists { .. } | RedisError::Unfit(_) => Exit::NoLedger,
        RedisError::Damaged { .. } | RedisError::OtherFormat { .. } => Exit::Damaged,
        RedisError::Contested | RedisError::Trimmed | RedisError::Undone | RedisError::NoGroup { .. } => {
            Exit::NotDone
        }
    };
    Failure::new(exit, error.to_string())
}

/// Likewise, one in files.
fn of_file(error: OpenError) -> Failure {
    let exit = match error {
        OpenError::Damaged(_)
        | OpenError::Missing { .. }
        | OpenError::Foreign { .. }
        | OpenError::OtherFormat { .. } => Exit::Damaged,
        OpenError::Trimmed { .. } | OpenError::InUse { .. } => Exit::NotDone,
        OpenError::NotALedger { .. } => Exit::NoLedger,
        OpenError::Io { .. } => Exit::Io,
    };
    Failure::new(exit, error.to_string())
}
