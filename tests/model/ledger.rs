//! A naive ledger of one departure: every reservation in a map, and every question answered by going through all of them.
//! It does not choose seats; it says whether there are any, and notes which were given.

use std::collections::BTreeMap;

use seathold::catalog::SaleRules;
use seathold_protocol::Class;
use seathold_protocol::batch::Stamp;
use seathold_protocol::plan::Seat;
use seathold_protocol::reply::Sale;
use seathold_protocol::request::{Reserve, Target};
use seathold_protocol::reservation::{Reservation, State};
use seathold_protocol::status::{Limit, Status};

/// Seats of the one class, places of the other, and segments.
pub(crate) const SECOND: Class = Class(3);
pub(crate) const STANDING: Class = Class(8);
pub(crate) const SEATS: u32 = 6;
pub(crate) const PLACES: u32 = 3;
pub(crate) const SEGMENTS: u8 = 4;

/// One reservation.
#[derive(Clone, Debug)]
pub(crate) struct Known {
    pub(crate) reserve: Reserve,
    pub(crate) state: State,
    pub(crate) deadline_ms: u64,
    pub(crate) seats: Vec<Option<Seat>>,
}

/// What a RESERVE of a new id must be answered.
pub(crate) enum Expected {
    Refused(Status, u64),
    /// Places, with a wish that cannot be judged here: held if it is not STRICT.
    Places,
}

pub(crate) struct Ledger {
    pub(crate) rules: SaleRules,
    pub(crate) known: BTreeMap<u128, Known>,
    pub(crate) sale: Sale,
    pub(crate) released_percent: u8,
}

impl Ledger {
    pub(crate) fn new(rules: SaleRules) -> Self {
        Self { rules, known: BTreeMap::new(), sale: Sale::ByRules, released_percent: rules.released_percent }
    }

    pub(crate) fn live(&self) -> impl Iterator<Item = &Known> {
        self.known.values().filter(|known| known.state.is_live())
    }

    /// A hold that is looked at ends when its time is up; every other waits for the expiry.
    pub(crate) fn end_if_due(&mut self, id: u128, now: Stamp) {
        if let Some(known) = self.known.get_mut(&id) {
            known.end_if_due(now);
        }
    }

    pub(crate) fn expire(&mut self, now: Stamp) {
        self.known.values_mut().for_each(|known| known.end_if_due(now));
    }

    /// The first hold to end.
    pub(crate) fn next_deadline(&self) -> Option<u64> {
        let held = self.known.values().filter(|known| known.state == State::Held);
        held.map(|known| known.deadline_ms).min()
    }

    /// The first of all reasons against a new reservation, in the order in which they are checked.
    pub(crate) fn expected(&self, reserve: &Reserve, now: Stamp) -> Expected {
        let rules = &self.rules;
        let refused = |status, detail| Expected::Refused(status, detail);
        if reserve.class != SECOND && reserve.class != STANDING {
            return refused(Status::UnknownClass, 0);
        }
        if reserve.from >= reserve.to || reserve.to > SEGMENTS {
            return refused(Status::BadTrip, u64::from(SEGMENTS) + 1);
        }
        if reserve.hold_ms > rules.hold_ms_max {
            return refused(Status::BadHoldTime, u64::from(rules.hold_ms_max));
        }
        let party_max = rules.passengers_per_reservation;
        if reserve.party > party_max {
            return refused(Status::Limit, Limit::PassengersPerReservation.detail(u32::from(party_max)));
        }
        let over = rules.closes_at_ms.is_some_and(|closes| closes <= now.wall_ms);
        if self.sale == Sale::Closed || over {
            return refused(Status::Closed, 0);
        }
        let opens_in_ms = rules.opens_at_ms.map_or(0, |opens| opens - now.wall_ms);
        if self.sale == Sale::ByRules && opens_in_ms > 0 {
            return refused(Status::NotOpen, opens_in_ms as u64);
        }
        if rules.one_seat_per_passenger {
            let travels = |passenger| self.live().any(|known| known.reserve.passengers().contains(passenger));
            if let Some(at) = reserve.passengers().iter().position(travels) {
                return refused(Status::PassengerAlreadyBooked, at as u64);
            }
        }
        let of_account = self.live().filter(|known| known.reserve.account == reserve.account);
        let places: u32 = of_account.map(|known| u32::from(known.reserve.party)).sum();
        if rules.places_per_account > 0 && places + u32::from(reserve.party) > rules.places_per_account {
            return refused(Status::Limit, Limit::PlacesPerAccount.detail(rules.places_per_account));
        }
        let free = self.free(reserve.class, reserve.from, reserve.to);
        if free < u32::from(reserve.party) {
            return refused(Status::SoldOut, u64::from(free));
        }
        Expected::Places
    }

    /// Notes what was held, and that none of its seats was another's.
    pub(crate) fn hold(&mut self, reserve: &Reserve, told: &Reservation, now: Stamp) {
        let rides = |known: &&Known| known.reserve.from < reserve.to && reserve.from < known.reserve.to;
        let seats = told.seats();
        for (at, seat) in seats.iter().enumerate().filter(|(_, seat)| seat.is_some()) {
            let twice = self.live().filter(rides).find(|known| known.seats.contains(seat));
            assert!(twice.is_none(), "{seat:?} is {:?}'s too", twice.map(|known| known.reserve.id));
            assert!(!seats[..at].contains(seat), "{seat:?} twice in one party");
        }
        let hold_ms = if reserve.hold_ms == 0 { self.rules.hold_ms_default } else { reserve.hold_ms };
        let deadline_ms = now.boot_ms + u64::from(hold_ms);
        let known = Known { reserve: *reserve, state: State::Held, deadline_ms, seats: seats.to_vec() };
        assert!(self.known.insert(reserve.id.0, known).is_none());
    }

    /// What CONFIRM, CANCEL and REFUND come to, by the state that they want.
    pub(crate) fn settle(&mut self, target: &Target, wanted: State, now: Stamp) -> Result<State, Status> {
        let state = self.look_up(target, now)?;
        match (state, wanted) {
            (State::Held, State::Confirmed | State::Cancelled) | (State::Confirmed, State::Refunded) => {
                self.known.get_mut(&target.id.0).expect("it was looked up").state = wanted;
                Ok(wanted)
            }
            _ if state == wanted => Ok(state),
            (State::Held, _) => Err(Status::NotConfirmed),
            (State::Confirmed, _) => Err(Status::AlreadyConfirmed),
            (State::Cancelled, _) => Err(Status::Cancelled),
            (State::Expired, _) => Err(Status::Expired),
            (State::Refunded, _) => Err(Status::Refunded),
        }
    }

    pub(crate) fn look_up(&mut self, target: &Target, now: Stamp) -> Result<State, Status> {
        self.end_if_due(target.id.0, now);
        let known = self.known.get(&target.id.0).ok_or(Status::NotFound)?;
        if known.reserve.account == target.account { Ok(known.state) } else { Err(Status::IdConflict) }
    }

    /// Places for sale of a class.
    fn released(&self, class: Class) -> u32 {
        let capacity = if class == SECOND { SEATS } else { PLACES };
        (capacity * u32::from(self.released_percent)).div_ceil(100)
    }

    /// Places of a class that nobody has between two stops: seats that are free all the way; where places have no numbers,
    /// as many as on the fullest piece.
    pub(crate) fn free(&self, class: Class, from: u8, to: u8) -> u32 {
        let of_class = || self.live().filter(|known| known.reserve.class == class);
        let rides = |known: &Known, from: u8, to: u8| known.reserve.from < to && from < known.reserve.to;
        if class == STANDING {
            let taken = |segment: u8| {
                let here = of_class().filter(|known| rides(known, segment, segment + 1));
                here.map(|known| u32::from(known.reserve.party)).sum::<u32>()
            };
            return self.released(class) - (from..to).map(taken).max().expect("a trip has a segment");
        }
        let mut taken: Vec<_> =
            of_class().filter(|known| rides(known, from, to)).flat_map(|known| &known.seats).collect();
        taken.sort_unstable_by_key(|seat| seat.map(|seat| (seat.coach, seat.row, seat.letter)));
        taken.dedup();
        self.released(class) - taken.len() as u32
    }
}

impl Known {
    fn end_if_due(&mut self, now: Stamp) {
        if self.state == State::Held && self.deadline_ms <= now.boot_ms {
            self.state = State::Expired;
        }
    }
}
