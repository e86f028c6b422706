//! Seathold: the reservation server for the minute when tickets go on sale.
//!
//! ```text
//!  core 0 … core N-1   reactor    one event loop each; shared nothing
//!    ├ net             connections, frames, buffers
//!    ├ engine          this core's departures: route, apply, withhold, release
//!    │   └ shard       one departure's state machine
//!    │       └ inventory   seats by segments
//!    └ mesh            inboxes and bells between cores
//!  ledger thread       ledger     the log: nothing is acknowledged before its record is in it
//!  admin thread        admin      metrics and health
//!  main                server     options, start, recovery, stop
//! ```
//!
//! `catalog` turns a timetable and rules into departures, `counters` are what each core counts, `sys` is the operating
//! system. `audit` proves from a ledger alone that nothing was sold twice, and `demo` sells ten thousand places to a million
//! buyers through a crash to show it. ARCHITECTURE.md is the map.
#![forbid(unsafe_code)]

pub mod admin;
pub mod audit;
pub mod catalog;
pub mod counters;
pub mod demo;
pub mod engine;
pub mod inventory;
pub mod ledger;
pub mod mesh;
pub mod net;
pub mod reactor;
pub mod server;
pub mod shard;
pub mod sys;
