//! Where the groups of a log lie, told by the lengths in their frames (`src/ledger/file/group.rs`), for those who damage one on
//! purpose.

use crate::ChaosError;
use rand::{Rng, RngExt};
use std::fs::File;
use std::io;
use std::ops::Range;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

/// Where the first group of a segment begins.
const FIRST_GROUP: usize = 4_096;

/// Where a group's number stands in it.
const NUMBER: Range<usize> = 16..24;

/// What a disk writes whole or not at all.
const SECTOR_BYTES: usize = 512;

/// The groups of a segment.
pub fn groups(segment: &[u8]) -> Vec<Range<usize>> {
    let mut groups = Vec::new();
    let mut at = FIRST_GROUP;
    while let Some(length) = segment.get(at + 4..at + 8) {
        let bytes = u32::from_le_bytes(length.try_into().expect("these are four bytes")) as usize;
        if bytes == 0 {
            break;
        }
        groups.push(at..at + bytes);
        at += bytes;
    }
    groups
}

/// Leaves a torn write at the end of a ledger: the next group, of whose sectors some arrive and others do not. Its contents are those
/// of the largest group so far. False if there is none that has more than a sector.
pub(crate) fn tear(ledger: &Path, random: &mut impl Rng) -> Result<bool, ChaosError> {
    let Some(path) = newest(ledger)? else { return Ok(false) };
    let bytes = std::fs::read(&path)?;
    let groups = groups(&bytes);
    let (Some(last), Some(largest)) = (groups.last(), groups.iter().max_by_key(|group| group.len())) else {
        return Ok(false);
    };
    let mut group = bytes[largest.clone()].to_vec();
    let number = u64::from_le_bytes(bytes[last.start..][NUMBER].try_into().expect("these are eight bytes"));
    group[NUMBER].copy_from_slice(&(number + 1).to_le_bytes());
    // The first sector has the end of the group before it.
    let start = last.end - last.end % SECTOR_BYTES;
    let mut write = bytes[start..last.end].to_vec();
    write.extend(group);
    let sectors: Vec<&[u8]> = write.chunks(SECTOR_BYTES).collect();
    if sectors.len() < 2 || start + write.len() > bytes.len() {
        return Ok(false);
    }
    let arrives = random.random_range(0..sectors.len());
    let is_lost = (arrives + random.random_range(1..sectors.len())) % sectors.len();
    let segment = File::options().write(true).open(path)?;
    for (at, sector) in sectors.into_iter().enumerate() {
        if at == arrives || at != is_lost && random.random() {
            segment.write_all_at(sector, (start + at * SECTOR_BYTES) as u64)?;
        }
    }
    segment.sync_all()?;
    Ok(true)
}

/// The segment that is written to; none before the first.
fn newest(ledger: &Path) -> io::Result<Option<PathBuf>> {
    let entries = match std::fs::read_dir(ledger) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        entries => entries?,
    };
    let paths = entries.map(|entry| Ok(entry?.path())).collect::<io::Result<Vec<_>>>()?;
    // The names are numbers of one length.
    Ok(paths.into_iter().filter(|path| path.extension().is_some_and(|end| end == "log")).max())
}
