//! Whether every core still turns, and the ledger thread comes back from each append. A core that sleeps turns once a second
//! all the same, so one whose count of turns stands still is stuck, and every departure that it owns with it. An append that
//! is on its way for as long waits for a disk or a Redis that hangs, and every answer with it.

use crate::counters::{Counter, Counters};
use crate::ledger::LedgerFigures;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// What has not moved for this long is stuck. A core turns at least once a second, and is looked at as often or after one
/// exchange; a turn itself takes milliseconds, and so does an append.
const STUCK_AFTER: Duration = Duration::from_secs(3);

/// What was seen last, and when it was first seen so.
pub(super) struct Pulse {
    /// By core: its count of turns.
    turns: Vec<(u64, Instant)>,
    /// The append that is on its way.
    append: (Option<u64>, Instant),
}

impl Pulse {
    pub(super) fn new(counters: &[Arc<Counters>], ledger: &LedgerFigures, now: Instant) -> Self {
        let turns = counters.iter().map(|core| (core.get(Counter::Turns), now)).collect();
        Self { turns, append: (ledger.on_its_way(), now) }
    }

    /// Looks at every core and at the ledger thread.
    pub(super) fn take(&mut self, counters: &[Arc<Counters>], ledger: &LedgerFigures, now: Instant) {
        for (seen, core) in self.turns.iter_mut().zip(counters) {
            note(seen, core.get(Counter::Turns), now);
        }
        note(&mut self.append, ledger.on_its_way(), now);
    }

    /// The first core that is stuck.
    pub(super) fn stuck(&self, now: Instant) -> Option<usize> {
        self.turns.iter().position(|(_, since)| is_stuck(*since, now))
    }

    /// Whether the ledger thread is stuck in an append.
    pub(super) fn append_hangs(&self, now: Instant) -> bool {
        let (append, since) = self.append;
        append.is_some() && is_stuck(since, now)
    }
}

fn note<T: PartialEq>(seen: &mut (T, Instant), is: T, now: Instant) {
    if seen.0 != is {
        *seen = (is, now);
    }
}

fn is_stuck(since: Instant, now: Instant) -> bool {
    now.saturating_duration_since(since) > STUCK_AFTER
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_core_that_stands_still_is_named_until_it_turns_again() {
        let ledger = LedgerFigures::default();
        let cores: Vec<_> = (0..2).map(|_| Arc::new(Counters::default())).collect();
        let start = Instant::now();
        let after = |seconds| start + Duration::from_secs(seconds);
        let mut pulse = Pulse::new(&cores, &ledger, start);
        for second in 1..=4 {
            cores[0].bump(Counter::Turns);
            pulse.take(&cores, &ledger, after(second));
            let stuck = (second > 3).then_some(1);
            assert_eq!(pulse.stuck(after(second)), stuck, "after {second} s");
        }
        cores[1].bump(Counter::Turns);
        pulse.take(&cores, &ledger, after(5));
        assert_eq!(pulse.stuck(after(5)), None);
    }

    #[test]
    fn a_late_look_at_a_core_that_turns_does_not_call_it_stuck() {
        let (cores, ledger) = ([Arc::new(Counters::default())], LedgerFigures::default());
        let start = Instant::now();
        let mut pulse = Pulse::new(&cores, &ledger, start);
        cores[0].bump(Counter::Turns);
        let late = start + Duration::from_secs(60);
        pulse.take(&cores, &ledger, late);
        assert_eq!(pulse.stuck(late), None);
    }

    #[test]
    fn an_append_hangs_if_the_same_one_is_on_its_way_for_long() {
        let ledger = LedgerFigures::default();
        let start = Instant::now();
        let after = |seconds| start + Duration::from_secs(seconds);
        let mut pulse = Pulse::new(&[], &ledger, start);
        assert!(!pulse.append_hangs(after(60)), "none was begun");
        for second in 1..=4 {
            ledger.begin_append();
            pulse.take(&[], &ledger, after(second));
            assert!(!pulse.append_hangs(after(second)), "after {second} s it is another one");
            ledger.end_append();
        }
        ledger.begin_append();
        pulse.take(&[], &ledger, after(5));
        pulse.take(&[], &ledger, after(9));
        assert!(pulse.append_hangs(after(9)));
        ledger.end_append();
        pulse.take(&[], &ledger, after(10));
        assert!(!pulse.append_hangs(after(60)));
    }
}
