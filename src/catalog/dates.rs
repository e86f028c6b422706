//! Service dates: days, ranges of days, and where a service day starts on the clock.

use std::fmt;
use std::str::FromStr;

use jiff::SignedDuration;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use seathold_protocol::Day;

const EPOCH: Date = jiff::civil::date(1970, 1, 1);

/// Days of one import: ten years. Sales open months ahead; this bounds the work of a mistyped year.
const RANGE_DAYS_MAX: u16 = 3_660;

/// The calendar date of a day; its `Display` is `YYYY-MM-DD`.
pub fn date_of(day: Day) -> Date {
    EPOCH
        .checked_add(SignedDuration::from_hours(24 * i64::from(day.0)))
        .expect("65,535 days after 1970 are within jiff's range")
}

/// 0 for Monday to 6 for Sunday.
pub(super) fn weekday(day: Day) -> u16 {
    // 1970-01-01 was a Thursday.
    (day.0 % 7 + 3) % 7
}

/// When `clock_s` seconds of service day `day` are, in unix milliseconds. GTFS counts from noon minus 12 hours,
/// which is midnight except on the two days a year when the clocks change.
pub(super) fn service_time_ms(zone: &TimeZone, day: Day, clock_s: u32) -> i64 {
    local_ms(zone, day, 12, 0) + (i64::from(clock_s) - 12 * 3_600) * 1_000
}

/// When the clocks in `zone` show `hour:minute` on `date`, in unix milliseconds. A time that the clocks skip counts
/// as if they had not been changed yet; of a time shown twice the first is meant.
pub(super) fn local_ms(zone: &TimeZone, day: Day, hour: i8, minute: i8) -> i64 {
    date_of(day)
        .at(hour, minute, 0, 0)
        .to_zoned(zone.clone())
        .expect("1970 to 2149 is within jiff's range in any time zone")
        .timestamp()
        .as_millisecond()
}

/// Service dates from the first to the last, both included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DateRange {
    from: Day,
    to: Day,
}

/// Why a text is not a range of dates; its `Display` says what to write.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DateRangeError(String);

impl fmt::Display for DateRangeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for DateRangeError {}

impl DateRange {
    /// `from` to `to`, 1 to 3,660 days.
    pub fn new(from: Day, to: Day) -> Result<Self, DateRangeError> {
        let range = Self { from, to };
        if from > to {
            return Err(DateRangeError(format!("the dates {range} run backwards")));
        }
        if to.0 - from.0 >= RANGE_DAYS_MAX {
            return Err(DateRangeError(format!("the dates {range} are more than {RANGE_DAYS_MAX} days")));
        }
        Ok(range)
    }

    /// Every day, in order.
    pub fn days(self) -> impl Iterator<Item = Day> {
        (self.from.0..=self.to.0).map(Day)
    }
}

impl fmt::Display for DateRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", date_of(self.from))?;
        if self.to > self.from {
            write!(f, "..{}", date_of(self.to))?;
        }
        Ok(())
    }
}

/// `2026-01-01..2026-01-15`, or one date alone.
impl FromStr for DateRange {
    type Err = DateRangeError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let day = |part: &str| {
            part.parse::<Day>().map_err(|_| {
                DateRangeError(format!("{part:?} is not a date: write YYYY-MM-DD, or two as FROM..TO"))
            })
        };
        let (from, to) = text.split_once("..").unwrap_or((text, text));
        Self::new(day(from)?, day(to)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_dates() {
        assert_eq!(date_of(Day(u16::MAX)).to_string(), "2149-06-06");
        for day in (0..=u16::MAX).step_by(97).map(Day) {
            assert_eq!(date_of(day).to_string().parse(), Ok(day), "jiff and the protocol count alike");
        }
        // 2026-11-21 is a Saturday.
        assert_eq!(weekday("2026-11-21".parse().unwrap()), 5);
    }

    #[test]
    fn ranges_are_read_and_shown() {
        let range: DateRange = "2026-12-30..2027-01-02".parse().unwrap();
        assert_eq!(range.days().count(), 4);
        assert_eq!(range.to_string(), "2026-12-30..2027-01-02");
        let one: DateRange = "2026-12-30".parse().unwrap();
        assert_eq!(one.days().count(), 1);
        assert_eq!(one.to_string(), "2026-12-30");
        for bad in ["", "2026-12-30..", "2026-12-30..2026-12-29", "1980-01-01..2026-01-01"] {
            assert!(bad.parse::<DateRange>().is_err(), "{bad}");
        }
    }

    #[test]
    fn a_service_day_starts_twelve_hours_before_noon() {
        let berlin = TimeZone::get("Europe/Berlin").unwrap();
        let ordinary = "2026-06-01".parse().unwrap();
        assert_eq!(service_time_ms(&berlin, ordinary, 0), local_ms(&berlin, ordinary, 0, 0));
        // Clocks go forward at 02:00: noon minus 12 hours is 23:00 of the evening before.
        let short = "2026-03-29".parse().unwrap();
        assert_eq!(service_time_ms(&berlin, short, 0), local_ms(&berlin, short, 0, 0) - 3_600_000);
        assert_eq!(service_time_ms(&berlin, short, 8 * 3_600), local_ms(&berlin, short, 8, 0));
    }
}
