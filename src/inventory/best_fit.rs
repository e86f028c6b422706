//! Which of the free seats to take: the one whose use leaves the smallest gap beside it.
//!
//! A candidate is *tight* when the segments just before and just after the trip are both taken on it (the route's
//! ends count as taken), *leaning* when at least one is. Tight goes before leaning, leaning before the rest, and
//! within a tier the lowest number first.

use super::seat_map::{Run, WORD};
use super::seats::{Quad, Seats, WORDS};
use super::trip::Trip;
use seathold_protocol::record::SeatNumber;

/// The best seat for one passenger, of those in `allowed` if given; `None` when none is free.
pub(super) fn best_seat(seats: &Seats, trip: Trip, allowed: Option<&[u64]>) -> Option<SeatNumber> {
    let mut leaning_first = None;
    let mut free_first = None;
    for quad in 0..seats.quads() {
        let mut free = seats.candidates(quad, trip);
        if let Some(allowed) = allowed {
            let allowed = &allowed[quad * WORDS..];
            (0..WORDS).for_each(|word| free[word] &= allowed.get(word).copied().unwrap_or(0));
        }
        let (before, after) = seats.beside(quad, trip);
        let tight = first_of(quad, std::array::from_fn(|word| free[word] & !(before[word] | after[word])));
        if tight.is_some() {
            return tight;
        }
        if leaning_first.is_none() {
            leaning_first =
                first_of(quad, std::array::from_fn(|word| free[word] & !(before[word] & after[word])));
            free_first = free_first.or_else(|| first_of(quad, free));
        }
    }
    leaning_first.or(free_first)
}

/// The lowest seat of a quad that is among `bits`.
#[inline]
fn first_of(quad: usize, bits: Quad) -> Option<SeatNumber> {
    // Usually there is none, and this is one branch instead of one a word.
    if bits[0] | bits[1] | bits[2] | bits[3] == 0 {
        return None;
    }
    let word = bits.iter().position(|bits| *bits != 0)?;
    Some(((quad * WORDS + word) * WORD) as SeatNumber + bits[word].trailing_zeros() as SeatNumber)
}

/// All candidates of a trip by tier, of a class of at most `QUADS` quads. Each tier includes the better ones.
pub(super) struct Tiers<const QUADS: usize> {
    tight: [Quad; QUADS],
    leaning: [Quad; QUADS],
    free: [Quad; QUADS],
    quads: usize,
}

impl<const QUADS: usize> Tiers<QUADS> {
    pub(super) fn new(seats: &Seats, trip: Trip) -> Self {
        let none = [[0; WORDS]; QUADS];
        let mut tiers = Self { tight: none, leaning: none, free: none, quads: seats.quads() };
        for quad in 0..seats.quads() {
            let free = seats.candidates(quad, trip);
            let (before, after) = seats.beside(quad, trip);
            tiers.free[quad] = free;
            for word in 0..WORDS {
                tiers.leaning[quad][word] = free[word] & !(before[word] & after[word]);
                tiers.tight[quad][word] = free[word] & !(before[word] | after[word]);
            }
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
        for tier in [&mut self.tight, &mut self.leaning, &mut self.free] {
            tier.as_flattened_mut()[word] &= others;
        }
        Some(best as SeatNumber)
    }

    /// Candidates within `runs`, of those in `allowed` if given.
    pub(super) fn count(&self, runs: &[Run], allowed: Option<&[u64]>) -> usize {
        let masks = runs.iter().flat_map(|run| run.masks());
        let free = self.free.as_flattened();
        let bits = |(word, mask): (usize, u64)| free[word] & mask & allowed.map_or(!0, |bits| bits[word]);
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
        [&self.tight, &self.leaning, &self.free].map(|tier| tier[..self.quads].as_flattened())
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

#[cfg(test)]
mod tests {
    use super::*;

    /// Equal words of a quad must not cancel each other out where they are tested together.
    #[test]
    fn the_first_seat_of_a_quad_is_found_in_whichever_words_there_are_some() {
        for words in 1..1u64 << WORDS {
            let first = 2 * WORDS * WORD + words.trailing_zeros() as usize * WORD + 5;
            let bits = std::array::from_fn(|word| (words >> word & 1) << 5);
            assert_eq!(first_of(2, bits), Some(first as SeatNumber), "words {words:04b}");
        }
        assert_eq!(first_of(2, [0; WORDS]), None);
    }
}
