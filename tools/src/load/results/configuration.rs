//! Every option of a run as the command line gave it, defaults too. It is read from clap and not from our own options, so
//! that no option can be forgotten.

use clap::{ArgMatches, Command};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Options by their long name and `url`. Lists are joined by commas; options that were not given and have no default are
/// left out, and so are secrets.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Configuration(pub BTreeMap<String, String>);

impl Configuration {
    /// Reads what `command` took.
    pub(in crate::load) fn new(command: &Command, taken: &ArgMatches) -> Self {
        // An option whose variable must not be shown in the help is a secret.
        let open = command.get_arguments().filter(|option| !option.is_hide_env_values_set());
        let named = open.filter_map(|option| {
            let id = option.get_id().as_str();
            let values = taken.try_get_raw(id).ok().flatten()?;
            let values: Vec<_> = values.map(|value| value.to_string_lossy()).collect();
            Some((option.get_long().unwrap_or(id).to_owned(), values.join(",")))
        });
        Self(named.collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::load::Options;
    use clap::CommandFactory;

    #[test]
    fn every_option_is_told_and_no_secret() {
        let line =
            "x seathold://h:1 --in-flight 4 --trains G1,G2 --date 2026-05-01 --operator-token hush --open";
        let taken = Options::command().try_get_matches_from(line.split(' ')).unwrap();
        let Configuration(told) = Configuration::new(&Options::command(), &taken);
        for (name, value) in [
            ("url", "seathold://h:1"),
            ("in-flight", "4"),
            ("trains", "G1,G2"),
            ("connections", "64"),
            ("workload", "ping"),
            ("open", "true"),
            ("lenient", "false"),
        ] {
            assert_eq!(told.get(name).map(String::as_str), Some(value), "{name} in {told:?}");
        }
        assert!(!told.contains_key("gtfs"), "{told:?}");
        assert!(!format!("{told:?}").contains("hush"), "{told:?}");
    }
}
