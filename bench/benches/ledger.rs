//! The file log on the disk under the temporary directory: append with one sync per group, and recovery.
//!
//! `TMPDIR` chooses the disk: a file system in memory measures nothing here.

use std::hint::black_box;
use std::path::Path;
use std::time::{Duration, Instant};

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use seathold::ledger::Log;
use seathold::ledger::file::{Directory, FileLog, Options, SpareWorker};
use seathold_protocol::batch::{Batch, Position, Stamp};
use seathold_protocol::record::{NO_SEAT, Record, ReservationRecord};
use seathold_protocol::reservation::State;
use seathold_protocol::wishes::{Met, Together};
use seathold_protocol::{AccountId, Class, DepartureId, PassengerId, ReservationId};

const PARTITIONS: u16 = 16;
const RECORDS: u32 = 512;

/// Groups of the log that recovery reads: two million records, about 150 MB.
const GROUPS: u64 = 4000;

fn open(path: &Path) -> (FileLog<Directory>, u64) {
    let disk = Directory::lock(path).expect("the directory is free");
    let mut records = 0;
    let log = FileLog::open(disk, Options::new(PARTITIONS))
        .and_then(|recovery| {
            recovery.for_each(|batch| {
                batch.for_each_record(|record| {
                    records += u64::from(matches!(black_box(&record), Record::Reservation(_)));
                })
            })
        })
        .expect("the log is whole");
    (log, records)
}

/// Records of a party of two: 76 bytes.
fn payload() -> Vec<u8> {
    let mut out = Vec::new();
    for index in 0..u64::from(RECORDS) {
        let mut passengers = [PassengerId(0); 9];
        passengers[..2].copy_from_slice(&[PassengerId(2 * index), PassengerId(2 * index + 1)]);
        let mut seats = [NO_SEAT; 9];
        seats[..2].copy_from_slice(&[index as u16, index as u16 + 1]);
        let record = ReservationRecord {
            version: index as u32,
            fingerprint: 7,
            departure: DepartureId(index % 40),
            id: ReservationId(u128::from(index) << 64),
            account: AccountId(index),
            deadline_ms: 90_000,
            state: State::Held,
            class: Class(3),
            from: 1,
            to: 4,
            party: 2,
            met: Met { together: Together::Row, letters: 0 },
            seats,
            passengers,
        };
        record.encode(&mut out);
    }
    out
}

/// The next group: one batch behind the tail of one partition.
fn advance(batch: &mut Batch, log: &FileLog<Directory>, group: u64) {
    batch.partition = (group % u64::from(PARTITIONS)) as u16;
    let tail = log.tails()[usize::from(batch.partition)];
    batch.previous_epoch = tail.epoch;
    batch.position = Position { epoch: 1, sequence: tail.sequence + 1 };
}

fn empty_batch() -> Batch {
    Batch {
        partition: 0,
        position: Position::default(),
        previous_epoch: 0,
        stamp: Stamp::default(),
        records: RECORDS,
        payload: payload(),
    }
}

fn append(criterion: &mut Criterion) {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let (mut log, _) = open(directory.path());
    let _worker = SpareWorker::spawn(&log).expect("a thread");
    let mut batch = empty_batch();
    let mut group_number = 0;
    let mut group = criterion.benchmark_group("ledger");
    group.throughput(Throughput::Elements(u64::from(RECORDS))).sample_size(20);
    group.bench_function("append_512_records_and_sync", |bencher| {
        bencher.iter_custom(|groups| {
            let mut took = Duration::ZERO;
            for _ in 0..groups {
                advance(&mut batch, &log, group_number);
                group_number += 1;
                let start = Instant::now();
                log.append(&[&batch]).expect("the disk is well");
                took += start.elapsed();
                // Everything before the tail may go, so that a long run does not fill the disk.
                log.covered(batch.partition, batch.position.sequence);
            }
            took
        });
    });
    group.finish();
}

fn recovery(criterion: &mut Criterion) {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let (mut log, _) = open(directory.path());
    let mut batch = empty_batch();
    for number in 0..GROUPS {
        advance(&mut batch, &log, number);
        log.append(&[&batch]).expect("the disk is well");
    }
    drop(log);
    let expected = GROUPS * u64::from(RECORDS);
    let mut group = criterion.benchmark_group("ledger");
    group.throughput(Throughput::Elements(expected)).sample_size(10);
    group.bench_function("recover_2_million_records", |bencher| {
        bencher.iter_batched(
            || (),
            |()| {
                let (log, records) = open(directory.path());
                assert_eq!(records, expected);
                log
            },
            BatchSize::PerIteration,
        );
    });
    group.finish();
}

criterion_group!(benches, append, recovery);
criterion_main!(benches);
