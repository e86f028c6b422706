//! What one thread counted, and the sum over threads.

use super::latencies::{Latencies, run_histogram};
use super::series::{Interval, Series};
use crate::load::step::Step;
use hdrhistogram::Histogram;
use seathold_protocol::status::Status;
use std::ops::Range;
use std::time::SystemTime;

/// Status codes are below this.
const STATUSES: usize = 64;

/// The steps that end a sale: a reservation held and then confirmed, or one that was to be held alone.
pub(super) const SALES: [Step; 2] = [Step::Confirm, Step::Hold];

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
    /// The measured time in as many parts as there are rates one after the other; empty if there are not.
    pub(super) rate_steps: Series,
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
}

impl Tally {
    /// Made when the run begins, for the measured time in nanoseconds since then, with so many rates one after the other.
    pub(in crate::load) fn new(measured_ns: Range<u64>, is_open: bool, rate_steps: usize) -> Self {
        Self {
            began: SystemTime::now(),
            is_open,
            steps: std::array::from_fn(|_| Answers::new()),
            service: Latencies::of_run(),
            lateness_ns: run_histogram(),
            series: Series::new(measured_ns.clone()),
            rate_steps: Series::of_parts(measured_ns, rate_steps),
            unexpected: [0; STATUSES],
            unreadable: 0,
            timeouts: 0,
            connections_lost: 0,
            lost_with_connections: 0,
            unsent: 0,
            unsent_for_lack_of_time: 0,
        }
    }

    pub(super) fn count_status(&mut self, step: Step, status: Status, count: u32) {
        self.steps[step.index()].by_status[status as usize] += u64::from(count);
    }

    pub(super) fn count_unexpected(&mut self, status: Status, count: u32) {
        self.unexpected[status as usize] += u64::from(count);
    }

    /// Counts how late the generator sent what it could have sent earlier; `measured`: it was due within the measured time.
    pub(in crate::load) fn count_lateness(&mut self, late_ns: u64, measured: bool) {
        if measured {
            self.lateness_ns.saturating_record(late_ns);
        }
    }

    /// Where a moment of the measured time counts beside the totals.
    pub(super) fn intervals_at(&mut self, at_ns: u64) -> impl Iterator<Item = &mut Interval> {
        [&mut self.series, &mut self.rate_steps].into_iter().filter_map(move |series| series.at(at_ns))
    }

    /// The longest stretch of time around a moment in which all moments count for the same.
    pub(super) fn moments_around(&self, at_ns: u64) -> Range<u64> {
        let (one, other) = (self.series.moments_around(at_ns), self.rate_steps.moments_around(at_ns));
        one.start.max(other.start)..one.end.min(other.end)
    }

    /// From intended to answered, of one step.
    pub(super) fn response_mut(&mut self, step: Step) -> &mut Latencies<u64> {
        &mut self.steps[step.index()].response
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
        for (mine, theirs) in self.steps.iter_mut().zip(&other.steps) {
            add_each(&mut mine.by_status, &theirs.by_status);
            mine.response += &theirs.response;
        }
        self.began = self.began.min(other.began);
        self.service += &other.service;
        self.series.add(&other.series);
        self.rate_steps.add(&other.rate_steps);
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

    #[test]
    fn every_status_has_its_place() {
        assert!(Status::ALL.iter().all(|status| (*status as usize) < STATUSES));
    }
}
