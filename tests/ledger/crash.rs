//! Random appends, faults, crashes and restarts over the simulated disk, against a model that remembers everything.
//!
//! The property: every batch that was acknowledged, or found by a recovery and so rested upon, is there, in order,
//! unless it was covered; and nothing is there that was not appended.

use rand::{RngExt, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;
use seathold::ledger::file::{FileLog, FileReader};
use seathold::ledger::{AppendError, Log};
use seathold_protocol::batch::{Batch, Position};

use crate::rig::*;
use seathold_sim::disk::SimDisk;

/// One partition as it should be.
#[derive(Default)]
struct Expected {
    /// All batches from sequence 1 on: those that must be there, then those that may.
    batches: Vec<Batch>,
    /// How many of them must be there.
    promised: usize,
    /// The log may have forgotten up to here.
    floor: u64,
}

struct World {
    rng: Xoshiro256PlusPlus,
    disk: SimDisk,
    log: FileLog<SimDisk>,
    partitions: Vec<Expected>,
    epoch: u64,
    crashes: u32,
    trimmed: bool,
}

impl World {
    fn new(seed: u64) -> Self {
        let disk = SimDisk::new(seed);
        let (log, _) = open(disk.clone()).unwrap();
        Self {
            rng: Xoshiro256PlusPlus::seed_from_u64(seed),
            disk,
            log,
            partitions: (0..PARTITIONS).map(|_| Expected::default()).collect(),
            epoch: 1,
            crashes: 0,
            trimmed: false,
        }
    }

    fn step(&mut self) {
        match self.rng.random_range(0..100) {
            0..70 => self.append(),
            70..80 => self.cover(),
            80..84 => drop(self.log.prepare_spare()),
            84..90 => self.arm_a_fault(),
            90..94 => self.read_from_outside(),
            94..97 => self.reopen(self.disk.restart()),
            _ => self.reopen(self.disk.crash()),
        }
    }

    fn append(&mut self) {
        let mut batches = Vec::new();
        for _ in 0..self.rng.random_range(1..=4) {
            let partition = self.rng.random_range(0..PARTITIONS);
            let expected = &mut self.partitions[usize::from(partition)];
            let tail = expected.batches.last().map_or(Position::default(), |batch| batch.position);
            let bytes = if self.rng.random_range(0..10) == 0 { 4000 } else { 400 };
            let payload = (0..self.rng.random_range(0..bytes)).map(|_| self.rng.random()).collect();
            let batch = batch_behind(partition, tail, self.epoch, payload);
            expected.batches.push(batch.clone());
            batches.push(batch);
        }
        let batches: Vec<&Batch> = batches.iter().collect();
        let mut result = self.log.append(&batches);
        if let Err(AppendError::NoSpace(_)) = result {
            self.disk.faults(|faults| faults.capacity = None);
            result = self.log.append(&batches);
        }
        match result {
            Ok(()) => self.promise_all(),
            Err(AppendError::Broken(_)) => {
                let again = self.log.append(&batches);
                assert!(matches!(again, Err(AppendError::Broken(_))), "broken stays broken");
                let disk = if self.rng.random() { self.disk.restart() } else { self.disk.crash() };
                self.reopen(disk);
            }
            Err(other) => panic!("{other}"),
        }
    }

    fn promise_all(&mut self) {
        for expected in &mut self.partitions {
            expected.promised = expected.batches.len();
        }
    }

    fn cover(&mut self) {
        for (partition, expected) in self.partitions.iter_mut().enumerate() {
            let back = self.rng.random_range(0..8);
            let sequence = (expected.promised as u64).saturating_sub(back);
            expected.floor = expected.floor.max(sequence);
            self.log.covered(partition as u16, sequence);
        }
    }

    fn arm_a_fault(&mut self) {
        let after = self.rng.random_range(0..12);
        let kind = self.rng.random_range(0..5);
        self.disk.faults(|faults| match kind {
            0 => faults.power_off_in = Some(after + 1),
            1 => faults.sync_fails_in = Some(after),
            2 => faults.write_fails_in = Some(after),
            3 => faults.capacity = Some(after * SEGMENT_BYTES),
            _ => faults.short_writes = true,
        });
    }

    /// A reader beside the running log sees what was acknowledged.
    fn read_from_outside(&mut self) {
        let Ok(mut reader) = FileReader::open(self.disk.clone()) else {
            return; // The power is off and nobody has noticed yet.
        };
        let found = read(&mut reader).unwrap();
        self.check(&found);
        assert_eq!(reader.check_tail().unwrap(), 0);
    }

    /// The process starts again on what the disk has. A fault may strike during that too.
    fn reopen(&mut self, disk: SimDisk) {
        self.crashes += 1;
        self.disk = disk;
        if self.rng.random_range(0..4) == 0 {
            let after = self.rng.random_range(1..8);
            self.disk.faults(|faults| faults.power_off_in = Some(after));
            if open(self.disk.clone()).is_err() {
                self.disk = self.disk.crash();
            }
            self.disk = self.disk.restart();
        }
        let (log, found) = open(self.disk.clone()).unwrap_or_else(|error| panic!("{error}"));
        self.check(&found);
        for (expected, tail) in self.partitions.iter_mut().zip(log.tails()) {
            expected.batches.truncate(tail.sequence as usize);
        }
        self.log = log;
        self.promise_all();
        self.epoch += 1;
    }

    fn check(&mut self, found: &[Batch]) {
        for (partition, expected) in self.partitions.iter().enumerate() {
            let found: Vec<&Batch> =
                found.iter().filter(|batch| usize::from(batch.partition) == partition).collect();
            let first = found.first().map_or(1, |batch| batch.position.sequence);
            self.trimmed |= first > 1;
            assert!(
                first <= expected.floor + 1,
                "partition {partition} starts at {first}, floor {}",
                expected.floor
            );
            let skipped = first as usize - 1;
            assert!(skipped + found.len() >= expected.promised, "partition {partition} lost its tail");
            let end = skipped + found.len();
            assert!(end <= expected.batches.len(), "partition {partition} holds more than was appended");
            assert!(
                found.into_iter().eq(&expected.batches[skipped..end]),
                "partition {partition} holds something else than was appended"
            );
        }
    }
}

#[test]
fn what_was_promised_is_there_after_200_seeds_of_crashes() {
    let mut trimmed = 0;
    let mut crashes = 0;
    for seed in 0..200 {
        let run = std::panic::catch_unwind(|| {
            let mut world = World::new(seed);
            (0..150).for_each(|_| world.step());
            world.reopen(world.disk.crash());
            (world.crashes, world.trimmed)
        });
        let (run_crashes, run_trimmed) = run.unwrap_or_else(|_| panic!("seed {seed} fails"));
        crashes += run_crashes;
        trimmed += u32::from(run_trimmed);
    }
    assert!(
        crashes > 2000 && trimmed > 100,
        "{crashes} crashes, {trimmed} logs trimmed: the test tests too little"
    );
}

#[test]
fn the_power_may_go_at_every_single_operation_of_a_rotation() {
    for operation in 1..60 {
        for seed in 0..6 {
            let disk = SimDisk::new(seed);
            let (mut log, _) = open(disk.clone()).unwrap();
            let mut acknowledged =
                vec![append(&mut log, 0, 5000).unwrap(), append(&mut log, 1, 5000).unwrap()];
            disk.faults(|faults| faults.power_off_in = Some(operation));
            while let Ok(batch) = append(&mut log, acknowledged.len() as u16 % PARTITIONS, 5000) {
                acknowledged.push(batch);
                let (zero, one) = (log.tails()[0].sequence, log.tails()[1].sequence);
                log.covered(0, zero.saturating_sub(2));
                log.covered(1, one.saturating_sub(2));
            }
            drop(log);
            let (log, _) = open(disk.crash()).unwrap_or_else(|error| panic!("{operation}, {seed}: {error}"));
            for batch in acknowledged {
                assert!(log.tails()[usize::from(batch.partition)] >= batch.position, "{operation}, {seed}");
            }
        }
    }
}
