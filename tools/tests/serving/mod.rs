//! A server within a test's process. It is told what a command line would tell it, so that a new option of the server is no
//! business of every test.

use clap::Parser;
use seathold::server::{ServeOptions, Server};
use std::path::Path;

#[derive(Parser)]
struct Line {
    #[command(flatten)]
    options: ServeOptions,
}

/// Serves the sample feed on a free port and never says BUSY. `rules` are below the repository's root.
pub(crate) fn serve(cores: u8, ledger: &str, rules: &str, dates: &str) -> Server {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let below_root = |path: &str| root.join(path).into_os_string();
    let fixed = "serve --no-pin --listen=127.0.0.1:0 --busy-after-ms=60000";
    let words = fixed.split_whitespace().map(Into::into).chain([
        format!("--cores={cores}").into(),
        format!("--ledger={ledger}").into(),
        format!("--dates={dates}").into(),
        "--gtfs".into(),
        below_root("feeds/sample"),
        "--rules".into(),
        below_root(rules),
    ]);
    Server::start(&Line::parse_from(words).options).expect("the server starts")
}
