//! The next segment, zeroed ahead. Writing zeros first makes the later sync one of data alone, about twice as fast; it
//! also finds a full disk before an append does. Apart from the log because another thread does it while the log appends:
//! in pieces, and no faster than the log needs, because the log's syncs wait behind the zeros'.

use std::io;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use super::disk::{Disk, DiskFile, write_all_at};
use super::segment::{self, SegmentHeader};
use crate::sys::point;

const SPARE: &str = "spare";
const RECYCLED: &str = "recycled";

/// Zeros written and synced at once: a sync of the log beside it waits for no more than this.
const PIECE_BYTES: u64 = 512 << 10;
static ZEROS: [u8; PIECE_BYTES as usize] = [0; PIECE_BYTES as usize];

/// How much faster the spare is zeroed than the active segment fills.
const AHEAD: u64 = 2;

/// The spare of one directory.
#[derive(Debug)]
pub(super) struct Spare<D: Disk> {
    disk: Arc<D>,
    bytes: u64,
    state: Mutex<State<D::File>>,
    changed: Condvar,
}

#[derive(Debug)]
struct State<F> {
    /// The spare, once it is begun, unless somebody works on it.
    file: Option<F>,
    /// Bytes of the spare that are zeroed and synced.
    zeroed: u64,
    /// Bytes of it that should be by now.
    due: u64,
    /// Somebody zeroes a piece, or makes the spare a segment.
    making: bool,
    /// A segment lies there that durably lost its old name.
    recycled: bool,
    /// The worker should end.
    stop: bool,
}

impl<D: Disk> Spare<D> {
    /// The spare of `disk`, for segments of `bytes`, all of it due: nobody waits for the log yet. The names of the
    /// directory are durable and in `names`.
    pub(super) fn new(disk: Arc<D>, bytes: u64, names: &[String]) -> Self {
        let recycled = names.iter().any(|name| name == RECYCLED);
        let state = State { file: None, zeroed: 0, due: bytes, making: false, recycled, stop: false };
        Self { disk, bytes, state: Mutex::new(state), changed: Condvar::new() }
    }

    /// Zeroes what is left of the spare.
    pub(super) fn prepare(&self) -> io::Result<()> {
        while self.prepare_piece(self.bytes)? {}
        Ok(())
    }

    /// Zeroes a piece of what is due. False when there is nothing.
    pub(super) fn prepare_due(&self) -> io::Result<bool> {
        let due = self.state().due;
        self.prepare_piece(due)
    }

    /// Tells how much of the active segment is full.
    pub(super) fn keep_ahead_of(&self, filled: u64) {
        let due = (filled * AHEAD).min(self.bytes);
        let mut state = self.state();
        if due >= state.due + PIECE_BYTES || due == self.bytes && due > state.due {
            state.due = due;
            self.changed.notify_all();
        }
    }

    /// Zeroes a piece, unless `due` bytes are; waits for another thread that zeroes one.
    fn prepare_piece(&self, due: u64) -> io::Result<bool> {
        let mut state = self.state();
        while state.making {
            state = self.wait(state);
        }
        let from = state.zeroed;
        if from >= due {
            return Ok(false);
        }
        state.making = true;
        let begun = state.file.take();
        let recycled = begun.is_none() && std::mem::take(&mut state.recycled);
        drop(state);
        let begun = begun.map_or_else(|| self.begin(recycled), Ok);
        let made = begun.and_then(|file| Ok((self.zero(&file, from)?, file)));
        if made.is_err() {
            // The room is better used by others, and after a failed sync nothing in the file can be trusted.
            let _absent_or_stuck = self.disk.remove(SPARE);
        }
        let mut state = self.state();
        state.making = false;
        state.zeroed = 0;
        self.changed.notify_all();
        let (zeroed, file) = made?;
        (state.zeroed, state.file) = (zeroed, Some(file));
        Ok(true)
    }

    /// Zeroes the piece that begins at `from`; where it ends.
    fn zero(&self, file: &D::File, from: u64) -> io::Result<u64> {
        let length = (self.bytes - from).min(PIECE_BYTES);
        write_all_at(file, &ZEROS[..length as usize], from).map_err(|failed| failed.error)?;
        point("spare::zeroed");
        file.sync()?;
        Ok(from + length)
    }

    /// The file to zero: the recycled one, or one that lies there and is not too long.
    fn begin(&self, recycled: bool) -> io::Result<D::File> {
        if recycled {
            self.disk.rename(RECYCLED, SPARE)?;
        }
        if self.disk.list()?.iter().any(|name| name == SPARE) {
            let file = self.disk.open(SPARE)?;
            if file.bytes()? <= self.bytes {
                return Ok(file);
            }
            drop(file);
            self.disk.remove(SPARE)?;
        }
        self.disk.create(SPARE)
    }

    /// Makes the spare the segment of `header`: its header synced first, then its name.
    pub(super) fn take(&self, header: &SegmentHeader) -> Result<D::File, TakeError> {
        self.prepare().map_err(TakeError::Prepare)?;
        let mut state = self.state();
        (state.zeroed, state.due) = (0, 0);
        // Until it has its new name nobody may zero it.
        state.making = true;
        let file = state.file.take().expect("what is zeroed is open");
        drop(state);
        let named = self.name(file, header);
        self.state().making = false;
        self.changed.notify_all();
        named
    }

    fn name(&self, file: D::File, header: &SegmentHeader) -> Result<D::File, TakeError> {
        write_all_at(&file, &header.encode(), 0).map_err(|failed| TakeError::Prepare(failed.error))?;
        point("spare::headed");
        file.sync().map_err(TakeError::Prepare)?;
        point("spare::synced");
        self.disk.rename(SPARE, &segment::name(header.segment)).map_err(TakeError::Name)?;
        point("spare::named");
        self.disk.sync_directory().map_err(TakeError::Name)?;
        Ok(file)
    }

    /// Takes back a segment that is not needed any more, or removes it if one waits already.
    pub(super) fn recycle(&self, segment: u64) -> io::Result<()> {
        let name = segment::name(segment);
        let mut state = self.state();
        if state.recycled {
            point("spare::removing");
            return self.disk.remove(&name);
        }
        self.disk.rename(&name, RECYCLED)?;
        point("spare::recycled");
        // Zeros must not show under the old name after a crash.
        self.disk.sync_directory()?;
        state.recycled = true;
        Ok(())
    }

    /// Waits until some of the spare is due. False when the log is gone.
    pub(super) fn wait_until_due(&self) -> bool {
        let mut state = self.state();
        while state.zeroed >= state.due && !state.stop {
            state = self.wait(state);
        }
        !state.stop
    }

    /// Waits until the log is gone, but no longer than `timeout`.
    pub(super) fn wait_for_stop(&self, timeout: std::time::Duration) {
        let state = self.state();
        let _woken_early_is_fine =
            self.changed.wait_timeout_while(state, timeout, |state| !state.stop && state.zeroed < state.due);
    }

    /// Ends the worker.
    pub(super) fn stop(&self) {
        self.state().stop = true;
        self.changed.notify_all();
    }

    // A thread that panicked while it held the lock left a state that is still true: each field is set in one step.
    fn state(&self) -> MutexGuard<'_, State<D::File>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wait<'a>(&self, state: MutexGuard<'a, State<D::File>>) -> MutexGuard<'a, State<D::File>> {
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

#[cfg(test)]
mod tests {
    use super::super::directory::Directory;
    use super::*;
    use std::os::unix::fs::FileExt as _;

    const BYTES: u64 = 8 * PIECE_BYTES;

    fn header(segment: u64) -> SegmentHeader {
        SegmentHeader { ledger: 1, partitions: 1, segment, bytes: BYTES, first_group: 0 }
    }

    /// Zeroes all that is due, and tells how long the spare is then.
    fn zero_due(spare: &Spare<Directory>) -> u64 {
        while spare.prepare_due().unwrap() {}
        let file = spare.disk.open(SPARE).map(|file| file.bytes().unwrap());
        file.unwrap_or_default()
    }

    #[test]
    fn all_of_it_is_zeroed_at_the_start_and_then_twice_as_fast_as_the_log_fills() {
        let directory = tempfile::tempdir().unwrap();
        let spare = Spare::new(Arc::new(Directory::lock(directory.path()).unwrap()), BYTES, &[]);
        assert_eq!(zero_due(&spare), BYTES);
        spare.take(&header(1)).unwrap();
        assert_eq!(zero_due(&spare), 0);
        for (filled, zeroed) in [(PIECE_BYTES / 4, 0), (PIECE_BYTES, 2), (5 * PIECE_BYTES / 2, 5), (BYTES, 8)]
        {
            spare.keep_ahead_of(filled);
            assert_eq!(zero_due(&spare), zeroed * PIECE_BYTES, "with {filled} bytes of the log");
        }
    }

    #[test]
    fn a_segment_that_comes_back_while_a_spare_is_begun_waits_for_its_turn() {
        let directory = tempfile::tempdir().unwrap();
        let spare = Spare::new(Arc::new(Directory::lock(directory.path()).unwrap()), BYTES, &[]);
        spare.take(&header(1)).unwrap();
        std::fs::OpenOptions::new()
            .write(true)
            .open(directory.path().join(segment::name(1)))
            .unwrap()
            .write_all_at(&[7; 9], segment::HEADER_BYTES as u64)
            .unwrap();
        spare.keep_ahead_of(PIECE_BYTES / 2);
        assert_eq!(zero_due(&spare), PIECE_BYTES);
        spare.recycle(1).unwrap();
        for next in [2, 3] {
            spare.take(&header(next)).unwrap();
            let made = std::fs::read(directory.path().join(segment::name(next))).unwrap();
            assert_eq!(made.len() as u64, BYTES);
            assert!(made[segment::HEADER_BYTES..].iter().all(|byte| *byte == 0), "segment {next}");
        }
    }
}
