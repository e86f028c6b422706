//! Everything that happened, as a digest, and as lines for whoever replays a seed to read.

use std::fmt::{self, Write};

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
            println!("{}", self.line);
        }
    }

    /// The checksum of all events so far.
    pub(crate) fn digest(&self) -> u32 {
        self.digest
    }
}
