//! Why there is no result, and the exit codes of the process, after sysexits(3).

/// The run ended, but its figures do not mean what they say.
pub(super) const EXIT_NOT_VALID: u8 = 1;

/// The command line is wrong.
pub(super) const EXIT_USAGE: u8 = 64;

/// The server cannot be reached, or does not answer as one.
pub(super) const EXIT_UNAVAILABLE: u8 = 69;

/// Why nothing could be measured. Each is a sentence that says what to do.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Failure {
    /// The options contradict themselves or the server.
    #[error("{0}")]
    Usage(String),
    /// The server cannot be reached, went away, or does not speak the protocol.
    #[error("{0}")]
    Unavailable(String),
    /// The server is there, but what the workload needs cannot be made ready.
    #[error("{0}")]
    NotReady(String),
}

impl Failure {
    /// The process' exit code.
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::Usage(_) => EXIT_USAGE,
            Self::Unavailable(_) => EXIT_UNAVAILABLE,
            Self::NotReady(_) => EXIT_NOT_VALID,
        }
    }
}
