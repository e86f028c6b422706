//! Time as the client counts it: microseconds since it was built.
//!
//! Everything but the driver takes `now` as an argument, so that tests run in virtual time.

use std::time::{Duration, Instant};

/// Microseconds since the client was built.
pub(crate) type Micros = u64;

/// Reads the monotonic clock.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Clock {
    start: Instant,
}

impl Clock {
    /// Time begins now.
    pub(crate) fn start() -> Self {
        Self { start: Instant::now() }
    }

    /// The time.
    pub(crate) fn now(self) -> Micros {
        micros(self.start.elapsed())
    }
}

/// A duration in whole microseconds; more than 584,000 years are cut to that.
pub(crate) fn micros(duration: Duration) -> Micros {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}
