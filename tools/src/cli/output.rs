//! Where results go: stdout, as a text for a person or as one JSON object a line.

use super::exit::Exit;
use super::failure::Failure;
use serde::Serialize;
use std::fmt::Display;
use std::io::{self, Write};

/// How results are printed.
#[derive(Clone, Copy, Debug)]
pub(super) struct Output {
    json: bool,
}

impl Output {
    /// For a program if `json`, else for a person.
    pub(super) fn new(json: bool) -> Self {
        Self { json }
    }

    /// Prints one result.
    pub(super) fn show(self, result: &(impl Serialize + Display)) -> Result<Exit, Failure> {
        let mut out = io::stdout().lock();
        if self.json {
            json_line(&mut out, result)?;
        } else {
            writeln!(out, "{result}")?;
        }
        out.flush()?;
        Ok(Exit::Done)
    }

    /// Says why there is no result, for a program on stdout too.
    pub(super) fn fail(self, failure: &Failure) -> Exit {
        if failure.is_closed_pipe() {
            // Whoever reads has enough, as in `tail | head`.
            return Exit::Done;
        }
        // There is nobody else to tell if this cannot be printed; the exit code says it.
        let _ = writeln!(io::stderr(), "seathold-cli: {failure}");
        if self.json {
            let _ = json_line(&mut io::stdout().lock(), failure);
        }
        failure.exit
    }
}

/// One line of JSON.
pub(super) fn json_line(out: &mut impl Write, value: &impl Serialize) -> io::Result<()> {
    serde_json::to_writer(&mut *out, value)?;
    out.write_all(b"\n")
}
