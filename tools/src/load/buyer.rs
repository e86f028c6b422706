//! What a connection asks next: the workload's draw, put on a departure and written as a frame.

use super::names::Names;
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
    pub(super) party: u8,
    pub(super) seed: u64,
}

/// A request that is on its way.
#[derive(Clone, Copy, Debug)]
pub(super) struct Errand {
    pub(super) step: Step,
    /// The reservation that a RESERVE makes, if it is to be confirmed.
    target: Option<Target>,
}

impl Errand {
    fn of(step: Step) -> Self {
        Self { step, target: None }
    }
}

/// Asks on one connection. Its choices follow from the seed and the connection's number; its ids are always new.
#[derive(Clone, Debug)]
pub(super) struct Buyer {
    script: Arc<Script>,
    stage: Arc<Stage>,
    choices: Xoshiro256PlusPlus,
    names: Names,
}

impl Buyer {
    /// `stage` has something for every kind of the script's workload.
    pub(super) fn new(script: Arc<Script>, stage: Arc<Stage>, connection: usize) -> Self {
        assert!(stage.serves(&script.workload), "a buyer has something to ask for");
        // Seeds one apart give unrelated streams: seed_from_u64 mixes them.
        let choices = Xoshiro256PlusPlus::seed_from_u64(
            script.seed.wrapping_mul(1 << 20).wrapping_add(connection as u64),
        );
        Self { script, stage, choices, names: Names::new() }
    }

    /// Writes the first request of something new.
    pub(super) fn begin(&mut self, correlation: u64, out: &mut Vec<u8>) -> Errand {
        match self.script.workload.draw(&mut self.choices) {
            Kind::Ping => {
                Request::Ping(&[]).encode(correlation, out);
                Errand::of(Step::Ping)
            }
            Kind::Refused => {
                let trip = self.stage.sold_out[self.choices.random_range(0..self.stage.sold_out.len())];
                let pair = (0, trip.stops - 1);
                let reserve = self.reserve(trip.id, trip.class, pair);
                Request::Reserve(reserve).encode(correlation, out);
                Errand::of(Step::Refused)
            }
            kind @ (Kind::Sale | Kind::Hold) => {
                let (departure, class, pair) = self.choose_trip();
                let reserve = self.reserve(departure, class, pair);
                Request::Reserve(reserve).encode(correlation, out);
                if kind == Kind::Hold {
                    return Errand::of(Step::Hold);
                }
                let target = Target { id: reserve.id, departure, account: reserve.account };
                Errand { step: Step::Reserve, target: Some(target) }
            }
            Kind::Lookup => {
                let at = self.choices.random_range(0..self.stage.reservations.len());
                Request::Lookup(self.stage.reservations[at]).encode(correlation, out);
                Errand::of(Step::Lookup)
            }
            Kind::Availability => {
                let (departure, class, pair) = self.choose_trip();
                let asked = Availability { departure, class: Some(class), pair: Some(pair) };
                Request::Availability(asked).encode(correlation, out);
                Errand::of(Step::Availability)
            }
        }
    }

    /// Writes the request that follows from an answer, if one does: a hold is confirmed.
    pub(super) fn follow(
        &self,
        done: Errand,
        outcome: Outcome,
        correlation: u64,
        out: &mut Vec<u8>,
    ) -> Option<Errand> {
        let target = done.target.filter(|_| outcome == Outcome::Done)?;
        Request::Confirm(target).encode(correlation, out);
        Some(Errand::of(Step::Confirm))
    }

    /// Every pair of stops of every departure alike.
    fn choose_trip(&mut self) -> (DepartureId, Class, (StopIndex, StopIndex)) {
        let departure = self.stage.departures[self.choices.random_range(0..self.stage.departures.len())];
        let one = self.choices.random_range(0..departure.stops);
        let other = self.choices.random_range(0..departure.stops - 1);
        let other = if other >= one { other + 1 } else { other };
        (departure.id, departure.class, (one.min(other), one.max(other)))
    }

    fn reserve(
        &mut self,
        departure: DepartureId,
        class: Class,
        (from, to): (StopIndex, StopIndex),
    ) -> Reserve {
        let party = self.script.party;
        Reserve {
            id: self.names.reservation(),
            departure,
            account: self.names.account(),
            class,
            from,
            to,
            party,
            hold_ms: 0,
            wishes: Wishes::default(),
            passengers: self.names.passengers(party),
            first: true,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::load::departures::Departure;
    use seathold_protocol::frame;
    use std::collections::HashSet;

    fn buyer(workload: &str, seed: u64) -> Buyer {
        let departures: Vec<_> =
            (0..4).map(|at| Departure { id: DepartureId(at), stops: 5, class: Class(3) }).collect();
        let stage = Stage { sold_out: departures[..1].to_vec(), departures, reservations: Vec::new() };
        let script = Script { workload: workload.parse().unwrap(), party: 2, seed };
        Buyer::new(Arc::new(script), Arc::new(stage), 7)
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
    fn a_hold_is_confirmed_and_a_refusal_is_not() {
        let mut buyer = buyer("sale", 1);
        let mut out = Vec::new();
        let errand = buyer.begin(1, &mut out);
        out.clear();
        let refused = Outcome::Refused(seathold_protocol::status::Status::SoldOut);
        assert!(buyer.follow(errand, refused, 2, &mut out).is_none() && out.is_empty());
        let confirm = buyer.follow(errand, Outcome::Done, 3, &mut out).unwrap();
        assert_eq!(confirm.step, Step::Confirm);
        let frame = frame::split(&out, 512).unwrap().unwrap();
        assert_eq!(Request::decode(&frame), Ok(Request::Confirm(errand.target.unwrap())));
        assert!(buyer.follow(confirm, Outcome::Done, 4, &mut out).is_none());
    }

    #[test]
    fn a_hold_alone_is_not_confirmed() {
        let mut buyer = buyer("hold", 1);
        let mut out = Vec::new();
        let errand = buyer.begin(1, &mut out);
        assert_eq!(errand.step, Step::Hold);
        let frame = frame::split(&out, 512).unwrap().unwrap();
        assert!(matches!(Request::decode(&frame), Ok(Request::Reserve(_))));
        out.clear();
        assert!(buyer.follow(errand, Outcome::Done, 2, &mut out).is_none() && out.is_empty());
    }

    #[test]
    fn refused_asks_for_the_sold_out_trip() {
        let asked = reserves(&mut buyer("refused", 1), 20);
        assert!(asked.iter().all(|reserve| (reserve.departure.0, reserve.from, reserve.to) == (0, 0, 4)));
    }
}
