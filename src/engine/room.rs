//! What a core takes on now: everything has a bound, and what finishes a sale has more room than what begins one.

use super::Engine;
use crate::shard::Command;
use seathold_protocol::batch::PAYLOAD_BYTES_MAX;
use seathold_protocol::status::Status;

/// Answers that one core may withhold: at a million records a second this is what gathers while one slow sync of 60 ms
/// is under way.
pub const WITHHELD_MAX: usize = 65_536;

/// Above this many withheld answers a core begins nothing new, and only finishes: RESERVE and LOOKUP get BUSY.
pub const WITHHELD_FOR_RESERVE: usize = WITHHELD_MAX * 3 / 4;

/// Bytes of a draft above which commands get BUSY. What is left of a batch is room for expiries and compaction.
const DRAFT_BYTES_FOR_COMMANDS: usize = PAYLOAD_BYTES_MAX / 2;

/// Bytes of a draft above which expiries wait for the next batch.
pub(super) const DRAFT_BYTES_FOR_EXPIRIES: usize = PAYLOAD_BYTES_MAX * 7 / 8;

/// What BUSY tells the client to wait: several turns of the ledger.
const BUSY_RETRY_MS: u64 = 20;

/// What BUSY tells the client to wait while the ledger is full: room comes with what others give back.
const FULL_RETRY_MS: u64 = 500;

/// What UNAVAILABLE tells the client to wait: as long as the ledger waits before it tries again.
const UNAVAILABLE_RETRY_MS: u64 = 200;

impl Engine {
    /// Notes that the ledger cannot be written (or can again): commands are refused at once, queries go on.
    pub fn set_stalled(&mut self, stalled: bool) {
        self.stalled = stalled;
    }

    /// Notes that the ledger takes only what gives places back (or everything again): RESERVE gets BUSY.
    pub fn set_full(&mut self, full: bool) {
        self.full = full;
    }

    /// Whether the ledger cannot be written.
    pub fn is_stalled(&self) -> bool {
        self.stalled
    }

    /// Why a command cannot be taken now, if so.
    pub(super) fn congested(&self, command: &Command, partition: u16) -> Option<(Status, u64)> {
        if self.stalled && !matches!(command, Command::Lookup(_)) {
            return Some((Status::Unavailable, UNAVAILABLE_RETRY_MS));
        }
        if self.full && matches!(command, Command::Reserve(_)) {
            return Some((Status::Busy, FULL_RETRY_MS));
        }
        let withheld_max = if command.can_be_put_off() { WITHHELD_FOR_RESERVE } else { WITHHELD_MAX };
        let owner = self.partitions[usize::from(partition)].as_ref()?;
        let full = self.withheld >= withheld_max || owner.draft.payload.len() > DRAFT_BYTES_FOR_COMMANDS;
        full.then_some((Status::Busy, BUSY_RETRY_MS))
    }
}
