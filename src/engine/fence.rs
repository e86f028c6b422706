//! The end of a partition on this server: another one has taken it over, and only that one knows its departures now.

use super::{Answered, Engine, tell};
use crate::shard::Answer;
use seathold_protocol::DepartureId;
use seathold_protocol::limits::PARTITIONS_MAX;
use seathold_protocol::reply::Refusal;
use seathold_protocol::status::Status;
use std::sync::atomic::{AtomicBool, AtomicU16, Ordering};

/// What UNAVAILABLE tells the client to wait: it has to find the other server, asking here again only costs.
const FENCED_RETRY_MS: u64 = 1_000;

/// Which partitions are another server's, readable by any core.
pub(super) struct Fences {
    /// How many partitions there are; 0 until the first is lost, so that until then nobody looks further.
    partitions: AtomicU16,
    fenced: [AtomicBool; PARTITIONS_MAX as usize],
}

impl Default for Fences {
    fn default() -> Self {
        Self { partitions: AtomicU16::new(0), fenced: [const { AtomicBool::new(false) }; _] }
    }
}

impl Fences {
    /// UNAVAILABLE, if another server has the departure.
    pub(super) fn refusal(&self, departure: DepartureId) -> Option<Refusal> {
        let partitions = self.partitions.load(Ordering::Acquire);
        let fenced = partitions > 0
            && self.fenced[usize::from(departure.partition(partitions))].load(Ordering::Acquire);
        fenced.then_some(Refusal { status: Status::Unavailable, detail: FENCED_RETRY_MS })
    }

    fn set(&self, partition: u16, partitions: u16) {
        self.fenced[usize::from(partition)].store(true, Ordering::Release);
        self.partitions.store(partitions, Ordering::Release);
    }
}

impl Engine {
    /// Gives up a partition, if it is this core's: its departures are forgotten, and all commands for them are refused from
    /// now on. Whether what was not durable yet stands in the log only its new owner can tell: those who wait for it hear
    /// UNKNOWN. The counters of its departures stay on the board, where others may be reading them, and are not told.
    pub fn fence(&mut self, partition: u16) {
        let Some(lost) = self.partitions.get_mut(usize::from(partition)).and_then(Option::take) else {
            return;
        };
        let partitions = self.partitions.len() as u16;
        self.board.fences.set(partition, partitions);
        let (withheld, members) = lost.into_parts();
        for answered in withheld {
            self.withheld -= 1;
            let answer = Answer::refused(Status::Unknown, 0);
            tell(&mut self.answers, &self.counters, Answered { answer, ..answered });
        }
        for shard in members {
            self.deadlines.remove(shard);
            self.shards[shard as usize] = None;
        }
        self.retired.retain(|departure, _| departure.partition(partitions) != partition);
        self.compaction.forget(partition);
        if let Some(changes) = &mut self.changes {
            changes.forget(partition);
        }
    }
}
