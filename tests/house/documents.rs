//! Holds documents to what they are about, where a figure or a name stands in both: an operator who copies a line from
//! one must find that the server knows it.

use crate::source::{code_only, read, repository_files};
use clap::Args;
use seathold::net;
use seathold::server::{ExitCode, ServeOptions};

const SPEC: &str = include_str!("../../protocol/SPEC.md");
const PROMISES: &str = include_str!("../../PROMISES.md");
const UNIT: &str = include_str!("../../systemd/seathold.service");
const SETTINGS: &str = include_str!("../../systemd/seathold.env");

#[test]
fn the_specification_tells_what_a_connection_is_granted() {
    let told = |name: &str| {
        let row = SPEC.lines().find_map(|line| line.strip_prefix(&format!("| {name} | ")));
        let value = row.and_then(|row| row.split(" |").next()).unwrap_or_else(|| panic!("no row of {name}"));
        value.replace('_', "").parse::<u64>().unwrap()
    };
    assert_eq!(told("HELLO_TIMEOUT_MS"), net::HELLO_TIMEOUT_MS);
    assert_eq!(told("FRAME_TIMEOUT_MS"), net::FRAME_TIMEOUT_MS);
    assert_eq!(told("WRITE_TIMEOUT_MS"), net::WRITE_TIMEOUT_MS);
    assert_eq!(told("CREDIT"), u64::from(net::CREDIT));
    assert_eq!(told("OUTBOUND_BYTES_PAUSE"), net::OUTBOUND_BYTES_PAUSE as u64);
}

#[test]
fn every_setting_of_the_unit_is_one_of_the_server() {
    let command = ServeOptions::augment_args(clap::Command::new("serve"));
    let known: Vec<_> = command.get_arguments().filter_map(|option| option.get_env()?.to_str()).collect();
    let settings = SETTINGS.lines().map(|line| line.trim_start_matches('#'));
    let named: Vec<_> = settings.filter_map(|line| line.split_once('=').map(|(name, _)| name)).collect();
    assert!(named.len() >= 5, "{named:?}");
    assert!(named.iter().all(|name| known.contains(name)), "{named:?} of {known:?}");
}

#[test]
fn the_unit_stays_down_where_a_restart_cannot_help() {
    let codes = [ExitCode::Usage, ExitCode::Data, ExitCode::Config].map(|code| (code as u8).to_string());
    assert!(UNIT.contains(&format!("\nRestartPreventExitStatus={}\n", codes.join(" "))));
}

/// A test is a function of its name; some have a runner of their own, so the attribute is not asked for.
#[test]
fn every_promise_names_tests_that_exist() {
    let files = repository_files().into_iter().filter(|path| path.ends_with(".rs"));
    let code: String = files.map(|path| code_only(&read(&path))).collect();
    let rows: Vec<_> =
        PROMISES.lines().filter(|line| line.starts_with("| ") && line.contains(". |")).collect();
    assert!(rows.len() >= 20, "the tables of PROMISES.md have another form: {rows:?}");
    for row in rows {
        let shown_by = row.rsplit(" | ").next().expect("splitting yields one part at least");
        let tests: Vec<_> = shown_by.split('`').skip(1).step_by(2).collect();
        assert!(!tests.is_empty(), "no test stands behind: {row}");
        let missing: Vec<_> = tests.iter().filter(|test| !code.contains(&format!("fn {test}("))).collect();
        assert!(missing.is_empty(), "there is no test {missing:?} behind: {row}");
    }
}
