//! What a thread shows of its counts while it runs. A thread keeps what came since it last showed, and adds that to its
//! pulse a few times a second; so the answer's road has no lock and no counter that two threads write.

use super::counter::Counter;
use super::latencies::Latencies;
use std::sync::{Mutex, PoisonError};

/// What a thread has shown of a window of time.
#[derive(Debug)]
struct Shown {
    from_ns: u64,
    until_ns: u64,
    /// From intended to answered.
    response: Latencies<u32>,
    /// Since the run began.
    errors: u64,
}

impl Shown {
    fn begin(&mut self, now_ns: u64) {
        self.response.clear();
        (self.from_ns, self.until_ns) = (now_ns, now_ns);
    }
}

/// Where one thread shows, and the watcher looks.
#[derive(Debug)]
pub(in crate::load) struct Pulse(Mutex<Shown>);

impl Default for Pulse {
    fn default() -> Self {
        Self(Mutex::new(Shown { from_ns: 0, until_ns: 0, response: Latencies::of_interval(), errors: 0 }))
    }
}

impl Pulse {
    /// Shows what `counter` counted since the last time.
    pub(in crate::load) fn show(&self, counter: &mut Counter, now_ns: u64) {
        counter.pour();
        counter.mark_errors(now_ns);
        let mut shown = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        shown.response += &counter.unseen;
        shown.until_ns = now_ns;
        shown.errors = counter.tally.errors();
        counter.unseen.clear();
    }
}

/// All threads together, over the window since the last look.
#[derive(Debug)]
pub(in crate::load) struct Glance {
    pub(in crate::load) done_per_second: f64,
    pub(in crate::load) refused_per_second: f64,
    /// From intended to answered, in microseconds; `None` if nothing was done.
    pub(in crate::load) done_us: Option<(f64, f64)>,
    /// Since the run began.
    pub(in crate::load) errors: u64,
}

/// Looks at what every thread has shown since the last look. A thread's rate is over its own window: they do not show at
/// the same moment.
pub(in crate::load) fn glance(pulses: &[Pulse]) -> Glance {
    let mut all = Latencies::of_interval();
    let mut glance = Glance { done_per_second: 0.0, refused_per_second: 0.0, done_us: None, errors: 0 };
    for Pulse(pulse) in pulses {
        let mut shown = pulse.lock().unwrap_or_else(PoisonError::into_inner);
        let seconds = shown.until_ns.saturating_sub(shown.from_ns) as f64 / 1e9;
        if seconds > 0.0 {
            glance.done_per_second += shown.response.done_ns.len() as f64 / seconds;
            glance.refused_per_second += shown.response.refused_ns.len() as f64 / seconds;
        }
        glance.errors += shown.errors;
        all += &shown.response;
        let now_ns = shown.until_ns;
        shown.begin(now_ns);
    }
    if !all.done_ns.is_empty() {
        let at = |quantile| all.done_ns.value_at_quantile(quantile) as f64 / 1e3;
        glance.done_us = Some((at(0.5), at(0.99)));
    }
    glance
}

#[cfg(test)]
mod tests {
    use super::super::counter::tests::{counter, on_time};
    use super::*;
    use crate::load::step::{Outcome, Step};
    use seathold_protocol::status::Status;

    #[test]
    fn a_look_tells_what_came_since_the_last() {
        let pulses = [Pulse::default(), Pulse::default()];
        let mut counter = counter(0..10_000_000_000);
        let took = on_time(0, 2_000_000);
        (0..100).for_each(|_| counter.count(Step::Reserve, Outcome::Done, took));
        counter.count(Step::Reserve, Outcome::Refused(Status::SoldOut), took);
        counter.tally.timeouts = 3;
        pulses[0].show(&mut counter, 500_000_000);
        let seen = glance(&pulses);
        assert_eq!((seen.done_per_second, seen.refused_per_second, seen.errors), (200.0, 2.0, 3));
        assert!((seen.done_us.unwrap().0 - 2_000.0).abs() < 20.0);
        pulses[0].show(&mut counter, 750_000_000);
        let seen = glance(&pulses);
        assert_eq!((seen.done_per_second, seen.done_us, seen.errors), (0.0, None, 3));
    }
}
