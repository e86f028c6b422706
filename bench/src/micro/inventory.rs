//! The inventory's kernel over many departures of 1,024 seats: takes and gives alternate on departures and trips drawn at
//! random, in the steady state in which about half of all seat segments are taken.

use super::plan;
use seathold::inventory::{Inventory, Layout, Places, Published, Trip};
use seathold_protocol::limits::PASSENGERS_MAX;
use seathold_protocol::wishes::{Together, WishMode, Wishes};
use std::sync::Arc;

const COACHES: u8 = 16;

const NO_WISHES: Wishes =
    Wishes { mode: WishMode::Prefer, together: Together::Anywhere, letters: [0; PASSENGERS_MAX] };

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

/// The departures, and who has places in them.
pub struct Fleet {
    segments: u8,
    departures: Vec<(Inventory, Published)>,
    live: Vec<(u32, Trip, Places)>,
    /// Where in `live` the gives have come to.
    next: usize,
    random: Random,
}

impl Fleet {
    /// Departures in which half of the seat segments are taken by random trips of parties of `party`.
    pub fn half_full(departures: usize, segments: u8, party: usize) -> Self {
        let layout = Arc::new(Layout::new(&plan(COACHES)));
        let departure =
            |_| (Inventory::new(Arc::clone(&layout), segments, 100), Published::new(&layout, segments, 100));
        let departures: Vec<_> = (0..departures).map(departure).collect();
        let half = departures.len() * 512 * usize::from(segments);
        let mut fleet = Self { segments, departures, live: Vec::new(), next: 0, random: Random(7) };
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
            let at = self.random.below(self.departures.len());
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
    pub fn load(&self) -> f64 {
        let taken = |(inventory, _): &(Inventory, Published)| -> u64 {
            let usage = (0..self.segments).map(|segment| inventory.segment_usage(0, segment));
            usage.map(|usage| u64::from(usage.taken)).sum()
        };
        let all = (self.departures.len() * 1024 * usize::from(self.segments)) as f64;
        self.departures.iter().map(taken).sum::<u64>() as f64 / all
    }

    /// `operations` takes and gives in turn.
    pub fn run(&mut self, operations: u64, party: usize) {
        for _ in 0..operations / 2 {
            let slot = self.give();
            self.live[slot] = self.take(party);
        }
    }

    /// Takes whole routes until no departure has one left.
    pub fn sell_out(&mut self) {
        for (inventory, published) in &mut self.departures {
            while inventory.take(0, whole(self.segments), 1, &NO_WISHES, published).is_ok() {}
        }
    }

    /// Tries to take a whole route on a departure drawn at random; whether it was there.
    pub fn take_whole(&mut self) -> bool {
        let at = self.random.below(self.departures.len());
        let (inventory, published) = &mut self.departures[at];
        inventory.take(0, whole(self.segments), 1, &NO_WISHES, published).is_ok()
    }
}

fn whole(segments: u8) -> Trip {
    Trip::new(0, segments, segments).expect("the whole route is a trip")
}
