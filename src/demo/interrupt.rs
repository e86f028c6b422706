//! Ctrl-C in the middle of a run: neither a child nor the temporary directory stays behind.

use super::options::Directory;
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;
use std::io;
use std::process::Child;
use std::sync::{Arc, Mutex, MutexGuard};
use std::thread;

/// What a shell reports for a process that a signal ended, less the signal's number.
const SIGNALLED: i32 = 128;

/// The children to kill before a signal ends the demo.
pub(super) struct Interrupt {
    children: Arc<Mutex<Vec<Arc<Mutex<Child>>>>>,
}

impl Interrupt {
    /// From now on a signal to end kills the children, removes the directory if it is a temporary one, and ends the process.
    pub(super) fn arm(directory: &Directory) -> io::Result<Self> {
        let mut signals = Signals::new([SIGHUP, SIGINT, SIGTERM])?;
        let temporary = match directory {
            Directory::Temporary(directory) => Some(directory.path().to_owned()),
            Directory::Given(_) => None,
        };
        let children = Arc::<Mutex<Vec<Arc<Mutex<Child>>>>>::default();
        let to_kill = Arc::clone(&children);
        thread::Builder::new().name("interrupt".to_owned()).spawn(move || {
            let Some(signal) = signals.forever().next() else { return };
            // All of them locked until the process ends, so that none is started again.
            let children = to_kill.lock().expect("nobody panics with the children locked");
            let mut locked: Vec<_> = children
                .iter()
                .map(|child| child.lock().expect("nobody panics with a child locked"))
                .collect();
            for child in &mut locked {
                // It may have ended already: Ctrl-C on a terminal goes to it too.
                let _ = child.kill();
                let _ = child.wait();
            }
            if let Some(path) = temporary {
                let _ = std::fs::remove_dir_all(path);
            }
            std::process::exit(SIGNALLED + signal);
        })?;
        Ok(Self { children })
    }

    /// Where a child that is being started is added. While this is held no signal ends the process.
    pub(super) fn children(&self) -> MutexGuard<'_, Vec<Arc<Mutex<Child>>>> {
        self.children.lock().expect("nobody panics with the children locked")
    }
}
