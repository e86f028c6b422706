//! Requests that are encoded before anything is counted, and what each must be answered.

use seathold_protocol::limits::PASSENGERS_MAX;
use seathold_protocol::request::{Request, Reserve, Target};
use seathold_protocol::status::Status;
use seathold_protocol::wishes::Wishes;
use seathold_protocol::{AccountId, Class, DepartureId, PassengerId, ReservationId};
use std::ops::Range;

pub(crate) const SECOND: Class = Class(3);

#[derive(Default)]
pub(crate) struct Script {
    bytes: Vec<u8>,
    /// Where each frame ends.
    ends: Vec<usize>,
    expected: Vec<Status>,
}

impl Script {
    /// Adds a request; its number is its correlation.
    pub(crate) fn push(&mut self, request: &Request<'_>, expected: Status) {
        request.encode(self.ends.len() as u64, &mut self.bytes);
        self.ends.push(self.bytes.len());
        self.expected.push(expected);
    }

    pub(crate) fn len(&self) -> usize {
        self.ends.len()
    }

    /// The bytes of these requests.
    pub(crate) fn frames(&self, requests: Range<usize>) -> &[u8] {
        let end = |requests: usize| requests.checked_sub(1).map_or(0, |last| self.ends[last]);
        &self.bytes[end(requests.start)..end(requests.end)]
    }

    /// Panics unless that is what the request was to be answered.
    pub(crate) fn check(&self, correlation: u64, status: u8) {
        let expected = self.expected[correlation as usize];
        assert!(
            status == expected as u8,
            "request {correlation} was answered {:?} and not {expected:?}",
            Status::from_code(status)
        );
    }
}

/// Who buys: each reservation has its own id, account and passengers.
#[derive(Default)]
pub(crate) struct Buyers {
    reservations: u64,
}

impl Buyers {
    /// The next reservation, and what names it afterwards.
    pub(crate) fn next(&mut self, departure: DepartureId, party: u8) -> (Reserve, Target) {
        self.reservations += 1;
        let number = self.reservations;
        let traveller = |at| if at < usize::from(party) { number * 16 + at as u64 } else { 0 };
        let passengers = std::array::from_fn::<_, PASSENGERS_MAX, _>(|at| PassengerId(traveller(at)));
        // Ids are drawn at random as a rule; these are spread as widely.
        let id = ReservationId(u128::from(number).wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835));
        let account = AccountId(number);
        let reserve = Reserve {
            id,
            departure,
            account,
            class: SECOND,
            from: 0,
            to: 7,
            party,
            hold_ms: 0,
            wishes: Wishes::default(),
            passengers,
            first: false,
        };
        (reserve, Target { id, departure, account })
    }
}
