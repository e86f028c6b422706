//! The naive seat by segment table that the inventory is compared with: slow, and plain enough to be believed.

use seathold_protocol::plan::{ClassPlan, Seat, Stock};
use seathold_protocol::wishes::{Together, WishMode, Wishes};

use crate::inventory::{Taken, Trip};
use seathold_protocol::record::{NO_SEAT, SeatNumber};

/// One class of one departure.
pub(super) struct Naive {
    /// Painted seats; empty for places without numbers.
    pub(super) seats: Vec<Seat>,
    pub(super) capacity: usize,
    pub(super) released: usize,
    /// `taken[seat][segment]`, for places without numbers any place that is free.
    taken: Vec<Vec<bool>>,
}

impl Naive {
    pub(super) fn new(plan: &ClassPlan, segments: usize, percent: u8) -> Self {
        let mut seats = Vec::new();
        if let Stock::Seats(blocks) = &plan.stock {
            for block in blocks {
                for row in block.first_row..block.first_row + block.rows {
                    for letter in &block.letters {
                        seats.push(Seat { coach: block.coach, row, letter: *letter });
                    }
                }
            }
        }
        let capacity = plan.capacity() as usize;
        let taken = vec![vec![false; segments]; capacity];
        let mut naive = Self { seats, capacity, released: 0, taken };
        naive.release(percent);
        naive
    }

    pub(super) fn numbered(&self) -> bool {
        !self.seats.is_empty()
    }

    pub(super) fn release(&mut self, percent: u8) {
        self.released = self.released.max((self.capacity * usize::from(percent)).div_ceil(100));
    }

    pub(super) fn free_on(&self, segment: usize) -> usize {
        (0..self.released).filter(|&seat| !self.taken[seat][segment]).count()
    }

    /// Whether a released seat is free from `from` to `to`.
    fn fits(&self, seat: usize, from: usize, to: usize) -> bool {
        seat < self.released && (from..to).all(|segment| !self.taken[seat][segment])
    }

    /// Released seats free for the whole trip; unnumbered places may change between segments.
    pub(super) fn free(&self, from: usize, to: usize) -> usize {
        if !self.numbered() {
            return (from..to).map(|segment| self.free_on(segment)).min().unwrap();
        }
        self.candidates(from, to).len()
    }

    pub(super) fn candidates(&self, from: usize, to: usize) -> Vec<usize> {
        (0..self.released).filter(|&seat| self.fits(seat, from, to)).collect()
    }

    /// 0 tight, 1 leaning, 2 neither: the number of free neighbour segments.
    fn tier(&self, seat: usize, from: usize, to: usize) -> usize {
        let free = |segment: usize| self.taken[seat].get(segment).is_some_and(|taken| !taken);
        usize::from(free(from.wrapping_sub(1))) + usize::from(free(to))
    }

    /// What the best-fit rule gives a single passenger with this letter, or 0.
    pub(super) fn best_single(&self, from: usize, to: usize, letter: u8) -> Option<usize> {
        let candidates = self.candidates(from, to).into_iter();
        let wished = candidates.filter(|&seat| letter == 0 || self.seats[seat].letter == letter);
        wished.min_by_key(|&seat| (self.tier(seat, from, to), seat))
    }

    /// What the best-fit rule gives a party without letters that finds neighbours in a row: the first seat.
    pub(super) fn best_neighbours(&self, from: usize, to: usize, party: usize) -> Option<usize> {
        let row = |seat: usize| self.seats.get(seat).map(|seat| (seat.coach, seat.row));
        let is_run = |start: usize| {
            (start..start + party).all(|seat| self.fits(seat, from, to) && row(seat) == row(start))
        };
        let worst = |start: usize| (start..start + party).map(|seat| self.tier(seat, from, to)).max();
        (0..self.released).filter(|&start| is_run(start)).min_by_key(|&start| (worst(start), start))
    }

    /// The closest that a party can sit, with all letters met if `letters` says so; `None`: it cannot.
    pub(super) fn closest(&self, from: usize, to: usize, party: usize, letters: &[u8]) -> Option<Together> {
        let candidates = self.candidates(from, to);
        let seats_party = |group: &dyn Fn(&Seat) -> bool| {
            let group: Vec<&Seat> =
                candidates.iter().map(|&seat| &self.seats[seat]).filter(|seat| group(seat)).collect();
            let has = |letter: &u8| {
                let asked = letters.iter().filter(|other| *other == letter).count();
                *letter == 0 || group.iter().filter(|seat| seat.letter == *letter).count() >= asked
            };
            group.len() >= party && letters.iter().all(has)
        };
        let (mut in_row, mut in_coach) = (false, false);
        for one in candidates.iter().map(|&seat| self.seats[seat]) {
            in_row |= seats_party(&|seat| (seat.coach, seat.row) == (one.coach, one.row));
            in_coach |= seats_party(&|seat| seat.coach == one.coach);
        }
        let anywhere = seats_party(&|_| true);
        let found = [(in_row, Together::Row), (in_coach, Together::Coach), (anywhere, Together::Anywhere)];
        found.into_iter().find_map(|(possible, together)| possible.then_some(together))
    }

    /// How close these seats lie.
    pub(super) fn closeness(&self, seats: &[SeatNumber]) -> Together {
        if !self.numbered() {
            return Together::Anywhere;
        }
        let first = self.seats[usize::from(seats[0])];
        let all = |alike: &dyn Fn(&Seat) -> bool| seats.iter().all(|&at| alike(&self.seats[usize::from(at)]));
        if all(&|seat| (seat.coach, seat.row) == (first.coach, first.row)) {
            Together::Row
        } else if all(&|seat| seat.coach == first.coach) {
            Together::Coach
        } else {
            Together::Anywhere
        }
    }

    /// Whether a STRICT party can have what it wishes.
    pub(super) fn strict_possible(&self, from: usize, to: usize, party: usize, wishes: &Wishes) -> bool {
        assert_eq!(wishes.mode, WishMode::Strict);
        let letters = &wishes.letters[..party];
        if !self.numbered() {
            return letters.iter().all(|letter| *letter == 0)
                && (party == 1 || wishes.together == Together::Anywhere);
        }
        self.closest(from, to, party, letters).is_some_and(|closest| closest >= wishes.together)
    }

    /// Why these places cannot be taken, if they cannot.
    pub(super) fn obstacle(&self, trip: Trip, seats: &[SeatNumber]) -> Option<Taken> {
        if !self.numbered() {
            let free = self.free(trip.from(), trip.to());
            let named = seats.iter().find(|seat| **seat != NO_SEAT).map(|seat| Taken::NoSuchSeat(*seat));
            return named.or((free < seats.len()).then_some(Taken::TooFew { free: free as u32 }));
        }
        seats.iter().enumerate().find_map(|(at, &seat)| match usize::from(seat) {
            number if number >= self.capacity => Some(Taken::NoSuchSeat(seat)),
            number if number >= self.released => Some(Taken::NotForSale(seat)),
            number if seats[..at].contains(&seat) || !self.fits(number, trip.from(), trip.to()) => {
                Some(Taken::NotFree(seat))
            }
            _ => None,
        })
    }

    /// Takes or gives places; fails when one is not as it should be.
    pub(super) fn mark(&mut self, trip: Trip, seats: &[SeatNumber], taken: bool) {
        for &seat in seats {
            for segment in trip.from()..trip.to() {
                let number = match seat {
                    NO_SEAT => (0..self.released).find(|&any| self.taken[any][segment] != taken).unwrap(),
                    seat => usize::from(seat),
                };
                assert!(number < self.released, "seat {number} is not for sale");
                assert_ne!(self.taken[number][segment], taken, "seat {number} twice on segment {segment}");
                self.taken[number][segment] = taken;
            }
        }
    }
}
