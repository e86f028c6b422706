//! What buyers were told, and whether the ledger bears it out.

use super::DemoError;
use super::crowd::Crowd;
use crate::audit::Audit;
use seathold_client::{Client, Error, Refusal};
use seathold_protocol::ReservationId;
use seathold_protocol::plan::Seat;
use seathold_protocol::request::Target;
use seathold_protocol::reservation::{Reservation, State};
use std::collections::HashMap;
use std::time::{Duration, Instant};

/// A hold of three seconds is over long before this.
const HOLDS_TIMEOUT: Duration = Duration::from_secs(60);

/// How long to wait before a hold is looked at again when its time is up.
const LOOK_AGAIN: Duration = Duration::from_millis(10);

/// The last that a buyer was told.
struct Told {
    target: Target,
    state: State,
    seats: Vec<Option<Seat>>,
}

#[derive(Default)]
pub(super) struct History {
    told: HashMap<ReservationId, Told>,
}

impl History {
    /// Notes an acknowledged answer.
    pub(super) fn note(&mut self, target: Target, reservation: &Reservation) {
        let told = Told { target, state: reservation.state, seats: reservation.seats().to_vec() };
        self.told.insert(target.id, told);
    }

    /// Notes that a buyer was told that the hold had run out.
    pub(super) fn note_expired(&mut self, id: ReservationId) {
        if let Some(told) = self.told.get_mut(&id) {
            told.state = State::Expired;
        }
    }

    /// Asks for every hold that nobody finished until it has run out.
    pub(super) fn wait_for_holds(&mut self, client: &Client) -> Result<(), DemoError> {
        let started = Instant::now();
        let held = |told: &&Told| told.state == State::Held;
        let targets: Vec<Target> = self.told.values().filter(held).map(|told| told.target).collect();
        for target in targets {
            loop {
                let reservation = client.lookup(target)?;
                self.note(target, &reservation);
                if reservation.state != State::Held {
                    break;
                }
                if started.elapsed() > HOLDS_TIMEOUT {
                    return Err(DemoError::HoldStays(target.id));
                }
                std::thread::sleep(Duration::from_millis(reservation.remaining_ms.into()).max(LOOK_AGAIN));
            }
        }
        Ok(())
    }

    /// Acknowledged answers that the ledger does not bear out: the reservation is not there, has other seats, or is in a
    /// state that cannot follow from what was told.
    pub(super) fn lost(&self, audit: &Audit, crowd: &Crowd) -> u64 {
        let borne_out = |told: &Told| {
            let record = audit.reservation(told.target.departure, told.target.id);
            let departure = crowd.departure(told.target.departure);
            let (Some(record), Some(departure)) = (record, departure) else { return false };
            let Some(class) = departure.layout.class_index(record.class) else { return false };
            let seats = record.seats().iter().map(|number| departure.layout.seat(class, *number));
            let lawful = record.state == told.state || told.state.may_become(record.state) || {
                told.state == State::Held && record.state == State::Refunded
            };
            lawful && seats.eq(told.seats.iter().copied())
        };
        self.told.values().filter(|told| !borne_out(told)).count() as u64
    }

    /// Reservations that buyers were told of.
    pub(super) fn len(&self) -> u64 {
        self.told.len() as u64
    }
}

/// Whether a refusal means that the hold had run out.
pub(super) fn is_expired(error: &Error) -> bool {
    matches!(error, Error::Refused(Refusal::Expired))
}
