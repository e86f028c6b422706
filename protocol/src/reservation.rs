//! The states of a reservation, and what a client is told of it.

use crate::codec::{DecodeError, Put, Reader};
use crate::ids::{Class, DepartureId, ReservationId, StopIndex, read_trip};
use crate::limits::PASSENGERS_MAX;
use crate::plan::Seat;
use crate::wishes::Met;

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

    /// Whether a reservation may go from this state to `next` in one step.
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
    /// The seats of the passengers, the first `party` of these; all `None` in a class without seat numbers.
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
        if remaining_ms != 0 && state != State::Held {
            return Err(DecodeError::BadField("remaining"));
        }
        let class = Class::read(body)?;
        let (from, to) = read_trip(body)?;
        let (letters, together, party) = (body.u16()?, body.u8()?, body.u8()?);
        if party == 0 || usize::from(party) > PASSENGERS_MAX {
            return Err(DecodeError::BadField("party"));
        }
        let met = Met::from_fields(together, letters, party)?;
        let mut seats = [None; PASSENGERS_MAX];
        for at in 0..usize::from(party) {
            seats[at] = read_seat(body)?;
            if seats[at].is_some() != seats[0].is_some() {
                return Err(DecodeError::BadField("seat"));
            }
        }
        Ok(Self { id, departure, state, class, from, to, party, remaining_ms, met, seats })
    }

    /// The seats of the passengers.
    pub fn seats(&self) -> &[Option<Seat>] {
        &self.seats[..usize::from(self.party)]
    }
}

fn read_seat(body: &mut Reader<'_>) -> Result<Option<Seat>, DecodeError> {
    match (body.u8()?, body.u8()?, body.u16()?) {
        (0, NO_LETTER, 0) => Ok(None),
        (coach, letter, row) if letter.is_ascii_uppercase() => Ok(Some(Seat { coach, row, letter })),
        _ => Err(DecodeError::BadField("seat")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wishes::Together;

    fn held() -> Reservation {
        let mut seats = [None; PASSENGERS_MAX];
        seats[0] = Some(Seat { coach: 5, row: 12, letter: b'A' });
        seats[1] = Some(Seat { coach: 5, row: 12, letter: b'B' });
        Reservation {
            id: ReservationId(7),
            departure: DepartureId(9),
            state: State::Held,
            class: Class(3),
            from: 1,
            to: 4,
            party: 2,
            remaining_ms: 599_000,
            met: Met { together: Together::Row, letters: 0b11 },
            seats,
        }
    }

    fn decode(
        edit: impl FnOnce(&mut Reservation),
        patch: impl FnOnce(&mut [u8]),
    ) -> Result<Reservation, DecodeError> {
        let mut reservation = held();
        edit(&mut reservation);
        let mut body = Vec::new();
        reservation.encode(&mut body);
        patch(&mut body);
        Reservation::decode(&mut Reader::new(&body))
    }

    #[test]
    fn reads_what_it_writes() {
        assert_eq!(decode(|_| (), |_| ()), Ok(held()));
    }

    /// A place without a number had 2^24 spellings: any coach and row with the letter 0.
    #[test]
    fn one_spelling_of_a_place_without_a_number() {
        let bare = |reservation: &mut Reservation| reservation.seats = [None; PASSENGERS_MAX];
        assert!(decode(bare, |_| ()).is_ok());
        for at in [36, 38, 39] {
            assert_eq!(decode(bare, |body| body[at] = 1), Err(DecodeError::BadField("seat")), "byte {at}");
        }
    }

    #[test]
    fn letters_are_a_to_z() {
        assert_eq!(decode(|_| (), |body| body[37] = b'a'), Err(DecodeError::BadField("seat")));
    }

    #[test]
    fn all_places_have_numbers_or_none() {
        let mixed = |reservation: &mut Reservation| reservation.seats[1] = None;
        assert_eq!(decode(mixed, |_| ()), Err(DecodeError::BadField("seat")));
    }

    #[test]
    fn nobody_beyond_the_party_has_a_letter() {
        let third = |reservation: &mut Reservation| reservation.met.letters = 0b100;
        assert_eq!(decode(third, |_| ()), Err(DecodeError::BadField("letters")));
    }

    #[test]
    fn a_trip_goes_forward_in_a_class() {
        assert_eq!(decode(|held| held.to = 1, |_| ()), Err(DecodeError::BadField("trip")));
        assert_eq!(decode(|held| held.to = 128, |_| ()), Err(DecodeError::BadField("trip")));
        assert_eq!(decode(|held| held.class = Class(0), |_| ()), Err(DecodeError::BadField("class")));
    }

    #[test]
    fn only_a_hold_runs_out() {
        let sold = |reservation: &mut Reservation| reservation.state = State::Confirmed;
        assert_eq!(decode(sold, |_| ()), Err(DecodeError::BadField("remaining")));
    }

    #[test]
    fn states_go_one_way() {
        for from in State::ALL {
            for to in State::ALL {
                let gives_back = from.is_live() && !to.is_live();
                let sells = (from, to) == (State::Held, State::Confirmed);
                let refund = to == State::Refunded;
                let wanted = sells || gives_back && refund == (from == State::Confirmed);
                assert_eq!(from.may_become(to), wanted, "{from:?} to {to:?}");
            }
        }
    }
}
