//! How the process ends, for scripts.

use serde::{Serialize, Serializer};

/// The exit codes of `seathold-cli`; those from 64 on after sysexits(3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Exit {
    /// It is done; an audit found nothing wrong.
    Done = 0,
    /// The server refused; an audit found something wrong.
    Refused = 1,
    /// Certainly nothing happened, and asking again is safe.
    NotDone = 2,
    /// It may be done or not: ask again under the same id.
    Unknown = 3,
    /// The command line is wrong.
    Usage = 64,
    /// The ledger is damaged.
    Damaged = 65,
    /// There is no ledger.
    NoLedger = 66,
    /// The server cannot be reached; nothing happened.
    NotConnected = 69,
    /// A file or stream could not be read or written.
    Io = 74,
}

impl Exit {
    /// What `--help` says of the codes.
    pub(super) const TABLE: &'static str = "Exit status:
   0  done; audit: nothing is wrong
   1  refused; audit: something is wrong
   2  not done, safe to ask again
   3  unknown: ask again under the same id
  64  the command line is wrong
  65  the ledger is damaged
  66  there is no ledger
  69  the server cannot be reached; nothing happened
  74  a file or stream cannot be read or written";

    /// The name in JSON.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Refused => "refused",
            Self::NotDone => "not_done",
            Self::Unknown => "unknown",
            Self::Usage => "usage",
            Self::Damaged => "damaged",
            Self::NoLedger => "no_ledger",
            Self::NotConnected => "not_connected",
            Self::Io => "io",
        }
    }
}

impl Serialize for Exit {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}
