//! Deterministic simulation: whole nodes in one thread, in a world drawn from a seed.
//!
//! ```text
//!  seathold-sim, tests/seeds    many seeds, or one and what happened in it
//!    └ run                      one seed: a phase with faults, then a healed one that must converge
//!        ├ world                one server and a disk: a step after the other; weather draws faults, check ends it
//!        └ pair                 two servers that take one Redis from each other
//!            ├ clients          who ask, and never learn what became of some requests: session, known
//!            ├ network          late, cut in the middle of a frame, silent in one direction
//!            ├ node             one process: a front for each core, and the writer between them and the log
//!            │   └ shadow       a plain table of each departure, which knows what every command must be answered
//!            ├ disk, rot        forgets what was not synced, fails, fills up; a bit flips
//!            ├ redis            loses its tail, its scripts, everything; full, frozen, late, away
//!            ├ clock            too fast, too slow, set, booted again
//!            ├ history          every batch that was ever filled, and those that were acknowledged
//!            └ journal          a digest of everything that happened
//! ```
//!
//! The engines, the shards, the mesh, the codec, the file log and the log in Redis are the ones that production runs. What they
//! stand on is simulated here: nothing that has an effect reads a clock, starts a thread or draws from anything but the seed,
//! so that a seed replays exactly. What the reactor and the ledger thread do around them is stood in for by `front` and `writer`.
#![forbid(unsafe_code)]

mod branch;
mod catalog;
mod check;
mod clients;
mod clock;
pub mod disk;
mod front;
mod history;
mod journal;
mod known;
mod network;
mod node;
mod pair;
mod plain;
pub mod program;
mod redis;
mod rot;
mod run;
mod session;
mod shadow;
mod weather;
mod world;
mod writer;

pub use branch::{Branch, Counts};
pub use run::{Broken, Bug, REVISION, Ran, run};
