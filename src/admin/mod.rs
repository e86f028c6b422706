//! What an operator sees of the server: its log, and the admin port with metrics and health.
//!
//! ```text
//!  scraper ──► port: one thread, one connection at a time ──► exchange ──► request ──► pages ──► metrics
//!                │ once a second                              2 s in all   8 KiB        │
//!                └──► pulse: turns, and an append ──────────────────────────────────────┘
//! ```
//!
//! It reads figures that others write and never talks to a core, so that nothing asked here can slow a sale.

mod exchange;
mod log_writer;
mod metrics;
mod pages;
mod port;
mod pulse;
mod request;

pub use log_writer::init_log;
pub use pages::Watched;
pub use port::{AdminPort, AdminThread};
