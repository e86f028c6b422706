//! The real disk: the lock, the worker's thread, and a reader beside a writer.

use seathold::ledger::Log;
use seathold::ledger::file::{Directory, FileReader, OpenError, SpareWorker};

use crate::rig::*;

#[test]
fn a_second_process_is_refused_with_a_sentence() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("new/ledger");
    let held = Directory::lock(&path).unwrap();
    let error = Directory::lock(&path).unwrap_err();
    assert!(matches!(error, OpenError::InUse { .. }));
    assert!(error.to_string().contains("stop that one"), "{error}");
    drop(held);
    Directory::lock(&path).expect("free again");
}

#[test]
fn the_lock_lives_as_long_as_the_log() {
    let directory = tempfile::tempdir().unwrap();
    let (log, _) = open(Directory::lock(directory.path()).unwrap()).unwrap();
    Directory::lock(directory.path()).unwrap_err();
    drop(log);
    Directory::lock(directory.path()).unwrap();
}

#[test]
fn a_reader_follows_a_writer_over_many_segments() {
    let directory = tempfile::tempdir().unwrap();
    let (mut log, _) = open(Directory::lock(directory.path()).unwrap()).unwrap();
    let worker = SpareWorker::spawn(&log).unwrap();
    let mut reader = FileReader::open(Directory::read_only(directory.path()).unwrap()).unwrap();
    assert_eq!(read(&mut reader).unwrap(), []);
    let mut written = Vec::new();
    let mut found = Vec::new();
    std::thread::scope(|scope| {
        let writer = scope.spawn(|| {
            for index in 0..300 {
                written.push(append(&mut log, index % PARTITIONS, usize::from(index) * 7 % 2000).unwrap());
            }
        });
        while !writer.is_finished() {
            found.extend(read(&mut reader).unwrap());
        }
    });
    found.extend(read(&mut reader).unwrap());
    assert_eq!(found, written);
    assert_eq!(reader.check_tail().unwrap(), 0);
    drop(worker);
    drop(log);
    assert_eq!(open(Directory::lock(directory.path()).unwrap()).unwrap().1, written);
}

#[test]
fn a_reader_that_is_overtaken_says_so() {
    let directory = tempfile::tempdir().unwrap();
    let (mut log, _) = open(Directory::lock(directory.path()).unwrap()).unwrap();
    let mut reader = FileReader::open(Directory::read_only(directory.path()).unwrap()).unwrap();
    for _ in 0..20 {
        let tail = log.tails()[0].sequence;
        append(&mut log, 0, 5000).unwrap();
        log.covered(0, tail);
    }
    let error = read(&mut reader).unwrap_err();
    assert!(matches!(error, OpenError::Trimmed { .. }), "{error}");
}

#[test]
fn a_directory_without_a_ledger_is_nothing_to_read() {
    let directory = tempfile::tempdir().unwrap();
    let error = FileReader::open(Directory::read_only(directory.path()).unwrap()).map(|_| ()).unwrap_err();
    assert!(matches!(error, OpenError::Missing { .. }), "{error}");
}

#[test]
fn somebody_elses_directory_is_refused_and_left_as_it_was() {
    let directory = tempfile::tempdir().unwrap();
    std::fs::create_dir(directory.path().join("lost+found")).unwrap();
    assert!(Directory::lock(directory.path()).is_ok(), "a fresh file system is empty");
    std::fs::remove_file(directory.path().join("lock")).unwrap();
    std::fs::write(directory.path().join("letter.txt"), "dear").unwrap();
    let refused = Directory::lock(directory.path()).unwrap_err();
    assert!(matches!(refused, OpenError::NotALedger { .. }), "{refused}");
    assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 2);
}
