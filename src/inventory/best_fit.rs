//! Which of the free seats to take: the one whose use leaves the smallest gap beside it.
//!
//! A candidate is *tight* when the segments just before and just after the trip are both taken on it (the route's
//! ends count as taken), *leaning* when at least one is. Tight goes before leaning, leaning before the rest, and
//! within a tier the lowest number first.

use seathold_protocol::limits::SEATS_PER_CLASS_MAX;

use super::seat_map::{Run, WORD};
use super::seats::{Seats, candidates};
use super::trip::Trip;
use seathold_protocol::record::SeatNumber;

/// The best seat for one passenger, of those in `allowed` if given; `None` when none is free.
pub(super) fn best_seat(seats: &Seats, trip: Trip, allowed: Option<&[u64]>) -> Option<SeatNumber> {
    let mut leaning_first = None;
    let mut free_first = None;
    for (word, segments) in seats.words().enumerate() {
        let mut free = candidates(segments, trip);
        if let Some(allowed) = allowed {
            free &= allowed[word];
        }
        if free == 0 {
            continue;
        }
        let (tight, leaning) = fit(free, segments, trip);
        let first = |bits: u64| (word * WORD) as SeatNumber + bits.trailing_zeros() as SeatNumber;
        if tight != 0 {
            return Some(first(tight));
        }
        if leaning != 0 && leaning_first.is_none() {
            leaning_first = Some(first(leaning));
        }
        free_first = free_first.or_else(|| Some(first(free)));
    }
    leaning_first.or(free_first)
}

/// Of the `free` seats, those that are tight, and those that are tight or leaning.
fn fit(free: u64, segments: &[u64], trip: Trip) -> (u64, u64) {
    let before = if trip.from() == 0 { 0 } else { segments[trip.from() - 1] };
    let after = segments.get(trip.to()).copied().unwrap_or(0);
    (free & !(before | after), free & !(before & after))
}

/// Words of the largest class.
const WORDS_MAX: usize = SEATS_PER_CLASS_MAX / WORD;

/// All candidates of a trip by tier. Each tier includes the better ones.
pub(super) struct Tiers {
    tight: [u64; WORDS_MAX],
    leaning: [u64; WORDS_MAX],
    free: [u64; WORDS_MAX],
    words: usize,
}

impl Tiers {
    pub(super) fn new(seats: &Seats, trip: Trip) -> Self {
        let zero = [0; WORDS_MAX];
        let mut tiers = Self { tight: zero, leaning: zero, free: zero, words: seats.words().len() };
        for (word, segments) in seats.words().enumerate() {
            let free = candidates(segments, trip);
            tiers.free[word] = free;
            (tiers.tight[word], tiers.leaning[word]) = fit(free, segments, trip);
        }
        tiers
    }

    /// The best candidate within `runs`, of those in `allowed` if given; it is a candidate no more.
    pub(super) fn draw(&mut self, runs: &[Run], allowed: Option<&[u64]>) -> Option<SeatNumber> {
        let masks = || runs.iter().flat_map(|run| run.masks());
        let best = self.by_tier().into_iter().find_map(|tier| {
            masks().find_map(|(word, mask)| {
                let bits = tier[word] & mask & allowed.map_or(!0, |allowed| allowed[word]);
                (bits != 0).then(|| word * WORD + bits.trailing_zeros() as usize)
            })
        })?;
        let (word, others) = (best / WORD, !(1 << (best % WORD)));
        self.tight[word] &= others;
        self.leaning[word] &= others;
        self.free[word] &= others;
        Some(best as SeatNumber)
    }

    /// Candidates within `runs`, of those in `allowed` if given.
    pub(super) fn count(&self, runs: &[Run], allowed: Option<&[u64]>) -> usize {
        let masks = runs.iter().flat_map(|run| run.masks());
        let bits =
            |(word, mask): (usize, u64)| self.free[word] & mask & allowed.map_or(!0, |bits| bits[word]);
        masks.map(|mask| bits(mask).count_ones() as usize).sum()
    }

    /// Runs of `party` candidates in a row whose first seat is in `starts`: all tight ones, then leaning, then all.
    pub(super) fn adjacent(&self, party: usize, starts: &[u64]) -> impl Iterator<Item = Run> {
        self.by_tier().into_iter().flat_map(move |tier| {
            starts.iter().enumerate().flat_map(move |(word, starts)| {
                let mut firsts = (0..party).fold(*starts, |firsts, ahead| firsts & funnel(tier, word, ahead));
                std::iter::from_fn(move || {
                    let start = (word * WORD) as u16 + firsts.trailing_zeros() as u16;
                    let run = Run { start, end: start + party as u16 };
                    (firsts != 0).then(|| {
                        firsts &= firsts - 1;
                        run
                    })
                })
            })
        })
    }

    fn by_tier(&self) -> [&[u64]; 3] {
        [&self.tight[..self.words], &self.leaning[..self.words], &self.free[..self.words]]
    }
}

/// The word at `word`, its seats replaced by those `ahead` (below 64) places further on.
fn funnel(bits: &[u64], word: usize, ahead: usize) -> u64 {
    if ahead == 0 {
        return bits[word];
    }
    let next = bits.get(word + 1).copied().unwrap_or(0);
    bits[word] >> ahead | next << (WORD - ahead)
}
