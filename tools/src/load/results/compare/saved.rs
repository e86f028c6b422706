//! A report as it was saved: what a comparison reads of it.

use super::Side;
use crate::load::exit::Failure;
use crate::load::results::configuration::Configuration;
use crate::load::results::host::{Host, Program};
use crate::load::results::report::SCHEMA;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use std::fs;
use std::path::Path;

/// One run.
#[derive(Debug, Deserialize)]
pub(super) struct Saved {
    pub(super) r#loop: String,
    pub(super) server: String,
    pub(super) server_cores: usize,
    pub(super) departures: usize,
    pub(super) valid: bool,
    pub(super) started: String,
    pub(super) configuration: Configuration,
    pub(super) host: Host,
    pub(super) program: Program,
    interval_seconds: f64,
    series: Vec<Interval>,
}

/// One interval.
#[derive(Debug, Deserialize)]
pub(super) struct Interval {
    pub(super) seconds: f64,
    pub(super) done: u64,
    pub(super) accepted: u64,
    pub(super) refused: u64,
    pub(super) done_us: Option<Percentiles>,
    pub(super) refused_us: Option<Percentiles>,
}

/// Of one interval, in microseconds.
#[derive(Clone, Copy, Debug, Deserialize)]
pub(super) struct Percentiles {
    pub(super) p50: f64,
    pub(super) p99: f64,
    pub(super) p999: f64,
}

#[derive(Deserialize)]
struct Version {
    schema: u32,
}

impl Saved {
    pub(super) fn read(path: &Path) -> Result<Self, Failure> {
        let shown = path.display();
        let text = fs::read(path)
            .map_err(|error| Failure::Usage(format!("the report {shown} cannot be read: {error}")))?;
        let Version { schema } = parse(&text, path)?;
        if schema != SCHEMA {
            return Err(Failure::Usage(format!(
                "the report {shown} has schema {schema} and this seathold-load reads {SCHEMA}; measure both runs with \
                 the same seathold-load"
            )));
        }
        parse(&text, path)
    }

    /// A shorter last interval would count for as much as the others.
    pub(super) fn whole_intervals(&self) -> impl Iterator<Item = &Interval> {
        self.series.iter().filter(|interval| interval.seconds >= self.interval_seconds)
    }

    pub(super) fn side(&self, path: &Path) -> Side {
        Side {
            file: path.display().to_string(),
            started: self.started.clone(),
            server: self.server.clone(),
            intervals: self.whole_intervals().count(),
        }
    }
}

fn parse<T: DeserializeOwned>(text: &[u8], path: &Path) -> Result<T, Failure> {
    serde_json::from_slice(text).map_err(|error| {
        Failure::Usage(format!(
            "{} is no report of seathold-load: {error}; give what --out or --json wrote",
            path.display()
        ))
    })
}
