//! The log in Redis: a stream per partition, an entry per batch, appended only behind the tail that is expected.
//!
//! ```text
//!  seathold:ledger               hash    that there is a ledger: format, partitions, id, created
//!  {seathold:7}:log              stream  <epoch>-<sequence>  b = the encoded batch, o = its owner
//!  {seathold:7}:tail             string  <epoch>-<sequence> <owner>, and behind that who has claimed it
//!  {seathold:7}:remaining        hash    <train> <date> = what is left, for other systems to read
//!
//!  append ──► round ──► servers ──► link      one pipeline per node, all sent before any reply is read
//!    │          │          └── access, topology, checks
//!    │          ├── transaction               how a batch goes in: guarded by WATCH, where one server has all partitions
//!    │          ├── steps ── script           else by a script that compares the tail
//!    │          └── outcome                   the one table of what a refusal means
//!    └── partition ── kept                    batches since the last snapshot: a lost tail is appended again
//! ```
//!
//! What it rests on:
//!
//! * A batch is in when the append said so, or when it is found at the tail. Every other end of a request is
//!   unknown, drops the connection, and is settled by sending the same batch again: compare-and-append takes it once.
//! * An owner is a number that its process drew. The tail names it, so of two that take over at the same moment one sees a
//!   tail that is not its own, whatever its epoch.
//! * A start reads the log while the owner before still serves, and takes the ledger only when it can use what it read: a
//!   wrong timetable shuts nobody out, and the change of owners takes as long as the last few batches.
//! * A server that was just connected is first asked where it stands: it may be a replica that lacks acknowledged batches.
//! * A ledger is created only on request. An emptied Redis is written again only by an owner that has all of it in memory.

mod access;
mod append;
mod checks;
mod compaction;
mod consumer;
mod create;
mod durability;
mod error;
mod figures;
mod host;
mod kept;
mod keys;
mod link;
mod look;
mod node;
mod outcome;
mod packed;
mod page;
mod partition;
mod primaries;
mod reader;
mod reading;
#[cfg(any(test, fuzzing))]
pub mod replies;
mod round;
mod script;
mod servers;
mod slot;
mod steps;
mod tail;
mod takeover;
mod topology;
mod transaction;
mod trim;
mod url;

pub use self::access::{Access, AccessError};
pub use self::append::RedisLog;
pub use self::checks::{AppendFsync, AtRisk, Flavor, Found, Mode, Role, Version};
pub use self::consumer::{RedisConsumer, remove_group};
pub use self::create::{create, create_through};
pub use self::durability::{Durability, DurabilityError};
pub use self::error::RedisError;
pub use self::figures::Figures;
pub use self::host::Host;
pub use self::link::{Link, Lost, Reply, Wire};
pub use self::node::Node;
pub use self::outcome::{Class, Judgement, Remedy, Taken, classify, taken};
pub use self::page::{Delivery, Page};
pub use self::reader::RedisReader;
pub use self::slot::{SLOTS, slot};
pub use self::tail::{Owner, Tail};
pub use self::takeover::{Options, Takeover};
pub use self::topology::Topology;
pub use self::url::{RedisUrl, RedisUrlError};
