//! A trip: the segments that a passenger rides.
//!
//! Made only by a check against the route, so that everything behind it may index without asking again.

use seathold_protocol::StopIndex;

/// From one stop to a later one: the segments `from..to`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Trip {
    from: StopIndex,
    to: StopIndex,
}

impl Trip {
    /// The trip from stop `from` to stop `to` of a route with `segments`; `None` unless `from < to <= segments`.
    pub fn new(from: StopIndex, to: StopIndex, segments: u8) -> Option<Self> {
        (from < to && to <= segments).then_some(Self { from, to })
    }

    /// The stop where it begins, and its first segment.
    pub fn from(self) -> usize {
        usize::from(self.from)
    }

    /// The stop where it ends: one past its last segment.
    pub fn to(self) -> usize {
        usize::from(self.to)
    }
}
