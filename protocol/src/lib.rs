//! The wire protocol of Seathold and the format of its log.
//!
//! ```text
//!  ids        what everything is called: reservation, account, passenger, departure, class
//!  limits     every limit of the wire, with its reason
//!  plan       what a departure has to sell: stops, classes, coaches, rows, letters
//!  wishes     letters and closeness, and what was met of them
//!  frame      16-byte header; a byte stream cut into frames
//!  reservation  the states, and what a client is told
//!  request    what a client may ask          reply   what the server may answer
//!  status     every outcome by name, and whether asking again is safe
//!  record     the full new state of one reservation, as it goes to the ledger
//!  batch      records packed for one partition: the unit of an append
//!  remaining  what other systems may read of a departure's remaining places
//!  codec      Reader and Writer, which cannot panic and do not allocate ahead of the bytes
//! ```
//!
//! Nothing here does I/O, reads a clock or starts a thread. `SPEC.md` beside this crate is the
//! specification; `vectors/` holds golden frames that every SDK can be checked with.
#![forbid(unsafe_code)]

pub mod batch;
pub mod codec;
pub mod frame;
pub mod ids;
pub mod limits;
pub mod plan;
pub mod record;
pub mod remaining;
pub mod reply;
pub mod request;
pub mod reservation;
pub mod status;
pub mod wishes;

pub use codec::{DecodeError, Reader};
pub use ids::{AccountId, Class, Day, DepartureId, PassengerId, ReservationId, StopIndex};
