//! A bit of the ledger flips while nobody runs. A start on it refuses, or it is noticed nowhere because nothing rests on that
//! bit; only the last group, which looks torn then, may be missing.

use crate::branch::{Branch, Counts};
use crate::disk::SimDisk;
use crate::node::open_file;
use rand_xoshiro::Xoshiro256PlusPlus;
use seathold_protocol::batch::Batch;

/// Flips a bit in a copy of the disk, as a start after a crash would find it.
pub(crate) fn flip(
    disk: &SimDisk,
    random: &mut Xoshiro256PlusPlus,
    counts: &mut Counts,
) -> Result<(), String> {
    let (sound, rotten) = (disk.copy().restart(), disk.copy().restart());
    let Some(place) = rotten.flip(random) else { return Ok(()) };
    let whole = read(&sound)?;
    let Ok(found) = read(&rotten) else {
        counts.bump(Branch::RotRefused);
        return Ok(());
    };
    if found == whole {
        counts.bump(Branch::RotHarmless);
        return Ok(());
    }
    // Batches of the last group go together; each group holds one batch of a partition at most, or a run of them.
    let last_group = whole.len() - found.len();
    if found.len() < whole.len() && found[..] == whole[..found.len()] && last_group <= LAST_GROUP_MAX {
        counts.bump(Branch::TornTail);
        return Ok(());
    }
    Err(format!("I3: with {place} flipped a start finds {} of {} batches", found.len(), whole.len()))
}

/// Batches that one append may hold: one of each partition.
const LAST_GROUP_MAX: usize = crate::node::PARTITIONS as usize;

fn read(disk: &SimDisk) -> Result<Vec<Batch>, String> {
    let mut found = Vec::new();
    open_file(disk, |batch| {
        found.push(batch);
        Ok(())
    })?;
    Ok(found)
}
