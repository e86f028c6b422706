//! The inventory against a naive seat by segment table, and published defects of other systems by name.

mod naive;

use std::sync::Arc;

use proptest::prelude::*;
use seathold_protocol::Class;
use seathold_protocol::limits::{PASSENGERS_MAX, SEATS_PER_CLASS_MAX};
use seathold_protocol::plan::{Block, ClassPlan, SeatPlan, Stock};
use seathold_protocol::wishes::{Met, Together, WishMode, Wishes};

use super::{Inventory, Layout, Places, Published, Shortage, Trip};
use naive::Naive;
use seathold_protocol::record::{NO_SEAT, SeatNumber};

const NO_WISHES: Wishes =
    Wishes { mode: WishMode::Prefer, together: Together::Anywhere, letters: [0; PASSENGERS_MAX] };

/// One departure with its read model.
struct Departure {
    inventory: Inventory,
    published: Published,
    naive: Vec<Naive>,
    live: Vec<(usize, Trip, Places)>,
}

impl Departure {
    fn new(plan: &SeatPlan, segments: u8, percent: u8) -> Self {
        let layout = Arc::new(Layout::new(plan));
        let published = Published::new(&layout, segments, percent);
        let inventory = Inventory::new(layout, segments, percent);
        let classes = plan.classes.iter();
        let naive = classes.map(|class| Naive::new(class, usize::from(segments), percent)).collect();
        Self { inventory, published, naive, live: Vec::new() }
    }

    fn trip(&self, from: u8, to: u8) -> Trip {
        Trip::new(from, to, self.inventory.segments()).unwrap()
    }

    /// Takes places and compares the answer with everything the naive table says about it.
    fn take(&mut self, class: usize, trip: Trip, party: usize, wishes: &Wishes) -> Option<(Places, Met)> {
        let answer = self.inventory.take(class, trip, party, wishes, &self.published);
        let (from, to, naive) = (trip.from(), trip.to(), &self.naive[class]);
        let free = naive.free(from, to);
        let strict = wishes.mode == WishMode::Strict;
        let (places, met) = match answer {
            Err(Shortage::SoldOut { free: told }) => {
                assert_eq!(told as usize, free);
                assert!(free < party, "sold out with {free} free for {party}");
                return None;
            }
            Err(Shortage::WishUnmet) => {
                assert!(free >= party && strict && !naive.strict_possible(from, to, party, wishes));
                return None;
            }
            Ok(taken) => taken,
        };
        let letters = &wishes.letters[..party];
        assert!(free >= party, "{party} places of {free}");
        assert!(!strict || naive.strict_possible(from, to, party, wishes));
        assert_eq!(places.count(), party);
        assert_eq!(met.together, naive.closeness(places.seats()), "closeness is told as it is");
        if naive.numbered() {
            let pairs = places.seats().iter().zip(letters).enumerate();
            let has = pairs.map(|(at, (seat, letter))| {
                u16::from(naive.seats[usize::from(*seat)].letter == *letter) << at
            });
            assert_eq!(met.letters, has.sum::<u16>(), "letters are told as they are");
            check_choice(naive, trip, &places, met, wishes);
        } else {
            assert_eq!((met, places.seats()), (Met::default(), &[NO_SEAT; PASSENGERS_MAX][..party]));
        }
        self.naive[class].mark(trip, places.seats(), true);
        self.live.push((class, trip, places));
        Some((places, met))
    }

    fn give(&mut self, live: usize) {
        let (class, trip, places) = self.live.swap_remove(live);
        self.inventory.give(class, trip, &places, &self.published);
        self.naive[class].mark(trip, places.seats(), false);
    }

    fn take_exact(&mut self, class: usize, trip: Trip, places: Places) {
        let answer = self.inventory.take_exact(class, trip, &places, &self.published);
        assert_eq!(answer.err(), self.naive[class].obstacle(trip, places.seats()));
        if answer.is_ok() {
            self.naive[class].mark(trip, places.seats(), true);
            self.live.push((class, trip, places));
        }
    }

    fn release(&mut self, class: usize, percent: u8) {
        self.inventory.release(class, percent, &self.published);
        self.naive[class].release(percent);
    }

    /// Every count of every pair, and conservation on every segment.
    fn check_counts(&self) {
        let segments = self.inventory.segments();
        for (class, naive) in self.naive.iter().enumerate() {
            for segment in 0..segments {
                let usage = self.inventory.segment_usage(class, segment);
                assert_eq!(usage.free as usize, naive.free_on(usize::from(segment)));
                assert_eq!(usage.withheld as usize, naive.capacity - naive.released);
                assert_eq!(usage.free + usage.taken + usage.withheld, self.inventory.capacity(class));
            }
            for from in 0..segments {
                for to in from + 1..=segments {
                    let trip = self.trip(from, to);
                    let free = naive.free(trip.from(), trip.to()) as u32;
                    assert_eq!(self.published.free(class, trip), free, "published {trip:?}");
                    assert_eq!(self.inventory.free(class, trip), free, "counted {trip:?}");
                }
            }
        }
    }

    /// A full check costs capacity x pairs.
    fn check_cost(&self) -> usize {
        let segments = usize::from(self.inventory.segments());
        segments * segments * self.naive.iter().map(|naive| naive.capacity).sum::<usize>()
    }
}

/// Best fit, neighbours, and the order in which a PREFER party's wishes give way.
fn check_choice(naive: &Naive, trip: Trip, places: &Places, met: Met, wishes: &Wishes) {
    let (from, to, party) = (trip.from(), trip.to(), places.count());
    let letters = &wishes.letters[..party];
    let lettered = letters.iter().any(|letter| *letter != 0);
    let seats = places.seats();
    if party == 1 {
        let best = naive.best_single(from, to, letters[0]).or_else(|| naive.best_single(from, to, 0));
        assert_eq!(Some(usize::from(seats[0])), best, "best fit of one");
        return;
    }
    if !lettered && let Some(first) = naive.best_neighbours(from, to, party) {
        let run: Vec<SeatNumber> = (first..first + party).map(|seat| seat as SeatNumber).collect();
        assert_eq!(seats, run, "best fit of neighbours");
    }
    let with_letters = naive.closest(from, to, party, letters);
    let all = letters.iter().enumerate().map(|(at, letter)| u16::from(*letter != 0) << at).sum::<u16>();
    if wishes.mode == WishMode::Strict {
        assert_eq!((Some(met.together), met.letters), (with_letters, all));
    } else {
        assert_eq!(Some(met.together), naive.closest(from, to, party, &[]), "the closest there is");
        assert_eq!(met.letters == all, with_letters == Some(met.together), "all letters if they can be had");
    }
}

#[derive(Clone, Debug)]
enum Step {
    Take { class: usize, trip: (u8, u8), party: usize, wishes: Wishes },
    Give { live: usize },
    Exact { class: usize, trip: (u8, u8), seats: Vec<SeatNumber> },
    Release { class: usize, percent: u8 },
}

/// Blocks whose rows may overlap, so that a row or a coach can lie in several places of the seat order.
fn blocks() -> impl Strategy<Value = Vec<Block>> {
    let letters = prop::sample::select(vec!["ABCDF", "ABC", "DF", "UML", "A", "KB"]);
    let block = (1u8..=3, 1u16..=4, prop_oneof![4 => 1u16..=5, 1 => 10u16..=40], letters).prop_map(
        |(coach, first_row, rows, letters)| Block { coach, first_row, rows, letters: letters.into() },
    );
    prop::collection::vec(block, 1..=4).prop_map(|blocks| {
        let mut kept = Vec::new();
        for block in blocks {
            kept.push(block);
            let stock = Stock::Seats(kept.clone());
            if (SeatPlan { classes: vec![ClassPlan { class: Class(1), stock }] }).validate().is_err() {
                kept.pop();
            }
        }
        kept
    })
}

fn plans() -> impl Strategy<Value = SeatPlan> {
    let stock = prop_oneof![4 => blocks().prop_map(Stock::Seats), 1 => (1u32..=30).prop_map(Stock::Places)];
    prop::collection::vec(stock, 1..=3).prop_map(|mut stocks| {
        // Each class has coaches of its own: no seat is painted in two classes.
        for (class, stock) in (0_u8..).zip(&mut stocks) {
            if let Stock::Seats(blocks) = stock {
                blocks.iter_mut().for_each(|block| block.coach += 10 * class);
            }
        }
        let classes = (1..).map(Class).zip(stocks);
        SeatPlan { classes: classes.map(|(class, stock)| ClassPlan { class, stock }).collect() }
    })
}

fn wishes() -> impl Strategy<Value = Wishes> {
    let letter = || prop_oneof![2 => Just(0), 3 => prop::sample::select(b"ABCDFZ".to_vec())];
    let letters = prop_oneof![1 => Just([0; PASSENGERS_MAX]), 1 => prop::array::uniform9(letter())];
    let mode = prop_oneof![2 => Just(WishMode::Prefer), 1 => Just(WishMode::Strict)];
    (mode, 0u8..=2, letters).prop_map(|(mode, together, letters)| Wishes {
        mode,
        together: Together::from_code(together).unwrap(),
        letters,
    })
}

fn takes(parties: std::ops::RangeInclusive<usize>) -> impl Strategy<Value = Step> {
    (0usize..3, any::<(u8, u8)>(), parties, wishes()).prop_map(|(class, trip, party, wishes)| Step::Take {
        class,
        trip,
        party,
        wishes,
    })
}

fn steps(parties: std::ops::RangeInclusive<usize>) -> impl Strategy<Value = Vec<Step>> {
    let seat = prop_oneof![8 => 0u16..40, 1 => any::<u16>(), 3 => Just(NO_SEAT)];
    let exact = (0usize..3, any::<(u8, u8)>(), prop::collection::vec(seat, 1..=3))
        .prop_map(|(class, trip, seats)| Step::Exact { class, trip, seats });
    let release = (0usize..3, 1u8..=100).prop_map(|(class, percent)| Step::Release { class, percent });
    let give = (0usize..1000).prop_map(|live| Step::Give { live });
    let step = prop_oneof![10 => takes(parties), 5 => give, 2 => exact, 1 => release];
    prop::collection::vec(step, 1..=40)
}

fn routes() -> impl Strategy<Value = u8> {
    prop_oneof![12 => 1u8..=8, 3 => 9u8..=24, 1 => 25u8..=127]
}

/// Runs the steps, with every check after each of them (or now and then, where a check is dear), then gives
/// everything back.
fn run(plan: &SeatPlan, segments: u8, percent: u8, steps: &[Step]) {
    let mut departure = Departure::new(plan, segments, percent);
    let every = departure.check_cost() / 20_000 + 1;
    let trip_of = |(a, b): (u8, u8)| {
        let from = a % segments;
        Trip::new(from, from + 1 + b % (segments - from), segments).unwrap()
    };
    for (at, step) in steps.iter().enumerate() {
        match step {
            Step::Take { class, trip, party, wishes } => {
                departure.take(class % plan.classes.len(), trip_of(*trip), *party, wishes);
            }
            Step::Give { live } if !departure.live.is_empty() => {
                departure.give(live % departure.live.len());
            }
            Step::Give { .. } => {}
            Step::Exact { class, trip, seats } => {
                let places = Places::new(seats).unwrap();
                departure.take_exact(class % plan.classes.len(), trip_of(*trip), places);
            }
            Step::Release { class, percent } => departure.release(class % plan.classes.len(), *percent),
        }
        if at % every == 0 {
            departure.check_counts();
        }
    }
    departure.check_counts();
    while !departure.live.is_empty() {
        departure.give(0);
    }
    departure.check_counts();
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(256) })]

    #[test]
    fn single_passengers_agree_with_the_naive_table(
        plan in plans(), segments in routes(), percent in 1u8..=100, steps in steps(1..=1),
    ) {
        run(&plan, segments, percent, &steps);
    }

    #[test]
    fn parties_agree_with_the_naive_table(
        plan in plans(), segments in routes(), percent in 30u8..=100, steps in steps(1..=PASSENGERS_MAX),
    ) {
        run(&plan, segments, percent, &steps);
    }

    #[test]
    fn a_crowded_class_agrees_with_the_naive_table(
        blocks in blocks(), segments in 1u8..=3,
        steps in prop::collection::vec(takes(1..=5), 30..=60),
    ) {
        let plan = SeatPlan { classes: vec![ClassPlan { class: Class(3), stock: Stock::Seats(blocks) }] };
        run(&plan, segments, 100, &steps);
    }
}

/// One class in one coach with rows of A B C D F.
fn coach_of(rows: u16) -> SeatPlan {
    let blocks = vec![Block { coach: 1, first_row: 1, rows, letters: b"ABCDF".to_vec() }];
    SeatPlan { classes: vec![ClassPlan { class: Class(3), stock: Stock::Seats(blocks) }] }
}

#[test]
fn a_to_b_and_b_to_c_share_one_seat_and_cancelling_b_to_c_does_not_free_a_to_c() {
    let blocks = vec![Block { coach: 1, first_row: 1, rows: 1, letters: vec![b'A'] }];
    let plan = SeatPlan { classes: vec![ClassPlan { class: Class(3), stock: Stock::Seats(blocks) }] };
    let mut departure = Departure::new(&plan, 2, 100);
    let (a_b, b_c, a_c) = (departure.trip(0, 1), departure.trip(1, 2), departure.trip(0, 2));
    let (first, _) = departure.take(0, a_b, 1, &NO_WISHES).unwrap();
    let (second, _) = departure.take(0, b_c, 1, &NO_WISHES).unwrap();
    assert_eq!(first, second, "one seat serves both");
    departure.give(1);
    let free = |departure: &Departure, trip| departure.published.free(0, trip);
    assert_eq!([a_b, b_c, a_c].map(|trip| free(&departure, trip)), [0, 1, 0], "A-B is still sold");
    let refused = departure.inventory.take(0, a_c, 1, &NO_WISHES, &departure.published);
    assert_eq!(refused, Err(Shortage::SoldOut { free: 0 }));
    departure.give(0);
    assert_eq!([a_b, b_c, a_c].map(|trip| free(&departure, trip)), [1, 1, 1]);
    departure.check_counts();
}

#[test]
fn the_last_unit_is_sold() {
    for stock in [Stock::Places(3), coach_of(1).classes.remove(0).stock] {
        let plan = SeatPlan { classes: vec![ClassPlan { class: Class(9), stock }] };
        let mut departure = Departure::new(&plan, 1, 100);
        let trip = departure.trip(0, 1);
        for _ in 0..departure.inventory.capacity(0) {
            departure.take(0, trip, 1, &NO_WISHES).expect("every place is sold");
        }
        let refused = departure.inventory.take(0, trip, 1, &NO_WISHES, &departure.published);
        assert_eq!(refused, Err(Shortage::SoldOut { free: 0 }));
        departure.check_counts();
    }
}

#[test]
fn all_150_of_150_are_sold_to_whoever_asks_in_whatever_order() {
    let mut departure = Departure::new(&coach_of(30), 3, 100);
    let mut sold = [0; 3];
    let mut ask = |departure: &mut Departure, from: u8, to: u8| {
        let taken = departure.take(0, departure.trip(from, to), 1, &NO_WISHES).is_some();
        (from..to).filter(|_| taken).for_each(|segment| sold[usize::from(segment)] += 1);
    };
    for buyer in 0..150u32 {
        let (from, to) = [(0, 1), (1, 3), (0, 2), (2, 3), (1, 2)][(buyer * 7 % 5) as usize];
        ask(&mut departure, from, to);
    }
    for segment in 0..3 {
        (0..150).for_each(|_| ask(&mut departure, segment, segment + 1));
    }
    assert_eq!(sold, [150; 3]);
    departure.check_counts();
}

#[test]
fn parties_of_every_size_empty_a_train_to_its_last_seat() {
    for party in 2..=PASSENGERS_MAX {
        let mut departure = Departure::new(&coach_of(30), 1, 100);
        let trip = departure.trip(0, 1);
        (0..150 / party).for_each(|_| assert!(departure.take(0, trip, party, &NO_WISHES).is_some()));
        assert_eq!(departure.published.free(0, trip) as usize, 150 % party);
    }
}

/// More seats than one quad has: a wish looks at its own part of each.
#[test]
fn every_seat_of_a_letter_is_found_in_a_class_of_several_quads() {
    let rows = 140;
    let mut departure = Departure::new(&coach_of(rows), 3, 100);
    let (trip, mut letters) = (departure.trip(1, 2), [0; PASSENGERS_MAX]);
    letters[0] = b'D';
    let wishes = Wishes { mode: WishMode::Strict, letters, ..NO_WISHES };
    for row in 0..rows {
        assert!(departure.take(0, trip, 1, &wishes).is_some(), "{row} of {rows} seats are taken");
    }
    assert!(departure.take(0, trip, 1, &wishes).is_none());
    while !departure.live.is_empty() {
        departure.give(0);
    }
    departure.check_counts();
}

/// The segments beside the trip are looked at in the quad of the seat, and each on its own side.
#[test]
fn the_tightest_seat_is_found_in_a_class_of_several_quads() {
    let mut departure = Departure::new(&coach_of(140), 3, 100);
    let (before, trip, after) = (departure.trip(0, 1), departure.trip(1, 2), departure.trip(2, 3));
    departure.take_exact(0, before, Places::new(&[300, 600]).unwrap());
    departure.take_exact(0, after, Places::new(&[400, 600]).unwrap());
    let mut taken = || departure.take(0, trip, 1, &NO_WISHES).expect("700 seats are free").0.seats()[0];
    assert_eq!([taken(), taken(), taken(), taken()], [600, 300, 400, 0]);
}

/// A party's candidates are copied, and the copy has room for as many seats as a class may have.
#[test]
fn a_party_finds_the_last_row_of_the_largest_class() {
    let rows = (SEATS_PER_CLASS_MAX / 4) as u16;
    let blocks = vec![Block { coach: 1, first_row: 1, rows, letters: b"ABCD".to_vec() }];
    let plan = SeatPlan { classes: vec![ClassPlan { class: Class(3), stock: Stock::Seats(blocks) }] };
    let mut departure = Departure::new(&plan, 1, 100);
    let (trip, last) = (departure.trip(0, 1), 4 * (rows - 1));
    for row in 0..rows - 1 {
        let seats = [0, 1, 2, 3].map(|seat| 4 * row + seat);
        departure.take_exact(0, trip, Places::new(&seats).unwrap());
    }
    let (places, _) = departure.take(0, trip, 4, &NO_WISHES).expect("four seats are left");
    assert_eq!(places.seats(), [0, 1, 2, 3].map(|seat| last + seat));
}

#[test]
fn a_withheld_place_is_neither_free_nor_taken_until_it_is_released() {
    let mut departure = Departure::new(&coach_of(2), 2, 55);
    let trip = departure.trip(0, 2);
    assert_eq!(departure.published.free(0, trip), 6, "ceil(10 * 55 %)");
    departure.take_exact(0, trip, Places::new(&[7]).unwrap());
    departure.release(0, 40);
    departure.check_counts();
    departure.release(0, 100);
    departure.take_exact(0, trip, Places::new(&[7]).unwrap());
    departure.check_counts();
    assert_eq!(departure.published.free(0, trip), 9);
}

#[test]
#[should_panic(expected = "is not taken there")]
fn giving_back_what_is_not_taken_is_a_bug() {
    let mut departure = Departure::new(&coach_of(2), 2, 100);
    let (places, _) = departure.take(0, departure.trip(0, 1), 2, &NO_WISHES).unwrap();
    departure.inventory.give(0, departure.trip(0, 2), &places, &departure.published);
}

#[test]
#[should_panic(expected = "is not taken there")]
fn giving_back_what_was_never_for_sale_is_a_bug() {
    let mut departure = Departure::new(&coach_of(2), 1, 50);
    let first_withheld = Places::new(&[5]).unwrap();
    departure.inventory.give(0, departure.trip(0, 1), &first_withheld, &departure.published);
}

#[test]
fn a_trip_lies_within_its_route() {
    assert!(Trip::new(0, 3, 3).is_some());
    for (from, to) in [(0, 4), (1, 1), (2, 1), (3, 3), (255, 0)] {
        assert_eq!(Trip::new(from, to, 3), None);
    }
}
