//! One departure's inventory: takes places for a party, gives them back, and keeps the published counts true.

use std::hint::black_box;
use std::sync::Arc;

use seathold_protocol::limits::{PASSENGERS_MAX, SEATS_PER_CLASS_MAX};
use seathold_protocol::wishes::{Met, Together, WishMode, Wishes};

use super::best_fit::{Tiers, best_seat};
use super::layout::{Layout, Space};
use super::party::{letters_met, seat_party};
use super::places::{Places, Shortage, Taken};
use super::published::Published;
use super::seat_map::{SeatMap, WORD};
use super::seats::{Seats, WORDS};
use super::trip::Trip;
use seathold_protocol::record::NO_SEAT;

/// Quads of nearly every class: a party's candidates are copied, and the copy is cleared first.
const QUADS_USUAL: usize = 8;

/// Quads of the largest class.
const QUADS_MAX: usize = SEATS_PER_CLASS_MAX / (WORD * WORDS);

/// What is free, taken and withheld of one class on one segment; the sum is the class's capacity.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Usage {
    /// For sale and not taken.
    pub free: u32,
    /// Held or sold.
    pub taken: u32,
    /// Not for sale.
    pub withheld: u32,
}

/// The places of one departure. Every change is made together with the departure's own `Published`, which
/// `Published::new` made for the same layout, segments and released percent.
#[derive(Debug)]
pub struct Inventory {
    layout: Arc<Layout>,
    segments: u8,
    stocks: Box<[Stock]>,
}

#[derive(Debug)]
enum Stock {
    Seats(Seats),
    Places { free: Box<[u32]>, released: u32 },
}

impl Inventory {
    /// An untouched departure over `segments` (1 to `STOPS_MAX` - 1). Of each class the first
    /// `ceil(capacity * released_percent / 100)` places are for sale (percent: 1 to 100), the rest are withheld.
    pub fn new(layout: Arc<Layout>, segments: u8, released_percent: u8) -> Self {
        assert!(segments > 0, "a route has a segment");
        let stock = |class_index| {
            let released = layout.released(class_index, released_percent);
            match layout.space(class_index) {
                Space::Seats(map) => {
                    Stock::Seats(Seats::new(map.len(), usize::from(segments), released as usize))
                }
                Space::Places(_) => {
                    Stock::Places { free: vec![released; usize::from(segments)].into_boxed_slice(), released }
                }
            }
        };
        let stocks = (0..layout.classes().len()).map(stock).collect();
        Self { layout, segments, stocks }
    }

    /// The layout that the departure shares.
    pub fn layout(&self) -> &Layout {
        &self.layout
    }

    /// Pieces between consecutive stops.
    pub fn segments(&self) -> u8 {
        self.segments
    }

    /// Reads the stock where a search for the trip begins.
    pub fn touch(&self, class_index: usize, trip: Trip) {
        black_box(match &self.stocks[class_index] {
            Stock::Seats(seats) => Some(seats.first_quad(trip.from())[0]),
            Stock::Places { free, .. } => free.get(trip.from()).map(|free| u64::from(*free)),
        });
    }

    /// Takes a place for each of `party` passengers (1 to `PASSENGERS_MAX`), all of them or none.
    pub fn take(
        &mut self,
        class_index: usize,
        trip: Trip,
        party: usize,
        wishes: &Wishes,
        published: &Published,
    ) -> Result<(Places, Met), Shortage> {
        assert!((1..=PASSENGERS_MAX).contains(&party), "a party of {party} is refused where it is read");
        let free = published.free(class_index, trip);
        debug_assert_eq!(free, self.free(class_index, trip), "the published counts are this departure's own");
        if (free as usize) < party {
            return Err(Shortage::SoldOut { free });
        }
        match (&mut self.stocks[class_index], self.layout.space(class_index)) {
            (Stock::Seats(seats), Space::Seats(map)) => {
                let (places, met) = choose(map, seats, trip, party, wishes).ok_or(Shortage::WishUnmet)?;
                take_seats(seats, class_index, trip, &places, published);
                Ok((places, met))
            }
            (Stock::Places { free, .. }, _) => {
                if wishes.mode == WishMode::Strict && wishes_seats(party, wishes) {
                    return Err(Shortage::WishUnmet);
                }
                take_places(free, class_index, trip, party, published);
                Ok((Places::unnumbered(party), Met::default()))
            }
            _ => unreachable!("stock is made from the layout's space"),
        }
    }

    /// Takes exactly these places, as a replay of the ledger does; or says which stands in the way and changes
    /// nothing. A replay after the released percent was lowered meets `NotForSale` and releases more first.
    pub fn take_exact(
        &mut self,
        class_index: usize,
        trip: Trip,
        places: &Places,
        published: &Published,
    ) -> Result<(), Taken> {
        match &mut self.stocks[class_index] {
            Stock::Seats(seats) => {
                let capacity = self.layout.capacity(class_index);
                for (at, &seat) in places.seats().iter().enumerate() {
                    if u32::from(seat) >= capacity {
                        return Err(Taken::NoSuchSeat(seat));
                    }
                    if usize::from(seat) >= seats.released() {
                        return Err(Taken::NotForSale(seat));
                    }
                    if places.seats()[..at].contains(&seat) || !seats.is_free(seat, trip) {
                        return Err(Taken::NotFree(seat));
                    }
                }
                take_seats(seats, class_index, trip, places, published);
            }
            Stock::Places { free, .. } => {
                if let Some(seat) = places.seats().iter().find(|seat| **seat != NO_SEAT) {
                    return Err(Taken::NoSuchSeat(*seat));
                }
                let left = places_free(free, trip);
                if (left as usize) < places.count() {
                    return Err(Taken::TooFew { free: left });
                }
                take_places(free, class_index, trip, places.count(), published);
            }
        }
        Ok(())
    }

    /// Gives places back. Panics when one of them is not taken for the whole trip: that is a bug of the caller.
    pub fn give(&mut self, class_index: usize, trip: Trip, places: &Places, published: &Published) {
        match &mut self.stocks[class_index] {
            Stock::Seats(seats) => {
                for &seat in places.seats() {
                    let run = seats.give(seat, trip);
                    published.seat_given(class_index, run, trip);
                }
            }
            Stock::Places { free, released } => {
                for segment in trip.from()..trip.to() {
                    free[segment] += places.count() as u32;
                    assert!(free[segment] <= *released, "more places are given back than were taken");
                    published.set_places(class_index, segment, free[segment]);
                }
            }
        }
    }

    /// Puts places on sale until `ceil(capacity * released_percent / 100)` of the class are. Never takes any off.
    pub fn release(&mut self, class_index: usize, released_percent: u8, published: &Published) {
        let target = self.layout.released(class_index, released_percent);
        let added = match &mut self.stocks[class_index] {
            Stock::Seats(seats) => seats.release(target as usize) as u32,
            Stock::Places { free, released } => {
                let added = target.saturating_sub(*released);
                free.iter_mut().for_each(|free| *free += added);
                *released += added;
                added
            }
        };
        published.add_everywhere(class_index, added);
    }

    /// Places free for the whole trip, counted from the stock itself and not from what is published.
    pub fn free(&self, class_index: usize, trip: Trip) -> u32 {
        match &self.stocks[class_index] {
            Stock::Seats(seats) => seats.count_free(trip),
            Stock::Places { free, .. } => places_free(free, trip),
        }
    }

    /// Seats or places per segment, withheld ones included.
    pub fn capacity(&self, class_index: usize) -> u32 {
        self.layout.capacity(class_index)
    }

    /// How one segment (counted from 0) is used.
    pub fn segment_usage(&self, class_index: usize, segment: u8) -> Usage {
        let trip = Trip::new(segment, segment + 1, self.segments).expect("the segment is one of the route's");
        let free = self.free(class_index, trip);
        let released = match &self.stocks[class_index] {
            Stock::Seats(seats) => seats.released() as u32,
            Stock::Places { released, .. } => *released,
        };
        Usage { free, taken: released - free, withheld: self.capacity(class_index) - released }
    }
}

/// Whether the wishes ask for what only numbered seats have.
fn wishes_seats(party: usize, wishes: &Wishes) -> bool {
    let close = party > 1 && wishes.together > Together::Anywhere;
    close || wishes.letters[..party].iter().any(|letter| *letter != 0)
}

/// Seats for a party of which at least as many are free; `None` when a STRICT wish cannot be met.
fn choose(map: &SeatMap, seats: &Seats, trip: Trip, party: usize, wishes: &Wishes) -> Option<(Places, Met)> {
    if party > 1 {
        return match seats.quads() {
            ..=QUADS_USUAL => seat_party(map, &mut Tiers::<QUADS_USUAL>::new(seats, trip), party, wishes),
            _ => seat_party(map, &mut Tiers::<QUADS_MAX>::new(seats, trip), party, wishes),
        };
    }
    let letter = wishes.letters[0];
    let wished = map.with_letter(letter).and_then(|allowed| best_seat(seats, trip, Some(allowed)));
    let any = || {
        let free_to_choose = letter == 0 || wishes.mode == WishMode::Prefer;
        if free_to_choose { best_seat(seats, trip, None) } else { None }
    };
    let places = Places::new(&[wished.or_else(any)?])?;
    Some((places, Met { together: Together::Row, letters: letters_met(map, &places, &[letter]) }))
}

fn take_seats(seats: &mut Seats, class_index: usize, trip: Trip, places: &Places, published: &Published) {
    for &seat in places.seats() {
        let run = seats.take(seat, trip);
        published.seat_taken(class_index, run, trip);
    }
}

fn take_places(free: &mut [u32], class_index: usize, trip: Trip, party: usize, published: &Published) {
    for (segment, free) in free.iter_mut().enumerate().take(trip.to()).skip(trip.from()) {
        *free -= party as u32;
        published.set_places(class_index, segment, *free);
    }
}

fn places_free(free: &[u32], trip: Trip) -> u32 {
    free[trip.from()..trip.to()].iter().copied().min().unwrap_or(0)
}
