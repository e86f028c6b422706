//! A ledger read from outside, beside the server that writes it or without one.

use super::exit::Exit;
use super::failure::Failure;
use clap::Args;
use seathold::ledger::LedgerUrl;
use seathold::ledger::file::{Directory, FileReader, OpenError};
use std::io::ErrorKind;
use std::path::Path;

/// The argument that names a ledger.
#[derive(Debug, Args)]
pub(super) struct WhichLedger {
    /// The ledger: file:DIR, the same as the server's --ledger
    #[arg(value_name = "LEDGER")]
    ledger: LedgerUrl,
}

impl WhichLedger {
    /// Opens it for reading only.
    pub(super) fn open(&self) -> Result<FileReader<Directory>, Failure> {
        let path = match &self.ledger {
            LedgerUrl::File(path) => path,
            LedgerUrl::Redis(_) => {
                return Err(Failure::usage("a ledger in Redis cannot be read from here yet; give file:DIR"));
            }
            LedgerUrl::Memory => {
                return Err(Failure::usage(
                    "a memory: ledger is inside its server and cannot be read from here; give file:DIR",
                ));
            }
        };
        let opened = Directory::read_only(path).and_then(FileReader::open);
        opened.map_err(|error| if has_no_segment(path) { nothing_there(path) } else { failure(error) })
    }
}

/// Whether the directory is not there, or nothing in it is a ledger's. One that cannot be listed has another fault.
fn has_no_segment(path: &Path) -> bool {
    match std::fs::read_dir(path) {
        Ok(entries) => entries.flatten().all(|entry| entry.path().extension().is_none_or(|end| end != "log")),
        Err(error) => matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory),
    }
}

fn nothing_there(path: &Path) -> Failure {
    let path = path.display();
    Failure::new(
        Exit::NoLedger,
        format!("there is no ledger in {path}; give the directory of the server's --ledger"),
    )
}

/// Why it cannot be read on.
pub(super) fn failure(error: OpenError) -> Failure {
    let exit = match error {
        OpenError::Damaged(_)
        | OpenError::Missing { .. }
        | OpenError::Foreign { .. }
        | OpenError::OtherFormat { .. } => Exit::Damaged,
        OpenError::Trimmed { .. } | OpenError::InUse { .. } => Exit::NotDone,
        OpenError::NotALedger { .. } => Exit::NoLedger,
        OpenError::Io { .. } => Exit::Io,
    };
    Failure::new(exit, error.to_string())
}
