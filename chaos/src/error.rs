//! Why a run came to no result: the fault could not be made, or something did not come in time.

use crate::patience::PATIENCE;
use seathold::catalog::ImportError;
use seathold::ledger::ReadError;
use seathold::ledger::redis::RedisError;
use std::io;
use std::path::PathBuf;
use std::process::ExitStatus;

/// Why there is no result. A broken promise is a result, and no error.
#[derive(Debug, thiserror::Error)]
pub enum ChaosError {
    /// There is no such program, or it cannot be run.
    #[error("{} cannot be run: {error}; build it first, or name another", .program.display())]
    Program {
        /// Which.
        program: PathBuf,
        /// Why.
        error: io::Error,
    },
    /// The server ended before it was ready.
    #[error("the server ended with {status} before it was ready, and said:\n{said}")]
    NotStarted {
        /// How.
        status: ExitStatus,
        /// Its log.
        said: String,
    },
    /// Something that must happen did not.
    #[error("{what} did not happen within {} s; the server said:\n{said}", PATIENCE.as_secs())]
    Late {
        /// What.
        what: String,
        /// The server's log, as far as whoever waited knows it.
        said: String,
    },
    /// The fault did not happen as it was meant to.
    #[error("the fault did not happen: {0}")]
    NoFault(String),
    /// There is no disk whose power can be cut.
    #[error(
        "{program} refused: {}; a disk whose power can be cut takes root, loop devices, mkfs.ext4 and perl",
        .said.trim_end()
    )]
    NoDisk {
        /// Who refused.
        program: String,
        /// Why.
        said: String,
    },
    /// There are too many orders in which the requests can have been done.
    #[error(
        "no order was found that explains what {count} requests were told, and not every one was tried: {what}"
    )]
    Undecided {
        /// How many.
        count: u64,
        /// Where the search came farthest.
        what: String,
    },
    /// The SDK did not reach the server.
    #[error("no client: {0}")]
    Client(#[from] seathold_client::BuildError),
    /// A call that the run rests on was answered with a no.
    #[error("the server answered: {0}")]
    Call(#[from] seathold_client::Error),
    /// The ledger cannot be read.
    #[error("the ledger cannot be read: {0}")]
    Ledger(#[from] ReadError),
    /// The ledger in Redis cannot be made.
    #[error("the ledger in Redis: {0}")]
    Redis(#[from] RedisError),
    /// The timetable cannot be loaded.
    #[error("the timetable cannot be loaded: {0}")]
    Timetable(#[from] ImportError),
    /// Anything else of the system.
    #[error("the system refused: {0}")]
    System(#[from] io::Error),
}
