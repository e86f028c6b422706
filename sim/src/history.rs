//! Every batch that any process filled, and those that a log took: what a recovered ledger may hold, and what it must.

use seathold_protocol::batch::{Batch, Position};
use std::collections::{BTreeMap, BTreeSet};

#[derive(Default)]
pub(crate) struct History {
    /// Checksums, by partition and position: a batch that a crash took back has its position filled again.
    filled: BTreeMap<(u16, Position), BTreeSet<u32>>,
    /// By partition, the last batch that was acknowledged.
    acknowledged: BTreeMap<u16, (Position, u32)>,
    /// By partition and epoch, the process whose batches were acknowledged in it.
    terms: BTreeMap<(u16, u64), u64>,
    processes: u64,
    /// Two processes in one epoch.
    shared: Option<String>,
}

fn checksum(batch: &Batch) -> u32 {
    let mut bytes = Vec::with_capacity(batch.encoded_bytes());
    batch.encode(&mut bytes);
    crc32c::crc32c(&bytes)
}

impl History {
    pub(crate) fn fill(&mut self, batch: &Batch) {
        self.filled.entry((batch.partition, batch.position)).or_default().insert(checksum(batch));
    }

    /// A number for a process that begins to serve.
    pub(crate) fn begin(&mut self) -> u64 {
        self.processes += 1;
        self.processes
    }

    pub(crate) fn acknowledge(&mut self, batch: &Batch, process: u64) {
        let term = (batch.partition, batch.position.epoch);
        let owner = *self.terms.entry(term).or_insert(process);
        if owner != process {
            self.shared = Some(format!("I9: processes {owner} and {process} both wrote in {term:?}"));
        }
        self.acknowledged.insert(batch.partition, (batch.position, checksum(batch)));
    }

    /// Whether all that was acknowledged is in these batches, as far as they were not trimmed.
    pub(crate) fn is_whole(&self, batches: &[Batch]) -> bool {
        self.lost(batches).is_none()
    }

    /// Judges what was recovered.
    pub(crate) fn compare(&self, recovered: &[Batch]) -> Result<(), String> {
        if let Some(shared) = &self.shared {
            return Err(shared.clone());
        }
        for batch in recovered {
            let place = (batch.partition, batch.position);
            if !self.filled.get(&place).is_some_and(|sums| sums.contains(&checksum(batch))) {
                return Err(format!("I4: nobody filled the batch {place:?}"));
            }
        }
        match self.lost(recovered) {
            None => Ok(()),
            Some((partition, position)) => Err(format!(
                "I3: the batch {position:?} of partition {partition} was acknowledged and is lost"
            )),
        }
    }

    fn lost(&self, batches: &[Batch]) -> Option<(u16, Position)> {
        let mut first: BTreeMap<u16, u64> = BTreeMap::new();
        let mut found = BTreeSet::new();
        for batch in batches {
            first.entry(batch.partition).or_insert(batch.position.sequence);
            found.insert((batch.partition, batch.position, checksum(batch)));
        }
        let is_lost = |(partition, (position, sum)): &(&u16, &(Position, u32))| {
            let trimmed = first.get(*partition).is_some_and(|first| *first > position.sequence);
            !trimmed && !found.contains(&(**partition, *position, *sum))
        };
        let lost = self.acknowledged.iter().find(is_lost);
        lost.map(|(partition, (position, _))| (*partition, *position))
    }
}
