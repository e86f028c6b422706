//! A service level objective: `p99<5ms,errors<0.1%`.

use super::habits::{Percent, parse_time};
use super::results::report::Report;
use std::fmt;
use std::str::FromStr;

/// What is bounded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Measure {
    P50,
    P90,
    P99,
    P999,
    Max,
    Errors,
    Refused,
}

impl Measure {
    const ALL: [(&'static str, Self); 7] = [
        ("p50", Self::P50),
        ("p90", Self::P90),
        ("p99", Self::P99),
        ("p99.9", Self::P999),
        ("max", Self::Max),
        ("errors", Self::Errors),
        ("refused", Self::Refused),
    ];

    fn is_share(self) -> bool {
        matches!(self, Self::Errors | Self::Refused)
    }

    /// Above this share of requests without an answer, what is bounded is one of those that never came.
    fn unanswered_max(self) -> f64 {
        match self {
            Self::P50 => 0.5,
            Self::P90 => 0.1,
            Self::P99 => 0.01,
            Self::P999 => 0.001,
            Self::Max => 0.0,
            Self::Errors | Self::Refused => 1.0,
        }
    }

    /// In microseconds, or a share of all requests.
    fn of(self, report: &Report) -> f64 {
        let asked = (report.requests + report.errors).max(1) as f64;
        match self {
            Self::P50 => report.latency_us.p50,
            Self::P90 => report.latency_us.p90,
            Self::P99 => report.latency_us.p99,
            Self::P999 => report.latency_us.p999,
            Self::Max => report.latency_us.max,
            Self::Errors => report.errors as f64 / asked,
            Self::Refused => report.refused as f64 / asked,
        }
    }
}

/// Upper bounds, of which none may be reached.
#[derive(Clone, Debug, PartialEq)]
pub struct Slo {
    text: String,
    bounds: Vec<(&'static str, Measure, f64)>,
}

impl Slo {
    /// What a run did not hold, in sentences; empty if it held all.
    pub(super) fn missed(&self, report: &Report) -> Vec<String> {
        if report.requests == 0 {
            return vec!["nothing was answered".to_owned()];
        }
        let missed = |(name, measure, bound): &(&str, Measure, f64)| {
            let unanswered = Measure::Errors.of(report);
            if unanswered > measure.unanswered_max() {
                return Some(format!(
                    "{name} is never: {:.3} % of the requests had no answer",
                    unanswered * 100.0
                ));
            }
            let value = measure.of(report);
            let tell = |value: f64| match measure.is_share() {
                true => format!("{:.3} %", value * 100.0),
                false => format!("{:.3} ms", value / 1e3),
            };
            // NaN-free: both are quotients of counts.
            (value >= *bound).then(|| format!("{name} is {}, not below {}", tell(value), tell(*bound)))
        };
        self.bounds.iter().filter_map(missed).collect()
    }
}

impl FromStr for Slo {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let bound = |part: &str| {
            let names = Measure::ALL.map(|(name, _)| name).join(", ");
            let (name, value) = part
                .split_once('<')
                .ok_or_else(|| format!("`{part}` is no bound; write it as in p99<5ms or errors<0.1%"))?;
            let known = Measure::ALL.into_iter().find(|(known, _)| *known == name.trim());
            let (name, measure) =
                known.ok_or_else(|| format!("`{name}` is not measured; bound one of {names}"))?;
            let value = match measure.is_share() {
                true => value.trim().parse::<Percent>()?.0,
                false => parse_time(value.trim())? as f64 / 1e3,
            };
            if value > 0.0 { Ok((name, measure, value)) } else { Err(format!("nothing is below `{part}`")) }
        };
        let bounds = text.split(',').map(bound).collect::<Result<_, String>>()?;
        Ok(Self { text: text.to_owned(), bounds })
    }
}

impl fmt::Display for Slo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bounds_are_read_and_mistakes_told() {
        let slo: Slo = "p99<5ms, errors<0.1%".parse().unwrap();
        assert_eq!(slo.bounds, [("p99", Measure::P99, 5_000.0), ("errors", Measure::Errors, 0.001)]);
        for bad in ["", "p99", "p98<5ms", "p99<5", "errors<5ms", "p99<0ms", "errors<0%"] {
            assert!(bad.parse::<Slo>().is_err(), "{bad} was taken");
        }
    }
}
