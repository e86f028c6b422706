//! `seathold-load compare`: what changed between two runs, and whether that is more than their own unrest.

mod configurations;
mod estimate;
mod saved;
mod text;

use crate::load::exit::{EXIT_NOT_VALID, Failure};
use clap::Args;
use estimate::{Estimate, ratio};
use saved::{Interval, Saved};
use serde::Serialize;
use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;

const ABOUT_INTERVALS: &str = "\
A ratio is the second run's figure over the first's, each the mean of the run's intervals. Its interval of 95 % is a \
t-interval (Welch's, of the logarithm), in which the intervals of a run count for fewer than they are by how much each \
one resembles the next. It assumes that a run is steady from its first interval to its last, and that it resembles \
itself from one interval to the next alone; measure 20 intervals or more, since a few that resemble each other say little \
and the interval comes out too narrow. It says nothing of what differs from run to run, such as the placement of \
memory or a neighbour on the host: repeat both runs in turns (A B A B) before you believe a small difference.";

/// Compare two runs by their report.json, with 95 % confidence intervals
#[derive(Clone, Debug, Args)]
#[command(after_long_help = ABOUT_INTERVALS)]
pub(in crate::load) struct Compare {
    /// The report of the first run: `--out` and `--json` write it
    #[arg(value_name = "A.json")]
    a: PathBuf,
    /// The report of the second
    #[arg(value_name = "B.json")]
    b: PathBuf,
    /// Compare runs even if they measured different things or are not valid
    #[arg(long)]
    anyway: bool,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

/// What came of it. The keys are stable as those of a report.
#[derive(Clone, Debug, Serialize)]
struct Comparison {
    /// Version of these keys.
    schema: u32,
    /// The run that is compared with.
    a: Side,
    /// The run that is compared.
    b: Side,
    /// What the two were configured differently in, as `key: in a, in b`, and other reasons not to compare them.
    differences: Vec<String>,
    /// What else differs, and may be what is compared.
    notes: Vec<String>,
    /// Figures that both runs have.
    figures: Vec<Figure>,
}

/// One of the two runs.
#[derive(Clone, Debug, Serialize)]
struct Side {
    /// Its file.
    file: String,
    /// When its measured time began.
    started: String,
    /// The server's name and version.
    server: String,
    /// Whole intervals that its figures are means of.
    intervals: usize,
}

/// One figure of both runs.
#[derive(Clone, Debug, Serialize)]
struct Figure {
    /// What it is: `accepted_per_second`, `done_p99_us`.
    name: &'static str,
    #[serde(flatten)]
    estimate: Estimate,
}

/// Figures of an interval; `None` where nothing came that has this figure.
type Read = fn(&Interval) -> Option<f64>;

const FIGURES: [(&str, Read); 8] = [
    ("done_per_second", |of| Some(of.done as f64 / of.seconds)),
    ("accepted_per_second", |of| Some(of.accepted as f64 / of.seconds)),
    ("refused_per_second", |of| Some(of.refused as f64 / of.seconds)),
    ("done_p50_us", |of| of.done_us.map(|us| us.p50)),
    ("done_p99_us", |of| of.done_us.map(|us| us.p99)),
    ("done_p999_us", |of| of.done_us.map(|us| us.p999)),
    ("refused_p50_us", |of| of.refused_us.map(|us| us.p50)),
    ("refused_p99_us", |of| of.refused_us.map(|us| us.p99)),
];

impl Compare {
    /// Compares and tells.
    pub(in crate::load) fn run(&self) -> Result<ExitCode, Failure> {
        let (a, b) = (Saved::read(&self.a)?, Saved::read(&self.b)?);
        let comparison = Comparison {
            schema: 1,
            a: a.side(&self.a),
            b: b.side(&self.b),
            differences: configurations::differences(&a, &b),
            notes: configurations::notes(&a, &b),
            figures: figures(&a, &b),
        };
        if !comparison.differences.is_empty() && !self.anyway {
            let mut err = io::stderr().lock();
            // Nobody is left to tell when the terminal is gone; the exit code still tells.
            let _ = writeln!(
                err,
                "seathold-load: the two runs cannot be compared; --anyway compares them nevertheless"
            );
            for difference in &comparison.differences {
                let _ = writeln!(err, "  {difference}");
            }
            return Ok(ExitCode::from(EXIT_NOT_VALID));
        }
        let told = if self.json {
            serde_json::to_string(&comparison).expect("a comparison has names for keys") + "\n"
        } else {
            comparison.to_string()
        };
        // Whoever closed our output has seen enough.
        let _ = io::stdout().lock().write_all(told.as_bytes());
        Ok(ExitCode::SUCCESS)
    }
}

fn figures(a: &Saved, b: &Saved) -> Vec<Figure> {
    let values = |run: &Saved, read: Read| run.whole_intervals().filter_map(read).collect::<Vec<f64>>();
    let figure = |(name, read): (&'static str, Read)| {
        let estimate = ratio(&values(a, read), &values(b, read))?;
        Some(Figure { name, estimate })
    };
    FIGURES.into_iter().filter_map(figure).collect()
}

#[cfg(test)]
mod tests;
