//! What one thread counted, and the sum over threads. Nothing here allocates once it is made.

use crate::load::step::{Outcome, Step};
use hdrhistogram::Histogram;
use seathold_protocol::status::Status;

/// Status codes are below this.
const STATUSES: usize = 64;

/// The longest latency told apart: beyond the time after which a request is given up.
const LATENCY_NS_MAX: u64 = 60_000_000_000;

/// Three digits: a percentile is off by at most a thousandth.
const LATENCY_DIGITS: u8 = 3;

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
    /// From intended to answered, in nanoseconds, refusals included: what a buyer waits.
    pub(super) response_ns: Histogram<u64>,
    /// From sent to answered.
    pub(super) service_ns: Histogram<u64>,
}

fn histogram() -> Histogram<u64> {
    Histogram::new_with_bounds(1, LATENCY_NS_MAX, LATENCY_DIGITS)
        .expect("bounds and digits are within what hdrhistogram takes")
}

impl Answers {
    fn new() -> Self {
        Self { by_status: [0; STATUSES], response_ns: histogram(), service_ns: histogram() }
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
    steps: [Answers; Step::ALL.len()],
    /// From intended to sent: how late the generator itself was with what was answered within the measured time.
    pub(super) lateness_ns: Histogram<u64>,
    unexpected: [u64; STATUSES],
    /// Replies that answer nothing that was asked, or are none.
    pub(in crate::load) unreadable: u64,
    /// Requests given up.
    pub(in crate::load) timeouts: u64,
    /// Connections lost.
    pub(in crate::load) connections_lost: u64,
    /// All answers since the start, for the live line.
    pub(in crate::load) answers_ever: u64,
    /// Refusals among them.
    pub(in crate::load) refusals_ever: u64,
}

impl Tally {
    pub(in crate::load) fn new() -> Self {
        Self {
            steps: std::array::from_fn(|_| Answers::new()),
            lateness_ns: histogram(),
            unexpected: [0; STATUSES],
            unreadable: 0,
            timeouts: 0,
            connections_lost: 0,
            answers_ever: 0,
            refusals_ever: 0,
        }
    }

    /// Counts an answer; `measured`: it came within the measured time.
    pub(in crate::load) fn count(&mut self, step: Step, outcome: Outcome, times: Times, measured: bool) {
        self.answers_ever += 1;
        let status = match outcome {
            Outcome::Done => Status::Ok,
            Outcome::Refused(status) => {
                self.refusals_ever += 1;
                status
            }
            Outcome::Unexpected(status) => {
                self.unexpected[status as usize] += 1;
                return;
            }
            Outcome::Unreadable => {
                self.unreadable += 1;
                return;
            }
        };
        if measured {
            let answers = &mut self.steps[step.index()];
            answers.by_status[status as usize] += 1;
            answers.response_ns.saturating_record(times.answered_ns.saturating_sub(times.intended_ns));
            answers.service_ns.saturating_record(times.answered_ns.saturating_sub(times.sent_ns));
            self.lateness_ns.saturating_record(times.sent_ns.saturating_sub(times.intended_ns));
        }
    }

    pub(super) fn of(&self, step: Step) -> &Answers {
        &self.steps[step.index()]
    }

    /// Answers within the measured time, refusals included.
    pub(in crate::load) fn requests(&self) -> u64 {
        self.steps.iter().map(Answers::total).sum()
    }

    /// Reservations held and then confirmed, and those that were to be held alone.
    pub(super) fn accepted(&self) -> u64 {
        self.of(Step::Confirm).of(Status::Ok) + self.of(Step::Hold).of(Status::Ok)
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
        unexpected + self.unreadable + self.timeouts + self.connections_lost
    }

    /// What buyers waited, of all requests together.
    pub(super) fn response_ns(&self) -> Histogram<u64> {
        let mut all = histogram();
        for answers in &self.steps {
            all += &answers.response_ns;
        }
        all
    }

    pub(in crate::load) fn add(&mut self, other: &Self) {
        for (mine, theirs) in self.steps.iter_mut().zip(&other.steps) {
            add_each(&mut mine.by_status, &theirs.by_status);
            mine.response_ns += &theirs.response_ns;
            mine.service_ns += &theirs.service_ns;
        }
        self.lateness_ns += &other.lateness_ns;
        add_each(&mut self.unexpected, &other.unexpected);
        self.unreadable += other.unreadable;
        self.timeouts += other.timeouts;
        self.connections_lost += other.connections_lost;
        self.answers_ever += other.answers_ever;
        self.refusals_ever += other.refusals_ever;
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

    fn took(nanoseconds: u64) -> Times {
        Times { intended_ns: 0, sent_ns: 0, answered_ns: nanoseconds }
    }

    #[test]
    fn every_status_has_its_place() {
        assert!(Status::ALL.iter().all(|status| (*status as usize) < STATUSES));
    }

    #[test]
    fn warm_up_counts_for_faults_alone_and_threads_add_up() {
        let mut one = Tally::new();
        one.count(Step::Ping, Outcome::Done, took(1_000), false);
        one.count(Step::Ping, Outcome::Done, took(2_000), true);
        one.count(Step::Reserve, Outcome::Refused(Status::SoldOut), took(3_000), true);
        one.count(Step::Hold, Outcome::Done, took(1_000), true);
        one.count(Step::Reserve, Outcome::Unexpected(Status::UnknownDeparture), took(1), false);
        let mut sum = one.clone();
        sum.add(&one);
        assert_eq!((sum.requests(), sum.accepted(), sum.errors()), (6, 2, 2));
        assert_eq!(sum.refusals().collect::<Vec<_>>(), [(Status::SoldOut, 2)]);
        assert_eq!(sum.unexpected().collect::<Vec<_>>(), [(Status::UnknownDeparture, 2)]);
        assert_eq!((sum.answers_ever, sum.response_ns().len()), (10, 6));
        assert_eq!(sum.of(Step::Reserve).total(), 2);
    }
}
