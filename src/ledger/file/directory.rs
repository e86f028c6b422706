//! The real disk: a directory of the file system, locked by the one process that writes.

use rustix::fs::{Access, access};
use std::fs::{File, OpenOptions, TryLockError};
use std::io;
use std::os::unix::fs::{FileExt, MetadataExt};
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
        std::fs::create_dir_all(path).map_err(|error| OpenError::io("create", path, error))?;
        match contents(path).map_err(|error| OpenError::io("list", path, error))? {
            Contents::Segments => {}
            Contents::Nothing => {
                sync_name(path).map_err(|error| OpenError::io("sync the name of", path, error))?;
            }
            Contents::Foreign => return Err(OpenError::NotALedger { directory: path.to_owned() }),
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

/// What a directory has.
enum Contents {
    /// A ledger's segments.
    Segments,
    /// Nothing yet, or what a start left behind that was ended. A file system of its own begins with `lost+found`.
    Nothing,
    /// Files, and none that a ledger leaves.
    Foreign,
}

fn contents(path: &Path) -> io::Result<Contents> {
    let (mut is_ours, mut is_empty) = (false, true);
    for entry in std::fs::read_dir(path)? {
        let name = entry?.file_name();
        let name = name.to_string_lossy();
        if segment::number(&name).is_some() {
            return Ok(Contents::Segments);
        }
        is_ours |= name == LOCK;
        is_empty &= name == "lost+found";
    }
    Ok(if is_ours || is_empty { Contents::Nothing } else { Contents::Foreign })
}

/// Makes the name of a directory durable, and those on the way to it: this start created some of them, or an earlier one that was
/// ended before it synced them. Up to the root of the file system, or to what this process may not look at.
fn sync_name(path: &Path) -> io::Result<()> {
    let is_denied = |error: &io::Error| error.kind() == io::ErrorKind::PermissionDenied;
    let mut child = path.metadata()?;
    let mut parent = path.join("..");
    loop {
        let above = match parent.metadata() {
            Err(error) if is_denied(&error) => return Ok(()),
            above => above?,
        };
        if above.dev() != child.dev() || above.ino() == child.ino() {
            return Ok(());
        }
        match File::open(&parent) {
            // Into what this process may not write it has put no name either.
            Err(error) if is_denied(&error) && access(&parent, Access::WRITE_OK).is_err() => {}
            parent => parent?.sync_all()?,
        }
        child = above;
        parent.push("..");
    }
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
