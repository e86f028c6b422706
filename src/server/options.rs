//! What `serve` is told, and why it may refuse to start.

use super::ExitCode;
use crate::catalog::{DateRange, ImportError};
use crate::engine::RecoveryError;
use crate::ledger::LedgerUrl;
use crate::ledger::file::OpenError;
use crate::ledger::redis::{Durability, RedisError};
use clap::Args;
use clap::builder::BoolishValueParser;
use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;

/// Options of `seathold serve`.
#[derive(Clone, Debug, Args)]
pub struct ServeOptions {
    /// IP address and port that clients connect to; port 0 takes a free one
    #[arg(long, env = "SEATHOLD_LISTEN", default_value = "127.0.0.1:7443", value_name = "ADDRESS", value_parser = parse_address)]
    pub listen: SocketAddr,
    /// First port of the cores' own ports, one per core [default: the port after --listen; 0 takes free ones]
    #[arg(long, env = "SEATHOLD_CORE_PORTS", value_name = "PORT")]
    pub core_ports: Option<u16>,
    /// Address and port of the metrics and health pages, which anybody who can connect may read [default: none]
    #[arg(long, env = "SEATHOLD_ADMIN", value_name = "ADDRESS")]
    pub admin: Option<SocketAddr>,
    /// Event loops to run, one per processor [default: as many as the process may use]
    #[arg(long, env = "SEATHOLD_CORES", value_name = "N", value_parser = clap::value_parser!(u16).range(1..=64))]
    pub cores: Option<u16>,
    /// Do not pin each event loop to a processor
    #[arg(long, env = "SEATHOLD_NO_PIN", value_parser = BoolishValueParser::new())]
    pub no_pin: bool,
    /// Where records go: file:DIR, redis://HOST:PORT (also rediss, redis+sentinel, redis+cluster), or memory: (keeps
    /// nothing; for measuring only)
    #[arg(long, env = "SEATHOLD_LEDGER", hide_env_values = true, value_name = "URL")]
    pub ledger: LedgerUrl,
    /// What an answer promises with a Redis ledger: local (Redis has it), fsync (its disk has it), replicated=N (N replicas
    /// have it). A file ledger is always fsync
    #[arg(long, env = "SEATHOLD_DURABILITY", default_value = "local", value_name = "LEVEL")]
    pub durability: Durability,
    /// Timetable: a GTFS folder or zip
    #[arg(long, env = "SEATHOLD_GTFS", value_name = "PATH")]
    pub gtfs: PathBuf,
    /// Rules: which seats a train has and how they are sold (TOML)
    #[arg(long, env = "SEATHOLD_RULES", value_name = "FILE")]
    pub rules: PathBuf,
    /// Service dates to load, both included: YYYY-MM-DD..YYYY-MM-DD, or one date
    #[arg(long, env = "SEATHOLD_DATES", value_name = "FROM..TO")]
    pub dates: DateRange,
    /// Skip trips of the timetable that are wrong, and list them, instead of refusing to start
    #[arg(long, env = "SEATHOLD_LENIENT", value_parser = BoolishValueParser::new())]
    pub lenient: bool,
    /// File with the token that operators send [default: connections from this host are operators']
    #[arg(long, env = "SEATHOLD_OPERATOR_TOKEN_FILE", value_name = "FILE")]
    pub operator_token_file: Option<PathBuf>,
    /// About how many milliseconds a RESERVE or LOOKUP may wait before it is done: what would wait longer gets BUSY at once, and
    /// what finishes a sale still passes
    #[arg(long, env = "SEATHOLD_BUSY_AFTER_MS", default_value_t = 6, value_name = "MS", value_parser = clap::value_parser!(u64).range(1..=60_000))]
    pub busy_after_ms: u64,
    /// Megabytes of log to keep before old state is written again and its segments are recycled
    #[arg(long, env = "SEATHOLD_LEDGER_KEEP_MIB", default_value_t = 1024, value_name = "MIB", value_parser = clap::value_parser!(u64).range(1..=16_777_216))]
    pub ledger_keep_mib: u64,
}

/// Why the server does not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The timetable or the rules.
    #[error("the timetable (--gtfs) or its rules (--rules) cannot be loaded:\n{0}")]
    Catalog(#[from] ImportError),
    /// The ledger.
    #[error(transparent)]
    Ledger(#[from] OpenError),
    /// The ledger in Redis.
    #[error(transparent)]
    Redis(#[from] RedisError),
    /// The ledger's contents.
    #[error("the ledger cannot be replayed: {0}")]
    Recovery(#[from] RecoveryError),
    /// A port.
    #[error(
        "cannot listen on {address}: {error}; stop what uses it, or choose another with --listen or --core-ports"
    )]
    Listen {
        /// Which.
        address: SocketAddr,
        /// Why.
        error: io::Error,
    },
    /// The admin port.
    #[error(
        "cannot open the admin port on {address}: {error}; stop what uses it or choose another with --admin"
    )]
    Admin {
        /// Where.
        address: SocketAddr,
        /// Why.
        error: io::Error,
    },
    /// The operator's token.
    #[error("cannot take the operator's token from {path} (--operator-token-file): {reason}")]
    Token {
        /// Which file.
        path: PathBuf,
        /// Why.
        reason: String,
    },
    /// Cores or ports that cannot be had; the text says which, and what to ask for instead.
    #[error("{0}")]
    Usage(String),
    /// Anything else of the system.
    #[error("the system refused: {0}")]
    System(#[from] io::Error),
}

impl StartError {
    /// The process' exit code.
    pub fn exit_code(&self) -> ExitCode {
        match self {
            Self::Usage(_) => ExitCode::Usage,
            Self::Catalog(_) | Self::Token { .. } => ExitCode::Config,
            Self::Ledger(OpenError::Io { .. }) => ExitCode::Io,
            Self::Ledger(OpenError::InUse { .. }) => ExitCode::Unavailable,
            Self::Ledger(OpenError::NotALedger { .. }) => ExitCode::Config,
            Self::Ledger(_) | Self::Recovery(_) => ExitCode::Data,
            Self::Redis(RedisError::Damaged { .. }) => ExitCode::Data,
            Self::Redis(RedisError::Unreachable(_) | RedisError::Away(_)) => ExitCode::Unavailable,
            Self::Redis(_) => ExitCode::Config,
            Self::Listen { .. } | Self::Admin { .. } | Self::System(_) => ExitCode::Unavailable,
        }
    }
}

fn parse_address(text: &str) -> Result<SocketAddr, String> {
    text.parse().map_err(|_| {
        "write an IP address and a port, such as 127.0.0.1:7443, 0.0.0.0:7443 or [::]:7443; a host's name does not do"
            .to_owned()
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;

    #[derive(Debug, Parser)]
    struct Line {
        #[command(flatten)]
        options: ServeOptions,
    }

    fn parse(line: &str) -> Result<ServeOptions, String> {
        let needed = "seathold --ledger memory: --gtfs g --rules r --dates 2027-03-15";
        let words = needed.split(' ').chain(line.split_whitespace());
        Line::try_parse_from(words).map(|line| line.options).map_err(|error| error.to_string())
    }

    #[test]
    fn wrong_options_are_refused_with_what_to_write() {
        assert!(parse("").is_ok());
        assert!(parse("--listen localhost:7443").unwrap_err().contains("127.0.0.1:7443"));
        assert!(parse("--cores 65").unwrap_err().contains("1..=64"));
        // A shift by 20 bits must not push the highest ones out.
        assert!(parse("--ledger-keep-mib 99999999999999999").unwrap_err().contains("1..=16777216"));
    }

    #[test]
    fn each_reason_not_to_start_has_its_exit_code() {
        let refused = || io::Error::from(io::ErrorKind::PermissionDenied);
        let at = || PathBuf::from("/ledger");
        let unwritable = OpenError::Io { doing: "create", path: at(), error: refused() };
        assert_eq!(StartError::from(unwritable).exit_code(), ExitCode::Io);
        assert_eq!(StartError::from(OpenError::InUse { directory: at() }).exit_code(), ExitCode::Unavailable);
        assert_eq!(StartError::from(OpenError::Missing { file: at() }).exit_code(), ExitCode::Data);
        assert_eq!(StartError::Usage(String::new()).exit_code(), ExitCode::Usage);
    }
}
