//! What a core asks of the log and how it may fail: the seam between the ledger thread and the back ends.

use std::io;
use std::time::Duration;

use seathold_protocol::batch::{Batch, Position};
pub use seathold_protocol::remaining::Remaining;

/// What one core has to make durable. A core has at most one in flight.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Commit {
    /// Whose it is.
    pub core: usize,
    /// In the order in which they were filled; several of one partition follow each other.
    pub batches: Vec<Batch>,
    /// Partition and sequence: all state of the partition at or below that sequence has been written again in later
    /// batches, those of this commit included. The log may forget the old ones once this commit is durable.
    pub covered: Vec<(u16, u64)>,
    /// The remaining places of the departures that these batches change, each once; nothing unless the cores were told
    /// that somebody reads them.
    pub remaining: Vec<Remaining>,
}

/// A back end of the ledger.
pub trait Log: Send {
    /// Makes all `batches` durable, or says why not. There may be none, when all of them were of lost partitions.
    ///
    /// Compare-and-append: a batch is taken only if its `previous()` is the tail of its partition. A batch that is in
    /// already (at the tail, or before batches of the same call up to the tail) is accepted and not written twice, so
    /// sending again after an unknown outcome is safe. On an error none is acknowledged, though some may be in.
    ///
    /// Of a partition that was named as `Fenced` nothing is appended any more: it is named once.
    fn append(&mut self, batches: &[&Batch]) -> Result<(), AppendError>;

    /// How often to append nothing while there is nothing to append, so that the log can look whether it is still all there
    /// and this server's. `None` for a log that nobody else can touch.
    fn look_every(&self) -> Option<Duration> {
        None
    }

    /// Says which remaining places go with the batches that are appended next. Called once for each commit that has some,
    /// however often its append is tried; a departure's newest word counts.
    fn note_remaining(&mut self, _remaining: &[Remaining]) {}

    /// Says that all state of `partition` at or below `sequence` stands in later durable batches. The batch at a
    /// partition's tail is kept in any case: it is the partition's memory of its position. A partition without any
    /// state therefore covers its past with an empty batch.
    fn covered(&mut self, partition: u16, sequence: u64);

    /// Whether the log takes only what gives places back until there is room again: a server at its memory limit. Asked
    /// after each append, and while it says so several times a second, so that it may look.
    fn is_full(&mut self) -> bool {
        false
    }

    /// Partition and sequence of what the log would like to forget next, when it is above its keep size: once every
    /// one of them is covered, space comes back. The same answer until then. Nobody covers a partition that was named as
    /// `Fenced`: it must not be among them.
    fn wants_compaction(&self) -> Option<Vec<(u16, u64)>>;
}

/// Why an append was not acknowledged.
#[derive(Debug, thiserror::Error)]
pub enum AppendError {
    /// No room, nothing acknowledged; the same append may be tried again.
    #[error("no space left for the ledger: {0}; free some space on its disk, the server goes on by itself")]
    NoSpace(io::Error),
    /// The log cannot be reached, or does not take anything now, and whether it took this is unknown. That passes: the
    /// same append may be tried again. The reason is logged when it differs from the one before, so it names no times.
    #[error("the ledger cannot be written now: {0}; the server goes on by itself")]
    Away(String),
    /// Another owner has taken the partition, as a rule with a higher epoch. The other partitions go on without it.
    #[error("partition {partition} belongs to epoch {}; epoch {offered} may not write any more", .tail.epoch)]
    Fenced {
        /// Which partition.
        partition: u16,
        /// Where its log stands.
        tail: Position,
        /// The epoch of the refused batch.
        offered: u64,
    },
    /// The batch does not continue its partition's log.
    #[error("partition {partition} stands at {tail}, but the batch continues {offered}",
        tail = Place(*.tail), offered = Place(*.offered))]
    TailMismatch {
        /// Which partition.
        partition: u16,
        /// Where its log stands.
        tail: Position,
        /// What the refused batch takes for the tail.
        offered: Position,
    },
    /// Whether the batches are durable is unknown, and a second try would not tell: the process must stop.
    #[error(
        "the ledger cannot be written any more: {0}; whether the last batches are in is unknown until a restart"
    )]
    Broken(io::Error),
}

struct Place(Position);

impl std::fmt::Display for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}-{}", self.0.epoch, self.0.sequence)
    }
}
