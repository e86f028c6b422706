//! How the seats of one class lie: rows, coaches, letters, and where runs of neighbours may start.
//!
//! Bit `s % 64` of word `s / 64` of every bitset here stands for seat `s` in the order of the plan.

use std::collections::BTreeMap;

use seathold_protocol::limits::PASSENGERS_MAX;
use seathold_protocol::plan::{Block, Seat};

use seathold_protocol::record::SeatNumber;

/// Bits of a word.
pub(super) const WORD: usize = u64::BITS as usize;

/// The seats of one class.
#[derive(Debug)]
pub(super) struct SeatMap {
    seats: Box<[Seat]>,
    /// At `letter - A`: the seats with that letter; empty when there are none.
    letters: [Box<[u64]>; 26],
    /// At `party - 1`: seats that start `party` consecutive seats of one row.
    starts: [Box<[u64]>; PASSENGERS_MAX],
    rows: Groups,
    coaches: Groups,
    whole: [Run; 1],
}

impl SeatMap {
    /// The seats of `blocks`, numbered in the order of blocks, rows and letters.
    pub(super) fn new(blocks: &[Block]) -> Self {
        let seats: Box<[Seat]> = blocks.iter().flat_map(seats_of).collect();
        let bitset = |holds: &dyn Fn(usize) -> bool| {
            let mut words = vec![0; seats.len().div_ceil(WORD)];
            (0..seats.len()).filter(|&at| holds(at)).for_each(|at| words[at / WORD] |= 1 << (at % WORD));
            words.into_boxed_slice()
        };
        let letters = std::array::from_fn(|at| {
            let letter = b'A' + at as u8;
            let known = seats.iter().any(|seat| seat.letter == letter);
            if known { bitset(&|at| seats[at].letter == letter) } else { Box::default() }
        });
        let row_of = |at: usize| (seats[at].coach, seats[at].row);
        let starts = std::array::from_fn(|extra| {
            bitset(&|at| at + extra < seats.len() && (1..=extra).all(|more| row_of(at + more) == row_of(at)))
        });
        Self {
            letters,
            starts,
            rows: Groups::new(&seats, |seat| (seat.coach, seat.row)),
            coaches: Groups::new(&seats, |seat| seat.coach),
            whole: [Run { start: 0, end: seats.len() as u16 }],
            seats,
        }
    }

    pub(super) fn len(&self) -> usize {
        self.seats.len()
    }

    pub(super) fn seat(&self, seat: SeatNumber) -> Option<Seat> {
        self.seats.get(usize::from(seat)).copied()
    }

    /// The seats with `letter` (A to Z), as a bitset; `None` when there are none.
    pub(super) fn with_letter(&self, letter: u8) -> Option<&[u64]> {
        let letters = self.letters.get(usize::from(letter.wrapping_sub(b'A')))?;
        (!letters.is_empty()).then_some(letters)
    }

    /// Seats from which `party` (1 to `PASSENGERS_MAX`) consecutive seats lie in one row, as a bitset.
    pub(super) fn starts(&self, party: usize) -> &[u64] {
        &self.starts[party - 1]
    }

    pub(super) fn rows(&self) -> &Groups {
        &self.rows
    }

    pub(super) fn coaches(&self) -> &Groups {
        &self.coaches
    }

    /// All seats as one group.
    pub(super) fn whole(&self) -> &[Run] {
        &self.whole
    }
}

fn seats_of(block: &Block) -> impl Iterator<Item = Seat> {
    (0..block.rows).flat_map(move |row| {
        let seat = move |&letter| Seat { coach: block.coach, row: block.first_row + row, letter };
        block.letters.iter().map(seat)
    })
}

/// Seats `start..end`, never empty.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Run {
    pub(super) start: u16,
    pub(super) end: u16,
}

impl Run {
    /// The words that the run touches, each with the mask of the run's seats in it.
    pub(super) fn masks(self) -> impl Iterator<Item = (usize, u64)> {
        let (start, end) = (usize::from(self.start), usize::from(self.end));
        (start / WORD..end.div_ceil(WORD)).map(move |word| {
            let low = start.saturating_sub(word * WORD);
            let high = (end - word * WORD).min(WORD);
            (word, (!0 >> (WORD - (high - low))) << low)
        })
    }
}

/// The rows or the coaches of a class, in the order of their numbers. One that is spread over several blocks has
/// several runs.
#[derive(Debug)]
pub(super) struct Groups {
    runs: Box<[Run]>,
    /// One past each group's last run.
    ends: Box<[u16]>,
    largest: usize,
}

impl Groups {
    fn new<K: Ord>(seats: &[Seat], key: impl Fn(&Seat) -> K) -> Self {
        let mut groups: BTreeMap<K, Vec<Run>> = BTreeMap::new();
        for (at, seat) in (0..).zip(seats) {
            let runs = groups.entry(key(seat)).or_default();
            match runs.last_mut() {
                Some(run) if run.end == at => run.end += 1,
                _ => runs.push(Run { start: at, end: at + 1 }),
            }
        }
        let ends = groups.values().scan(0, |end, runs| {
            *end += runs.len() as u16;
            Some(*end)
        });
        let size = |runs: &Vec<Run>| runs.iter().map(|run| usize::from(run.end - run.start)).sum();
        Self {
            ends: ends.collect(),
            largest: groups.values().map(size).max().unwrap_or(0),
            runs: groups.into_values().flatten().collect(),
        }
    }

    /// Each group's runs.
    pub(super) fn iter(&self) -> impl Iterator<Item = &[Run]> {
        let starts = std::iter::once(0).chain(self.ends.iter().copied());
        starts.zip(&self.ends).map(|(start, end)| &self.runs[usize::from(start)..usize::from(*end)])
    }

    /// Seats of the largest group.
    pub(super) fn largest(&self) -> usize {
        self.largest
    }
}
