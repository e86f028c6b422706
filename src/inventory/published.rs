//! The read model: how many places are free for every trip, readable from any core without a lock or a hop.
//!
//! Its departure's owner alone writes, with relaxed loads and stores and no read-modify-write; readers may see the
//! counts of one change half done, which the owner's answer to a reservation settles.
//!
//! For seats the counts are kept per pair of stops, because the minimum over segments is not the number of seats
//! free on all of them. When a seat with the free run `[l, r)` is taken for `[a, b)` within it, it stops being free
//! for exactly the trips `(i, j)` with `l <= i < b`, `a < j <= r`, `i < j`; giving it back is the inverse.

use std::ops::Range;
use std::sync::atomic::Ordering::{Acquire, Relaxed, Release};
use std::sync::atomic::{AtomicU64, fence};

use seathold_protocol::limits::SEATS_PER_CLASS_MAX;

use super::layout::{Layout, Space};
use super::trip::Trip;

/// Counts to a word: 16 bits each, so that one store changes four.
const LANES: usize = 4;
const LANE_BITS: usize = 16;
const ONE_EACH: u64 = 0x0001_0001_0001_0001;
const _: () = assert!(SEATS_PER_CLASS_MAX < 1 << LANE_BITS, "a count of seats fits a lane");

/// Free places per class and trip of one departure.
#[derive(Debug)]
pub struct Published {
    words: Box<[AtomicU64]>,
    classes: Box<[Counts]>,
    segments: usize,
    version: AtomicU64,
    changed_ms: AtomicU64,
    held_in: AtomicU64,
}

/// Where a class's counts lie in the words.
#[derive(Clone, Copy, Debug)]
enum Counts {
    /// A triangle, one row of lanes per `from`; the lane of `to` is `to - 1`. Row `from` omits the words that
    /// would hold lanes below `from` alone.
    Pairs { start: usize },
    /// One word a segment.
    Segments { start: usize },
}

impl Published {
    /// The counts of an untouched departure with `released_percent` (1 to 100) of each class for sale.
    pub fn new(layout: &Layout, segments: u8, released_percent: u8) -> Self {
        let segments = usize::from(segments);
        let mut len = 0;
        let classes: Box<[Counts]> = (0..layout.classes().len())
            .map(|class_index| {
                let start = len;
                match layout.space(class_index) {
                    Space::Seats(_) => {
                        len += row_start(segments, segments);
                        Counts::Pairs { start }
                    }
                    Space::Places(_) => {
                        len += segments;
                        Counts::Segments { start }
                    }
                }
            })
            .collect();
        let words = (0..len).map(|_| AtomicU64::new(0)).collect();
        let [version, changed_ms, held_in] = [const { AtomicU64::new(0) }; 3];
        let published = Self { words, classes, segments, version, changed_ms, held_in };
        for class_index in 0..published.classes.len() {
            published.add_everywhere(class_index, layout.released(class_index, released_percent));
        }
        published
    }

    /// Places of a class free for the whole trip.
    pub fn free(&self, class_index: usize, trip: Trip) -> u32 {
        match self.classes[class_index] {
            Counts::Pairs { start } => {
                let lane = trip.to() - 1;
                let word = start + row_start(trip.from(), self.segments) + lane / LANES - trip.from() / LANES;
                u32::from((self.words[word].load(Relaxed) >> (lane % LANES * LANE_BITS)) as u16)
            }
            Counts::Segments { start } => {
                let words = &self.words[start..][trip.from()..trip.to()];
                words.iter().map(|word| word.load(Relaxed) as u32).min().unwrap_or(0)
            }
        }
    }

    /// How many changes of the departure these counts include; set by its owner.
    pub fn version(&self) -> u64 {
        self.version.load(Relaxed)
    }

    /// Sets what `version` tells. For the departure's owner alone.
    pub fn set_version(&self, version: u64) {
        self.version.store(version, Relaxed);
    }

    /// When the counts last changed, in milliseconds of the clock that the owner chose; 0 before any change.
    pub fn changed_ms(&self) -> u64 {
        self.changed_ms.load(Relaxed)
    }

    /// Sets what `changed_ms` tells. For the departure's owner alone.
    pub fn set_changed_ms(&self, changed_ms: u64) {
        self.changed_ms.store(changed_ms, Relaxed);
    }

    /// The batch with the newest hold, which a crash may undo until that is durable; 0 before any. Whoever read counts before
    /// it finds no hold in them that is newer.
    pub fn held_in(&self) -> u64 {
        fence(Acquire);
        self.held_in.load(Relaxed)
    }

    /// Sets what `held_in` tells, before the counts of that hold change. For the departure's owner alone.
    pub fn set_held_in(&self, sequence: u64) {
        self.held_in.store(sequence, Relaxed);
        fence(Release);
    }

    /// A seat with the free run `run` has been taken for the trip.
    pub(super) fn seat_taken(&self, class_index: usize, run: Range<usize>, trip: Trip) {
        self.add_seats(class_index, run, trip.from()..trip.to(), -1);
    }

    /// A seat has been given back for the trip and now has the free run `run`.
    pub(super) fn seat_given(&self, class_index: usize, run: Range<usize>, trip: Trip) {
        self.add_seats(class_index, run, trip.from()..trip.to(), 1);
    }

    /// So many places without numbers are free on `segment` now.
    pub(super) fn set_places(&self, class_index: usize, segment: usize, free: u32) {
        match self.classes[class_index] {
            Counts::Segments { start } => self.words[start + segment].store(u64::from(free), Relaxed),
            Counts::Pairs { .. } => unreachable!("a class of seats is counted per pair"),
        }
    }

    /// `places` more are free on every segment.
    pub(super) fn add_everywhere(&self, class_index: usize, places: u32) {
        match self.classes[class_index] {
            Counts::Pairs { .. } => {
                self.add_seats(class_index, 0..self.segments, 0..self.segments, i64::from(places));
            }
            Counts::Segments { start } => {
                for word in &self.words[start..][..self.segments] {
                    word.store(word.load(Relaxed) + u64::from(places), Relaxed);
                }
            }
        }
    }

    /// Adds `seats` to every trip within `run` that overlaps `ridden`.
    fn add_seats(&self, class_index: usize, run: Range<usize>, ridden: Range<usize>, seats: i64) {
        let Counts::Pairs { start } = self.classes[class_index] else {
            unreachable!("places without numbers are counted per segment");
        };
        // Lanes never borrow or carry: a count stays within 0 and the capacity, which fits its lane. So a word is
        // changed as a whole, by wrapping arithmetic when `seats` is negative.
        let seats = seats as u64;
        let last = run.end - 1;
        let to_last = ONE_EACH >> ((LANES - 1 - last % LANES) * LANE_BITS);
        let words_of_row = self.segments.div_ceil(LANES);
        // Where lane 0 of the row would be, if no row omitted any.
        let mut row = start + row_start(run.start, self.segments) - run.start / LANES;
        for from in run.start..ridden.end {
            let first = from.max(ridden.start);
            let mut lanes = ONE_EACH << (first % LANES * LANE_BITS);
            let ahead = last / LANES - first / LANES;
            for (at, word) in self.words[row + first / LANES..][..=ahead].iter().enumerate() {
                let changed = if at == ahead { lanes & to_last } else { lanes };
                word.store(word.load(Relaxed).wrapping_add(changed.wrapping_mul(seats)), Relaxed);
                lanes = ONE_EACH;
            }
            row += words_of_row - (from + 1) / LANES;
        }
    }
}

/// The first word of the row of `from` in a triangle over `segments`: the sum of `ceil(segments / LANES) - i / LANES`
/// for `i` below `from`.
fn row_start(from: usize, segments: usize) -> usize {
    let (quads, rest) = (from / LANES, from % LANES);
    // i / LANES takes each value below `quads` LANES times and the value `quads` `rest` times.
    let omitted = LANES * (quads * quads.saturating_sub(1) / 2) + rest * quads;
    from * segments.div_ceil(LANES) - omitted
}
