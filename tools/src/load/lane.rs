//! Who decides what is asked next on some connections, and when: in a closed loop whenever a slot is free, in an open
//! loop when the schedule says so.

use super::buyer::{Buyer, Errand};
use super::connection::Clock;
use super::oracle::Memory;
use super::schedule::Arrivals;
use super::step::Outcome;
use std::cmp::Ordering;
use std::collections::{BinaryHeap, VecDeque};

/// A request that was just written.
#[derive(Clone, Copy, Debug)]
pub(super) struct Asked {
    pub(super) errand: Errand,
    /// When it was due; what is new in a closed loop is due now.
    pub(super) intended_ns: u64,
}

/// What a buyer will ask who takes their time.
#[derive(Clone, Copy, Debug)]
struct Later {
    due_ns: u64,
    errand: Errand,
}

/// The earliest is the greatest, and so the first in a heap.
impl Ord for Later {
    fn cmp(&self, other: &Self) -> Ordering {
        other.due_ns.cmp(&self.due_ns)
    }
}

impl PartialOrd for Later {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Later {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Later {}

/// In a closed loop each connection has its own; in an open one the connections of a thread that lead to the same port
/// share one, so that a request waits only while none of them has a free slot.
pub(super) struct Lane {
    buyer: Buyer,
    arrivals: Option<Arrivals>,
    /// Holds that wait to be paid: as many as arrive in the longest time that somebody takes.
    later: BinaryHeap<Later>,
    /// Connections with a free slot, each once, by turns. Empty in a closed loop.
    ready: VecDeque<usize>,
    /// What was acknowledged, if an oracle asks for it.
    pub(super) memory: Option<Memory>,
}

impl Lane {
    /// Asks again as soon as there is an answer. `later`: payments that may be outstanding at once before memory is taken
    /// during the run.
    pub(super) fn closed(buyer: Buyer, later: usize) -> Self {
        Self {
            buyer,
            arrivals: None,
            later: BinaryHeap::with_capacity(later),
            ready: VecDeque::new(),
            memory: None,
        }
    }

    /// Asks when `arrivals` are due, on so many connections; `later` as in `closed`.
    pub(super) fn open(buyer: Buyer, arrivals: Arrivals, connections: usize, later: usize) -> Self {
        let (later, ready) = (BinaryHeap::with_capacity(later), VecDeque::with_capacity(connections));
        Self { buyer, arrivals: Some(arrivals), later, ready, memory: None }
    }

    pub(super) fn is_open(&self) -> bool {
        self.arrivals.is_some()
    }

    /// Writes what comes next, if anything is due: who pays goes before who arrives at the same time.
    #[inline]
    pub(super) fn ask(&mut self, now_ns: u64, correlation: u64, out: &mut Vec<u8>) -> Option<Asked> {
        let new_ns = self.arrivals.as_ref().map_or(now_ns, Arrivals::due_ns);
        if self.later_ns() <= new_ns.min(now_ns) {
            let Later { due_ns, errand } = self.later.pop()?;
            self.write(&errand, correlation, out);
            return Some(Asked { errand, intended_ns: due_ns });
        }
        if new_ns > now_ns {
            return None;
        }
        if let Some(arrivals) = &mut self.arrivals {
            arrivals.take();
        }
        Some(Asked { errand: self.buyer.begin(correlation, out), intended_ns: new_ns })
    }

    /// Makes of an errand what follows from its answer, and writes it. False if nothing follows at once.
    #[inline]
    pub(super) fn follow(
        &mut self,
        errand: &mut Errand,
        outcome: Outcome,
        now_ns: u64,
        correlation: u64,
        out: &mut Vec<u8>,
    ) -> bool {
        let Some((step, wait_ns)) = self.buyer.follow(errand, outcome) else { return false };
        errand.step = step;
        if wait_ns > 0 {
            self.later.push(Later { due_ns: now_ns + wait_ns, errand: *errand });
            return false;
        }
        self.write(errand, correlation, out);
        true
    }

    fn write(&mut self, errand: &Errand, correlation: u64, out: &mut Vec<u8>) {
        if let Some(memory) = &mut self.memory {
            memory.sends(errand);
        }
        errand.write(correlation, out);
    }

    fn later_ns(&self) -> u64 {
        self.later.peek().map_or(u64::MAX, |later| later.due_ns)
    }

    /// Notes a connection of an open loop that has a free slot again; it is not among those that had one.
    pub(super) fn has_slot(&mut self, connection: usize) {
        self.ready.push_back(connection);
    }

    /// The connection whose turn it is; it goes on having a turn only if it is noted again.
    pub(super) fn next_ready(&mut self) -> Option<usize> {
        self.ready.pop_front()
    }

    /// When the next request of an open loop can be sent; `u64::MAX` for never, and while no slot is free.
    pub(super) fn due_ns(&self) -> u64 {
        match &self.arrivals {
            Some(arrivals) if !self.ready.is_empty() => arrivals.due_ns().min(self.later_ns()),
            _ => u64::MAX,
        }
    }

    /// Drops what was due in an open loop within the measured time and was never sent, and counts it.
    pub(super) fn drop_unsent(&mut self, clock: &Clock) -> u64 {
        let Some(arrivals) = &mut self.arrivals else { return 0 };
        let new = std::iter::from_fn(|| Some(arrivals.take()).filter(|due_ns| *due_ns != u64::MAX));
        let due = new.chain(self.later.drain().map(|later| later.due_ns));
        due.filter(|due_ns| clock.measures(*due_ns)).count() as u64
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::load::Options;
    use crate::load::buyer::Script;
    use crate::load::departures::Departure;
    use crate::load::stage::Stage;
    use crate::load::step::Step;
    use clap::Parser;
    use seathold_protocol::{Class, DepartureId};
    use std::sync::Arc;
    use std::time::Instant;

    /// A lane of the whole schedule: evenly 1,000 a second for a second.
    fn lane(line: &str) -> Lane {
        let line = format!("seathold-load --rate 1000 --arrivals even --seconds 1 --warmup 0 {line}");
        let options = Options::try_parse_from(line.split_whitespace()).unwrap();
        let departures = vec![Departure { id: DepartureId(1), stops: 3, class: Class(3) }];
        let stage = Stage { departures, ..Stage::default() };
        let script = Script { workload: options.workload.clone(), habits: options.habits.clone(), seed: 1 };
        let buyer = Buyer::new(Arc::new(script), Arc::new(stage), 0);
        match options.schedule() {
            Some(schedule) => Lane::open(buyer, schedule.arrivals(1, 1.0, 0, 1), 1, 4),
            None => Lane::closed(buyer, 4),
        }
    }

    /// What is asked at a moment, and when it was due.
    fn ask(lane: &mut Lane, now_ns: u64) -> Option<(Step, u64)> {
        let asked = lane.ask(now_ns, 0, &mut Vec::new())?;
        Some((asked.errand.step, asked.intended_ns))
    }

    #[test]
    fn what_could_not_be_sent_keeps_the_time_at_which_it_was_due() {
        let mut lane = lane("");
        assert_eq!(ask(&mut lane, 499_999), None);
        assert_eq!(ask(&mut lane, 500_000), Some((Step::Ping, 500_000)));
        assert_eq!(ask(&mut lane, 500_000), None);
        // Nothing was asked for a while.
        let asked = std::iter::from_fn(|| ask(&mut lane, 4_000_000)).map(|(_, due_ns)| due_ns);
        assert_eq!(asked.collect::<Vec<_>>(), [1_500_000, 2_500_000, 3_500_000]);
    }

    #[test]
    fn nothing_can_be_sent_without_a_slot() {
        let mut lane = lane("");
        assert_eq!(lane.due_ns(), u64::MAX);
        lane.has_slot(7);
        assert_eq!(lane.due_ns(), 500_000);
        assert_eq!((lane.next_ready(), lane.due_ns()), (Some(7), u64::MAX));
    }

    #[test]
    fn a_payment_is_due_when_the_buyer_said() {
        for line in ["--workload sale --pay-after 2ms", "--closed --workload sale --pay-after 2ms"] {
            let mut lane = lane(line);
            let Asked { mut errand, .. } = lane.ask(600_000, 0, &mut Vec::new()).unwrap();
            assert!(!lane.follow(&mut errand, Outcome::Done, 700_000, 0, &mut Vec::new()), "{line}");
            assert_ne!(ask(&mut lane, 2_600_000).unwrap().0, Step::Confirm, "{line}");
            while ask(&mut lane, 2_699_999).is_some_and(|_| lane.is_open()) {}
            assert_eq!(ask(&mut lane, 2_800_000), Some((Step::Confirm, 2_700_000)), "{line}");
        }
    }

    #[test]
    fn what_is_left_at_the_end_is_counted_within_the_measured_time() {
        let mut lane = lane("--workload sale --pay-after 2ms");
        for now_ns in [600_000, 1_600_000] {
            let Asked { mut errand, .. } = lane.ask(now_ns, 0, &mut Vec::new()).unwrap();
            lane.follow(&mut errand, Outcome::Done, now_ns, 0, &mut Vec::new());
        }
        let clock = Clock { epoch: Instant::now(), from_ns: 3_000_000, until_ns: 1_000_000_000 };
        // Of 1,000 arrivals 3 were due before, 2 of them sent; of 2 payments one was due before.
        assert_eq!(lane.drop_unsent(&clock), 997 + 1);
    }
}
