//! What the tests of the source share: the files of the repository, a Rust file with its comments and
//! literals blanked out so that a word in prose is never taken for code, and the form in which a fault is told.

use std::fmt;
use std::fs;
use std::path::Path;

/// One broken rule: where, and what to do about it.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Fault {
    pub(crate) path: String,
    /// Counted from 1.
    pub(crate) line: usize,
    pub(crate) advice: String,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.path, self.line, self.advice)
    }
}

/// Fails the running test with one line per fault.
pub(crate) fn expect_none(mut faults: Vec<Fault>) {
    faults.sort();
    let lines: Vec<String> = faults.iter().map(Fault::to_string).collect();
    assert!(faults.is_empty(), "{} broken rule(s):\n{}", lines.len(), lines.join("\n"));
}

/// Every file of the repository: its path from the root, with `/` between the parts, in a fixed order.
///
/// Build output and dot folders (`.git`, virtual environments) are no part of the source.
pub(crate) fn repository_files() -> Vec<String> {
    let mut files = Vec::new();
    collect("", &mut files);
    files.sort();
    files
}

/// The text of a file of the repository, by its path from the root.
pub(crate) fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: cannot be read: {error}"))
}

fn collect(folder: &str, files: &mut Vec<String>) {
    let entries = fs::read_dir(root().join(folder))
        .unwrap_or_else(|error| panic!("{folder}/: cannot be listed: {error}"));
    for entry in entries {
        let entry = entry.expect("a listed folder yields its entries");
        let name = entry.file_name().into_string().expect("names in the repository are UTF-8");
        let path = if folder.is_empty() { name.clone() } else { format!("{folder}/{name}") };
        let kind = entry.file_type().expect("an entry of a readable folder has a type");
        if kind.is_file() {
            files.push(path);
        } else if kind.is_dir() && !name.starts_with('.') && !matches!(&*name, "target" | "__pycache__") {
            collect(&path, files);
        }
    }
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The source with comments, string and character literals replaced by spaces. Line breaks stay where they are,
/// so that an offset in the result lies on the same line as in the source.
pub(crate) fn code_only(source: &str) -> String {
    let bytes = source.as_bytes();
    let mut code = String::with_capacity(source.len());
    let mut at = 0;
    while at < bytes.len() {
        let rest = &bytes[at..];
        let previous = at.checked_sub(1).map(|index| bytes[index]);
        let length = match rest {
            [b'/', b'/', ..] => line_comment(rest),
            [b'/', b'*', ..] => block_comment(rest),
            [b'"', ..] => quoted(rest, b'"'),
            [b'\'', ..] => char_literal(rest),
            [b'r', b'"' | b'#', ..] if !previous.is_some_and(is_word_but_byte_prefix) => raw_string(rest),
            _ => 0,
        };
        if length == 0 {
            // Bytes above ASCII stand only in comments and literals here; a space keeps the offsets.
            code.push(if rest[0].is_ascii() { char::from(rest[0]) } else { ' ' });
            at += 1;
        } else {
            code.extend(rest[..length].iter().map(|&byte| if byte == b'\n' { '\n' } else { ' ' }));
            at += length;
        }
    }
    code
}

/// The offsets at which `word` stands by itself: not as a part of a longer name.
pub(crate) fn word_offsets<'a>(code: &'a str, word: &'a str) -> impl Iterator<Item = usize> + 'a {
    code.match_indices(word).map(|(at, _)| at).filter(move |&at| {
        let before = code[..at].bytes().next_back();
        let after = code[at + word.len()..].bytes().next();
        !before.is_some_and(is_word) && !after.is_some_and(is_word)
    })
}

/// The line of an offset, counted from 1.
pub(crate) fn line_of(code: &str, offset: usize) -> usize {
    1 + code[..offset].matches('\n').count()
}

pub(crate) fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

/// `br"..."` and `cr"..."` are raw strings; `for"` is not one that opens at its `r`.
fn is_word_but_byte_prefix(byte: u8) -> bool {
    is_word(byte) && !matches!(byte, b'b' | b'c')
}

fn line_comment(rest: &[u8]) -> usize {
    rest.iter().position(|&byte| byte == b'\n').unwrap_or(rest.len())
}

fn block_comment(rest: &[u8]) -> usize {
    let mut depth = 0;
    let mut at = 0;
    while at < rest.len() {
        match &rest[at..] {
            [b'/', b'*', ..] => (depth, at) = (depth + 1, at + 2),
            [b'*', b'/', ..] => (depth, at) = (depth - 1, at + 2),
            _ => at += 1,
        }
        if depth == 0 {
            break;
        }
    }
    at
}

fn quoted(rest: &[u8], quote: u8) -> usize {
    let mut at = 1;
    while at < rest.len() {
        match rest[at] {
            b'\\' => at += 2,
            byte if byte == quote => return at + 1,
            _ => at += 1,
        }
    }
    rest.len()
}

/// A character literal, or 0 for a lifetime or a loop label.
fn char_literal(rest: &[u8]) -> usize {
    if rest.get(1) == Some(&b'\\') {
        return quoted(rest, b'\'');
    }
    // One character of up to four bytes, then the closing quote.
    (2..=5).find(|&at| rest.get(at) == Some(&b'\'') && is_one_char(&rest[1..at])).map_or(0, |at| at + 1)
}

fn is_one_char(bytes: &[u8]) -> bool {
    std::str::from_utf8(bytes).is_ok_and(|text| text.chars().count() == 1)
}

/// A raw string, or 0 for a raw identifier such as `r#type`.
fn raw_string(rest: &[u8]) -> usize {
    let hashes = rest[1..].iter().take_while(|&&byte| byte == b'#').count();
    if rest.get(1 + hashes) != Some(&b'"') {
        return 0;
    }
    let end: Vec<u8> = std::iter::once(b'"').chain(std::iter::repeat_n(b'#', hashes)).collect();
    let body = 2 + hashes;
    rest[body..]
        .windows(end.len())
        .position(|window| window == end)
        .map_or(rest.len(), |at| body + at + end.len())
}

#[test]
fn literals_and_comments_become_blanks_of_the_same_length() {
    let cases = [
        ("a // b\nc", "a     \nc"),
        ("a /* b /* c */ d */ e", "a                   e"),
        (r#"f("x\"y") + g"#, r"f(      ) + g"),
        (r##"r#"a"b"# c"##, "         c"),
        ("br\"x\" c", "b     c"),
        ("r#type", "r#type"),
        ("'a' 'b: '\\'' c", "    'b:      c"),
        ("'é' &'a str", "     &'a str"),
        ("\"a\nb\" c", "  \n   c"),
    ];
    for (source, code) in cases {
        assert_eq!(code_only(source), code, "{source:?}");
    }
}

#[test]
fn a_word_is_not_found_inside_another() {
    assert_eq!(word_offsets("unsafe_code unsafe un unsafely", "unsafe").collect::<Vec<_>>(), [12]);
}
