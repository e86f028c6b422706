//! How many requests are due at which moment of the run, as the command line says.

use super::habits::{Named, parse_time};
use super::schedule::{Course, Piece, Schedule, Spacing};
use clap::Args;
use std::fmt;
use std::str::FromStr;

/// How many arrivals a second, and when. What stands later on the command line replaces what it contradicts, so that a
/// preset can be changed.
#[derive(Clone, Debug, Args)]
pub struct Shape {
    /// Arrivals a second, in all; what follows from an answer, such as the CONFIRM of a sale, comes on top
    #[arg(long, value_name = "N", value_parser = parse_rate, overrides_with_all = ["total", "ramp", "steps", "closed"])]
    pub rate: Option<f64>,
    /// Arrivals in all of --seconds, at a rate that stays
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..=1_000_000_000_000), overrides_with_all = ["rate", "ramp", "steps", "closed"])]
    pub total: Option<u64>,
    /// A rate that goes in a line from one to the other within --seconds: 0..50000
    #[arg(long, value_name = "FROM..TO", overrides_with_all = ["rate", "total", "steps", "closed"])]
    pub ramp: Option<Ramp>,
    /// Rates one after the other, each for an equal part of --seconds: 1000,2000,4000
    #[arg(long, value_name = "N,N", value_delimiter = ',', value_parser = parse_rate, overrides_with_all = ["rate", "total", "ramp", "closed"])]
    pub steps: Vec<f64>,
    /// On top of that a burst of so many arrivals a second when the measured time begins, or when --open-after opens
    /// the sale; it halves every --half-life
    #[arg(long, value_name = "N", value_parser = parse_rate, overrides_with = "closed")]
    pub burst: Option<f64>,
    /// See --burst
    #[arg(long, value_name = "TIME", default_value = "20s", value_parser = parse_half_life)]
    pub half_life: u64,
    /// How arrivals are spaced
    #[arg(long, value_name = "HOW", default_value = "poisson")]
    pub arrivals: Spacing,
    /// Send the next request when an answer comes, instead of at a rate
    #[arg(long, overrides_with_all = ["rate", "total", "ramp", "steps", "burst"])]
    pub closed: bool,
}

impl Shape {
    /// Whether anything says when requests are due.
    pub(super) fn is_told(&self) -> bool {
        self.closed || !self.pieces(0.0, 1.0, 0.0).is_empty()
    }

    /// When requests are due; `None` in a closed loop. The burst begins `opens_after_s` behind the warm-up.
    pub(super) fn schedule(&self, warmup_s: u64, seconds: u64, opens_after_s: f64) -> Option<Schedule> {
        let pieces = self.pieces(warmup_s as f64, seconds as f64, opens_after_s);
        (!self.closed).then_some(Schedule { pieces, spacing: self.arrivals })
    }

    /// Puts this rate in the place of all that contradicts it.
    pub(super) fn take_rate(&mut self, rate: f64) {
        (self.rate, self.total, self.ramp, self.burst) = (Some(rate), None, None, None);
        self.steps.clear();
        self.closed = false;
    }

    fn pieces(&self, warmup_s: f64, seconds: f64, opens_after_s: f64) -> Vec<Piece> {
        let (begin_s, end_s) = (warmup_s, warmup_s + seconds);
        let steady = |from_s, until_s, rate| Piece { from_s, until_s, course: Course::Steady { rate } };
        let rate = self.rate.or(self.total.map(|total| total as f64 / seconds));
        let mut pieces: Vec<_> = rate.map(|rate| steady(0.0, end_s, rate)).into_iter().collect();
        // The warm-up runs at the rate at which the measured time begins.
        if let Some(Ramp { from, to }) = self.ramp {
            pieces.push(steady(0.0, begin_s, from));
            let course = Course::Ramp { from, to, length_s: seconds };
            pieces.push(Piece { from_s: begin_s, until_s: end_s, course });
        }
        for (at, rate) in self.steps.iter().enumerate() {
            let part_s = seconds / self.steps.len() as f64;
            let from_s = if at == 0 { 0.0 } else { begin_s + at as f64 * part_s };
            pieces.push(steady(from_s, begin_s + (at + 1) as f64 * part_s, *rate));
        }
        if let Some(first) = self.burst {
            let course = Course::Halving { first, half_life_s: self.half_life as f64 / 1e9 };
            pieces.push(Piece { from_s: begin_s + opens_after_s, until_s: end_s, course });
        }
        pieces
    }
}

/// As the command line would have it.
impl fmt::Display for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.closed {
            return f.write_str("--closed");
        }
        write!(f, "--arrivals {}", Named(self.arrivals))?;
        if let Some(rate) = self.rate {
            write!(f, " --rate {rate}")?;
        }
        if let Some(total) = self.total {
            write!(f, " --total {total}")?;
        }
        if let Some(Ramp { from, to }) = self.ramp {
            write!(f, " --ramp {from}..{to}")?;
        }
        if !self.steps.is_empty() {
            let steps: Vec<_> = self.steps.iter().map(f64::to_string).collect();
            write!(f, " --steps {}", steps.join(","))?;
        }
        if let Some(burst) = self.burst {
            write!(f, " --burst {burst} --half-life {}s", self.half_life as f64 / 1e9)?;
        }
        Ok(())
    }
}

/// Rates at both ends.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Ramp {
    /// At the beginning, 0 or above.
    pub from: f64,
    /// At the end, 0 or above; one of them is above 0.
    pub to: f64,
}

impl FromStr for Ramp {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let told = || format!("`{text}` is no ramp; write it as in 0..50000, with rates up to {RATE_MAX:.0}");
        let (from, to) = text.split_once("..").ok_or_else(told)?;
        let read = |rate: &str| rate.parse().ok().filter(|rate: &f64| (0.0..=RATE_MAX).contains(rate));
        match (read(from), read(to)) {
            (Some(from), Some(to)) if from + to > 0.0 => Ok(Self { from, to }),
            _ => Err(told()),
        }
    }
}

/// Above it not even the times of arrivals could be told apart.
const RATE_MAX: f64 = 1e8;

pub(super) fn parse_rate(text: &str) -> Result<f64, String> {
    let rate = text.parse().ok().filter(|rate: &f64| *rate > 0.0 && *rate <= RATE_MAX);
    rate.ok_or_else(|| format!("a rate is a number of arrivals a second, above 0 and up to {RATE_MAX:.0}"))
}

fn parse_half_life(text: &str) -> Result<u64, String> {
    match parse_time(text)? {
        0 => Err("a half-life is above 0".to_owned()),
        ns => Ok(ns),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::load::Options;
    use clap::Parser;

    fn shape(line: &str) -> Shape {
        let words = ["seathold-load"].into_iter().chain(line.split_whitespace());
        Options::try_parse_from(words).unwrap().shape
    }

    /// How many arrive in each second.
    fn seconds(line: &str, warmup: u64, seconds: u64) -> Vec<u64> {
        let line = format!("{line} --arrivals even");
        let mut arrivals = shape(&line).schedule(warmup, seconds, 0.0).unwrap().arrivals(1, 1.0, 0, 1);
        let mut counts = vec![0; (warmup + seconds) as usize];
        while arrivals.due_ns() != u64::MAX {
            let due_ns = arrivals.take();
            counts[(due_ns / 1_000_000_000) as usize] += 1;
        }
        counts
    }

    #[test]
    fn each_shape_has_its_arrivals() {
        assert_eq!(seconds("--rate 100", 1, 3), [100, 100, 100, 100]);
        assert_eq!(seconds("--total 300", 0, 3), [100, 100, 100]);
        assert_eq!(seconds("--steps 100,200,400", 1, 3), [100, 100, 200, 400]);
        assert_eq!(seconds("--steps 100,200", 0, 4), [100, 100, 200, 200]);
        assert_eq!(seconds("--ramp 0..200", 1, 2), [0, 50, 150]);
        assert_eq!(seconds("--ramp 200..0", 1, 2), [200, 150, 50]);
        let burst = seconds("--rate 10 --burst 1000 --half-life 1s", 1, 4);
        // The first second of a burst holds 1000/ln 2 times a half of it.
        assert_eq!(burst[0], 10);
        assert!(
            burst[1].abs_diff(731) <= 1 && burst[2].abs_diff(371) <= 1 && burst[4].abs_diff(100) <= 1,
            "{burst:?}"
        );
    }

    #[test]
    fn what_stands_later_replaces_what_it_contradicts() {
        assert_eq!(shape("--total 50 --rate 7").total, None);
        let line = "--arrivals even --ramp 0..5 --burst 9.5 --half-life 1.5s";
        assert_eq!(shape(line).to_string(), line);
        assert_eq!(shape("--steps 1,2 --closed").to_string(), "--closed");
        assert_eq!(shape("--rate 7 --ramp 0..5").rate, None);
        let closed = shape("--rate 7 --burst 9 --closed");
        assert!(closed.is_told() && closed.schedule(0, 1, 0.0).is_none() && closed.burst.is_none());
        assert!(!shape("--closed --rate 7").closed);
        assert!(!shape("").is_told());
        for bad in ["--ramp 5", "--ramp 0..0", "--ramp -1..5", "--steps 5,x", "--burst 0", "--half-life 0s"] {
            let words = ["seathold-load"].into_iter().chain(bad.split_whitespace());
            assert!(Options::try_parse_from(words).is_err(), "`{bad}` was taken");
        }
    }
}
