//! Deterministic simulation: whole nodes in one thread, in a world drawn from a seed.
//!
//! ```text
//!  seathold-sim, tests/seeds    many seeds, or one and what happened in it
//!    └ run                      one seed: a phase with faults, then a healed one that must converge
//!        └ world                one step after the other, drawn from the seed
//!            ├ clients          who ask, and never learn what became of some requests
//!            ├ disk             forgets what was not synced
//!            └ journal          a digest of everything that happened
//! ```
//!
//! The engines, the shards, the codec and the file log are the ones that production runs. What they stand on is simulated here:
//! nothing reads a clock, starts a thread or draws from anything but the seed, so that a seed replays exactly.
#![forbid(unsafe_code)]

mod branch;
mod clients;
pub mod disk;
mod journal;
pub mod program;
mod run;
mod world;

pub use branch::{Branch, Counts};
pub use run::{Broken, Bug, REVISION, Ran, run};
