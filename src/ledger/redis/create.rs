//! A new ledger: made only when somebody asks for it, because an emptied Redis looks just like one that never had any.

use super::append::RedisLog;
use super::durability::Durability;
use super::error::RedisError;
use super::figures::Figures;
use super::host::Host;
use super::keys::Keys;
use super::link::Lost;
use super::packed::Packed;
use super::primaries::Ask;
use super::servers::{Servers, Trouble};
use super::slot::slot;
use super::tail::{Owner, Tail};
use super::url::RedisUrl;
use crate::sys::point;
use redis::{FromRedisValue, Value, from_redis_value};
use seathold_protocol::limits::PARTITIONS_MAX;
use std::collections::HashMap;
use std::sync::Arc;

/// The version of the keys' layout.
const FORMAT: u16 = 1;

/// What says that there is a ledger.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Head {
    /// Sets it apart from one that another creation made under the same keys.
    pub(super) id: String,
    pub(super) partitions: u16,
    /// When it was created, as RFC 3339.
    pub(super) created: String,
}

/// Creates a ledger of `partitions`. `created` is told to whoever tries again.
pub fn create(url: &RedisUrl, partitions: u16, created: &str) -> Result<(), RedisError> {
    create_through(None, url, partitions, created)
}

/// The same, through this `host` if there is one.
pub fn create_through(
    host: Option<Arc<dyn Host>>,
    url: &RedisUrl,
    partitions: u16,
    created: &str,
) -> Result<(), RedisError> {
    let keys = Keys::new(&url.prefix);
    let mut servers = Servers::discover(host, url, Durability::Local, Arc::new(Figures::default()))?;
    if let Some(head) = Head::read(&mut servers, &keys, url)? {
        return Err(RedisError::Exists { url: url.to_string(), created: head.created });
    }
    let id = Owner::draw().to_string();
    for partition in 0..partitions {
        create_partition(&mut servers, &keys, partition, &id)?;
        point("creation::made");
    }
    // Last: until now it is no ledger, and creating it again goes on.
    Head { id, partitions, created: created.to_owned() }.write(&mut servers, &keys)?;
    point("creation::named");
    Ok(())
}

/// Makes all keys of a partition, so that a cluster that moves its slot finds them all on one side.
fn create_partition(
    servers: &mut Servers,
    keys: &Keys,
    partition: u16,
    ledger: &str,
) -> Result<(), RedisError> {
    let (log, tail, remaining) = (keys.log(partition), keys.tail(partition), keys.remaining(partition));
    let empty = Tail::default().to_string();
    let mut look = Packed::default();
    look.ask(&["GET", &tail]);
    look.ask(&["EXISTS", &log]);
    let slot = slot(tail.as_bytes());
    let found = servers.ask(slot, &look)?;
    let (old_tail, old_log): (Option<String>, bool) = (read(&found[0])?, read(&found[1])?);
    if old_tail.as_ref().is_some_and(|old| *old != empty) || old_tail.is_none() && old_log {
        let reason = "is there already, without the key that says that there is a ledger".to_owned();
        return Err(RedisError::Damaged { key: if old_log { log } else { tail }, reason });
    }
    let mut make = Packed::default();
    make.ask(&["SET", &tail, &empty]);
    // The only command that makes an empty stream.
    make.ask(&["XGROUP", "CREATE", &log, "new", "0", "MKSTREAM"]);
    make.ask(&["XGROUP", "DESTROY", &log, "new"]);
    make.ask(&["HSET", &remaining, "ledger", ledger]);
    servers.ask(slot, &make).map(drop)
}

impl Head {
    /// Reads it; `None` where there is no ledger.
    pub(super) fn read(
        servers: &mut impl Ask,
        keys: &Keys,
        url: &RedisUrl,
    ) -> Result<Option<Self>, RedisError> {
        let key = keys.ledger();
        let mut packed = Packed::default();
        packed.ask(&["HGETALL", &key]);
        let fields: HashMap<String, String> = read(&servers.ask_one(slot(key.as_bytes()), &packed)?)?;
        if fields.is_empty() {
            return Ok(None);
        }
        let field = |name: &str| {
            let missing =
                || RedisError::Damaged { key: key.clone(), reason: format!("has no field \"{name}\"") };
            fields.get(name).cloned().ok_or_else(missing)
        };
        let format = field("format")?;
        if format != FORMAT.to_string() {
            return Err(RedisError::OtherFormat { url: url.to_string(), format, expected: FORMAT });
        }
        let partitions = field("partitions")?.parse().ok();
        let partitions = partitions.filter(|partitions| (1..=PARTITIONS_MAX).contains(partitions));
        let partitions = partitions.ok_or_else(|| RedisError::Damaged {
            key: key.clone(),
            reason: format!("tells no number of partitions from 1 to {PARTITIONS_MAX}"),
        })?;
        Ok(Some(Self { id: field("id")?, partitions, created: field("created")? }))
    }

    fn write(&self, servers: &mut Servers, keys: &Keys) -> Result<(), RedisError> {
        let (key, format, partitions) = (keys.ledger(), FORMAT.to_string(), self.partitions.to_string());
        let mut packed = Packed::default();
        packed.ask(&[
            "HSET",
            &key,
            "format",
            &format,
            "partitions",
            &partitions,
            "id",
            &self.id,
            "created",
            &self.created,
        ]);
        servers.ask(slot(key.as_bytes()), &packed).map(drop)
    }
}

impl RedisLog {
    /// Writes the ledger's head again after Redis was emptied under its owner, who had all of it in memory.
    pub(super) fn restore_head(&mut self) {
        if !self.head_lost {
            return;
        }
        point("creation::restoring");
        match self.head.write(&mut self.servers, &self.keys) {
            Ok(()) => {
                point("creation::restored");
                self.head_lost = false;
                log::error!(
                    "ledger: Redis was emptied; everything since the last snapshots was written again from memory"
                );
            }
            Err(error) => log::warn!("ledger: {error}"),
        }
    }
}

/// A reply as what it should be.
pub(super) fn read<T: FromRedisValue>(value: &Value) -> Result<T, RedisError> {
    let unreadable = |error| Trouble::Lost(Lost(format!("a reply cannot be read: {error}")));
    Ok(from_redis_value(value.clone()).map_err(unreadable)?)
}
