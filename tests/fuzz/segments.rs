//! A directory of the file log that somebody has changed: opening it for writing and reading it from outside come to the
//! same judgement, a refusal changes nothing, and what is opened takes the next batch and has it after a crash.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use seathold::ledger::Log;
use seathold::ledger::file::{Disk, DiskFile, FileLog, FileReader, OpenError, Options};
use seathold_protocol::batch::{Batch, Position};
use seathold_sim::disk::SimDisk;

const SEGMENT_BYTES: u64 = 8192;
const HEADER_BYTES: usize = 4096;
const GROUP_HEADER_BYTES: usize = 40;
const BATCH_HEADER_BYTES: usize = 72;
const PARTITIONS: u16 = 2;

/// The first byte says whether checksums are made right again behind the changes, and whether the power goes at the first
/// append; then come changes of five bytes each: what, in which segment, where (two bytes), and with which byte.
pub(crate) fn check(bytes: &[u8]) {
    let [mode, changes @ ..] = bytes else { return };
    let mut image = valid().to_vec();
    for change in changes.chunks_exact(5).take(64) {
        apply(&mut image, change.try_into().expect("chunks are exact"));
    }
    if mode & 1 != 0 {
        image.iter_mut().for_each(|(_, file)| seal(file));
    }
    let image = image.into_iter().collect::<BTreeMap<_, _>>().into_iter().collect();
    let read = read(disk_of(&image));
    let disk = disk_of(&image);
    match open(disk.clone()) {
        Err(refused) => {
            assert!(!refused.to_string().is_empty());
            assert!(read.is_err(), "a reader takes what a start refuses: {refused}");
            assert_eq!(image_of(&disk), image, "a refusal changes nothing");
        }
        Ok((log, batches)) => {
            assert_eq!(read.expect("a start takes what a reader refuses"), batches);
            append(log, batches, &disk, u64::from(mode >> 1 & 15) + 1);
        }
    }
}

/// Appends until the power goes: all that was acknowledged is there, and perhaps the one that was not. Segments that the
/// groups do not need any more are let go.
fn append(mut log: FileLog<SimDisk>, mut batches: Vec<Batch>, disk: &SimDisk, power_off_in: u64) {
    let next = |tail: Position| {
        let epoch = tail.epoch.max(1);
        let sequence = tail.sequence.checked_add(1)?;
        let position = Position { epoch, sequence };
        let payload = vec![7; 100];
        Some(Batch {
            partition: 0,
            position,
            previous_epoch: tail.epoch,
            stamp: Default::default(),
            records: 0,
            payload,
        })
    };
    disk.faults(|faults| faults.power_off_in = Some(power_off_in));
    let (mut appended, mut doubtful) = (0, None);
    for _ in 0..3 {
        let Some(batch) = next(log.tails()[0]) else { break };
        if log.append(&[&batch]).is_err() {
            doubtful = Some(batch);
            break;
        }
        batches.push(batch);
        appended += 1;
    }
    drop(log);
    let (_, mut found) = open(disk.crash()).expect("a crash is mended");
    if found.last().is_some_and(|last| Some(last) == doubtful.as_ref()) {
        found.pop();
    }
    assert!(found.len() >= appended && batches.ends_with(&found), "{found:?} is left of {batches:?}");
}

type Image = Vec<(String, Vec<u8>)>;

fn options() -> Options {
    Options { ledger: 0xabc, segment_bytes: SEGMENT_BYTES, keep_bytes: u64::MAX, ..Options::new(PARTITIONS) }
}

/// Three segments of batches from 0 to 2,000 bytes.
fn valid() -> &'static Image {
    static IMAGE: OnceLock<Image> = OnceLock::new();
    IMAGE.get_or_init(|| {
        let disk = SimDisk::new(1);
        let (mut log, _) = open(disk.clone()).expect("a new directory is opened");
        for (index, bytes) in [0, 10, 2_000, 33, 1_500, 700, 0, 1_200, 64].into_iter().enumerate() {
            let partition = index as u16 % PARTITIONS;
            let tail = log.tails()[usize::from(partition)];
            let position = Position { epoch: 1, sequence: tail.sequence + 1 };
            let payload = vec![index as u8 + 1; bytes];
            let stamp = Default::default();
            let batch = Batch { partition, position, previous_epoch: tail.epoch, stamp, records: 0, payload };
            log.append(&[&batch]).expect("the disk is whole");
        }
        let image = image_of(&disk);
        assert!(image.iter().any(|(name, _)| name.starts_with("00000000000000000002")), "{:?}", image.len());
        image
    })
}

fn apply(image: &mut Image, [what, file, at_0, at_1, byte]: [u8; 5]) {
    let files = image.len();
    let at = usize::from(u16::from_le_bytes([at_0, at_1]));
    if what == 255 && files > 1 {
        image.remove(usize::from(file) % files);
        return;
    }
    let (name, contents) = &mut image[usize::from(file) % files];
    if contents.is_empty() {
        return;
    }
    let at = at % contents.len();
    match what {
        0..=63 => contents[at] = byte,
        64..=127 => contents[at] ^= 1 << (byte % 8),
        128..=159 => contents[at..].fill(byte),
        160..=191 => contents[at..].fill(0),
        192..=207 => contents.truncate(at),
        208..=215 => contents.push(byte),
        // A place of a header, where a change means something.
        216..=239 => contents[at % (HEADER_BYTES + GROUP_HEADER_BYTES + BATCH_HEADER_BYTES)] = byte,
        _ => *name = format!("{:020}.log", u64::from(byte) + 1),
    }
}

/// Makes the checksums of a segment's header, its groups and their batches right, as far as the lengths lead.
fn seal(file: &mut [u8]) {
    let sum = |bytes: &mut [u8], from: usize, at: usize| {
        let crc = crc32c::crc32c(&bytes[from..]);
        bytes[at..at + 4].copy_from_slice(&crc.to_le_bytes());
    };
    if file.len() < HEADER_BYTES {
        return;
    }
    let (header, mut rest) = file.split_at_mut(HEADER_BYTES);
    sum(header, 12, 8);
    let length = |bytes: &[u8], at: usize| {
        bytes
            .get(at..at + 4)
            .and_then(|word| word.try_into().ok())
            .map_or(0, |word| u32::from_le_bytes(word) as usize)
    };
    while rest.len() >= GROUP_HEADER_BYTES {
        let bytes = length(rest, 4);
        if bytes < GROUP_HEADER_BYTES || bytes > rest.len() {
            return;
        }
        let (group, behind) = rest.split_at_mut(bytes);
        let mut at = GROUP_HEADER_BYTES;
        while at + BATCH_HEADER_BYTES <= group.len() {
            let end = at.saturating_add(BATCH_HEADER_BYTES + length(group, at + 12));
            let Some(batch) = group.get_mut(at..end) else { break };
            sum(batch, 4, 0);
            at = end;
        }
        sum(group, 4, 0);
        rest = behind;
    }
}

fn open(disk: SimDisk) -> Result<(FileLog<SimDisk>, Vec<Batch>), OpenError> {
    let mut batches = Vec::new();
    let log = FileLog::open(disk, options())?.for_each(|batch| {
        batches.push(batch.to_batch());
        Ok(())
    })?;
    Ok((log, batches))
}

fn read(disk: SimDisk) -> Result<Vec<Batch>, OpenError> {
    let mut batches = Vec::new();
    let mut reader = FileReader::open(disk)?;
    reader.for_each(|batch| {
        batches.push(batch.to_batch());
        Ok(())
    })?;
    reader.check_tail()?;
    Ok(batches)
}

fn image_of(disk: &SimDisk) -> Image {
    let contents = |name: &String| {
        let file = disk.open(name).expect("it is listed");
        let mut bytes = vec![0; file.bytes().expect("the power is on") as usize];
        let read = file.read_at(&mut bytes, 0).expect("the power is on");
        assert_eq!(read, bytes.len());
        bytes
    };
    let names = disk.list().expect("the power is on");
    let files = names.into_iter().filter(|name| name.ends_with(".log"));
    files.map(|name| (name.clone(), contents(&name))).collect()
}

/// A disk with these files.
fn disk_of(image: &Image) -> SimDisk {
    let disk = SimDisk::new(0);
    for (name, bytes) in image {
        let file = disk.create(name).expect("the name is free");
        if !bytes.is_empty() {
            file.write_at(bytes, 0).expect("the power is on");
        }
        file.sync().expect("the power is on");
    }
    disk.sync_directory().expect("the power is on");
    disk
}
