//! Holds SPEC.md and LOG.md to the code: what one names, the other has, with the same number.

use seathold_protocol::batch::{BATCH_HEADER_BYTES, FORMAT, PAYLOAD_BYTES_MAX};
use seathold_protocol::frame::{HEADER_BYTES, Opcode};
use seathold_protocol::ids::{Class, Day, DepartureId};
use seathold_protocol::request::VERSION;
use seathold_protocol::reservation::State;
use seathold_protocol::status::{Status, Verdict};
use std::collections::BTreeSet;

const SPEC: &str = include_str!("../SPEC.md");
const LOG: &str = include_str!("../LOG.md");
const LIMITS: &str = include_str!("../src/limits.rs");

/// The first `N` cells of every row of SPEC.md's tables that has as many, if `wanted`.
fn rows<const N: usize>(wanted: impl Fn(&[&str; N]) -> bool) -> BTreeSet<[&'static str; N]> {
    let cells = |line: &'static str| line.split('|').skip(1).map(str::trim).take(N).collect::<Vec<_>>();
    let rows = SPEC.lines().filter(|line| line.starts_with('|'));
    rows.filter_map(|line| cells(line).try_into().ok()).filter(wanted).collect()
}

#[test]
fn every_status_stands_in_the_table() {
    let verdict = |status: Status| match status.verdict() {
        Verdict::Done => "done",
        Verdict::Refused => "refused",
        Verdict::AskAgain => "ask again",
        Verdict::Unknown => "unknown",
        Verdict::Mistake => "mistake",
    };
    let verdicts = ["done", "refused", "ask again", "unknown", "mistake"];
    let told = rows(|row: &[&str; 3]| verdicts.contains(&row[2]));
    let codes: Vec<_> = Status::ALL.iter().map(|status| (*status as u8).to_string()).collect();
    let expected =
        Status::ALL.iter().zip(&codes).map(|(status, code)| [code, status.name(), verdict(*status)]);
    assert_eq!(told, expected.collect());
    for (status, code) in Status::ALL.iter().zip(&codes) {
        assert_eq!(Status::from_code(code.parse().unwrap()), Some(*status));
    }
}

#[test]
fn every_opcode_stands_in_the_table() {
    let told = rows(|row: &[&str; 2]| row[0].starts_with("0x"));
    let codes =
        Opcode::ALL.map(|opcode| (format!("0x{:02x}", opcode as u8), format!("{opcode:?}").to_uppercase()));
    let expected = codes.iter().map(|(code, name)| [code.as_str(), name.as_str()]);
    assert_eq!(told, expected.collect());
}

#[test]
fn every_limit_stands_in_the_table() {
    let constant = |line: &'static str| {
        let (name, rest) = line.strip_prefix("pub const ")?.split_once(": ")?;
        let (_, value) = rest.strip_suffix(';')?.split_once(" = ")?;
        Some([name, value])
    };
    let limits: BTreeSet<_> = LIMITS.lines().filter_map(constant).collect();
    assert_eq!(limits.len(), LIMITS.matches("pub const").count(), "a limit has an unknown shape");
    assert_eq!(rows(|row: &[&str; 2]| limits.iter().any(|limit| limit[0] == row[0])), limits);
}

#[test]
fn every_state_and_class_is_named() {
    for state in State::ALL {
        let named = format!("{} {}", state as u8, state.name());
        assert!(SPEC.contains(&named) && LOG.contains(&named), "{named}");
    }
    let (mut codes, mut names) = ("| class".to_owned(), "| name".to_owned());
    for (class, name) in Class::NAMES {
        codes += &format!(" | {}", class.0);
        names += &format!(" | {name}");
    }
    assert!(SPEC.contains(&codes) && SPEC.contains(&names));
}

#[test]
fn numbers_in_the_text_are_the_code_s() {
    assert!(SPEC.contains(&format!("# The Seathold protocol, version {VERSION}\n")));
    assert!(SPEC.contains(&format!("length - {HEADER_BYTES} bytes")));
    assert!(LOG.contains(&format!("{BATCH_HEADER_BYTES} bytes, then the payload")));
    assert!(LOG.contains(&format!("| 4 | format | u16 | {FORMAT} |")));
    assert_eq!(PAYLOAD_BYTES_MAX, 4_194_304);
    assert!(LOG.contains("at most 4,194,304"));
}

#[test]
fn the_worked_example_works() {
    let departure = DepartureId::new("G101", Day(20606));
    assert!(SPEC.contains(&format!("| departure | 0x{departure} |")));
    assert!(SPEC.contains(&format!("| partition {} |", departure.partition(16))));
}
