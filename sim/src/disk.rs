//! A directory that lives in memory and fails like a real one.
//!
//! * What was not synced is there for the running process, and after a crash each 512-byte sector of it is there or
//!   not. Names that were not synced are there up to some operation and not beyond.
//! * A failed sync forgets what it should have written: the process still sees it, no later sync writes it
//!   (as page caches do).
//! * Each life of the process has its own `SimDisk`: handles of an earlier life fail.

use std::collections::BTreeMap;
use std::io::{Error, ErrorKind, Result};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard};

use rand::{RngExt, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;
use seathold::ledger::file::{Disk, DiskFile};

const SECTOR: usize = 512;

/// What goes wrong. Countdowns count operations that change something: 0 is the next one.
#[derive(Clone, Debug, Default)]
pub struct Faults {
    /// The power goes in this many operations: a write is done in part, and everything after it fails.
    pub power_off_in: Option<u64>,
    /// The sync after this many others fails, once.
    pub sync_fails_in: Option<u64>,
    /// The write after this many others fails with an I/O error, once.
    pub write_fails_in: Option<u64>,
    /// Bytes that all files together may have.
    pub capacity: Option<u64>,
    /// Writes take only some of their bytes.
    pub short_writes: bool,
}

/// The directory, as one life of the process sees it.
#[derive(Clone)]
pub struct SimDisk {
    state: Arc<Mutex<State>>,
    life: u64,
}

/// An open file.
pub struct SimFile {
    disk: SimDisk,
    id: usize,
}

#[derive(Clone)]
struct State {
    rng: Xoshiro256PlusPlus,
    life: u64,
    faults: Faults,
    files: Vec<Contents>,
    names: BTreeMap<String, usize>,
    durable_names: BTreeMap<String, usize>,
    /// Changes of names since the last sync of the directory.
    renames: Vec<NameChange>,
}

#[derive(Clone)]
enum NameChange {
    Create(String, usize),
    Rename(String, String),
    Remove(String),
}

#[derive(Clone, Default)]
struct Contents {
    now: Vec<u8>,
    durable: Vec<u8>,
    /// Sectors that the next sync writes.
    dirty: Vec<bool>,
}

impl SimDisk {
    /// An empty directory.
    pub fn new(seed: u64) -> Self {
        let state = State {
            rng: Xoshiro256PlusPlus::seed_from_u64(seed),
            life: 0,
            faults: Faults::default(),
            files: Vec::new(),
            names: BTreeMap::new(),
            durable_names: BTreeMap::new(),
            renames: Vec::new(),
        };
        Self { state: Arc::new(Mutex::new(state)), life: 0 }
    }

    /// Changes what goes wrong.
    pub fn faults(&self, change: impl FnOnce(&mut Faults)) {
        change(&mut self.lock().faults);
    }

    /// The process died, the machine did not: everything that was written is there. Faults are over.
    pub fn restart(&self) -> Self {
        let mut state = self.lock();
        state.life += 1;
        state.faults = Faults::default();
        Self { state: self.state.clone(), life: state.life }
    }

    /// The machine died: what was not synced is there in part. Faults are over.
    pub fn crash(&self) -> Self {
        {
            let state = &mut *self.lock();
            let kept = state.rng.random_range(0..=state.renames.len());
            let changes: Vec<NameChange> = state.renames.drain(..).take(kept).collect();
            changes.into_iter().for_each(|change| change.apply(&mut state.durable_names));
            state.names = state.durable_names.clone();
            // All, none or some: a torn write is one case of three.
            let keep_percent = [0, 50, 100][state.rng.random_range(0..3)];
            for file in &mut state.files {
                file.crash(|| state.rng.random_range(0..100) < keep_percent);
            }
        }
        self.restart()
    }

    /// The same directory on another disk, with what it holds now and the same faults.
    pub fn copy(&self) -> Self {
        let state = self.lock().clone();
        Self { state: Arc::new(Mutex::new(state)), life: self.life }
    }

    /// Flips a bit of a file, and says where. None if there is no byte.
    pub fn flip(&self, random: &mut Xoshiro256PlusPlus) -> Option<String> {
        let state = &mut *self.lock();
        let filled = |id: &&usize| !state.files[**id].now.is_empty();
        let names: Vec<_> = state.names.iter().filter(|(_, id)| filled(id)).collect();
        let (name, id) = *names.get(random.random_range(0..names.len().max(1)))?;
        let file = &mut state.files[*id];
        // What is behind the last byte that is not zero says little, and is most of a file.
        let used = file.now.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
        let behind = used == 0 || random.random_range(0..4) == 0;
        let place = random.random_range(0..if behind { file.now.len() } else { used });
        let bit = random.random_range(0..8);
        file.now[place] ^= 1 << bit;
        Some(format!("bit {bit} of byte {place} of {name}"))
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("no test panics inside the disk")
    }

    /// The state, if this life goes on and the power is on.
    fn live(&self) -> Result<MutexGuard<'_, State>> {
        let state = self.lock();
        if state.life != self.life || state.faults.power_off_in == Some(0) {
            return Err(Error::other("the power is off"));
        }
        Ok(state)
    }

    fn change_names(&self, change: NameChange) -> Result<()> {
        let mut state = self.live()?;
        if state.power_goes() {
            return Err(Error::other("the power goes"));
        }
        change.clone().apply(&mut state.names);
        state.renames.push(change);
        Ok(())
    }

    fn find(&self, name: &str) -> Result<usize> {
        self.live()?.names.get(name).copied().ok_or(ErrorKind::NotFound.into())
    }
}

impl State {
    /// Counts one operation; true if the power goes in it.
    fn power_goes(&mut self) -> bool {
        if let Some(left) = &mut self.faults.power_off_in {
            *left -= 1;
            return *left == 0;
        }
        false
    }

    /// Bytes that files may still grow.
    fn room(&self) -> u64 {
        let used: usize = self.names.values().map(|id| self.files[*id].now.len()).sum();
        self.faults.capacity.map_or(u64::MAX, |capacity| capacity.saturating_sub(used as u64))
    }
}

impl NameChange {
    fn apply(self, names: &mut BTreeMap<String, usize>) {
        match self {
            Self::Create(name, id) => {
                names.insert(name, id);
            }
            Self::Rename(from, to) => {
                let id = names.remove(&from).expect("renames come after what made the name");
                names.insert(to, id);
            }
            Self::Remove(name) => {
                names.remove(&name);
            }
        }
    }
}

impl Contents {
    fn write(&mut self, bytes: &[u8], offset: usize) {
        let end = offset + bytes.len();
        if self.now.len() < end {
            self.now.resize(end, 0);
            self.dirty.resize(end.div_ceil(SECTOR), true);
        }
        self.now[offset..end].copy_from_slice(bytes);
        self.dirty[offset / SECTOR..end.div_ceil(SECTOR)].fill(true);
    }

    fn sync(&mut self) {
        self.durable.resize(self.now.len(), 0);
        self.keep_dirty(|| true);
    }

    fn crash(&mut self, mut keep: impl FnMut() -> bool) {
        if keep() {
            self.durable.resize(self.now.len(), 0);
        }
        self.keep_dirty(keep);
        self.now.clone_from(&self.durable);
        self.dirty.truncate(self.now.len().div_ceil(SECTOR));
    }

    fn keep_dirty(&mut self, mut keep: impl FnMut() -> bool) {
        let sectors = self.now.chunks(SECTOR).zip(self.durable.chunks_mut(SECTOR));
        for ((now, durable), dirty) in sectors.zip(&mut self.dirty) {
            if std::mem::take(dirty) && keep() {
                durable.copy_from_slice(&now[..durable.len()]);
            }
        }
    }
}

impl Disk for SimDisk {
    type File = SimFile;

    fn list(&self) -> Result<Vec<String>> {
        Ok(self.live()?.names.keys().cloned().collect())
    }

    fn open(&self, name: &str) -> Result<SimFile> {
        Ok(SimFile { id: self.find(name)?, disk: self.clone() })
    }

    fn create(&self, name: &str) -> Result<SimFile> {
        let id = {
            let mut state = self.live()?;
            if state.names.contains_key(name) {
                return Err(ErrorKind::AlreadyExists.into());
            }
            state.files.push(Contents::default());
            state.files.len() - 1
        };
        self.change_names(NameChange::Create(name.to_owned(), id))?;
        Ok(SimFile { disk: self.clone(), id })
    }

    fn rename(&self, from: &str, to: &str) -> Result<()> {
        self.find(from)?;
        self.change_names(NameChange::Rename(from.to_owned(), to.to_owned()))
    }

    fn remove(&self, name: &str) -> Result<()> {
        self.find(name)?;
        self.change_names(NameChange::Remove(name.to_owned()))
    }

    fn sync_directory(&self) -> Result<()> {
        let mut state = self.live()?;
        if state.power_goes() {
            return Err(Error::other("the power goes"));
        }
        state.renames.clear();
        state.durable_names = state.names.clone();
        Ok(())
    }

    fn path(&self, name: &str) -> PathBuf {
        PathBuf::from("sim").join(name)
    }
}

impl DiskFile for SimFile {
    fn bytes(&self) -> Result<u64> {
        Ok(self.disk.live()?.files[self.id].now.len() as u64)
    }

    fn read_at(&self, into: &mut [u8], offset: u64) -> Result<usize> {
        let state = self.disk.live()?;
        let bytes = state.files[self.id].now.get(offset as usize..).unwrap_or_default();
        let count = bytes.len().min(into.len());
        into[..count].copy_from_slice(&bytes[..count]);
        Ok(count)
    }

    fn write_at(&self, bytes: &[u8], offset: u64) -> Result<usize> {
        let mut state = self.disk.live()?;
        let state = &mut *state;
        if fires(&mut state.faults.write_fails_in) {
            return Err(Error::other("the disk failed to write"));
        }
        let room =
            (state.files[self.id].now.len() as u64).saturating_add(state.room()).saturating_sub(offset);
        if room == 0 {
            return Err(ErrorKind::StorageFull.into());
        }
        let mut count = bytes.len().min(usize::try_from(room).unwrap_or(usize::MAX));
        let power_goes = state.power_goes();
        if power_goes || (state.faults.short_writes && state.rng.random_range(0..4) == 0) {
            count = state.rng.random_range(1..=count);
        }
        state.files[self.id].write(&bytes[..count], offset as usize);
        if power_goes { Err(Error::other("the power goes")) } else { Ok(count) }
    }

    fn sync(&self) -> Result<()> {
        let mut state = self.disk.live()?;
        if state.power_goes() {
            return Err(Error::other("the power goes"));
        }
        if fires(&mut state.faults.sync_fails_in) {
            state.files[self.id].dirty.fill(false);
            return Err(Error::other("the disk failed to sync"));
        }
        state.files[self.id].sync();
        Ok(())
    }
}

/// Counts down a fault; true when it is due.
fn fires(countdown: &mut Option<u64>) -> bool {
    match countdown {
        Some(0) => {
            *countdown = None;
            true
        }
        Some(left) => {
            *left -= 1;
            false
        }
        None => false,
    }
}
