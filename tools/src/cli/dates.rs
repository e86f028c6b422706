//! Service dates as people type and read them: YYYY-MM-DD and nothing else.

use seathold::catalog::date_of;
use seathold_client::Day;
use seathold_protocol::ids::BadDate;
use serde::{Serialize, Serializer};
use std::fmt;
use std::str::FromStr;

/// A service date.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct ServiceDate(Day);

impl ServiceDate {
    /// For the wire.
    pub(super) fn day(self) -> Day {
        self.0
    }
}

impl From<Day> for ServiceDate {
    fn from(day: Day) -> Self {
        Self(day)
    }
}

impl FromStr for ServiceDate {
    type Err = BadDate;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        text.parse().map(Self)
    }
}

impl fmt::Display for ServiceDate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        date_of(self.0).fmt(f)
    }
}

impl Serialize for ServiceDate {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_days() {
        for (text, day) in [("1970-01-01", 0), ("2026-10-01", 20_727), ("2149-06-06", 65_535)] {
            let date: ServiceDate = text.parse().unwrap();
            assert_eq!(date.day(), Day(day), "{text}");
            assert_eq!(ServiceDate::from(Day(day)).to_string(), text);
        }
    }

    #[test]
    fn anything_else_is_refused() {
        for text in ["2026-02-30", "20261001", "2026-10-01T00:00", "1969-12-31", "2149-06-07", "today", ""] {
            assert!(text.parse::<ServiceDate>().is_err(), "{text}");
        }
    }
}
