//! How long to wait before the next attempt to connect.
//!
//! Decorrelated jitter, from Marc Brooker, "Exponential Backoff And Jitter", AWS Architecture Blog, March 2015:
//! `sleep = min(cap, random_between(base, sleep * 3))`. It never falls below `base`, and clients that lost the same
//! server at the same moment come back spread out.

use rand::{Rng, RngExt};

use crate::clock::Micros;

/// The wait of one connection.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Backoff {
    min: Micros,
    max: Micros,
    last: Micros,
}

impl Backoff {
    /// Waits of `min` to `max`; `min` is at least 1 and at most `max`.
    pub(crate) fn new(min: Micros, max: Micros) -> Self {
        Self { min, max, last: min }
    }

    /// The next wait.
    pub(crate) fn next(&mut self, rng: &mut impl Rng) -> Micros {
        self.last = rng.random_range(self.min..=self.last.saturating_mul(3)).min(self.max);
        self.last
    }

    /// Starts over, after a connection was welcomed.
    pub(crate) fn reset(&mut self) {
        self.last = self.min;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::SeedableRng;
    use rand_xoshiro::Xoshiro256PlusPlus;

    #[test]
    fn waits_grow_within_their_bounds_and_start_over() {
        let mut rng = Xoshiro256PlusPlus::seed_from_u64(1);
        let mut backoff = Backoff::new(10, 1_000);
        let waits: Vec<_> = (0..1_000).map(|_| backoff.next(&mut rng)).collect();
        assert!(waits[0] <= 30);
        assert!(waits.iter().all(|wait| (10..=1_000).contains(wait)));
        assert!(waits.contains(&1_000));
        backoff.reset();
        assert!(backoff.next(&mut rng) <= 30);
    }
}
