//! Becoming the owner: the log is read while the owner before still serves; then each partition's tail is claimed with this
//! owner's name, which shuts out the other, what came in meanwhile is read, and an empty batch raises the epoch. A start that
//! cannot use what it reads has changed nothing until then.

use super::append::RedisLog;
use super::compaction::Compaction;
use super::create::{Head, read};
use super::durability::Durability;
use super::error::RedisError;
use super::figures::Figures;
use super::host::Host;
use super::keys::Keys;
use super::link::Lost;
use super::packed::Packed;
use super::partition::Partition;
use super::reading::{Reading, unreadable};
use super::servers::Servers;
use super::slot::slot;
use super::tail::{Owner, Tail, entry_id, position};
use super::url::RedisUrl;
use crate::ledger::log::AppendError;
use crate::sys::point;
use redis::Value;
use seathold_protocol::DecodeError;
use seathold_protocol::batch::{Batch, BatchView, Position, Stamp};
use std::sync::Arc;
use std::time::Duration;

/// How long servers that do not answer may hold up the change of owners, and how often they are asked meanwhile. The owner
/// before may be shut out already, so it is worth some patience.
const AWAY_MAX: Duration = Duration::from_secs(5);
const AWAY_RETRY: Duration = Duration::from_millis(50);

/// While a long log is read more comes in. So it is read on until that takes no longer than this, or so many times: what is
/// left is read after the change of owners, while nobody serves.
const PASS_IS_SHORT: Duration = Duration::from_millis(100);
const PASSES_MAX: usize = 8;

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

/// A ledger that is there, and is another process's until it is taken.
pub struct Takeover {
    log: RedisLog,
    /// How far each partition was read.
    readings: Vec<Reading>,
    /// The batch with which each partition becomes this owner's.
    openings: Vec<Option<Batch>>,
}

impl RedisLog {
    /// Finds the ledger and looks whether it is whole. Changes nothing.
    pub fn open(options: &Options) -> Result<Takeover, RedisError> {
        Self::open_through(None, options)
    }

    /// The same, through this `host` if there is one.
    pub fn open_through(host: Option<Arc<dyn Host>>, options: &Options) -> Result<Takeover, RedisError> {
        let keys = Keys::new(&options.url.prefix);
        let figures = Arc::new(Figures::default());
        let mut servers = Servers::discover(host, &options.url, options.durability, Arc::clone(&figures))?;
        let head = Head::read(&mut servers, &keys, &options.url)?
            .ok_or_else(|| RedisError::NoLedger { url: options.url.to_string() })?;
        let numbers = 0..head.partitions;
        let partition = |number| Partition::new(number, slot(keys.tail(number).as_bytes()));
        let mut log = Self {
            servers,
            owner: Owner::draw(),
            durability: options.durability,
            partitions: numbers.clone().map(partition).collect(),
            figures,
            compaction: Compaction::new(usize::try_from(options.keep_bytes).unwrap_or(usize::MAX)),
            full_until: None,
            replies: Vec::new(),
            head_lost: false,
            keys,
            head,
        };
        numbers.clone().try_for_each(|number| log.check(number))?;
        let readings = numbers.clone().map(|number| Reading::new(&log.keys, number)).collect();
        point("takeover::looked");
        Ok(Takeover { log, readings, openings: numbers.map(|_| None).collect() })
    }

    /// Makes this owner the one that the tail names last; what the tail is then.
    fn claim(&mut self, number: u16) -> Result<Tail, RedisError> {
        let (key, remaining) = (self.keys.tail(number), self.keys.remaining(number));
        let mut packed = Packed::default();
        packed.ask(&["EVAL", CLAIM, "2", &key, &remaining, &self.owner.to_string()]);
        self.servers.end_watches();
        let tail: Option<String> = read(&self.servers.ask(slot(key.as_bytes()), &packed)?[0])?;
        let tail = tail.and_then(|tail| tail.parse().ok());
        tail.ok_or_else(|| RedisError::Damaged { key, reason: "is missing or not a tail".to_owned() })
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

    /// Hands everything that is there now to `each`, partition by partition in the order of its log. An error of `each`
    /// counts as damage at its batch.
    pub fn read(
        &mut self,
        mut each: impl FnMut(BatchView<'_>) -> Result<(), DecodeError>,
    ) -> Result<(), RedisError> {
        for _ in 0..PASSES_MAX {
            let began = self.log.servers.now();
            (0..self.readings.len()).try_for_each(|at| self.read_on(at, &mut each))?;
            if self.log.servers.now() - began < PASS_IS_SHORT {
                break;
            }
        }
        point("takeover::read");
        Ok(())
    }

    /// Takes all partitions over from whoever owns them, and hands to `each` what came in since they were read. After an
    /// error the owner before may have lost some of them.
    pub fn take(
        mut self,
        now: Stamp,
        mut each: impl FnMut(BatchView<'_>) -> Result<(), DecodeError>,
    ) -> Result<RedisLog, RedisError> {
        let (mut contests, mut damaged, mut away_since) = (0, false, None);
        while let Err(error) = self.attempt(now, &mut each) {
            let present = self.log.servers.now();
            match error {
                RedisError::Contested if contests < CONTESTS_MAX => contests += 1,
                // A fail-over between the claim and the reading looks like this, once.
                RedisError::Damaged { .. } if !damaged => damaged = true,
                RedisError::Unreachable(_) | RedisError::Away(_)
                    if present - *away_since.get_or_insert(present) < AWAY_MAX =>
                {
                    log::warn!("ledger: {error}; asking again");
                    self.log.servers.rest(AWAY_RETRY);
                    // Whoever is asked next says what is wrong, if nobody is found.
                    let _ = self.log.servers.discover_again();
                }
                error => return Err(error),
            }
        }
        Ok(self.log)
    }

    /// Claims and opens the partitions that are not taken yet, all together.
    fn attempt(
        &mut self,
        now: Stamp,
        each: &mut impl FnMut(BatchView<'_>) -> Result<(), DecodeError>,
    ) -> Result<(), RedisError> {
        for at in 0..self.readings.len() {
            let partition = &self.log.partitions[at];
            if self.openings[at].is_none() || partition.fenced.is_some() || !partition.kept.is_confirmed() {
                self.openings[at] = None;
                self.openings[at] = Some(self.claim_and_open(at, now, each)?);
            }
        }
        point("takeover::opening");
        self.log.bring_up().map_err(|error| match error {
            AppendError::TailMismatch { .. } => RedisError::Contested,
            AppendError::Away(reason) => RedisError::Away(reason),
            AppendError::Broken(reason) => RedisError::Broken(reason.to_string()),
            error => RedisError::Away(error.to_string()),
        })?;
        if self.log.partitions.iter().any(|partition| partition.fenced.is_some()) {
            return Err(RedisError::Contested);
        }
        point("takeover::opened");
        for opening in self.openings.iter().flatten() {
            let reading = &self.readings[usize::from(opening.partition)];
            each(opening.view())
                .map_err(|error| reading.damaged(&entry_id(opening.position), &unreadable(error)))?;
        }
        Ok(())
    }

    /// Claims a partition, reads it to the end that it then has, and puts the opening behind it, which is not sent yet.
    fn claim_and_open(
        &mut self,
        at: usize,
        now: Stamp,
        each: &mut impl FnMut(BatchView<'_>) -> Result<(), DecodeError>,
    ) -> Result<Batch, RedisError> {
        let end = self.readings[at].last();
        self.log.partitions[at].kept.go_back_to(end);
        self.log.partitions[at].fenced = None;
        let claimed = self.log.claim(at as u16)?;
        point("takeover::claimed");
        self.read_on(at, each)?;
        point("takeover::caught_up");
        let partition = &mut self.log.partitions[at];
        if !partition.kept.claimed(claimed, self.log.owner) {
            let reason = "does not end where the partition's tail says".to_owned();
            return Err(RedisError::Damaged { key: self.log.keys.log(partition.number), reason });
        }
        let Position { epoch, sequence } = partition.kept.tail().position;
        let opening = Batch {
            partition: partition.number,
            position: Position { epoch: epoch + 1, sequence: sequence + 1 },
            previous_epoch: epoch,
            stamp: now,
            records: 0,
            payload: Vec::new(),
        };
        partition.take(&opening, self.log.owner).expect("it follows the tail");
        Ok(opening)
    }

    fn read_on(
        &mut self,
        at: usize,
        each: &mut impl FnMut(BatchView<'_>) -> Result<(), DecodeError>,
    ) -> Result<(), RedisError> {
        let kept = &mut self.log.partitions[at].kept;
        self.readings[at].go_on(&mut self.log.servers, |batch, entry| {
            kept.push_read(batch.previous(), batch.position, entry.owner, entry.bytes.clone());
            each(batch)
        })
    }
}
