//! Becoming the owner: each partition's tail is given this owner's name, which shuts out the owner before; an empty batch
//! raises the epoch; then the log is read.

use super::append::RedisLog;
use super::compaction::Compaction;
use super::create::{Head, read};
use super::durability::Durability;
use super::error::RedisError;
use super::figures::Figures;
use super::kept::Kept;
use super::keys::Keys;
use super::link::Lost;
use super::packed::Packed;
use super::partition::Partition;
use super::reading::Reading;
use super::servers::Servers;
use super::slot::slot;
use super::tail::{Owner, Tail, position};
use super::url::RedisUrl;
use crate::ledger::log::AppendError;
use redis::Value;
use seathold_protocol::DecodeError;
use seathold_protocol::batch::{Batch, BatchView, Position, Stamp};
use std::sync::Arc;

/// Times that two servers may take a partition from each other before one of them gives up.
const CONTESTS_MAX: usize = 100;

/// One moment of a partition, whose owner may append at any other.
const CHECK: &str = "return {redis.call('GET', KEYS[1]), redis.call('HGET', KEYS[2], 'ledger'), \
                      redis.call('XREVRANGE', KEYS[3], '+', '-', 'COUNT', 1)}";

/// Names a new owner in the tail, wherever that is.
const CLAIM: &str = include_str!("claim.lua");

/// How a ledger in Redis is to be used.
#[derive(Clone, Debug)]
pub struct Options {
    /// Where it is.
    pub url: RedisUrl,
    /// What an acknowledgement promises.
    pub durability: Durability,
    /// Bytes of batches above which old state is written again and trimmed; as many are kept in memory.
    pub keep_bytes: u64,
}

/// A ledger whose partitions are this process's, and which was not read yet.
pub struct Takeover {
    log: RedisLog,
}

impl RedisLog {
    /// Takes all partitions over from whoever owns them.
    pub fn open(options: &Options, now: Stamp) -> Result<Takeover, RedisError> {
        let keys = Keys::new(&options.url.prefix);
        let figures = Arc::new(Figures::default());
        let mut servers = Servers::discover(&options.url, options.durability, Arc::clone(&figures))?;
        let head = Head::read(&mut servers, &keys, &options.url)?
            .ok_or_else(|| RedisError::NoLedger { url: options.url.to_string() })?;
        let mut log = Self {
            servers,
            keys,
            owner: Owner::draw(),
            durability: options.durability,
            partitions: Vec::with_capacity(usize::from(head.partitions)),
            figures,
            compaction: Compaction::new(usize::try_from(options.keep_bytes).unwrap_or(usize::MAX)),
            full_until: None,
            replies: Vec::new(),
            head_lost: false,
            head,
        };
        // All of them before anything is changed: a ledger that is not whole is left as it is.
        (0..log.head.partitions).try_for_each(|number| log.check(number))?;
        for number in 0..log.head.partitions {
            let opening = log.opening(number, now)?;
            log.partitions.push(opening);
        }
        for _ in 0..CONTESTS_MAX {
            match log.bring_up() {
                Ok(()) if log.partitions.iter().all(|partition| partition.fenced.is_none()) => {
                    return Ok(Takeover { log });
                }
                Ok(()) | Err(AppendError::TailMismatch { .. }) => log.open_again(now)?,
                Err(AppendError::Away(reason)) => return Err(RedisError::Away(reason)),
                Err(error) => return Err(RedisError::Away(error.to_string())),
            }
        }
        Err(RedisError::Away("another server takes every partition back; stop one of the two".to_owned()))
    }

    /// Claims again the partitions that are not taken yet: somebody claimed them at the same moment, or a fail-over lost the
    /// claim.
    fn open_again(&mut self, now: Stamp) -> Result<(), RedisError> {
        for at in 0..self.partitions.len() {
            let partition = &self.partitions[at];
            if partition.fenced.is_some() || !partition.kept.is_confirmed() {
                self.partitions[at] = self.opening(partition.number, now)?;
            }
        }
        Ok(())
    }

    /// A partition that is claimed, and about to be opened.
    fn opening(&mut self, number: u16, now: Stamp) -> Result<Partition, RedisError> {
        let tail = self.claim(number)?;
        let Position { epoch, sequence } = tail.position;
        let batch = Batch {
            partition: number,
            position: Position { epoch: epoch + 1, sequence: sequence + 1 },
            previous_epoch: epoch,
            stamp: now,
            records: 0,
            payload: Vec::new(),
        };
        let mut partition = Partition::new(number, slot(self.keys.tail(number).as_bytes()), tail);
        partition.take(&batch, self.owner).expect("it follows the tail");
        Ok(partition)
    }

    /// Makes this owner the one that the tail names.
    fn claim(&mut self, number: u16) -> Result<Tail, RedisError> {
        let (key, remaining) = (self.keys.tail(number), self.keys.remaining(number));
        let mut packed = Packed::default();
        packed.ask(&["EVAL", CLAIM, "2", &key, &remaining, &self.owner.to_string()]);
        let id: Option<String> = read(&self.servers.ask(slot(key.as_bytes()), &packed)?[0])?;
        let position = id.as_deref().and_then(position);
        let damaged = || RedisError::Damaged { key, reason: "is missing or not a tail".to_owned() };
        Ok(Tail { position: position.ok_or_else(damaged)?, owner: self.owner })
    }

    /// Whether everything of a partition that should be there is.
    fn check(&mut self, number: u16) -> Result<(), RedisError> {
        let (key, log, remaining) =
            (self.keys.tail(number), self.keys.log(number), self.keys.remaining(number));
        let mut packed = Packed::default();
        packed.ask(&["EVAL", CHECK, "3", &key, &remaining, &log]);
        let found = self.servers.ask(slot(key.as_bytes()), &packed)?.remove(0);
        let Value::Array(found) = found else {
            return Err(Lost(format!("the look at {key} was answered {found:?}")).into());
        };
        let damaged =
            |key: &str, reason: &str| RedisError::Damaged { key: key.to_owned(), reason: reason.to_owned() };
        let text: String = read::<Option<String>>(&found[0])?.ok_or_else(|| damaged(&key, "is missing"))?;
        let tail: Tail = text.parse().map_err(|()| damaged(&key, "is not a tail"))?;
        if read::<Option<String>>(&found[1])? != Some(self.head.id.clone()) {
            return Err(damaged(&remaining, "is missing or another ledger's"));
        }
        let last = match &found[2] {
            Value::Array(entries) => entries.first().and_then(entry_position),
            _ => None,
        };
        if last.unwrap_or_default() != tail.position {
            return Err(damaged(&log, "does not end where the partition's tail says"));
        }
        Ok(())
    }
}

fn entry_position(entry: &Value) -> Option<Position> {
    let Value::Array(parts) = entry else { return None };
    let Value::BulkString(id) = parts.first()? else { return None };
    position(std::str::from_utf8(id).ok()?)
}

impl Takeover {
    /// Partitions of the ledger.
    pub fn partitions(&self) -> u16 {
        self.log.head.partitions
    }

    /// What the log counts.
    pub fn figures(&self) -> Arc<Figures> {
        Arc::clone(&self.log.figures)
    }

    /// What each server was found to be, in a sentence for the log.
    pub fn durability(&self) -> Vec<String> {
        self.log.figures.found().iter().map(|(node, found)| found.durability_sentence(node)).collect()
    }

    /// Reads everything and hands it to `each`, partition by partition in the order of its log. An error of `each` counts
    /// as damage at its batch.
    pub fn for_each(
        mut self,
        mut each: impl FnMut(BatchView<'_>) -> Result<(), DecodeError>,
    ) -> Result<RedisLog, RedisError> {
        let RedisLog { partitions, servers, keys, .. } = &mut self.log;
        for partition in partitions {
            let opening = partition.kept.tail();
            let mut kept: Option<Kept> = None;
            Reading::new(keys, partition.number).go_on(servers, |batch, entry| {
                let before = Tail { position: batch.previous(), owner: Owner::default() };
                let kept = kept.get_or_insert_with(|| Kept::behind(before));
                kept.push_read(batch.position, entry.owner, entry.bytes.clone());
                each(batch)
            })?;
            partition.kept = kept.filter(|kept| kept.tail() == opening).ok_or_else(|| {
                let reason =
                    "does not end with the batch that took it over: another server may have taken it since";
                RedisError::Damaged { key: keys.log(partition.number), reason: reason.to_owned() }
            })?;
        }
        Ok(self.log)
    }
}
