//! Reading a directory from outside, without its lock and beside the process that writes: for `audit` and `tail`.

use seathold_protocol::batch::BatchView;
use seathold_protocol::codec::DecodeError;

use super::disk::Disk;
use super::error::{Damaged, OpenError};
use super::open::{Segments, open_segment};
use super::replay::Replay;
use super::scan::SegmentScan;
use super::segment::{self, SegmentHeader};

/// Reads batches in order up to the present tail, as often as asked.
#[derive(Debug)]
pub struct FileReader<D: Disk> {
    disk: D,
    first: SegmentHeader,
    scan: SegmentScan<D::File>,
    replay: Replay,
    segments: Segments,
}

impl<D: Disk> FileReader<D> {
    /// Opens the directory at its oldest segment. A directory without a ledger is refused as `Missing`.
    pub fn open(disk: D) -> Result<Self, OpenError> {
        let segments = find(&disk)?;
        let oldest = segments.run.first().copied().unwrap_or(1);
        let (file, first) = open_segment(&disk, oldest, None)?;
        let mut replay = Replay::new(&first, u64::MAX);
        replay.begin(&first);
        Ok(Self { disk, first, scan: SegmentScan::new(file, first), replay, segments })
    }

    /// Partitions of the ledger, from its header.
    pub fn partitions(&self) -> u16 {
        self.first.partitions
    }

    /// Whether the ledger's oldest segments are gone, so that reading begins in the middle of its history.
    pub fn is_trimmed(&self) -> bool {
        self.first.segment > 1
    }

    /// Hands every batch from where it stopped last time to the present tail to `each`, in order. A group that is
    /// being written is not there yet. An error of `each` counts as damage at its batch.
    pub fn for_each(
        &mut self,
        mut each: impl FnMut(BatchView<'_>) -> Result<(), DecodeError>,
    ) -> Result<(), OpenError> {
        self.scan.refresh();
        loop {
            self.read_segment(&mut each)?;
            let next = self.scan.header().segment + 1;
            let run = find(&self.disk)?.run;
            if run.first().is_some_and(|oldest| *oldest > next) {
                return Err(OpenError::Trimmed { file: self.path() });
            }
            if !run.contains(&next) {
                return Ok(());
            }
            // The next segment exists, so this one is whole now: what came in before it was begun is read first.
            self.scan.refresh();
            self.read_segment(&mut each)?;
            let opened = open_segment(&self.disk, next, Some(&self.first));
            let (file, header) = opened.map_err(|error| match error {
                // It was there a moment ago.
                OpenError::Missing { file } => OpenError::Trimmed { file },
                other => other,
            })?;
            if header.first_group != self.replay.group {
                return Err(self.fault(format!(
                    "group {} should be here, and a later segment follows",
                    self.replay.group
                )));
            }
            self.replay.begin(&header);
            self.scan = SegmentScan::new(file, header);
        }
    }

    /// Checks what recovery would check after `for_each`, beyond the groups themselves: that no segment is missing and
    /// that nothing whole follows the tail. Returns how many torn bytes follow; a group that is being written looks
    /// torn.
    pub fn check_tail(&mut self) -> Result<u64, OpenError> {
        self.segments.check_oldest(&self.disk, self.replay.oldest)?;
        self.scan.refresh();
        let path = self.path();
        let failed = |error| OpenError::io("read", &path, error);
        let behind = self.scan.behind(self.replay.group).map_err(failed)?;
        let Some(at) = behind.group_at else {
            return Ok(behind.end - self.scan.offset());
        };
        // The writer may have got there between two reads; then the group in question is whole by now.
        self.scan.refresh();
        if self.scan.peek_group().map_err(failed)? {
            return Ok(0);
        }
        Err(self
            .fault(format!("group {} should be here, and a later one follows at {at}", self.replay.group)))
    }

    fn read_segment(
        &mut self,
        each: &mut impl FnMut(BatchView<'_>) -> Result<(), DecodeError>,
    ) -> Result<(), OpenError> {
        let path = self.path();
        while let Some((at, group)) =
            self.scan.next_group().map_err(|error| OpenError::io("read", &path, error))?
        {
            let taken = self.replay.group(at, &group, each);
            taken.map_err(|(offset, reason)| Damaged { file: path.clone(), offset, reason })?;
        }
        Ok(())
    }

    /// A fault at the present place, unless the segment was taken away while it was read.
    fn fault(&self, reason: String) -> OpenError {
        let file = self.path();
        match find(&self.disk) {
            Ok(now) if now.run.contains(&self.scan.header().segment) => {
                Damaged { file, offset: self.scan.offset(), reason }.into()
            }
            Ok(_) => OpenError::Trimmed { file },
            Err(error) => error,
        }
    }

    fn path(&self) -> std::path::PathBuf {
        self.disk.path(&segment::name(self.scan.header().segment))
    }
}

fn find<D: Disk>(disk: &D) -> Result<Segments, OpenError> {
    let names = disk.list().map_err(|error| OpenError::io("list", &disk.path(""), error))?;
    Ok(Segments::find(&names))
}
