//! Which of many numbered things is due first: a binary heap that knows where each key stands, so that a hold that
//! is confirmed or cancelled leaves at once and churn cannot fill memory.

use std::hint::black_box;

/// Where a key without a deadline stands.
const ABSENT: u32 = u32::MAX;

/// Deadlines of small dense keys. Memory is proportional to the highest key and never shrinks.
#[derive(Debug, Default)]
pub struct DeadlineQueue {
    heap: Vec<(u64, u32)>,
    /// The key's index in `heap`, or `ABSENT`.
    places: Vec<u32>,
}

impl DeadlineQueue {
    /// The earliest deadline and its key.
    pub fn first(&self) -> Option<(u64, u32)> {
        self.heap.first().copied()
    }

    /// Reads where the next deadline will be put.
    pub fn touch(&self) {
        black_box((self.heap.last().copied(), self.places.last().copied()));
    }

    /// Reads where `key` stands.
    pub fn touch_key(&self, key: u32) {
        let at = self.places.get(key as usize).copied().unwrap_or(ABSENT);
        black_box(self.heap.get(at as usize).copied());
    }

    /// How many keys have a deadline.
    pub fn len(&self) -> usize {
        self.heap.len()
    }

    /// Whether no key has a deadline.
    pub fn is_empty(&self) -> bool {
        self.heap.is_empty()
    }

    /// Gives `key` this deadline, in place of any that it had.
    pub fn set(&mut self, key: u32, deadline: u64) {
        let index = key as usize;
        if self.places.len() <= index {
            self.places.resize(index + 1, ABSENT);
        }
        match self.places[index] {
            ABSENT => {
                self.heap.push((deadline, key));
                self.rise(self.heap.len() - 1);
            }
            at => {
                let at = at as usize;
                self.heap[at].0 = deadline;
                let at = self.rise(at);
                self.sink(at);
            }
        }
    }

    /// Takes `key`'s deadline away, if it has one.
    pub fn remove(&mut self, key: u32) {
        let Some(at) = self.places.get(key as usize).copied().filter(|at| *at != ABSENT) else { return };
        let at = at as usize;
        self.places[key as usize] = ABSENT;
        let last = self.heap.pop().expect("a key with a place is in the heap");
        if at < self.heap.len() {
            self.put(at, last);
            let at = self.rise(at);
            self.sink(at);
        }
    }

    fn put(&mut self, at: usize, entry: (u64, u32)) {
        self.heap[at] = entry;
        self.places[entry.1 as usize] = at as u32;
    }

    fn rise(&mut self, mut at: usize) -> usize {
        let entry = self.heap[at];
        while at > 0 {
            let parent = (at - 1) / 2;
            if self.heap[parent] <= entry {
                break;
            }
            self.put(at, self.heap[parent]);
            at = parent;
        }
        self.put(at, entry);
        at
    }

    fn sink(&mut self, mut at: usize) {
        let entry = self.heap[at];
        loop {
            let left = 2 * at + 1;
            let Some(child) = (left..self.heap.len().min(left + 2)).min_by_key(|child| self.heap[*child])
            else {
                break;
            };
            if entry <= self.heap[child] {
                break;
            }
            self.put(at, self.heap[child]);
            at = child;
        }
        self.put(at, entry);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    proptest! {
        #[test]
        fn agrees_with_a_sorted_map(steps in prop::collection::vec((0u32..40, prop::option::of(0u64..100)), 0..300)) {
            let mut queue = DeadlineQueue::default();
            let mut model = BTreeMap::new();
            for (key, deadline) in steps {
                match deadline {
                    Some(deadline) => {
                        queue.set(key, deadline);
                        model.insert(key, deadline);
                    }
                    None => {
                        queue.remove(key);
                        model.remove(&key);
                    }
                }
                prop_assert_eq!((queue.len(), queue.is_empty()), (model.len(), model.is_empty()));
                prop_assert_eq!(queue.first(), model.iter().map(|(key, deadline)| (*deadline, *key)).min());
            }
        }
    }
}
