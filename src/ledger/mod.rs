//! The log: nothing is acknowledged before its record is in it.
//!
//! ```text
//!  core 0     core 1     core N-1         one Commit in flight per core
//!    │ Commit   │ Commit   │ Commit
//!    └──────────┴────┬─────┘              bounded channel, one place per core
//!              ledger thread   writer     takes all that is queued: group commit
//!                    │ append             compare-and-append per partition, all durable on Ok
//!          ┌─────────┴─────────┐
//!        file               memory        behind one trait: Log
//!          │
//!    segment 7 │ segment 8 │ segment 9 ─► spare (zeroed ahead by a thread of its own)
//!    Notice::Durable(Commit) back to each core, buffers and all
//! ```
//!
//! * `log`: what a core hands over, the trait of the back ends, how an append fails.
//! * `tails`: the compare of compare-and-append.
//! * `file`: segments in a directory, their recovery, and reading them from outside.
//! * `memory`: keeps nothing.
//! * `writer`: the ledger thread, with its `notice`s and `figures`.
//! * `reader`: a ledger of either kind, read from outside.
//! * `url`: what `--ledger` accepts.

mod figures;
pub mod file;
mod log;
mod memory;
mod notice;
mod reader;
pub mod redis;
mod tails;
mod url;
mod writer;

pub use self::figures::LedgerFigures;
pub use self::log::{AppendError, Commit, Log, Remaining};
pub use self::memory::MemoryLog;
pub use self::notice::{Health, Notice};
pub use self::reader::{LedgerReader, ReadError};
pub use self::url::{LedgerUrl, LedgerUrlError};
pub use self::writer::{CommitSender, LedgerWriter};
