//! What each refusal and each fault means to whoever typed the command, and what to do.
//!
//! The SDK's sentences are for logs; these name commands and options of this tool.

use super::spans::spoken;
use seathold_client::{Fault, Refusal};

/// A refusal as a sentence.
pub(super) fn refusal(refusal: Refusal) -> String {
    match refusal {
        Refusal::SoldOut { free: 0 } => {
            "sold out: nothing is free for this trip; `seathold-cli availability` shows what is left".to_owned()
        }
        Refusal::SoldOut { free } => format!(
            "sold out: only {free} free for this trip; reserve for fewer passengers, or look at \
             `seathold-cli availability`"
        ),
        Refusal::Closed => {
            "the sale is over, or an operator closed it; an operator opens it with `seathold-cli open TRAIN DATE`"
                .to_owned()
        }
        Refusal::PlacesPerAccount { places } => format!(
            "an account may have {places} places on this departure and this would be more; cancel a hold, or use \
             another --account"
        ),
        Refusal::PassengersPerReservation { passengers } => format!(
            "one reservation of this departure is for at most {passengers} passengers; make more than one"
        ),
        Refusal::PassengerAlreadyBooked { index } => format!(
            "passenger {} of the request has a place on this departure already; leave them out",
            index + 1
        ),
        Refusal::WishUnmet => {
            "enough places are free, but none as wished; leave --strict out to get the nearest to the wish".to_owned()
        }
        Refusal::IdConflict => {
            "this id is a reservation with other contents or of another account; repeat exactly what was asked \
             first (--account too), or leave --id out to get a new one"
                .to_owned()
        }
        Refusal::Expired => {
            "the hold ran out before this came, and its places are free again; reserve anew".to_owned()
        }
        Refusal::NotFound => {
            "this departure has no reservation with this id; check the id, the train and the date".to_owned()
        }
        Refusal::AlreadyConfirmed => {
            "the reservation is confirmed and cannot be cancelled; use `seathold-cli refund`".to_owned()
        }
        Refusal::NotConfirmed => {
            "the reservation is not confirmed; a hold is given back with `seathold-cli cancel`".to_owned()
        }
        Refusal::Cancelled => "the reservation was cancelled before; reserve anew".to_owned(),
        Refusal::Refunded => "the reservation was refunded before; reserve anew".to_owned(),
        Refusal::UnknownTrain => {
            "the server's timetable has no train of this name; capital letters and spaces count".to_owned()
        }
        Refusal::NotRunning => {
            "the train does not run on this date, or the server has not loaded it; \
             `seathold serve --dates FROM..TO` says which dates are loaded"
                .to_owned()
        }
        Refusal::UnknownDeparture => {
            "the server has no departure with this id; `seathold-cli resolve TRAIN DATE` tells the right one"
                .to_owned()
        }
        Refusal::BadHoldTime { most_ms } => {
            format!("this sale holds places for at most {}; give --hold that or less", spoken(most_ms.into()))
        }
        Refusal::BadRelease { percent } => format!(
            "{percent} % of the places are for sale already, and that never shrinks; give --released from {percent} \
             to 100, or leave it out"
        ),
        Refusal::Forbidden => {
            "only an operator may ask this; give the server's operator token with --token-file".to_owned()
        }
        Refusal::BadParty { .. }
        | Refusal::BadTrip { .. }
        | Refusal::PassengerTwice { .. }
        | Refusal::Protocol { .. }
        | Refusal::UnknownClass => refusal.to_string(),
    }
}

/// What is wrong with the connection, as a sentence.
pub(super) fn fault(fault: Fault) -> String {
    let hint = match fault {
        Fault::NoAddress => "check the host in --url",
        Fault::HelloRefused { .. } => "this tool and the server do not belong to the same release",
        Fault::BadFrame(_) | Fault::BadReply(_) | Fault::WrongReply | Fault::WrongCore => {
            "is that the port of a Seathold server, and of this release? Check --url"
        }
        Fault::ConnectTimeout | Fault::Silent => {
            "is the host up and the port open? Check --url and firewalls, or wait longer with --timeout"
        }
        Fault::Io(_) | Fault::Closed | Fault::Stopped => {
            "is the server running there? Start one with \
             `seathold serve --ledger file:DIR --gtfs DIR --rules FILE --dates FROM..TO`, or name another with --url"
        }
    };
    format!("{fault}; {hint}")
}
