//! The buyers: who asks for what, and what they do with a hold. A function of the seed and the buyer's number alone, so
//! nothing has to be remembered of a million of them.

use super::DemoError;
use crate::catalog::{Catalog, DepartureIndex};
use crate::inventory::Layout;
use rand::{Rng, RngExt, SeedableRng};
use rand_distr::weighted::WeightedIndex;
use rand_distr::{Distribution, Zipf};
use rand_xoshiro::Xoshiro256PlusPlus;
use seathold_client::ReserveRequest;
use seathold_protocol::{AccountId, Class, DepartureId, PassengerId, ReservationId};

/// How long the demo's holds last.
pub(super) const HOLD_MS: u32 = 3_000;

/// Parties of 1 to 5, by weight.
const PARTY_WEIGHTS: [u32; 5] = [45, 30, 12, 9, 4];

/// Of a hundred who get a hold, so many confirm and so many cancel; the rest walk away.
const CONFIRM_PERCENT: u32 = 78;
const CANCEL_PERCENT: u32 = 7;

/// Passenger ids set apart for each account; a party needs at most 5 of them.
const PASSENGERS_PER_ACCOUNT: u64 = 16;

/// What a buyer does with a hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    Confirm,
    Cancel,
    WalkAway,
}

pub(super) struct Buyer {
    pub(super) request: ReserveRequest,
    pub(super) fate: Fate,
}

/// One departure on sale.
pub(super) struct OnSale {
    pub(super) id: DepartureId,
    pub(super) segments: u8,
    pub(super) layout: Layout,
    pairs: Vec<(u8, u8)>,
    pair_weights: WeightedIndex<f64>,
    class_weights: WeightedIndex<u32>,
}

pub(super) struct Crowd {
    seed: u64,
    departures: Vec<OnSale>,
    places: u64,
    popularity: Zipf<f64>,
    parties: WeightedIndex<u32>,
}

impl Crowd {
    /// Draws whole departures of the catalogue until they have `places` places.
    pub(super) fn new(catalog: &Catalog, places: u32, seed: u64) -> Result<Self, DemoError> {
        let mut random = Xoshiro256PlusPlus::seed_from_u64(seed);
        let mut indices: Vec<u32> = (0..catalog.len() as u32).collect();
        let mut departures = Vec::new();
        let mut total = 0;
        while total < u64::from(places) && !indices.is_empty() {
            let drawn = indices.swap_remove(random.random_range(0..indices.len()));
            let departure = OnSale::new(catalog, DepartureIndex(drawn), &mut random);
            total += departure.places();
            departures.push(departure);
        }
        if departures.is_empty() {
            let text = "no train of the timetable runs on this date: choose another with --date";
            return Err(DemoError::NothingToSell(text.to_owned()));
        }
        let popularity = Zipf::new(departures.len() as f64, 0.8).expect("at least one departure");
        let parties = WeightedIndex::new(PARTY_WEIGHTS).expect("weights are positive");
        Ok(Self { seed, departures, places: total, popularity, parties })
    }

    pub(super) fn departures(&self) -> &[OnSale] {
        &self.departures
    }

    pub(super) fn departure(&self, id: DepartureId) -> Option<&OnSale> {
        self.departures.iter().find(|departure| departure.id == id)
    }

    /// Seats and places of all departures on sale.
    pub(super) fn places(&self) -> u64 {
        self.places
    }

    /// Buyer number `number` of the rush.
    pub(super) fn buyer(&self, number: u64) -> Buyer {
        let mut random =
            Xoshiro256PlusPlus::seed_from_u64(self.seed.wrapping_mul(0x9e37_79b9).wrapping_add(number));
        let rank = self.popularity.sample(&mut random) as usize - 1;
        let departure = &self.departures[rank];
        let (from, to) = departure.pairs[departure.pair_weights.sample(&mut random)];
        let class = departure.class(departure.class_weights.sample(&mut random));
        let party = self.parties.sample(&mut random) + 1;
        let fate = match random.random_range(0..100) {
            percent if percent < CONFIRM_PERCENT => Fate::Confirm,
            percent if percent < CONFIRM_PERCENT + CANCEL_PERCENT => Fate::Cancel,
            _ => Fate::WalkAway,
        };
        Buyer { request: self.request(number, departure.id, class, (from, to), party), fate }
    }

    /// What buyer `number` asks for.
    pub(super) fn request(
        &self,
        number: u64,
        departure: DepartureId,
        class: Class,
        trip: (u8, u8),
        party: usize,
    ) -> ReserveRequest {
        let account = number + 1;
        let passengers: Vec<_> =
            (0..party as u64).map(|at| PassengerId(account * PASSENGERS_PER_ACCOUNT + at)).collect();
        ReserveRequest::new(self.id(number), departure, AccountId(account), class, trip, &passengers)
            .expect("a party of the demo has 1 to 5 passengers")
            .hold_ms(HOLD_MS)
    }

    /// Whether a reservation of the ledger is one that a buyer below `numbers` asked for.
    pub(super) fn sent(&self, id: ReservationId, numbers: u64) -> bool {
        let number = (id.0 as u64).wrapping_sub(1);
        number < numbers && self.id(number) == id
    }

    fn id(&self, number: u64) -> ReservationId {
        ReservationId(u128::from(self.seed.wrapping_add(1)) << 64 | u128::from(number + 1))
    }
}

impl OnSale {
    fn new(catalog: &Catalog, index: DepartureIndex, random: &mut impl Rng) -> Self {
        let segments = catalog.segments(index);
        let layout = Layout::new(catalog.seat_plan(index));
        let stops: Vec<f64> = (0..=segments).map(|_| random.random_range(0.1..1.0_f64).powi(2)).collect();
        let pairs: Vec<(u8, u8)> =
            (0..segments).flat_map(|from| (from + 1..=segments).map(move |to| (from, to))).collect();
        // Gravity: trips join busy stops, and longer ones are booked ahead more often.
        let weight = |(from, to): &(u8, u8)| {
            stops[usize::from(*from)] * stops[usize::from(*to)] * f64::from(to - from).sqrt()
        };
        let pair_weights = WeightedIndex::new(pairs.iter().map(weight)).expect("weights are positive");
        let capacities = (0..layout.classes().len()).map(|class| layout.capacity(class));
        let class_weights = WeightedIndex::new(capacities).expect("classes have places");
        Self { id: catalog.id(index), segments, layout, pairs, pair_weights, class_weights }
    }

    fn class(&self, at: usize) -> Class {
        self.layout.classes().nth(at).expect("drawn from the classes")
    }

    fn places(&self) -> u64 {
        (0..self.layout.classes().len()).map(|class| u64::from(self.layout.capacity(class))).sum()
    }
}
