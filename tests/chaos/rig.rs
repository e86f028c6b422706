//! A server on a ledger of its own, its buyers, and the end that every test has.

use seathold_chaos::{Buyers, Checked, Crowd, History, Server, Setup, Timetable, conclude, until};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tempfile::TempDir;

pub(crate) struct Rig {
    pub(crate) server: Server,
    pub(crate) buyers: Buyers,
    /// Behind the server, so that it outlives it.
    _directory: TempDir,
}

/// A server run by nothing else, on a ledger in `directory`.
pub(crate) fn setup(directory: &Path) -> Setup {
    Setup::new(Path::new(env!("CARGO_BIN_EXE_seathold")), &directory.join("ledger"))
}

impl Rig {
    /// Every sale is open. Each test has a seed of its own, and so buyers of its own.
    pub(crate) fn start(seed: u64) -> Self {
        let directory = TempDir::new().unwrap();
        Self::start_as(setup(directory.path()), directory, seed)
    }

    pub(crate) fn start_as(setup: Setup, directory: TempDir, seed: u64) -> Self {
        let server = Server::start(setup).unwrap_or_else(|error| panic!("{error}"));
        Self::around(server, directory, seed)
    }

    /// Around a server that is ready.
    pub(crate) fn around(server: Server, directory: TempDir, seed: u64) -> Self {
        let buyers = Buyers::new(seed, Arc::new(Timetable::load().unwrap()));
        buyers.timetable().open(&server.client().unwrap()).unwrap();
        Self { server, buyers, _directory: directory }
    }

    pub(crate) fn crowd(&self) -> Crowd {
        Crowd::start(&self.server, self.buyers.clone(), 0).unwrap()
    }

    /// Waits for a line of the server's log: it comes through a pipe, behind whatever else shows the same.
    pub(crate) fn until_said(&self, text: &str) {
        let said = until(text, || self.server.said().contains(text).then_some(()));
        said.unwrap_or_else(|_| panic!("{text:?} is not in:\n{}", self.server.said()));
    }

    /// Lets everything heal, stops the server and checks the history of `crowd`.
    pub(crate) fn conclude(self, crowd: Crowd) -> Checked {
        self.conclude_with(crowd.finish().unwrap())
    }

    pub(crate) fn conclude_with(self, history: History) -> Checked {
        let checked = conclude(self.server, &self.buyers, history).unwrap_or_else(|error| panic!("{error}"));
        assert!(checked.violations.is_empty(), "{:#?}", checked.violations);
        checked
    }

    /// The first segment of its ledger.
    pub(crate) fn segment(&self) -> PathBuf {
        self.server.ledger().join(SEGMENT)
    }
}

/// The file of a ledger's first segment.
pub(crate) const SEGMENT: &str = "00000000000000000001.log";
