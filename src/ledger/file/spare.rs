//! The next segment, zeroed ahead. Writing zeros first makes the later sync one of data alone, about twice as fast; it
//! also finds a full disk before an append does. Apart from the log because another thread does it while the log appends.

use std::io;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use super::disk::{Disk, DiskFile, write_all_at};
use super::segment::{self, SegmentHeader};

const SPARE: &str = "spare";
const RECYCLED: &str = "recycled";

/// Zeros written at once.
const WRITE_BYTES: usize = 1 << 20;

/// Zeros written between two syncs, so that a sync of the log beside it waits for no more than this.
const SYNC_BYTES: u64 = 8 << 20;

/// The spare of one directory.
#[derive(Debug)]
pub(super) struct Spare<D> {
    disk: Arc<D>,
    bytes: u64,
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Clone, Copy, Debug, Default)]
struct State {
    /// The spare is zeroed and synced.
    ready: bool,
    /// Somebody zeroes it.
    making: bool,
    /// A segment lies there that durably lost its old name.
    recycled: bool,
    /// The worker should end.
    stop: bool,
}

impl<D: Disk> Spare<D> {
    /// The spare of `disk`, for segments of `bytes`. The names of the directory are durable and in `names`.
    pub(super) fn new(disk: Arc<D>, bytes: u64, names: &[String]) -> Self {
        let recycled = names.iter().any(|name| name == RECYCLED);
        Self {
            disk,
            bytes,
            state: Mutex::new(State { recycled, ..State::default() }),
            changed: Condvar::new(),
        }
    }

    /// Zeroes the spare, unless it is ready; waits for another thread that does so.
    pub(super) fn prepare(&self) -> io::Result<()> {
        let mut state = self.state();
        while state.making {
            state = self.wait(state);
        }
        if state.ready {
            return Ok(());
        }
        state.making = true;
        let taken = if state.recycled { self.disk.rename(RECYCLED, SPARE) } else { Ok(()) };
        state.recycled = false;
        drop(state);
        let made = taken.and_then(|()| self.make());
        if made.is_err() {
            // The room is better used by others, and after a failed sync nothing in the file can be trusted.
            let _absent_or_stuck = self.disk.remove(SPARE);
        }
        let mut state = self.state();
        state.making = false;
        state.ready = made.is_ok();
        self.changed.notify_all();
        made
    }

    fn make(&self) -> io::Result<()> {
        let old = self.disk.list()?.iter().any(|name| name == SPARE);
        let mut file = if old { self.disk.open(SPARE)? } else { self.disk.create(SPARE)? };
        if file.bytes()? > self.bytes {
            drop(file);
            self.disk.remove(SPARE)?;
            file = self.disk.create(SPARE)?;
        }
        let zeros = vec![0; WRITE_BYTES];
        let mut at = 0;
        while at < self.bytes {
            let length = (self.bytes - at).min(WRITE_BYTES as u64);
            write_all_at(&file, &zeros[..length as usize], at).map_err(|failed| failed.error)?;
            at += length;
            if at == self.bytes || at.is_multiple_of(SYNC_BYTES) {
                file.sync()?;
            }
        }
        Ok(())
    }

    /// Makes the spare the segment of `header`: its header synced first, then its name.
    pub(super) fn take(&self, header: &SegmentHeader) -> Result<D::File, TakeError> {
        self.prepare().map_err(TakeError::Prepare)?;
        let mut state = self.state();
        state.ready = false;
        // Until it has its new name nobody may zero it.
        state.making = true;
        drop(state);
        let named = self.name(header);
        self.state().making = false;
        self.changed.notify_all();
        named
    }

    fn name(&self, header: &SegmentHeader) -> Result<D::File, TakeError> {
        let file = self.disk.open(SPARE).map_err(TakeError::Prepare)?;
        write_all_at(&file, &header.encode(), 0).map_err(|failed| TakeError::Prepare(failed.error))?;
        file.sync().map_err(TakeError::Prepare)?;
        self.disk.rename(SPARE, &segment::name(header.segment)).map_err(TakeError::Name)?;
        self.disk.sync_directory().map_err(TakeError::Name)?;
        Ok(file)
    }

    /// Takes back a segment that is not needed any more, or removes it if one waits already.
    pub(super) fn recycle(&self, segment: u64) -> io::Result<()> {
        let name = segment::name(segment);
        let mut state = self.state();
        if state.recycled {
            return self.disk.remove(&name);
        }
        self.disk.rename(&name, RECYCLED)?;
        // Zeros must not show under the old name after a crash.
        self.disk.sync_directory()?;
        state.recycled = true;
        Ok(())
    }

    /// Waits until a spare is wanted. False when the log is gone.
    pub(super) fn wait_until_wanted(&self) -> bool {
        let mut state = self.state();
        while state.ready && !state.stop {
            state = self.wait(state);
        }
        !state.stop
    }

    /// Waits until the log is gone, but no longer than `timeout`.
    pub(super) fn wait_for_stop(&self, timeout: std::time::Duration) {
        let state = self.state();
        let _woken_early_is_fine =
            self.changed.wait_timeout_while(state, timeout, |state| !state.stop && !state.ready);
    }

    /// Ends the worker.
    pub(super) fn stop(&self) {
        self.state().stop = true;
        self.changed.notify_all();
    }

    // A thread that panicked while it held the lock left a state that is still true: each field is set in one step.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wait<'a>(&self, state: MutexGuard<'a, State>) -> MutexGuard<'a, State> {
        self.changed.wait(state).unwrap_or_else(PoisonError::into_inner)
    }
}

/// Why the spare did not become a segment.
#[derive(Debug)]
pub(super) enum TakeError {
    /// Nothing has happened to the log; without room it may be tried again.
    Prepare(io::Error),
    /// Whether the segment has its name is unknown.
    Name(io::Error),
}

impl TakeError {
    pub(super) fn into_error(self) -> io::Error {
        match self {
            Self::Prepare(error) | Self::Name(error) => error,
        }
    }
}
