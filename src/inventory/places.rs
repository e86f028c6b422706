//! What an allocation hands out, and the ways in which it says no.

use seathold_protocol::limits::PASSENGERS_MAX;
use seathold_protocol::record::{NO_SEAT, SeatNumber};

/// One place for each passenger of a party, in the order of the passengers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Places {
    count: u8,
    /// `NO_SEAT` from `count` on, so that equal places compare equal.
    seats: [SeatNumber; PASSENGERS_MAX],
}

impl Places {
    /// The given seats; `None` unless they are 1 to `PASSENGERS_MAX`.
    pub fn new(seats: &[SeatNumber]) -> Option<Self> {
        if seats.is_empty() || seats.len() > PASSENGERS_MAX {
            return None;
        }
        let mut places = Self::unnumbered(seats.len());
        places.seats[..seats.len()].copy_from_slice(seats);
        Some(places)
    }

    /// `count` places without numbers, 1 to `PASSENGERS_MAX`.
    pub(super) fn unnumbered(count: usize) -> Self {
        debug_assert!((1..=PASSENGERS_MAX).contains(&count));
        Self { count: count as u8, seats: [NO_SEAT; PASSENGERS_MAX] }
    }

    /// One seat per passenger; `NO_SEAT` where places have no numbers.
    pub fn seats(&self) -> &[SeatNumber] {
        &self.seats[..usize::from(self.count)]
    }

    pub(super) fn seats_mut(&mut self) -> &mut [SeatNumber] {
        &mut self.seats[..usize::from(self.count)]
    }

    /// How many places, 1 to `PASSENGERS_MAX`.
    pub fn count(&self) -> usize {
        usize::from(self.count)
    }
}

/// Why a party gets no places. A refusal: nothing has changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shortage {
    /// Fewer places are free for the whole trip than the party asks for.
    SoldOut {
        /// How many are free for it.
        free: u32,
    },
    /// Enough places are free, but none meet a STRICT wish.
    WishUnmet,
}

/// Why named places cannot be taken. Nothing has changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Taken {
    /// The class has no seat of this number; or seats were named for places without numbers.
    #[error("there is no seat {0} in this class")]
    NoSuchSeat(SeatNumber),
    /// The seat is withheld from sale.
    #[error("seat {0} is not for sale")]
    NotForSale(SeatNumber),
    /// The seat is taken on some segment of the trip, or named twice.
    #[error("seat {0} is taken")]
    NotFree(SeatNumber),
    /// Fewer places without numbers are free than were named.
    #[error("only {free} places are free")]
    TooFew {
        /// How many are free for the whole trip.
        free: u32,
    },
}
