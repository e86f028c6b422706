//! The way back from the log into memory, and the way of old state forward in the log.

use super::book::Entry;
use super::{Draft, Shard, places_of};
use crate::inventory::{Places, Taken, Trip};
use seathold_protocol::batch::Stamp;
use seathold_protocol::record::{ReservationRecord, SaleRecord};
use seathold_protocol::reservation::State;

/// Added to a hold's rest after a reboot, when only the wall clock can tell how long it was: two hosts' clocks that
/// are kept by NTP agree far better than this.
const REBOOT_GRACE_MS: u64 = 2_000;

/// A record that contradicts the ones before it: the log is not what this server wrote.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("reservation {} of departure {} cannot be restored: {reason}", .record.id, .record.departure)]
pub struct ReplayError {
    /// Which record.
    pub record: Box<ReservationRecord>,
    /// Why not.
    pub reason: &'static str,
}

/// When a hold of an earlier process ends on today's clock. In the same boot the deadline stands; after a reboot the
/// wall clock tells how much of it is left, clamped so that a clock that ran backwards never shortens it below what it
/// was when it was written, plus a fixed grace.
pub(super) fn deadline_on(deadline_ms: u64, written: Stamp, now: Stamp) -> u64 {
    if written.boot_id == now.boot_id {
        return deadline_ms;
    }
    let rest_ms = deadline_ms.saturating_sub(written.boot_ms);
    let passed_ms = now.wall_ms.saturating_sub(written.wall_ms).max(0) as u64;
    now.boot_ms.saturating_add(rest_ms.saturating_sub(passed_ms)).saturating_add(REBOOT_GRACE_MS)
}

impl Shard {
    /// Takes one record of the log, found in the batch `sequence` that was written at `written`. A record that is older
    /// than what is known of its id changes nothing; one of the same version is that state written again, and tells
    /// the hold's end on a later clock.
    pub fn replay(
        &mut self,
        record: &ReservationRecord,
        sequence: u64,
        written: Stamp,
        now: Stamp,
    ) -> Result<(), ReplayError> {
        let fail = |reason| ReplayError { record: Box::new(*record), reason };
        let (class, trip) =
            self.place_of(record).ok_or_else(|| fail("its class or trip is not in the plan"))?;
        let mut known = self.book.find(record.id);
        if let Some(slot) = known {
            let entry = self.book.entry_mut(slot);
            if entry.record.version >= record.version {
                entry.logged_in = entry.logged_in.max(sequence);
                if entry.record.version == record.version {
                    if entry.record.state != record.state || !entry.record.has_contents_of(record) {
                        return Err(fail("its version is that of another state"));
                    }
                    entry.record.deadline_ms = deadline_on(record.deadline_ms, written, now);
                    if record.state == State::Held {
                        self.deadlines.set(slot, entry.record.deadline_ms);
                    }
                }
                return Ok(());
            }
            let earlier = &entry.record;
            if !earlier.state.is_live() && record.state == State::Held {
                // The id had been forgotten when it was used again.
                self.book.forget(slot);
                known = None;
            } else if !earlier.state.may_become(record.state) {
                return Err(fail("its state does not follow from the one before"));
            } else if !earlier.has_contents_of(record) {
                return Err(fail("it changed its contents"));
            }
        }
        let deadline_ms = deadline_on(record.deadline_ms, written, now);
        let slot = match known {
            Some(slot) => {
                let entry = self.book.entry_mut(slot);
                let was_live = entry.record.state.is_live();
                (entry.record.state, entry.record.version) = (record.state, record.version);
                (entry.record.deadline_ms, entry.logged_in) = (deadline_ms, sequence);
                if was_live && !record.state.is_live() {
                    self.release(record);
                }
                slot
            }
            None => {
                if record.state.is_live() {
                    self.take_again(class, trip, &places_of(record))
                        .map_err(|_| fail("a seat of it is taken already or does not exist"))?;
                    self.count(record);
                }
                self.book.insert(Entry {
                    record: ReservationRecord { deadline_ms, ..*record },
                    logged_in: sequence,
                })
            }
        };
        match record.state {
            State::Held => self.deadlines.set(slot, deadline_ms),
            State::Confirmed => self.deadlines.remove(slot),
            State::Cancelled | State::Expired | State::Refunded => {
                self.deadlines.remove(slot);
                self.book.finish(slot);
            }
        }
        self.note_version(record.version, now);
        Ok(())
    }

    /// Takes the places that a record names. What was sold was for sale: if it is not yet, more is released until it is,
    /// for in a trimmed log the operator's word may stand further on, and the rules may release less than they did.
    fn take_again(&mut self, class: usize, trip: Trip, places: &Places) -> Result<(), Taken> {
        loop {
            match self.inventory.take_exact(class, trip, places, &self.published) {
                Err(Taken::NotForSale(_) | Taken::TooFew { .. }) if self.released_percent < 100 => {
                    self.set_sale(self.sale, self.released_percent + 1);
                }
                taken => return taken,
            }
        }
    }

    /// Takes an operator's word from the log.
    pub fn replay_sale(&mut self, record: &SaleRecord, sequence: u64, now: Stamp) {
        self.sale_version = record.version;
        self.sale_logged_in = sequence;
        self.set_sale(record.sale, record.released_percent);
        self.note_version(record.version, now);
    }

    /// Notes that the plan stands in the log.
    pub fn replay_plan(&mut self, sequence: u64) {
        self.plan_logged_in = sequence;
    }

    /// Writes state again that stands in the batch `until` or before, so that the log can be trimmed to there: the plan
    /// and the sale first, then the reservations from slot `from` on, at most `budget` of them. Returns the slot to go
    /// on from, or `None` when all is written.
    pub fn write_again(&mut self, until: u64, from: u32, budget: usize, draft: &mut Draft) -> Option<u32> {
        if (1..=until).contains(&self.plan_logged_in) {
            self.log_plan(draft);
        }
        if (1..=until).contains(&self.sale_logged_in) {
            self.log_sale(draft);
        }
        let slots = self.book.slots();
        let mut written = 0;
        for slot in from..slots {
            if written == budget {
                return Some(slot);
            }
            if self.book.get(slot).is_some_and(|entry| entry.logged_in <= until) {
                self.log(slot, draft);
                written += 1;
            }
        }
        None
    }

    fn note_version(&mut self, version: u32, now: Stamp) {
        self.version = self.version.max(version);
        self.published.set_version(u64::from(self.version));
        self.published.set_changed_ms(now.boot_ms);
    }
}
