//! Why there is no result: a sentence that says what is wrong and what to do, and an exit code.

use super::advice;
use super::exit::Exit;
use super::spans::spoken;
use seathold_client::{Error, Reason};
use serde::Serialize;
use std::fmt;
use std::io;
use std::time::Duration;

/// A failure, ready to be printed.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub(super) struct Failure {
    /// What is certain.
    #[serde(rename = "outcome")]
    pub(super) exit: Exit,
    /// The sentence.
    pub(super) message: String,
    /// The refusal's name in SPEC.md.
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<&'static str>,
    /// When asking again has a chance.
    #[serde(skip_serializing_if = "Option::is_none")]
    retry_after_ms: Option<u64>,
    /// The id to ask again under.
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<String>,
    /// Nobody reads the output any more.
    #[serde(skip)]
    closed_pipe: bool,
}

impl Failure {
    /// A failure without more to say than the sentence.
    pub(super) fn new(exit: Exit, message: impl Into<String>) -> Self {
        let message = message.into();
        Self { exit, message, status: None, retry_after_ms: None, id: None, closed_pipe: false }
    }

    /// The command line is wrong.
    pub(super) fn usage(message: impl Into<String>) -> Self {
        Self::new(Exit::Usage, message)
    }

    /// Says first what it is about.
    pub(super) fn about(mut self, subject: impl fmt::Display) -> Self {
        self.message = format!("{subject}: {}", self.message);
        self
    }

    /// Adds what can be done.
    pub(super) fn hint(mut self, hint: impl fmt::Display) -> Self {
        self.message = format!("{}; {hint}", self.message);
        self
    }

    /// Names the id under which it is to be asked again.
    pub(super) fn under_id(mut self, id: String) -> Self {
        self.id = Some(id);
        self
    }

    /// Whether whoever read the output went away.
    pub(super) fn is_closed_pipe(&self) -> bool {
        self.closed_pipe
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        match error {
            Error::Refused(refusal) => {
                let status = Some(refusal.status().name());
                Self { status, ..Self::new(Exit::Refused, advice::refusal(refusal)) }
            }
            Error::NotDone { reason: Reason::NotConnected(fault), .. } => {
                Self::new(Exit::NotConnected, advice::fault(fault))
            }
            Error::NotDone { reason, retry_after } => {
                let retry_after_ms = retry_after.map(millis);
                Self { retry_after_ms, ..Self::new(Exit::NotDone, not_done(reason, retry_after)) }
            }
            Error::Unknown { attempts, fault } => {
                let because = fault.map_or(String::new(), |fault| format!(" ({fault})"));
                let times = if attempts == 1 { "once".to_owned() } else { format!("{attempts} times") };
                Self::new(
                    Exit::Unknown,
                    format!(
                        "the outcome is unknown: sent {times} without a certain answer{because}; it may be done or not"
                    ),
                )
            }
        }
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        let closed_pipe = error.kind() == io::ErrorKind::BrokenPipe;
        Self { closed_pipe, ..Self::new(Exit::Io, format!("the output cannot be written: {error}")) }
    }
}

fn not_done(reason: Reason, retry_after: Option<Duration>) -> String {
    match (reason, retry_after.map(millis)) {
        (Reason::NotOpen, Some(ms)) => format!("the sale has not begun; it opens in {}", spoken(ms)),
        (Reason::NotOpen, None) => {
            "the sale has not begun, and no time is set; an operator opens it with `seathold-cli open TRAIN DATE`"
                .to_owned()
        }
        (reason, Some(ms)) => {
            format!("nothing was done: {reason}; ask again after {}, or wait longer with --timeout", spoken(ms))
        }
        (reason, None) => format!("nothing was done: {reason}; ask again, or wait longer with --timeout"),
    }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use seathold_client::{Fault, Refusal};

    fn failure(error: Error) -> (Exit, String) {
        let failure = Failure::from(error);
        (failure.exit, serde_json::to_string(&failure).unwrap())
    }

    #[test]
    fn the_three_kinds_of_no_stay_apart() {
        let (exit, json) = failure(Error::Refused(Refusal::SoldOut { free: 0 }));
        assert_eq!(exit, Exit::Refused);
        assert!(json.starts_with(r#"{"outcome":"refused","message":"sold out"#), "{json}");
        assert!(json.ends_with(r#""status":"SOLD_OUT"}"#), "{json}");

        let retry_after = Some(Duration::from_secs(3_700));
        let (exit, json) = failure(Error::NotDone { reason: Reason::NotOpen, retry_after });
        assert_eq!(exit, Exit::NotDone);
        assert_eq!(
            json,
            r#"{"outcome":"not_done","message":"the sale has not begun; it opens in 1 h 1 min","retry_after_ms":3700000}"#
        );

        let (exit, json) = failure(Error::Unknown { attempts: 2, fault: Some(Fault::Closed) });
        assert_eq!(exit, Exit::Unknown);
        assert!(json.contains("sent 2 times without a certain answer (the server closed the connection)"));

        let reason = Reason::NotConnected(Fault::Io(io::ErrorKind::ConnectionRefused));
        assert_eq!(failure(Error::NotDone { reason, retry_after: None }).0, Exit::NotConnected);
    }

    #[test]
    fn a_closed_pipe_is_no_error() {
        assert!(Failure::from(io::Error::from(io::ErrorKind::BrokenPipe)).is_closed_pipe());
        assert!(!Failure::from(io::Error::from(io::ErrorKind::StorageFull)).is_closed_pipe());
    }
}
