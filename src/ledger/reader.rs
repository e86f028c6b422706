//! A ledger of either kind, read from outside: beside the server that writes it or without one.

use super::LedgerUrl;
use super::file::{Directory, FileReader, OpenError};
use super::redis::{RedisError, RedisReader};
use seathold_protocol::DecodeError;
use seathold_protocol::batch::BatchView;
use std::collections::HashMap;

/// Why a ledger cannot be read, or not any further.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// One in files.
    #[error(transparent)]
    File(#[from] OpenError),
    /// One in Redis.
    #[error(transparent)]
    Redis(#[from] RedisError),
    /// One that nobody else sees.
    #[error(
        "a memory: ledger is inside its server and cannot be read from here; give file:DIR or redis://HOST:PORT"
    )]
    InMemory,
}

/// A ledger that is open for reading only.
pub enum LedgerReader {
    /// In a directory.
    File(Box<FileReader<Directory>>),
    /// In Redis.
    Redis(Box<RedisReader>),
}

impl LedgerReader {
    /// Opens it at its oldest batches.
    pub fn open(url: &LedgerUrl) -> Result<Self, ReadError> {
        Ok(match url {
            LedgerUrl::File(path) => Self::File(Box::new(FileReader::open(Directory::read_only(path)?)?)),
            LedgerUrl::Redis(url) => Self::Redis(Box::new(RedisReader::open(url)?)),
            LedgerUrl::Memory => return Err(ReadError::InMemory),
        })
    }

    /// Partitions of the ledger.
    pub fn partitions(&self) -> u16 {
        match self {
            Self::File(reader) => reader.partitions(),
            Self::Redis(reader) => reader.partitions(),
        }
    }

    /// Whether its oldest batches are gone, so that reading begins in the middle of its history.
    pub fn is_trimmed(&self) -> bool {
        match self {
            Self::File(reader) => reader.is_trimmed(),
            Self::Redis(reader) => reader.is_trimmed(),
        }
    }

    /// Hands every batch from where it stopped last time to the present end to `each`. An error of `each` counts as damage
    /// at its batch.
    pub fn for_each(
        &mut self,
        each: impl FnMut(BatchView<'_>) -> Result<(), DecodeError>,
    ) -> Result<(), ReadError> {
        match self {
            Self::File(reader) => reader.for_each(each)?,
            Self::Redis(reader) => reader.for_each(each)?,
        }
        Ok(())
    }

    /// What the ledger tells other systems of each departure, by its name there. A file tells nothing.
    pub fn remaining(&mut self) -> Result<HashMap<String, String>, ReadError> {
        Ok(match self {
            Self::File(_) => HashMap::new(),
            Self::Redis(reader) => reader.remaining()?,
        })
    }

    /// Checks what only a whole log can tell, once it was read and while nobody writes it.
    pub fn check_tail(&mut self) -> Result<(), ReadError> {
        match self {
            Self::File(reader) => drop(reader.check_tail()?),
            Self::Redis(reader) => reader.check_tails()?,
        }
        Ok(())
    }
}
