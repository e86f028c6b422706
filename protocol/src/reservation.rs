//! The states of a reservation, and what a client is told of it.

use crate::codec::{DecodeError, Put, Reader};
use crate::ids::{Class, DepartureId, ReservationId, StopIndex};
use crate::limits::PASSENGERS_MAX;
use crate::plan::Seat;
use crate::wishes::{Met, Together};

/// Where a reservation is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum State {
    /// Has seats until its deadline.
    Held = 1,
    /// Sold.
    Confirmed = 2,
    /// Given back by the buyer before it was sold. Final.
    Cancelled = 3,
    /// Given back by its deadline. Final.
    Expired = 4,
    /// Given back after it was sold. Final.
    Refunded = 5,
}

impl State {
    /// All, in the order of their codes.
    pub const ALL: [Self; 5] = [Self::Held, Self::Confirmed, Self::Cancelled, Self::Expired, Self::Refunded];

    /// The state with this code.
    pub fn from_code(code: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|state| *state as u8 == code)
    }

    /// Whether the reservation has its seats.
    pub fn is_live(self) -> bool {
        matches!(self, Self::Held | Self::Confirmed)
    }

    /// Whether a reservation may go from this state to `next` in one step: the arrows of DESIGN 2.
    pub fn may_become(self, next: Self) -> bool {
        match self {
            Self::Held => matches!(next, Self::Confirmed | Self::Cancelled | Self::Expired),
            Self::Confirmed => next == Self::Refunded,
            Self::Cancelled | Self::Expired | Self::Refunded => false,
        }
    }

    /// The name in lower case, as tools print it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Held => "held",
            Self::Confirmed => "confirmed",
            Self::Cancelled => "cancelled",
            Self::Expired => "expired",
            Self::Refunded => "refunded",
        }
    }
}

/// The OK answer to RESERVE, CONFIRM, CANCEL, REFUND and LOOKUP.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reservation {
    /// Its id.
    pub id: ReservationId,
    /// Its departure.
    pub departure: DepartureId,
    /// Its present state. RESERVE again under the same id may find any.
    pub state: State,
    /// Its class.
    pub class: Class,
    /// Boarding here.
    pub from: StopIndex,
    /// Leaving here.
    pub to: StopIndex,
    /// How many travel.
    pub party: u8,
    /// Time left to confirm, in milliseconds; 0 unless held.
    pub remaining_ms: u32,
    /// Which wishes the seats meet.
    pub met: Met,
    /// The seats of the passengers, the first `party` of these; `None` in a class without seat numbers.
    pub seats: [Option<Seat>; PASSENGERS_MAX],
}

/// A seat whose letter is 0 on the wire has no number.
const NO_LETTER: u8 = 0;

impl Reservation {
    /// Appends the reply's body.
    pub fn encode(&self, out: &mut Vec<u8>) {
        out.put_u128(self.id.0);
        out.put_u64(self.departure.0);
        out.put_u32(self.remaining_ms);
        out.put_u8(self.state as u8);
        out.put_u8(self.class.0);
        out.put_u8(self.from);
        out.put_u8(self.to);
        out.put_u16(self.met.letters);
        out.put_u8(self.met.together as u8);
        out.put_u8(self.party);
        for seat in &self.seats[..usize::from(self.party)] {
            let seat = seat.unwrap_or(Seat { coach: 0, row: 0, letter: NO_LETTER });
            out.put_u8(seat.coach);
            out.put_u8(seat.letter);
            out.put_u16(seat.row);
        }
    }

    /// Reads the reply's body.
    pub fn decode(body: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let id = ReservationId(body.u128()?);
        let departure = DepartureId(body.u64()?);
        let remaining_ms = body.u32()?;
        let state = State::from_code(body.u8()?).ok_or(DecodeError::BadField("state"))?;
        let (class, from, to) = (Class(body.u8()?), body.u8()?, body.u8()?);
        let letters = body.u16()?;
        let together = Together::from_code(body.u8()?).ok_or(DecodeError::BadField("together"))?;
        let party = body.u8()?;
        if party == 0 || usize::from(party) > PASSENGERS_MAX {
            return Err(DecodeError::BadField("party"));
        }
        let mut seats = [None; PASSENGERS_MAX];
        for seat in seats.iter_mut().take(usize::from(party)) {
            let (coach, letter, row) = (body.u8()?, body.u8()?, body.u16()?);
            *seat = (letter != NO_LETTER).then_some(Seat { coach, row, letter });
        }
        let met = Met { together, letters };
        Ok(Self { id, departure, state, class, from, to, party, remaining_ms, met, seats })
    }

    /// The seats of the passengers.
    pub fn seats(&self) -> &[Option<Seat>] {
        &self.seats[..usize::from(self.party)]
    }
}
