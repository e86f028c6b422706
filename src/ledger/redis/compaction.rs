//! When the log wants old state to be written again, so that its oldest batches can go.

use super::partition::Partition;

/// Rounds of compaction: each asks for all state up to the present tails.
#[derive(Debug)]
pub(super) struct Compaction {
    keep_bytes: usize,
    /// A round begins above this: the keep size, or twice what the last round left, if that is more. State that is live
    /// cannot be compacted away, and must not be written again for ever.
    threshold_bytes: usize,
    /// The present round: partition and sequence.
    round: Option<Vec<(u16, u64)>>,
    /// A round was begun because Redis is full. Once is enough: what is left then is live.
    begun_when_full: bool,
}

impl Compaction {
    pub(super) fn new(keep_bytes: usize) -> Self {
        Self { keep_bytes, threshold_bytes: keep_bytes, round: None, begun_when_full: false }
    }

    /// Looks at the log after an append. A Redis that is full below the keep size gets a round, too.
    pub(super) fn note(&mut self, partitions: &[Partition], full: bool) {
        let becomes_full = full && !self.begun_when_full;
        self.begun_when_full = full;
        let bytes: usize = partitions.iter().map(|partition| partition.kept.bytes()).sum();
        match &self.round {
            Some(round) => {
                let covered = |&(number, sequence): &(u16, u64)| {
                    let partition = &partitions[usize::from(number)];
                    partition.fenced.is_some() || partition.trimmed >= sequence
                };
                if round.iter().all(covered) {
                    self.round = None;
                    self.threshold_bytes = self.keep_bytes.max(2 * bytes);
                }
            }
            None if bytes > self.threshold_bytes || becomes_full => {
                let owned = partitions.iter().filter(|partition| partition.fenced.is_none());
                let until =
                    owned.map(|partition| (partition.number, partition.kept.tail().position.sequence));
                self.round = Some(until.collect());
            }
            None => {}
        }
    }

    /// What is to be written again.
    pub(super) fn wanted(&self) -> Option<Vec<(u16, u64)>> {
        self.round.clone()
    }
}
