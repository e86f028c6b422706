//! Why a ledger directory cannot be opened, in sentences that say what to do.

use std::io;
use std::path::{Path, PathBuf};

/// A place in the log that does not hold what was written there. Durable records are lost or unreadable.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{} is damaged at byte {offset}: {reason}. Nothing was changed. Copy the directory away, check the disk, and restore \
     the ledger from a backup; starting with an empty one would sell every place again",
    .file.display()
)]
pub struct Damaged {
    /// Which file.
    pub file: PathBuf,
    /// From which byte on.
    pub offset: u64,
    /// What is wrong with it.
    pub reason: String,
}

/// Why a directory was refused.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Another process writes to it.
    #[error("another process uses the ledger in {}; stop that one, or give this one a directory of its own",
        .directory.display())]
    InUse {
        /// Which directory.
        directory: PathBuf,
    },
    /// The directory has files, and none of a ledger.
    #[error("{} is no ledger and is not empty; name the ledger's directory, or a new or empty one", .directory.display())]
    NotALedger {
        /// Which directory.
        directory: PathBuf,
    },
    /// See there.
    #[error(transparent)]
    Damaged(#[from] Damaged),
    /// A segment is gone that the log still needs.
    #[error("{} is missing, and later segments need it; put it back from a copy of the ledger directory",
        .file.display())]
    Missing {
        /// Which file should be there.
        file: PathBuf,
    },
    /// A segment was copied here from another ledger.
    #[error("{} belongs to another ledger ({found:032x}, not {expected:032x}); move it out of the directory and put \
        the right one in its place", .file.display())]
    Foreign {
        /// Which file.
        file: PathBuf,
        /// The ledger that the file names.
        found: u128,
        /// The ledger that the first segment names.
        expected: u128,
    },
    /// A segment was written by another release.
    #[error("{} has format {found}, this release reads format {expected}; use the release that wrote it",
        .file.display())]
    OtherFormat {
        /// Which file.
        file: PathBuf,
        /// The file's format.
        found: u16,
        /// Ours.
        expected: u16,
    },
    /// A reader was overtaken: what it would have read next is not kept any more.
    #[error("{} was trimmed while it was being read; start reading again from the beginning", .file.display())]
    Trimmed {
        /// Which file.
        file: PathBuf,
    },
    /// The operating system refused something.
    #[error("cannot {doing} {}: {error}; check that the path is right, and its permissions and disk", .path.display())]
    Io {
        /// What was tried.
        doing: &'static str,
        /// On what.
        path: PathBuf,
        /// What it said.
        error: io::Error,
    },
}

impl OpenError {
    pub(super) fn io(doing: &'static str, path: &Path, error: io::Error) -> Self {
        Self::Io { doing, path: path.to_owned(), error }
    }
}
