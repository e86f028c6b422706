//! A ledger that is fuller than its server shall keep: what stands in its oldest part is compacted and trimmed with the first
//! sale, and not after megabytes of them.

use crate::buyers::Buyers;
use crate::{ChaosError, Server, Setup};
use seathold::ledger::file::{Directory, FileLog, Options};
use seathold::ledger::redis::{self, Durability, RedisConsumer, RedisLog, RedisUrl};
use seathold::ledger::{LedgerUrl, Log, ReadError};
use seathold::sys::Clock;
use seathold_protocol::batch::{BATCH_HEADER_BYTES, Batch, Position, Stamp};
use seathold_protocol::limits::PARTITIONS_DEFAULT;
use std::path::Path;

/// What a server shall keep then, which is less than there is.
pub const KEEP: &str = "SEATHOLD_LEDGER_KEEP_MIB=1";

const KEEP_BYTES: usize = 1 << 20;

/// Bytes of the segments that are made ahead, so that a rotation comes with the first sale. Those of the server are larger.
const SEGMENT_BYTES: u64 = 64 << 10;

/// So many segments are full. Together with the one that the server begins they are more than it shall keep.
const FULL_SEGMENTS: u64 = 8;

/// A consumer group that has read what fills the ledger, and no sale: these must not be trimmed, because the check wants them.
const GROUP: &str = "check";

/// A server that is down, with its sales open, on a ledger whose next batches begin a compaction and let the oldest go.
pub fn full_ledger(setup: Setup, buyers: &Buyers) -> Result<Server, ChaosError> {
    match &setup.ledger {
        LedgerUrl::Redis(url) => redis::create(url, PARTITIONS_DEFAULT, "2027-01-01T00:00:00Z")?,
        _ => drop(open_small(setup.directory())?),
    }
    let mut server = Server::start(setup)?;
    buyers.timetable().open(&server.client()?)?;
    server.terminate()?;
    match &server.setup().ledger {
        LedgerUrl::Redis(url) => fill_redis(url)?,
        _ => fill_segments(server.ledger())?,
    }
    Ok(server)
}

/// Fills segments of a ledger that no server has open: the next group begins another one, and then these can go.
fn fill_segments(ledger: &Path) -> Result<(), ChaosError> {
    let mut log = open_small(ledger)?;
    let stamp = Clock::new()?.now();
    let fitting = (SEGMENT_BYTES as usize - (4 << 10)) / BATCH_HEADER_BYTES - 1;
    for _ in 1..FULL_SEGMENTS {
        let batches = empties(log.tails()[0], fitting, stamp);
        log.append(&batches.iter().collect::<Vec<_>>()).map_err(std::io::Error::other)?;
    }
    Ok(())
}

fn open_small(ledger: &Path) -> Result<FileLog<Directory>, ReadError> {
    let options = Options { segment_bytes: SEGMENT_BYTES, ..Options::new(PARTITIONS_DEFAULT) };
    Ok(FileLog::open(Directory::lock(ledger)?, options)?.for_each(|_| Ok(()))?)
}

fn fill_redis(url: &RedisUrl) -> Result<(), ChaosError> {
    let options = redis::Options { url: url.clone(), durability: Durability::Local, keep_bytes: u64::MAX };
    let (mut takeover, stamp) = (RedisLog::open(&options)?, Clock::new()?.now());
    takeover.read(|_| Ok(()))?;
    let mut tail = Position::default();
    let mut log = takeover.take(stamp, |batch| {
        if batch.partition == 0 {
            tail = batch.position;
        }
        Ok(())
    })?;
    let batches = empties(tail, KEEP_BYTES / BATCH_HEADER_BYTES + 1, stamp);
    log.append(&batches.iter().collect::<Vec<_>>()).map_err(std::io::Error::other)?;
    let mut reader = RedisConsumer::join(url, GROUP, GROUP)?;
    while let Some(page) = reader.next_page()? {
        reader.acknowledge(page)?;
    }
    Ok(())
}

/// Batches of the first partition behind `tail` that say nothing.
fn empties(mut tail: Position, count: usize, stamp: Stamp) -> Vec<Batch> {
    let mut next = || {
        let position = Position { epoch: tail.epoch.max(1), sequence: tail.sequence + 1 };
        let previous_epoch = std::mem::replace(&mut tail, position).epoch;
        Batch { partition: 0, position, previous_epoch, stamp, records: 0, payload: Vec::new() }
    };
    (0..count).map(|_| next()).collect()
}
