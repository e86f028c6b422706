//! The load generator: a closed loop of many connections with a fixed number of requests in flight on each.
//!
//! ```text
//!  options ─► departures ─► stage ─► connections ──┬─ driver 0   one thread each: poll, read, judge, ask, write
//!  (what)     (on which)    (made   (greeted)      ├─ driver 1   buyer: what to ask next, seeded
//!                           ready)                 └─ …          flights: what is unanswered since when
//!                                                     │ tally: statuses and latencies, no allocation per request
//!  report ◄── verdict ◄── merged tally ◄──────────────┘
//! ```
//!
//! The loop is closed: the next request waits for an answer, so a server that stalls is asked less while it stalls, and
//! the latencies say nothing of buyers who would have come meanwhile (coordinated omission). They answer "how
//! long does an answer take at this concurrency"; rates answer "how much at most".

mod buyer;
mod command;
mod connection;
mod departures;
mod driver;
mod exit;
mod flights;
mod names;
mod options;
mod progress;
mod results;
mod run;
mod session;
mod stage;
mod step;
#[cfg(test)]
mod tests;
mod workload;

pub use exit::Failure;
pub use options::Options;
pub use results::report::Report;
pub use run::{main, measure};
