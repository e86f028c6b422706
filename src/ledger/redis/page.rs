//! What a consumer group's member is given at a time.

use super::error::RedisError;
use super::link::Lost;
use super::reading::{batch_at, damaged, read, unreadable};
use super::tail::position;
use redis::Value;
use seathold_protocol::DecodeError;
use seathold_protocol::batch::{BatchView, Position};

/// Entries of one partition, in the order of its log.
#[derive(Debug)]
pub struct Page {
    partition: u16,
    /// Of the stream.
    key: String,
    entries: Vec<Given>,
}

#[derive(Debug)]
struct Given {
    id: String,
    position: Position,
    /// The encoded batch; `None` where it is not in the stream any more.
    bytes: Option<Vec<u8>>,
}

/// One entry of a page.
#[derive(Debug)]
pub enum Delivery<'a> {
    /// A batch.
    Batch(BatchView<'a>),
    /// The place of one that this member was given before, and that somebody removed from the log before it was
    /// acknowledged. The group will never see it.
    Lost(Position),
}

impl Page {
    /// Of the entries that XREADGROUP answers for a stream.
    pub(super) fn new(partition: u16, key: &str, entries: Value) -> Result<Self, RedisError> {
        let Value::Array(entries) = entries else {
            return Err(Lost(format!("XREADGROUP answered with {entries:?} of {key}")).into());
        };
        let given = |entry| {
            let (id, bytes) = match removed_id(&entry) {
                Some(id) => (id, None),
                None => match read(entry) {
                    Ok(entry) => (entry.id, Some(entry.bytes)),
                    Err(id) => return Err(damaged(key, &id, "is not a batch with its owner")),
                },
            };
            let position = position(&id).ok_or_else(|| damaged(key, &id, "is at no place of a batch"))?;
            Ok(Given { id, position, bytes })
        };
        let entries = entries.into_iter().map(given).collect::<Result<_, _>>()?;
        Ok(Self { partition, key: key.to_owned(), entries })
    }

    /// Of which partition.
    pub fn partition(&self) -> u16 {
        self.partition
    }

    /// Hands its entries to `each`, each checked as far as it can be by itself. An error of `each` counts as damage at its
    /// entry.
    pub fn for_each(
        &self,
        mut each: impl FnMut(Delivery<'_>) -> Result<(), DecodeError>,
    ) -> Result<(), RedisError> {
        for Given { id, position, bytes } in &self.entries {
            let handed = match bytes {
                None => each(Delivery::Lost(*position)).map_err(unreadable),
                Some(bytes) => batch_at(self.partition, id, bytes)
                    .and_then(|batch| each(Delivery::Batch(batch)).map_err(unreadable)),
            };
            handed.map_err(|reason| damaged(&self.key, id, &reason))?;
        }
        Ok(())
    }

    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }

    pub(super) fn ids(&self) -> impl Iterator<Item = &str> {
        self.entries.iter().map(|given| &given.id[..])
    }

    pub(super) fn last(&self) -> Option<Position> {
        self.entries.last().map(|given| given.position)
    }
}

/// The id of an entry that is pending and was removed from its stream: it comes without fields.
fn removed_id(entry: &Value) -> Option<String> {
    let Value::Array(parts) = entry else { return None };
    let [Value::BulkString(id), Value::Nil] = &parts[..] else { return None };
    String::from_utf8(id.clone()).ok()
}
