//! Things by weight, as the command line writes them: `a`, or `a=1,b=9`.

use rand::{Rng, RngExt};
use std::fmt;

/// At least one thing, none twice, each weight at least 1.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Mix<T> {
    parts: Vec<(T, u32)>,
    weight_sum: u32,
}

impl<T: Copy + PartialEq> Mix<T> {
    /// Reads a mix; `read` knows the name of one thing, or says what names there are.
    pub(super) fn parse(text: &str, read: impl Fn(&str) -> Result<T, String>) -> Result<Self, String> {
        let mut parts: Vec<(T, u32)> = Vec::new();
        for part in text.split(',') {
            let (name, weight) = part.split_once('=').unwrap_or((part, "1"));
            let thing = read(name)?;
            let weight = match weight.parse::<u32>() {
                Ok(weight @ 1..=1_000_000) => weight,
                _ => return Err(format!("the weight of `{name}` is a number from 1 to 1000000: {name}=3")),
            };
            if parts.iter().any(|(earlier, _)| *earlier == thing) {
                return Err(format!("`{name}` stands twice; add the weights up"));
            }
            parts.push((thing, weight));
        }
        let weight_sum = parts.iter().map(|(_, weight)| weight).sum();
        Ok(Self { parts, weight_sum })
    }

    /// All things, whatever their weight.
    pub(super) fn things(&self) -> impl Iterator<Item = T> {
        self.parts.iter().map(|(thing, _)| *thing)
    }

    /// The only thing, if there is one alone.
    pub(super) fn only(&self) -> Option<T> {
        let [(only, _)] = self.parts[..] else { return None };
        Some(only)
    }

    /// One at random, in proportion to its weight.
    #[inline]
    pub(super) fn draw(&self, rng: &mut impl Rng) -> T {
        self.only().unwrap_or_else(|| self.draw_of_many(rng))
    }

    fn draw_of_many(&self, rng: &mut impl Rng) -> T {
        let mut ticket = rng.random_range(0..self.weight_sum);
        for (thing, weight) in &self.parts {
            match ticket.checked_sub(*weight) {
                Some(rest) => ticket = rest,
                None => return *thing,
            }
        }
        unreachable!("the ticket is below the sum of the weights");
    }

    /// Writes it as it is read.
    pub(super) fn write<N: fmt::Display>(
        &self,
        f: &mut fmt::Formatter<'_>,
        name: impl Fn(T) -> N,
    ) -> fmt::Result {
        if let Some(only) = self.only() {
            return write!(f, "{}", name(only));
        }
        for (at, (thing, weight)) in self.parts.iter().enumerate() {
            let comma = if at == 0 { "" } else { "," };
            write!(f, "{comma}{}={weight}", name(*thing))?;
        }
        Ok(())
    }
}
