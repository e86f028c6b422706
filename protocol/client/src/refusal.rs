//! A refusal with its detail given a type.
//!
//! The wire has a status and a number; what the number means depends on the status. Callers match on this instead.

use seathold_protocol::limits::PASSENGERS_MAX;
use seathold_protocol::reply;
use seathold_protocol::status::{Limit, Status};

/// The server's final no: it changed nothing, and the same request will not succeed by being repeated.
/// Only sold out, limits and wishes may end otherwise later, when somebody gives seats back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// Fewer places are free for this trip than asked; nothing is held under this id.
    #[error("sold out: fewer places are free than asked: {free}")]
    SoldOut {
        /// How many are.
        free: u32,
    },
    /// The sale is over, or an operator closed it.
    #[error("the sale is closed")]
    Closed,
    /// The account would have more places on this departure than it may.
    #[error("an account may have {places} places on this departure")]
    PlacesPerAccount {
        /// How many it may have.
        places: u32,
    },
    /// The party is larger than the sale allows.
    #[error("a reservation of this departure is for at most {passengers} passengers")]
    PassengersPerReservation {
        /// How many it allows.
        passengers: u32,
    },
    /// A passenger has a place on this departure.
    #[error("passenger {index} of the request has a place on this departure")]
    PassengerAlreadyBooked {
        /// The first such passenger, counted from 0 in the request.
        index: usize,
    },
    /// Enough places are free, but not as a STRICT wish asks.
    #[error("places are free, but none as wished")]
    WishUnmet,
    /// This id is a reservation with other contents or of another account.
    #[error("this reservation id is taken by other contents")]
    IdConflict,
    /// The hold ran out before; its seats are free again.
    #[error("the hold has run out")]
    Expired,
    /// No reservation of this departure has this id.
    #[error("there is no such reservation")]
    NotFound,
    /// A confirmed reservation cannot be cancelled; ask for a refund.
    #[error("the reservation is confirmed; ask for a refund")]
    AlreadyConfirmed,
    /// Only a confirmed reservation can be refunded; cancel a hold.
    #[error("the reservation is not confirmed; cancel it")]
    NotConfirmed,
    /// The reservation was cancelled.
    #[error("the reservation was cancelled")]
    Cancelled,
    /// The reservation was refunded.
    #[error("the reservation was refunded")]
    Refunded,
    /// The catalogue has no train of this name.
    #[error("there is no train of this name")]
    UnknownTrain,
    /// The train does not run on this date.
    #[error("the train does not run on this date")]
    NotRunning,
    /// No departure has this id.
    #[error("there is no such departure")]
    UnknownDeparture,
    /// The departure does not have this class.
    #[error("the departure does not have this class")]
    UnknownClass,
    /// The stops are in the wrong order, equal, or past the end of the route.
    #[error("the trip must go from a stop to a later one of the route's {stops}")]
    BadTrip {
        /// How many stops the route has.
        stops: u8,
    },
    /// A reservation is for 1 to 9 passengers.
    #[error("a reservation is for 1 to {most} passengers")]
    BadParty {
        /// The most that one may have.
        most: usize,
    },
    /// The request names one passenger twice.
    #[error("passenger {index} of the request stands there twice")]
    PassengerTwice {
        /// The second of the two, counted from 0 in the request.
        index: usize,
    },
    /// The hold time is above the most that the sale allows.
    #[error("this sale holds seats for at most {most_ms} ms")]
    BadHoldTime {
        /// That, in milliseconds.
        most_ms: u32,
    },
    /// Only an operator may ask this; see `Builder::operator_token`.
    #[error("only an operator may ask this")]
    Forbidden,
    /// The share of places for sale never shrinks: it is the present one to 100 percent, or 0 to leave it.
    #[error("the share of places for sale never shrinks: ask for {percent} to 100 percent, or 0 to leave it")]
    BadRelease {
        /// The present share in percent.
        percent: u8,
    },
    /// The server cannot make sense of the frame: it and this SDK disagree about the protocol.
    #[error("the server does not understand the request: {status} ({detail})")]
    Protocol {
        /// The status as it came.
        status: Status,
        /// Its detail, see `Status`.
        detail: u64,
    },
}

impl Refusal {
    /// The most passengers of one reservation, as a refusal: what a request for 0 or 10 gets without being sent.
    pub(crate) const BAD_PARTY: Self = Self::BadParty { most: PASSENGERS_MAX };

    /// Gives the detail its meaning. A status that is no refusal means that the peer broke the protocol.
    pub(crate) fn from_wire(refusal: reply::Refusal) -> Self {
        let reply::Refusal { status, detail } = refusal;
        match status {
            Status::SoldOut => Self::SoldOut { free: detail as u32 },
            Status::Closed => Self::Closed,
            Status::Limit => match Limit::from_detail(detail) {
                Some((Limit::PlacesPerAccount, places)) => Self::PlacesPerAccount { places },
                Some((Limit::PassengersPerReservation, passengers)) => {
                    Self::PassengersPerReservation { passengers }
                }
                None => Self::Protocol { status, detail },
            },
            Status::PassengerAlreadyBooked => Self::PassengerAlreadyBooked { index: detail as usize },
            Status::WishUnmet => Self::WishUnmet,
            Status::IdConflict => Self::IdConflict,
            Status::Expired => Self::Expired,
            Status::NotFound => Self::NotFound,
            Status::AlreadyConfirmed => Self::AlreadyConfirmed,
            Status::NotConfirmed => Self::NotConfirmed,
            Status::Cancelled => Self::Cancelled,
            Status::Refunded => Self::Refunded,
            Status::UnknownTrain => Self::UnknownTrain,
            Status::NotRunning => Self::NotRunning,
            Status::UnknownDeparture => Self::UnknownDeparture,
            Status::UnknownClass => Self::UnknownClass,
            Status::BadTrip => Self::BadTrip { stops: detail as u8 },
            Status::BadParty => Self::BadParty { most: detail as usize },
            Status::PassengerTwice => Self::PassengerTwice { index: detail as usize },
            Status::BadHoldTime => Self::BadHoldTime { most_ms: detail as u32 },
            Status::Forbidden => Self::Forbidden,
            Status::BadRelease => Self::BadRelease { percent: detail as u8 },
            status => Self::Protocol { status, detail },
        }
    }

    /// The status on the wire, for counting and for logs.
    pub fn status(self) -> Status {
        match self {
            Self::SoldOut { .. } => Status::SoldOut,
            Self::Closed => Status::Closed,
            Self::PlacesPerAccount { .. } | Self::PassengersPerReservation { .. } => Status::Limit,
            Self::PassengerAlreadyBooked { .. } => Status::PassengerAlreadyBooked,
            Self::WishUnmet => Status::WishUnmet,
            Self::IdConflict => Status::IdConflict,
            Self::Expired => Status::Expired,
            Self::NotFound => Status::NotFound,
            Self::AlreadyConfirmed => Status::AlreadyConfirmed,
            Self::NotConfirmed => Status::NotConfirmed,
            Self::Cancelled => Status::Cancelled,
            Self::Refunded => Status::Refunded,
            Self::UnknownTrain => Status::UnknownTrain,
            Self::NotRunning => Status::NotRunning,
            Self::UnknownDeparture => Status::UnknownDeparture,
            Self::UnknownClass => Status::UnknownClass,
            Self::BadTrip { .. } => Status::BadTrip,
            Self::BadParty { .. } => Status::BadParty,
            Self::PassengerTwice { .. } => Status::PassengerTwice,
            Self::BadHoldTime { .. } => Status::BadHoldTime,
            Self::Forbidden => Status::Forbidden,
            Self::BadRelease { .. } => Status::BadRelease,
            Self::Protocol { status, .. } => status,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use seathold_protocol::status::Verdict;

    #[test]
    fn every_final_status_keeps_its_name_and_none_but_broken_frames_is_untyped() {
        for status in Status::ALL {
            if !matches!(status.verdict(), Verdict::Refused | Verdict::Mistake) {
                continue;
            }
            let detail = if *status == Status::Limit { Limit::PlacesPerAccount.detail(4) } else { 4 };
            let refusal = Refusal::from_wire(reply::Refusal { status: *status, detail });
            assert_eq!(refusal.status(), *status);
            let untyped = matches!(refusal, Refusal::Protocol { .. });
            let of_the_frame = (30..36).contains(&(*status as u8)) || *status == Status::WrongMagic;
            assert_eq!(untyped, of_the_frame, "{status}");
        }
    }

    #[test]
    fn a_limit_says_which() {
        let detail = Limit::PlacesPerAccount.detail(5);
        let refusal = Refusal::from_wire(reply::Refusal { status: Status::Limit, detail });
        assert_eq!(refusal, Refusal::PlacesPerAccount { places: 5 });
    }
}
