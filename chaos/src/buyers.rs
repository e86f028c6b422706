//! The buyers: who asks for what, and what they do with a hold. A function of the seed and the buyer's number alone, so
//! that the check can tell what was asked without having been there.

use crate::timetable::Timetable;
use rand::{RngExt, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;
use seathold_client::ReserveRequest;
use seathold_protocol::{AccountId, Class, DepartureId, PassengerId, ReservationId};
use std::sync::Arc;

/// How long holds last: short, so that many run out while the server is down.
const HOLD_MS: u32 = 400;

/// Likewise of rivals: their windows are shorter.
const RIVALS_HOLD_MS: u32 = 200;

/// Requests on their way at once, and those of rivals: the orders in which these can have been done must be few.
const IN_FLIGHT: usize = 96;
const RIVALS_IN_FLIGHT: usize = 6;

/// Passenger ids set apart for each account.
const PASSENGERS_PER_ACCOUNT: u64 = 16;

/// Parties are of 1 to so many.
const PARTY_MAX: u64 = 4;

/// What a buyer does with a hold. Few keep their ticket: a crowd that goes on for hours must not find everything sold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// Buys it.
    Keep,
    /// Buys it and gives it back.
    Refund,
    /// Gives it back before.
    Cancel,
    /// Lets it run out.
    WalkAway,
}

/// What a buyer asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Asked {
    /// On which departure.
    pub departure: DepartureId,
    /// For whose account.
    pub account: AccountId,
    /// In which class.
    pub class: Class,
    /// From stop to stop.
    pub trip: (u8, u8),
    /// For how many.
    pub party: u8,
}

/// One buyer.
#[derive(Clone, Copy, Debug)]
pub struct Buyer {
    /// The first request.
    pub request: ReserveRequest,
    /// What is in it.
    pub asked: Asked,
    /// What comes after it.
    pub fate: Fate,
    /// Gives up soon, so that a crash leaves an unknown outcome behind.
    pub hasty: bool,
    /// Looks up what it was told.
    pub curious: bool,
    /// Asks again under the same id when the outcome is unknown; others are never heard of again.
    pub returns: bool,
}

/// All buyers of one run.
#[derive(Clone, Debug)]
pub struct Buyers {
    seed: u64,
    timetable: Arc<Timetable>,
    /// The departure and class, by their positions, that all of them want.
    wanted: Option<(usize, usize)>,
}

impl Buyers {
    /// The buyers of a seed.
    pub fn new(seed: u64, timetable: Arc<Timetable>) -> Self {
        Self { seed, timetable, wanted: None }
    }

    /// Few buyers at a time, who all want the class with the fewest seats of one departure, and keep none.
    pub fn rivals(seed: u64, timetable: Arc<Timetable>) -> Self {
        let departures = timetable.departures().iter().enumerate();
        let classes = departures.flat_map(|(at, on_sale)| {
            let numbered = |class: &usize| on_sale.layout.seat(*class, 0).is_some();
            (0..on_sale.layout.classes().len()).filter(numbered).map(move |class| (at, class, on_sale))
        });
        let fewest = classes.min_by_key(|(_, class, on_sale)| on_sale.layout.capacity(*class));
        let wanted = fewest.map(|(at, class, _)| (at, class));
        Self { seed, timetable, wanted }
    }

    /// How many requests of theirs are on their way at once.
    pub(crate) fn in_flight(&self) -> usize {
        if self.wanted.is_some() { RIVALS_IN_FLIGHT } else { IN_FLIGHT }
    }

    /// How long their holds last, in milliseconds.
    pub(crate) fn hold_ms(&self) -> u32 {
        if self.wanted.is_some() { RIVALS_HOLD_MS } else { HOLD_MS }
    }

    /// What they buy from.
    pub fn timetable(&self) -> &Timetable {
        &self.timetable
    }

    /// Buyer number `number`.
    pub fn buyer(&self, number: u64) -> Buyer {
        let seed = self.seed.wrapping_mul(0x9e37_79b9).wrapping_add(number);
        let mut random = Xoshiro256PlusPlus::seed_from_u64(seed);
        let departures = self.timetable.departures();
        let drawn = random.random_range(0..departures.len());
        let departure = &departures[self.wanted.map_or(drawn, |(departure, _)| departure)];
        let from = random.random_range(0..departure.segments);
        let trip = (from, random.random_range(from + 1..=departure.segments));
        let classes = departure.layout.classes();
        let drawn = random.random_range(0..classes.len());
        let at = self.wanted.map_or(drawn, |(_, class)| class);
        let class = departure.layout.classes().nth(at).expect("drawn from the classes");
        let party = random.random_range(1..=PARTY_MAX);
        let fate = match random.random_range(0..100) {
            0..2 if self.wanted.is_none() => Fate::Keep,
            0..50 => Fate::Refund,
            50..75 => Fate::Cancel,
            _ => Fate::WalkAway,
        };
        let account = AccountId(number + 1);
        let passengers: Vec<_> =
            (0..party).map(|at| PassengerId(account.0 * PASSENGERS_PER_ACCOUNT + at)).collect();
        let request = ReserveRequest::new(self.id(number), departure.id, account, class, trip, &passengers)
            .expect("a party has 1 to 9 passengers")
            .hold_ms(self.hold_ms());
        let asked = Asked { departure: departure.id, account, class, trip, party: party as u8 };
        let (hasty, returns) = (random.random(), random.random());
        let curious = self.wanted.is_some() && random.random();
        Buyer { request, asked, fate, hasty, curious, returns }
    }

    /// The buyer who asks under this id, if one of these ever could.
    pub fn number(&self, id: ReservationId) -> Option<u64> {
        let number = (id.0 as u64).checked_sub(1)?;
        (self.id(number) == id).then_some(number)
    }

    /// The id of buyer number `number`.
    pub fn id(&self, number: u64) -> ReservationId {
        ReservationId(u128::from(self.seed.wrapping_add(1)) << 64 | u128::from(number + 1))
    }
}
