//! When each call in flight is due: one number a call, swept.
//!
//! A call's due time changes with every attempt and most calls end long before it. A heap or a wheel would keep the
//! stale entries of millions of calls for seconds; a dense array has none, setting an entry is one store, and a sweep
//! over 65,536 of them takes some 30 µs at most every `SWEEP_MIN`.

use crate::clock::Micros;

/// The least time between two sweeps, and so how late a timeout may be noticed: 5 ms.
pub(crate) const SWEEP_MIN: Micros = 5_000;

const NEVER: Micros = Micros::MAX;

/// Due times by slot.
#[derive(Debug)]
pub(crate) struct Timers {
    due: Vec<Micros>,
    next_sweep: Micros,
    last_sweep: Micros,
}

impl Timers {
    pub(crate) fn new() -> Self {
        Self { due: Vec::new(), next_sweep: NEVER, last_sweep: 0 }
    }

    /// Sets or moves a slot's due time.
    pub(crate) fn set(&mut self, slot: usize, due: Micros) {
        if slot >= self.due.len() {
            self.due.resize(slot + 1, NEVER);
        }
        self.due[slot] = due;
        self.next_sweep = self.next_sweep.min(due.max(self.last_sweep + SWEEP_MIN));
    }

    /// The slot is not due at all.
    pub(crate) fn clear(&mut self, slot: usize) {
        if let Some(due) = self.due.get_mut(slot) {
            *due = NEVER;
        }
    }

    /// When to sweep next, if ever.
    pub(crate) fn next_sweep(&self) -> Option<Micros> {
        (self.next_sweep != NEVER).then_some(self.next_sweep)
    }

    /// Clears the slots that are due and appends them to `slots`.
    pub(crate) fn sweep(&mut self, now: Micros, slots: &mut Vec<usize>) {
        if now < self.next_sweep {
            return;
        }
        let mut earliest = NEVER;
        for (slot, due) in self.due.iter_mut().enumerate() {
            if *due <= now {
                *due = NEVER;
                slots.push(slot);
            } else {
                earliest = earliest.min(*due);
            }
        }
        self.last_sweep = now;
        self.next_sweep = if earliest == NEVER { NEVER } else { earliest.max(now + SWEEP_MIN) };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn swept(timers: &mut Timers, now: Micros) -> Vec<usize> {
        let mut slots = Vec::new();
        timers.sweep(now, &mut slots);
        slots
    }

    #[test]
    fn slots_come_due_once_and_in_time() {
        let mut timers = Timers::new();
        assert_eq!(timers.next_sweep(), None);
        timers.set(3, 50_000);
        timers.set(0, 20_000);
        assert_eq!(timers.next_sweep(), Some(20_000));
        assert_eq!(swept(&mut timers, 19_999), []);
        assert_eq!(swept(&mut timers, 20_000), [0]);
        assert_eq!(timers.next_sweep(), Some(50_000));
        timers.set(3, 70_000);
        assert_eq!(swept(&mut timers, 50_000), []);
        assert_eq!(swept(&mut timers, 80_000), [3]);
        assert_eq!(timers.next_sweep(), None);
    }

    #[test]
    fn a_cleared_slot_is_never_due() {
        let mut timers = Timers::new();
        timers.set(1, 10_000);
        timers.clear(1);
        timers.clear(9);
        assert_eq!(swept(&mut timers, 90_000), []);
    }

    #[test]
    fn sweeps_keep_their_distance() {
        let mut timers = Timers::new();
        timers.set(0, 10_000);
        assert_eq!(swept(&mut timers, 10_000), [0]);
        timers.set(0, 10_001);
        assert_eq!(timers.next_sweep(), Some(10_000 + SWEEP_MIN));
    }
}
