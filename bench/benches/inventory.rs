//! The inventory's kernel over 2,000 departures of 1,024 seats, as the kernel's model was measured before it was built: takes and gives
//! alternate on departures and trips drawn at random, in the steady state in which about half of all seat segments
//! are taken. A run that leaves this state is not valid and panics.

use std::hint::black_box;
use std::sync::Arc;
use std::time::{Duration, Instant};

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use seathold::inventory::{Inventory, Layout, Places, Published, Trip};
use seathold_protocol::Class;
use seathold_protocol::limits::PASSENGERS_MAX;
use seathold_protocol::plan::{Block, ClassPlan, SeatPlan, Stock};
use seathold_protocol::wishes::{Together, WishMode, Wishes};

const DEPARTURES: usize = 2_000;
const ROUTES: [u8; 3] = [1, 10, 20];
const NO_WISHES: Wishes =
    Wishes { mode: WishMode::Prefer, together: Together::Anywhere, letters: [0; PASSENGERS_MAX] };

/// 1,024 seats: 16 coaches of 16 rows of A B D F.
fn plan() -> SeatPlan {
    let block = |coach| Block { coach, first_row: 1, rows: 16, letters: b"ABDF".to_vec() };
    let stock = Stock::Seats((1..=16).map(block).collect());
    SeatPlan { classes: vec![ClassPlan { class: Class(3), stock }] }
}

/// SplitMix64 (Steele, Lea, Flood 2014): cheap enough not to be measured.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (((mixed >> 32) * bound as u64) >> 32) as usize
    }

    fn trip(&mut self, segments: u8) -> Trip {
        let stops = usize::from(segments) + 1;
        loop {
            let (from, to) = (self.below(stops) as u8, self.below(stops) as u8);
            if let Some(trip) = Trip::new(from, to, segments) {
                return trip;
            }
        }
    }
}

struct Fleet {
    segments: u8,
    departures: Vec<(Inventory, Published)>,
    live: Vec<(u32, Trip, Places)>,
    /// Where in `live` the gives have come to.
    next: usize,
    random: Random,
}

impl Fleet {
    /// Departures in which half of the seat segments are taken by random trips of parties of `party`.
    fn half_full(segments: u8, party: usize) -> Self {
        let layout = Arc::new(Layout::new(&plan()));
        let departure =
            |_| (Inventory::new(Arc::clone(&layout), segments, 100), Published::new(&layout, segments, 100));
        let departures = (0..DEPARTURES).map(departure).collect();
        let mut fleet = Self { segments, departures, live: Vec::new(), next: 0, random: Random(7) };
        let half = DEPARTURES * 512 * usize::from(segments);
        let mut taken = 0;
        while taken < half {
            let places = fleet.take(party);
            let (_, trip, _) = places;
            taken += party * (trip.to() - trip.from());
            fleet.live.push(places);
        }
        // Gives and takes go on until holes lie where a running sale has them.
        fleet.run(4 * fleet.live.len() as u64, party);
        fleet
    }

    /// Takes on random departures and trips until one has room.
    fn take(&mut self, party: usize) -> (u32, Trip, Places) {
        loop {
            let at = self.random.below(DEPARTURES);
            let trip = self.random.trip(self.segments);
            let (inventory, published) = &mut self.departures[at];
            if let Ok((places, _)) = inventory.take(0, trip, party, &NO_WISHES, published) {
                return (at as u32, trip, places);
            }
        }
    }

    /// Gives back what one of the next few in `live` holds and says which. Any of all would be fairer, but then
    /// the misses in this list, which a server does not have, would be the larger part of what is measured.
    fn give(&mut self) -> usize {
        self.next = (self.next + 1) % self.live.len();
        let slot = (self.next + self.random.below(1024)) % self.live.len();
        let (at, trip, places) = self.live[slot];
        let (inventory, published) = &mut self.departures[at as usize];
        inventory.give(0, trip, &places, published);
        slot
    }

    /// The share of all seat segments that are taken.
    fn load(&self) -> f64 {
        let taken = |(inventory, _): &(Inventory, Published)| -> u64 {
            let usage = (0..self.segments).map(|segment| inventory.segment_usage(0, segment));
            usage.map(|usage| u64::from(usage.taken)).sum()
        };
        let all = (DEPARTURES * 1024 * usize::from(self.segments)) as f64;
        self.departures.iter().map(taken).sum::<u64>() as f64 / all
    }

    /// `operations` takes and gives in turn.
    fn run(&mut self, operations: u64, party: usize) -> Duration {
        let start = Instant::now();
        for _ in 0..operations / 2 {
            let slot = self.give();
            self.live[slot] = self.take(party);
        }
        start.elapsed()
    }
}

fn take_and_give(criterion: &mut Criterion, name: &str, party: usize) {
    let mut group = criterion.benchmark_group(name);
    group.throughput(Throughput::Elements(1));
    for segments in ROUTES {
        let mut fleet = Fleet::half_full(segments, party);
        group.bench_function(format!("{segments}_segments"), |bencher| {
            bencher.iter_custom(|operations| fleet.run(operations.next_multiple_of(2), party));
        });
        let load = fleet.load();
        assert!(
            (0.45..0.55).contains(&load),
            "not valid: {load:.3} of the seat segments are taken, not half"
        );
    }
    group.finish();
}

fn single(criterion: &mut Criterion) {
    take_and_give(criterion, "take_or_give", 1);
}

fn party_of_four(criterion: &mut Criterion) {
    take_and_give(criterion, "take_or_give_party_of_4", 4);
}

fn refused(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("take_refused_sold_out");
    group.throughput(Throughput::Elements(1));
    for segments in ROUTES {
        let mut fleet = Fleet::half_full(segments, 1);
        let whole = Trip::new(0, segments, segments).expect("the whole route is a trip");
        for (inventory, published) in &mut fleet.departures {
            while inventory.take(0, whole, 1, &NO_WISHES, published).is_ok() {}
        }
        group.bench_function(format!("{segments}_segments"), |bencher| {
            bencher.iter(|| {
                let at = fleet.random.below(DEPARTURES);
                let (inventory, published) = &mut fleet.departures[at];
                black_box(inventory.take(0, whole, 1, &NO_WISHES, published))
            });
        });
    }
    group.finish();
}

criterion_group! {
    name = benches;
    config = Criterion::default().sample_size(30).measurement_time(Duration::from_secs(3));
    targets = single, refused, party_of_four
}
criterion_main!(benches);
