//! What can be asked, and what comes back: the calls and answers that cross between a program and the client's thread.
//!
//! A call is kept until it ends, since it is encoded anew for each attempt.

use seathold_protocol::frame::Opcode;
use seathold_protocol::reply::{AvailabilityReply, Reply, Resolved, SaleReply};
use seathold_protocol::request::{Availability, Request, Target};
use seathold_protocol::reservation::Reservation;
use seathold_protocol::{Day, DepartureId, ReservationId};

use crate::reserve::ReserveRequest;

/// One request, as `Client::submit` takes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Call {
    /// Is anybody there.
    Ping,
    /// A train's name and service date to a departure.
    Resolve(Box<str>, Day),
    /// Free places.
    Availability(Availability),
    /// Hold seats.
    Reserve(ReserveRequest),
    /// Make a hold sold.
    Confirm(Target),
    /// Give a hold back.
    Cancel(Target),
    /// Give sold seats back.
    Refund(Target),
    /// The present state of a reservation.
    Lookup(Target),
    /// Operator: open the sale of a departure for this percent of its places; 0 leaves that.
    Open(DepartureId, u8),
    /// Operator: close the sale of a departure.
    Close(DepartureId),
    /// Operator: the server's counters.
    Stats,
}

impl Call {
    /// The departure whose owner should be asked; `None` if any core will do.
    pub(crate) fn departure(&self) -> Option<DepartureId> {
        match self {
            Self::Ping | Self::Resolve(..) | Self::Stats => None,
            Self::Availability(availability) => Some(availability.departure),
            Self::Reserve(request) => Some(request.target().departure),
            Self::Confirm(target) | Self::Cancel(target) | Self::Refund(target) | Self::Lookup(target) => {
                Some(target.departure)
            }
            Self::Open(departure, _) | Self::Close(departure) => Some(*departure),
        }
    }

    /// The reservation that an answer must be about.
    pub(crate) fn reservation(&self) -> Option<ReservationId> {
        match self {
            Self::Reserve(request) => Some(request.target().id),
            Self::Confirm(target) | Self::Cancel(target) | Self::Refund(target) | Self::Lookup(target) => {
                Some(target.id)
            }
            _ => None,
        }
    }

    /// Appends the frame and returns its opcode. `sent_before` clears FIRST.
    pub(crate) fn encode(&self, sent_before: bool, correlation: u64, out: &mut Vec<u8>) -> Opcode {
        let request = match self {
            Self::Ping => Request::Ping(&[]),
            Self::Resolve(train, day) => Request::Resolve(train, *day),
            Self::Availability(availability) => Request::Availability(*availability),
            Self::Reserve(request) => Request::Reserve(request.wire(sent_before)),
            Self::Confirm(target) => Request::Confirm(*target),
            Self::Cancel(target) => Request::Cancel(*target),
            Self::Refund(target) => Request::Refund(*target),
            Self::Lookup(target) => Request::Lookup(*target),
            Self::Open(departure, percent) => Request::Open(*departure, *percent),
            Self::Close(departure) => Request::Close(*departure),
            Self::Stats => Request::Stats,
        };
        request.encode(correlation, out);
        request.opcode()
    }
}

/// The OK answer to a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// To `Ping`.
    Pong,
    /// To `Resolve`.
    Resolved(Box<Resolved>),
    /// To `Availability`.
    Availability(Box<AvailabilityReply>),
    /// To `Reserve`, `Confirm`, `Cancel`, `Refund` and `Lookup`. Look at its state: a `Reserve` that is asked
    /// again finds its reservation in whatever state it is by now.
    Reservation(Reservation),
    /// To `Open` and `Close`.
    Sale(SaleReply),
    /// To `Stats`: names and values, sorted by name.
    Stats(Vec<(String, u64)>),
}

impl Answer {
    /// The answer in an OK reply to a request; `None` for WELCOME and refusals, which answer no call.
    pub(crate) fn from_reply(reply: Reply<'_>) -> Option<Self> {
        Some(match reply {
            Reply::Pong(_) => Self::Pong,
            Reply::Resolved(resolved) => Self::Resolved(Box::new(resolved)),
            Reply::Availability(availability) => Self::Availability(Box::new(availability)),
            Reply::Reservation(_, reservation) => Self::Reservation(reservation),
            Reply::Sale(_, sale) => Self::Sale(sale),
            Reply::Stats(stats) => Self::Stats(stats),
            Reply::Welcome(_) | Reply::Refused(..) => return None,
        })
    }
}
