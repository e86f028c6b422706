//! How buyers behave: how many travel together and where, how long they take to pay, and which trains they like.

use super::departures::Departure;
use super::mix::Mix;
use clap::Args;
use rand::seq::SliceRandom;
use rand::{Rng, RngExt, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;
use seathold_protocol::StopIndex;
use seathold_protocol::limits::PASSENGERS_MAX;
use serde::{Serialize, Serializer};
use std::fmt;
use std::str::FromStr;

/// How buyers behave.
#[derive(Clone, Debug, Args)]
pub struct Habits {
    /// Passengers of one reservation: a number, or numbers with weights: 1=60,2=30,4=10
    #[arg(long, value_name = "N", default_value = "1")]
    pub party: Parties,
    /// Trips: uniform (each pair of stops alike), long (by the segments that they cross), or short (by the inverse)
    #[arg(long, value_name = "WHICH", default_value = "uniform")]
    pub trips: Trips,
    /// Departures: uniform, zipf=S (the one of rank k as often as 1/k^S; ranks are dealt by the seed), hot (one alone),
    /// or hot=P% (one has that share, the others the rest)
    #[arg(long, value_name = "HOW", default_value = "uniform")]
    pub trains_by: Popularity,
    /// How long buyers take from HELD to CONFIRM, any time of a span alike: 5s, 500ms, or 2s..30s
    #[arg(long, value_name = "SPAN")]
    pub pay_after: Option<Span>,
    /// Share of the holds that are never paid
    #[arg(long, value_name = "PERCENT", default_value = "0%")]
    pub abandon: Percent,
    /// Share of the holds whose RESERVE is sent once more under the same id, before anything else
    #[arg(long, value_name = "PERCENT", default_value = "0%")]
    pub duplicates: Percent,
}

impl Habits {
    /// Payments that are outstanding at once, at most, if so many holds are given out a second: with room for chance.
    pub(super) fn payments_outstanding(&self, rate: f64) -> usize {
        let mean = self.pay_after.map_or(0.0, |span| rate * span.to_ns as f64 / 1e9);
        // Ten standard deviations of a Poisson count.
        (mean + 10.0 * mean.sqrt()) as usize
    }
}

/// As the command line would have it.
impl fmt::Display for Habits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { party, trips, trains_by, pay_after, abandon, duplicates } = self;
        write!(f, "--party {party} --trips {} --trains-by {trains_by}", Named(*trips))?;
        if let Some(Span { from_ns, to_ns }) = pay_after {
            write!(f, " --pay-after {}s..{}s", *from_ns as f64 / 1e9, *to_ns as f64 / 1e9)?;
        }
        write!(f, " --abandon {abandon} --duplicates {duplicates}")
    }
}

/// A choice of the command line, written by its name.
pub(super) struct Named<T>(pub(super) T);

impl<T: clap::ValueEnum> fmt::Display for Named<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.to_possible_value().expect("no choice is skipped").get_name())
    }
}

/// Sizes of parties, by weight.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parties(Mix<u8>);

impl Parties {
    /// How many travel together.
    pub(super) fn draw(&self, rng: &mut impl Rng) -> u8 {
        self.0.draw(rng)
    }
}

impl FromStr for Parties {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let read = |size: &str| {
            let size = size.parse().ok().filter(|size| (1..=PASSENGERS_MAX as u8).contains(size));
            size.ok_or_else(|| format!("a party has 1 to {PASSENGERS_MAX} passengers: 2, or 1=60,2=30,4=10"))
        };
        Mix::parse(text, read).map(Self)
    }
}

impl fmt::Display for Parties {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.write(f, |size| size)
    }
}

/// A number where all parties are alike, else the text that is read.
impl Serialize for Parties {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0.only() {
            Some(size) => serializer.serialize_u8(size),
            None => serializer.collect_str(self),
        }
    }
}

/// Which trips are asked for how often.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Trips {
    /// Each pair of stops alike.
    Uniform,
    /// In proportion to the segments that they cross.
    Long,
    /// In inverse proportion to them.
    Short,
}

impl Trips {
    /// A trip on a route of so many stops, at least 2.
    pub(super) fn draw(self, stops: u8, rng: &mut impl Rng) -> (StopIndex, StopIndex) {
        loop {
            let one = rng.random_range(0..stops);
            let other = rng.random_range(0..stops - 1);
            let other = if other >= one { other + 1 } else { other };
            let (from, to) = (one.min(other), one.max(other));
            // Trips are kept in proportion to their weight, which is at most 1: that needs no table per route.
            let segments = f64::from(to - from);
            let is_kept = match self {
                Self::Uniform => true,
                Self::Long => rng.random::<f64>() * f64::from(stops - 1) < segments,
                Self::Short => rng.random::<f64>() * segments < 1.0,
            };
            if is_kept {
                return (from, to);
            }
        }
    }
}

/// Which departures are asked for how often.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Popularity {
    /// All alike.
    Uniform,
    /// By rank, with this exponent, above 0.
    Zipf(f64),
    /// One has this share, above 0 and up to 1.
    Hot(f64),
}

impl Popularity {
    /// A weight for each departure; none if they are all alike.
    pub(super) fn weights(self, departures: &[Departure], seed: u64) -> Vec<f64> {
        let mut ranks: Vec<_> = (0..departures.len()).collect();
        ranks.shuffle(&mut Xoshiro256PlusPlus::seed_from_u64(seed));
        let others = ranks.len().saturating_sub(1).max(1) as f64;
        let weight = |rank: usize| match self {
            Self::Uniform => 1.0,
            Self::Zipf(exponent) => ((rank + 1) as f64).powf(-exponent),
            Self::Hot(share) if rank == 0 => share,
            Self::Hot(share) => (1.0 - share) / others,
        };
        if self == Self::Uniform { Vec::new() } else { ranks.into_iter().map(weight).collect() }
    }
}

impl FromStr for Popularity {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let told = || "departures are chosen by uniform, zipf=1.1, hot, or hot=50%".to_owned();
        match text.split_once('=') {
            None if text == "uniform" => Ok(Self::Uniform),
            None if text == "hot" => Ok(Self::Hot(1.0)),
            Some(("zipf", exponent)) => {
                let exponent = exponent.parse().ok().filter(|exponent| *exponent > 0.0 && *exponent <= 10.0);
                exponent
                    .map(Self::Zipf)
                    .ok_or_else(|| "the exponent of zipf is above 0 and up to 10".to_owned())
            }
            Some(("hot", share)) => match share.parse::<Percent>()? {
                Percent(share) if share > 0.0 => Ok(Self::Hot(share)),
                _ => Err(told()),
            },
            _ => Err(told()),
        }
    }
}

impl fmt::Display for Popularity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Uniform => f.write_str("uniform"),
            Self::Zipf(exponent) => write!(f, "zipf={exponent}"),
            Self::Hot(share) => write!(f, "hot={}", Percent(*share)),
        }
    }
}

/// A share, 0 to 1.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Percent(pub f64);

impl Percent {
    /// True for this share of the draws. A share of nothing draws nothing, so that it does not disturb other choices.
    pub(super) fn hits(self, rng: &mut impl Rng) -> bool {
        self.0 > 0.0 && rng.random::<f64>() < self.0
    }
}

impl FromStr for Percent {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let percent = text.strip_suffix('%').and_then(|number| number.parse().ok());
        let share =
            percent.filter(|percent| (0.0..=100.0).contains(percent)).map(|percent: f64| percent / 100.0);
        share.map(Self).ok_or_else(|| format!("`{text}` is no share; write it as in 0.5% or 20%"))
    }
}

impl fmt::Display for Percent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // A share of 7 % would come out as 7.000000000000001.
        write!(f, "{}%", (self.0 * 1e9).round() / 1e7)
    }
}

/// A span of time, in nanoseconds, both ends included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    /// The shortest.
    pub from_ns: u64,
    /// The longest.
    pub to_ns: u64,
}

impl Span {
    /// A time of the span.
    pub(super) fn draw(self, rng: &mut impl Rng) -> u64 {
        rng.random_range(self.from_ns..=self.to_ns)
    }
}

impl FromStr for Span {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (from, to) = text.split_once("..").unwrap_or((text, text));
        let (from_ns, to_ns) = (parse_time(from)?, parse_time(to)?);
        if from_ns > to_ns {
            return Err(format!("`{text}` ends before it begins"));
        }
        Ok(Self { from_ns, to_ns })
    }
}

/// Longer than any run.
const TIME_S_MAX: f64 = 86_400.0;

/// Reads 2s, 1.5s, 200us or 500ms as nanoseconds.
pub(super) fn parse_time(text: &str) -> Result<u64, String> {
    let units = [("ms", 1e6), ("us", 1e3), ("s", 1e9)];
    let ns =
        units.into_iter().find_map(|(unit, ns)| Some(text.strip_suffix(unit)?.parse::<f64>().ok()? * ns));
    let ns = ns.filter(|ns| (0.0..=TIME_S_MAX * 1e9).contains(ns));
    ns.map(|ns| ns as u64)
        .ok_or_else(|| format!("`{text}` is no time of up to a day; write it as in 2s, 500ms or 200us"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::load::Options;
    use clap::Parser;
    use seathold_protocol::{Class, DepartureId};

    fn rng() -> Xoshiro256PlusPlus {
        Xoshiro256PlusPlus::seed_from_u64(1)
    }

    #[test]
    fn parties_come_by_weight() {
        let parties: Parties = "1=60,2=30,4=10".parse().unwrap();
        let mut rng = rng();
        let mean = (0..100_000).map(|_| f64::from(parties.draw(&mut rng))).sum::<f64>() / 1e5;
        assert!((1.58..1.62).contains(&mean), "{mean}");
        assert_eq!(serde_json::to_string(&parties).unwrap(), "\"1=60,2=30,4=10\"");
        assert_eq!(serde_json::to_string(&"3".parse::<Parties>().unwrap()).unwrap(), "3");
        assert!("10".parse::<Parties>().is_err() && "0=1".parse::<Parties>().is_err());
    }

    #[test]
    fn long_trips_are_long_and_short_ones_short() {
        let mean = |trips: Trips| {
            let mut rng = rng();
            let segments = (0..50_000).map(|_| trips.draw(21, &mut rng)).map(|(from, to)| {
                assert!(from < to && to < 21);
                f64::from(to - from)
            });
            segments.sum::<f64>() / 5e4
        };
        // Sums over the 21 - d trips of length d: 1540/210, then 16170/1540, and 210 over the sum of (21 - d)/d.
        for (trips, expected) in [(Trips::Uniform, 7.333), (Trips::Long, 10.5), (Trips::Short, 3.79)] {
            assert!((mean(trips) - expected).abs() < 0.1, "{trips:?}: {}", mean(trips));
        }
    }

    #[test]
    fn zipf_falls_with_the_rank_and_ranks_are_dealt() {
        let departures: Vec<_> =
            (0..100).map(|at| Departure { id: DepartureId(at), stops: 2, class: Class(3) }).collect();
        let weights = "zipf=1".parse::<Popularity>().unwrap().weights(&departures, 1);
        let mut sorted = weights.clone();
        sorted.sort_by(|a, b| b.total_cmp(a));
        assert_ne!(sorted, weights);
        assert!(sorted.iter().enumerate().all(|(at, weight)| (weight - 1.0 / (at + 1) as f64).abs() < 1e-12));
        assert_ne!(weights, Popularity::Zipf(1.0).weights(&departures, 2));
        let hot = "hot=50%".parse::<Popularity>().unwrap().weights(&departures, 1);
        assert_eq!(hot.iter().filter(|weight| **weight == 0.5).count(), 1);
        assert!((hot.iter().sum::<f64>() - 1.0).abs() < 1e-9);
        assert!(Popularity::Uniform.weights(&departures, 1).is_empty());
    }

    #[test]
    fn habits_are_written_as_they_are_read() {
        let line = "--party 1=3,2=1 --trips long --trains-by hot=50% --pay-after 0.5s..2s --abandon 20% --duplicates 0%";
        let words = ["seathold-load"].into_iter().chain(line.split_whitespace());
        assert_eq!(Options::try_parse_from(words).unwrap().habits.to_string(), line);
    }

    #[test]
    fn shares_and_spans_are_read_and_mistakes_told() {
        assert_eq!("0.5%".parse(), Ok(Percent(0.005)));
        assert_eq!("2s..30s".parse(), Ok(Span { from_ns: 2_000_000_000, to_ns: 30_000_000_000 }));
        assert_eq!("1.5ms".parse(), Ok(Span { from_ns: 1_500_000, to_ns: 1_500_000 }));
        for bad in ["20", "101%", "-1%", "x%"] {
            assert!(bad.parse::<Percent>().is_err(), "{bad} was taken");
        }
        for bad in ["5", "30s..2s", "1h", "..", "-1s"] {
            assert!(bad.parse::<Span>().is_err(), "{bad} was taken");
        }
        for bad in ["zipf", "zipf=0", "zipf=x", "hot=0%", "warm"] {
            assert!(bad.parse::<Popularity>().is_err(), "{bad} was taken");
        }
    }
}
