//! Whether every core still turns. A core that sleeps turns once a second all the same, so one whose count of turns
//! stands still is stuck, and every departure that it owns with it.

use crate::counters::{Counter, Counters};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// A core that has not turned for this long is stuck. It turns at least once a second, and is looked at as often or
/// after one exchange; a turn itself takes milliseconds.
const STUCK_AFTER: Duration = Duration::from_secs(3);

/// The last turn that was seen of each core.
pub(super) struct Pulse {
    /// By core: its count of turns, and when it was first seen.
    seen: Vec<(u64, Instant)>,
}

impl Pulse {
    pub(super) fn new(counters: &[Arc<Counters>], now: Instant) -> Self {
        Self { seen: counters.iter().map(|core| (core.get(Counter::Turns), now)).collect() }
    }

    /// Looks at every core.
    pub(super) fn take(&mut self, counters: &[Arc<Counters>], now: Instant) {
        for (seen, core) in self.seen.iter_mut().zip(counters) {
            let turns = core.get(Counter::Turns);
            if turns != seen.0 {
                *seen = (turns, now);
            }
        }
    }

    /// The first core that is stuck.
    pub(super) fn stuck(&self, now: Instant) -> Option<usize> {
        self.seen.iter().position(|(_, since)| now.saturating_duration_since(*since) > STUCK_AFTER)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_core_that_stands_still_is_named_until_it_turns_again() {
        let cores: Vec<_> = (0..2).map(|_| Arc::new(Counters::default())).collect();
        let start = Instant::now();
        let after = |seconds| start + Duration::from_secs(seconds);
        let mut pulse = Pulse::new(&cores, start);
        for second in 1..=4 {
            cores[0].bump(Counter::Turns);
            pulse.take(&cores, after(second));
            let stuck = (second > 3).then_some(1);
            assert_eq!(pulse.stuck(after(second)), stuck, "after {second} s");
        }
        cores[1].bump(Counter::Turns);
        pulse.take(&cores, after(5));
        assert_eq!(pulse.stuck(after(5)), None);
    }

    #[test]
    fn a_late_look_at_a_core_that_turns_does_not_call_it_stuck() {
        let cores = [Arc::new(Counters::default())];
        let start = Instant::now();
        let mut pulse = Pulse::new(&cores, start);
        cores[0].bump(Counter::Turns);
        let late = start + Duration::from_secs(60);
        pulse.take(&cores, late);
        assert_eq!(pulse.stuck(late), None);
    }
}
