//! The ledger on real Redis and Valkey servers, which the tests start and break.
#![cfg(test)]

mod access;
mod cluster;
mod consumers;
mod crowd;
mod demo;
mod failover;
mod faults;
mod harness;
mod lines;
mod log;
mod outcomes;
mod owners;
#[cfg(feature = "fail-points")]
mod points;
mod readers;
mod rig;
mod sale;
#[expect(dead_code, reason = "the harness of tests/server, of which only the server itself is wanted here")]
#[path = "../server/harness.rs"]
mod serving;
mod start;
mod topology;
