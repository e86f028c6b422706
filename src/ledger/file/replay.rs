//! What reading the log front to back has found so far, and what the next group must therefore be. Recovery and the
//! reader judge by the same rules.

use seathold_protocol::batch::{BatchView, Position};
use seathold_protocol::codec::DecodeError;

use super::group::GroupView;
use super::retention::Retention;
use super::segment::SegmentHeader;

/// The state of a reading.
#[derive(Debug)]
pub(super) struct Replay {
    /// None for a partition whose first batches were trimmed and that was not met yet.
    pub(super) tails: Vec<Option<Position>>,
    pub(super) retention: Retention,
    /// The present segment.
    segment: u64,
    /// The number of the next group.
    pub(super) group: u64,
    /// The oldest segment that the groups need.
    pub(super) oldest: u64,
    /// Where the last group of the present segment begins.
    pub(super) last_group: Option<u64>,
    /// Where the groups of the present segment end.
    pub(super) end: u64,
}

/// A place in the present segment, and what is wrong with it.
pub(super) type Fault = (u64, String);

impl Replay {
    /// Starts at the segment of `first`.
    pub(super) fn new(first: &SegmentHeader, keep_bytes: u64) -> Self {
        let unmet = (first.segment == 1).then(Position::default);
        Self {
            tails: vec![unmet; usize::from(first.partitions)],
            retention: Retention::new(first.partitions, keep_bytes),
            segment: first.segment,
            group: first.first_group,
            oldest: 1,
            last_group: None,
            end: 0,
        }
    }

    /// Goes on with the next segment.
    pub(super) fn begin(&mut self, header: &SegmentHeader) {
        self.segment = header.segment;
        self.retention.begin(header.segment, header.bytes);
        self.last_group = None;
    }

    /// Takes the group that begins at `at`, and hands its batches to `each`.
    pub(super) fn group(
        &mut self,
        at: u64,
        group: &GroupView<'_>,
        each: &mut impl FnMut(BatchView<'_>) -> Result<(), DecodeError>,
    ) -> Result<(), Fault> {
        if group.group != self.group {
            return Err((at, format!("group {} stands where group {} should be", group.group, self.group)));
        }
        if group.oldest > self.segment {
            return Err((at, format!("group {} needs only segments from {} on", group.group, group.oldest)));
        }
        for (offset, batch) in group.batches() {
            let place = at + offset as u64;
            let fault = |error: DecodeError| (place, format!("a batch cannot be read: {error}"));
            let batch = batch.map_err(fault)?;
            self.batch(&batch).map_err(|reason| (place, reason))?;
            each(batch).map_err(fault)?;
        }
        self.last_group = Some(at);
        self.group += 1;
        self.oldest = self.oldest.max(group.oldest);
        Ok(())
    }

    fn batch(&mut self, batch: &BatchView<'_>) -> Result<(), String> {
        let Some(tail) = self.tails.get_mut(usize::from(batch.partition)) else {
            return Err(format!("partition {} is none of the ledger's", batch.partition));
        };
        let goes_on = tail.is_none_or(|tail| tail == batch.previous());
        if !goes_on || batch.position.epoch < batch.previous_epoch {
            return Err(format!(
                "batch {}-{} of partition {} does not continue the one before it",
                batch.position.epoch, batch.position.sequence, batch.partition
            ));
        }
        *tail = Some(batch.position);
        self.retention.note(batch.partition, batch.position.sequence);
        Ok(())
    }
}
