//! What the ledger thread tells the cores.

use super::log::Commit;

/// News for one core.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Notice {
    /// The core's commit is durable: answers that rest on it may go. It comes back with its buffers.
    Durable(Commit),
    /// The log cannot be written. Commits stay queued and are tried again; new writes are better refused at once.
    Stalled,
    /// The log can be written again.
    Resumed,
    /// Another server has taken over this partition. What was not acknowledged of it may be in its log or not, and nothing
    /// of it is appended here any more: commits come back without its batches. Sent to every core, once.
    Fenced {
        /// Which partition.
        partition: u16,
        /// The epoch of the new owner.
        epoch: u64,
    },
    /// Partition and sequence: please write again the state that stands at or below, and say so in `Commit::covered`.
    /// Sent to every core, whoever owns the partitions.
    Compact(Vec<(u16, u64)>),
}
