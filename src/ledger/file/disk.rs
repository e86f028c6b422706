//! What the file log needs of a disk, so that the same logic runs on a real directory and on a simulated disk that
//! crashes, tears and fills up.

use std::io;
use std::path::PathBuf;

/// One directory.
pub trait Disk: Send + Sync + 'static {
    /// An open file of it.
    type File: DiskFile;

    /// The names of all files.
    fn list(&self) -> io::Result<Vec<String>>;
    /// Opens a file that exists.
    fn open(&self, name: &str) -> io::Result<Self::File>;
    /// Creates a file that does not exist.
    fn create(&self, name: &str) -> io::Result<Self::File>;
    /// Gives a file another name; a file that had it is gone.
    fn rename(&self, from: &str, to: &str) -> io::Result<()>;
    /// Removes a file.
    fn remove(&self, name: &str) -> io::Result<()>;
    /// Makes all names durable.
    fn sync_directory(&self) -> io::Result<()>;
    /// Where a file is, for messages.
    fn path(&self, name: &str) -> PathBuf;
}

/// One open file. Reading and writing name their offset and share no cursor.
pub trait DiskFile: Send + 'static {
    /// Bytes of the file.
    fn bytes(&self) -> io::Result<u64>;
    /// Reads some bytes; 0 at the end of the file.
    fn read_at(&self, into: &mut [u8], offset: u64) -> io::Result<usize>;
    /// Writes some of the bytes, at least one.
    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<usize>;
    /// Makes all that was written durable.
    fn sync(&self) -> io::Result<()>;
}

/// A write that was not finished.
#[derive(Debug)]
pub(super) struct WriteError {
    pub(super) error: io::Error,
    /// Whether bytes before the error reached the file.
    pub(super) begun: bool,
}

impl WriteError {
    /// No room, and the file is as it was.
    pub(super) fn is_harmless(&self) -> bool {
        !self.begun && is_no_space(&self.error)
    }
}

/// Writes all bytes; short writes go on where they stopped.
pub(super) fn write_all_at(file: &impl DiskFile, bytes: &[u8], offset: u64) -> Result<(), WriteError> {
    let mut written = 0;
    while written < bytes.len() {
        match file.write_at(&bytes[written..], offset + written as u64) {
            Ok(0) => {
                return Err(WriteError { error: io::ErrorKind::WriteZero.into(), begun: written > 0 });
            }
            Ok(count) => written += count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(WriteError { error, begun: written > 0 }),
        }
    }
    Ok(())
}

/// Reads until `into` is full or the file ends; how many bytes that were.
pub(super) fn read_full_at(file: &impl DiskFile, into: &mut [u8], offset: u64) -> io::Result<usize> {
    let mut read = 0;
    while read < into.len() {
        match file.read_at(&mut into[read..], offset + read as u64) {
            Ok(0) => break,
            Ok(count) => read += count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(read)
}

/// Whether waiting for room is the answer.
pub(super) fn is_no_space(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded)
}
