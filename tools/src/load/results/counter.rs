//! What one thread counts while it runs. An answer is recorded once, in the window of its moment, together with those
//! that are like it; a few times a second, and when its interval is over, the window is poured into the totals, the series
//! and the live line, off the answer's road. Nothing here allocates once it is made.

use super::latencies::Latencies;
use super::tally::Tally;
use crate::load::step::{Outcome, Step};
use seathold_protocol::status::Status;
use std::ops::Range;

/// The times of one request, in nanoseconds since the run began.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::load) struct Times {
    /// When the plan wanted it sent; in a closed loop, when its slot became free.
    pub(in crate::load) intended_ns: u64,
    /// When it was written.
    pub(in crate::load) sent_ns: u64,
    /// When its answer was read.
    pub(in crate::load) answered_ns: u64,
}

impl Times {
    /// What a buyer waits.
    fn response_ns(self) -> u64 {
        self.answered_ns.saturating_sub(self.intended_ns)
    }

    fn service_ns(self) -> u64 {
        self.answered_ns.saturating_sub(self.sent_ns)
    }
}

/// Answers that have all in common: in a closed loop most that come at once were also asked at once.
#[derive(Clone, Copy, Debug)]
struct Alike {
    times: Times,
    step: Step,
    outcome: Outcome,
    count: u32,
}

/// Answers that count for one stretch of time and are not in the totals yet. As exact as the totals, so that pouring
/// loses nothing.
#[derive(Clone, Debug)]
struct Window {
    moments_ns: Range<u64>,
    /// These moments are within the measured time.
    is_measured: bool,
    /// From intended to answered, by the step's index.
    response: [Latencies<u32>; Step::ALL.len()],
    /// From sent to answered, in an open loop. In a closed one that is the response: what was sent later than due is not
    /// counted in a window there.
    service: Latencies<u32>,
}

/// A thread's tally, and what is not in it yet.
#[derive(Clone, Debug)]
pub(in crate::load) struct Counter {
    pub(in crate::load) tally: Tally,
    /// The last answers, which are not in the window yet.
    alike: Alike,
    window: Window,
    /// What was answered since it was last shown, within the measured time or not; the window's answers are missing.
    pub(super) unseen: Latencies<u32>,
    /// Errors that have their interval.
    errors_marked: u64,
}

impl Counter {
    pub(in crate::load) fn new(tally: Tally) -> Self {
        let window = Window {
            moments_ns: 0..0,
            is_measured: false,
            response: std::array::from_fn(|_| Latencies::of_window()),
            service: Latencies::of_window(),
        };
        let times = Times { intended_ns: 0, sent_ns: 0, answered_ns: 0 };
        let alike = Alike { times, step: Step::Ping, outcome: Outcome::Done, count: 0 };
        Self { tally, alike, window, unseen: Latencies::of_interval(), errors_marked: 0 }
    }

    /// Counts an answer: for the moment when it was due in an open loop, however late it comes, else the slowest would be
    /// left out; in a closed loop for the moment when it came.
    #[inline]
    pub(in crate::load) fn count(&mut self, step: Step, outcome: Outcome, times: Times) {
        let Alike { times: last, step: last_step, outcome: last_outcome, count } = &mut self.alike;
        if times == *last && step == *last_step && outcome == *last_outcome && *count < u32::MAX {
            *count += 1;
        } else {
            self.record();
            self.alike = Alike { times, step, outcome, count: 1 };
        }
    }

    /// Records the last answers, of which `alike` forgets the count.
    fn record(&mut self) {
        let Alike { times, step, outcome, count } = self.alike;
        self.alike.count = 0;
        if count == 0 {
            return;
        }
        let status = match outcome {
            Outcome::Done => Status::Ok,
            Outcome::Refused(status) => status,
            Outcome::Unexpected(status) => return self.tally.count_unexpected(status, count),
            Outcome::Unreadable => {
                self.tally.unreadable += u64::from(count);
                return;
            }
        };
        let is_done = status == Status::Ok;
        let is_open = self.tally.is_open;
        let at_ns = if is_open { times.intended_ns } else { times.answered_ns };
        if at_ns >= self.window.moments_ns.end {
            self.move_to(at_ns);
        }
        let is_on_time = is_open || times.sent_ns == times.intended_ns;
        if at_ns < self.window.moments_ns.start || !is_on_time {
            return self.record_apart(step, status, times, at_ns, count);
        }
        if self.window.is_measured {
            self.tally.count_status(step, status, count);
        }
        self.window.response[step.index()].record_n(is_done, times.response_ns(), count);
        if is_open {
            self.window.service.record_n(is_done, times.service_ns(), count);
        }
    }

    /// Records answers that the window does not take. There are few, unless the server stalls.
    #[cold]
    fn record_apart(&mut self, step: Step, status: Status, times: Times, at_ns: u64, count: u32) {
        let is_done = status == Status::Ok;
        let response_ns = times.response_ns();
        self.unseen.record_n(is_done, response_ns, count);
        if self.tally.series.at(at_ns).is_none() {
            return;
        }
        self.tally.intervals_at(at_ns).for_each(|interval| interval.add(step, is_done, response_ns, count));
        self.tally.response_mut(step).record_n(is_done, response_ns, count);
        self.tally.service.record_n(is_done, times.service_ns(), count);
        self.tally.count_status(step, status, count);
    }

    /// Begins the window of a moment that is behind all moments of the present one.
    #[cold]
    fn move_to(&mut self, at_ns: u64) {
        self.pour_window();
        self.window.moments_ns = self.tally.moments_around(at_ns);
        self.window.is_measured = self.tally.series.at(at_ns).is_some();
    }

    /// Puts everything that was counted where it is shown and reported.
    pub(super) fn pour(&mut self) {
        self.record();
        self.pour_window();
    }

    fn pour_window(&mut self) {
        let Self { tally, window, unseen, .. } = self;
        let (at_ns, is_measured) = (window.moments_ns.start, window.is_measured);
        for step in Step::ALL {
            window.response[step.index()].take_each(|is_done, ns, count| {
                unseen.record_n(is_done, ns, count);
                if !is_measured {
                    return;
                }
                tally.intervals_at(at_ns).for_each(|interval| interval.add(step, is_done, ns, count));
                tally.response_mut(step).record_n(is_done, ns, count);
                if !tally.is_open {
                    tally.service.record_n(is_done, ns, count);
                }
            });
        }
        window.service.take_each(|is_done, ns, count| {
            if is_measured {
                tally.service.record_n(is_done, ns, count);
            }
        });
    }

    /// Gives the errors since the last mark to the interval of `now_ns`: some have no moment of their own.
    pub(super) fn mark_errors(&mut self, now_ns: u64) {
        self.record();
        let errors = self.tally.errors();
        let new = errors - self.errors_marked;
        self.tally.intervals_at(now_ns).for_each(|interval| interval.errors += new);
        self.errors_marked = errors;
    }

    /// All that was counted.
    pub(in crate::load) fn end(mut self) -> Tally {
        self.pour();
        self.tally
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    const SECOND_NS: u64 = 1_000_000_000;

    /// Of a closed loop.
    pub(in crate::load::results) fn counter(measured_ns: Range<u64>) -> Counter {
        Counter::new(Tally::new(measured_ns, false, 0))
    }

    /// Of an open loop with two rates.
    fn open(measured_ns: Range<u64>) -> Counter {
        Counter::new(Tally::new(measured_ns, true, 2))
    }

    /// Sent when it was due.
    pub(in crate::load::results) fn on_time(from_ns: u64, took_ns: u64) -> Times {
        Times { intended_ns: from_ns, sent_ns: from_ns, answered_ns: from_ns + took_ns }
    }

    #[test]
    fn warm_up_counts_for_faults_alone_and_threads_add_up() {
        let mut one = counter(SECOND_NS..3 * SECOND_NS);
        one.count(Step::Ping, Outcome::Done, on_time(0, 1_000));
        one.count(Step::Ping, Outcome::Done, on_time(SECOND_NS, 2_000));
        one.count(Step::Reserve, Outcome::Refused(Status::SoldOut), on_time(SECOND_NS, 3_000));
        one.count(Step::Hold, Outcome::Done, on_time(SECOND_NS, 1_000));
        one.count(Step::Reserve, Outcome::Unexpected(Status::UnknownDeparture), on_time(SECOND_NS, 1));
        one.count(Step::Ping, Outcome::Done, on_time(3 * SECOND_NS, 1_000));
        one.pour();
        assert_eq!(one.unseen.all_ns().len(), 5);
        let one = one.end();
        let mut sum = one.clone();
        sum.add(&one);
        assert_eq!((sum.requests(), sum.accepted(), sum.errors()), (6, 2, 2));
        assert_eq!(sum.refusals().collect::<Vec<_>>(), [(Status::SoldOut, 2)]);
        assert_eq!(sum.unexpected().collect::<Vec<_>>(), [(Status::UnknownDeparture, 2)]);
        assert_eq!((sum.response().all_ns().len(), sum.of(Step::Reserve).total()), (6, 2));
    }

    #[test]
    fn the_plan_the_send_and_the_answer_give_three_latencies() {
        let times = Times { intended_ns: 1_000_000, sent_ns: 3_000_000, answered_ns: 7_000_000 };
        for mut counter in [open(0..SECOND_NS), counter(0..SECOND_NS)] {
            counter.count(Step::Ping, Outcome::Done, times);
            counter.tally.count_lateness(2_000_000, true);
            let tally = counter.end();
            let all = [tally.response().done_ns, tally.service.done_ns.clone(), tally.lateness_ns.clone()];
            for (histogram, expected) in all.iter().zip([6_000_000, 4_000_000, 2_000_000_u64]) {
                assert_eq!(histogram.len(), 1);
                assert!(histogram.max().abs_diff(expected) < expected / 1_000, "{} ns", histogram.max());
            }
        }
    }

    #[test]
    fn what_was_poured_is_as_exact_as_what_was_recorded() {
        let mut counter = counter(0..SECOND_NS);
        let mut direct = Latencies::of_run();
        for at in 0..10_000 {
            let took_ns = 50 + at * at;
            counter.count(Step::Ping, Outcome::Done, on_time(0, took_ns));
            direct.record_n(true, took_ns, 1);
            if at % 3_000 == 0 {
                counter.pour();
            }
        }
        let tally = counter.end();
        let rows = |histogram: &hdrhistogram::Histogram<u64>| -> Vec<_> {
            histogram.iter_recorded().map(|row| (row.value_iterated_to(), row.count_at_value())).collect()
        };
        assert_eq!(rows(&tally.response().done_ns), rows(&direct.done_ns));
        assert_eq!(rows(&tally.service.done_ns), rows(&direct.done_ns));
        assert_eq!(tally.response().done_ns.max(), direct.done_ns.max());
    }

    #[test]
    fn answers_that_are_alike_are_counted_one_by_one() {
        let (sold_out, ms) = (Outcome::Refused(Status::SoldOut), 1_000_000);
        let mut counter = counter(0..SECOND_NS);
        for (step, outcome, took_ns, count) in [
            (Step::Hold, Outcome::Done, ms, 3),
            (Step::Hold, sold_out, ms, 2),
            (Step::Reserve, Outcome::Done, ms, 4),
            (Step::Reserve, Outcome::Done, 2 * ms, 1),
            (Step::Reserve, Outcome::Unreadable, ms, 5),
            (Step::Reserve, Outcome::Unexpected(Status::UnknownOpcode), ms, 6),
        ] {
            (0..count).for_each(|_| counter.count(step, outcome, on_time(0, took_ns)));
        }
        let tally = counter.end();
        let of = |step: Step| (tally.of(step).of(Status::Ok), tally.of(step).total());
        assert_eq!((of(Step::Hold), of(Step::Reserve)), ((3, 5), (5, 5)));
        assert_eq!((tally.accepted(), tally.errors(), tally.unreadable), (3, 11, 5));
        let half = tally.of(Step::Reserve).response.done_ns.value_at_quantile(0.8);
        assert!(half.abs_diff(ms) < 1_000 && tally.response().done_ns.max() > 2 * ms - 2_000, "{half}");
    }

    #[test]
    fn the_series_adds_up_to_the_whole() {
        let mut counter = counter(SECOND_NS..4 * SECOND_NS);
        for at in 0..300 {
            counter.count(Step::Confirm, Outcome::Done, on_time(SECOND_NS + at * 10_000_000 - 500, 500));
        }
        counter.tally.timeouts = 2;
        counter.mark_errors(2 * SECOND_NS);
        counter.tally.connections_lost = 1;
        counter.mark_errors(3 * SECOND_NS);
        counter.mark_errors(9 * SECOND_NS);
        let tally = counter.end();
        let intervals = tally.series.intervals();
        let counts: Vec<_> = intervals.iter().map(|one| (one.accepted, one.errors)).collect();
        assert_eq!(counts, [(100, 0), (100, 2), (100, 1)]);
        assert_eq!(intervals.iter().map(|one| one.response.all_ns().len()).sum::<u64>(), tally.requests());
    }

    #[test]
    fn an_answer_that_comes_late_counts_for_when_it_was_due() {
        let mut counter = open(SECOND_NS..4 * SECOND_NS);
        for due_s in [0, 1, 3, 1, 2, 0] {
            let took = Times { answered_ns: 9 * SECOND_NS, ..on_time(due_s * SECOND_NS, 0) };
            counter.count(Step::Hold, Outcome::Done, took);
        }
        let tally = counter.end();
        let counts: Vec<_> =
            tally.series.intervals().iter().map(|one| (one.accepted, one.response.done_ns.len())).collect();
        assert_eq!(counts, [(2, 2), (1, 1), (1, 1)]);
        let rate_steps = tally.rate_steps.intervals();
        assert_eq!(rate_steps.iter().map(|one| one.accepted).collect::<Vec<_>>(), [3, 1], "of 1.5 s each");
        assert_eq!(
            (tally.requests(), tally.response().done_ns.len(), tally.service.done_ns.len()),
            (4, 4, 4)
        );
    }
}
