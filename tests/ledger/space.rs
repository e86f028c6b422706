//! Full disks and failing ones.

use seathold::ledger::file::FileLog;
use seathold::ledger::{AppendError, Log};
use seathold_protocol::batch::Batch;

use crate::rig::*;
use seathold_sim::disk::SimDisk;

fn fresh() -> (SimDisk, FileLog<SimDisk>) {
    let disk = SimDisk::new(3);
    let (log, _) = open(disk.clone()).unwrap();
    (disk, log)
}

/// Appends until it fails; what was acknowledged, what was not, and why.
fn append_until_it_fails(log: &mut FileLog<SimDisk>) -> (Vec<Batch>, Batch, AppendError) {
    let mut acknowledged = Vec::new();
    loop {
        assert!(acknowledged.len() < 1000, "it never fails");
        let batch = next_batch(log, 2, 1000);
        match log.append(&[&batch]) {
            Ok(()) => acknowledged.push(batch),
            Err(error) => return (acknowledged, batch, error),
        }
    }
}

#[test]
fn a_full_disk_loses_nothing_and_goes_on_when_there_is_space() {
    let (disk, mut log) = fresh();
    disk.faults(|faults| faults.capacity = Some(3 * SEGMENT_BYTES + 100));
    let (mut acknowledged, refused, error) = append_until_it_fails(&mut log);
    assert!(matches!(error, AppendError::NoSpace(_)), "{error}");
    assert_eq!(acknowledged.len(), 3 * 11, "three segments are full");
    assert!(matches!(log.append(&[&refused]), Err(AppendError::NoSpace(_))));
    disk.faults(|faults| faults.capacity = None);
    log.append(&[&refused]).expect("there is space again");
    acknowledged.push(refused);
    drop(log);
    assert_eq!(open(disk.crash()).unwrap().1, acknowledged);
}

#[test]
fn a_full_disk_can_be_opened_again() {
    let (disk, mut log) = fresh();
    disk.faults(|faults| faults.capacity = Some(2 * SEGMENT_BYTES));
    let (acknowledged, refused, _) = append_until_it_fails(&mut log);
    drop(log);
    let disk = disk.crash();
    disk.faults(|faults| faults.capacity = Some(2 * SEGMENT_BYTES));
    let (mut log, found) = open(disk.clone()).unwrap();
    assert_eq!(found, acknowledged);
    assert!(matches!(log.append(&[&refused]), Err(AppendError::NoSpace(_))));
    disk.faults(|faults| faults.capacity = Some(3 * SEGMENT_BYTES));
    log.append(&[&refused]).unwrap();
}

#[test]
fn batches_that_got_in_before_the_space_ran_out_are_not_written_twice() {
    let (disk, mut log) = fresh();
    disk.faults(|faults| faults.capacity = Some(2 * SEGMENT_BYTES));
    // One append of five batches of one partition: three groups, of which two segments hold two.
    let mut batches = vec![next_batch(&log, 0, 5000)];
    while batches.len() < 5 {
        let tail = batches.last().unwrap().position;
        batches.push(batch_behind(0, tail, 1, vec![batches.len() as u8; 5000]));
    }
    let all: Vec<&Batch> = batches.iter().collect();
    assert!(matches!(log.append(&all), Err(AppendError::NoSpace(_))));
    assert_eq!(log.tails()[0].sequence, 4);
    disk.faults(|faults| faults.capacity = None);
    log.append(&all).expect("sent again");
    drop(log);
    assert_eq!(open(disk).unwrap().1, batches);
}

#[test]
fn a_failed_sync_breaks_the_log_for_good() {
    let (disk, mut log) = fresh();
    let first = append(&mut log, 0, 100).unwrap();
    disk.faults(|faults| faults.sync_fails_in = Some(0));
    let unknown = next_batch(&log, 0, 100);
    assert!(matches!(log.append(&[&unknown]), Err(AppendError::Broken(_))));
    assert!(matches!(log.append(&[&unknown]), Err(AppendError::Broken(_))), "never tried again");
    assert!(matches!(log.append(&[&first]), Err(AppendError::Broken(_))), "not even what is in");
}

#[test]
fn what_a_failed_sync_left_in_the_page_cache_is_synced_before_anything_rests_on_it() {
    let (disk, mut log) = fresh();
    append(&mut log, 0, 100).unwrap();
    disk.faults(|faults| faults.sync_fails_in = Some(0));
    append(&mut log, 0, 700).unwrap_err();
    drop(log);
    let disk = disk.restart();
    let (log, found) = open(disk.clone()).unwrap();
    assert_eq!(found.len(), 2, "the page cache has it");
    drop(log);
    assert_eq!(open(disk.crash()).unwrap().1, found, "so a crash must not take it");
}

#[test]
fn a_failed_write_breaks_the_log() {
    let (disk, mut log) = fresh();
    disk.faults(|faults| faults.write_fails_in = Some(0));
    let batch = next_batch(&log, 0, 100);
    assert!(matches!(log.append(&[&batch]), Err(AppendError::Broken(_))));
    assert!(matches!(log.append(&[&batch]), Err(AppendError::Broken(_))));
}

#[test]
fn a_failed_sync_of_a_spare_is_made_good_with_another_file() {
    let (disk, log) = fresh();
    disk.faults(|faults| faults.sync_fails_in = Some(0));
    log.prepare_spare().unwrap_err();
    log.prepare_spare().expect("a new file");
}

#[test]
fn short_writes_go_on_where_they_stopped() {
    let (disk, mut log) = fresh();
    disk.faults(|faults| faults.short_writes = true);
    let batches: Vec<Batch> = (0..60).map(|_| append(&mut log, 3, 900).unwrap()).collect();
    drop(log);
    assert_eq!(open(disk.crash()).unwrap().1, batches);
}

#[test]
fn duplicates_are_taken_once_and_strangers_refused() {
    let (disk, mut log) = fresh();
    let mut batches = vec![append(&mut log, 0, 10).unwrap(), append(&mut log, 1, 10).unwrap()];
    log.append(&[&batches[0], &batches[1]]).expect("sent again");
    let mut gap = next_batch(&log, 0, 10);
    gap.position.sequence += 1;
    assert!(matches!(log.append(&[&gap]), Err(AppendError::TailMismatch { partition: 0, .. })));
    let next = batch_behind(1, log.tails()[1], 5, Vec::new());
    log.append(&[&next]).expect("a higher epoch takes over");
    let late = batch_behind(1, batches[1].position, 1, vec![1]);
    assert!(matches!(log.append(&[&late]), Err(AppendError::Fenced { partition: 1, offered: 1, .. })));
    batches.push(next);
    drop(log);
    assert_eq!(open(disk).unwrap().1, batches);
}
