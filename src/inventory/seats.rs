//! The seats of one class of one departure: one bit per seat and segment.
//!
//! Segment-major, in quads of 256 seats: the AND over a trip is a few wide operations per segment and quad, and a short
//! trip on a long route never touches what it does not ride.

use std::ops::Range;

use super::seat_map::WORD;
use super::trip::Trip;
use seathold_protocol::record::SeatNumber;

/// Words of a quad.
pub(super) const WORDS: usize = 4;

/// One bit for each of 256 seats.
pub(super) type Quad = [u64; WORDS];

const NONE: Quad = [0; WORDS];

/// Which seats are free where.
#[derive(Debug)]
pub(super) struct Seats {
    /// `free[segment * quads + quad]`: a set bit is a seat that is for sale and not taken.
    free: Box<[Quad]>,
    quads: usize,
    /// Seats for sale are those numbered below this.
    released: usize,
}

impl Seats {
    /// `capacity` seats over `segments`, of which the first `released` are for sale and free.
    pub(super) fn new(capacity: usize, segments: usize, released: usize) -> Self {
        let quads = capacity.div_ceil(WORD * WORDS);
        let free = vec![[0; WORDS]; quads * segments].into_boxed_slice();
        let mut seats = Self { free, quads, released: 0 };
        seats.release(released);
        seats
    }

    /// Puts seats on sale until `released` are; says how many were added.
    pub(super) fn release(&mut self, released: usize) -> usize {
        let added = self.released..released.max(self.released);
        for seat in added.clone() {
            let (quad, word, bit) = locate(seat as SeatNumber);
            self.free.iter_mut().skip(quad).step_by(self.quads).for_each(|seats| seats[word] |= bit);
        }
        self.released = added.end;
        added.len()
    }

    pub(super) fn released(&self) -> usize {
        self.released
    }

    /// How many quads a segment has.
    pub(super) fn quads(&self) -> usize {
        self.quads
    }

    /// The first seats of a segment, where a search begins.
    pub(super) fn first_quad(&self, segment: usize) -> &Quad {
        &self.free[segment * self.quads]
    }

    /// Whether the seat, which exists, is free for the whole trip.
    pub(super) fn is_free(&self, seat: SeatNumber, trip: Trip) -> bool {
        let (quad, word, bit) = locate(seat);
        (trip.from()..trip.to()).all(|segment| self.free[segment * self.quads + quad][word] & bit != 0)
    }

    /// Takes a free seat for the trip. Returns the free run (segments) that held the trip before.
    pub(super) fn take(&mut self, seat: SeatNumber, trip: Trip) -> Range<usize> {
        debug_assert!(self.is_free(seat, trip));
        let (quad, word, bit) = locate(seat);
        for segment in trip.from()..trip.to() {
            self.free[segment * self.quads + quad][word] &= !bit;
        }
        self.run_around(seat, trip)
    }

    /// Gives back a seat taken for the trip. Returns the free run (segments) that holds the trip now.
    pub(super) fn give(&mut self, seat: SeatNumber, trip: Trip) -> Range<usize> {
        let (quad, word, bit) = locate(seat);
        let mut taken = usize::from(seat) < self.released;
        for segment in trip.from()..trip.to() {
            let seats = &mut self.free[segment * self.quads + quad][word];
            taken &= *seats & bit == 0;
            *seats |= bit;
        }
        assert!(taken, "seat {seat} is given back for {trip:?} but is not taken there");
        self.run_around(seat, trip)
    }

    /// Seats free for the whole trip, counted from the bits.
    pub(super) fn count_free(&self, trip: Trip) -> u32 {
        let ones = |quad| self.candidates(quad, trip).iter().map(|word| word.count_ones()).sum::<u32>();
        (0..self.quads).map(ones).sum()
    }

    /// Of a quad, the seats that are free on every segment of the trip.
    #[inline]
    pub(super) fn candidates(&self, quad: usize, trip: Trip) -> Quad {
        let mut free = [!0; WORDS];
        let mut at = trip.from() * self.quads + quad;
        for _ in trip.from()..trip.to() {
            let seats = &self.free[at];
            (0..WORDS).for_each(|word| free[word] &= seats[word]);
            at += self.quads;
        }
        free
    }

    /// Of a quad, the seats that are free on the segment just before the trip, and just after it; beyond the route's ends
    /// none is.
    #[inline]
    pub(super) fn beside(&self, quad: usize, trip: Trip) -> (&Quad, &Quad) {
        let of = |segment: usize| self.free.get(segment * self.quads + quad);
        (trip.from().checked_sub(1).and_then(of).unwrap_or(&NONE), of(trip.to()).unwrap_or(&NONE))
    }

    /// The trip widened on both sides as far as the seat is free.
    fn run_around(&self, seat: SeatNumber, trip: Trip) -> Range<usize> {
        let (quad, word, bit) = locate(seat);
        let is_free = |segment: usize| {
            self.free.get(segment * self.quads + quad).is_some_and(|seats| seats[word] & bit != 0)
        };
        let (mut start, mut end) = (trip.from(), trip.to());
        while start > 0 && is_free(start - 1) {
            start -= 1;
        }
        while is_free(end) {
            end += 1;
        }
        start..end
    }
}

/// A seat's quad, the word in it, and its bit there.
fn locate(seat: SeatNumber) -> (usize, usize, u64) {
    let seat = usize::from(seat);
    (seat / (WORD * WORDS), seat / WORD % WORDS, 1 << (seat % WORD))
}
