//! What the demo is told, and why it may not come to its end.

use crate::catalog::{DateRange, ImportError};
use clap::{Args, ValueEnum};
use serde::Serialize;
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

/// The service date of the repository's own feed that the demo sells.
const SAMPLE_DATE: &str = "2027-03-15";

/// Options of `seathold demo`.
#[derive(Clone, Debug, Args)]
pub struct DemoOptions {
    /// Timetable: a GTFS folder or zip [default: the repository's own feed]
    #[arg(long, value_name = "PATH", requires = "date")]
    pub gtfs: Option<PathBuf>,
    /// Rules for the timetable [default: feeds/national.rules.toml with --gtfs, else the feed's own]
    #[arg(long, value_name = "FILE")]
    pub rules: Option<PathBuf>,
    /// Service date to sell: YYYY-MM-DD [default: 2027-03-15 of the repository's own feed]
    #[arg(long, value_name = "DATE")]
    pub date: Option<DateRange>,
    /// Buyers in the rush
    #[arg(long, default_value_t = 1_000_000, value_name = "N", value_parser = clap::value_parser!(u64).range(1..=100_000_000))]
    pub buyers: u64,
    /// Places to sell, at least: whole trains are opened until they have so many
    #[arg(long, default_value_t = 10_000, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    pub places: u32,
    /// How often the server is killed with SIGKILL and started again during the rush
    #[arg(long, default_value_t = 1, value_name = "N", value_parser = clap::value_parser!(u64).range(0..=1_000))]
    pub crashes: u64,
    /// Where the server keeps its ledger
    #[arg(long, value_enum, default_value_t, value_name = "KIND")]
    pub ledger: LedgerKind,
    /// How often Redis is killed with SIGKILL and started again during the rush; needs --ledger redis
    #[arg(long, default_value_t = 0, value_name = "N", value_parser = clap::value_parser!(u64).range(0..=1_000))]
    pub redis_crashes: u64,
    /// The Redis to start with --ledger redis [default: redis-server, else valkey-server, of PATH]
    #[arg(long, value_name = "PROGRAM")]
    pub redis_server: Option<PathBuf>,
    /// Draws trains, buyers and what they do
    #[arg(long, default_value_t = 1, value_name = "N")]
    pub seed: u64,
    /// Directory for ledger and logs, new or empty [default: a temporary one, kept only if the demo fails]
    #[arg(long, value_name = "DIR")]
    pub dir: Option<PathBuf>,
    /// Print one JSON object instead of the report
    #[arg(long)]
    pub json: bool,
}

/// Where the demo's server keeps its ledger.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum LedgerKind {
    /// Segments in a directory
    #[default]
    File,
    /// A Redis of the demo's own, which syncs every write
    Redis,
}

impl fmt::Display for LedgerKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::File => "file",
            Self::Redis => "redis",
        })
    }
}

/// Why there is no report.
#[derive(Debug, thiserror::Error)]
pub enum DemoError {
    /// The timetable or the rules.
    #[error("the timetable (--gtfs) or its rules (--rules) cannot be loaded:\n{0}")]
    Catalog(#[from] ImportError),
    /// Nothing to sell.
    #[error("{0}")]
    NothingToSell(String),
    /// A hold outlived its time.
    #[error("hold {0} does not run out: a seat would never come back")]
    HoldStays(seathold_protocol::ReservationId),
    /// The directory.
    #[error("{path} cannot be used: {reason}; name a new or empty directory with --dir")]
    Directory {
        /// Which.
        path: PathBuf,
        /// Why not.
        reason: String,
    },
    /// Options that do not go together.
    #[error("{0} is for a ledger in Redis: add --ledger redis, or leave it out")]
    NeedsRedis(&'static str),
    /// No Redis to start.
    #[error(
        "there is neither redis-server nor valkey-server on PATH, and the demo installs nothing: apt install redis-server, \
         apt install valkey-server, or name one with --redis-server"
    )]
    NoRedisServer,
    /// The Redis that was named is none.
    #[error("{path} (--redis-server) cannot be run: {error}")]
    RedisServer {
        /// Which.
        path: PathBuf,
        /// Why not.
        error: io::Error,
    },
    /// A child process did not do as told.
    #[error("{name} {what}; its log is {log}")]
    Child {
        /// Which.
        name: &'static str,
        /// What it did.
        what: String,
        /// Where to look.
        log: PathBuf,
    },
    /// The SDK could not be started.
    #[error(transparent)]
    Build(#[from] seathold_client::BuildError),
    /// A request failed that should not.
    #[error("the server answered what it should not: {0}")]
    Call(#[from] seathold_client::Error),
    /// The ledger cannot be read for the audit.
    #[error("the ledger cannot be audited: {0}")]
    Ledger(#[from] crate::ledger::ReadError),
    /// The ledger in Redis cannot be created.
    #[error(transparent)]
    Redis(#[from] crate::ledger::redis::RedisError),
    /// Anything of the system.
    #[error("the system refused: {0}")]
    System(#[from] io::Error),
}

/// Where the run leaves its files.
pub(super) enum Directory {
    Given(PathBuf),
    Temporary(tempfile::TempDir),
}

impl Directory {
    pub(super) fn path(&self) -> &Path {
        match self {
            Self::Given(path) => path,
            Self::Temporary(directory) => directory.path(),
        }
    }

    /// Leaves the files for whoever wants to know what went wrong.
    pub(super) fn keep(self) {
        if let Self::Temporary(directory) = self {
            let path = directory.keep();
            eprintln!("ledger and logs are kept in {}", path.display());
        }
    }
}

impl DemoOptions {
    /// What the command line alone cannot refuse.
    pub(super) fn check(&self) -> Result<(), DemoError> {
        match self.ledger {
            LedgerKind::File if self.redis_crashes > 0 => Err(DemoError::NeedsRedis("--redis-crashes")),
            LedgerKind::File if self.redis_server.is_some() => Err(DemoError::NeedsRedis("--redis-server")),
            LedgerKind::File | LedgerKind::Redis => Ok(()),
        }
    }

    pub(super) fn gtfs(&self) -> PathBuf {
        self.gtfs.clone().unwrap_or_else(|| feeds().join("sample"))
    }

    pub(super) fn rules(&self) -> PathBuf {
        match (&self.rules, &self.gtfs) {
            (Some(rules), _) => rules.clone(),
            (None, Some(_)) => feeds().join("national.rules.toml"),
            (None, None) => feeds().join("sample/rules.toml"),
        }
    }

    pub(super) fn dates(&self) -> DateRange {
        self.date.unwrap_or_else(|| SAMPLE_DATE.parse().expect("a date"))
    }

    pub(super) fn directory(&self) -> Result<Directory, DemoError> {
        let Some(path) = &self.dir else {
            return Ok(Directory::Temporary(tempfile::Builder::new().prefix("seathold-demo-").tempdir()?));
        };
        let fail = |reason: String| DemoError::Directory { path: path.clone(), reason };
        std::fs::create_dir_all(path).map_err(|error| fail(error.to_string()))?;
        let mut entries = std::fs::read_dir(path).map_err(|error| fail(error.to_string()))?;
        if entries.next().is_some() {
            return Err(fail("it is not empty".to_owned()));
        }
        Ok(Directory::Given(path.clone()))
    }
}

/// The feeds of the repository: of the present directory if it has them, else of the sources that this was built from.
fn feeds() -> PathBuf {
    let here = PathBuf::from("feeds");
    if here.is_dir() { here } else { Path::new(env!("CARGO_MANIFEST_DIR")).join("feeds") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, clap::Parser)]
    struct Parsed {
        #[command(flatten)]
        demo: DemoOptions,
    }

    fn parse(line: &str) -> Result<DemoOptions, String> {
        let parsed = <Parsed as clap::Parser>::try_parse_from(line.split(' ')).map_err(|e| e.to_string())?;
        parsed.demo.check().map(|()| parsed.demo).map_err(|error| error.to_string())
    }

    #[test]
    fn a_file_is_the_ledger_unless_redis_is_asked_for() {
        let options = parse("demo").unwrap();
        assert_eq!((options.ledger, options.redis_crashes), (LedgerKind::File, 0));
        let options = parse("demo --ledger redis --redis-crashes 2 --redis-server valkey-server").unwrap();
        assert_eq!((options.ledger, options.redis_crashes), (LedgerKind::Redis, 2));
        assert!(parse("demo --ledger redis://host").unwrap_err().contains("file, redis"));
        assert!(parse("demo --ledger redis --redis-crashes 1001").unwrap_err().contains("0..=1000"));
    }

    #[test]
    fn what_is_for_redis_is_refused_without_it() {
        let refusal = |line| parse(line).unwrap_err();
        assert!(refusal("demo --redis-crashes 1").starts_with("--redis-crashes is for a ledger in Redis"));
        assert!(refusal("demo --ledger file --redis-server r").starts_with("--redis-server is for"));
    }
}
