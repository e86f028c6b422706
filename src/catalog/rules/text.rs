//! The small texts that values of a rules file are written in: durations, runs of numbers, letters, opening times.
//!
//! Each reads itself while the file is parsed, so that an error stands at its line.

use std::ops::RangeInclusive;

use serde::Deserialize;

use crate::catalog::glob::Glob;
use crate::catalog::sale::Opens;

/// Numbers may be written with or without quotes.
#[derive(Deserialize)]
#[serde(untagged, expecting = "expected a number or a text")]
pub(super) enum Scalar {
    Number(i64),
    Text(String),
}

impl Scalar {
    fn into_text(self) -> String {
        match self {
            Self::Number(number) => number.to_string(),
            Self::Text(text) => text,
        }
    }
}

/// A length of time: `"10m"`, or a number of milliseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "Scalar")]
pub(super) struct DurationMs(pub(super) u64);

impl TryFrom<Scalar> for DurationMs {
    type Error = String;

    fn try_from(scalar: Scalar) -> Result<Self, String> {
        let text = scalar.into_text();
        let unit_at = text.find(|letter: char| !letter.is_ascii_digit()).unwrap_or(text.len());
        let (number, unit) = text.split_at(unit_at);
        let unit_ms = match unit.trim() {
            "" | "ms" => Some(1),
            "s" => Some(1_000),
            "m" => Some(60_000),
            "h" => Some(3_600_000),
            "d" => Some(86_400_000),
            _ => None,
        };
        let number: Option<u64> = number.parse().ok();
        number.zip(unit_ms).and_then(|(number, unit_ms)| number.checked_mul(unit_ms)).map(Self).ok_or_else(|| {
            format!("{text:?} is not a duration: write a number with ms, s, m, h or d behind it, as in \"10m\"")
        })
    }
}

/// When a sale closes: `"never"`, or a duration before the first departure.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "Scalar")]
pub(super) struct Closes(pub(super) Option<u64>);

impl TryFrom<Scalar> for Closes {
    type Error = String;

    fn try_from(scalar: Scalar) -> Result<Self, String> {
        match scalar {
            Scalar::Text(text) if text == "never" => Ok(Self(None)),
            scalar => DurationMs::try_from(scalar).map(|DurationMs(before_ms)| Self(Some(before_ms))),
        }
    }
}

/// Days that a sale may open ahead: two years, beyond any timetable.
const OPENS_DAYS_MAX: u16 = 731;

impl TryFrom<String> for Opens {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let words: Vec<_> = text.split_whitespace().collect();
        let read = || match words[..] {
            ["now"] => Some(Self::AtOnce),
            [days, "day" | "days", "before", "at", clock] => {
                let (hour, minute) = clock.split_once(':').filter(|_| clock.len() == 5)?;
                let (hour, minute): (u8, u8) = (hour.parse().ok()?, minute.parse().ok()?);
                let days = days.parse().ok().filter(|days| *days <= OPENS_DAYS_MAX)?;
                (hour < 24 && minute < 60).then_some(Self::DaysBefore {
                    days,
                    hour: hour as i8,
                    minute: minute as i8,
                })
            }
            _ => None,
        };
        read().ok_or_else(|| {
            format!(
                "{text:?} is not an opening time: write \"now\" or \"14 days before at 08:00\", \
                 up to {OPENS_DAYS_MAX} days"
            )
        })
    }
}

/// Runs of numbers: `"2-8"`, `"1,4-6"`, or one number.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "Scalar")]
pub(super) struct Runs(pub(super) Vec<RangeInclusive<u16>>);

impl TryFrom<Scalar> for Runs {
    type Error = String;

    fn try_from(scalar: Scalar) -> Result<Self, String> {
        let text = scalar.into_text();
        let run = |part: &str| {
            let (first, last) = part.split_once('-').unwrap_or((part, part));
            let run: RangeInclusive<u16> = first.trim().parse().ok()?..=last.trim().parse().ok()?;
            (!run.is_empty()).then_some(run)
        };
        let runs: Option<Vec<_>> = text.split(',').map(run).collect();
        runs.map(Self).ok_or_else(|| {
            format!("{text:?} is not a run of numbers: write \"7\", \"2-8\" or \"1,4-6\", up to 65535")
        })
    }
}

/// The letters of a row in the order of its seats; spaces show the aisle.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub(super) struct Letters(pub(super) Vec<u8>);

impl TryFrom<String> for Letters {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let letters: Vec<_> = text.bytes().filter(|letter| *letter != b' ').collect();
        if letters.is_empty() || !letters.iter().all(u8::is_ascii_uppercase) {
            return Err(format!("{text:?} are not the letters of a row: write A to Z, as in \"ABC DF\""));
        }
        Ok(Self(letters))
    }
}

/// One pattern or several.
#[derive(Deserialize)]
#[serde(untagged, expecting = "expected a pattern or a list of patterns")]
enum OneOrMany {
    One(String),
    Many(Vec<String>),
}

/// The patterns of a rule, at least one.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "OneOrMany")]
pub(super) struct Globs(pub(super) Vec<Glob>);

impl TryFrom<OneOrMany> for Globs {
    type Error = String;

    fn try_from(patterns: OneOrMany) -> Result<Self, String> {
        let patterns = match patterns {
            OneOrMany::One(pattern) => vec![pattern],
            OneOrMany::Many(patterns) => patterns,
        };
        if patterns.is_empty() || patterns.iter().any(String::is_empty) {
            return Err("a pattern is missing; \"*\" fits every train".into());
        }
        Ok(Self(patterns.into_iter().map(Glob::new).collect()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(text: &str) -> Scalar {
        Scalar::Text(text.into())
    }

    #[test]
    fn durations() {
        for (written, ms) in [
            ("10m", 600_000),
            ("3s", 3_000),
            ("250ms", 250),
            ("250", 250),
            ("2 h", 7_200_000),
            ("1d", 86_400_000),
        ] {
            assert_eq!(DurationMs::try_from(text(written)), Ok(DurationMs(ms)), "{written}");
        }
        for bad in ["", "m", "10 minutes", "-1s", "1.5h", "99999999999999999999", "300000000000000d"] {
            assert!(DurationMs::try_from(text(bad)).is_err(), "{bad}");
        }
        assert!(DurationMs::try_from(Scalar::Number(-1)).is_err());
        assert_eq!(Closes::try_from(text("never")), Ok(Closes(None)));
        assert_eq!(Closes::try_from(text("5m")), Ok(Closes(Some(300_000))));
    }

    #[test]
    fn runs_and_letters() {
        assert_eq!(Runs::try_from(text("1, 4-6")), Ok(Runs(vec![1..=1, 4..=6])));
        assert_eq!(Runs::try_from(Scalar::Number(7)), Ok(Runs(vec![7..=7])));
        for bad in ["", "8-2", "1-", "a", "1,,2", "65536", "-1"] {
            assert!(Runs::try_from(text(bad)).is_err(), "{bad}");
        }
        assert_eq!(Letters::try_from("ABC DF".to_owned()), Ok(Letters(b"ABCDF".to_vec())));
        assert!(Letters::try_from("AbC".to_owned()).is_err());
        assert!(Letters::try_from(" ".to_owned()).is_err());
    }

    #[test]
    fn opening_times() {
        let opens = |text: &str| Opens::try_from(text.to_owned());
        assert_eq!(opens("now"), Ok(Opens::AtOnce));
        assert_eq!(opens("1 day before at 23:59"), Ok(Opens::DaysBefore { days: 1, hour: 23, minute: 59 }));
        for bad in
            ["", "tomorrow", "14 days before at 24:00", "14 days before at 8:00", "999 days before at 08:00"]
        {
            assert!(opens(bad).is_err(), "{bad}");
        }
    }
}
