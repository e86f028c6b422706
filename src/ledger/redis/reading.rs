//! Reading a partition's stream from its beginning, a page at a time: every batch must continue the one before it.

use super::error::RedisError;
use super::keys::Keys;
use super::link::Lost;
use super::packed::Packed;
use super::primaries::Ask;
use super::slot::slot;
use super::tail::{Owner, entry_id, position};
use redis::Value;
use seathold_protocol::DecodeError;
use seathold_protocol::batch::{BatchView, Position};
use seathold_protocol::codec::Reader;

/// Entries of one page. Batches have some kilobytes each and rarely more; at the most this is 64 MiB.
const PAGE: &str = "16";

/// One entry.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) id: String,
    pub(super) owner: Owner,
    /// The encoded batch.
    pub(super) bytes: Vec<u8>,
}

/// Where the reading of one partition is.
#[derive(Debug)]
pub(super) struct Reading {
    partition: u16,
    key: String,
    slot: u16,
    /// The position before the first batch that was read, and that of the last.
    span: Option<(Position, Position)>,
}

impl Reading {
    /// Before the first entry.
    pub(super) fn new(keys: &Keys, partition: u16) -> Self {
        let key = keys.log(partition);
        Self { partition, slot: slot(key.as_bytes()), key, span: None }
    }

    /// The position before the first batch that was read, if one was.
    pub(super) fn before(&self) -> Option<Position> {
        self.span.map(|(before, _)| before)
    }

    /// The position of the batch that was read last; that before the first of all if none was.
    pub(super) fn last(&self) -> Position {
        self.span.map_or(Position::default(), |(_, last)| last)
    }

    /// The position before the oldest batch that is there now.
    pub(super) fn begins_behind(&self, servers: &mut impl Ask) -> Result<Position, RedisError> {
        let Some(oldest) = self.oldest(servers)? else { return Ok(Position::default()) };
        let batch = batch_at(self.partition, &oldest.id, &oldest.bytes);
        batch.map(|batch| batch.previous()).map_err(|reason| self.damaged(&oldest.id, &reason))
    }

    /// The position of the newest batch that is there now.
    pub(super) fn end(&self, servers: &mut impl Ask) -> Result<Position, RedisError> {
        let newest = self.range(servers, ["XREVRANGE", "+", "-"], "1")?.pop();
        Ok(newest.and_then(|newest| position(&newest.id)).unwrap_or_default())
    }

    /// Hands every batch from where reading stopped to the present end to `each`, with its entry. An error of `each` counts
    /// as damage at its batch.
    pub(super) fn go_on(
        &mut self,
        servers: &mut impl Ask,
        mut each: impl FnMut(BatchView<'_>, &Entry) -> Result<(), DecodeError>,
    ) -> Result<(), RedisError> {
        loop {
            let entries = self.page(servers)?;
            if entries.is_empty() {
                return Ok(());
            }
            for entry in entries {
                if let Err(reason) = self.follow(&entry, &mut each) {
                    let changed = self.changed_before(&entry, servers)?;
                    return Err(changed.unwrap_or_else(|| self.damaged(&entry.id, &reason)));
                }
            }
        }
    }

    /// What became of the batch that was read last, if it is not there any more. Others write and trim while this reads, so
    /// an entry behind it that does not continue it is no damage then.
    fn changed_before(
        &self,
        entry: &Entry,
        servers: &mut impl Ask,
    ) -> Result<Option<RedisError>, RedisError> {
        let Some((_, last)) = self.span else { return Ok(None) };
        let last = entry_id(last);
        if !self.range(servers, ["XRANGE", &last, &last], "1")?.is_empty() {
            return Ok(None);
        }
        let oldest = self.oldest(servers)?.and_then(|oldest| position(&oldest.id));
        Ok(Some(if oldest >= position(&entry.id) { RedisError::Trimmed } else { RedisError::Undone }))
    }

    fn follow(
        &mut self,
        entry: &Entry,
        each: &mut impl FnMut(BatchView<'_>, &Entry) -> Result<(), DecodeError>,
    ) -> Result<(), String> {
        let batch = batch_at(self.partition, &entry.id, &entry.bytes)?;
        let (first, tail) = self.span.unwrap_or((batch.previous(), batch.previous()));
        if batch.previous() != tail {
            return Err(format!("continues {}, not {}", entry_id(batch.previous()), entry_id(tail)));
        }
        self.span = Some((first, batch.position));
        each(batch, entry).map_err(unreadable)
    }

    /// The next entries behind what was read.
    fn page(&self, servers: &mut impl Ask) -> Result<Vec<Entry>, RedisError> {
        self.range(servers, ["XRANGE", &format!("({}", entry_id(self.last())), "+"], PAGE)
    }

    fn oldest(&self, servers: &mut impl Ask) -> Result<Option<Entry>, RedisError> {
        Ok(self.range(servers, ["XRANGE", "-", "+"], "1")?.pop())
    }

    fn range(
        &self,
        servers: &mut impl Ask,
        [command, from, to]: [&str; 3],
        count: &str,
    ) -> Result<Vec<Entry>, RedisError> {
        let mut packed = Packed::default();
        packed.ask(&[command, &self.key, from, to, "COUNT", count]);
        match servers.ask_one(self.slot, &packed)? {
            Value::Array(entries) => entries
                .into_iter()
                .map(|entry| read(entry).map_err(|id| self.damaged(&id, "is not a batch with its owner")))
                .collect(),
            other => Err(Lost(format!("{command} {} answered {other:?}", self.key)).into()),
        }
    }

    /// What is wrong with an entry; `reason` follows "an entry that".
    pub(super) fn damaged(&self, id: &str, reason: &str) -> RedisError {
        damaged(&self.key, id, reason)
    }
}

/// What is wrong with an entry of the stream `key`; `reason` follows "an entry that".
pub(super) fn damaged(key: &str, id: &str, reason: &str) -> RedisError {
    RedisError::Damaged { key: key.to_owned(), reason: format!("has an entry {id} that {reason}") }
}

/// The batch of an entry, if it is the one that belongs there.
pub(super) fn batch_at<'a>(partition: u16, id: &str, bytes: &'a [u8]) -> Result<BatchView<'a>, String> {
    let batch = BatchView::decode(&mut Reader::new(bytes)).map_err(unreadable)?;
    if batch.partition != partition || entry_id(batch.position) != id {
        return Err("holds the batch of another place".to_owned());
    }
    Ok(batch)
}

pub(super) fn unreadable(error: DecodeError) -> String {
    format!("cannot be read: {error}")
}

/// An entry, or the id of one that cannot be read.
pub(super) fn read(value: Value) -> Result<Entry, String> {
    let Value::Array(parts) = value else { return Err("without an id".to_owned()) };
    let mut parts = parts.into_iter();
    let (Some(Value::BulkString(id)), Some(Value::Array(fields))) = (parts.next(), parts.next()) else {
        return Err("without an id".to_owned());
    };
    let id = String::from_utf8_lossy(&id).into_owned();
    let (mut bytes, mut owner) = (None, None);
    let mut fields = fields.into_iter();
    while let (Some(Value::BulkString(name)), Some(Value::BulkString(value))) = (fields.next(), fields.next())
    {
        match &name[..] {
            b"b" => bytes = Some(value),
            b"o" => owner = std::str::from_utf8(&value).ok().and_then(|text| text.parse().ok()),
            _ => {}
        }
    }
    match (position(&id), bytes, owner) {
        (Some(_), Some(bytes), Some(owner)) => Ok(Entry { id, owner, bytes }),
        _ => Err(id),
    }
}
