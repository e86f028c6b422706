//! What an audit found.

use seathold_protocol::DepartureId;
use seathold_protocol::batch::Position;
use seathold_protocol::reservation::State;
use serde::Serialize;
use std::fmt;

/// Seat-segments: one seat (or place) on one segment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Places {
    /// In no reservation: for sale, or withheld from it.
    pub free: u64,
    /// In holds.
    pub held: u64,
    /// Sold.
    pub sold: u64,
}

impl Places {
    pub(super) fn add(&mut self, more: Self) {
        self.free += more.free;
        self.held += more.held;
        self.sold += more.sold;
    }
}

/// Something that must not be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// The partition and batch in which it shows; `None` when it shows in the final count.
    pub position: Option<(u16, Position)>,
    /// Of which departure.
    pub departure: Option<DepartureId>,
    /// What.
    pub text: String,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some((partition, position)) = self.position {
            write!(f, "partition {partition}, batch {}-{}: ", position.epoch, position.sequence)?;
        }
        if let Some(departure) = self.departure {
            write!(f, "departure {departure}: ")?;
        }
        f.write_str(&self.text)
    }
}

impl Serialize for Violation {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// The result of an audit. The names of its fields are keys of `seathold-cli audit --json`: they stay.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Report {
    /// Batches followed.
    pub batches: u64,
    /// Records followed.
    pub records: u64,
    /// Departures with records.
    pub departures: u64,
    /// Reservations whose newest record is a hold.
    pub held: u64,
    /// Reservations that are sold.
    pub confirmed: u64,
    /// Holds that were given back.
    pub cancelled: u64,
    /// Holds that ran out.
    pub expired: u64,
    /// Reservations that were sold and given back.
    pub refunded: u64,
    /// Of the departures with records: free + held + sold = capacity, unless some are oversold.
    pub seat_segments: Places,
    /// Seat-segments that were given to a reservation while another had them, or above the capacity of a class without
    /// seat numbers; each once for every reservation too many.
    pub oversold: u64,
    /// Whether the ledger's oldest part was gone: then the audit proves what is left of its history.
    pub trimmed: bool,
    /// How many things are wrong.
    pub violations: u64,
    /// The first hundred of them.
    pub listed: Vec<Violation>,
}

impl Report {
    /// Whether nothing is wrong.
    pub fn passes(&self) -> bool {
        self.violations == 0
    }

    pub(super) fn count(&mut self, state: State) {
        *match state {
            State::Held => &mut self.held,
            State::Confirmed => &mut self.confirmed,
            State::Cancelled => &mut self.cancelled,
            State::Expired => &mut self.expired,
            State::Refunded => &mut self.refunded,
        } += 1;
    }
}
