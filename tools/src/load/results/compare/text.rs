//! A comparison as a page for people.

use super::estimate::Estimate;
use super::{Comparison, Figure, Side};
use crate::load::results::figures::{duration, whole};
use std::fmt;

impl fmt::Display for Comparison {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (name, side) in [("first", &self.a), ("second", &self.b)] {
            let Side { file, started, server, intervals } = side;
            writeln!(f, "{name:<8}{file}: {server}, {started}, {intervals} intervals")?;
        }
        for difference in &self.differences {
            writeln!(f, "compared anyway: {difference}")?;
        }
        for note in &self.notes {
            writeln!(f, "note: {note}")?;
        }
        writeln!(f, "\n{:<22}{:>12}{:>12}{:>9}  95 % confidence", "", "first", "second", "ratio")?;
        self.figures.iter().try_for_each(|figure| figure.fmt(f))
    }
}

impl fmt::Display for Figure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Estimate { a, b, ratio, ratio_low, ratio_high, is_different } = self.estimate;
        let figure = if self.name.ends_with("_us") { duration } else { whole };
        write!(f, "{:<22}{:>12}{:>12}{ratio:>9.3}  ", self.name, figure(a), figure(b))?;
        let (Some(low), Some(high)) = (ratio_low, ratio_high) else {
            return writeln!(f, "too few intervals to tell; run for longer");
        };
        write!(f, "{low:.3} to {high:.3}")?;
        writeln!(f, "{}", if is_different { "" } else { "  no difference shown" })
    }
}
