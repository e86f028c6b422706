//! The inventory and its published counts against the naive seat by segment table of its unit tests: after every step every
//! pair of stops is counted anew.

#[path = "../../src/inventory/tests/naive.rs"]
mod naive;

pub(crate) use seathold::inventory::{Taken, Trip};

use std::sync::Arc;

use naive::Naive;
use proptest::prelude::*;
use proptest_state_machine::{ReferenceStateMachine, StateMachineTest, prop_state_machine};
use seathold::inventory::{Inventory, Layout, Places, Published, Shortage};
use seathold_protocol::Class;
use seathold_protocol::limits::PASSENGERS_MAX;
use seathold_protocol::plan::{Block, ClassPlan, SeatPlan, Stock};
use seathold_protocol::record::SeatNumber;
use seathold_protocol::wishes::{Together, WishMode, Wishes};

/// What a departure has to sell; a step needs nothing else to be drawn.
#[derive(Clone, Debug)]
struct Offer {
    plan: SeatPlan,
    segments: u8,
    percent: u8,
}

#[derive(Clone, Debug)]
enum Step {
    Take {
        class: usize,
        trip: Trip,
        party: usize,
        wishes: Wishes,
    },
    /// A ledger's places, which may be any.
    TakeExact {
        class: usize,
        trip: Trip,
        seats: Vec<SeatNumber>,
    },
    /// Gives back what was taken in such a place, counted round.
    Give(usize),
    /// Gives back and takes the very same again, as a replay does.
    GiveAndTakeAgain(usize),
    Release {
        class: usize,
        percent: u8,
    },
}

fn offers() -> impl Strategy<Value = Offer> {
    let letters = prop::sample::select(vec!["ABCDF", "AB", "A"]);
    let block = (1..=2_u8, 1..=3_u16, 1..=4_u16, letters).prop_map(|(coach, first_row, rows, letters)| {
        Block { coach, first_row, rows, letters: letters.into() }
    });
    let seats = prop::collection::vec(block, 1..=2).prop_map(Stock::Seats);
    let stock = prop_oneof![3 => seats, 1 => (1..=12_u32).prop_map(Stock::Places)];
    let plan = prop::collection::vec(stock, 1..=2).prop_map(|mut stocks| {
        for (class, stock) in (0_u8..).zip(&mut stocks) {
            if let Stock::Seats(blocks) = stock {
                blocks.iter_mut().for_each(|block| block.coach += 10 * class);
            }
        }
        let classes = (1..).map(Class).zip(stocks);
        SeatPlan { classes: classes.map(|(class, stock)| ClassPlan { class, stock }).collect() }
    });
    let plan = plan.prop_filter("a seat is painted once", |plan| plan.validate().is_ok());
    let segments = prop_oneof![4 => 1..=6_u8, 1 => 7..=70_u8];
    (plan, segments, 1..=100_u8).prop_map(|(plan, segments, percent)| Offer { plan, segments, percent })
}

fn trips(segments: u8) -> impl Strategy<Value = Trip> {
    let ends = (0..segments).prop_flat_map(move |from| (Just(from), from + 1..=segments));
    ends.prop_map(move |(from, to)| Trip::new(from, to, segments).expect("it lies within the route"))
}

fn wishes() -> impl Strategy<Value = Wishes> {
    let letter = || prop_oneof![3 => Just(0), 2 => prop::sample::select(b"ABFZ".to_vec())];
    let mode = prop_oneof![2 => Just(WishMode::Prefer), 1 => Just(WishMode::Strict)];
    (mode, 0..=2_u8, prop::array::uniform9(letter())).prop_map(|(mode, together, letters)| {
        let together = Together::from_code(together).expect("three are known");
        Wishes { mode, together, letters }
    })
}

struct Sale;

impl ReferenceStateMachine for Sale {
    type State = Offer;
    type Transition = Step;

    fn init_state() -> BoxedStrategy<Offer> {
        offers().boxed()
    }

    fn transitions(offer: &Offer) -> BoxedStrategy<Step> {
        let class = || 0..offer.plan.classes.len();
        let trip = || trips(offer.segments);
        let party = prop_oneof![2 => Just(1), 1 => 2..=PASSENGERS_MAX];
        let take = (class(), trip(), party, wishes());
        let seats = prop::collection::vec(prop_oneof![4 => 0..40_u16, 1 => Just(SeatNumber::MAX)], 1..=3);
        prop_oneof![
            8 => take.prop_map(|(class, trip, party, wishes)| Step::Take { class, trip, party, wishes }),
            2 => (class(), trip(), seats).prop_map(|(class, trip, seats)| Step::TakeExact { class, trip, seats }),
            4 => any::<usize>().prop_map(Step::Give),
            1 => any::<usize>().prop_map(Step::GiveAndTakeAgain),
            1 => (class(), 1..=100_u8).prop_map(|(class, percent)| Step::Release { class, percent }),
        ]
        .boxed()
    }

    fn apply(offer: Offer, _step: &Step) -> Offer {
        offer
    }
}

struct Departure {
    inventory: Inventory,
    published: Published,
    naive: Vec<Naive>,
    live: Vec<(usize, Trip, Places)>,
}

/// The first seat of a party for which the naive table knows the best.
fn best(naive: &Naive, trip: Trip, party: usize, letters: &[u8]) -> Option<usize> {
    let (from, to) = (trip.from(), trip.to());
    match (naive.numbered(), party, letters.iter().all(|letter| *letter == 0)) {
        (true, 1, _) => naive.best_single(from, to, letters[0]).or_else(|| naive.best_single(from, to, 0)),
        (true, _, true) => naive.best_neighbours(from, to, party),
        _ => None,
    }
}

impl Departure {
    fn take(&mut self, class: usize, trip: Trip, party: usize, wishes: &Wishes) {
        let naive = &self.naive[class];
        let free = naive.free(trip.from(), trip.to());
        let possible =
            wishes.mode == WishMode::Prefer || naive.strict_possible(trip.from(), trip.to(), party, wishes);
        let best = best(naive, trip, party, &wishes.letters[..party]);
        match self.inventory.take(class, trip, party, wishes, &self.published) {
            Ok((places, met)) => {
                assert!(best.is_none_or(|best| usize::from(places.seats()[0]) == best), "{best:?} fits best");
                assert!(free >= party && possible, "{party} of {free} places");
                assert_eq!((places.count(), met.together), (party, naive.closeness(places.seats())));
                self.naive[class].mark(trip, places.seats(), true);
                self.live.push((class, trip, places));
            }
            Err(Shortage::SoldOut { free: told }) => {
                assert_eq!(told as usize, free);
                assert!(free < party, "sold out with {free} places for {party}");
            }
            Err(Shortage::WishUnmet) => assert!(free >= party && !possible, "this wish can be met"),
        }
    }

    fn take_exact(&mut self, class: usize, trip: Trip, places: Places) {
        let obstacle = self.naive[class].obstacle(trip, places.seats());
        let taken = self.inventory.take_exact(class, trip, &places, &self.published);
        assert_eq!(taken.err(), obstacle);
        if obstacle.is_none() {
            self.naive[class].mark(trip, places.seats(), true);
            self.live.push((class, trip, places));
        }
    }

    fn give(&mut self, at: usize) -> Option<(usize, Trip, Places)> {
        let at = at.checked_rem(self.live.len())?;
        let (class, trip, places) = self.live.swap_remove(at);
        self.inventory.give(class, trip, &places, &self.published);
        self.naive[class].mark(trip, places.seats(), false);
        Some((class, trip, places))
    }

    fn step(mut self, step: Step) -> Self {
        match step {
            Step::Take { class, trip, party, wishes } => self.take(class, trip, party, &wishes),
            Step::TakeExact { class, trip, seats } => {
                self.take_exact(class, trip, Places::new(&seats).expect("there are 1 to 3"));
            }
            Step::Give(at) => drop(self.give(at)),
            Step::GiveAndTakeAgain(at) => {
                if let Some((class, trip, places)) = self.give(at) {
                    let live = self.live.len();
                    self.take_exact(class, trip, places);
                    assert_eq!(self.live.len(), live + 1, "what was given back can be taken again");
                }
            }
            Step::Release { class, percent } => {
                self.inventory.release(class, percent, &self.published);
                self.naive[class].release(percent);
            }
        }
        self
    }
}

impl StateMachineTest for Departure {
    type SystemUnderTest = Self;
    type Reference = Sale;

    fn init_test(offer: &Offer) -> Self {
        let layout = Arc::new(Layout::new(&offer.plan));
        let published = Published::new(&layout, offer.segments, offer.percent);
        let inventory = Inventory::new(layout, offer.segments, offer.percent);
        let classes = offer.plan.classes.iter();
        let naive =
            classes.map(|class| Naive::new(class, usize::from(offer.segments), offer.percent)).collect();
        Self { inventory, published, naive, live: Vec::new() }
    }

    fn apply(departure: Self, _offer: &Offer, step: Step) -> Self {
        departure.step(step)
    }

    fn check_invariants(departure: &Self, offer: &Offer) {
        for (class, naive) in departure.naive.iter().enumerate() {
            for segment in 0..offer.segments {
                let usage = departure.inventory.segment_usage(class, segment);
                assert_eq!(usage.free as usize, naive.free_on(usize::from(segment)));
                assert_eq!(usage.withheld as usize, naive.capacity - naive.released);
                assert_eq!((usage.free + usage.taken + usage.withheld) as usize, naive.capacity);
            }
            let ends =
                (0..offer.segments).flat_map(|from| (from + 1..=offer.segments).map(move |to| (from, to)));
            // On long routes the ends of the lanes, and every seventh pair.
            let dear = offer.segments > 6;
            for (from, to) in
                ends.filter(|(from, to)| !dear || (u16::from(*from) * 3 + u16::from(*to)) % 7 == 0)
            {
                let trip = Trip::new(from, to, offer.segments).expect("it lies within the route");
                let free = naive.free(trip.from(), trip.to()) as u32;
                assert_eq!(departure.published.free(class, trip), free, "published of {trip:?}");
                assert_eq!(departure.inventory.free(class, trip), free, "counted for {trip:?}");
            }
        }
    }

    fn teardown(mut departure: Self, offer: Offer) {
        while departure.give(0).is_some() {}
        Self::check_invariants(&departure, &offer);
    }
}

prop_state_machine! {
    #![proptest_config(super::config())]

    #[test]
    fn agrees_with_the_naive_table(sequential 1..60 => Departure);
}
