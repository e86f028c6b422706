//! Which segments are still needed: pure bookkeeping of last sequences and floors.

use std::collections::VecDeque;

use super::super::tails::Tails;

/// One segment of the log.
#[derive(Clone, Debug)]
struct Kept {
    segment: u64,
    bytes: u64,
    /// By partition, the last sequence in the segment; 0 if it has none.
    last: Vec<u64>,
}

/// The segments of a log, oldest first; the last one is the active one.
#[derive(Clone, Debug)]
pub(super) struct Retention {
    segments: VecDeque<Kept>,
    /// By partition: all state at or below stands in later batches.
    floors: Vec<u64>,
    keep_bytes: u64,
    /// Compaction is wanted above this: the keep size, or twice what the last whole round left, if that is more. State
    /// that is live cannot be compacted away, and must not be written again for ever.
    threshold_bytes: u64,
    /// The segment that was active when the present round began. When it goes, all that is left is live.
    round_end: u64,
}

impl Retention {
    pub(super) fn new(partitions: u16, keep_bytes: u64) -> Self {
        Self {
            segments: VecDeque::new(),
            floors: vec![0; usize::from(partitions)],
            keep_bytes,
            threshold_bytes: keep_bytes,
            round_end: 0,
        }
    }

    /// A segment becomes the active one.
    pub(super) fn begin(&mut self, segment: u64, bytes: u64) {
        let was_below = self.bytes() <= self.threshold_bytes;
        self.segments.push_back(Kept { segment, bytes, last: vec![0; self.floors.len()] });
        if was_below && self.bytes() > self.threshold_bytes {
            self.round_end = segment;
        }
    }

    /// A batch stands in the active segment.
    pub(super) fn note(&mut self, partition: u16, sequence: u64) {
        let active = self.segments.back_mut().expect("a log has an active segment");
        active.last[usize::from(partition)] = sequence;
    }

    /// Raises the floor of a partition.
    pub(super) fn cover(&mut self, partition: u16, sequence: u64) {
        let floor = &mut self.floors[usize::from(partition)];
        *floor = sequence.max(*floor);
    }

    /// The oldest segment that is needed: it is the active one, or holds a batch above its partition's floor or at
    /// its partition's tail.
    pub(super) fn oldest_needed(&self, tails: &Tails) -> u64 {
        let active = self.segments.len() - 1;
        let needed = self.segments.iter().take(active).find(|kept| {
            let mut partitions = kept.last.iter().zip(&self.floors).zip(tails.positions());
            partitions.any(|((&last, &floor), tail)| last > 0 && (last > floor || last == tail.sequence))
        });
        needed.unwrap_or(&self.segments[active]).segment
    }

    /// Forgets the segments below `oldest`, one at a time.
    pub(super) fn forget_below(&mut self, oldest: u64) -> Option<u64> {
        let front = self.segments.front().expect("a log has an active segment").segment;
        if front >= oldest {
            return None;
        }
        self.segments.pop_front();
        if front == self.round_end {
            self.threshold_bytes = self.keep_bytes.max(2 * self.bytes());
        }
        Some(front)
    }

    /// What stands in the oldest closed segment, when the log is above its keep size.
    pub(super) fn wants_compaction(&self) -> Option<Vec<(u16, u64)>> {
        if self.bytes() <= self.threshold_bytes || self.segments.len() < 2 {
            return None;
        }
        let last = self.segments[0].last.iter().enumerate();
        Some(last.filter(|(_, last)| **last > 0).map(|(partition, &last)| (partition as u16, last)).collect())
    }

    fn bytes(&self) -> u64 {
        self.segments.iter().map(|kept| kept.bytes).sum()
    }
}

#[cfg(test)]
mod tests {
    use seathold_protocol::batch::Position;

    use super::*;

    fn tails(sequences: [u64; 2]) -> Tails {
        Tails::new(sequences.map(|sequence| Position { epoch: 1, sequence }).to_vec())
    }

    /// Segment 4 holds partition 0 up to 5 and partition 1 up to 3; segment 5 partition 0 up to 8; 6 is active.
    fn retention() -> Retention {
        let mut retention = Retention::new(2, 250);
        retention.begin(4, 100);
        retention.note(0, 5);
        retention.note(1, 3);
        retention.begin(5, 100);
        retention.note(0, 8);
        retention.begin(6, 100);
        retention.note(0, 9);
        retention
    }

    #[test]
    fn a_segment_goes_only_when_every_partition_covers_it() {
        let mut retention = retention();
        let tails = tails([9, 4]);
        assert_eq!(retention.oldest_needed(&tails), 4);
        retention.cover(0, 5);
        assert_eq!(retention.oldest_needed(&tails), 4);
        retention.cover(1, 3);
        assert_eq!(retention.oldest_needed(&tails), 5);
        retention.cover(0, 2);
        assert_eq!(retention.oldest_needed(&tails), 5, "a floor never falls");
        retention.cover(0, 8);
        assert_eq!(retention.oldest_needed(&tails), 6);
        assert_eq!((retention.forget_below(6), retention.forget_below(6)), (Some(4), Some(5)));
        assert_eq!(retention.forget_below(6), None);
        assert_eq!(retention.oldest_needed(&tails), 6);
    }

    #[test]
    fn the_segment_with_a_partitions_tail_stays() {
        let mut retention = retention();
        retention.cover(0, 9);
        retention.cover(1, 3);
        assert_eq!(retention.oldest_needed(&tails([9, 3])), 4);
        assert_eq!(retention.oldest_needed(&tails([9, 4])), 6);
    }

    #[test]
    fn compaction_is_wanted_above_the_keep_size_only() {
        let mut retention = retention();
        assert_eq!(retention.wants_compaction(), Some(vec![(0, 5), (1, 3)]));
        retention.forget_below(5);
        assert_eq!(retention.wants_compaction(), None);
    }

    #[test]
    fn state_that_is_all_live_is_not_written_again_for_ever() {
        let mut retention = Retention::new(1, 250);
        let mut segments = 0;
        let mut write = |retention: &mut Retention| {
            segments += 1;
            retention.begin(segments, 100);
            retention.note(0, segments);
            Tails::new(vec![Position { epoch: 1, sequence: segments }])
        };
        (0..6).for_each(|_| drop(write(&mut retention)));
        let mut rounds = 0;
        while let Some(wanted) = retention.wants_compaction() {
            rounds += 1;
            assert!(rounds < 20, "six live segments were written again {rounds} times");
            // What stood in the oldest segment is all live and fills another one.
            let tails = write(&mut retention);
            retention.cover(0, wanted[0].1);
            let oldest = retention.oldest_needed(&tails);
            retention.forget_below(oldest).expect("the oldest segment is covered");
        }
        assert_eq!(retention.bytes(), 600, "nothing was garbage");
        (0..6).for_each(|_| drop(write(&mut retention)));
        assert_eq!(retention.wants_compaction(), None, "twice the live state is allowed");
        write(&mut retention);
        assert!(retention.wants_compaction().is_some());
    }
}
