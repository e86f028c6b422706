//! Where a feed's files come from: a folder or a .zip. One file at a time is in memory, and none without a bound.

use std::fs::File;
use std::io::{self, BufReader, Read};
use std::path::{Path, PathBuf};

use zip::ZipArchive;
use zip::result::ZipError;

use crate::catalog::Problem;

/// Bytes of one file, unpacked: a hundred times the larger national feed's. It is held in memory while it is read,
/// and a small archive can unpack to anything.
const FILE_BYTES_MAX: u64 = 256 << 20;

/// An open feed.
pub(super) enum Files {
    Folder(PathBuf),
    Zip(Box<ZipArchive<BufReader<File>>>),
}

impl Files {
    pub(super) fn open(path: &Path) -> Result<Self, Problem> {
        let fail = |text: String| Problem::in_file(path.display().to_string(), text);
        let metadata = path.metadata().map_err(|error| fail(format!("cannot be opened: {error}")))?;
        if metadata.is_dir() {
            return Ok(Self::Folder(path.to_owned()));
        }
        let file = File::open(path).map_err(|error| fail(format!("cannot be opened: {error}")))?;
        let archive = ZipArchive::new(BufReader::new(file))
            .map_err(|error| fail(format!("is neither a folder nor a zip file: {error}")))?;
        Ok(Self::Zip(Box::new(archive)))
    }

    /// The text of a file without its byte order mark, or `None` if the feed does not have it.
    pub(super) fn read(&mut self, name: &'static str) -> Result<Option<String>, Problem> {
        let bytes = match self {
            Self::Folder(folder) => match File::open(folder.join(name)) {
                Ok(file) => read_bounded(file),
                Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
                Err(error) => Err(error),
            },
            Self::Zip(archive) => match archive.by_name(name) {
                Ok(file) => read_bounded(file),
                Err(ZipError::FileNotFound) => return Ok(None),
                Err(error) => Err(error.into()),
            },
        };
        let bytes = bytes.map_err(|error| Problem::in_file(name, format!("cannot be read: {error}")))?;
        let mut text = String::from_utf8(bytes).map_err(|error| {
            let good = &error.as_bytes()[..error.utf8_error().valid_up_to()];
            let line = 1 + good.iter().filter(|byte| **byte == b'\n').count() as u64;
            Problem::at(name, line, "is not UTF-8 text, as GTFS demands")
        })?;
        if text.starts_with('\u{feff}') {
            text.drain(..'\u{feff}'.len_utf8());
        }
        Ok(Some(text))
    }

    /// The text of a file that every feed has.
    pub(super) fn read_required(&mut self, name: &'static str) -> Result<String, Problem> {
        self.read(name)?
            .ok_or_else(|| Problem::in_file(name, "is missing, and no feed is complete without it"))
    }
}

fn read_bounded(file: impl Read) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    file.take(FILE_BYTES_MAX + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > FILE_BYTES_MAX {
        return Err(io::Error::other(format!("it has more than {FILE_BYTES_MAX} bytes")));
    }
    Ok(bytes)
}
