//! The command line as a whole: a run, unless a subcommand is named.

use super::exit::exit_status;
use super::options::{ABOUT_LOOP, Options};
use super::results::compare::Compare;
use super::results::configuration::Configuration;
use clap::{CommandFactory, FromArgMatches, Parser, Subcommand};

/// Measure how many requests a second a Seathold server answers, and how fast
#[derive(Debug, Parser)]
#[command(name = "seathold-load", version, args_conflicts_with_subcommands = true)]
#[command(after_long_help = format!("{ABOUT_LOOP}\n\n{}", exit_status()))]
pub(super) struct CommandLine {
    #[command(subcommand)]
    pub(super) command: Option<Command>,
    #[command(flatten)]
    pub(super) run: Options,
}

impl CommandLine {
    /// Reads the arguments of the process.
    pub(super) fn read() -> Result<Self, clap::Error> {
        let command = Self::command();
        let taken = command.clone().try_get_matches()?;
        let mut line = Self::from_arg_matches(&taken)?;
        line.run.output.configuration = Configuration::new(&command, &taken);
        Ok(line)
    }
}

/// What else can be done than a run.
#[derive(Debug, Subcommand)]
pub(super) enum Command {
    Compare(Compare),
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::load::exit::EXIT_STATUS;

    #[test]
    fn a_run_needs_no_subcommand() {
        let line =
            CommandLine::try_parse_from(["seathold-load", "seathold://h:1", "--workload", "sale"]).unwrap();
        assert!(line.command.is_none());
        assert_eq!(line.run.workload.to_string(), "sale");
        assert_eq!(line.run.url.to_string(), "seathold://h:1");
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
