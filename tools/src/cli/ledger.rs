//! A ledger read from outside, beside the server that writes it or without one.

use super::exit::Exit;
use super::failure::Failure;
use clap::Args;
use seathold::ledger::LedgerUrl;
use seathold::ledger::file::{Directory, FileReader, OpenError};
use seathold::ledger::redis::{RedisError, RedisReader, RedisUrl};
use seathold_protocol::DecodeError;
use seathold_protocol::batch::BatchView;
use std::collections::HashMap;
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
    pub(super) fn open(&self) -> Result<Reader, Failure> {
        match &self.ledger {
            LedgerUrl::File(path) => {
                let opened = Directory::read_only(path).and_then(FileReader::open);
                let reader = opened.map_err(|error| {
                    if has_no_segment(path) { nothing_there(path) } else { of_file(error) }
                })?;
                Ok(Reader::File(Box::new(reader)))
            }
            LedgerUrl::Redis(url) => Ok(Reader::Redis(Box::new(RedisReader::open(url).map_err(of_redis)?))),
            LedgerUrl::Memory => Err(Failure::usage(
                "a memory: ledger is inside its server and cannot be read from here; give file:DIR or redis://HOST:PORT",
            )),
        }
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

/// A ledger of either kind, open for reading.
pub(super) enum Reader {
    File(Box<FileReader<Directory>>),
    Redis(Box<RedisReader>),
}

impl Reader {
    pub(super) fn partitions(&self) -> u16 {
        match self {
            Self::File(reader) => reader.partitions(),
            Self::Redis(reader) => reader.partitions(),
        }
    }

    pub(super) fn is_trimmed(&self) -> bool {
        match self {
            Self::File(reader) => reader.is_trimmed(),
            Self::Redis(reader) => reader.is_trimmed(),
        }
    }

    /// Hands every batch from where it stopped to the present tail to `each`.
    pub(super) fn for_each(
        &mut self,
        each: impl FnMut(BatchView<'_>) -> Result<(), DecodeError>,
    ) -> Result<(), Failure> {
        match self {
            Self::File(reader) => reader.for_each(each).map_err(of_file),
            Self::Redis(reader) => reader.for_each(each).map_err(of_redis),
        }
    }

    /// What the ledger tells other systems of each departure, by its name there. A file tells nothing.
    pub(super) fn remaining(&mut self) -> Result<HashMap<String, String>, Failure> {
        match self {
            Self::File(_) => Ok(HashMap::new()),
            Self::Redis(reader) => reader.remaining().map_err(of_redis),
        }
    }

    /// Checks what only a whole log can tell.
    pub(super) fn check_tail(&mut self) -> Result<(), Failure> {
        match self {
            Self::File(reader) => reader.check_tail().map(drop).map_err(of_file),
            Self::Redis(reader) => reader.check_tails().map_err(of_redis),
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

/// Why it cannot be read on.
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
