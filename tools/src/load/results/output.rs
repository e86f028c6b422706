//! Where results go, as the command line says.

use super::report::Report;
use clap::Args;
use std::io::{self, Write};

/// How the results are told.
#[derive(Clone, Debug, Args)]
pub struct Output {
    /// Print one JSON object instead of the report
    #[arg(long)]
    pub json: bool,
}

impl Output {
    /// Tells the results of a run.
    pub(in crate::load) fn tell(&self, report: &Report) -> io::Result<()> {
        let mut out = io::stdout().lock();
        if self.json { writeln!(out, "{}", serde_json::to_string(report)?) } else { write!(out, "{report}") }
    }
}
