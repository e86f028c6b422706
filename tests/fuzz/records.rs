//! Any bytes as the records of a batch, and any bytes as a batch: an error, or a meaning that is written with the very same
//! bytes; and an audit follows whatever can be read.

use seathold::audit::Audit;
use seathold_protocol::batch::{BATCH_HEADER_BYTES, BatchView, Position, Stamp};
use seathold_protocol::codec::Reader;
use seathold_protocol::record::{Record, encode_plan};

pub(crate) fn check(bytes: &[u8]) {
    let mut reader = Reader::new(bytes);
    let mut records = 0;
    while reader.remaining() > 0 {
        let rest = &bytes[bytes.len() - reader.remaining()..];
        let Ok(record) = Record::decode(&mut reader) else { break };
        let mut again = Vec::new();
        match &record {
            Record::Reservation(record) => record.encode(&mut again),
            Record::Plan(departure, plan) => encode_plan(*departure, plan, &mut again),
            Record::Sale(record) => record.encode(&mut again),
        }
        assert_eq!(again, rest[..rest.len() - reader.remaining()], "{record:?} has a second spelling");
        records += 1;
    }
    // One more than there are: the audit says that the batch cannot be read, behind what it could read.
    for records in [records, records + 1] {
        let position = Position { epoch: 1, sequence: 1 };
        let stamp = Stamp { wall_ms: 0, boot_ms: 1_000, boot_id: 1 };
        let batch = BatchView { partition: 0, position, previous_epoch: 0, stamp, records, payload: bytes };
        for trimmed in [false, true] {
            let mut audit = Audit::new(1, trimmed);
            audit.follow(&batch);
            assert_eq!(audit.finish().batches, 1);
        }
    }
    let mut sealed = bytes.to_vec();
    if sealed.len() >= BATCH_HEADER_BYTES {
        let payload = (sealed.len() - BATCH_HEADER_BYTES) as u32;
        sealed[12..16].copy_from_slice(&payload.to_le_bytes());
        let crc = crc32c::crc32c(&sealed[4..]);
        sealed[..4].copy_from_slice(&crc.to_le_bytes());
    }
    if let Ok(view) = BatchView::decode(&mut Reader::new(&sealed)) {
        let mut again = Vec::new();
        view.to_batch().encode(&mut again);
        assert_eq!(again, sealed, "{view:?} has a second spelling");
    }
}
