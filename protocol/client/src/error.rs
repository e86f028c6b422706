//! The three kinds of no, kept apart by type: refused, not done, unknown.
//!
//! What a program does next depends on nothing else, so each says what is certain and what is not.

use std::fmt;
use std::io;
use std::time::Duration;

use seathold_protocol::DecodeError;
use seathold_protocol::frame::FrameError;
use seathold_protocol::status::Status;

use crate::address::AddressError;
use crate::refusal::Refusal;

/// Why a call did not bring what it asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The server said no. Final.
    #[error("{0}")]
    Refused(#[from] Refusal),
    /// Certainly nothing happened.
    #[error("not done, safe to ask again: {reason}{}", After(*retry_after))]
    NotDone {
        /// Why not.
        reason: Reason,
        /// When asking again has a chance, as far as the server said.
        retry_after: Option<Duration>,
    },
    /// The request was sent at least once and the deadline passed before its outcome was learnt. It may be
    /// done, it may be done later, or never. Ask again under the same id to learn which.
    #[error("unknown: sent {attempts} times without a certain answer{}; ask again under the same id", Because(*fault))]
    Unknown {
        /// How often it was sent.
        attempts: u32,
        /// What went wrong with a connection last, if one did.
        fault: Option<Fault>,
    },
}

impl Error {
    /// Whether sending the same request again can do no harm and may succeed.
    ///
    /// True of `NotDone` and of `Unknown`, provided that the repeat carries the same reservation id, account and
    /// contents: every request is idempotent under its id. After `Unknown` the repeat of a RESERVE must be
    /// marked with `ReserveRequest::repeat`, or another core may answer SOLD_OUT while seats are held under
    /// this id. A program that takes a new id instead may buy twice.
    ///
    /// False of `Refused`: the answer is known, and asking again by itself changes nothing.
    pub fn is_safe_to_retry(&self) -> bool {
        !matches!(self, Self::Refused(_))
    }
}

/// Why certainly nothing happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Reason {
    /// The server had no room for this request until the deadline.
    #[error("the server is busy")]
    Busy,
    /// The server could not write its ledger until the deadline.
    #[error("the server cannot write its ledger")]
    Unavailable,
    /// The sale has not begun. The client does not wait for it; without a time, only an operator can open it.
    #[error("the sale has not begun")]
    NotOpen,
    /// There was no connection to send it on until the deadline.
    #[error("no connection to the server: {0}")]
    NotConnected(Fault),
    /// The connections had their full credit of requests in flight until the deadline.
    #[error("more requests are in flight than the server allows")]
    NoCredit,
    /// The client has its full number of open calls, see `Builder::calls_max`.
    #[error("the client has as many open calls as it may have")]
    ClientFull,
    /// The completion queue has its full number of calls.
    #[error("the completion queue has as many open calls as it may have")]
    QueueFull,
    /// The last handle of the client was dropped first.
    #[error("the client was stopped")]
    Stopped,
}

/// What went wrong with a connection. It is closed, and its requests are asked again elsewhere or later.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// The host's name could not be resolved.
    #[error("the host's name cannot be resolved")]
    NoAddress,
    /// The operating system reported an error.
    #[error("{0}")]
    Io(io::ErrorKind),
    /// Connecting and WELCOME took longer than the connect timeout.
    #[error("connecting took too long")]
    ConnectTimeout,
    /// The server closed the connection.
    #[error("the server closed the connection")]
    Closed,
    /// Nothing came for so long, with requests in flight, that the connection was taken for dead.
    #[error("the server fell silent")]
    Silent,
    /// HELLO was answered with a no.
    #[error("the server refused the connection: {status} ({detail})")]
    HelloRefused {
        /// Which.
        status: Status,
        /// Its detail, see `Status`.
        detail: u64,
    },
    /// The stream could not be cut into frames: this is not a server of ours.
    #[error("the server sent garbage: {0}")]
    BadFrame(FrameError),
    /// A reply could not be read.
    #[error("the server sent a reply that cannot be read: {0}")]
    BadReply(DecodeError),
    /// A reply answers something that was not asked under its correlation.
    #[error("the server answered another request than was asked")]
    WrongReply,
    /// A core's port is served by another core: the server has changed.
    #[error("another core serves this port")]
    WrongCore,
    /// The client's own thread ended.
    #[error("the client's thread ended")]
    Stopped,
}

/// Why there is no client.
#[derive(Debug, thiserror::Error)]
pub enum BuildError {
    /// The URL names no server.
    #[error(transparent)]
    Address(#[from] AddressError),
    /// A setting is out of its range; the sentence says which.
    #[error("{0}")]
    Setting(&'static str),
    /// The operating system gave no poll or no thread.
    #[error("the client's thread cannot be started: {0}")]
    Thread(#[from] io::Error),
    /// The server did not welcome the client.
    #[error("cannot reach {address}: {fault}")]
    NotReached {
        /// The URL as understood.
        address: String,
        /// What went wrong.
        fault: Fault,
    },
}

struct After(Option<Duration>);

impl fmt::Display for After {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.map_or(Ok(()), |after| write!(f, " (ask again after {} ms)", after.as_millis()))
    }
}

struct Because(Option<Fault>);

impl fmt::Display for Because {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.map_or(Ok(()), |fault| write!(f, " ({fault})"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_are_sentences() {
        let busy = Error::NotDone { reason: Reason::Busy, retry_after: Some(Duration::from_millis(20)) };
        assert_eq!(
            busy.to_string(),
            "not done, safe to ask again: the server is busy (ask again after 20 ms)"
        );
        let unknown = Error::Unknown { attempts: 2, fault: Some(Fault::Closed) };
        assert!(unknown.to_string().contains("sent 2 times"));
        assert!(unknown.to_string().contains("the server closed the connection"));
        assert!(busy.is_safe_to_retry() && unknown.is_safe_to_retry());
        assert!(!Error::Refused(Refusal::Closed).is_safe_to_retry());
    }
}
