//! Why there is no result, and the exit codes of the process, after sysexits(3).

/// The run ended, but its figures do not mean what they say.
pub(super) const EXIT_NOT_VALID: u8 = 1;

/// The run is valid, and misses the objective that it was given.
pub(super) const EXIT_OBJECTIVE_MISSED: u8 = 2;

/// What was acknowledged is not borne out: a place sold twice, or an answer lost.
pub(super) const EXIT_AUDIT_FAILED: u8 = 3;

/// The command line is wrong.
pub(super) const EXIT_USAGE: u8 = 64;

/// The server cannot be reached, or does not answer as one.
pub(super) const EXIT_UNAVAILABLE: u8 = 69;

/// The results cannot be written.
pub(super) const EXIT_OUTPUT: u8 = 74;

/// Every exit code and what it says: the one table, which --help shows.
pub(super) const EXIT_STATUS: [(u8, &str); 7] = [
    (0, "the run is valid"),
    (EXIT_NOT_VALID, "it is not, or could not be made ready"),
    (EXIT_OBJECTIVE_MISSED, "it is valid and misses its objective (SLO)"),
    (EXIT_AUDIT_FAILED, "the audit of what was acknowledged failed"),
    (EXIT_USAGE, "the command line is wrong"),
    (EXIT_UNAVAILABLE, "the server cannot be reached"),
    (EXIT_OUTPUT, "the results cannot be written"),
];

/// The table as --help shows it.
pub(super) fn exit_status() -> String {
    let rows = EXIT_STATUS.map(|(code, meaning)| format!("{code:>4}  {meaning}"));
    format!("Exit status:\n{}", rows.join("\n"))
}

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
    /// The results cannot be written where they should be.
    #[error("{0}")]
    Output(String),
}

impl Failure {
    /// The process' exit code.
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::Usage(_) => EXIT_USAGE,
            Self::Unavailable(_) => EXIT_UNAVAILABLE,
            Self::NotReady(_) => EXIT_NOT_VALID,
            Self::Output(_) => EXIT_OUTPUT,
        }
    }
}
