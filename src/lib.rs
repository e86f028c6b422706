//! Seathold.
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
