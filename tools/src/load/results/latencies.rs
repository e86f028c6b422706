//! How long answers took, with those that did what was asked apart from refusals: a refusal is cheap, and many of them
//! would make slow sales look fast.

use hdrhistogram::{Counter, Histogram};
use std::ops::AddAssign;

/// The longest latency told apart: beyond the time after which a request is given up.
const LATENCY_NS_MAX: u64 = 60_000_000_000;

/// Three digits: a percentile of a run is off by at most a thousandth.
const RUN_DIGITS: u8 = 3;

/// Two digits: a percentile of an interval is off by at most a hundredth, and its histogram is 12 KiB.
const INTERVAL_DIGITS: u8 = 2;

/// Below 16 us a histogram of an interval tells steps of 64 ns.
const INTERVAL_NS_MIN: u64 = 100;

/// Latencies in nanoseconds. Recording allocates nothing.
#[derive(Clone, Debug)]
pub(super) struct Latencies<C: Counter> {
    pub(super) done_ns: Histogram<C>,
    pub(super) refused_ns: Histogram<C>,
}

/// An empty histogram for the figures of a whole run.
pub(super) fn run_histogram() -> Histogram<u64> {
    Histogram::new_with_bounds(1, LATENCY_NS_MAX, RUN_DIGITS).expect("bounds and digits are in range")
}

impl Latencies<u64> {
    /// For a whole run.
    pub(super) fn of_run() -> Self {
        Self { done_ns: run_histogram(), refused_ns: run_histogram() }
    }
}

impl Latencies<u32> {
    /// For a short while of a run, as exact as its totals.
    pub(super) fn of_window() -> Self {
        let exact = Histogram::new_with_bounds(1, LATENCY_NS_MAX, RUN_DIGITS)
            .expect("bounds and digits are in range");
        Self { done_ns: exact.clone(), refused_ns: exact }
    }

    /// For one interval of many: an interval is too short for more answers than a small counter holds.
    pub(super) fn of_interval() -> Self {
        let small = Histogram::new_with_bounds(INTERVAL_NS_MIN, LATENCY_NS_MAX, INTERVAL_DIGITS);
        let small = small.expect("bounds and digits are in range");
        Self { done_ns: small.clone(), refused_ns: small }
    }

    /// Tells what was recorded, as is done, nanoseconds and how often, and forgets it.
    pub(super) fn take_each(&mut self, mut tell: impl FnMut(bool, u64, u32)) {
        for (is_done, histogram) in [(true, &mut self.done_ns), (false, &mut self.refused_ns)] {
            if !histogram.is_empty() {
                for row in histogram.iter_recorded() {
                    tell(is_done, row.value_iterated_to(), row.count_at_value());
                }
                histogram.reset();
            }
        }
    }
}

impl<C: Counter + From<u32>> Latencies<C> {
    pub(super) fn record_n(&mut self, is_done: bool, ns: u64, count: u32) {
        self.part(is_done).saturating_record_n(ns, C::from(count));
    }
}

impl<C: Counter> Latencies<C> {
    fn part(&mut self, is_done: bool) -> &mut Histogram<C> {
        if is_done { &mut self.done_ns } else { &mut self.refused_ns }
    }

    /// Both kinds together.
    pub(super) fn all_ns(&self) -> Histogram<C> {
        let mut all = self.done_ns.clone();
        all += &self.refused_ns;
        all
    }

    pub(super) fn clear(&mut self) {
        self.done_ns.reset();
        self.refused_ns.reset();
    }
}

impl<C: Counter> AddAssign<&Self> for Latencies<C> {
    fn add_assign(&mut self, other: &Self) {
        self.done_ns += &other.done_ns;
        self.refused_ns += &other.refused_ns;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refusals_do_not_hide_slow_sales() {
        let mut latencies = Latencies::of_interval();
        (0..99).for_each(|_| latencies.record_n(false, 20_000, 1));
        latencies.record_n(true, 5_000_000, 1);
        let mut sum = latencies.clone();
        sum += &latencies;
        assert_eq!((sum.all_ns().len(), sum.done_ns.len()), (200, 2));
        assert!(sum.done_ns.value_at_quantile(0.5).abs_diff(5_000_000) < 50_000);
        assert!(sum.all_ns().value_at_quantile(0.5).abs_diff(20_000) < 200);
        sum.clear();
        assert_eq!(sum.all_ns().len(), 0);
    }

    #[test]
    fn a_histogram_of_an_interval_is_small() {
        let small = Latencies::of_interval();
        assert!(small.done_ns.distinct_values() * size_of::<u32>() <= 12 << 10);
    }
}
