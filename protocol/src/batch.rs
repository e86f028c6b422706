//! Records packed for one partition: the unit of an append, and one entry of a Redis stream.
//!
//! ```text
//!   0 crc32c u32 (of all that follows) │ format u16 │ partition u16 │ records u32 │ payload bytes u32
//!  16 epoch u64 │ sequence u64 │ previous epoch u64 │ wall_ms i64 │ boot_ms u64 │ boot id u128
//!  72 payload: records, one after the other
//! ```

use crate::codec::{DecodeError, Put, Reader};
use crate::record::Record;

/// The version of the batch's and the records' format.
pub const FORMAT: u16 = 1;

/// Bytes before the payload.
pub const BATCH_HEADER_BYTES: usize = 72;

/// Bytes of the longest payload: what a partition may gather while its last batch is on its way.
pub const PAYLOAD_BYTES_MAX: usize = 4 << 20;

/// The clocks of a host at one moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stamp {
    /// Milliseconds since 1970-01-01 UTC, as the host believes.
    pub wall_ms: i64,
    /// Milliseconds since the host's boot, sleep included.
    pub boot_ms: u64,
    /// The boot's random id.
    pub boot_id: u128,
}

/// Where a batch stands in its partition's log.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Position {
    /// The owner's term; a higher one fences every lower one.
    pub epoch: u64,
    /// Counts the partition's batches from 1, across epochs, without gaps. 0 stands before the first.
    pub sequence: u64,
}

/// One batch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Batch {
    /// Of which partition.
    pub partition: u16,
    /// Its own position.
    pub position: Position,
    /// The epoch of the batch before it, whose sequence is one less: the log takes a batch only after that one.
    pub previous_epoch: u64,
    /// When it was filled.
    pub stamp: Stamp,
    /// How many records the payload has. An owner's first batch has none.
    pub records: u32,
    /// The records.
    pub payload: Vec<u8>,
}

impl Batch {
    /// The position that the log's tail must have.
    pub fn previous(&self) -> Position {
        Position { epoch: self.previous_epoch, sequence: self.position.sequence - 1 }
    }

    /// The batch as its reader sees it.
    pub fn view(&self) -> BatchView<'_> {
        BatchView {
            partition: self.partition,
            position: self.position,
            previous_epoch: self.previous_epoch,
            stamp: self.stamp,
            records: self.records,
            payload: &self.payload,
        }
    }

    /// Bytes of the encoded batch.
    pub fn encoded_bytes(&self) -> usize {
        BATCH_HEADER_BYTES + self.payload.len()
    }

    /// Appends the batch. Its payload is at most `PAYLOAD_BYTES_MAX`.
    pub fn encode(&self, out: &mut Vec<u8>) {
        let start = out.len();
        assert!(self.payload.len() <= PAYLOAD_BYTES_MAX, "no reader takes more than PAYLOAD_BYTES_MAX");
        out.put_u32(0);
        out.put_u16(FORMAT);
        out.put_u16(self.partition);
        out.put_u32(self.records);
        out.put_u32(self.payload.len() as u32);
        out.put_u64(self.position.epoch);
        out.put_u64(self.position.sequence);
        out.put_u64(self.previous_epoch);
        out.put_i64(self.stamp.wall_ms);
        out.put_u64(self.stamp.boot_ms);
        out.put_u128(self.stamp.boot_id);
        out.extend_from_slice(&self.payload);
        let crc = crc32c::crc32c(&out[start + 4..]);
        out[start..start + 4].copy_from_slice(&crc.to_le_bytes());
    }
}

/// A batch in somebody else's buffer, its checksum verified.
#[derive(Clone, Copy, Debug)]
pub struct BatchView<'a> {
    /// Of which partition.
    pub partition: u16,
    /// Its own position.
    pub position: Position,
    /// The epoch of the batch before it.
    pub previous_epoch: u64,
    /// When it was filled.
    pub stamp: Stamp,
    /// How many records the payload has.
    pub records: u32,
    /// The records.
    pub payload: &'a [u8],
}

impl<'a> BatchView<'a> {
    /// Reads one batch and checks format and checksum.
    pub fn decode(reader: &mut Reader<'a>) -> Result<Self, DecodeError> {
        let whole = reader.clone();
        let crc = reader.u32()?;
        let format = reader.u16()?;
        if format != FORMAT {
            return Err(DecodeError::BadField("batch format"));
        }
        let partition = reader.u16()?;
        let records = reader.u32()?;
        let payload_bytes = reader.u32()? as usize;
        if payload_bytes > PAYLOAD_BYTES_MAX {
            return Err(DecodeError::BadField("payload bytes"));
        }
        let position = Position { epoch: reader.u64()?, sequence: reader.u64()? };
        let previous_epoch = reader.u64()?;
        let stamp = Stamp { wall_ms: reader.i64()?, boot_ms: reader.u64()?, boot_id: reader.u128()? };
        let payload = reader.bytes(payload_bytes)?;
        let mut checked = whole;
        checked.bytes(4)?;
        if crc32c::crc32c(checked.bytes(BATCH_HEADER_BYTES - 4 + payload_bytes)?) != crc {
            return Err(DecodeError::BadField("batch checksum"));
        }
        if position.sequence == 0 {
            return Err(DecodeError::BadField("sequence"));
        }
        if previous_epoch > position.epoch {
            return Err(DecodeError::BadField("previous epoch"));
        }
        Ok(Self { partition, position, previous_epoch, stamp, records, payload })
    }

    /// The position of the batch before it.
    pub fn previous(&self) -> Position {
        Position { epoch: self.previous_epoch, sequence: self.position.sequence - 1 }
    }

    /// A copy that outlives the buffer.
    pub fn to_batch(&self) -> Batch {
        Batch {
            partition: self.partition,
            position: self.position,
            previous_epoch: self.previous_epoch,
            stamp: self.stamp,
            records: self.records,
            payload: self.payload.to_vec(),
        }
    }

    /// Reads the records in order; exactly as many as the header says.
    pub fn for_each_record(&self, mut each: impl FnMut(Record)) -> Result<(), DecodeError> {
        let mut reader = Reader::new(self.payload);
        for _ in 0..self.records {
            each(Record::decode(&mut reader)?);
        }
        reader.finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn batch() -> Batch {
        Batch {
            partition: 3,
            position: Position { epoch: 2, sequence: 5 },
            previous_epoch: 1,
            stamp: Stamp { wall_ms: -1, boot_ms: 2, boot_id: 3 },
            records: 0,
            payload: Vec::new(),
        }
    }

    fn decode(edit: impl FnOnce(&mut Batch)) -> Result<Position, DecodeError> {
        let mut batch = batch();
        edit(&mut batch);
        let mut bytes = Vec::new();
        batch.encode(&mut bytes);
        assert_eq!(bytes.len(), batch.encoded_bytes());
        BatchView::decode(&mut Reader::new(&bytes)).map(|view| view.previous())
    }

    #[test]
    fn reads_what_it_writes() {
        assert_eq!(decode(|_| ()), Ok(Position { epoch: 1, sequence: 4 }));
    }

    #[test]
    fn epochs_never_fall() {
        assert_eq!(decode(|batch| batch.previous_epoch = 3), Err(DecodeError::BadField("previous epoch")));
    }

    #[test]
    fn a_copy_is_the_batch() {
        let batch = Batch { payload: vec![1, 2, 3], ..batch() };
        assert_eq!(batch.view().to_batch(), batch);
    }

    #[test]
    fn as_many_records_as_the_header_says() {
        let mut bytes = Vec::new();
        Batch { records: 1, ..batch() }.encode(&mut bytes);
        let view = BatchView::decode(&mut Reader::new(&bytes)).expect("the batch is whole");
        assert_eq!(view.for_each_record(|_| ()), Err(DecodeError::Truncated));
        bytes.clear();
        Batch { payload: vec![3], ..batch() }.encode(&mut bytes);
        let view = BatchView::decode(&mut Reader::new(&bytes)).expect("the batch is whole");
        assert_eq!(view.for_each_record(|_| ()), Err(DecodeError::TrailingBytes));
    }

    /// A batch that no reader takes back must not reach the log: what it holds would be acknowledged and lost.
    #[test]
    #[should_panic(expected = "PAYLOAD_BYTES_MAX")]
    fn a_payload_above_the_limit_is_not_written() {
        Batch { payload: vec![0; PAYLOAD_BYTES_MAX + 1], ..batch() }.encode(&mut Vec::new());
    }
}
