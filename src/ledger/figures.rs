//! What the ledger thread counts, readable from any thread.

use std::sync::atomic::{AtomicU8, AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use super::notice::Health;

/// Powers of two from 1 µs to 8 s.
const BUCKETS: usize = 24;

/// Counters since the start of the process. One thread writes, any thread reads.
#[derive(Debug, Default)]
pub struct LedgerFigures {
    /// Batches made durable.
    pub batches: AtomicU64,
    /// Records made durable.
    pub records: AtomicU64,
    /// Encoded bytes of these batches.
    pub bytes: AtomicU64,
    /// Appends: each is one write and one sync, as long as its batches fit one segment.
    pub groups: AtomicU64,
    /// Tries that found no room.
    pub no_space: AtomicU64,
    /// Tries that found the log away.
    pub away: AtomicU64,
    /// Times that the log could not be written, each for one try or many.
    pub stalls: AtomicU64,
    /// Partitions that other servers have taken over.
    pub fenced: AtomicU64,
    /// Appends that were tried, and those of them that are over, however they ended.
    begun: AtomicU64,
    over: AtomicU64,
    /// A `Health`.
    health: AtomicU8,
    append_us_sum: AtomicU64,
    append_us_max: AtomicU64,
    append_us: [AtomicU64; BUCKETS],
}

impl LedgerFigures {
    pub(super) fn count(&self, batches: usize, records: u64, bytes: usize, took: Duration) {
        self.batches.fetch_add(batches as u64, Relaxed);
        self.records.fetch_add(records, Relaxed);
        self.bytes.fetch_add(bytes as u64, Relaxed);
        self.groups.fetch_add(1, Relaxed);
        let us = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        self.append_us_sum.fetch_add(us, Relaxed);
        self.append_us_max.fetch_max(us, Relaxed);
        let bucket = (u64::BITS - us.saturating_sub(1).leading_zeros()) as usize;
        if let Some(bucket) = self.append_us.get(bucket) {
            bucket.fetch_add(1, Relaxed);
        }
    }

    pub(crate) fn begin_append(&self) {
        self.begun.fetch_add(1, Relaxed);
    }

    pub(crate) fn end_append(&self) {
        self.over.fetch_add(1, Relaxed);
    }

    /// The append that is on its way, by its number: whoever sees the same one again for long sees a log that hangs.
    pub fn on_its_way(&self) -> Option<u64> {
        let over = self.over.load(Relaxed);
        Some(self.begun.load(Relaxed)).filter(|begun| *begun > over)
    }

    pub(crate) fn set_health(&self, health: Health) {
        self.health.store(health as u8, Relaxed);
    }

    /// What the log takes at this moment.
    pub fn health(&self) -> Health {
        let code = self.health.load(Relaxed);
        Health::ALL.into_iter().find(|health| *health as u8 == code).expect("only a Health is stored")
    }

    /// Microseconds spent in successful appends, write and sync together.
    pub fn append_us_sum(&self) -> u64 {
        self.append_us_sum.load(Relaxed)
    }

    /// Microseconds of the longest successful append.
    pub fn append_us_max(&self) -> u64 {
        self.append_us_max.load(Relaxed)
    }

    /// Upper bound in microseconds and number of the appends that took at most that and more than the bound before.
    /// Appends above the last bound (8 s) are in `groups` only.
    pub fn append_us_buckets(&self) -> impl Iterator<Item = (u64, u64)> {
        self.append_us.iter().enumerate().map(|(power, count)| (1 << power, count.load(Relaxed)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_append_is_counted_in_the_bucket_that_bounds_it() {
        let figures = LedgerFigures::default();
        for us in [0, 1, 2, 3, 4, 5, 8_388_608, 8_388_609] {
            figures.count(2, 10, 100, Duration::from_micros(us));
        }
        let filled: Vec<_> = figures.append_us_buckets().filter(|(_, count)| *count > 0).collect();
        assert_eq!(filled, [(1, 2), (2, 1), (4, 2), (8, 1), (8_388_608, 1)]);
        assert_eq!(figures.append_us_max(), 8_388_609);
        assert_eq!(figures.append_us_sum(), 15 + 8_388_608 + 8_388_609);
        assert_eq!((figures.batches.load(Relaxed), figures.bytes.load(Relaxed)), (16, 800));
    }
}
