//! Ctrl-C in the middle of a run: neither the server nor the temporary directory stays behind.

use super::options::Directory;
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;
use std::io;
use std::process::Child;
use std::sync::{Arc, Mutex};
use std::thread;

/// What a shell reports for a process that a signal ended, less the signal's number.
const SIGNALLED: i32 = 128;

/// From now on a signal to end kills the server, removes the directory if it is a temporary one, and ends the process.
pub(super) fn clean_up_on_signal(server: Arc<Mutex<Child>>, directory: &Directory) -> io::Result<()> {
    let mut signals = Signals::new([SIGHUP, SIGINT, SIGTERM])?;
    let temporary = match directory {
        Directory::Temporary(directory) => Some(directory.path().to_owned()),
        Directory::Given(_) => None,
    };
    thread::Builder::new().name("interrupt".to_owned()).spawn(move || {
        let Some(signal) = signals.forever().next() else { return };
        // Locked until the process ends, so that no other server is started.
        let mut server = server.lock().expect("nobody panics with the server locked");
        // It may have ended already: Ctrl-C on a terminal goes to it too.
        let _ = server.kill();
        let _ = server.wait();
        if let Some(path) = temporary {
            let _ = std::fs::remove_dir_all(path);
        }
        std::process::exit(SIGNALLED + signal);
    })?;
    Ok(())
}
