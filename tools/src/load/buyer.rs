//! What a connection asks next: the workload's draw, put on a departure and written as a frame.

use super::habits::Habits;
use super::names::{Names, passengers};
use super::stage::Stage;
use super::step::{Outcome, Step};
use super::workload::{Kind, Workload};
use rand::{RngExt, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;
use seathold_protocol::request::{Availability, Request, Reserve, Target};
use seathold_protocol::wishes::Wishes;
use seathold_protocol::{Class, DepartureId, StopIndex};
use std::sync::Arc;

/// What the buyers of one run have in common.
#[derive(Clone, Debug)]
pub(super) struct Script {
    pub(super) workload: Workload,
    pub(super) habits: Habits,
    pub(super) seed: u64,
}

/// A reservation that somebody asked for.
#[derive(Clone, Copy, Debug)]
struct Booking {
    target: Target,
    class: Class,
    from: StopIndex,
    to: StopIndex,
    party: u8,
}

impl Booking {
    fn reserve(&self, first: bool) -> Request<'static> {
        Request::Reserve(Reserve {
            id: self.target.id,
            departure: self.target.departure,
            account: self.target.account,
            class: self.class,
            from: self.from,
            to: self.to,
            party: self.party,
            hold_ms: 0,
            wishes: Wishes::default(),
            passengers: passengers(self.target.id, self.party),
            first,
        })
    }
}

/// A request that is on its way, or is to be written later.
#[derive(Clone, Copy, Debug)]
pub(super) struct Errand {
    pub(super) step: Step,
    kind: Kind,
    /// What it is about, if it buys something or gives it back.
    booking: Option<Booking>,
    /// Where the oracle remembers that, if it does.
    pub(super) note: Option<u32>,
}

/// Asks on the connections of one lane. Its choices follow from the seed and the lane's number; its ids are always new.
#[derive(Clone, Debug)]
pub(super) struct Buyer {
    script: Arc<Script>,
    stage: Arc<Stage>,
    choices: Xoshiro256PlusPlus,
    names: Names,
}

impl Buyer {
    /// `stage` has something for every kind of the script's workload.
    pub(super) fn new(script: Arc<Script>, stage: Arc<Stage>, lane: usize) -> Self {
        assert!(stage.serves(&script.workload), "a buyer has something to ask for");
        // Seeds one apart give unrelated streams: seed_from_u64 mixes them.
        let choices =
            Xoshiro256PlusPlus::seed_from_u64(script.seed.wrapping_mul(1 << 20).wrapping_add(lane as u64));
        Self { script, stage, choices, names: Names::new() }
    }

    /// Writes the first request of something new.
    #[inline]
    pub(super) fn begin(&mut self, correlation: u64, out: &mut Vec<u8>) -> Errand {
        let kind = self.script.workload.draw(&mut self.choices);
        match kind {
            Kind::Ping => {
                Request::Ping(&[]).encode(correlation, out);
                Errand::without_booking(Step::Ping, kind)
            }
            Kind::Lookup => {
                let at = self.choices.random_range(0..self.stage.reservations.len());
                Request::Lookup(self.stage.reservations[at]).encode(correlation, out);
                Errand::without_booking(Step::Lookup, kind)
            }
            Kind::Availability => {
                let (departure, class, pair) = self.choose_trip();
                let asked = Availability { departure, class: Some(class), pair: Some(pair) };
                Request::Availability(asked).encode(correlation, out);
                Errand::without_booking(Step::Availability, kind)
            }
            Kind::Refused => {
                let trip = self.stage.sold_out[self.choices.random_range(0..self.stage.sold_out.len())];
                let booking = self.book(trip.id, trip.class, (0, trip.stops - 1));
                Errand::begin(Step::Refused, kind, booking, correlation, out)
            }
            Kind::Sale | Kind::Hold | Kind::Cancel | Kind::Refund => {
                let (departure, class, pair) = self.choose_trip();
                let booking = self.book(departure, class, pair);
                let step = if kind == Kind::Hold { Step::Hold } else { Step::Reserve };
                Errand::begin(step, kind, booking, correlation, out)
            }
        }
    }

    /// The step that follows from an answer, and after how many nanoseconds, if one does: a hold is confirmed.
    #[inline]
    pub(super) fn follow(&mut self, done: &Errand, outcome: Outcome) -> Option<(Step, u64)> {
        if outcome != Outcome::Done {
            return None;
        }
        let habits = &self.script.habits;
        let is_new = matches!(done.step, Step::Reserve | Step::Hold);
        let step = match (done.step, done.kind) {
            _ if is_new && habits.duplicates.hits(&mut self.choices) => Step::Duplicate,
            (Step::Reserve | Step::Duplicate, Kind::Sale | Kind::Refund) => {
                if habits.abandon.hits(&mut self.choices) {
                    return None;
                }
                Step::Confirm
            }
            (Step::Reserve | Step::Duplicate, Kind::Cancel) => Step::Cancel,
            (Step::Confirm, Kind::Refund) => Step::Refund,
            _ => return None,
        };
        let wait_ns = match habits.pay_after {
            Some(span) if step == Step::Confirm => span.draw(&mut self.choices),
            _ => 0,
        };
        Some((step, wait_ns))
    }

    fn choose_trip(&mut self) -> (DepartureId, Class, (StopIndex, StopIndex)) {
        let departure = self.stage.choose(&mut self.choices);
        let pair = self.script.habits.trips.draw(departure.stops, &mut self.choices);
        (departure.id, departure.class, pair)
    }

    fn book(&mut self, departure: DepartureId, class: Class, (from, to): (StopIndex, StopIndex)) -> Booking {
        let party = self.script.habits.party.draw(&mut self.choices);
        let target = Target { id: self.names.reservation(), departure, account: self.names.account() };
        Booking { target, class, from, to, party }
    }
}

impl Errand {
    fn without_booking(step: Step, kind: Kind) -> Self {
        Self { step, kind, booking: None, note: None }
    }

    /// Writes the first request about a booking.
    fn begin(step: Step, kind: Kind, booking: Booking, correlation: u64, out: &mut Vec<u8>) -> Self {
        let errand = Self { step, kind, booking: Some(booking), note: None };
        errand.write(correlation, out);
        errand
    }

    /// The reservation that it is about, if any.
    pub(super) fn target(&self) -> Option<Target> {
        self.booking.map(|booking| booking.target)
    }

    /// Writes its request; it is about a booking.
    pub(super) fn write(&self, correlation: u64, out: &mut Vec<u8>) {
        let booking = self.booking.expect("what follows from an answer is about a booking");
        let request = match self.step {
            Step::Confirm => Request::Confirm(booking.target),
            Step::Cancel => Request::Cancel(booking.target),
            Step::Refund => Request::Refund(booking.target),
            step => booking.reserve(step != Step::Duplicate),
        };
        request.encode(correlation, out);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::load::Options;
    use crate::load::departures::Departure;
    use clap::Parser;
    use seathold_protocol::frame;
    use std::collections::HashSet;

    fn buyer(workload: &str, seed: u64) -> Buyer {
        let departures: Vec<_> =
            (0..4).map(|at| Departure { id: DepartureId(at), stops: 5, class: Class(3) }).collect();
        let stage = Stage { sold_out: departures[..1].to_vec(), departures, ..Stage::default() };
        let script = Script { workload: workload.parse().unwrap(), habits: habits("--party 2"), seed };
        Buyer::new(Arc::new(script), Arc::new(stage), 7)
    }

    fn habits(line: &str) -> Habits {
        let words = ["seathold-load"].into_iter().chain(line.split_whitespace());
        Options::try_parse_from(words).unwrap().habits
    }

    /// The steps that follow from a first one when everything is done.
    fn course(workload: &str, line: &str) -> Vec<Step> {
        let mut buyer = buyer(workload, 1);
        let script = Script { habits: habits(line), ..(*buyer.script).clone() };
        buyer.script = Arc::new(script);
        let mut errand = buyer.begin(1, &mut Vec::new());
        let mut steps = vec![errand.step];
        while let Some((next, _)) = buyer.follow(&errand, Outcome::Done) {
            steps.push(next);
            errand.step = next;
        }
        steps
    }

    fn reserves(buyer: &mut Buyer, count: u64) -> Vec<Reserve> {
        let one = |correlation| {
            let mut out = Vec::new();
            buyer.begin(correlation, &mut out);
            let frame = frame::split(&out, 512).unwrap().unwrap();
            assert_eq!(frame.header.correlation, correlation);
            let Ok(Request::Reserve(reserve)) = Request::decode(&frame) else { panic!("not a RESERVE") };
            reserve
        };
        (0..count).map(one).collect()
    }

    #[test]
    fn choices_repeat_with_the_seed_and_ids_never() {
        let trips = |asked: &[Reserve]| -> Vec<_> {
            asked.iter().map(|reserve| (reserve.departure, reserve.from, reserve.to)).collect()
        };
        let (a, b) = (reserves(&mut buyer("sale", 1), 500), reserves(&mut buyer("sale", 1), 500));
        assert_eq!(trips(&a), trips(&b));
        assert_ne!(trips(&a), trips(&reserves(&mut buyer("sale", 2), 500)));
        let ids: HashSet<_> = a.iter().chain(&b).map(|reserve| reserve.id).collect();
        assert_eq!(ids.len(), 1_000);
        assert!(a.iter().all(|reserve| reserve.from < reserve.to && reserve.to < 5 && reserve.first));
        let seen: HashSet<_> = trips(&a).into_iter().collect();
        assert_eq!(seen.len(), 4 * 10, "every pair of every departure comes up");
    }

    #[test]
    fn each_kind_takes_its_steps() {
        assert_eq!(course("sale", ""), [Step::Reserve, Step::Confirm]);
        assert_eq!(course("hold", ""), [Step::Hold]);
        assert_eq!(course("cancel", ""), [Step::Reserve, Step::Cancel]);
        assert_eq!(course("refund", ""), [Step::Reserve, Step::Confirm, Step::Refund]);
        assert_eq!(course("sale", "--abandon 100%"), [Step::Reserve]);
        assert_eq!(course("sale", "--duplicates 100%"), [Step::Reserve, Step::Duplicate, Step::Confirm]);
        assert_eq!(course("hold", "--duplicates 100%"), [Step::Hold, Step::Duplicate]);
        assert_eq!(course("refused", "--duplicates 100%"), [Step::Refused]);
    }

    #[test]
    fn a_hold_is_confirmed_and_a_refusal_is_not() {
        let mut buyer = buyer("sale", 1);
        let errand = buyer.begin(1, &mut Vec::new());
        let refused = Outcome::Refused(seathold_protocol::status::Status::SoldOut);
        assert!(buyer.follow(&errand, refused).is_none());
        assert_eq!(buyer.follow(&errand, Outcome::Done), Some((Step::Confirm, 0)));
        let mut out = Vec::new();
        Errand { step: Step::Confirm, ..errand }.write(3, &mut out);
        let frame = frame::split(&out, 512).unwrap().unwrap();
        assert_eq!(Request::decode(&frame), Ok(Request::Confirm(errand.booking.unwrap().target)));
        let late = habits("--pay-after 2s..3s");
        buyer.script = Arc::new(Script { habits: late, ..(*buyer.script).clone() });
        let (_, wait_ns) = buyer.follow(&errand, Outcome::Done).unwrap();
        assert!((2_000_000_000..=3_000_000_000).contains(&wait_ns), "{wait_ns}");
    }

    #[test]
    fn a_duplicate_is_the_same_request_again() {
        let mut buyer = buyer("sale", 1);
        let (mut first, mut again) = (Vec::new(), Vec::new());
        let errand = buyer.begin(1, &mut first);
        Errand { step: Step::Duplicate, ..errand }.write(1, &mut again);
        let reserve = |bytes: &[u8]| match Request::decode(&frame::split(bytes, 512).unwrap().unwrap()) {
            Ok(Request::Reserve(reserve)) => reserve,
            other => panic!("{other:?}"),
        };
        let (first, again) = (reserve(&first), reserve(&again));
        assert!(first.first && !again.first);
        assert_eq!(first, Reserve { first: true, ..again });
        assert_ne!(first.passengers[0], first.passengers[1]);
    }

    #[test]
    fn refused_asks_for_the_sold_out_trip() {
        let asked = reserves(&mut buyer("refused", 1), 20);
        assert!(asked.iter().all(|reserve| (reserve.departure.0, reserve.from, reserve.to) == (0, 0, 4)));
    }
}
