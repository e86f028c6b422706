//! The load generator: many connections, and requests that are sent when they are due.
//!
//! ```text
//!  options ─► departures ─► stage ─► connections ──┬─ driver 0   one thread each: poll, read, judge, ask, write
//!  (what)     (on which)    (made   (greeted)      ├─ driver 1   lane: what to ask next and when; buyer: of what, seeded
//!     └─► schedule (when)   ready)                 └─ …          flights: what is unanswered since when
//!                                                     │ tally: statuses and latencies, no allocation per request
//!  report ◄── verdict ◄── merged tally ◄──────────────┤
//!     ▲────── oracle (asked) ◄── what was acknowledged ◄┘
//! ```
//!
//! The loop is open: a request is due when the schedule says so, whatever the server does, and its latency counts from then.
//! One that finds no free slot is not queued anywhere: a lane holds the time of its next request alone, and what was due
//! since then follows from the schedule. So a server that stalls is charged with every buyer who would have come meanwhile.
//!
//! With `--closed` the next request waits for an answer, so a server that stalls is asked less while it stalls (coordinated
//! omission). That answers "how long does an answer take at this concurrency" and "how much at most".

mod alarm;
mod buyer;
mod command;
mod connection;
mod deal;
mod departures;
mod driver;
mod exit;
mod flights;
mod habits;
mod lane;
mod mix;
mod names;
mod options;
mod oracle;
mod presets;
mod probes;
mod progress;
mod results;
mod run;
mod schedule;
mod search;
mod session;
mod shape;
mod slo;
mod stage;
mod step;
#[cfg(test)]
mod tests;
mod workload;

pub use command::main;
pub use exit::Failure;
pub use options::Options;
pub use results::report::Report;
pub use run::measure;
