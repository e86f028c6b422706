//! The real server within the test's own process, with two cores.

use clap::Parser;
use seathold::server::{ServeOptions, Server};
use std::path::Path;
use tempfile::TempDir;

/// The service dates that are loaded, the first also as days since 1970.
const DATES: &str = "2027-03-15..2027-03-28";
const FIRST_DAY: u16 = 20_892;

#[derive(Parser)]
struct Line {
    #[command(flatten)]
    options: ServeOptions,
}

/// Starts a server on a ledger of this kind in `directory`, which says BUSY on no host, however slow.
pub(crate) fn start(ledger: &str, directory: &TempDir) -> Server {
    let url = match ledger {
        "file" => format!("file:{}", directory.path().join("ledger").display()),
        other => format!("{other}:"),
    };
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let words = ["serve", "--no-pin", "--cores", "2", "--core-ports", "0", "--dates", DATES];
    let line = Line::parse_from(words.map(str::to_owned).into_iter().chain([
        "--listen=127.0.0.1:0".to_owned(),
        "--busy-after-ms=60000".to_owned(),
        format!("--ledger={url}"),
        format!("--gtfs={}", root.join("feeds/sample").display()),
        format!("--rules={}", root.join("tests/allocations/rules.toml").display()),
    ]));
    Server::start(&line.options).unwrap()
}

/// The days of `DATES`.
pub(crate) fn days() -> impl Iterator<Item = seathold_protocol::Day> {
    (FIRST_DAY..FIRST_DAY + 14).map(seathold_protocol::Day)
}
