//! What an audit found.

use seathold_protocol::DepartureId;
use seathold_protocol::batch::Position;
use seathold_protocol::reservation::State;
use serde::Serialize;
use std::fmt;

/// Seat-segments: one seat (or place) on one segment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Places {
    /// For sale, or withheld from it.
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

/// The result of an audit.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Report {
    /// Batches followed.
    pub batches: u64,
    /// Records followed.
    pub records: u64,
    /// Departures with records.
    pub departures: u64,
    /// Reservations by their last state.
    pub held: u64,
    /// Likewise.
    pub confirmed: u64,
    /// Likewise.
    pub cancelled: u64,
    /// Likewise.
    pub expired: u64,
    /// Likewise.
    pub refunded: u64,
    /// Of the departures with records: free + held + sold = capacity.
    pub seat_segments: Places,
    /// Seat-segments that two reservations had at once.
    pub oversold: u64,
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
