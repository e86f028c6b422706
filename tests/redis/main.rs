//! The ledger on real Redis and Valkey servers, which the tests start and break.
#![cfg(test)]

mod access;
mod harness;
mod log;
mod outcomes;
mod rig;
mod topology;
