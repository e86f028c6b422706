//! The reservations of one departure by id.
//!
//! Finished ones (cancelled, expired, refunded) are remembered, so that asking again is answered as before, but not
//! for ever: whoever reserves and cancels in a loop must not fill memory.

use super::entries::Entries;
pub(super) use super::entries::Slot;
use foldhash::quality::RandomState;
use hashbrown::HashTable;
use seathold_protocol::ReservationId;
use seathold_protocol::record::ReservationRecord;
use std::collections::VecDeque;
use std::hash::BuildHasher;
use std::hint::black_box;

/// Finished reservations remembered per place of the departure. A seat that is sold after eight buyers gave it back
/// is rare; beyond that the oldest is forgotten and its id answers NOT_FOUND.
const FINISHED_PER_PLACE: u64 = 8;

/// Remembered at least, however small the departure.
const FINISHED_MIN: u64 = 1024;

pub(super) struct Entry {
    pub(super) record: ReservationRecord,
    /// The sequence of the batch that has the newest record.
    pub(super) logged_in: u64,
}

pub(super) struct Book {
    entries: Entries<Entry>,
    /// Slots by their entry's id. Four bytes a slot: a look-up touches one or two cache lines, and then the entry,
    /// which is wanted anyway.
    by_id: HashTable<Slot>,
    hasher: RandomState,
    /// The finished ones, oldest first.
    finished: VecDeque<Slot>,
    finished_max: usize,
}

impl Book {
    pub(super) fn new(places: u64) -> Self {
        let finished_max = (places * FINISHED_PER_PLACE).max(FINISHED_MIN) as usize;
        Self {
            entries: Entries::default(),
            by_id: HashTable::new(),
            hasher: RandomState::default(),
            finished: VecDeque::new(),
            finished_max,
        }
    }

    pub(super) fn find(&self, id: ReservationId) -> Option<Slot> {
        let entries = &self.entries;
        self.by_id
            .find(self.hasher.hash_one(id), |slot| {
                entries.get(*slot).is_some_and(|entry| entry.record.id == id)
            })
            .copied()
    }

    /// Reads what a search begins with.
    pub(super) fn touch(&self) {
        black_box((self.entries.slots(), self.by_id.len(), self.finished_max));
    }

    pub(super) fn entry(&self, slot: Slot) -> &Entry {
        self.entries.get(slot).expect("a slot in use")
    }

    pub(super) fn entry_mut(&mut self, slot: Slot) -> &mut Entry {
        self.entries.get_mut(slot).expect("a slot in use")
    }

    pub(super) fn entries(&self) -> impl Iterator<Item = (Slot, &Entry)> {
        self.entries.iter()
    }

    /// One more than the highest slot in use.
    pub(super) fn slots(&self) -> Slot {
        self.entries.slots()
    }

    pub(super) fn get(&self, slot: Slot) -> Option<&Entry> {
        self.entries.get(slot)
    }

    /// Adds a reservation whose id is not in the book.
    pub(super) fn insert(&mut self, entry: Entry) -> Slot {
        let id = entry.record.id;
        debug_assert!(self.find(id).is_none(), "reservation {id} is in the book already");
        let slot = self.entries.insert(entry);
        let (entries, hasher) = (&self.entries, &self.hasher);
        let hash_of = |slot: &Slot| hasher.hash_one(entries.get(*slot).expect("a slot in use").record.id);
        self.by_id.insert_unique(hasher.hash_one(id), slot, hash_of);
        slot
    }

    /// Notes that a reservation is finished, and forgets the oldest finished one when there are too many.
    pub(super) fn finish(&mut self, slot: Slot) {
        self.finished.push_back(slot);
        if self.finished.len() > self.finished_max {
            let oldest = self.finished.pop_front().expect("it is longer than a limit");
            self.remove(oldest);
        }
    }

    /// Forgets a finished reservation before its time.
    pub(super) fn forget(&mut self, slot: Slot) {
        self.finished.retain(|finished| *finished != slot);
        self.remove(slot);
    }

    fn remove(&mut self, slot: Slot) {
        let entry = self.entries.remove(slot);
        let hash = self.hasher.hash_one(entry.record.id);
        let found = self.by_id.find_entry(hash, |known| *known == slot);
        found.expect("every entry is in the table").remove();
    }
}
