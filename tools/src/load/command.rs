//! `seathold-load` from its arguments to its exit code: a run, unless a subcommand is named.

use super::exit::{
    EXIT_AUDIT_FAILED, EXIT_NOT_VALID, EXIT_OBJECTIVE_MISSED, EXIT_USAGE, Failure, exit_status,
};
use super::options::{ABOUT_LOOP, Options};
use super::probes::Search;
use super::results::compare::Compare;
use super::results::configuration::Configuration;
use super::results::report::Report;
use super::run::measure;
use clap::{CommandFactory, FromArgMatches, Parser, Subcommand};
use std::ffi::OsString;
use std::io::{self, Write};
use std::process::ExitCode;

/// Measure how many requests a second a Seathold server answers, and how fast
#[derive(Debug, Parser)]
#[command(name = "seathold-load", version)]
#[command(args_conflicts_with_subcommands = true, args_override_self = true)]
#[command(after_long_help = format!("{ABOUT_LOOP}\n\n{}", exit_status()))]
pub(super) struct CommandLine {
    #[command(subcommand)]
    pub(super) command: Option<Command>,
    #[command(flatten)]
    pub(super) run: Options,
}

/// What else can be done than a run.
#[derive(Debug, Subcommand)]
pub(super) enum Command {
    Compare(Compare),
    Search(Box<Search>),
}

impl CommandLine {
    /// Reads the arguments of a process; the options of a preset stand in front of its own.
    pub(super) fn read(mut words: Vec<OsString>) -> Result<Self, clap::Error> {
        let command = Self::command();
        let mut taken = command.clone().try_get_matches_from(&words)?;
        let mut line = Self::from_arg_matches(&taken)?;
        let (preset, own) = match &line.command {
            Some(Command::Search(search)) => (search.run.preset, 2),
            _ => (line.run.preset, 1),
        };
        if let Some(preset) = preset {
            words.splice(own..own, preset.options().iter().map(OsString::from));
            taken = command.clone().try_get_matches_from(words)?;
            line = Self::from_arg_matches(&taken)?;
        }
        line.run.output.configuration = Configuration::new(&command, &taken);
        Ok(line)
    }
}

/// `seathold-load` from its arguments to its exit code.
pub fn main() -> ExitCode {
    let line = match CommandLine::read(std::env::args_os().collect()) {
        Ok(line) => line,
        Err(error) => {
            // Nobody is left to tell when the terminal is gone.
            let _ = error.print();
            return ExitCode::from(if error.use_stderr() { EXIT_USAGE } else { 0 });
        }
    };
    let done = match line.command {
        Some(Command::Compare(compare)) => compare.run(),
        Some(Command::Search(search)) => search.run(),
        None => measure_and_tell(&line.run),
    };
    done.unwrap_or_else(|failure| {
        let _ = writeln!(io::stderr(), "seathold-load: {failure}");
        ExitCode::from(failure.exit_code())
    })
}

fn measure_and_tell(options: &Options) -> Result<ExitCode, Failure> {
    options.output.prepare()?;
    let report = measure(options)?;
    options.output.tell(&report)?;
    Ok(ExitCode::from(code(&report)))
}

/// A broken word weighs more than figures that mean nothing, and those more than figures that displease.
fn code(report: &Report) -> u8 {
    match report {
        report if report.is_not_borne_out() => EXIT_AUDIT_FAILED,
        report if !report.valid => EXIT_NOT_VALID,
        report if !report.slo_missed.is_empty() => EXIT_OBJECTIVE_MISSED,
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::load::exit::EXIT_STATUS;
    use crate::load::presets::Preset;
    use clap::ValueEnum;

    fn read(line: &str) -> CommandLine {
        let words = std::iter::once("seathold-load").chain(line.split_whitespace());
        CommandLine::read(words.map(OsString::from).collect()).unwrap()
    }

    #[test]
    fn a_run_needs_no_subcommand() {
        let line = read("seathold://h:1 --workload sale");
        assert!(line.command.is_none());
        assert_eq!(line.run.workload.to_string(), "sale");
        assert_eq!(line.run.url.to_string(), "seathold://h:1");
    }

    #[test]
    fn a_preset_gives_way_to_what_is_told() {
        let CommandLine { run, .. } = read("--preset record-day --seconds 120");
        assert_eq!((run.shape.total, run.seconds, run.warmup), (Some(20_950_000), 120, 0));
        assert_eq!(run.workload.to_string(), "sale");
        let CommandLine { run, .. } = read("--closed --preset opening --party 2");
        assert!(run.shape.closed && run.shape.rate.is_none());
        assert_eq!(run.habits.party.to_string(), "2");
        for preset in Preset::value_variants() {
            let name = preset.to_possible_value().unwrap();
            assert!(read(&format!("--preset {}", name.get_name())).run.shape.is_told());
        }
    }

    #[test]
    fn a_search_takes_what_a_run_takes() {
        let line = read("search --preset opening --slo p99<5ms seathold://host --rate-max 9 --seconds 3");
        let Some(Command::Search(search)) = line.command else { panic!("no search") };
        assert_eq!(search.run.url.host.as_str(), "host");
        assert_eq!((search.run.seconds, search.run.habits.party.to_string().as_str()), (3, "1=60,2=30,4=10"));
        assert!(search.run.slo.is_some());
    }

    #[test]
    fn the_configuration_is_what_is_run() {
        let Configuration(told) =
            read("--preset opening --seconds 9 --rate 7 --rate 8").run.output.configuration;
        for (name, value) in [
            ("preset", "opening"),
            ("workload", "sale"),
            ("burst", "20000"),
            ("seconds", "9"),
            ("rate", "8"),
            ("party", "1=60,2=30,4=10"),
        ] {
            assert_eq!(told.get(name).map(String::as_str), Some(value), "{name} in {told:?}");
        }
    }

    #[test]
    fn the_help_tells_every_exit_code() {
        CommandLine::command().debug_assert();
        let help = CommandLine::command().render_long_help().to_string();
        for (code, meaning) in EXIT_STATUS {
            assert!(help.contains(&format!("{code:>4}  {meaning}")), "{code} is missing in:\n{help}");
        }
    }
}
