//! What a client knows of one reservation, and whether what it is told can be true.

use crate::catalog::HOLD_MS;
use crate::clock::least_true_ms;
use seathold::audit::Audit;
use seathold_protocol::record::ReservationRecord;
use seathold_protocol::request::{Reserve, Target};
use seathold_protocol::reservation::{Reservation, State};
use seathold_protocol::status::{Status, Verdict};

/// What a client can ask of a reservation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wish {
    Reserve,
    Confirm,
    Cancel,
    Refund,
    Lookup,
}

/// One reservation, seen from outside.
pub(crate) struct Known {
    pub(crate) request: Reserve,
    /// The session that asks for it.
    pub(crate) session: usize,
    /// The last answer that showed it.
    pub(crate) told: Option<Reservation>,
    /// Its state by the last answer of all: a refusal such as EXPIRED names one, too.
    told_state: Option<State>,
    /// The earliest true time at which the hold may end.
    not_before_ms: Option<u64>,
    /// RESERVEs whose answer may still come.
    reserving: u32,
    /// A RESERVE was answered OK, or nobody knows what became of it.
    may_exist: bool,
    /// What was asked at some time and not refused.
    confirm_asked: bool,
    cancel_asked: bool,
    refund_asked: bool,
}

fn may_follow(before: State, after: State) -> bool {
    before == after || before.may_become(after) || (before == State::Held && after == State::Refunded)
}

impl Known {
    pub(crate) fn new(request: Reserve, session: usize) -> Self {
        Self {
            request,
            session,
            told: None,
            told_state: None,
            not_before_ms: None,
            reserving: 0,
            may_exist: false,
            confirm_asked: false,
            cancel_asked: false,
            refund_asked: false,
        }
    }

    pub(crate) fn target(&self) -> Target {
        let Reserve { id, departure, account, .. } = self.request;
        Target { id, departure, account }
    }

    /// It is asked now.
    pub(crate) fn asked(&mut self, wish: Wish, now_ms: u64) {
        match wish {
            Wish::Reserve => {
                self.reserving += 1;
                self.not_before_ms.get_or_insert(now_ms + least_true_ms(HOLD_MS));
            }
            Wish::Confirm => self.confirm_asked = true,
            Wish::Cancel => self.cancel_asked = true,
            Wish::Refund => self.refund_asked = true,
            Wish::Lookup => {}
        }
    }

    /// The answer will never come.
    pub(crate) fn unknown(&mut self, wish: Wish) {
        if wish == Wish::Reserve {
            self.reserving -= 1;
            self.may_exist = true;
        }
    }

    /// A host's wall clock was set by more than the grace: when a hold ends across a reboot is anybody's guess.
    pub(crate) fn excuse_early_end(&mut self) {
        self.not_before_ms = Some(0);
    }

    /// Takes an answer that says how the reservation stands.
    pub(crate) fn believe(
        &mut self,
        wish: Wish,
        told: &Reservation,
        now_ms: u64,
        rest_max_ms: u64,
    ) -> Result<(), String> {
        if wish == Wish::Reserve {
            self.unknown(wish);
        }
        let asked = &self.request;
        let same = told.id == asked.id && told.departure == asked.departure && told.class == asked.class;
        if !same || (told.from, told.to, told.party) != (asked.from, asked.to, asked.party) {
            return Err(format!("I5: {told:?} answers {asked:?}"));
        }
        if !self.may_exist && self.reserving == 0 {
            return Err(format!("I12: {told:?}, and every RESERVE for it was refused"));
        }
        let wished = match wish {
            Wish::Confirm => told.state == State::Confirmed,
            Wish::Cancel => told.state == State::Cancelled,
            Wish::Refund => told.state == State::Refunded,
            Wish::Reserve | Wish::Lookup => true,
        };
        if !wished {
            return Err(format!("{wish:?} was told OK and {told:?}"));
        }
        if let Some(before) = &self.told
            && before.seats != told.seats
        {
            return Err(format!("I6: {before:?} was told, then {told:?}"));
        }
        if !self.may_become(told.state) {
            return Err(format!("I6: {:?} was told, then {told:?}", self.told_state));
        }
        self.may_be(told.state, now_ms)?;
        if told.state == State::Held && u64::from(told.remaining_ms) > rest_max_ms {
            return Err(format!("{told:?} is longer than a hold"));
        }
        self.told = Some(*told);
        self.told_state = Some(told.state);
        Ok(())
    }

    /// Takes a refusal.
    pub(crate) fn believe_refusal(&mut self, wish: Wish, status: Status, now_ms: u64) -> Result<(), String> {
        if status.verdict() == Verdict::Unknown {
            self.unknown(wish);
            return Ok(());
        }
        if wish == Wish::Reserve {
            // Certain that this one had no effect.
            self.reserving -= 1;
        }
        let told = self.told_state;
        let state = match status {
            Status::Busy | Status::Unavailable => return Ok(()),
            Status::SoldOut | Status::PassengerAlreadyBooked | Status::Limit => {
                return self.must(wish == Wish::Reserve && told.is_none(), wish, status);
            }
            Status::NotFound => return self.must(told.is_none(), wish, status),
            Status::NotConfirmed => {
                return self.must(self.may_become(State::Held) && wish == Wish::Refund, wish, status);
            }
            Status::Expired => State::Expired,
            Status::Cancelled => State::Cancelled,
            Status::Refunded => State::Refunded,
            Status::AlreadyConfirmed => State::Confirmed,
            _ => return self.must(false, wish, status),
        };
        self.must(
            self.may_become(state) && matches!(wish, Wish::Confirm | Wish::Cancel | Wish::Refund),
            wish,
            status,
        )?;
        self.may_be(state, now_ms)?;
        self.told_state = Some(state);
        Ok(())
    }

    /// Whether it can be in this state after what was told.
    fn may_become(&self, state: State) -> bool {
        self.told_state.is_none_or(|told| may_follow(told, state))
    }

    fn must(&self, holds: bool, wish: Wish, status: Status) -> Result<(), String> {
        if holds {
            Ok(())
        } else {
            Err(format!("{wish:?} was told {status} after {:?}, {:?}", self.told_state, self.told))
        }
    }

    /// Whether it can be in this state by now.
    fn may_be(&self, state: State, now_ms: u64) -> Result<(), String> {
        let id = self.request.id;
        if !self.was_asked_for(state) {
            return Err(format!("I4: {id} is {state:?}, and nobody asked for that"));
        }
        let not_before_ms = self.not_before_ms.unwrap_or(0);
        if state == State::Expired && now_ms < not_before_ms {
            return Err(format!("I8: {id} is expired at {now_ms}, before {not_before_ms}"));
        }
        Ok(())
    }

    fn was_asked_for(&self, state: State) -> bool {
        match state {
            State::Held | State::Expired => true,
            State::Confirmed => self.confirm_asked,
            State::Cancelled => self.cancel_asked,
            State::Refunded => self.refund_asked && self.confirm_asked,
        }
    }

    /// Compares what was told with the ledger.
    pub(crate) fn borne_out(&self, audit: &Audit) -> Result<(), String> {
        let record = audit.reservation(self.request.departure, self.request.id);
        let (Some(state), told) = (self.told_state, self.told) else { return Ok(()) };
        let id = self.request.id;
        match record {
            None => Err(format!("I3: {id} was told to be {state:?}, {told:?}, and is not in the ledger")),
            Some(record)
                if may_follow(state, record.state)
                    && told.is_none_or(|told| record.seats().len() == told.seats().len()) =>
            {
                Ok(())
            }
            Some(record) => {
                Err(format!("I3: {id} was told to be {state:?}, {told:?}, and the ledger has {record:?}"))
            }
        }
    }

    /// Whether a record can be the trace of what was asked.
    pub(crate) fn caused(&self, record: &ReservationRecord) -> Result<(), String> {
        let asked = &self.request;
        if record.fingerprint != asked.fingerprint() || record.account != asked.account {
            return Err(format!("I4: {record:?} is not what was asked for"));
        }
        if !self.was_asked_for(record.state) {
            return Err(format!("I4: nobody asked for {record:?}"));
        }
        if !self.may_exist && self.reserving == 0 {
            return Err(format!("I12: {record:?} is in the ledger, and every RESERVE for it was refused"));
        }
        Ok(())
    }
}
