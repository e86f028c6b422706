//! RESERVE: everything is checked first, then everything is changed.

use super::book::{Entry, Slot};
use super::{Draft, Outcome, Shard};
use crate::inventory::{Shortage, Trip};
use seathold_protocol::batch::Stamp;
use seathold_protocol::limits::PASSENGERS_MAX;
use seathold_protocol::record::{NO_SEAT, ReservationRecord};
use seathold_protocol::reply::Sale;
use seathold_protocol::request::Reserve;
use seathold_protocol::reservation::State;
use seathold_protocol::status::{Limit, Status};

/// Changes after which a departure takes no new reservations, so that those it has can still be finished: their number
/// is 32 bits in the log. A hundred thousand a second would take half a day to get there.
const CHANGES_FOR_RESERVE: u32 = u32::MAX - 1_000_000;

/// A refusal before it becomes an outcome.
type Refused = (Status, u64);

impl Shard {
    pub(super) fn reserve(&mut self, reserve: &Reserve, now: Stamp, draft: &mut Draft) -> Outcome {
        if let Some(slot) = self.book.find(reserve.id) {
            return self.reserve_again(slot, reserve, now, draft);
        }
        match self.check(reserve, now).and_then(|(class, trip)| self.hold(reserve, class, trip, now, draft)) {
            Ok(slot) => self.told(slot, now),
            Err((status, detail)) => Outcome {
                answer: super::Answer::refused(status, detail),
                rests_on: self.refusal_rests_on(status),
            },
        }
    }

    /// The batch without which a refusal might not be true: that of the newest hold, if others' holds are the reason, or
    /// that of the operator's word.
    fn refusal_rests_on(&self, status: Status) -> u64 {
        match status {
            Status::SoldOut | Status::WishUnmet => self.published.held_in().max(self.sale_logged_in),
            Status::PassengerAlreadyBooked | Status::Limit => self.published.held_in(),
            Status::Closed | Status::NotOpen => self.sale_logged_in,
            _ => 0,
        }
    }

    fn reserve_again(&mut self, slot: Slot, reserve: &Reserve, now: Stamp, draft: &mut Draft) -> Outcome {
        self.expire_if_due(slot, now, draft);
        let entry = self.book.entry(slot);
        let same =
            entry.record.account == reserve.account && entry.record.fingerprint == reserve.fingerprint();
        if same {
            return self.told(slot, now);
        }
        Outcome { answer: super::Answer::refused(Status::IdConflict, 0), rests_on: entry.logged_in }
    }

    /// Everything that can be said without looking for seats.
    fn check(&self, reserve: &Reserve, now: Stamp) -> Result<(usize, Trip), Refused> {
        let layout = self.inventory.layout();
        let segments = self.inventory.segments();
        let class = layout.class_index(reserve.class).ok_or((Status::UnknownClass, 0))?;
        let trip = Trip::new(reserve.from, reserve.to, segments)
            .ok_or((Status::BadTrip, u64::from(segments) + 1))?;
        if reserve.hold_ms > self.rules.hold_ms_max {
            return Err((Status::BadHoldTime, u64::from(self.rules.hold_ms_max)));
        }
        let party_max = self.rules.passengers_per_reservation;
        if reserve.party > party_max {
            return Err((Status::Limit, Limit::PassengersPerReservation.detail(u32::from(party_max))));
        }
        self.check_sale(now)?;
        if self.rules.one_seat_per_passenger {
            let booked = |passenger| self.passengers.get(passenger) > 0;
            if let Some(index) = reserve.passengers().iter().position(|passenger| booked(*passenger)) {
                return Err((Status::PassengerAlreadyBooked, index as u64));
            }
        }
        let places_max = self.rules.places_per_account;
        if places_max > 0 && self.accounts.get(reserve.account) + u32::from(reserve.party) > places_max {
            return Err((Status::Limit, Limit::PlacesPerAccount.detail(places_max)));
        }
        Ok((class, trip))
    }

    fn check_sale(&self, now: Stamp) -> Result<(), Refused> {
        let closed = self.rules.closes_at_ms.is_some_and(|closes| closes <= now.wall_ms);
        match self.sale {
            Sale::Closed => Err((Status::Closed, 0)),
            _ if self.version > CHANGES_FOR_RESERVE => Err((Status::Closed, 0)),
            _ if closed => Err((Status::Closed, 0)),
            Sale::Opened => Ok(()),
            Sale::ByRules => match self.rules.opens_in_ms(now.wall_ms) {
                0 => Ok(()),
                opens_in_ms => Err((Status::NotOpen, opens_in_ms)),
            },
        }
    }

    fn hold(
        &mut self,
        reserve: &Reserve,
        class: usize,
        trip: Trip,
        now: Stamp,
        draft: &mut Draft,
    ) -> Result<Slot, Refused> {
        let party = usize::from(reserve.party);
        let held_in = self.published.held_in();
        self.published.set_held_in(draft.sequence);
        let taken = self.inventory.take(class, trip, party, &reserve.wishes, &self.published);
        let (places, met) = taken.map_err(|shortage| {
            self.published.set_held_in(held_in);
            match shortage {
                Shortage::SoldOut { free } => (Status::SoldOut, u64::from(free)),
                Shortage::WishUnmet => (Status::WishUnmet, 0),
            }
        })?;
        let hold_ms = if reserve.hold_ms == 0 { self.rules.hold_ms_default } else { reserve.hold_ms };
        let mut seats = [NO_SEAT; PASSENGERS_MAX];
        seats[..party].copy_from_slice(places.seats());
        let record = ReservationRecord {
            version: self.next_version(now, draft),
            fingerprint: reserve.fingerprint(),
            departure: reserve.departure,
            id: reserve.id,
            account: reserve.account,
            deadline_ms: now.boot_ms + u64::from(hold_ms),
            state: State::Held,
            class: reserve.class,
            from: reserve.from,
            to: reserve.to,
            party: reserve.party,
            met,
            seats,
            passengers: reserve.passengers,
        };
        self.count(&record);
        let slot = self.book.insert(Entry { record, logged_in: draft.sequence });
        self.deadlines.set(slot, record.deadline_ms);
        self.log(slot, draft);
        Ok(slot)
    }
}
