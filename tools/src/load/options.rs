//! The command line, checked once: what comes out of here can be run.

use super::exit::Failure;
use super::habits::{Habits, parse_time};
use super::presets::Preset;
use super::results::output::Output;
use super::schedule::Schedule;
use super::shape::Shape;
use super::slo::Slo;
use super::workload::Workload;
use clap::Parser;
use clap::builder::RangedU64ValueParser;
use seathold::catalog::DateRange;
use seathold_client::Address;
use seathold_protocol::{Class, Day};
use std::path::PathBuf;

pub(super) const ABOUT_LOOP: &str = "\
The loop is open: requests are due at --rate, whatever the server does, and a latency counts from when the request was \
due until its answer is read. Connections and requests in flight only say how many may be unanswered at once: a request \
that finds no room waits, and its waiting counts. What was due in the measured time and never sent is an error.

With --closed every connection keeps --in-flight requests in flight and sends the next one when an answer comes. When \
the server is slow it is asked less, and buyers who would have come meanwhile are not counted (coordinated omission). So \
read its rates as what the server can do at most, and its latencies as how long an answer takes at this concurrency, \
not as what buyers see at a given rate of arrival.";

/// Measure how many requests a second a Seathold server answers, and how fast
#[derive(Clone, Debug, Parser)]
#[command(name = "seathold-load", version, after_long_help = ABOUT_LOOP, args_override_self = true)]
pub struct Options {
    /// The server
    #[arg(value_name = "URL", default_value = "seathold://127.0.0.1:7443")]
    pub url: Address,
    /// What to ask: ping, refused, sale, hold, cancel, refund, lookup, availability, or a mix with weights: sale=1,availability=9
    ///
    /// refused: RESERVE on trips that are sold out; they are sold out first. sale: RESERVE and CONFIRM of a random
    /// trip on a random departure. hold: the RESERVE alone. cancel: RESERVE and CANCEL. refund: a sale and its REFUND.
    /// lookup: LOOKUP of reservations confirmed first. availability: one random pair.
    #[arg(long, value_name = "WHAT", default_value = "ping")]
    pub workload: Workload,
    /// Start from the options of a whole demand; what else is given replaces them
    #[arg(long, value_name = "NAME")]
    pub preset: Option<Preset>,
    /// When requests are due
    #[command(flatten)]
    pub shape: Shape,
    /// Connections
    #[arg(long, value_name = "N", default_value_t = 64, value_parser = RangedU64ValueParser::<usize>::new().range(1..=60_000))]
    pub connections: usize,
    /// Requests in flight on each connection, at most
    #[arg(long, value_name = "N", default_value_t = 32, value_parser = RangedU64ValueParser::<usize>::new().range(1..=65_536))]
    pub in_flight: usize,
    /// Seconds to measure
    #[arg(long, value_name = "S", default_value_t = 10, value_parser = clap::value_parser!(u64).range(1..=86_400))]
    pub seconds: u64,
    /// Seconds to run before measuring
    #[arg(long, value_name = "S", default_value_t = 2, value_parser = clap::value_parser!(u64).range(0..=3_600))]
    pub warmup: u64,
    /// Threads that share the connections
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = RangedU64ValueParser::<usize>::new().range(1..=64))]
    pub threads: usize,
    /// Seed of every choice; reservation ids are new in every run whatever the seed
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub seed: u64,
    /// Departures: these trains on --date, asked of the server
    #[arg(long, value_name = "NAME,NAME", value_delimiter = ',', requires = "date", conflicts_with = "gtfs")]
    pub trains: Vec<String>,
    /// Service date of --trains
    #[arg(long, value_name = "YYYY-MM-DD", requires = "trains")]
    pub date: Option<Day>,
    /// Departures: all of this timetable, a GTFS folder or zip, as the server loaded it
    #[arg(long, value_name = "PATH", requires = "rules", requires = "dates")]
    pub gtfs: Option<PathBuf>,
    /// The server's rules file
    #[arg(long, value_name = "FILE", requires = "gtfs")]
    pub rules: Option<PathBuf>,
    /// Service dates of --gtfs, both included, or one date
    #[arg(long, value_name = "FROM..TO", requires = "gtfs")]
    pub dates: Option<DateRange>,
    /// Skip wrong trips of --gtfs, as the server was told
    #[arg(long, requires = "gtfs")]
    pub lenient: bool,
    /// How buyers behave
    #[command(flatten)]
    pub habits: Habits,
    /// Class to ask for; departures without it are left out [default: the one with most numbered seats]
    #[arg(long, value_name = "NAME", value_parser = parse_class)]
    pub class: Option<Class>,
    /// Open the sale of the departures first, as an operator
    #[arg(long)]
    pub open: bool,
    /// Open it only so long after the measured time has begun, for those who wait already; close it until then
    #[arg(long, value_name = "TIME", requires = "open", value_parser = parse_time)]
    pub open_after: Option<u64>,
    /// Operator's token for --open, when the server wants one
    #[arg(
        long,
        env = "SEATHOLD_OPERATOR_TOKEN",
        hide_env_values = true,
        value_name = "TOKEN",
        default_value = ""
    )]
    pub operator_token: String,
    /// Connect to the cores' own ports and send each request to the core that owns its departure
    #[arg(long)]
    pub shard_aware: bool,
    /// What has to hold, else the exit status is 2: p99<5ms,errors<0.1% bounds p50, p90, p99, p99.9 and max of all answers
    /// together, and the shares of errors and refused
    #[arg(long, value_name = "BOUNDS")]
    pub slo: Option<Slo>,
    /// When the run is over, look up every reservation that was acknowledged, and whether a seat has two
    #[arg(long)]
    pub oracle: bool,
    /// Reservations that the oracle remembers, 64 bytes each; those beyond are counted
    #[arg(long, value_name = "N", default_value_t = 4_000_000, value_parser = RangedU64ValueParser::<usize>::new().range(1..=1_000_000_000))]
    pub oracle_memory: usize,
    /// How the results are told
    #[command(flatten)]
    pub output: Output,
}

impl Options {
    /// Checks what single options cannot tell.
    pub(super) fn validate(&self) -> Result<(), Failure> {
        if self.workload.needs_departures() && self.trains.is_empty() && self.gtfs.is_none() {
            return Err(Failure::Usage(format!(
                "the workload `{}` needs departures: name them with --trains and --date, or all of a timetable with \
                 --gtfs, --rules and --dates",
                self.workload
            )));
        }
        if !self.shape.is_told() {
            return Err(Failure::Usage(
                "nothing says how many requests are due: give arrivals a second with --rate, or ask as fast as answers \
                 come with --closed"
                    .to_owned(),
            ));
        }
        if self.threads > self.connections {
            return Err(Failure::Usage(format!(
                "--threads {} is more than --connections {}: a thread without a connection has nothing to do",
                self.threads, self.connections
            )));
        }
        Ok(())
    }

    /// When requests are due; `None` in a closed loop.
    pub(super) fn schedule(&self) -> Option<Schedule> {
        let opens_after_s = self.open_after.unwrap_or(0) as f64 / 1e9;
        self.shape.schedule(self.warmup, self.seconds, opens_after_s)
    }

    /// When requests are due, when the sale opens and how buyers behave, as the command line would have it.
    pub(super) fn demand(&self) -> String {
        let opens =
            self.open_after.map(|ns| format!(" --open-after {}s", ns as f64 / 1e9)).unwrap_or_default();
        format!("{}{opens} {}", self.shape, self.habits)
    }
}

fn parse_class(name: &str) -> Result<Class, String> {
    Class::from_name(name).ok_or_else(|| {
        let known: Vec<_> = Class::NAMES.iter().map(|(_, name)| *name).collect();
        format!("there is no class `{name}`; choose of {}, or class-64 to class-255", known.join(", "))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> Result<Options, clap::Error> {
        Options::try_parse_from(std::iter::once("seathold-load").chain(line.split_whitespace()))
    }

    #[test]
    fn the_defaults_are_a_ping_at_64_times_32() {
        let options = parse("--closed").unwrap();
        assert!(options.schedule().is_none());
        assert_eq!((options.connections, options.in_flight, options.seconds), (64, 32, 10));
        assert_eq!(options.workload.to_string(), "ping");
        assert!(options.validate().is_ok());
    }

    #[test]
    fn a_run_needs_a_rate_unless_it_is_closed() {
        let told = parse("").unwrap().validate().unwrap_err();
        assert!(told.to_string().contains("--rate"), "{told}");
        assert!(parse("--rate 1000.5").unwrap().validate().is_ok());
    }

    #[test]
    fn a_sale_without_departures_is_refused_with_what_to_add() {
        let told = parse("--closed --workload sale").unwrap().validate().unwrap_err();
        assert!(told.to_string().contains("--trains and --date"), "{told}");
        assert_eq!(told.exit_code(), 64);
        let options =
            parse("--closed --workload sale --trains G1,G2 --date 2026-05-01 --class second").unwrap();
        assert_eq!((options.trains.len(), options.class), (2, Some(Class(3))));
        assert!(options.validate().is_ok());
    }

    #[test]
    fn options_that_make_no_sense_are_refused() {
        for line in [
            "--in-flight 0",
            "--party 10",
            "--trains G1",
            "--gtfs x",
            "--class gold",
            "http://a",
            "--rate 0",
            "--rate nan",
        ] {
            assert!(parse(line).is_err(), "`{line}` was taken");
        }
        assert!(parse("--closed --threads 2 --connections 1").unwrap().validate().is_err());
    }

    #[test]
    fn the_demand_is_told_as_the_command_line_would_have_it() {
        let line =
            "--rate 500 --open --open-after 1500ms --workload sale --trains G1 --date 2026-05-01 --party 2";
        let told = parse(line).unwrap().demand();
        assert!(told.starts_with("--arrivals poisson --rate 500 --open-after 1.5s --party 2 "), "{told}");
        assert!(!parse("--closed").unwrap().demand().contains("open-after"));
    }
}
