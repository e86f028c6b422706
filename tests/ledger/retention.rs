//! Forgetting: only what every partition has covered, and nothing of an old life comes back.

use seathold::ledger::Log;
use seathold::ledger::file::{Disk, FileLog, OpenError};

use crate::rig::*;
use seathold_sim::disk::SimDisk;

/// A log of five segments; two groups a segment, of alternating partitions 0 and 1.
fn five_segments() -> (SimDisk, FileLog<SimDisk>) {
    let disk = SimDisk::new(5);
    let (mut log, _) = open(disk.clone()).unwrap();
    for index in 0..10 {
        append(&mut log, index % 2, 5000).unwrap();
    }
    assert_eq!(segments(&disk), [1, 2, 3, 4, 5]);
    (disk, log)
}

fn segments(disk: &SimDisk) -> Vec<u64> {
    let names = disk.list().unwrap();
    names.iter().filter_map(|name| name.strip_suffix(".log")?.parse().ok()).collect()
}

#[test]
fn a_segment_goes_when_all_partitions_cover_it_and_a_group_says_so() {
    let (disk, mut log) = five_segments();
    log.covered(0, 4);
    append(&mut log, 2, 10).unwrap();
    assert_eq!(segments(&disk)[0], 1, "partition 1 still needs it");
    log.covered(1, 2);
    assert_eq!(segments(&disk)[0], 1, "no durable group says so yet");
    append(&mut log, 2, 10).unwrap();
    assert_eq!(segments(&disk)[0], 3);
    drop(log);
    let (log, found) = open(disk.restart()).unwrap();
    assert_eq!(found.len(), 8, "three segments of two, and two small ones");
    assert_eq!(log.tails().iter().map(|tail| tail.sequence).collect::<Vec<_>>(), [5, 5, 2, 0]);
}

#[test]
fn the_batch_at_a_partitions_tail_is_kept_though_it_is_covered() {
    let (disk, mut log) = five_segments();
    log.covered(0, 5);
    log.covered(1, 5);
    append(&mut log, 0, 5000).unwrap();
    append(&mut log, 0, 5000).unwrap();
    assert_eq!(segments(&disk), [5, 6], "partition 1 ends in segment 5");
    append(&mut log, 1, 10).unwrap();
    assert_eq!(segments(&disk), [5, 6], "the durable group that moved the tail still names segment 5");
    append(&mut log, 1, 10).unwrap();
    assert_eq!(segments(&disk), [6]);
}

#[test]
fn a_recycled_segment_shows_nothing_of_its_old_life() {
    let (disk, mut log) = five_segments();
    for round in 0..30 {
        let (zero, one) = (log.tails()[0].sequence, log.tails()[1].sequence);
        append(&mut log, 0, 5000).unwrap();
        append(&mut log, 1, 5000).unwrap();
        log.covered(0, zero);
        log.covered(1, one);
        if round % 3 == 0 {
            log.prepare_spare().unwrap();
        }
    }
    assert!(segments(&disk).len() <= 3, "{:?}", segments(&disk));
    assert!(disk.list().unwrap().len() <= 5, "at most a spare and a recycled one: {:?}", disk.list());
    let tails = log.tails().to_vec();
    drop(log);
    let (log, found) = open(disk.crash()).unwrap();
    assert_eq!(log.tails(), tails);
    for partition in [0, 1] {
        let sequences: Vec<u64> = found
            .iter()
            .filter(|batch| batch.partition == partition)
            .map(|batch| batch.position.sequence)
            .collect();
        assert!(sequences.windows(2).all(|pair| pair[0] + 1 == pair[1]), "{sequences:?}");
    }
}

#[test]
fn a_log_above_its_keep_size_names_what_it_would_forget_until_it_can() {
    let (disk, mut log) = five_segments();
    assert_eq!(log.wants_compaction(), None, "five segments are allowed");
    append(&mut log, 0, 5000).unwrap();
    let wanted = log.wants_compaction();
    assert_eq!(wanted, Some(vec![(0, 1), (1, 1)]));
    append(&mut log, 1, 10).unwrap();
    assert_eq!(log.wants_compaction(), wanted);
    for (partition, sequence) in wanted.unwrap() {
        log.covered(partition, sequence);
    }
    append(&mut log, 0, 10).unwrap();
    assert_eq!(log.wants_compaction(), None);
    assert_eq!(segments(&disk)[0], 2);
}

#[test]
fn a_trimmed_log_still_notices_that_its_oldest_segment_is_missing() {
    let (disk, mut log) = five_segments();
    log.covered(0, 1);
    log.covered(1, 1);
    append(&mut log, 0, 10).unwrap();
    assert_eq!(segments(&disk), [2, 3, 4, 5]);
    drop(log);
    let mut image = image(&disk);
    image.retain(|(name, _)| *name != log_name(2));
    let error = open(disk_of(&image)).map(|_| ()).unwrap_err();
    assert!(matches!(&error, OpenError::Missing { file } if file.ends_with(log_name(2))), "{error}");
}

#[test]
fn segments_whose_removal_a_crash_took_back_are_removed_again() {
    let (disk, mut log) = five_segments();
    let before = image(&disk);
    log.covered(0, 3);
    log.covered(1, 3);
    append(&mut log, 0, 10).unwrap();
    drop(log);
    let mut after = image(&disk);
    assert_eq!(segments(&disk), [4, 5]);
    for segment in [1, 3] {
        after.extend(before.iter().filter(|(name, _)| *name == log_name(segment)).cloned());
    }
    let disk = disk_of(&after);
    let (_, found) = open(disk.clone()).unwrap();
    assert_eq!(segments(&disk), [4, 5]);
    assert_eq!(found.len(), 7, "what stands in segment 3 is read once more, which is harmless");
}
