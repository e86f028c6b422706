//! Crashes and faults against the real server process, and the proof that it kept its promises.
//!
//! ```text
//!  server ◄── a fault (SIGKILL, SIGSTOP, a full disk …)
//!    ▲ SDK
//!  crowd ───► history: who asked what, what was answered or unknown
//!                 │
//!  ledger ──► records ──► check: the audit, and the history against the records
//! ```
//!
//! `tests/chaos` in the repository's root has the faults one by one; `seathold-chaos` strikes at random for as long as it is told.
//! The letters I1 to I12 in the code name the invariants:
//!
//! | | | where |
//! |---|---|---|
//! | I1 | no seat and segment in two live reservations, at any position of the ledger | the audit |
//! | I2 | free + held + sold = capacity | the audit; `healing`, as the server tells it |
//! | I3 | each acknowledged answer is in the ledger | `check` |
//! | I4 | each record stems from a request that was sent | `check` |
//! | I5 | one effect and one answer per id | `check` |
//! | I6 | states go one way, each step once | the audit |
//! | I7 | all that is not sold is for sale again when the holds have run out | `healing` |
//! | I8 | no hold is freed before its time | the audit |
//! | I10 | goodput comes back | whoever waits for the crowd's answers after a fault |
//! | I12 | what was refused had no effect, and SOLD_OUT was true | `check`, `sold_out` |
//!
//! `check` takes the order of the requests from the ledger; `linear` finds one without it, for few buyers of few seats.
#![forbid(unsafe_code)]

mod buyers;
mod check;
mod crowd;
mod disk;
mod disk_calls;
mod error;
mod full;
mod healing;
mod history;
mod linear;
mod patience;
pub mod program;
mod records;
mod rivals;
mod segment;
mod server;
mod sold_out;
mod strikes;
mod sweep;
mod timetable;

pub use buyers::{Asked, Buyer, Buyers, Fate};
pub use check::{Checked, check};
pub use crowd::Crowd;
pub use disk::Disk;
pub use disk_calls::{DiskCall, KillAt, can_trace};
pub use error::ChaosError;
pub use full::{KEEP, full_ledger};
pub use healing::heal;
pub use history::{Event, History, Outcome, Step};
pub use patience::{PATIENCE, until};
pub use records::Records;
pub use rivals::compete;
pub use segment::groups;
pub use server::{Server, Setup};
pub use strikes::{Plan, Struck, conclude, strike};
pub use sweep::strike_each;
pub use timetable::{DATE, OnSale, Timetable, feed};
