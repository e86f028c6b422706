//! The seats of one class of one departure: one bit per seat and segment.
//!
//! Word-major: the words of all segments for the same 64 seats lie side by side, so that the AND over a trip, a
//! take and the search for a seat's free run each touch one or two cache lines.

use std::ops::Range;

use super::seat_map::WORD;
use super::trip::Trip;
use seathold_protocol::record::SeatNumber;

/// Which seats are free where.
#[derive(Debug)]
pub(super) struct Seats {
    /// `free[word * segments + segment]`: a set bit is a seat that is for sale and not taken.
    free: Box<[u64]>,
    segments: usize,
    /// Seats for sale are those numbered below this.
    released: usize,
}

impl Seats {
    /// `capacity` seats over `segments`, of which the first `released` are for sale and free.
    pub(super) fn new(capacity: usize, segments: usize, released: usize) -> Self {
        let free = vec![0; capacity.div_ceil(WORD) * segments].into_boxed_slice();
        let mut seats = Self { free, segments, released: 0 };
        seats.release(released);
        seats
    }

    /// Puts seats on sale until `released` are; says how many were added.
    pub(super) fn release(&mut self, released: usize) -> usize {
        let added = self.released..released.max(self.released);
        for seat in added.clone() {
            let segments = self.segments;
            let bit = 1 << (seat % WORD);
            self.free[seat / WORD * segments..][..segments].iter_mut().for_each(|word| *word |= bit);
        }
        self.released = added.end;
        added.len()
    }

    pub(super) fn released(&self) -> usize {
        self.released
    }

    /// The seats as words of 64: for each, the free bits of every segment.
    pub(super) fn words(&self) -> impl ExactSizeIterator<Item = &[u64]> {
        self.free.chunks_exact(self.segments)
    }

    /// Whether the seat, which exists, is free for the whole trip.
    pub(super) fn is_free(&self, seat: SeatNumber, trip: Trip) -> bool {
        let (start, bit) = self.locate(seat);
        self.free[start..][trip.from()..trip.to()].iter().all(|word| word & bit != 0)
    }

    /// Takes a free seat for the trip. Returns the free run (segments) that held the trip before.
    pub(super) fn take(&mut self, seat: SeatNumber, trip: Trip) -> Range<usize> {
        debug_assert!(self.is_free(seat, trip));
        let (start, bit) = self.locate(seat);
        let segments = &mut self.free[start..][..self.segments];
        segments[trip.from()..trip.to()].iter_mut().for_each(|word| *word &= !bit);
        run_around(segments, bit, trip)
    }

    /// Gives back a seat taken for the trip. Returns the free run (segments) that holds the trip now.
    pub(super) fn give(&mut self, seat: SeatNumber, trip: Trip) -> Range<usize> {
        let (start, bit) = self.locate(seat);
        let segments = &mut self.free[start..][..self.segments];
        let ridden = &mut segments[trip.from()..trip.to()];
        let taken = usize::from(seat) < self.released && ridden.iter().all(|word| word & bit == 0);
        assert!(taken, "seat {seat} is given back for {trip:?} but is not taken there");
        ridden.iter_mut().for_each(|word| *word |= bit);
        run_around(segments, bit, trip)
    }

    /// Seats free for the whole trip, counted from the bits.
    pub(super) fn count_free(&self, trip: Trip) -> u32 {
        self.words().map(|segments| candidates(segments, trip).count_ones()).sum()
    }

    fn locate(&self, seat: SeatNumber) -> (usize, u64) {
        let seat = usize::from(seat);
        (seat / WORD * self.segments, 1 << (seat % WORD))
    }
}

/// Of 64 seats, those free on every segment of the trip.
pub(super) fn candidates(segments: &[u64], trip: Trip) -> u64 {
    segments[trip.from()..trip.to()].iter().fold(!0, |free, segment| free & segment)
}

/// The trip widened on both sides as far as the seat is free.
fn run_around(segments: &[u64], bit: u64, trip: Trip) -> Range<usize> {
    let before = segments[..trip.from()].iter().rev().take_while(|word| *word & bit != 0).count();
    let after = segments[trip.to()..].iter().take_while(|word| *word & bit != 0).count();
    trip.from() - before..trip.to() + after
}
