//! The real disk: a directory of the file system, locked by the one process that writes.

use std::fs::{File, OpenOptions, TryLockError};
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use super::disk::{Disk, DiskFile};
use super::error::OpenError;
use super::segment;

const LOCK: &str = "lock";

/// A directory, and the right to write to it if it was locked.
#[derive(Debug)]
pub struct Directory {
    path: PathBuf,
    handle: File,
    /// Held for as long as the directory may be written.
    lock: Option<File>,
}

impl Directory {
    /// Takes a directory for writing, and creates it if it is not there. Refused while another process has it, and when
    /// it is somebody else's.
    pub fn lock(path: &Path) -> Result<Self, OpenError> {
        create(path).map_err(|error| OpenError::io("create", path, error))?;
        if is_foreign(path).map_err(|error| OpenError::io("list", path, error))? {
            return Err(OpenError::NotALedger { directory: path.to_owned() });
        }
        let handle = File::open(path).map_err(|error| OpenError::io("open", path, error))?;
        let lock_path = path.join(LOCK);
        let lock = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .open(&lock_path)
            .map_err(|error| OpenError::io("open", &lock_path, error))?;
        match lock.try_lock() {
            Ok(()) => Ok(Self { path: path.to_owned(), handle, lock: Some(lock) }),
            Err(TryLockError::WouldBlock) => Err(OpenError::InUse { directory: path.to_owned() }),
            Err(TryLockError::Error(error)) => Err(OpenError::io("lock", &lock_path, error)),
        }
    }

    /// Takes a directory for reading only, whoever writes to it.
    pub fn read_only(path: &Path) -> Result<Self, OpenError> {
        let handle = File::open(path).map_err(|error| OpenError::io("open", path, error))?;
        Ok(Self { path: path.to_owned(), handle, lock: None })
    }
}

/// Creates a directory durably: each new name is synced in the directory that holds it.
fn create(path: &Path) -> io::Result<()> {
    let missing = path.ancestors().take_while(|part| !part.as_os_str().is_empty() && !part.exists());
    let missing: Vec<&Path> = missing.collect();
    std::fs::create_dir_all(path)?;
    for created in missing {
        let parent = created.parent().filter(|parent| !parent.as_os_str().is_empty());
        File::open(parent.unwrap_or(Path::new(".")))?.sync_all()?;
    }
    Ok(())
}

/// Whether a directory has files and none that a ledger leaves. A file system of its own begins with `lost+found`.
fn is_foreign(path: &Path) -> io::Result<bool> {
    let mut empty = true;
    for entry in std::fs::read_dir(path)? {
        let name = entry?.file_name();
        let name = name.to_string_lossy();
        if name == LOCK || segment::number(&name).is_some() {
            return Ok(false);
        }
        empty &= name == "lost+found";
    }
    Ok(!empty)
}

impl Disk for Directory {
    type File = File;

    fn list(&self) -> io::Result<Vec<String>> {
        let mut names = Vec::new();
        for entry in std::fs::read_dir(&self.path)? {
            // A name that is not UTF-8 is none of ours.
            names.extend(entry?.file_name().into_string());
        }
        Ok(names)
    }

    fn open(&self, name: &str) -> io::Result<File> {
        OpenOptions::new().read(true).write(self.lock.is_some()).open(self.path(name))
    }

    fn create(&self, name: &str) -> io::Result<File> {
        OpenOptions::new().read(true).write(true).create_new(true).open(self.path(name))
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        std::fs::rename(self.path(from), self.path(to))
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        std::fs::remove_file(self.path(name))
    }

    fn sync_directory(&self) -> io::Result<()> {
        self.handle.sync_all()
    }

    fn path(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }
}

impl DiskFile for File {
    fn bytes(&self) -> io::Result<u64> {
        Ok(self.metadata()?.len())
    }

    fn read_at(&self, into: &mut [u8], offset: u64) -> io::Result<usize> {
        FileExt::read_at(self, into, offset)
    }

    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<usize> {
        FileExt::write_at(self, bytes, offset)
    }

    fn sync(&self) -> io::Result<()> {
        self.sync_data()
    }
}
