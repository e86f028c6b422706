//! Torn tails are mended, damage is refused with its place, and nothing in between.

use seathold::ledger::Log;
use seathold::ledger::file::{Damaged, FileReader, OpenError};
use seathold_protocol::batch::Batch;

use crate::rig::*;
use seathold_sim::disk::SimDisk;

/// Three groups of one batch in one segment; the batches and the offsets of their groups.
fn three_groups() -> (Image, Vec<Batch>, Vec<usize>) {
    let disk = SimDisk::new(1);
    let (mut log, _) = open(disk.clone()).unwrap();
    let sizes = [30, 61, 90];
    let batches: Vec<Batch> = sizes.iter().map(|size| append(&mut log, 1, *size).unwrap()).collect();
    let mut offsets = vec![HEADER_BYTES];
    for size in sizes {
        offsets.push(offsets.last().unwrap() + frame_bytes(size));
    }
    (image(&disk), batches, offsets)
}

/// Three segments and a bit, a batch of 3000 bytes in each group.
fn four_segments() -> (Image, Vec<Batch>) {
    let disk = SimDisk::new(1);
    let (mut log, _) = open(disk.clone()).unwrap();
    let batches = (0..10).map(|index| append(&mut log, index % PARTITIONS, 3000).unwrap()).collect();
    let image = image(&disk);
    assert!(image.iter().any(|(name, _)| *name == log_name(4)));
    (image, batches)
}

fn refusal(image: &Image) -> OpenError {
    open(disk_of(image)).map(|_| ()).expect_err("this must be refused")
}

#[track_caller]
fn assert_damaged(error: &OpenError, segment: u64, at: u64) {
    let OpenError::Damaged(Damaged { file, offset, .. }) = error else { panic!("{error}") };
    assert_eq!((file.to_str().unwrap(), *offset), (&*format!("sim/{}", log_name(segment)), at), "{error}");
}

#[test]
fn a_last_group_torn_at_any_byte_is_cut_off_and_written_again() {
    let (image, batches, offsets) = three_groups();
    for cut in offsets[2]..offsets[3] {
        let mut torn = image.clone();
        file_of(&mut torn, &log_name(1))[cut..].fill(0);
        let disk = disk_of(&torn);
        let (mut log, found) = open(disk.clone()).unwrap();
        // The cut may leave nothing but zeros out, which is no damage at all.
        let whole = torn == image;
        assert_eq!(found, batches[..if whole { 3 } else { 2 }], "cut at {cut}");
        log.append(&[&batches[2]]).expect("sent again");
        drop(log);
        assert_eq!(open(disk.crash()).unwrap().1, batches, "cut at {cut}");
    }
}

#[test]
fn a_last_group_with_any_flipped_bit_is_cut_off() {
    let (image, batches, offsets) = three_groups();
    for byte in offsets[2]..offsets[3] {
        let mut flipped = image.clone();
        file_of(&mut flipped, &log_name(1))[byte] ^= 1 << (byte % 8);
        let disk = disk_of(&flipped);
        assert_eq!(open(disk.clone()).unwrap().1, batches[..2], "byte {byte}");
        let file = &image_file(&disk, 1)[offsets[2]..];
        assert!(file.iter().all(|byte| *byte == 0), "what was torn is zeroed");
    }
}

fn image_file(disk: &SimDisk, segment: u64) -> Vec<u8> {
    file_of(&mut image(disk), &log_name(segment)).clone()
}

#[test]
fn a_flipped_bit_before_the_last_group_is_refused_with_its_place() {
    let (image, _, offsets) = three_groups();
    for byte in offsets[0]..offsets[2] {
        let mut flipped = image.clone();
        file_of(&mut flipped, &log_name(1))[byte] ^= 1 << (byte % 8);
        let group = if byte < offsets[1] { offsets[0] } else { offsets[1] };
        assert_damaged(&refusal(&flipped), 1, group as u64);
        let mut reader = FileReader::open(disk_of(&flipped)).unwrap();
        read(&mut reader).unwrap();
        assert_damaged(&reader.check_tail().unwrap_err(), 1, group as u64);
    }
}

#[test]
fn a_refusal_changes_nothing() {
    let (mut image, _, offsets) = three_groups();
    file_of(&mut image, &log_name(1))[offsets[1] + 50] ^= 1;
    let disk = disk_of(&image);
    open(disk.clone()).map(|_| ()).unwrap_err();
    assert_eq!(self::image(&disk), image);
}

#[test]
fn zeros_in_the_middle_are_refused() {
    let (mut image, _, offsets) = three_groups();
    file_of(&mut image, &log_name(1))[offsets[0]..offsets[1]].fill(0);
    assert_damaged(&refusal(&image), 1, offsets[0] as u64);
}

#[test]
fn a_closed_segment_that_lost_its_end_is_refused() {
    let (mut image, _) = four_segments();
    let last_group = HEADER_BYTES + 2 * frame_bytes(3000);
    file_of(&mut image, &log_name(2))[last_group..].fill(0);
    assert_damaged(&refusal(&image), 2, last_group as u64);
    let error = read(&mut FileReader::open(disk_of(&image)).unwrap()).unwrap_err();
    assert_damaged(&error, 2, last_group as u64);
}

#[test]
fn every_flipped_byte_of_a_header_is_refused() {
    let (image, ..) = three_groups();
    for byte in (0..64).chain((64..HEADER_BYTES).step_by(37)) {
        let mut flipped = image.clone();
        file_of(&mut flipped, &log_name(1))[byte] ^= 1 << (byte % 8);
        assert_damaged(&refusal(&flipped), 1, 0);
    }
}

#[test]
fn a_segment_of_another_size_is_refused() {
    let (image, ..) = three_groups();
    for bytes in [0, 1, HEADER_BYTES - 1, HEADER_BYTES, HEADER_BYTES + 100, SEGMENT_BYTES as usize - 1] {
        let mut shorter = image.clone();
        file_of(&mut shorter, &log_name(1)).truncate(bytes);
        assert_damaged(&refusal(&shorter), 1, bytes as u64);
    }
    let mut longer = image.clone();
    file_of(&mut longer, &log_name(1)).push(0);
    assert_damaged(&refusal(&longer), 1, SEGMENT_BYTES);
}

#[test]
fn a_missing_segment_is_refused_by_name() {
    let (image, _) = four_segments();
    for segment in 1..=3 {
        let mut without = image.clone();
        without.retain(|(name, _)| *name != log_name(segment));
        let error = refusal(&without);
        let OpenError::Missing { file } = &error else { panic!("{error}") };
        assert_eq!(file.to_str().unwrap(), format!("sim/{}", log_name(segment)));
    }
}

#[test]
fn a_segment_under_another_name_is_refused() {
    let (mut image, _) = four_segments();
    let second = file_of(&mut image, &log_name(2)).clone();
    *file_of(&mut image, &log_name(3)) = second;
    assert_damaged(&refusal(&image), 3, 0);
}

/// Changes a header and its checksum with it.
fn forge(image: &mut Image, segment: u64, change: impl FnOnce(&mut [u8])) {
    let header = &mut file_of(image, &log_name(segment))[..HEADER_BYTES];
    change(header);
    let crc = crc32c::crc32c(&header[12..]);
    header[8..12].copy_from_slice(&crc.to_le_bytes());
}

/// Fuzzing found that the start forgot every segment, and stopped.
#[test]
fn a_group_that_needs_only_segments_to_come_is_refused() {
    let (mut image, _, offsets) = three_groups();
    let group = &mut file_of(&mut image, &log_name(1))[offsets[2]..offsets[3]];
    group[24..32].copy_from_slice(&2_u64.to_le_bytes());
    let crc = crc32c::crc32c(&group[4..]);
    group[..4].copy_from_slice(&crc.to_le_bytes());
    assert_damaged(&refusal(&image), 1, offsets[2] as u64);
    let error = read(&mut FileReader::open(disk_of(&image)).unwrap()).unwrap_err();
    assert_damaged(&error, 1, offsets[2] as u64);
}

#[test]
fn a_segment_of_another_ledger_is_refused() {
    let (mut image, _) = four_segments();
    forge(&mut image, 2, |header| header[16] ^= 1);
    let error = refusal(&image);
    assert!(matches!(error, OpenError::Foreign { found: 0xabd, expected: 0xabc, .. }), "{error}");
}

#[test]
fn a_segment_of_another_format_is_refused() {
    let (mut image, _) = four_segments();
    forge(&mut image, 4, |header| header[12] = 2);
    let error = refusal(&image);
    assert!(matches!(error, OpenError::OtherFormat { found: 2, expected: 1, .. }), "{error}");
}

#[test]
fn an_empty_last_segment_is_where_the_log_goes_on() {
    let (mut image, batches) = four_segments();
    let first_group_of_the_last = 9;
    file_of(&mut image, &log_name(4))[HEADER_BYTES..].fill(0);
    let disk = disk_of(&image);
    let (mut log, found) = open(disk.clone()).unwrap();
    assert_eq!(found, batches[..first_group_of_the_last]);
    log.append(&[&batches[first_group_of_the_last]]).unwrap();
    drop(log);
    assert_eq!(open(disk).unwrap().1, batches);
}

#[test]
fn a_named_segment_without_a_header_is_damage() {
    // A segment gets its name after its header was synced: no crash leaves this behind.
    let (mut image, _) = four_segments();
    file_of(&mut image, &log_name(4)).fill(0);
    assert_damaged(&refusal(&image), 4, 0);
}

#[test]
fn a_visitor_that_cannot_read_a_batch_makes_it_damage() {
    let (image, _, offsets) = three_groups();
    let mut visited = 0;
    let refused = seathold::ledger::file::FileLog::open(disk_of(&image), options()).unwrap().for_each(|_| {
        visited += 1;
        if visited == 2 { Err(seathold_protocol::DecodeError::Truncated) } else { Ok(()) }
    });
    assert_damaged(&refused.map(|_| ()).unwrap_err(), 1, offsets[1] as u64 + 40);
}
