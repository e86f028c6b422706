//! What a file log can be told.

use std::hash::{BuildHasher, RandomState};

/// Bytes of a segment unless told otherwise: some seconds of full load, and quick to zero ahead.
pub const SEGMENT_BYTES_DEFAULT: u64 = 64 << 20;

/// The log asks for compaction above this, unless told otherwise: replayed in a few seconds.
pub const KEEP_BYTES_DEFAULT: u64 = 1 << 30;

/// How a file log is laid out. The first two count only when the ledger is created.
#[derive(Clone, Debug)]
pub struct Options {
    /// Partitions, 1 to `PARTITIONS_MAX`. Fixed when the ledger is created.
    pub partitions: u16,
    /// The ledger's random name. Fixed when the ledger is created.
    pub ledger: u128,
    /// Bytes of a new segment, a multiple of 4096 that holds the longest batch. Those that exist keep their size.
    pub segment_bytes: u64,
    /// Above this many bytes of segments the log asks for compaction.
    pub keep_bytes: u64,
}

impl Options {
    /// The defaults, with a ledger name drawn from the randomness that seeds the standard library's hash maps.
    pub fn new(partitions: u16) -> Self {
        let half = || u128::from(RandomState::new().hash_one(std::process::id()));
        Self {
            partitions,
            ledger: (half() << 64) | half(),
            segment_bytes: SEGMENT_BYTES_DEFAULT,
            keep_bytes: KEEP_BYTES_DEFAULT,
        }
    }
}
