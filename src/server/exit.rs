//! How the process ends, for whoever supervises it.

use std::panic;
use std::process;

/// The exit codes of `seathold`, after sysexits(3); 1 is the demo's.
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
    /// The ledger could not be opened, written or synced. What was not acknowledged may or may not be in it.
    Io = 74,
    /// Timetable, rules or token cannot be loaded.
    Config = 78,
}

/// Makes a panic of any thread end the whole process with 70: the departures of a core that is gone would be silent, and
/// everything acknowledged is in the ledger. A hook, because nothing else runs where panics abort.
pub(super) fn exit_on_panic() {
    let report = panic::take_hook();
    panic::set_hook(Box::new(move |panic| {
        report(panic);
        process::exit(ExitCode::Software as i32);
    }));
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::thread;

    const CHILD: &str = "SEATHOLD_TEST_PANICS";

    #[test]
    fn a_panic_of_any_thread_ends_the_process_with_70() {
        if std::env::var_os(CHILD).is_some() {
            exit_on_panic();
            let _ = thread::spawn(|| panic!("as the test wants")).join();
            unreachable!("the process has ended");
        }
        let name = "server::exit::tests::a_panic_of_any_thread_ends_the_process_with_70";
        let mut child = process::Command::new(std::env::current_exe().unwrap());
        let ended = child.args(["--exact", name, "--nocapture"]).env(CHILD, "1").output().unwrap();
        assert_eq!(ended.status.code(), Some(70), "{}", String::from_utf8_lossy(&ended.stderr));
    }
}
