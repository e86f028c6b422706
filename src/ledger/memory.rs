//! A log for benchmarks and tests of the rest of the server. It keeps the tails, so that compare-and-append is the real
//! one, and nothing else: **everything is lost when the process ends.**

use seathold_protocol::batch::{Batch, Position};

use super::log::{AppendError, Log};
use super::tails::Tails;

/// The log that loses everything. `--ledger memory:`
#[derive(Debug)]
pub struct MemoryLog {
    tails: Tails,
}

impl MemoryLog {
    /// An empty ledger of `partitions`.
    pub fn new(partitions: u16) -> Self {
        Self { tails: Tails::new(vec![Position::default(); usize::from(partitions)]) }
    }
}

impl Log for MemoryLog {
    fn append(&mut self, batches: &[&Batch]) -> Result<(), AppendError> {
        for batch in self.tails.select(batches)?.iter() {
            self.tails.advance(batch);
        }
        Ok(())
    }

    fn covered(&mut self, _partition: u16, _sequence: u64) {}

    fn wants_compaction(&self) -> Option<Vec<(u16, u64)>> {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn compares_like_the_real_one() {
        let position = Position { epoch: 1, sequence: 1 };
        let mut batch = Batch {
            partition: 1,
            position,
            previous_epoch: 0,
            stamp: Default::default(),
            records: 0,
            payload: Vec::new(),
        };
        let mut log = MemoryLog::new(2);
        log.append(&[&batch]).unwrap();
        log.append(&[&batch]).expect("sent again is accepted");
        batch.position.sequence = 3;
        assert!(matches!(log.append(&[&batch]), Err(AppendError::TailMismatch { .. })));
    }
}
