//! A run over time: the measured time in intervals of equal length, and what came in each.

use super::latencies::Latencies;
use super::tally::SALES;
use crate::load::step::Step;
use std::ops::Range;

/// Ten minutes of seconds. A longer run has longer intervals, so that the series of a thread stays below 15 MiB.
const INTERVALS_MAX: u64 = 600;

const SECOND_NS: u64 = 1_000_000_000;

/// What came in one interval.
#[derive(Clone, Debug)]
pub(super) struct Interval {
    /// Seconds from the start of the measured time.
    pub(super) from_s: f64,
    /// Its length in seconds; the last one of a run may be shorter than the others.
    pub(super) seconds: f64,
    /// From intended to answered.
    pub(super) response: Latencies<u32>,
    /// Sales among the answers that are done.
    pub(super) accepted: u64,
    /// Errors that were noticed in it.
    pub(super) errors: u64,
}

impl Interval {
    /// Counts answers to one step.
    pub(super) fn add(&mut self, step: Step, is_done: bool, response_ns: u64, count: u32) {
        self.response.record_n(is_done, response_ns, count);
        if is_done && SALES.contains(&step) {
            self.accepted += u64::from(count);
        }
    }
}

/// Every interval of a run, made before it. Counting allocates nothing.
#[derive(Clone, Debug)]
pub(super) struct Series {
    from_ns: u64,
    length_ns: u64,
    interval_ns: u64,
    intervals: Vec<Interval>,
}

impl Series {
    /// For the measured time, in nanoseconds since the run began.
    pub(super) fn new(measured_ns: Range<u64>) -> Self {
        let length_ns = measured_ns.end - measured_ns.start;
        let interval_ns = length_ns.div_ceil(SECOND_NS).div_ceil(INTERVALS_MAX).max(1) * SECOND_NS;
        Self::cut(measured_ns, interval_ns, length_ns.div_ceil(interval_ns))
    }

    /// The measured time in so many equal parts; none take nothing.
    pub(super) fn of_parts(measured_ns: Range<u64>, parts: usize) -> Self {
        let interval_ns = (measured_ns.end - measured_ns.start).div_ceil(parts.max(1) as u64);
        Self::cut(measured_ns, interval_ns, parts as u64)
    }

    fn cut(measured_ns: Range<u64>, interval_ns: u64, count: u64) -> Self {
        let length_ns = measured_ns.end - measured_ns.start;
        let seconds = |ns: u64| ns as f64 / SECOND_NS as f64;
        let interval = |at: u64| Interval {
            from_s: seconds(at * interval_ns),
            seconds: seconds(interval_ns.min(length_ns.saturating_sub(at * interval_ns))),
            response: Latencies::of_interval(),
            accepted: 0,
            errors: 0,
        };
        let intervals = (0..count).map(interval).collect();
        Self { from_ns: measured_ns.start, length_ns, interval_ns, intervals }
    }

    /// The interval of a moment, unless it is outside the measured time.
    pub(super) fn at(&mut self, now_ns: u64) -> Option<&mut Interval> {
        let since_ns = now_ns.checked_sub(self.from_ns).filter(|since_ns| *since_ns < self.length_ns)?;
        self.intervals.get_mut((since_ns / self.interval_ns) as usize)
    }

    /// The longest stretch of time around a moment within which all moments have the same interval, or none.
    pub(super) fn moments_around(&self, at_ns: u64) -> Range<u64> {
        let until_ns = self.from_ns + self.length_ns;
        match at_ns {
            _ if at_ns < self.from_ns => 0..self.from_ns,
            _ if at_ns >= until_ns => until_ns..u64::MAX,
            _ => {
                let from_ns = at_ns - (at_ns - self.from_ns) % self.interval_ns;
                from_ns..until_ns.min(from_ns + self.interval_ns)
            }
        }
    }

    /// All of them, in order.
    pub(super) fn intervals(&self) -> &[Interval] {
        &self.intervals
    }

    /// The length of all but the last.
    pub(super) fn interval_seconds(&self) -> u64 {
        self.interval_ns / SECOND_NS
    }

    /// Adds what another thread counted over the same time.
    pub(super) fn add(&mut self, other: &Self) {
        assert_eq!(self.intervals.len(), other.intervals.len(), "threads of a run have the same intervals");
        for (mine, theirs) in self.intervals.iter_mut().zip(&other.intervals) {
            mine.response += &theirs.response;
            mine.accepted += theirs.accepted;
            mine.errors += theirs.errors;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn intervals_cover_the_measured_time_and_nothing_else() {
        let mut series = Series::new(2 * SECOND_NS..5 * SECOND_NS);
        assert_eq!((series.intervals().len(), series.interval_seconds()), (3, 1));
        assert!(series.at(2 * SECOND_NS - 1).is_none());
        assert!(series.at(5 * SECOND_NS).is_none());
        let last = series.at(5 * SECOND_NS - 1).unwrap();
        assert_eq!((last.from_s, last.seconds), (2.0, 1.0));
        last.add(Step::Ping, true, 1_000, 1);
        last.accepted += 1;
        let other = series.clone();
        series.add(&other);
        assert_eq!((series.intervals()[2].response.all_ns().len(), series.intervals()[2].accepted), (2, 2));
    }

    #[test]
    fn a_day_has_as_many_intervals_as_ten_minutes() {
        let day = Series::new(0..86_400 * SECOND_NS);
        assert_eq!((day.intervals().len(), day.interval_seconds()), (600, 144));
        let odd = Series::new(0..601 * SECOND_NS);
        assert_eq!((odd.intervals().len(), odd.interval_seconds()), (301, 2));
        assert_eq!(odd.intervals()[300].seconds, 1.0);
        assert_eq!(Series::new(0..SECOND_NS / 2).intervals()[0].seconds, 0.5);
    }

    #[test]
    fn parts_are_equal_and_none_take_nothing() {
        let mut thirds = Series::of_parts(SECOND_NS..3 * SECOND_NS, 3);
        assert_eq!(thirds.intervals().len(), 3);
        let starts = [SECOND_NS, SECOND_NS + 666_666_667, 2 * SECOND_NS + 333_333_334];
        assert!(
            starts
                .iter()
                .zip(0..)
                .all(|(ns, at)| thirds.at(*ns).unwrap().from_s.round() as u64 == [0, 1, 1][at])
        );
        assert_eq!(thirds.moments_around(2 * SECOND_NS), starts[1]..starts[2]);
        assert!(thirds.at(3 * SECOND_NS - 1).is_some() && thirds.at(3 * SECOND_NS).is_none());
        let mut none = Series::of_parts(SECOND_NS..3 * SECOND_NS, 0);
        assert!(none.at(2 * SECOND_NS).is_none());
        assert_eq!(none.moments_around(2 * SECOND_NS), SECOND_NS..3 * SECOND_NS);
    }
}
