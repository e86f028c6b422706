//! A group: all batches of one append in one frame.
//!
//! ```text
//!   0 crc32c u32 (of all that follows) │ frame bytes u32 (header and padding included, a multiple of 8)
//!   8 segment u64 │ group u64 │ oldest segment needed u64
//!  32 batches u32 │ 0 u32
//!  40 batches, then zeros up to a multiple of 8
//! ```
//!
//! The frame's length is never 0, so zeros are no group.

use seathold_protocol::batch::{BATCH_HEADER_BYTES, Batch, BatchView};
use seathold_protocol::codec::{DecodeError, Put, Reader};

/// Bytes before the first batch.
pub(super) const GROUP_HEADER_BYTES: usize = 40;

/// Groups begin at multiples of this, so that a search for one has few places to look at.
pub(super) const ALIGN: usize = 8;

/// The shortest frame: one batch without records.
pub(super) const FRAME_BYTES_MIN: usize = GROUP_HEADER_BYTES + BATCH_HEADER_BYTES;

const CRC_BYTES: usize = 4;

/// Bytes of a frame with batches of `batch_bytes` in all.
pub(super) fn frame_bytes(batch_bytes: usize) -> usize {
    (GROUP_HEADER_BYTES + batch_bytes).next_multiple_of(ALIGN)
}

/// Writes the frame of `batches` into `out`.
pub(super) fn encode(out: &mut Vec<u8>, segment: u64, group: u64, oldest: u64, batches: &[&Batch]) {
    out.clear();
    out.put_u32(0);
    out.put_u32(0);
    out.put_u64(segment);
    out.put_u64(group);
    out.put_u64(oldest);
    out.put_u32(batches.len() as u32);
    out.put_u32(0);
    for batch in batches {
        batch.encode(out);
    }
    out.resize(out.len().next_multiple_of(ALIGN), 0);
    let bytes = u32::try_from(out.len()).expect("a frame fits a segment");
    out[CRC_BYTES..8].copy_from_slice(&bytes.to_le_bytes());
    let crc = crc32c::crc32c(&out[CRC_BYTES..]);
    out[..CRC_BYTES].copy_from_slice(&crc.to_le_bytes());
}

/// The length that a frame's header claims, if it can be one of `segment` and fits into `room`.
pub(super) fn claimed_bytes(header: &[u8], segment: u64, room: u64) -> Option<usize> {
    let mut reader = Reader::new(header);
    reader.u32().ok()?;
    let bytes = reader.u32().ok()?;
    let fits = bytes as usize >= FRAME_BYTES_MIN && u64::from(bytes) <= room;
    (fits && (bytes as usize).is_multiple_of(ALIGN) && reader.u64().ok()? == segment)
        .then_some(bytes as usize)
}

/// A group in somebody else's buffer, its checksum verified.
#[derive(Clone, Copy, Debug)]
pub(super) struct GroupView<'a> {
    /// Counts the ledger's groups from 1, across segments, without gaps.
    pub(super) group: u64,
    /// Segments below this one were not needed any more when the group was written.
    pub(super) oldest: u64,
    batches: u32,
    body: &'a [u8],
}

impl<'a> GroupView<'a> {
    /// Reads a frame of the length that its header claims. None if it is not what was written.
    pub(super) fn decode(frame: &'a [u8]) -> Option<Self> {
        let mut reader = Reader::new(frame);
        let crc = reader.u32().ok()?;
        if crc32c::crc32c(&frame[CRC_BYTES..]) != crc {
            return None;
        }
        let (_bytes, _segment) = (reader.u32().ok()?, reader.u64().ok()?);
        let (group, oldest) = (reader.u64().ok()?, reader.u64().ok()?);
        let (batches, zero) = (reader.u32().ok()?, reader.u32().ok()?);
        let body = reader.bytes(reader.remaining()).ok()?;
        (batches > 0 && zero == 0).then_some(Self { group, oldest, batches, body })
    }

    /// The batches in order, each with the byte of the frame where it begins. Nothing after an error counts.
    pub(super) fn batches(
        &self,
    ) -> impl Iterator<Item = (usize, Result<BatchView<'a>, DecodeError>)> + use<'a> {
        let mut reader = Reader::new(self.body);
        let end = GROUP_HEADER_BYTES + self.body.len();
        (0..self.batches).map(move |_| (end - reader.remaining(), BatchView::decode(&mut reader)))
    }
}

#[cfg(test)]
mod tests {
    use seathold_protocol::batch::Position;

    use super::*;

    fn frame() -> Vec<u8> {
        let batch = |partition, payload: &[u8]| Batch {
            partition,
            position: Position { epoch: 1, sequence: 1 },
            previous_epoch: 0,
            stamp: Default::default(),
            records: 0,
            payload: payload.to_vec(),
        };
        let mut out = Vec::new();
        encode(&mut out, 5, 77, 3, &[&batch(0, b""), &batch(1, b"abc")]);
        out
    }

    #[test]
    fn what_is_written_is_read() {
        let frame = frame();
        assert_eq!(frame.len(), frame_bytes(2 * BATCH_HEADER_BYTES + 3));
        assert_eq!(claimed_bytes(&frame, 5, frame.len() as u64), Some(frame.len()));
        let view = GroupView::decode(&frame).unwrap();
        assert_eq!((view.group, view.oldest), (77, 3));
        let payloads: Vec<_> = view
            .batches()
            .map(|(at, batch)| batch.map(|batch| (at, batch.partition, batch.payload)).unwrap())
            .collect();
        let second = GROUP_HEADER_BYTES + BATCH_HEADER_BYTES;
        assert_eq!(payloads, [(GROUP_HEADER_BYTES, 0, &b""[..]), (second, 1, b"abc")]);
    }

    #[test]
    fn another_segments_frame_or_one_that_does_not_fit_is_none() {
        let frame = frame();
        assert_eq!(claimed_bytes(&frame, 6, frame.len() as u64), None);
        assert_eq!(claimed_bytes(&frame, 5, frame.len() as u64 - 1), None);
        assert_eq!(claimed_bytes(&[0; GROUP_HEADER_BYTES], 0, 4096), None);
        assert_eq!(claimed_bytes(&frame[..15], 5, 4096), None);
    }

    #[test]
    fn every_flipped_bit_is_noticed() {
        let mut frame = frame();
        for bit in 0..frame.len() * 8 {
            frame[bit / 8] ^= 1 << (bit % 8);
            assert!(GroupView::decode(&frame).is_none(), "bit {bit}");
            frame[bit / 8] ^= 1 << (bit % 8);
        }
    }
}
