//! What the ledger thread tells the cores.

use super::log::Commit;

/// News for one core.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Notice {
    /// The core's commit is durable: answers that rest on it may go. It comes back with its buffers.
    Durable(Commit),
    /// The log has no room. Commits stay queued and are tried again; new writes are better refused at once.
    Stalled,
    /// The log has room again.
    Resumed,
    /// Partition and sequence: please write again the state that stands at or below, and say so in `Commit::covered`.
    /// Sent to every core, whoever owns the partitions.
    Compact(Vec<(u16, u64)>),
}
