//! How many of something each account or passenger has. A key at zero costs nothing.

use std::collections::HashMap;
use std::hash::Hash;

/// A count per key.
pub(super) struct Tally<K> {
    counts: HashMap<K, u32, foldhash::quality::RandomState>,
}

impl<K> Default for Tally<K> {
    fn default() -> Self {
        Self { counts: HashMap::default() }
    }
}

impl<K: Hash + Eq> Tally<K> {
    pub(super) fn get(&self, key: K) -> u32 {
        self.counts.get(&key).copied().unwrap_or(0)
    }

    pub(super) fn add(&mut self, key: K, amount: u32) {
        *self.counts.entry(key).or_insert(0) += amount;
    }

    /// Takes back what was added before.
    pub(super) fn remove(&mut self, key: K, amount: u32) {
        let count = self.counts.get_mut(&key).expect("only what was counted is taken back");
        *count = count.checked_sub(amount).expect("never more is taken back than was counted");
        if *count == 0 {
            self.counts.remove(&key);
        }
    }
}
