//! On what terms a departure is sold: what a rule says for any day, and what that means for one.

use jiff::tz::TimeZone;
use seathold_protocol::Day;

use super::dates::local_ms;

/// The terms of one departure, with its opening and closing as moments.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SaleRules {
    /// The hold time when a request names none, in milliseconds; at most `hold_ms_max`.
    pub hold_ms_default: u32,
    /// The longest hold that a request may name, in milliseconds.
    pub hold_ms_max: u32,
    /// Places that one account may have of this departure, held or sold; 0 for no limit.
    pub places_per_account: u32,
    /// Passengers that one reservation may have: 1 to 9.
    pub passengers_per_reservation: u8,
    /// Whether a passenger may be in only one live reservation of this departure, whatever its segments.
    pub one_seat_per_passenger: bool,
    /// The share of each class that is for sale: 1 to 100.
    pub released_percent: u8,
    /// When the sale opens, in unix milliseconds; `None` if it always was open.
    pub opens_at_ms: Option<i64>,
    /// When it closes, in unix milliseconds; `None` if never.
    pub closes_at_ms: Option<i64>,
}

impl SaleRules {
    /// Always open, held for 10 minutes and at most 30, 9 passengers a reservation, one seat each, no limit per
    /// account, everything released. A rules file changes what it names of these.
    pub const OPEN: Self = Self {
        hold_ms_default: 600_000,
        hold_ms_max: 1_800_000,
        places_per_account: 0,
        passengers_per_reservation: 9,
        one_seat_per_passenger: true,
        released_percent: 100,
        opens_at_ms: None,
        closes_at_ms: None,
    };

    /// Milliseconds until the sale opens; 0 when it has.
    pub fn opens_in_ms(&self, wall_ms: i64) -> u64 {
        self.opens_at_ms.map_or(0, |opens| until(opens, wall_ms))
    }

    /// Milliseconds until the sale closes: 0 when it has, all ones when it never does.
    pub fn closes_in_ms(&self, wall_ms: i64) -> u64 {
        self.closes_at_ms.map_or(u64::MAX, |closes| until(closes, wall_ms))
    }
}

fn until(moment_ms: i64, wall_ms: i64) -> u64 {
    u64::try_from(moment_ms.saturating_sub(wall_ms)).unwrap_or(0)
}

/// When a sale opens, for a departure on any day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Opens {
    /// It always was open.
    AtOnce,
    /// Some days before the service date, when the clocks of the agency show a time.
    DaysBefore { days: u16, hour: i8, minute: i8 },
}

impl Opens {
    /// The moment for departures on `day`, in unix milliseconds.
    pub(super) fn at_ms(self, zone: &TimeZone, day: Day) -> Option<i64> {
        match self {
            Self::AtOnce => None,
            // Before 1970 is long ago, whichever day it was.
            Self::DaysBefore { days, hour, minute } => {
                Some(local_ms(zone, Day(day.0.saturating_sub(days)), hour, minute))
            }
        }
    }
}

/// What a rule says of any departure that it is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Terms {
    /// All that does not depend on the day; opening and closing too where they are given as moments.
    pub(super) rules: SaleRules,
    /// When the sale opens.
    pub(super) opens: Opens,
    /// How long before the first departure the sale closes, in milliseconds.
    pub(super) closes_before_ms: Option<u64>,
    /// Whether RESOLVE shows the departure.
    pub(super) visible: bool,
}
