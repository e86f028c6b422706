//! Reads one segment front to back in large pieces. Recovery and the reader both stand on it.

use std::io;

use super::disk::{DiskFile, read_full_at};
use super::group::{self, ALIGN, GROUP_HEADER_BYTES, GroupView};
use super::segment::{HEADER_BYTES, SegmentHeader};

/// Bytes asked for at once: large enough for the disk, small enough for the second-level cache.
const READ_BYTES: usize = 1 << 20;

/// The groups of one segment.
#[derive(Debug)]
pub(super) struct SegmentScan<F> {
    file: F,
    header: SegmentHeader,
    /// Where the next group begins.
    offset: u64,
    buffer: Vec<u8>,
    /// Where in the file the buffer begins.
    window: u64,
    filled: usize,
}

/// What stands behind the place where the groups end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Behind {
    /// Where a whole group with a higher number begins, if there is one.
    pub(super) group_at: Option<u64>,
    /// Where the last byte that is not zero ends.
    pub(super) end: u64,
}

impl<F: DiskFile> SegmentScan<F> {
    pub(super) fn new(file: F, header: SegmentHeader) -> Self {
        Self { file, header, offset: HEADER_BYTES as u64, buffer: Vec::new(), window: 0, filled: 0 }
    }

    pub(super) fn header(&self) -> &SegmentHeader {
        &self.header
    }

    /// Where the next group begins.
    pub(super) fn offset(&self) -> u64 {
        self.offset
    }

    pub(super) fn into_file(self) -> F {
        self.file
    }

    /// Forgets what was read ahead, so that bytes written since are seen.
    pub(super) fn refresh(&mut self) {
        self.filled = 0;
    }

    /// The next group with the place where it begins. None if there is no whole group: the scan stays there.
    pub(super) fn next_group(&mut self) -> io::Result<Option<(u64, GroupView<'_>)>> {
        let at = self.offset;
        let (segment, room) = (self.header.segment, self.header.bytes.saturating_sub(at));
        let header = self.bytes_at(at, GROUP_HEADER_BYTES)?;
        let Some(bytes) = group::claimed_bytes(header, segment, room) else {
            return Ok(None);
        };
        self.fill(at, bytes)?;
        // Not through `bytes_at`: the offset moves while the view is borrowed.
        let start = (at - self.window) as usize;
        let frame = self.buffer.get(start..(start + bytes).min(self.filled)).unwrap_or_default();
        let group = if frame.len() == bytes { GroupView::decode(frame) } else { None };
        if group.is_some() {
            self.offset += bytes as u64;
        }
        Ok(group.map(|group| (at, group)))
    }

    /// Whether the next group is whole. The scan stays where it is.
    pub(super) fn peek_group(&mut self) -> io::Result<bool> {
        let at = self.offset;
        let whole = self.next_group()?.is_some();
        self.offset = at;
        Ok(whole)
    }

    /// Searches the rest of the segment for a whole group that comes after `expected`, the one that is not there.
    pub(super) fn behind(&mut self, expected: u64) -> io::Result<Behind> {
        let segment = self.header.segment;
        let mut behind = Behind { group_at: None, end: self.offset };
        let mut at = self.offset;
        while at < self.header.bytes {
            let piece = self.bytes_at(at, READ_BYTES)?;
            // A header's first three words must be in one piece: pieces overlap by two words.
            let words = piece.len() / ALIGN;
            let mut candidates = Vec::new();
            for (index, word) in piece.chunks_exact(ALIGN).enumerate() {
                if word == [0; ALIGN] {
                    continue;
                }
                let place = at + (index * ALIGN) as u64;
                behind.end = place + ALIGN as u64;
                let segment_word = piece.get((index + 1) * ALIGN..(index + 2) * ALIGN);
                if segment_word.is_some_and(|found| found == segment.to_le_bytes()) {
                    candidates.push(place);
                }
            }
            for place in candidates {
                if behind.group_at.is_none() && self.is_later_group(place, expected)? {
                    behind.group_at = Some(place);
                }
            }
            let last_piece = at + (words * ALIGN) as u64 >= self.header.bytes;
            let step = if last_piece { words } else { words.saturating_sub(2) };
            if step == 0 {
                break;
            }
            at += (step * ALIGN) as u64;
        }
        Ok(behind)
    }

    fn is_later_group(&self, at: u64, expected: u64) -> io::Result<bool> {
        let mut header = [0; GROUP_HEADER_BYTES];
        if read_full_at(&self.file, &mut header, at)? < header.len() {
            return Ok(false);
        }
        let Some(bytes) = group::claimed_bytes(&header, self.header.segment, self.header.bytes - at) else {
            return Ok(false);
        };
        let mut frame = vec![0; bytes];
        let read = read_full_at(&self.file, &mut frame, at)?;
        Ok(read == bytes && GroupView::decode(&frame).is_some_and(|group| group.group > expected))
    }

    /// Up to `bytes` bytes from `at` on; fewer only at the end of the file.
    fn bytes_at(&mut self, at: u64, bytes: usize) -> io::Result<&[u8]> {
        self.fill(at, bytes)?;
        let start = ((at - self.window) as usize).min(self.filled);
        Ok(&self.buffer[start..(start + bytes).min(self.filled)])
    }

    /// Makes the buffer hold `bytes` bytes from `at` on, if the file has them.
    fn fill(&mut self, at: u64, bytes: usize) -> io::Result<()> {
        let held = self.window..self.window + self.filled as u64;
        if held.contains(&at) && at + bytes as u64 <= held.end {
            return Ok(());
        }
        let mut kept = 0;
        if held.contains(&at) {
            let start = (at - self.window) as usize;
            self.buffer.copy_within(start..self.filled, 0);
            kept = self.filled - start;
        }
        self.window = at;
        self.filled = kept;
        let size = bytes.max(READ_BYTES.min(self.header.bytes as usize));
        if self.buffer.len() < size {
            self.buffer.resize(size, 0);
        }
        self.filled += read_full_at(&self.file, &mut self.buffer[kept..], at + kept as u64)?;
        Ok(())
    }
}
