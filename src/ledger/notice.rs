//! What the ledger thread tells the cores.

use super::log::Commit;

/// What the log takes at this moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(u8)]
pub enum Health {
    /// Everything.
    #[default]
    Fine,
    /// What gives places back. Everything is still appended, but new reservations are better refused at once.
    Full,
    /// Nothing. Commits stay queued and are tried again; new writes are better refused at once.
    Stalled,
}

impl Health {
    /// All, from good to bad.
    pub const ALL: [Self; 3] = [Self::Fine, Self::Full, Self::Stalled];

    /// The name in metrics.
    pub fn name(self) -> &'static str {
        match self {
            Self::Fine => "fine",
            Self::Full => "full",
            Self::Stalled => "stalled",
        }
    }
}

/// News for one core.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Notice {
    /// The core's commit is durable: answers that rest on it may go. It comes back with its buffers.
    Durable(Commit),
    /// The log takes more than before, or less. Sent to every core.
    Health(Health),
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
