//! A log in Redis without a server around it: the test appends batches and reads what the next owner finds.

use crate::harness::RedisServer;
use seathold::ledger::redis::{self, Durability, RedisError, RedisLog, RedisReader, RedisUrl, Takeover};
use seathold::ledger::{AppendError, Log};
use seathold_protocol::DecodeError;
use seathold_protocol::batch::{Batch, BatchView, Position, Stamp};

/// Partitions of every ledger here.
pub(crate) const PARTITIONS: u16 = 3;

const STAMP: Stamp = Stamp { wall_ms: 1_800_000_000_000, boot_ms: 5_000, boot_id: 7 };

pub(crate) fn url(server: &RedisServer) -> RedisUrl {
    server.url().parse().unwrap()
}

pub(crate) fn create(server: &RedisServer) {
    redis::create(&url(server), PARTITIONS, "2027-01-01T00:00:00Z").unwrap();
}

/// An owner and what it has appended or found, by partition.
pub(crate) struct Owner {
    pub(crate) log: RedisLog,
    pub(crate) batches: Vec<Vec<Batch>>,
}

impl Owner {
    /// Takes the ledger over; keeps `keep_bytes` of it.
    pub(crate) fn try_take(server: &RedisServer, keep_bytes: u64) -> Result<Self, RedisError> {
        Self::open(redis::Options { url: url(server), durability: Durability::Local, keep_bytes })
    }

    /// Takes it over and promises more.
    pub(crate) fn take_as(server: &RedisServer, durability: Durability) -> Self {
        Self::open(redis::Options { url: url(server), durability, keep_bytes: u64::MAX }).unwrap()
    }

    pub(crate) fn open(options: redis::Options) -> Result<Self, RedisError> {
        let mut takeover = RedisLog::open(&options)?;
        assert_eq!(takeover.partitions(), PARTITIONS);
        let mut batches = vec![Vec::new(); usize::from(PARTITIONS)];
        takeover.read(|batch| found(&mut batches, batch))?;
        Self::behind(takeover, batches)
    }

    /// Takes over what was read up to these batches.
    pub(crate) fn behind(takeover: Takeover, mut batches: Vec<Vec<Batch>>) -> Result<Self, RedisError> {
        let log = takeover.take(STAMP, |batch| found(&mut batches, batch))?;
        Ok(Self { log, batches })
    }

    pub(crate) fn take(server: &RedisServer) -> Self {
        Self::try_take(server, u64::MAX).unwrap()
    }

    /// The next batch of a partition, with this payload.
    pub(crate) fn next(&mut self, partition: u16, payload: &[u8]) -> Batch {
        let batches = &mut self.batches[usize::from(partition)];
        let tail = batches.last().map_or(Position::default(), |batch| batch.position);
        let batch = Batch {
            partition,
            position: Position { sequence: tail.sequence + 1, ..tail },
            previous_epoch: tail.epoch,
            stamp: STAMP,
            records: 0,
            payload: payload.to_vec(),
        };
        batches.push(batch.clone());
        batch
    }

    /// Appends one more batch.
    pub(crate) fn try_append(&mut self, partition: u16, payload: &[u8]) -> Result<(), AppendError> {
        let batch = self.next(partition, payload);
        self.log.append(&[&batch])
    }

    pub(crate) fn append(&mut self, partition: u16, payload: &[u8]) {
        self.try_append(partition, payload).unwrap();
    }
}

/// Notes a batch that was read.
pub(crate) fn found(batches: &mut [Vec<Batch>], batch: BatchView<'_>) -> Result<(), DecodeError> {
    batches[usize::from(batch.partition)].push(batch.to_batch());
    Ok(())
}

/// What a reader from outside finds, by partition.
pub(crate) fn read(server: &RedisServer) -> Vec<Vec<Batch>> {
    let mut reader = RedisReader::open(&url(server)).unwrap();
    let mut batches = vec![Vec::new(); usize::from(PARTITIONS)];
    reader.for_each(|batch| found(&mut batches, batch)).unwrap();
    batches
}
