//! Reads the paths that a piece of Rust names, groups and all, from code whose comments and literals are blanked
//! out. It is no parser: it knows as much of the grammar as the arrows between modules need.

use crate::source::{is_word, line_of, word_offsets};

/// Every path in the code that starts with `root`, groups written out: `std::{fs, time::Instant}` gives two.
pub(crate) fn paths_from(root: &str, code: &str) -> Vec<(usize, String)> {
    let mut paths = Vec::new();
    for at in word_offsets(code, root) {
        let continues = code[..at].trim_end().ends_with("::") && !is_leading(&code[..at]);
        let rest = &code[at + root.len()..];
        if !continues && (rest.trim_start().starts_with("::") || is_imported(&code[..at])) {
            path_tail(code, at + root.len(), root, &mut paths);
        }
    }
    paths
}

/// Whether the `::` before a root only marks an outside crate, as in `::std::fs`.
fn is_leading(before: &str) -> bool {
    let before = before.trim_end().trim_end_matches(':');
    !before.bytes().next_back().is_some_and(|byte| is_word(byte) || byte == b'>')
}

/// Whether a name stands right after `use`, so that it imports a whole crate.
fn is_imported(before: &str) -> bool {
    before.trim_end().strip_suffix("use").is_some_and(|rest| !rest.bytes().next_back().is_some_and(is_word))
}

/// Reads on from `at`, behind `path`, and returns the offset behind what it read.
fn path_tail(code: &str, at: usize, path: &str, paths: &mut Vec<(usize, String)>) -> usize {
    let mut at = at;
    let mut path = path.to_owned();
    loop {
        let start = skip_blank(code, at);
        if !code[start..].starts_with("::") {
            paths.push((line_of(code, at), path));
            return at;
        }
        at = skip_blank(code, start + 2);
        if code[at..].starts_with('{') {
            return group(code, at + 1, &path, paths);
        }
        let end = at + name_length(&code[at..]);
        if end == at {
            // A turbofish such as `crate::f::<T>()`: the path ends here.
            paths.push((line_of(code, at), path));
            return at;
        }
        path = format!("{path}::{}", &code[at..end]);
        at = end;
    }
}

/// The parts of `{a, b::c, self as d}`, from behind the opening brace.
fn group(code: &str, at: usize, path: &str, paths: &mut Vec<(usize, String)>) -> usize {
    let mut at = skip_blank(code, at);
    while !code[at..].is_empty() && !code[at..].starts_with('}') {
        let end = at + name_length(&code[at..]);
        at = if end == at {
            at + 1
        } else {
            path_tail(code, end, &format!("{path}::{}", &code[at..end]), paths)
        };
        // What stands between this part and the next: a comma, or `as name`.
        at += code[at..].find([',', '}']).unwrap_or(code.len() - at);
        at = skip_blank(code, at + usize::from(code[at..].starts_with(',')));
    }
    at + usize::from(code[at..].starts_with('}'))
}

fn name_length(code: &str) -> usize {
    if code.starts_with('*') { 1 } else { code.bytes().take_while(|&byte| is_word(byte)).count() }
}

fn skip_blank(code: &str, at: usize) -> usize {
    code.len() - code[at..].trim_start().len()
}

#[test]
fn groups_are_written_out_with_the_line_of_each_part() {
    let code =
        "use std::{fmt, io::{self, Read as _},\n    time::Duration};\nfn f() { std::mem::take::<u8>(x) }";
    let found = [(1, "std::fmt"), (1, "std::io::self"), (1, "std::io::Read"), (2, "std::time::Duration")]
        .into_iter()
        .chain([(3, "std::mem::take")]);
    let found: Vec<(usize, String)> = found.map(|(line, path)| (line, path.to_owned())).collect();
    assert_eq!(paths_from("std", code), found);
}

#[test]
fn a_root_inside_a_longer_path_or_name_is_none() {
    assert_eq!(paths_from("std", "my::std::fs std_like::x Vec::<u8>::std::x std"), []);
    assert_eq!(paths_from("std", "::std::fs Vec<::std::fs> use std;").len(), 3);
}
