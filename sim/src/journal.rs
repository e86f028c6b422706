//! Everything that happened, as a digest, and as lines for whoever replays a seed to read.

use std::fmt::{self, Write as _};
use std::io::{self, Write as _};

/// The record of one run.
#[derive(Debug, Default)]
pub(crate) struct Journal {
    digest: u32,
    line: String,
    /// Whether lines are printed.
    told: bool,
}

impl Journal {
    pub(crate) fn new(told: bool) -> Self {
        Self { told, ..Self::default() }
    }

    /// Notes an event.
    pub(crate) fn note(&mut self, event: fmt::Arguments<'_>) {
        self.line.clear();
        self.line.write_fmt(event).expect("a string takes everything");
        self.digest = crc32c::crc32c_append(self.digest, self.line.as_bytes());
        if self.told {
            // Whoever reads may have seen enough.
            self.told = writeln!(io::stdout(), "{}", self.line).is_ok();
        }
    }

    /// The checksum of all events so far.
    pub(crate) fn digest(&self) -> u32 {
        self.digest
    }
}
