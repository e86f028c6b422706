//! When requests of an open loop are due: a pure function of the schedule, the seed and which share of it is asked for.
//! What the server does moves none of it.

use rand::{RngExt, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;
use std::f64::consts::LN_2;

/// How arrivals of a known rate are spaced.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Spacing {
    /// As buyers who do not know of each other: the gaps are exponential.
    Poisson,
    /// All gaps alike.
    Even,
}

/// How many arrivals a second over the length of one piece. Rates are of arrivals a second, times in seconds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Course {
    Steady { rate: f64 },
    Ramp { from: f64, to: f64, length_s: f64 },
    Halving { first: f64, half_life_s: f64 },
}

impl Course {
    fn share(self, share: f64) -> Self {
        match self {
            Self::Steady { rate } => Self::Steady { rate: rate * share },
            Self::Ramp { from, to, length_s } => Self::Ramp { from: from * share, to: to * share, length_s },
            Self::Halving { first, half_life_s } => Self::Halving { first: first * share, half_life_s },
        }
    }

    /// When so many have come, in seconds since the piece began; infinite if they never do. `arrivals` is above 0.
    fn after(self, arrivals: f64) -> f64 {
        match self {
            Self::Steady { rate } => arrivals / rate,
            Self::Ramp { from, to, length_s } => {
                // The root of from*t + (to - from)/(2*length)*t^2 = arrivals that needs no difference of large numbers.
                let slope = (to - from) / length_s;
                let square = from * from + 2.0 * slope * arrivals;
                if square < 0.0 { f64::INFINITY } else { 2.0 * arrivals / (from + square.sqrt()) }
            }
            Self::Halving { first, half_life_s } => {
                let left = 1.0 - arrivals * LN_2 / (first * half_life_s);
                if left > 0.0 { -half_life_s * left.log2() } else { f64::INFINITY }
            }
        }
    }

    fn peak(self) -> f64 {
        match self {
            Self::Steady { rate } => rate,
            Self::Ramp { from, to, .. } => from.max(to),
            Self::Halving { first, .. } => first,
        }
    }
}

/// A course over some of the run, in seconds since it began. Where pieces overlap their rates add up.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Piece {
    pub(super) from_s: f64,
    pub(super) until_s: f64,
    pub(super) course: Course,
}

/// When how many arrive, in all threads together.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Schedule {
    pub(super) pieces: Vec<Piece>,
    pub(super) spacing: Spacing,
}

impl Schedule {
    /// No second has more arrivals than this, but for chance.
    pub(super) fn peak(&self) -> f64 {
        self.pieces.iter().map(|piece| piece.course.peak()).sum()
    }

    /// One of `of` equal parts of the fraction `share` of all arrivals: `part` is below `of`.
    pub(super) fn arrivals(&self, seed: u64, share: f64, part: usize, of: usize) -> Arrivals {
        let of_part = |(at, piece): (usize, &Piece)| {
            let course = piece.course.share(share / of as f64);
            let phase = (part as f64 + 0.5) / of as f64;
            // Seeds one apart give unrelated streams: seed_from_u64 mixes them.
            let stream = seed.wrapping_mul(1 << 32).wrapping_add((part as u64) << 16).wrapping_add(at as u64);
            let gaps = match self.spacing {
                Spacing::Even => None,
                Spacing::Poisson => Some(Xoshiro256PlusPlus::seed_from_u64(stream)),
            };
            let mut pieces =
                Stream { piece: Piece { course, ..*piece }, arrivals: 0.0, phase, gaps, due_ns: 0 };
            pieces.advance();
            pieces
        };
        Arrivals { streams: self.pieces.iter().enumerate().map(of_part).collect() }
    }
}

/// The arrivals of one piece.
#[derive(Clone, Debug)]
struct Stream {
    piece: Piece,
    arrivals: f64,
    /// Where the first of even arrivals stands in its gap, so that the parts of a schedule do not arrive together.
    phase: f64,
    gaps: Option<Xoshiro256PlusPlus>,
    due_ns: u64,
}

impl Stream {
    fn advance(&mut self) {
        self.arrivals += match &mut self.gaps {
            // 1 - [0, 1) is never 0.
            Some(gaps) => -(1.0 - gaps.random::<f64>()).ln(),
            None if self.arrivals == 0.0 => self.phase,
            None => 1.0,
        };
        let due_s = self.piece.from_s + self.piece.course.after(self.arrivals.max(f64::MIN_POSITIVE));
        self.due_ns = if due_s < self.piece.until_s { (due_s * 1e9) as u64 } else { u64::MAX };
    }
}

/// The times at which requests are due, one after the other: no more of them are held than the next.
#[derive(Clone, Debug)]
pub(super) struct Arrivals {
    streams: Vec<Stream>,
}

impl Arrivals {
    /// When the next is due, in nanoseconds since the run began; `u64::MAX` if none is.
    pub(super) fn due_ns(&self) -> u64 {
        self.streams.iter().map(|stream| stream.due_ns).min().unwrap_or(u64::MAX)
    }

    /// Takes the next and tells when it is due.
    pub(super) fn take(&mut self) -> u64 {
        let Some(first) = self.streams.iter_mut().min_by_key(|stream| stream.due_ns) else { return u64::MAX };
        let due_ns = first.due_ns;
        if due_ns != u64::MAX {
            first.advance();
        }
        due_ns
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn schedule(spacing: Spacing, pieces: &[(f64, f64, Course)]) -> Schedule {
        let piece =
            |(from_s, until_s, course): &_| Piece { from_s: *from_s, until_s: *until_s, course: *course };
        Schedule { pieces: pieces.iter().map(piece).collect(), spacing }
    }

    fn times(mut arrivals: Arrivals) -> Vec<u64> {
        std::iter::from_fn(|| Some(arrivals.take()).filter(|due| *due != u64::MAX)).collect()
    }

    fn within(times: &[u64], from_s: f64, until_s: f64) -> usize {
        times.iter().filter(|due| (from_s..until_s).contains(&(**due as f64 / 1e9))).count()
    }

    #[test]
    fn even_arrivals_of_all_parts_are_evenly_apart() {
        let steady = schedule(Spacing::Even, &[(0.0, 1.0, Course::Steady { rate: 1_000.0 })]);
        let mut all: Vec<_> = (0..4).flat_map(|part| times(steady.arrivals(1, 1.0, part, 4))).collect();
        all.sort_unstable();
        assert_eq!(all.len(), 1_000);
        assert!(all.windows(2).all(|two| (999_990..=1_000_010).contains(&(two[1] - two[0]))));
    }

    #[test]
    fn poisson_arrivals_follow_from_the_seed_alone() {
        let steady = schedule(Spacing::Poisson, &[(2.0, 12.0, Course::Steady { rate: 10_000.0 })]);
        let one = times(steady.arrivals(1, 1.0, 0, 1));
        assert_eq!(one, times(steady.arrivals(1, 1.0, 0, 1)));
        assert_ne!(one, times(steady.arrivals(2, 1.0, 0, 1)));
        assert!(one.is_sorted() && one[0] >= 2_000_000_000);
        // Five standard deviations of a Poisson count are five times its root.
        assert!(one.len().abs_diff(100_000) < 5 * 317, "{}", one.len());
        let half = times(steady.arrivals(1, 0.5, 1, 2)).len();
        assert!(half.abs_diff(25_000) < 5 * 159, "{half}");
        // The gaps of a Poisson process spread as far as their mean.
        let gaps: Vec<_> = one.windows(2).map(|two| (two[1] - two[0]) as f64 / 100_000.0).collect();
        let spread = gaps.iter().map(|gap| (gap - 1.0).powi(2)).sum::<f64>() / gaps.len() as f64;
        assert!((0.95..1.05).contains(&spread), "{spread}");
    }

    #[test]
    fn a_burst_halves_with_its_half_life() {
        let burst = Course::Halving { first: 10_000.0, half_life_s: 20.0 };
        let times = times(schedule(Spacing::Even, &[(0.0, 100.0, burst)]).arrivals(1, 1.0, 0, 1));
        let counts: Vec<_> =
            (0..5).map(|at| within(&times, 20.0 * at as f64, 20.0 * (at + 1) as f64)).collect();
        // The integral over the first half-life is first * half_life / (2 ln 2).
        assert!(counts[0].abs_diff(144_270) <= 1, "{counts:?}");
        assert!(counts.windows(2).all(|two| two[0].abs_diff(2 * two[1]) <= 2), "{counts:?}");
    }

    #[test]
    fn a_ramp_climbs_and_falls_in_a_line() {
        for (from, to, first_half) in [(0.0, 1_000.0, 1_250), (1_000.0, 0.0, 3_750)] {
            let ramp = Course::Ramp { from, to, length_s: 10.0 };
            let times = times(schedule(Spacing::Even, &[(0.0, 10.0, ramp)]).arrivals(1, 1.0, 0, 1));
            assert!(times.len().abs_diff(5_000) <= 1 && times.is_sorted(), "{}", times.len());
            assert!(within(&times, 0.0, 5.0).abs_diff(first_half) <= 1);
        }
    }

    #[test]
    fn pieces_that_overlap_add_up_and_come_in_order() {
        let (low, high) = (Course::Steady { rate: 100.0 }, Course::Steady { rate: 300.0 });
        let both = schedule(Spacing::Even, &[(0.0, 10.0, low), (4.0, 6.0, high)]);
        let times = times(both.arrivals(1, 1.0, 0, 1));
        assert!(times.is_sorted());
        assert_eq!((within(&times, 0.0, 4.0), within(&times, 4.0, 6.0), times.len()), (400, 800, 1_600));
        assert_eq!(both.peak(), 400.0);
    }
}
