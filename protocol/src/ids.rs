//! What everything is called on the wire and in the log.

use crate::codec::{DecodeError, Reader};
use crate::limits::STOPS_MAX;
use std::fmt;

/// A client's own name for one reservation: 128 random bits, drawn anew for each reservation. Asking again
/// under the same id never reserves twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ReservationId(pub u128);

/// Whoever buys; limits are counted per account.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AccountId(pub u64);

/// Whoever travels; one seat each per departure.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PassengerId(pub u64);

/// A stop of a departure's route, counted from 0. A trip goes from a lower to a higher one.
pub type StopIndex = u8;

/// Reads a trip's two stops, boarding first: the second is later, and on the longest route.
pub(crate) fn read_trip(reader: &mut Reader<'_>) -> Result<(StopIndex, StopIndex), DecodeError> {
    let (from, to) = (reader.u8()?, reader.u8()?);
    if from < to && usize::from(to) < STOPS_MAX { Ok((from, to)) } else { Err(DecodeError::BadField("trip")) }
}

/// A service date: days since 1970-01-01, up to 2149-06-06.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Day(pub u16);

impl Day {
    /// The day of a date of the Gregorian calendar, if there is one of these numbers from 1970-01-01 to 2149-06-06.
    ///
    /// After `days_from_civil` of Howard Hinnant's "chrono-Compatible Low-Level Date Algorithms" (2013): years begin in
    /// March, so that the leap day is the last of its year.
    pub fn from_date(year: u16, month: u8, day: u8) -> Option<Self> {
        let leap = year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
        let days_of_month = match month {
            2 => 28 + u8::from(leap),
            4 | 6 | 9 | 11 => 30,
            1..=12 => 31,
            _ => return None,
        };
        if year < 1970 || !(1..=days_of_month).contains(&day) {
            return None;
        }
        let (month, day) = (u32::from(month), u32::from(day));
        let year = u32::from(year) - u32::from(month <= 2);
        let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
        let days_since_year_0 = 365 * year + year / 4 - year / 100 + year / 400 + day_of_year;
        u16::try_from(days_since_year_0 - DAYS_FROM_YEAR_0_TO_1970).ok().map(Self)
    }
}

/// From 0000-03-01 to 1970-01-01.
const DAYS_FROM_YEAR_0_TO_1970: u32 = 719_468;

impl std::str::FromStr for Day {
    type Err = BadDate;

    /// Reads `YYYY-MM-DD`.
    fn from_str(text: &str) -> Result<Self, BadDate> {
        let read = || {
            let mut parts = text.splitn(3, '-');
            let (year, month, day) = (parts.next()?, parts.next()?, parts.next()?);
            let digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
            let written = (year.len(), month.len(), day.len()) == (4, 2, 2)
                && [year, month, day].map(digits) == [true; 3];
            let date = (year.parse().ok()?, month.parse().ok()?, day.parse().ok()?);
            written.then(|| Self::from_date(date.0, date.1, date.2)).flatten()
        };
        read().ok_or(BadDate)
    }
}

/// A text that is no service date.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BadDate;

impl fmt::Display for BadDate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("write YYYY-MM-DD, a day from 1970-01-01 to 2149-06-06 that the calendar has")
    }
}

impl std::error::Error for BadDate {}

/// One train on one date. The upper 48 bits are a hash of the train's name, the lower 16 the day, so the id is
/// the same on every node and after every restart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DepartureId(pub u64);

impl DepartureId {
    /// The id of the train called `train` on `day`: FNV-1a (64 bit, draft-eastlake-fnv) of the name, folded to 48
    /// bits. The catalogue refuses to load two names with one hash.
    pub fn new(train: &str, day: Day) -> Self {
        let hash = train.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
        });
        Self(((hash ^ (hash >> 48)) << 16) | u64::from(day.0))
    }

    /// The service date.
    pub fn day(self) -> Day {
        Day(self.0 as u16)
    }

    /// The partition that owns this departure, of `partitions` (at least 1): Fibonacci hashing (Knuth, TAOCP 3,
    /// 6.4) by multiplication, so that consecutive days spread.
    pub fn partition(self, partitions: u16) -> u16 {
        let mixed = self.0.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let mixed = (mixed ^ (mixed >> 32)).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32;
        ((mixed * u64::from(partitions)) >> 32) as u16
    }
}

impl fmt::Display for DepartureId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

impl fmt::Display for ReservationId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}

/// A kind of place. The code travels; RESOLVE tells the classes of a departure. No class has the code 0: in
/// AVAILABILITY that means all of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Class(pub u8);

impl Class {
    /// The well-known classes and their names. Codes from 64 on are a house's own, shown as `class-64`.
    pub const NAMES: [(Self, &'static str); 9] = [
        (Self(1), "business"),
        (Self(2), "first"),
        (Self(3), "second"),
        (Self(4), "soft-sleeper"),
        (Self(5), "hard-sleeper"),
        (Self(6), "soft-seat"),
        (Self(7), "hard-seat"),
        (Self(8), "standing"),
        (Self(9), "admission"),
    ];

    /// The class called `name`: a well-known name, or `class-N` with N from 64 to 255.
    pub fn from_name(name: &str) -> Option<Self> {
        if let Some((class, _)) = Self::NAMES.iter().find(|(_, known)| *known == name) {
            return Some(*class);
        }
        let digits = name.strip_prefix("class-").filter(|digits| !digits.starts_with(['0', '+']))?;
        let code = digits.parse().ok()?;
        (code >= 64).then_some(Self(code))
    }

    /// Reads the code of a real class.
    pub(crate) fn read(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        match reader.u8()? {
            0 => Err(DecodeError::BadField("class")),
            code => Ok(Self(code)),
        }
    }
}

impl fmt::Display for Class {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match Self::NAMES.iter().find(|(class, _)| class == self) {
            Some((_, name)) => f.write_str(name),
            None => write!(f, "class-{}", self.0),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn partitions_are_even() {
        let mut counts = [0_u32; 16];
        for train in 0..100 {
            for day in 20_000..20_100 {
                let departure = DepartureId::new(&format!("G{train}"), Day(day));
                assert_eq!(departure.day(), Day(day));
                counts[usize::from(departure.partition(16))] += 1;
            }
        }
        assert!(counts.iter().all(|count| (500..750).contains(count)), "{counts:?}");
        assert_eq!(DepartureId(u64::MAX).partition(1), 0);
    }

    #[test]
    fn days_follow_each_other_from_date_to_date() {
        let mut expected = 0_u32;
        for (year, month, day) in (1970..=2149)
            .flat_map(|year| (1..=12).map(move |month| (year, month)))
            .flat_map(|(year, month)| (0..=32).map(move |day| (year, month, day)))
        {
            if let Some(found) = Day::from_date(year, month, day) {
                assert_eq!(u32::from(found.0), expected, "{year}-{month}-{day}");
                expected += 1;
            }
        }
        assert_eq!(expected, 65_536);
        assert_eq!("2027-03-15".parse(), Ok(Day(20_892)));
        for bad in [
            "",
            "2027-3-15",
            "2027-02-29",
            "1969-12-31",
            "2149-06-07",
            "2027-03-15x",
            "+027-03-15",
            "2027-13-01",
        ] {
            assert_eq!(bad.parse::<Day>(), Err(BadDate), "{bad}");
        }
    }

    #[test]
    fn classes_have_one_name_each() {
        for code in (1..=9).chain(64..=255) {
            let name = Class(code).to_string();
            assert_eq!(Class::from_name(&name), Some(Class(code)), "{name}");
        }
        for bad in ["", "class-0", "class-63", "class-256", "class-064", "class-+64", "First"] {
            assert_eq!(Class::from_name(bad), None, "{bad}");
        }
    }
}
