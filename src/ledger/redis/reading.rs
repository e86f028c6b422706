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

    /// The position before the oldest batch that is there now.
    pub(super) fn begins_behind(&self, servers: &mut impl Ask) -> Result<Position, RedisError> {
        let page = self.page(servers, "1")?;
        let Some(oldest) = page.first() else { return Ok(Position::default()) };
        let batch = BatchView::decode(&mut Reader::new(&oldest.bytes));
        let unreadable = |error| self.damaged(&oldest.id, &format!("cannot be read: {error}"));
        batch.map(|batch| batch.previous()).map_err(unreadable)
    }

    /// Hands every batch from where reading stopped to the present end to `each`, with its entry. An error of `each` counts
    /// as damage at its batch.
    pub(super) fn go_on(
        &mut self,
        servers: &mut impl Ask,
        mut each: impl FnMut(BatchView<'_>, &Entry) -> Result<(), DecodeError>,
    ) -> Result<(), RedisError> {
        loop {
            let entries = self.page(servers, PAGE)?;
            if entries.is_empty() {
                return Ok(());
            }
            for entry in entries {
                self.follow(&entry, &mut each).map_err(|reason| self.damaged(&entry.id, &reason))?;
            }
        }
    }

    fn follow(
        &mut self,
        entry: &Entry,
        each: &mut impl FnMut(BatchView<'_>, &Entry) -> Result<(), DecodeError>,
    ) -> Result<(), String> {
        let unreadable = |error: DecodeError| format!("cannot be read: {error}");
        let batch = BatchView::decode(&mut Reader::new(&entry.bytes)).map_err(unreadable)?;
        if batch.partition != self.partition || entry_id(batch.position) != entry.id {
            return Err("holds the batch of another place".to_owned());
        }
        let (first, tail) = self.span.unwrap_or((batch.previous(), batch.previous()));
        if batch.previous() != tail {
            return Err(format!("continues {}, not {}", entry_id(batch.previous()), entry_id(tail)));
        }
        self.span = Some((first, batch.position));
        each(batch, entry).map_err(unreadable)
    }

    /// The next entries behind what was read, at most `count`.
    fn page(&self, servers: &mut impl Ask, count: &str) -> Result<Vec<Entry>, RedisError> {
        let after = self.span.map_or(Position::default(), |(_, last)| last);
        let mut packed = Packed::default();
        packed.ask(&["XRANGE", &self.key, &format!("({}", entry_id(after)), "+", "COUNT", count]);
        match servers.ask_one(self.slot, &packed)? {
            Value::Array(entries) => entries
                .into_iter()
                .map(|entry| read(entry).map_err(|id| self.damaged(&id, "is not a batch with its owner")))
                .collect(),
            other => Err(Lost(format!("XRANGE {} answered {other:?}", self.key)).into()),
        }
    }

    fn damaged(&self, id: &str, reason: &str) -> RedisError {
        RedisError::Damaged { key: self.key.clone(), reason: format!("has an entry {id} that {reason}") }
    }
}

/// An entry, or the id of one that cannot be read.
fn read(value: Value) -> Result<Entry, String> {
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
