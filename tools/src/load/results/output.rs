//! Where results go, as the command line says.

use super::configuration::Configuration;
use super::files;
use super::report::Report;
use crate::load::exit::Failure;
use clap::Args;
use std::io::{self, Write};
use std::path::PathBuf;

/// How the results are told.
#[derive(Clone, Debug, Args)]
pub struct Output {
    /// Print one JSON object instead of the report
    #[arg(long)]
    pub json: bool,
    /// Keep the files of the run in this folder, which is made: report.json, report.html, series.csv, percentiles as
    /// .hgrm, intervals.log
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
    /// Every option of the command line, for the report.
    #[arg(skip)]
    pub configuration: Configuration,
}

impl Output {
    /// Makes ready what can fail, before the run.
    pub(in crate::load) fn prepare(&self) -> Result<(), Failure> {
        self.out.as_deref().map_or(Ok(()), files::prepare)
    }

    /// Tells the results of a run; what was printed is printed when the files cannot be written.
    pub(in crate::load) fn tell(&self, report: &Report) -> Result<(), Failure> {
        let mut out = io::stdout().lock();
        let text = if self.json { to_json(report) } else { report.to_string() };
        // Whoever closed our output has seen enough; the exit code still tells.
        let _ = out.write_all(text.as_bytes());
        self.out.as_deref().map_or(Ok(()), |folder| files::write(folder, report))
    }
}

fn to_json(report: &Report) -> String {
    serde_json::to_string(report).expect("a report has names for keys and no map of another kind") + "\n"
}
