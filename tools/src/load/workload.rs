//! What is asked, in which proportion: `sale`, or a mix such as `sale=1,availability=9`.

use super::mix::Mix;
use rand::Rng;
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
    /// RESERVE, then CANCEL.
    Cancel,
    /// RESERVE, then CONFIRM, then REFUND.
    Refund,
    /// LOOKUP of reservations that were confirmed before the run.
    Lookup,
    /// AVAILABILITY of one pair of stops in one class.
    Availability,
}

impl Kind {
    const ALL: [Self; 8] = [
        Self::Ping,
        Self::Refused,
        Self::Sale,
        Self::Hold,
        Self::Cancel,
        Self::Refund,
        Self::Lookup,
        Self::Availability,
    ];

    fn name(self) -> &'static str {
        match self {
            Self::Ping => "ping",
            Self::Refused => "refused",
            Self::Sale => "sale",
            Self::Hold => "hold",
            Self::Cancel => "cancel",
            Self::Refund => "refund",
            Self::Lookup => "lookup",
            Self::Availability => "availability",
        }
    }

    /// Whether it begins with a RESERVE of a trip that is for sale.
    pub(super) fn buys(self) -> bool {
        matches!(self, Self::Sale | Self::Hold | Self::Cancel | Self::Refund)
    }
}

/// Kinds of work with their weights.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Workload(Mix<Kind>);

impl Workload {
    /// Whether any of the work is of this kind.
    pub fn has(&self, kind: Kind) -> bool {
        self.0.things().any(|part| part == kind)
    }

    /// Whether any of the work is about departures.
    pub fn needs_departures(&self) -> bool {
        self.0.things().any(|kind| kind != Kind::Ping)
    }

    /// Whether any of the work buys what is for sale.
    pub(super) fn buys(&self) -> bool {
        self.0.things().any(Kind::buys)
    }

    /// A kind at random, in proportion to its weight.
    pub(super) fn draw(&self, rng: &mut impl Rng) -> Kind {
        self.0.draw(rng)
    }
}

impl FromStr for Workload {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let read = |name: &str| {
            let names = Kind::ALL.map(Kind::name).join(", ");
            let kind = Kind::ALL.into_iter().find(|kind| kind.name() == name);
            kind.ok_or_else(|| format!("there is no workload `{name}`; choose of {names}"))
        };
        Mix::parse(text, read).map(Self)
    }
}

impl fmt::Display for Workload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.write(f, Kind::name)
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
