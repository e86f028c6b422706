//! The rules of style that matter and that no lint knows, held by reading the repository itself: a file says first
//! what it is, stays short, is named after the domain, and `unsafe` keeps to its one folder.
//! Each rule is a function of a path and a text, so that the tests below can show that it fails when it should.

use crate::source::{Fault, code_only, expect_none, line_of, read, repository_files, word_offsets};

/// Above this a file holds more than one idea. Tests may be longer: a long list of cases is still one idea.
const LINES_MAX: usize = 400;

/// Names that say nothing about what is inside.
const EMPTY_NAMES: [&str; 8] =
    ["util", "utils", "common", "helper", "helpers", "manager", "managers", "misc"];

/// Kinds of file that people of this project write by hand. Feeds and licences are kept as published.
const HAND_WRITTEN: [&str; 9] =
    [".rs", ".toml", ".md", ".py", ".lua", ".sh", ".service", ".sysctl", ".sysusers"];

#[test]
fn every_rust_file_opens_with_what_it_is() {
    expect_none(each_rust_file(opening));
}

#[test]
fn no_file_holds_more_than_one_idea() {
    expect_none(each_rust_file(length));
}

#[test]
fn unsafe_stays_in_sys() {
    expect_none(each_rust_file(unsafe_outside_sys));
}

#[test]
fn names_say_what_is_inside() {
    expect_none(repository_files().iter().flat_map(|path| empty_name(path)).collect());
}

#[test]
fn no_tabs_and_no_trailing_spaces() {
    let hand_written = |path: &String| HAND_WRITTEN.iter().any(|ending| path.ends_with(ending));
    let files = repository_files().into_iter().filter(hand_written);
    expect_none(files.flat_map(|path| whitespace(&path, &read(&path))).collect());
}

fn each_rust_file(rule: fn(&str, &str) -> Vec<Fault>) -> Vec<Fault> {
    let files: Vec<String> = repository_files().into_iter().filter(|path| path.ends_with(".rs")).collect();
    assert!(files.iter().any(|path| path == "src/lib.rs"), "the walk missed the source: {files:?}");
    files.iter().flat_map(|path| rule(path, &read(path))).collect()
}

fn opening(path: &str, text: &str) -> Vec<Fault> {
    if text.starts_with("//! ") {
        return Vec::new();
    }
    vec![fault(path, 1, "open the file with `//!` lines that say what it is and why it stands apart")]
}

fn length(path: &str, text: &str) -> Vec<Fault> {
    let lines = text.lines().count();
    let is_test = path.ends_with("tests.rs") || path.split('/').any(|part| part == "tests");
    if lines <= LINES_MAX || is_test {
        return Vec::new();
    }
    let advice =
        format!("{lines} lines; give its second idea a file of its own ({LINES_MAX} is the ceiling)");
    vec![fault(path, LINES_MAX + 1, &advice)]
}

fn unsafe_outside_sys(path: &str, text: &str) -> Vec<Fault> {
    if path.starts_with("src/sys/") {
        return Vec::new();
    }
    let code = code_only(text);
    word_offsets(&code, "unsafe")
        .map(|at| fault(path, line_of(&code, at), "move this `unsafe` into src/sys/ behind a safe function"))
        .collect()
}

fn empty_name(path: &str) -> Vec<Fault> {
    let parts = path.split('/').map(|part| part.split_once('.').map_or(part, |(stem, _)| stem));
    parts
        .filter(|stem| EMPTY_NAMES.contains(stem))
        .map(|stem| fault(path, 1, &format!("name it after what is inside: `{stem}` says nothing")))
        .collect()
}

fn whitespace(path: &str, text: &str) -> Vec<Fault> {
    let mut faults = Vec::new();
    for (index, line) in text.lines().enumerate() {
        if line.contains('\t') {
            faults.push(fault(path, index + 1, "indent with spaces (`\\t` inside a literal)"));
        }
        if line.ends_with(' ') {
            faults.push(fault(path, index + 1, "remove the spaces at the end of the line"));
        }
    }
    if !text.is_empty() && !text.ends_with('\n') {
        faults.push(fault(path, text.lines().count(), "end the file with a line break"));
    }
    faults
}

fn fault(path: &str, line: usize, advice: &str) -> Fault {
    Fault { path: path.into(), line, advice: advice.into() }
}

/// Each rule on made-up sources: it must see the violation, and only that.
mod rules {
    use super::*;

    fn lines(faults: &[Fault]) -> Vec<usize> {
        faults.iter().map(|fault| fault.line).collect()
    }

    #[test]
    fn an_opening_is_missed() {
        assert_eq!(opening("a.rs", "//! What it is.\n"), []);
        assert_eq!(lines(&opening("a.rs", "use std::fmt;\n//! Late.\n")), [1]);
        assert_eq!(lines(&opening("a.rs", "//!\n")), [1]);
        assert_eq!(lines(&opening("a.rs", "")), [1]);
    }

    #[test]
    fn a_long_file_is_found_unless_it_is_a_test() {
        let (longest, too_long) = ("x\n".repeat(LINES_MAX), "x\n".repeat(LINES_MAX + 1));
        assert_eq!(length("src/net/mod.rs", &longest), []);
        assert_eq!(lines(&length("src/net/mod.rs", &too_long)), [401]);
        assert_eq!(length("src/net/tests.rs", &too_long), []);
        assert_eq!(length("tests/crash/mod.rs", &too_long), []);
        assert_eq!(lines(&length("src/contests/mod.rs", &too_long)), [401]);
    }

    #[test]
    fn unsafe_code_is_found_and_unsafe_prose_is_not() {
        let prose =
            "//! unsafe\n#![forbid(unsafe_code)]\n/* unsafe /* x */ unsafe */ const A: &str = \"unsafe\";\n";
        assert_eq!(unsafe_outside_sys("src/net/mod.rs", prose), []);
        let code = "//! x\nfn f() {\n    unsafe { g() }\n}\n";
        assert_eq!(lines(&unsafe_outside_sys("src/net/mod.rs", code)), [3]);
        assert_eq!(unsafe_outside_sys("src/sys/pin.rs", code), []);
        assert_eq!(lines(&unsafe_outside_sys("protocol/src/sys/pin.rs", code)), [3]);
    }

    #[test]
    fn an_empty_name_is_found_as_file_and_as_folder() {
        assert_eq!(empty_name("src/net/connection.rs"), []);
        assert_eq!(empty_name("src/utility_pole.rs"), []);
        assert_eq!(lines(&empty_name("src/util.rs")), [1]);
        assert_eq!(lines(&empty_name("tests/common/mod.rs")), [1]);
        assert_eq!(lines(&empty_name("protocol/python/helpers.test.py")), [1]);
    }

    #[test]
    fn stray_whitespace_is_found_by_line() {
        assert_eq!(whitespace("a.rs", "a\n\n    b\n"), []);
        assert_eq!(lines(&whitespace("a.rs", "a\n\tb\nc \n")), [2, 3]);
        assert_eq!(lines(&whitespace("a.rs", "a\nb")), [2]);
    }
}
