//! Looks for the highest rate at which an objective holds: doubles until it does not, halves the gap, and asks again at
//! what it found. The rule alone, without a server, so that it can be tested.

/// Rates are told apart down to this ratio: below it, two runs at the same rate differ as much.
const PRECISION: f64 = 1.05;

/// A rate that held counts when it holds once more.
const LOWER: f64 = 0.95;

/// No search takes more runs.
const PROBES_MAX: usize = 40;

/// Why a rate was tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    Bracket,
    Bisect,
    Confirm,
}

impl Phase {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Bracket => "bracket",
            Self::Bisect => "bisect",
            Self::Confirm => "confirm",
        }
    }
}

/// The highest rate that held twice, between `rate_min` and `rate_max`; `None` if none did. `probe` tells whether the
/// objective holds at a rate.
pub(super) fn highest<E>(
    first: f64,
    (rate_min, rate_max): (f64, f64),
    mut probe: impl FnMut(Phase, f64) -> Result<bool, E>,
) -> Result<Option<f64>, E> {
    let mut probes = 0;
    let mut ask = |phase, rate| {
        probes += 1;
        if probes <= PROBES_MAX { probe(phase, rate) } else { Ok(false) }
    };
    let (mut low, mut high) = (None, None);
    let mut rate = first.clamp(rate_min, rate_max);
    while low.is_none() || high.is_none() {
        if ask(Phase::Bracket, rate)? {
            low = Some(rate);
            if rate >= rate_max {
                break;
            }
            rate = (rate * 2.0).min(rate_max);
        } else {
            high = Some(rate);
            if low.is_none() && rate <= rate_min {
                return Ok(None);
            }
            rate = (rate / 2.0).max(rate_min);
        }
    }
    let Some(mut low) = low else { return Ok(None) };
    while let Some(above) = high.filter(|high| *high > low * PRECISION) {
        // The middle by ratio: rates differ by factors.
        let middle = (low * above).sqrt();
        if ask(Phase::Bisect, middle)? { low = middle } else { high = Some(middle) }
    }
    while !ask(Phase::Confirm, low)? {
        low *= LOWER;
        if low < rate_min {
            return Ok(None);
        }
    }
    Ok(Some(low))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Searches a server that holds up to `capacity`, and the rates that were asked.
    fn search(first: f64, capacity: f64) -> (Option<f64>, Vec<(Phase, f64)>) {
        let mut asked = Vec::new();
        let found = highest(first, (1.0, 1e6), |phase, rate| {
            asked.push((phase, rate));
            Ok::<_, ()>(rate <= capacity)
        });
        (found.unwrap(), asked)
    }

    #[test]
    fn the_highest_rate_is_found_from_below_and_above() {
        for first in [100.0, 1_000.0, 900_000.0] {
            let (found, asked) = search(first, 12_345.0);
            let found = found.unwrap();
            assert!(found <= 12_345.0 && found > 12_345.0 / PRECISION, "{found}");
            assert_eq!(asked.last(), Some(&(Phase::Confirm, found)));
            assert!(asked.len() <= 25, "{} probes", asked.len());
        }
    }

    #[test]
    fn the_ends_of_the_range_are_answers_too() {
        assert_eq!(search(1_000.0, 0.5).0, None);
        assert_eq!(search(1_000.0, 1e9).0, Some(1e6));
        assert_eq!(search(1.0, 1.0).0, Some(1.0));
    }

    #[test]
    fn a_rate_that_held_by_chance_is_not_taken() {
        let found = highest(1_500.0, (1.0, 1e6), |phase, rate| {
            Ok::<_, ()>(rate <= 1_000.0 || rate < 1_800.0 && phase != Phase::Confirm)
        });
        assert!((900.0..=1_000.0).contains(&found.unwrap().unwrap()), "{found:?}");
    }

    #[test]
    fn a_search_ends_whatever_is_answered() {
        let mut probes = 0;
        let mut flip = false;
        let found = highest(1_000.0, (1.0, 1e6), |_, _| {
            probes += 1;
            flip = !flip;
            Ok::<_, ()>(flip)
        });
        assert!(found.is_ok() && probes <= PROBES_MAX, "{probes}");
    }
}
