//! Any text as a feed, its files behind lines with their names, or any bytes as a feed in a .zip.

use crate::feed;

/// Seats for every train.
const RULES: &[u8] = b"\
[[plans.small.class]]
name = \"second\"
seats = [{ coaches = 1, rows = \"1-5\", letters = \"AB\" }]
[[train]]
name = \"*\"
plan = \"small\"
";

pub(crate) fn check(bytes: &[u8]) {
    feed::import(bytes, RULES);
}
