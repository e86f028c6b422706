//! Where each partition's log ends, and the compare of compare-and-append. Apart from the back ends because the file
//! and the memory log judge a batch by the same rule.

use std::borrow::Cow;

use seathold_protocol::batch::{Batch, PAYLOAD_BYTES_MAX, Position};

use super::log::AppendError;

/// The tail of every partition.
#[derive(Clone, Debug)]
pub(super) struct Tails {
    positions: Vec<Position>,
}

impl Tails {
    /// The tails of a ledger, by partition.
    pub(super) fn new(positions: Vec<Position>) -> Self {
        Self { positions }
    }

    /// All of them, by partition.
    pub(super) fn positions(&self) -> &[Position] {
        &self.positions
    }

    /// The tail of `partition`, which is below the ledger's number of partitions.
    pub(super) fn of(&self, partition: u16) -> Position {
        self.positions[usize::from(partition)]
    }

    /// Moves a partition's tail to a batch that is durable now.
    pub(super) fn advance(&mut self, batch: &Batch) {
        debug_assert_eq!(batch.previous(), self.of(batch.partition), "only what was selected is appended");
        self.positions[usize::from(batch.partition)] = batch.position;
    }

    /// The batches that are to be written: all but those that are in already. Refuses the whole list if one of them
    /// neither is in nor continues its partition. It is the list itself unless something was sent again.
    pub(super) fn select<'a, 'b>(
        &self,
        batches: &'a [&'b Batch],
    ) -> Result<Cow<'a, [&'b Batch]>, AppendError> {
        let mut fresh: Option<Vec<&Batch>> = None;
        for (index, batch) in batches.iter().enumerate() {
            let partition = batch.partition;
            assert!(
                usize::from(partition) < self.positions.len(),
                "a core appends to partitions of the ledger only"
            );
            assert!(batch.payload.len() <= PAYLOAD_BYTES_MAX, "a longer payload could not be read again");
            let taken: &[&Batch] = fresh.as_deref().unwrap_or(&batches[..index]);
            let before = taken.iter().rev().find(|taken| taken.partition == partition);
            let tail = before.map_or(self.of(partition), |taken| taken.position);
            let goes_on = batch.previous() == tail;
            if goes_on && batch.position.epoch >= tail.epoch {
                if let Some(fresh) = &mut fresh {
                    fresh.push(*batch);
                }
            } else if before.is_none() && leads_to(tail, batch, &batches[index + 1..]) {
                fresh.get_or_insert_with(|| batches[..index].to_vec());
            } else if batch.position.epoch < tail.epoch {
                return Err(AppendError::Fenced { partition, tail, offered: batch.position.epoch });
            } else {
                return Err(AppendError::TailMismatch { partition, tail, offered: batch.previous() });
            }
        }
        Ok(fresh.map_or(Cow::Borrowed(batches), Cow::Owned))
    }
}

/// Whether `batch` is in the log: it is the tail, or the batches sent behind it lead from it to the tail without a gap.
/// (An append may end half done when space runs out between two of a partition's batches.)
fn leads_to(tail: Position, batch: &Batch, behind: &[&Batch]) -> bool {
    let mut reached = batch.position;
    for next in behind.iter().filter(|next| next.partition == batch.partition) {
        if reached == tail || next.previous() != reached {
            break;
        }
        reached = next.position;
    }
    reached == tail
}

#[cfg(test)]
mod tests {
    use super::*;

    fn batch(partition: u16, previous_epoch: u64, epoch: u64, sequence: u64) -> Batch {
        let position = Position { epoch, sequence };
        Batch {
            partition,
            position,
            previous_epoch,
            stamp: Default::default(),
            records: 0,
            payload: Vec::new(),
        }
    }

    fn select(tails: &[(u64, u64)], batches: &[Batch]) -> Result<Vec<u64>, AppendError> {
        let tails = Tails::new(tails.iter().map(|&(epoch, sequence)| Position { epoch, sequence }).collect());
        let batches: Vec<&Batch> = batches.iter().collect();
        Ok(tails.select(&batches)?.iter().map(|batch| batch.position.sequence).collect())
    }

    #[test]
    fn takes_what_continues_the_tail() {
        let batches = [batch(0, 3, 3, 8), batch(1, 0, 1, 1), batch(0, 3, 4, 9)];
        assert_eq!(select(&[(3, 7), (0, 0)], &batches).unwrap(), [8, 1, 9]);
    }

    #[test]
    fn accepts_what_is_in_already_and_does_not_write_it_again() {
        assert_eq!(select(&[(3, 8)], &[batch(0, 3, 3, 8)]).unwrap(), [0_u64; 0]);
        let resent = [batch(0, 3, 3, 7), batch(0, 3, 3, 8), batch(0, 3, 3, 9)];
        assert_eq!(select(&[(3, 8)], &resent).unwrap(), [9]);
    }

    #[test]
    fn refuses_gaps_strangers_and_lower_epochs() {
        let gap = select(&[(3, 7)], &[batch(0, 3, 3, 9)]).unwrap_err();
        assert!(matches!(gap, AppendError::TailMismatch { partition: 0, .. }), "{gap}");
        let old = select(&[(3, 7)], &[batch(0, 3, 3, 6)]).unwrap_err();
        assert!(matches!(old, AppendError::TailMismatch { .. }), "{old}");
        let stranger = select(&[(3, 7)], &[batch(0, 2, 3, 8)]).unwrap_err();
        assert!(matches!(stranger, AppendError::TailMismatch { .. }), "{stranger}");
        let fenced = select(&[(3, 7)], &[batch(0, 2, 2, 8)]).unwrap_err();
        assert!(matches!(fenced, AppendError::Fenced { offered: 2, .. }), "{fenced}");
        let back = select(&[(3, 7)], &[batch(0, 3, 2, 8)]).unwrap_err();
        assert!(matches!(back, AppendError::Fenced { offered: 2, .. }), "{back}");
    }

    #[test]
    fn a_refusal_refuses_the_whole_list() {
        let batches = [batch(1, 0, 1, 1), batch(0, 3, 3, 9)];
        assert!(select(&[(3, 7), (0, 0)], &batches).is_err());
    }
}
