//! What is asked, in which proportion: `sale`, or a mix such as `sale=1,availability=9`.

use rand::{Rng, RngExt};
use std::fmt;
use std::str::FromStr;

/// One kind of work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// PING with an empty body.
    Ping,
    /// RESERVE on trips that are sold out.
    Refused,
    /// RESERVE, then CONFIRM.
    Sale,
    /// RESERVE that nobody confirms.
    Hold,
    /// LOOKUP of reservations that were confirmed before the run.
    Lookup,
    /// AVAILABILITY of one pair of stops in one class.
    Availability,
}

impl Kind {
    const ALL: [Self; 6] =
        [Self::Ping, Self::Refused, Self::Sale, Self::Hold, Self::Lookup, Self::Availability];

    fn name(self) -> &'static str {
        match self {
            Self::Ping => "ping",
            Self::Refused => "refused",
            Self::Sale => "sale",
            Self::Hold => "hold",
            Self::Lookup => "lookup",
            Self::Availability => "availability",
        }
    }
}

/// Kinds of work with their weights: at least one, none twice, each weight at least 1.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Workload {
    parts: Vec<(Kind, u32)>,
    weight_sum: u32,
}

impl Workload {
    /// Whether any of the work is of this kind.
    pub fn has(&self, kind: Kind) -> bool {
        self.parts.iter().any(|(part, _)| *part == kind)
    }

    /// Whether any of the work is about departures.
    pub fn needs_departures(&self) -> bool {
        self.parts.iter().any(|(kind, _)| *kind != Kind::Ping)
    }

    /// A kind at random, in proportion to its weight.
    pub(super) fn draw(&self, rng: &mut impl Rng) -> Kind {
        let [(only, _)] = self.parts[..] else {
            let mut ticket = rng.random_range(0..self.weight_sum);
            for (kind, weight) in &self.parts {
                match ticket.checked_sub(*weight) {
                    Some(rest) => ticket = rest,
                    None => return *kind,
                }
            }
            unreachable!("the ticket is below the sum of the weights");
        };
        only
    }
}

impl FromStr for Workload {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let mut parts: Vec<(Kind, u32)> = Vec::new();
        for part in text.split(',') {
            let (name, weight) = part.split_once('=').unwrap_or((part, "1"));
            let names = Kind::ALL.map(Kind::name).join(", ");
            let kind = Kind::ALL
                .into_iter()
                .find(|kind| kind.name() == name)
                .ok_or_else(|| format!("there is no workload `{name}`; choose of {names}"))?;
            let weight = match weight.parse::<u32>() {
                Ok(weight @ 1..=1_000_000) => weight,
                _ => return Err(format!("the weight of `{name}` is a number from 1 to 1000000: {name}=3")),
            };
            if parts.iter().any(|(earlier, _)| *earlier == kind) {
                return Err(format!("`{name}` stands twice; add the weights up"));
            }
            parts.push((kind, weight));
        }
        let weight_sum = parts.iter().map(|(_, weight)| weight).sum();
        Ok(Self { parts, weight_sum })
    }
}

impl fmt::Display for Workload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let [(only, _)] = self.parts[..] {
            return f.write_str(only.name());
        }
        for (at, (kind, weight)) in self.parts.iter().enumerate() {
            let comma = if at == 0 { "" } else { "," };
            write!(f, "{comma}{}={weight}", kind.name())?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::SeedableRng;
    use rand_xoshiro::Xoshiro256PlusPlus;

    #[test]
    fn a_mix_is_read_and_written() {
        let mix: Workload = "sale=1,availability=9".parse().unwrap();
        assert_eq!(mix.to_string(), "sale=1,availability=9");
        assert!(mix.has(Kind::Sale) && !mix.has(Kind::Ping) && mix.needs_departures());
        let ping: Workload = "ping".parse().unwrap();
        assert_eq!(ping.to_string(), "ping");
        assert!(!ping.needs_departures());
        for bad in ["", "sales", "ping=0", "ping=x", "ping,ping"] {
            assert!(bad.parse::<Workload>().is_err(), "{bad} was taken");
        }
    }

    #[test]
    fn kinds_are_drawn_by_weight_and_seed() {
        let mix: Workload = "ping=1,sale=3".parse().unwrap();
        let sales = |seed| {
            let mut rng = Xoshiro256PlusPlus::seed_from_u64(seed);
            (0..10_000).filter(|_| mix.draw(&mut rng) == Kind::Sale).count()
        };
        assert!((7_300..7_700).contains(&sales(1)), "{} of 10,000 at weight 3 of 4", sales(1));
        assert_eq!(sales(1), sales(1));
    }
}
