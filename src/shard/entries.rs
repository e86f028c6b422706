//! Entries by slot, in pages that never move: a sale grows its book at full speed, and copying it to a larger place each
//! time that it doubles would cost as much as filling it.

/// Where an entry stands.
pub(super) type Slot = u32;

/// Entries of one page.
const PAGE: usize = 32;

/// A table of `T` by slot. The slot of a removed entry is used again; memory never shrinks.
pub(super) struct Entries<T> {
    pages: Vec<Vec<Option<T>>>,
    vacant: Vec<Slot>,
}

impl<T> Default for Entries<T> {
    fn default() -> Self {
        Self { pages: Vec::new(), vacant: Vec::new() }
    }
}

impl<T> Entries<T> {
    /// Adds an entry and says where.
    pub(super) fn insert(&mut self, entry: T) -> Slot {
        if let Some(slot) = self.vacant.pop() {
            self.pages[slot as usize / PAGE][slot as usize % PAGE] = Some(entry);
            return slot;
        }
        if self.pages.last().is_none_or(|page| page.len() == PAGE) {
            self.pages.push(Vec::with_capacity(PAGE));
        }
        let before = (self.pages.len() - 1) * PAGE;
        let page = self.pages.last_mut().expect("pushed above");
        page.push(Some(entry));
        (before + page.len() - 1) as Slot
    }

    /// Takes an entry out.
    pub(super) fn remove(&mut self, slot: Slot) -> T {
        let entry = self.pages[slot as usize / PAGE][slot as usize % PAGE].take();
        self.vacant.push(slot);
        entry.expect("only what was inserted is removed")
    }

    /// The entry at `slot`, if there is one.
    pub(super) fn get(&self, slot: Slot) -> Option<&T> {
        self.pages.get(slot as usize / PAGE)?.get(slot as usize % PAGE)?.as_ref()
    }

    /// The entry at `slot`, if there is one.
    pub(super) fn get_mut(&mut self, slot: Slot) -> Option<&mut T> {
        self.pages.get_mut(slot as usize / PAGE)?.get_mut(slot as usize % PAGE)?.as_mut()
    }

    /// All of them, in the order of their slots.
    pub(super) fn iter(&self) -> impl Iterator<Item = (Slot, &T)> {
        let slots = self.pages.iter().flatten().enumerate();
        slots.filter_map(|(slot, entry)| Some((slot as Slot, entry.as_ref()?)))
    }

    /// One more than the highest slot ever used.
    pub(super) fn slots(&self) -> Slot {
        let last = self.pages.last().map_or(0, Vec::len);
        (self.pages.len().saturating_sub(1) * PAGE + last) as Slot
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    proptest! {
        /// `Some` inserts, `None` removes the entry that has been in longest.
        #[test]
        fn agrees_with_a_map(steps in prop::collection::vec(prop::option::weighted(0.7, 0u64..9), 0..400)) {
            let mut entries = Entries::default();
            let mut model = BTreeMap::new();
            for step in steps {
                match (step, model.first_key_value()) {
                    (Some(entry), _) => {
                        let slot = entries.insert(entry);
                        prop_assert_eq!(model.insert(slot, entry), None, "slot {} was in use", slot);
                    }
                    (None, Some((&slot, &entry))) => {
                        prop_assert_eq!(entries.remove(slot), entry);
                        model.remove(&slot);
                        prop_assert_eq!(entries.get(slot), None);
                    }
                    (None, None) => {}
                }
                let listed: Vec<_> = entries.iter().map(|(slot, entry)| (slot, *entry)).collect();
                prop_assert_eq!(listed, model.iter().map(|(slot, entry)| (*slot, *entry)).collect::<Vec<_>>());
                prop_assert!(model.keys().all(|slot| *slot < entries.slots()));
                prop_assert!(model.iter().all(|(slot, entry)| entries.get_mut(*slot) == Some(&mut entry.clone())));
            }
        }
    }

    #[test]
    fn an_entry_never_moves() {
        let mut entries = Entries::default();
        let first = entries.insert(7_u64);
        let before: *const u64 = entries.get(first).unwrap();
        (0..10 * PAGE as u64).for_each(|entry| {
            entries.insert(entry);
        });
        assert!(std::ptr::eq(before, entries.get(first).unwrap()));
    }
}
