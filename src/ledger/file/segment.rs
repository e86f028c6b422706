//! A segment's name and header.
//!
//! ```text
//!   0 "SEATHLOG" │ crc32c u32 (of all that follows) │ format u16 │ partitions u16
//!  16 ledger u128 │ segment u64 │ bytes u64 │ first group u64
//!  56 zeros up to 4096
//! ```

use std::io;

use seathold_protocol::codec::{DecodeError, Put, Reader};
use seathold_protocol::limits::PARTITIONS_MAX;

use super::disk::{Disk, DiskFile, read_full_at};
use super::error::{Damaged, OpenError};

/// The version of the segments' and groups' format.
pub(super) const FORMAT: u16 = 1;

/// Bytes before the first group: one block of the file system, so that no write of a group touches it.
pub(super) const HEADER_BYTES: usize = 4096;

const MAGIC: &[u8; 8] = b"SEATHLOG";
const CRC_END: usize = 12;
const SUFFIX: &str = ".log";

/// What a segment says about itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct SegmentHeader {
    /// The ledger that it belongs to.
    pub(super) ledger: u128,
    /// The ledger's number of partitions.
    pub(super) partitions: u16,
    /// Its number, from 1.
    pub(super) segment: u64,
    /// The size of the file.
    pub(super) bytes: u64,
    /// The number of the first group that it holds or will hold.
    pub(super) first_group: u64,
}

/// The file of a segment.
pub(super) fn name(segment: u64) -> String {
    format!("{segment:020}{SUFFIX}")
}

/// The segment that a file's name says, if it is one.
pub(super) fn number(name: &str) -> Option<u64> {
    let digits = name.strip_suffix(SUFFIX)?;
    let segment = digits.parse().ok().filter(|segment| *segment > 0)?;
    (self::name(segment) == name).then_some(segment)
}

impl SegmentHeader {
    pub(super) fn encode(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(HEADER_BYTES);
        out.extend_from_slice(MAGIC);
        out.put_u32(0);
        out.put_u16(FORMAT);
        out.put_u16(self.partitions);
        out.put_u128(self.ledger);
        out.put_u64(self.segment);
        out.put_u64(self.bytes);
        out.put_u64(self.first_group);
        out.resize(HEADER_BYTES, 0);
        let crc = crc32c::crc32c(&out[CRC_END..]);
        out[MAGIC.len()..CRC_END].copy_from_slice(&crc.to_le_bytes());
        out
    }

    /// Reads the header of `segment` and checks it against the file.
    pub(super) fn read<D: Disk>(disk: &D, file: &D::File, segment: u64) -> Result<Self, OpenError> {
        let path = disk.path(&name(segment));
        let failed = |error: io::Error| OpenError::io("read", &path, error);
        let damaged = |offset, reason: String| Damaged { file: path.clone(), offset, reason }.into();
        let mut block = [0; HEADER_BYTES];
        let bytes = file.bytes().map_err(failed)?;
        if read_full_at(file, &mut block, 0).map_err(failed)? < HEADER_BYTES {
            return Err(damaged(bytes, format!("the file ends after {bytes} bytes, inside its header")));
        }
        let (format, header) =
            Self::decode(&block).map_err(|_| damaged(0, "this is not the header of a segment".to_owned()))?;
        if format != FORMAT {
            return Err(OpenError::OtherFormat { file: path, found: format, expected: FORMAT });
        }
        if header.segment != segment {
            return Err(damaged(0, format!("this is segment {}, under the name of another", header.segment)));
        }
        if header.bytes != bytes {
            let offset = bytes.min(header.bytes);
            return Err(damaged(
                offset,
                format!("the file has {bytes} bytes and should have {}", header.bytes),
            ));
        }
        Ok(header)
    }

    fn decode(block: &[u8; HEADER_BYTES]) -> Result<(u16, Self), DecodeError> {
        let mut reader = Reader::new(block);
        let magic = reader.bytes(MAGIC.len())?;
        if magic != MAGIC || reader.u32()? != crc32c::crc32c(&block[CRC_END..]) {
            return Err(DecodeError::BadField("magic or checksum"));
        }
        let (format, partitions) = (reader.u16()?, reader.u16()?);
        let ledger = reader.u128()?;
        let (segment, bytes, first_group) = (reader.u64()?, reader.u64()?, reader.u64()?);
        if format == FORMAT && !(1..=PARTITIONS_MAX).contains(&partitions) {
            return Err(DecodeError::BadField("partitions"));
        }
        Ok((format, Self { ledger, partitions, segment, bytes, first_group }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_flipped_bit_of_a_header_is_noticed() {
        let header = SegmentHeader { ledger: 7, partitions: 16, segment: 3, bytes: 1 << 20, first_group: 99 };
        let mut block: [u8; HEADER_BYTES] = header.encode().try_into().unwrap();
        assert_eq!(SegmentHeader::decode(&block), Ok((FORMAT, header)));
        for bit in 0..HEADER_BYTES * 8 {
            block[bit / 8] ^= 1 << (bit % 8);
            assert!(SegmentHeader::decode(&block).is_err(), "bit {bit}");
            block[bit / 8] ^= 1 << (bit % 8);
        }
    }

    #[test]
    fn only_our_own_names_are_segments() {
        assert_eq!(number(&name(1)), Some(1));
        assert_eq!(number(&name(u64::MAX)), Some(u64::MAX));
        for other in
            ["1.log", "00000000000000000000.log", "+0000000000000000001.log", "spare", ".log", "lock"]
        {
            assert_eq!(number(other), None, "{other}");
        }
    }
}
