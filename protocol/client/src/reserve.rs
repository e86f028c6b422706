//! What a program fills in to ask for seats.
//!
//! It is the wire's RESERVE with a constructor that knows the party's size and a name for "this was sent before".

use seathold_protocol::limits::PASSENGERS_MAX;
use seathold_protocol::request::{Reserve, Target};
use seathold_protocol::wishes::Wishes;
use seathold_protocol::{AccountId, Class, DepartureId, PassengerId, ReservationId, StopIndex};

use rand::TryRng;
use rand::rngs::SysRng;

use crate::error::Error;
use crate::refusal::Refusal;

/// A new reservation id: 128 bits from the operating system. Draw one for each reservation and keep it (in the
/// order's row, say) before asking: it is what makes asking again safe.
///
/// # Panics
///
/// If the operating system has no randomness to give.
pub fn new_reservation_id() -> ReservationId {
    let mut bytes = [0; 16];
    SysRng.try_fill_bytes(&mut bytes).expect("the operating system gives randomness");
    ReservationId(u128::from_le_bytes(bytes))
}

/// A request to hold seats.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReserveRequest {
    wire: Reserve,
}

impl ReserveRequest {
    /// Asks for one place a passenger from stop `from` to stop `to`. An empty party, or one above
    /// `PASSENGERS_MAX`, is refused here as the server would refuse it.
    pub fn new(
        id: ReservationId,
        departure: DepartureId,
        account: AccountId,
        class: Class,
        (from, to): (StopIndex, StopIndex),
        passengers: &[PassengerId],
    ) -> Result<Self, Error> {
        let party = passengers.len();
        if party == 0 || party > PASSENGERS_MAX {
            return Err(Refusal::BAD_PARTY.into());
        }
        let mut all = [PassengerId(0); PASSENGERS_MAX];
        all[..party].copy_from_slice(passengers);
        let wire = Reserve {
            id,
            departure,
            account,
            class,
            from,
            to,
            party: party as u8,
            hold_ms: 0,
            wishes: Wishes::default(),
            passengers: all,
            first: true,
        };
        Ok(Self { wire })
    }

    /// Holds the seats for this long instead of the sale's default, in milliseconds.
    pub fn hold_ms(mut self, hold_ms: u32) -> Self {
        self.wire.hold_ms = hold_ms;
        self
    }

    /// Adds wishes for letters and closeness.
    pub fn wishes(mut self, wishes: Wishes) -> Self {
        self.wire.wishes = wishes;
        self
    }

    /// Says that this id may have been sent before: by an earlier call that ended in `Error::Unknown`, or by
    /// this program before it was restarted. Only the owner of the departure may then refuse it, so that
    /// SOLD_OUT means that nothing is held under this id. The client does this itself for its own repeats.
    pub fn repeat(mut self) -> Self {
        self.wire.first = false;
        self
    }

    /// The name of the reservation, for CONFIRM, CANCEL, REFUND and LOOKUP.
    pub fn target(&self) -> Target {
        Target { id: self.wire.id, departure: self.wire.departure, account: self.wire.account }
    }

    /// The request for the wire; `sent_before` clears FIRST.
    pub(crate) fn wire(&self, sent_before: bool) -> Reserve {
        Reserve { first: self.wire.first && !sent_before, ..self.wire }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(party: usize) -> Result<ReserveRequest, Error> {
        let passengers: Vec<_> = (0..party as u64).map(PassengerId).collect();
        let (departure, account) = (DepartureId(1), AccountId(2));
        ReserveRequest::new(new_reservation_id(), departure, account, Class(3), (0, 1), &passengers)
    }

    #[test]
    fn a_party_is_one_to_nine() {
        assert_eq!(request(0), Err(Error::Refused(Refusal::BadParty { most: 9 })));
        assert_eq!(request(10), Err(Error::Refused(Refusal::BadParty { most: 9 })));
        assert_eq!(request(9).unwrap().wire(false).passengers().len(), 9);
    }

    #[test]
    fn first_is_set_once() {
        let request = request(1).unwrap();
        assert!(request.wire(false).first);
        assert!(!request.wire(true).first);
        assert!(!request.repeat().wire(false).first);
    }

    #[test]
    fn ids_differ() {
        assert_ne!(new_reservation_id(), new_reservation_id());
    }
}
