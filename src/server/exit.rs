//! How the process ends, for whoever supervises it.

/// The exit codes of `seathold serve`, after sysexits(3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum ExitCode {
    /// Stopped as told.
    Ok = 0,
    /// The demo's audit failed, or there was none.
    Failed = 1,
    /// The command line is wrong.
    Usage = 64,
    /// The ledger is damaged, or contradicts the catalogue: starting again will not help.
    Data = 65,
    /// A port, a lock or another resource is taken.
    Unavailable = 69,
    /// A bug of ours.
    Software = 70,
    /// The ledger could not be written or synced. What was not acknowledged may or may not be in it.
    Io = 74,
    /// Timetable or rules cannot be loaded.
    Config = 78,
}
