//! Batches, a log over the simulated disk, and disks made of bytes.

use seathold::ledger::file::{Disk, DiskFile, FileLog, FileReader, OpenError, Options};
use seathold::ledger::{AppendError, Log};
use seathold_protocol::batch::{Batch, BatchView, Position};

use seathold_sim::disk::SimDisk;

pub(crate) const PARTITIONS: u16 = 4;
pub(crate) const SEGMENT_BYTES: u64 = 16_384;
pub(crate) const HEADER_BYTES: usize = 4096;

pub(crate) fn options() -> Options {
    Options {
        ledger: 0xabc,
        segment_bytes: SEGMENT_BYTES,
        keep_bytes: 5 * SEGMENT_BYTES,
        ..Options::new(PARTITIONS)
    }
}

pub(crate) fn log_name(segment: u64) -> String {
    format!("{segment:020}.log")
}

/// Opens the log and returns what it holds.
pub(crate) fn open<D: Disk>(disk: D) -> Result<(FileLog<D>, Vec<Batch>), OpenError> {
    let mut found = Vec::new();
    let log = FileLog::open(disk, options())?.for_each(|batch| {
        found.push(owned(&batch));
        Ok(())
    })?;
    Ok((log, found))
}

/// What a reader finds, from where it stands.
pub(crate) fn read<D: Disk>(reader: &mut FileReader<D>) -> Result<Vec<Batch>, OpenError> {
    let mut found = Vec::new();
    reader.for_each(|batch| {
        found.push(owned(&batch));
        Ok(())
    })?;
    Ok(found)
}

fn owned(batch: &BatchView<'_>) -> Batch {
    Batch {
        partition: batch.partition,
        position: batch.position,
        previous_epoch: batch.previous_epoch,
        stamp: batch.stamp,
        records: batch.records,
        payload: batch.payload.to_vec(),
    }
}

/// The batch of `partition` behind `tail`.
pub(crate) fn batch_behind(partition: u16, tail: Position, epoch: u64, payload: Vec<u8>) -> Batch {
    let position = Position { epoch, sequence: tail.sequence + 1 };
    Batch { partition, position, previous_epoch: tail.epoch, stamp: Default::default(), records: 0, payload }
}

/// The batch that the log would take next, with `bytes` of payload that tell which it is.
pub(crate) fn next_batch<D: Disk>(log: &FileLog<D>, partition: u16, bytes: usize) -> Batch {
    let tail = log.tails()[usize::from(partition)];
    let mark = (tail.sequence as u8).wrapping_mul(4).wrapping_add(partition as u8 + 1);
    batch_behind(partition, tail, tail.epoch.max(1), vec![mark; bytes])
}

/// Appends one batch and returns it.
pub(crate) fn append<D: Disk>(
    log: &mut FileLog<D>,
    partition: u16,
    bytes: usize,
) -> Result<Batch, AppendError> {
    let batch = next_batch(log, partition, bytes);
    log.append(&[&batch])?;
    Ok(batch)
}

/// The bytes of a frame with one batch.
pub(crate) fn frame_bytes(payload: usize) -> usize {
    (40 + 72 + payload).next_multiple_of(8)
}

/// The files of a directory.
pub(crate) type Image = Vec<(String, Vec<u8>)>;

pub(crate) fn image(disk: &SimDisk) -> Image {
    let names = disk.list().unwrap();
    names.into_iter().map(|name| (name.clone(), bytes_of(disk, &name))).collect()
}

fn bytes_of(disk: &SimDisk, name: &str) -> Vec<u8> {
    let file = disk.open(name).unwrap();
    let mut bytes = vec![0; file.bytes().unwrap() as usize];
    let read = file.read_at(&mut bytes, 0).unwrap();
    assert_eq!(read, bytes.len());
    bytes
}

/// A disk with these files.
pub(crate) fn disk_of(image: &Image) -> SimDisk {
    let disk = SimDisk::new(0);
    for (name, bytes) in image {
        let file = disk.create(name).unwrap();
        file.write_at(bytes, 0).unwrap();
        file.sync().unwrap();
    }
    disk.sync_directory().unwrap();
    disk
}

/// The bytes of one file of an image.
pub(crate) fn file_of<'a>(image: &'a mut Image, name: &str) -> &'a mut Vec<u8> {
    &mut image.iter_mut().find(|(found, _)| found == name).expect("the image has that file").1
}
