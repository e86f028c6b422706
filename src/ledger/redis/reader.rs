//! Reading a ledger in Redis from outside, beside the server that writes it: for `audit` and `tail`.

use super::create::{Head, read};
use super::error::RedisError;
use super::keys::Keys;
use super::packed::Packed;
use super::primaries::{Ask, Primaries};
use super::reading::Reading;
use super::slot::slot;
use super::tail::Tail;
use super::url::RedisUrl;
use seathold_protocol::DecodeError;
use seathold_protocol::batch::{BatchView, Position};
use std::collections::HashMap;

/// Reads batches in the order of each partition up to the present tails, as often as asked.
pub struct RedisReader {
    primaries: Primaries,
    keys: Keys,
    partitions: Vec<Reading>,
    trimmed: bool,
}

impl RedisReader {
    /// Opens the ledger at its oldest entries.
    pub fn open(url: &RedisUrl) -> Result<Self, RedisError> {
        let keys = Keys::new(&url.prefix);
        let mut primaries = Primaries::discover(url)?;
        let head = Head::read(&mut primaries, &keys, url)?
            .ok_or_else(|| RedisError::NoLedger { url: url.to_string() })?;
        let partitions: Vec<_> =
            (0..head.partitions).map(|partition| Reading::new(&keys, partition)).collect();
        let mut trimmed = false;
        for reading in &partitions {
            trimmed |= reading.begins_behind(&mut primaries)? != Position::default();
        }
        Ok(Self { primaries, keys, partitions, trimmed })
    }

    /// Partitions of the ledger.
    pub fn partitions(&self) -> u16 {
        self.partitions.len() as u16
    }

    /// Whether the ledger's oldest entries are gone, so that reading begins in the middle of its history.
    pub fn is_trimmed(&self) -> bool {
        self.trimmed
    }

    /// Hands every batch from where it stopped last time to the present tails to `each`. An error of `each` counts as damage
    /// at its batch.
    pub fn for_each(
        &mut self,
        mut each: impl FnMut(BatchView<'_>) -> Result<(), DecodeError>,
    ) -> Result<(), RedisError> {
        for reading in &mut self.partitions {
            reading.go_on(&mut self.primaries, |batch, _| each(batch))?;
            if !self.trimmed && reading.before().is_some_and(|before| before != Position::default()) {
                return Err(RedisError::Trimmed);
            }
        }
        Ok(())
    }

    /// Checks that every partition's log goes as far as its tail says: what is missing at the end of a log does not show in
    /// the log itself.
    pub fn check_tails(&mut self) -> Result<(), RedisError> {
        for (partition, reading) in (0..).zip(&self.partitions) {
            let key = self.keys.tail(partition);
            let damaged = |reason: &str| RedisError::Damaged { key: key.clone(), reason: reason.to_owned() };
            let mut packed = Packed::default();
            packed.ask(&["GET", &key]);
            let tail: Option<String> = read(&self.primaries.ask_one(slot(key.as_bytes()), &packed)?)?;
            let tail: Tail =
                tail.ok_or_else(|| damaged("is missing"))?.parse().map_err(|()| damaged("is not a tail"))?;
            // Asked behind the tail: by now it may have gone on, and never back.
            if reading.end(&mut self.primaries)? < tail.position {
                return Err(damaged("names a batch behind the end of the log"));
            }
        }
        Ok(())
    }

    /// What other systems are told that each departure has left, by `<train> <YYYY-MM-DD>`.
    pub fn remaining(&mut self) -> Result<HashMap<String, String>, RedisError> {
        let mut remaining = HashMap::new();
        for partition in 0..self.partitions() {
            let key = self.keys.remaining(partition);
            let mut packed = Packed::default();
            packed.ask(&["HGETALL", &key]);
            let mut fields: HashMap<String, String> =
                read(&self.primaries.ask_one(slot(key.as_bytes()), &packed)?)?;
            fields.remove("ledger");
            remaining.extend(fields);
        }
        Ok(remaining)
    }
}
