//! The Rust SDK of Seathold: one client that many threads share, with many requests in flight.
//!
//! ```text
//!  your threads                    one thread per client
//!  ┌───────────────┐   calls    ┌───────────────────────────────┐  door   ┌─────────────┐
//!  │ client.ping() ├───────────►│ session   calls in flight,    ├────────►│ shared port │
//!  │ client.submit ├───────────►│           deadlines, retries  │  core 0 ├─────────────┤
//!  │               │            │ links     which connection    ├────────►│ port 0      │
//!  │ queue.recv()  │◄───────────┤ driver    one write, one read │  core 1 ├─────────────┤
//!  └───────────────┘ completions│           per connection, turn├────────►│ port 1      │
//!                               └───────────────────────────────┘         └─────────────┘
//! ```
//!
//! WELCOME tells the ports of the server's cores and which core owns which departures; a request goes straight to
//! the owner, or through the shared port while the owner's is not reached.
//!
//! ```no_run
//! use seathold_client::{AccountId, Class, Client, Day, Error, PassengerId, ReserveRequest, new_reservation_id};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let client = Client::connect("seathold://127.0.0.1:7443")?;
//! let train = client.resolve("G101", Day(20_000))?;
//! let id = new_reservation_id();
//! let request =
//!     ReserveRequest::new(id, train.departure, AccountId(1), Class(3), (0, 1), &[PassengerId(7)])?;
//! match client.reserve(request) {
//!     Ok(held) => println!("held for {} ms: {:?}", held.remaining_ms, held.seats()),
//!     Err(Error::Refused(refusal)) => println!("no: {refusal}"),
//!     Err(Error::NotDone { reason, .. }) => println!("nothing happened, try again: {reason}"),
//!     Err(error @ Error::Unknown { .. }) => println!("ask again with request.repeat(): {error}"),
//! }
//! # Ok(())
//! # }
//! ```
//!
//! # Outcomes
//!
//! | result | what is certain | what to do |
//! |---|---|---|
//! | `Ok` | it is done and in the ledger; see the reservation's state | go on |
//! | [`Error::Refused`] | it is not done, and this is the answer | tell the buyer |
//! | [`Error::NotDone`] | nothing happened | ask again, after `retry_after` if it is given |
//! | [`Error::Unknown`] | nothing | ask again under the same id, a RESERVE with [`ReserveRequest::repeat`] |
//!
//! # Retries
//!
//! Every request is idempotent under its id, so the client repeats it within its deadline by itself: when a
//! connection is lost, when half of the remaining time (at least 250 ms) brought no reply, and when the server says BUSY,
//! UNAVAILABLE or UNKNOWN, after the time that it named and up to half of that more. The first send of a RESERVE is
//! marked FIRST and no repeat is. NOT_OPEN is returned at once with the time left.
//!
//! An OK counts whichever attempt it answers, however late. A refusal counts only if it answers the latest attempt: a
//! late refusal of an earlier one says nothing about the later. A refusal of a repeat comes from the departure's
//! owner and is true when it is given; should an earlier attempt still be on its way inside a failing network and be
//! served afterwards, its hold runs out by itself.
//!
//! # Bounds
//!
//! A connection never has more requests in flight than WELCOME's credit. A client has at most
//! [`Builder::calls_max`] open calls and a [`CompletionQueue`] its capacity; what is above is turned away at once as
//! [`Error::NotDone`], nothing waits unseen.
#![forbid(unsafe_code)]

mod address;
mod backoff;
mod builder;
mod call;
mod client;
mod clock;
mod completion;
mod counters;
mod doorbell;
mod driver;
mod error;
mod flight;
mod link;
mod links;
mod lookup;
mod refusal;
mod reserve;
mod session;
mod socket;
mod timers;

pub use address::{Address, AddressError, PORT_DEFAULT};
pub use builder::Builder;
pub use call::{Answer, Call};
pub use client::Client;
pub use completion::{Completion, CompletionQueue};
pub use counters::Counters;
pub use error::{BuildError, Error, Fault, Reason};
pub use refusal::Refusal;
pub use reserve::{ReserveRequest, new_reservation_id};

pub use seathold_protocol::DecodeError;
pub use seathold_protocol::frame::FrameError;
pub use seathold_protocol::limits::PASSENGERS_MAX;
pub use seathold_protocol::plan::Seat;
pub use seathold_protocol::reply::{
    AvailabilityReply, ClassFree, ClassInfo, Resolved, Sale, SaleReply, Stop,
};
pub use seathold_protocol::request::{Availability, Target};
pub use seathold_protocol::reservation::{Reservation, State};
pub use seathold_protocol::status::Status;
pub use seathold_protocol::wishes::{Met, Together, WishMode, Wishes};
pub use seathold_protocol::{AccountId, Class, Day, DepartureId, PassengerId, ReservationId, StopIndex};
