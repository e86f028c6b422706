//! The reservations of one departure by id.
//!
//! Finished ones (cancelled, expired, refunded) are remembered, so that asking again is answered as before, but not
//! for ever: whoever reserves and cancels in a loop must not fill memory.

use foldhash::quality::RandomState;
use hashbrown::HashTable;
use seathold_protocol::ReservationId;
use seathold_protocol::record::ReservationRecord;
use slab::Slab;
use std::collections::VecDeque;
use std::hash::BuildHasher;

/// Finished reservations remembered per place of the departure. A seat that is sold after eight buyers gave it back
/// is rare; beyond that the oldest is forgotten and its id answers NOT_FOUND.
const FINISHED_PER_PLACE: u64 = 8;

/// Remembered at least, however small the departure.
const FINISHED_MIN: u64 = 1024;

/// Where an entry stands.
pub(super) type Slot = u32;

pub(super) struct Entry {
    pub(super) record: ReservationRecord,
    /// The sequence of the batch that has the newest record.
    pub(super) logged_in: u64,
}

pub(super) struct Book {
    entries: Slab<Entry>,
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
            entries: Slab::new(),
            by_id: HashTable::new(),
            hasher: RandomState::default(),
            finished: VecDeque::new(),
            finished_max,
        }
    }

    pub(super) fn find(&self, id: ReservationId) -> Option<Slot> {
        let entries = &self.entries;
        self.by_id.find(self.hasher.hash_one(id), |slot| entries[*slot as usize].record.id == id).copied()
    }

    pub(super) fn entry(&self, slot: Slot) -> &Entry {
        &self.entries[slot as usize]
    }

    pub(super) fn entry_mut(&mut self, slot: Slot) -> &mut Entry {
        &mut self.entries[slot as usize]
    }

    pub(super) fn entries(&self) -> impl Iterator<Item = (Slot, &Entry)> {
        self.entries.iter().map(|(slot, entry)| (slot as Slot, entry))
    }

    /// One more than the highest slot in use.
    pub(super) fn slots(&self) -> Slot {
        self.entries.iter().next_back().map_or(0, |(slot, _)| slot as Slot + 1)
    }

    pub(super) fn get(&self, slot: Slot) -> Option<&Entry> {
        self.entries.get(slot as usize)
    }

    /// Adds a reservation whose id is not in the book.
    pub(super) fn insert(&mut self, entry: Entry) -> Slot {
        let id = entry.record.id;
        debug_assert!(self.find(id).is_none(), "reservation {id} is in the book already");
        let slot = self.entries.insert(entry) as Slot;
        let (entries, hasher) = (&self.entries, &self.hasher);
        let hash_of = |slot: &Slot| hasher.hash_one(entries[*slot as usize].record.id);
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
        let entry = self.entries.remove(slot as usize);
        let hash = self.hasher.hash_one(entry.record.id);
        let found = self.by_id.find_entry(hash, |known| *known == slot);
        found.expect("every entry is in the table").remove();
    }
}
