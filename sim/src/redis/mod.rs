//! A simulated Redis for the production log: what it keeps, how its commands run, and the connections to it.
//!
//! The log's own code is all there: rounds, transactions under WATCH, the append step, the table of refusals, the batches that
//! it keeps for a lost tail, claims. Not simulated: Sentinels, clusters, `WAIT` and `WAITAOF`, consumer groups, logging in; and
//! the scripts' Lua, which `tests/redis` runs on real servers.

mod host;
mod reply;
mod server;
mod store;

pub(crate) use host::SimHost;
