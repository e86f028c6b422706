//! What one thread counted, and the sum over threads. Nothing here allocates once it is made.

use super::latencies::{Latencies, run_histogram};
use super::series::Series;
use crate::load::step::{Outcome, Step};
use hdrhistogram::Histogram;
use seathold_protocol::status::Status;
use std::ops::Range;
use std::time::SystemTime;

/// Status codes are below this.
const STATUSES: usize = 64;

/// The steps that end a sale: a reservation held and then confirmed, or one that was to be held alone.
const SALES: [Step; 2] = [Step::Confirm, Step::Hold];

/// The times of one request, in nanoseconds since the run began.
#[derive(Clone, Copy, Debug)]
pub(in crate::load) struct Times {
    /// When the plan wanted it sent; in a closed loop, when its slot became free.
    pub(in crate::load) intended_ns: u64,
    /// When it was written.
    pub(in crate::load) sent_ns: u64,
    /// When its answer was read.
    pub(in crate::load) answered_ns: u64,
}

/// The answers to one kind of request within the measured time.
#[derive(Clone, Debug)]
pub(super) struct Answers {
    by_status: [u64; STATUSES],
    /// From intended to answered: what a buyer waits.
    pub(super) response: Latencies<u64>,
}

impl Answers {
    fn new() -> Self {
        Self { by_status: [0; STATUSES], response: Latencies::of_run() }
    }

    pub(super) fn of(&self, status: Status) -> u64 {
        self.by_status[status as usize]
    }

    pub(super) fn total(&self) -> u64 {
        self.by_status.iter().sum()
    }
}

/// Everything that is counted. Answers count within the measured time, faults from the first request to the last.
#[derive(Clone, Debug)]
pub(in crate::load) struct Tally {
    /// When the run began, by the wall clock.
    pub(super) began: SystemTime,
    /// Requests were due by a schedule.
    pub(in crate::load) is_open: bool,
    steps: [Answers; Step::ALL.len()],
    /// From sent to answered, of all steps.
    pub(super) service: Latencies<u64>,
    /// From when a request was due and had a slot to when it was sent: how late the generator itself was. Empty in a
    /// closed loop, where a request is due when it is sent.
    pub(super) lateness_ns: Histogram<u64>,
    pub(super) series: Series,
    /// What was answered since it was last shown, within the measured time or not.
    pub(super) unseen: Latencies<u32>,
    unexpected: [u64; STATUSES],
    /// Replies that answer nothing that was asked, or are none.
    pub(in crate::load) unreadable: u64,
    /// Requests given up.
    pub(in crate::load) timeouts: u64,
    /// Connections lost.
    pub(in crate::load) connections_lost: u64,
    /// Requests that were unanswered when their connection was lost.
    pub(in crate::load) lost_with_connections: u64,
    /// Requests that were due within the measured time and never sent, because all slots were taken to the end.
    pub(in crate::load) unsent: u64,
    /// Likewise, but the thread had no time to spare, so that the server cannot be blamed.
    pub(in crate::load) unsent_for_lack_of_time: u64,
    /// Errors that have their interval.
    errors_marked: u64,
}

impl Tally {
    /// Made when the run begins, for the measured time in nanoseconds since then.
    pub(in crate::load) fn new(measured_ns: Range<u64>) -> Self {
        Self {
            began: SystemTime::now(),
            is_open: false,
            steps: std::array::from_fn(|_| Answers::new()),
            service: Latencies::of_run(),
            lateness_ns: run_histogram(),
            series: Series::new(measured_ns),
            unseen: Latencies::of_interval(),
            unexpected: [0; STATUSES],
            unreadable: 0,
            timeouts: 0,
            connections_lost: 0,
            lost_with_connections: 0,
            unsent: 0,
            unsent_for_lack_of_time: 0,
            errors_marked: 0,
        }
    }

    /// Counts an answer; `counts_at_ns`: the moment that it counts for, if that is within the measured time.
    pub(in crate::load) fn count(
        &mut self,
        step: Step,
        outcome: Outcome,
        times: Times,
        counts_at_ns: Option<u64>,
    ) {
        let status = match outcome {
            Outcome::Done => Status::Ok,
            Outcome::Refused(status) => status,
            Outcome::Unexpected(status) => {
                self.unexpected[status as usize] += 1;
                return;
            }
            Outcome::Unreadable => {
                self.unreadable += 1;
                return;
            }
        };
        let is_done = status == Status::Ok;
        let response_ns = times.answered_ns.saturating_sub(times.intended_ns);
        self.unseen.record(is_done, response_ns);
        if let Some(at_ns) = counts_at_ns {
            let answers = &mut self.steps[step.index()];
            answers.by_status[status as usize] += 1;
            answers.response.record(is_done, response_ns);
            self.service.record(is_done, times.answered_ns.saturating_sub(times.sent_ns));
            if let Some(interval) = self.series.at(at_ns) {
                interval.response.record(is_done, response_ns);
                interval.accepted += u64::from(is_done && SALES.contains(&step));
            }
        }
    }

    /// Counts how late the generator sent what it could have sent earlier; `measured`: it was due within the measured time.
    pub(in crate::load) fn count_lateness(&mut self, late_ns: u64, measured: bool) {
        if measured {
            self.lateness_ns.saturating_record(late_ns);
        }
    }

    /// Gives the errors since the last mark to the interval of `now_ns`: some have no moment of their own.
    pub(super) fn mark_errors(&mut self, now_ns: u64) {
        let errors = self.errors();
        if let Some(interval) = self.series.at(now_ns) {
            interval.errors += errors - self.errors_marked;
        }
        self.errors_marked = errors;
    }

    pub(super) fn of(&self, step: Step) -> &Answers {
        &self.steps[step.index()]
    }

    /// Answers within the measured time, refusals included.
    pub(in crate::load) fn requests(&self) -> u64 {
        self.steps.iter().map(Answers::total).sum()
    }

    /// Sales that were accepted.
    pub(super) fn accepted(&self) -> u64 {
        SALES.iter().map(|step| self.of(*step).of(Status::Ok)).sum()
    }

    /// Every status of the domain that said no, with how often.
    pub(super) fn refusals(&self) -> impl Iterator<Item = (Status, u64)> {
        let count = |status: Status| self.steps.iter().map(|answers| answers.of(status)).sum();
        statuses()
            .filter(|status| *status != Status::Ok)
            .map(move |status| (status, count(status)))
            .filter(|(_, count)| *count > 0)
    }

    /// Every status that no request of the run should get, with how often.
    pub(super) fn unexpected(&self) -> impl Iterator<Item = (Status, u64)> {
        statuses().map(|status| (status, self.unexpected[status as usize])).filter(|(_, count)| *count > 0)
    }

    /// Everything that is neither an answer nor a refusal.
    pub(in crate::load) fn errors(&self) -> u64 {
        let unexpected: u64 = self.unexpected.iter().sum();
        let unanswered =
            self.timeouts + self.lost_with_connections + self.unsent + self.unsent_for_lack_of_time;
        unexpected + self.unreadable + self.connections_lost + unanswered
    }

    /// What buyers waited, of all steps.
    pub(super) fn response(&self) -> Latencies<u64> {
        let mut all = Latencies::of_run();
        for answers in &self.steps {
            all += &answers.response;
        }
        all
    }

    /// Adds what another thread counted in the same run.
    pub(in crate::load) fn add(&mut self, other: &Self) {
        self.is_open |= other.is_open;
        for (mine, theirs) in self.steps.iter_mut().zip(&other.steps) {
            add_each(&mut mine.by_status, &theirs.by_status);
            mine.response += &theirs.response;
        }
        self.began = self.began.min(other.began);
        self.service += &other.service;
        self.series.add(&other.series);
        self.lateness_ns += &other.lateness_ns;
        add_each(&mut self.unexpected, &other.unexpected);
        self.unreadable += other.unreadable;
        self.timeouts += other.timeouts;
        self.connections_lost += other.connections_lost;
        self.lost_with_connections += other.lost_with_connections;
        self.unsent += other.unsent;
        self.unsent_for_lack_of_time += other.unsent_for_lack_of_time;
    }
}

fn statuses() -> impl Iterator<Item = Status> {
    Status::ALL.iter().copied()
}

fn add_each(mine: &mut [u64; STATUSES], theirs: &[u64; STATUSES]) {
    for (mine, theirs) in mine.iter_mut().zip(theirs) {
        *mine += theirs;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND_NS: u64 = 1_000_000_000;

    fn took(nanoseconds: u64) -> Times {
        Times { intended_ns: SECOND_NS, sent_ns: SECOND_NS, answered_ns: SECOND_NS + nanoseconds }
    }

    #[test]
    fn every_status_has_its_place() {
        assert!(Status::ALL.iter().all(|status| (*status as usize) < STATUSES));
    }

    #[test]
    fn warm_up_counts_for_faults_alone_and_threads_add_up() {
        let mut one = Tally::new(SECOND_NS..3 * SECOND_NS);
        one.count(Step::Ping, Outcome::Done, took(1_000), None);
        one.count(Step::Ping, Outcome::Done, took(2_000), Some(SECOND_NS));
        one.count(Step::Reserve, Outcome::Refused(Status::SoldOut), took(3_000), Some(SECOND_NS));
        one.count(Step::Hold, Outcome::Done, took(1_000), Some(SECOND_NS));
        one.count(Step::Reserve, Outcome::Unexpected(Status::UnknownDeparture), took(1), None);
        let mut sum = one.clone();
        sum.add(&one);
        assert_eq!((sum.requests(), sum.accepted(), sum.errors()), (6, 2, 2));
        assert_eq!(sum.refusals().collect::<Vec<_>>(), [(Status::SoldOut, 2)]);
        assert_eq!(sum.unexpected().collect::<Vec<_>>(), [(Status::UnknownDeparture, 2)]);
        assert_eq!((one.unseen.all_ns().len(), sum.response().all_ns().len()), (4, 6));
        assert_eq!(sum.of(Step::Reserve).total(), 2);
    }

    #[test]
    fn the_plan_the_send_and_the_answer_give_three_latencies() {
        let mut tally = Tally::new(0..SECOND_NS);
        let times = Times { intended_ns: 1_000_000, sent_ns: 3_000_000, answered_ns: 7_000_000 };
        tally.count(Step::Ping, Outcome::Done, times, Some(times.answered_ns));
        tally.count_lateness(2_000_000, true);
        let all = [tally.response().done_ns, tally.service.done_ns.clone(), tally.lateness_ns.clone()];
        for (histogram, expected) in all.iter().zip([6_000_000, 4_000_000, 2_000_000_u64]) {
            assert!(histogram.max().abs_diff(expected) < expected / 1_000, "{} ns", histogram.max());
        }
    }

    #[test]
    fn the_series_adds_up_to_the_whole() {
        let mut tally = Tally::new(SECOND_NS..4 * SECOND_NS);
        for at in 0..300 {
            let answered_ns = SECOND_NS + at * 10_000_000;
            let times = Times { intended_ns: answered_ns - 500, sent_ns: answered_ns - 500, answered_ns };
            tally.count(Step::Confirm, Outcome::Done, times, Some(times.answered_ns));
        }
        tally.timeouts = 2;
        tally.mark_errors(2 * SECOND_NS);
        tally.connections_lost = 1;
        tally.mark_errors(3 * SECOND_NS);
        tally.mark_errors(9 * SECOND_NS);
        let intervals = tally.series.intervals();
        let counts: Vec<_> = intervals.iter().map(|one| (one.accepted, one.errors)).collect();
        assert_eq!(counts, [(100, 0), (100, 2), (100, 1)]);
        assert_eq!(intervals.iter().map(|one| one.response.all_ns().len()).sum::<u64>(), tally.requests());
    }
}
