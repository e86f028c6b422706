//! Opening for writing: checks every group, hands every batch to the caller in order, mends a torn tail.

use std::sync::Arc;

use seathold_protocol::batch::BatchView;
use seathold_protocol::codec::DecodeError;

use super::super::tails::Tails;
use super::append::FileLog;
use super::disk::{Disk, DiskFile, read_full_at, write_all_at};
use super::error::{Damaged, OpenError};
use super::open::{Segments, open_segment};
use super::options::Options;
use super::replay::Replay;
use super::scan::SegmentScan;
use super::segment::{self, HEADER_BYTES, SegmentHeader};
use super::spare::Spare;
use crate::sys::point;

/// A directory that was opened and not yet read.
#[derive(Debug)]
pub struct Recovery<D: Disk> {
    disk: Arc<D>,
    options: Options,
    names: Vec<String>,
    segments: Segments,
    first: SegmentHeader,
}

impl<D: Disk> FileLog<D> {
    /// Opens the ledger of a directory, and creates it if there is none. `Recovery::for_each` goes on.
    pub fn open(disk: D, options: Options) -> Result<Recovery<D>, OpenError> {
        let room = options.segment_bytes.saturating_sub(HEADER_BYTES as u64);
        assert!(room > 0 && options.segment_bytes.is_multiple_of(4096), "segments are made of whole blocks");
        let disk = Arc::new(disk);
        let of_directory = |doing| {
            let path = disk.path("");
            move |error| OpenError::Io { doing, path: path.clone(), error }
        };
        // What the last process did to the names may not be on the disk yet.
        disk.sync_directory().map_err(of_directory("sync"))?;
        let mut names = disk.list().map_err(of_directory("list"))?;
        if Segments::find(&names).run.is_empty() {
            let header = SegmentHeader {
                ledger: options.ledger,
                partitions: options.partitions,
                segment: 1,
                bytes: options.segment_bytes,
                first_group: 1,
            };
            let created = Spare::new(disk.clone(), options.segment_bytes, &names).take(&header);
            created.map_err(|failed| of_directory("create the first segment in")(failed.into_error()))?;
            point("recovery::created");
            names = disk.list().map_err(of_directory("list"))?;
        }
        let segments = Segments::find(&names);
        let (_file, first) = open_segment(&*disk, segments.run[0], None)?;
        Ok(Recovery { disk, options, names, segments, first })
    }
}

impl<D: Disk> Recovery<D> {
    /// Partitions of the ledger, from its header.
    pub fn partitions(&self) -> u16 {
        self.first.partitions
    }

    /// Reads the whole log and hands every batch to `each`, in order. An error of `each` counts as damage at its
    /// batch. The log that comes back stands behind the last whole group. Nothing is written unless all is well.
    pub fn for_each(
        self,
        mut each: impl FnMut(BatchView<'_>) -> Result<(), DecodeError>,
    ) -> Result<FileLog<D>, OpenError> {
        let mut replay = Replay::new(&self.first, self.options.keep_bytes);
        let mut last = None;
        for (index, &number) in self.segments.run.iter().enumerate() {
            let (file, header) = open_segment(&*self.disk, number, Some(&self.first))?;
            let mut scan = SegmentScan::new(file, header);
            let path = self.disk.path(&segment::name(number));
            let damaged = |offset, reason| OpenError::from(Damaged { file: path.clone(), offset, reason });
            let failed = |error| OpenError::io("read", &path, error);
            if index > 0 && header.first_group != replay.group {
                return Err(self.lost_end(number - 1, &replay));
            }
            replay.begin(&header);
            while let Some((at, group)) = scan.next_group().map_err(failed)? {
                replay.group(at, &group, &mut each).map_err(|(offset, reason)| damaged(offset, reason))?;
            }
            replay.end = scan.offset();
            last = Some((scan, header));
        }
        self.segments.check_oldest(&*self.disk, replay.oldest)?;
        let (scan, header) = last.expect("a ledger has a segment");
        self.finish(scan, header, replay)
    }

    /// A segment that ends before the group with which the next one begins.
    fn lost_end(&self, segment: u64, replay: &Replay) -> OpenError {
        let file = self.disk.path(&segment::name(segment));
        let reason = format!("group {} should be here, and a later segment follows", replay.group);
        Damaged { file, offset: replay.end, reason }.into()
    }

    fn finish(
        self,
        mut scan: SegmentScan<D::File>,
        header: SegmentHeader,
        mut replay: Replay,
    ) -> Result<FileLog<D>, OpenError> {
        let path = self.disk.path(&segment::name(header.segment));
        let failed = |doing| {
            let path = path.clone();
            move |error| OpenError::Io { doing, path: path.clone(), error }
        };
        let behind = scan.behind(replay.group).map_err(failed("read"))?;
        if let Some(next) = behind.group_at {
            let reason = format!("group {} should be here, and a later one follows at {next}", replay.group);
            return Err(Damaged { file: path, offset: replay.end, reason }.into());
        }
        let file = scan.into_file();
        point("recovery::read");
        mend(&file, replay.last_group, replay.end, behind.end).map_err(failed("mend the end of"))?;

        point("recovery::mended");
        let spare = Spare::new(self.disk.clone(), self.options.segment_bytes, &self.names);
        for segment in self.segments.before {
            let name = segment::name(segment);
            self.disk
                .remove(&name)
                .map_err(|error| OpenError::io("remove", &self.disk.path(&name), error))?;
        }
        while let Some(segment) = replay.retention.forget_below(replay.oldest) {
            spare.recycle(segment).map_err(failed("recycle a segment older than"))?;
        }
        let positions = replay.tails.into_iter().map(Option::unwrap_or_default).collect();
        Ok(FileLog {
            spare: Arc::new(spare),
            active: file,
            header,
            offset: replay.end,
            group: replay.group,
            segment_bytes: self.options.segment_bytes,
            tails: Tails::new(positions),
            retention: replay.retention,
            frame: Vec::new(),
            broken: false,
        })
    }
}

/// Writes the last group once more, zeros what was torn behind it, and syncs both.
fn mend(file: &impl DiskFile, last_group: Option<u64>, end: u64, torn_end: u64) -> std::io::Result<()> {
    let from = last_group.unwrap_or(end);
    let mut bytes = vec![0; (torn_end.max(end) - from) as usize];
    let kept = (end - from) as usize;
    if read_full_at(file, &mut bytes[..kept], from)? < kept {
        return Err(std::io::ErrorKind::UnexpectedEof.into());
    }
    if torn_end > end {
        log::warn!("ledger: removing {} torn bytes that were never acknowledged", torn_end - end);
    }
    write_all_at(file, &bytes, from).map_err(|failed| failed.error)?;
    point("recovery::mending");
    file.sync()
}
