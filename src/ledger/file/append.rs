//! The writing half of the file log: one group, one write, one sync.

use std::io;
use std::sync::Arc;

use seathold_protocol::batch::{Batch, Position};

use super::super::log::{AppendError, Log};
use super::super::tails::Tails;
use super::disk::{Disk, DiskFile, is_no_space, write_all_at};
use super::group;
use super::retention::Retention;
use super::segment::{HEADER_BYTES, SegmentHeader};
use super::spare::{Spare, TakeError};
use crate::sys::point;

/// The log of a directory that this process writes.
#[derive(Debug)]
pub struct FileLog<D: Disk> {
    pub(super) spare: Arc<Spare<D>>,
    pub(super) active: D::File,
    pub(super) header: SegmentHeader,
    /// Where the next group goes.
    pub(super) offset: u64,
    /// The number of the next group.
    pub(super) group: u64,
    pub(super) segment_bytes: u64,
    pub(super) tails: Tails,
    pub(super) retention: Retention,
    pub(super) frame: Vec<u8>,
    /// A write or sync has failed: what is durable is unknown, and the next sync would hide it.
    pub(super) broken: bool,
}

impl<D: Disk> FileLog<D> {
    /// The tail of every partition.
    pub fn tails(&self) -> &[Position] {
        self.tails.positions()
    }

    /// Partitions of the ledger.
    pub fn partitions(&self) -> u16 {
        self.header.partitions
    }

    /// Zeroes what is left of the next segment now. `SpareWorker` does this on a thread of its own; without it, the append
    /// that begins a segment does.
    pub fn prepare_spare(&self) -> io::Result<()> {
        self.spare.prepare()
    }

    pub(super) fn spare(&self) -> Arc<Spare<D>> {
        self.spare.clone()
    }

    fn append_group(&mut self, batches: &[&Batch]) -> Result<(), AppendError> {
        let bytes = group::frame_bytes(batches.iter().map(|batch| batch.encoded_bytes()).sum());
        if self.offset + bytes as u64 > self.header.bytes {
            self.begin_segment()?;
        }
        let oldest = self.retention.oldest_needed(&self.tails);
        let mut frame = std::mem::take(&mut self.frame);
        group::encode(&mut frame, self.header.segment, self.group, oldest, batches);
        point("ledger::framed");
        let written = self.write(&frame);
        self.frame = frame;
        written?;
        point("ledger::synced");
        self.offset += bytes as u64;
        self.group += 1;
        for batch in batches {
            self.tails.advance(batch);
            self.retention.note(batch.partition, batch.position.sequence);
        }
        self.trim(oldest);
        self.spare.keep_ahead_of(self.offset);
        Ok(())
    }

    fn write(&mut self, frame: &[u8]) -> Result<(), AppendError> {
        match write_all_at(&self.active, frame, self.offset) {
            Ok(()) => {
                point("ledger::written");
                self.active.sync().map_err(|error| self.fail(error))
            }
            Err(failed) if failed.is_harmless() => Err(AppendError::NoSpace(failed.error)),
            Err(failed) => Err(self.fail(failed.error)),
        }
    }

    /// The active segment is full: the spare becomes the next one.
    fn begin_segment(&mut self) -> Result<(), AppendError> {
        let header = SegmentHeader {
            segment: self.header.segment + 1,
            bytes: self.segment_bytes,
            first_group: self.group,
            ..self.header
        };
        point("ledger::rotating");
        match self.spare.take(&header) {
            Ok(file) => {
                point("ledger::rotated");
                self.active = file;
                self.header = header;
                self.offset = HEADER_BYTES as u64;
                self.retention.begin(header.segment, header.bytes);
                Ok(())
            }
            Err(TakeError::Prepare(error)) if is_no_space(&error) => Err(AppendError::NoSpace(error)),
            Err(failed) => Err(self.fail(failed.into_error())),
        }
    }

    fn fail(&mut self, error: io::Error) -> AppendError {
        self.broken = true;
        AppendError::Broken(error)
    }

    /// Lets go of the segments below `oldest`, which a durable group tells.
    fn trim(&mut self, oldest: u64) {
        while let Some(segment) = self.retention.forget_below(oldest) {
            point("ledger::trimming");
            if let Err(error) = self.spare.recycle(segment) {
                log::warn!("ledger: cannot recycle segment {segment}: {error}; the next start removes it");
            }
        }
    }

    /// The longest run of `batches` that one segment can hold as a group.
    fn one_group<'a, 'b>(&self, batches: &'a [&'b Batch]) -> (&'a [&'b Batch], &'a [&'b Batch]) {
        let room = self.segment_bytes - HEADER_BYTES as u64;
        let mut bytes = 0;
        let fitting = batches.iter().take_while(|batch| {
            bytes += batch.encoded_bytes();
            group::frame_bytes(bytes) as u64 <= room
        });
        let count = fitting.count();
        assert!(count > 0, "a segment holds the longest batch");
        batches.split_at(count)
    }
}

impl<D: Disk> Log for FileLog<D> {
    fn append(&mut self, batches: &[&Batch]) -> Result<(), AppendError> {
        if self.broken {
            return Err(AppendError::Broken(io::Error::other("an earlier write has failed")));
        }
        let fresh = self.tails.select(batches)?;
        let mut rest = &fresh[..];
        while !rest.is_empty() {
            let (group, behind) = self.one_group(rest);
            self.append_group(group)?;
            rest = behind;
        }
        Ok(())
    }

    fn covered(&mut self, partition: u16, sequence: u64) {
        self.retention.cover(partition, sequence);
    }

    fn wants_compaction(&self) -> Option<Vec<(u16, u64)>> {
        self.retention.wants_compaction()
    }
}
