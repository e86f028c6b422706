//! Moving old state forward in the log, so that its oldest part can be trimmed: a snapshot per departure, in pieces.
//!
//! The log asks for all state of a partition that stands in a batch or before it. Every live departure of the partition
//! writes again what stands there, a piece per turn; when the last one has, the next commit carries the word that the
//! log may be trimmed to that batch.

use super::Engine;
use std::collections::VecDeque;

/// Reservations written again in one turn: some 100 microseconds.
const PIECE: usize = 256;

/// Bytes of a draft above which compaction waits for the next batch: commands come first.
const DRAFT_BYTES_FOR_COMPACTION: usize = seathold_protocol::batch::PAYLOAD_BYTES_MAX / 4;

/// Where a compaction is.
#[derive(Clone, Copy, Debug)]
struct Task {
    partition: u16,
    until: u64,
    /// The next departure, as an index of the partition's members, and its next slot.
    member: usize,
    slot: u32,
}

#[derive(Default)]
pub(super) struct Compaction {
    tasks: VecDeque<Task>,
    /// What the next commit will have covered.
    pub(super) covered: Vec<(u16, u64)>,
}

impl Compaction {
    /// Forgets a partition.
    pub(super) fn forget(&mut self, partition: u16) {
        self.tasks.retain(|task| task.partition != partition);
        self.covered.retain(|(covered, _)| *covered != partition);
    }
}

impl Engine {
    /// Begins to write again what stands in these batches of these partitions or before. Those of other cores and
    /// servers are passed over; a partition that is at it already is done with that first.
    pub fn compact(&mut self, targets: &[(u16, u64)]) {
        for (partition, until) in targets {
            let owned = self.partitions.get(usize::from(*partition)).is_some_and(Option::is_some);
            let busy = self.compaction.tasks.iter().any(|task| task.partition == *partition);
            if owned && !busy {
                let task = Task { partition: *partition, until: *until, member: 0, slot: 0 };
                self.compaction.tasks.push_back(task);
            }
        }
    }

    /// Does one piece of compaction; whether another can be done now. One that waits for the next batch cannot: the
    /// core need not stay awake for it.
    pub fn compact_piece(&mut self) -> bool {
        let Some(task) = self.compaction.tasks.front_mut() else { return false };
        let partition = self.partitions[usize::from(task.partition)].as_mut().expect("checked by compact");
        if partition.draft.payload.len() > DRAFT_BYTES_FOR_COMPACTION {
            return false;
        }
        let Some(shard) = partition.members.get(task.member) else {
            // The log keeps a partition's last batch: one with nothing new to say goes behind the old ones.
            partition.force_batch();
            self.compaction.covered.push((task.partition, task.until));
            self.compaction.tasks.pop_front();
            return !self.compaction.tasks.is_empty();
        };
        let state = self.shards[*shard as usize].as_mut().expect("members are live");
        match state.write_again(task.until, task.slot, PIECE, &mut partition.draft) {
            Some(slot) => task.slot = slot,
            None => {
                task.member += 1;
                task.slot = 0;
            }
        }
        true
    }
}
