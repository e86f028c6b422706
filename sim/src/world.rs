//! One simulated server: engines of several cores, a file log, a disk that forgets, time that jumps.

use crate::branch::{Branch, Counts};
use crate::clients::{Clients, HOLD_MS, OnSale};
use crate::disk::{Faults as DiskFaults, SimDisk};
use crate::journal::Journal;
use crate::run::Bug;
use rand::{RngExt, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;
use seathold::audit::Audit;
use seathold::catalog::{Catalog, SaleRules};
use seathold::counters::Counters;
use seathold::engine::{Board, Engine, Origin};
use seathold::ledger::file::{FileLog, FileReader, Options};
use seathold::ledger::{AppendError, Log};
use seathold_protocol::batch::{Batch, Stamp};
use seathold_protocol::frame::Opcode;
use seathold_protocol::plan::{Block, ClassPlan, SeatPlan, Stock};
use seathold_protocol::request::Availability;
use seathold_protocol::{Class, Day, DecodeError};
use std::collections::HashMap;
use std::sync::Arc;

const CORES: usize = 2;
const PARTITIONS: u16 = 4;
const STEPS: u32 = 1_500;

/// Small segments, so that a run begins, trims and recycles many.
const SEGMENT_BYTES: u64 = 32_768;
const KEEP_BYTES: u64 = 65_536;

/// What one core has on its way to the log.
#[derive(Default)]
struct InFlight {
    batches: Vec<Batch>,
    covered: Vec<(u16, u64)>,
}

/// Everything that dies with the process.
struct Process {
    engines: Vec<Engine>,
    board: Arc<Board>,
    log: FileLog<SimDisk>,
    in_flight: Vec<Option<InFlight>>,
    asked_to_compact: Option<Vec<(u16, u64)>>,
}

pub(crate) struct World {
    random: Xoshiro256PlusPlus,
    bug: Bug,
    catalog: Arc<Catalog>,
    disk: SimDisk,
    process: Process,
    clients: Clients,
    now: Stamp,
    /// Of a thousand steps, so many are faults of each kind.
    fault_rate: u32,
    counts: Counts,
    journal: Journal,
}

impl World {
    pub(crate) fn new(seed: u64, bug: Bug, told: bool) -> Self {
        let mut random = Xoshiro256PlusPlus::seed_from_u64(seed);
        let catalog = Arc::new(catalog());
        let disk = SimDisk::new(seed);
        let now = Stamp { wall_ms: 1_800_000_000_000, boot_ms: 10_000, boot_id: 1 };
        let process = Process::start(&catalog, &disk, now).expect("an empty disk starts");
        let on_sale = catalog.indices().map(|index| OnSale {
            departure: catalog.id(index),
            classes: catalog.seat_plan(index).classes.iter().map(|class| class.class).collect(),
            segments: catalog.segments(index),
        });
        let clients = Clients::new(seed, on_sale.collect());
        let fault_rate = random.random_range(0..6);
        let (counts, journal) = (Counts::default(), Journal::new(told));
        Self { random, bug, catalog, disk, process, clients, now, fault_rate, counts, journal }
    }

    /// The phase with faults.
    pub(crate) fn run(&mut self) -> Result<(), String> {
        for _ in 0..STEPS {
            match self.random.random_range(0..1_000) {
                step if step < self.fault_rate => self.kill(false)?,
                step if step < 2 * self.fault_rate => self.kill(true)?,
                step if step < 5 * self.fault_rate => self.upset_the_disk(),
                0..500 => self.ask(),
                500..700 => self.turn()?,
                700..850 => self.append()?,
                850..950 => self.now = after(self.now, self.random.random_range(0..100)),
                _ => self.now = after(self.now, self.random.random_range(0..2 * HOLD_MS)),
            }
        }
        Ok(())
    }

    /// Something goes wrong with the disk, soon.
    fn upset_the_disk(&mut self) {
        let soon = self.random.random_range(0..6);
        let kind = self.random.random_range(0..5);
        self.journal.note(format_args!("disk {kind} {soon}"));
        self.disk.faults(|faults| match kind {
            0 => faults.power_off_in = Some(soon),
            1 => faults.sync_fails_in = Some(soon),
            2 => faults.write_fails_in = Some(soon),
            3 => faults.short_writes = !faults.short_writes,
            _ => faults.capacity = if faults.capacity.is_some() { None } else { Some(1) },
        });
    }

    /// The healed phase: every hold runs out, and everything must add up.
    pub(crate) fn heal(&mut self) -> Result<(), String> {
        self.disk.faults(|faults| *faults = DiskFaults::default());
        self.now = after(self.now, 10 * HOLD_MS);
        for _ in 0..10_000 {
            self.turn()?;
            self.append()?;
            if self.process.is_idle() {
                break;
            }
        }
        if !self.process.is_idle() {
            return Err("the healed server does not come to rest".to_owned());
        }
        self.check()?;
        // What is on disk is enough: the same holds after one more crash.
        self.kill(true)?;
        for _ in 0..10_000 {
            self.turn()?;
            self.append()?;
            if self.process.is_idle() {
                break;
            }
        }
        self.check()
    }

    pub(crate) fn counts(&self) -> Counts {
        let mut counts = self.counts;
        counts.add(&self.clients.counts);
        counts
    }

    /// A checksum of everything that happened.
    pub(crate) fn digest(&self) -> u32 {
        self.journal.digest()
    }

    fn ask(&mut self) {
        let (correlation, command) = self.clients.next_request();
        self.journal.note(format_args!("{command:?}"));
        let partition = command.departure().partition(PARTITIONS);
        let core = owner(partition);
        let origin = Origin { core: core as u8, opcode: Opcode::Lookup, connection: 0, correlation };
        self.process.engines[core].submit(origin, &command, self.now);
    }

    /// One turn of one core; expiries are sometimes held back.
    fn turn(&mut self) -> Result<(), String> {
        let core = self.random.random_range(0..CORES);
        if self.random.random_bool(0.7) {
            let budget = self.random.random_range(1..50);
            self.process.engines[core].expire(self.now, budget);
        }
        let idle = self.process.in_flight[core].is_none();
        if idle {
            self.process.engines[core].compact_piece();
        }
        self.take_answers(core)?;
        let mut leaving = InFlight::default();
        let engine = &mut self.process.engines[core];
        let InFlight { batches, covered } = &mut leaving;
        if engine.commit(self.now, batches, covered, &mut Vec::new(), &mut Vec::new()) {
            if self.bug == Bug::AcknowledgeBeforeSync {
                engine.committed(&leaving.batches);
                self.take_answers(core)?;
            }
            self.process.in_flight[core] = Some(leaving);
        }
        Ok(())
    }

    fn take_answers(&mut self, core: usize) -> Result<(), String> {
        while let Some(answered) = self.process.engines[core].next_answer() {
            self.journal.note(format_args!("{answered:?}"));
            self.clients.take(answered.origin.correlation, &answered.answer, self.now)?;
        }
        Ok(())
    }

    /// The ledger thread: one append of what is on its way.
    fn append(&mut self) -> Result<(), String> {
        let batches: Vec<&Batch> =
            self.process.in_flight.iter().flatten().flat_map(|leaving| &leaving.batches).collect();
        match self.process.log.append(&batches) {
            Ok(()) => self.acknowledge(),
            Err(AppendError::NoSpace(_)) => {
                self.counts.bump(Branch::FullDisk);
                self.process.engines.iter_mut().for_each(|engine| engine.set_stalled(true));
                Ok(())
            }
            // The process ends. Whether the host ends with it is what made the write fail.
            Err(AppendError::Broken(_)) => {
                self.counts.bump(Branch::BrokenWrite);
                let power_loss = self.random.random_bool(0.5);
                self.kill(power_loss)
            }
            Err(error) => Err(format!("the only owner was refused: {error}")),
        }
    }

    fn acknowledge(&mut self) -> Result<(), String> {
        for core in 0..CORES {
            let Some(leaving) = self.process.in_flight[core].take() else { continue };
            for (partition, sequence) in leaving.covered {
                self.process.log.covered(partition, sequence);
            }
            if self.bug != Bug::AcknowledgeBeforeSync {
                self.process.engines[core].committed(&leaving.batches);
            }
            self.take_answers(core)?;
        }
        self.process.engines.iter_mut().for_each(|engine| engine.set_stalled(false));
        let wanted = self.process.log.wants_compaction();
        if wanted != self.process.asked_to_compact {
            if let Some(wanted) = &wanted {
                self.counts.bump(Branch::Compaction);
                self.process.engines.iter_mut().for_each(|engine| engine.compact(wanted));
            }
            self.process.asked_to_compact = wanted;
        }
        Ok(())
    }

    /// SIGKILL, or the end of the whole host: what was not synced may be gone then, and the clock starts anew.
    fn kill(&mut self, power_loss: bool) -> Result<(), String> {
        self.journal.note(format_args!("{}", if power_loss { "power loss" } else { "kill" }));
        if power_loss {
            self.disk = self.disk.crash();
            self.counts.bump(Branch::PowerLoss);
            let wall_ms = self.now.wall_ms + self.random.random_range(-5_000..50_000);
            self.now =
                Stamp { wall_ms, boot_ms: self.random.random_range(0..5_000), boot_id: self.now.boot_id + 1 };
        } else {
            self.disk = self.disk.restart();
            self.counts.bump(Branch::Kill);
        }
        self.clients.disconnect(power_loss);
        self.process = Process::start(&self.catalog, &self.disk, self.now)?;
        Ok(())
    }

    /// The ledger is whole, bears out every answer, and what it leaves free is what the server offers.
    fn check(&mut self) -> Result<(), String> {
        let mut reader = FileReader::open(self.disk.clone()).map_err(|error| error.to_string())?;
        if reader.is_trimmed() {
            self.counts.bump(Branch::TrimmedLog);
        }
        let mut audit = Audit::new(reader.partitions(), reader.is_trimmed());
        let read = reader.for_each(|batch| {
            audit.follow(&batch);
            Ok(())
        });
        read.map_err(|error| error.to_string())?;
        reader.check_tail().map_err(|error| error.to_string())?;
        let report = audit.finish();
        if !report.passes() || report.held > 0 || report.seat_segments.held > 0 {
            return Err(format!("{} holds, {:?}", report.held, report.listed));
        }
        self.clients.compare(&audit)?;
        let mut taken: HashMap<_, u32> = HashMap::new();
        for record in audit.reservations().filter(|record| record.state.is_live()) {
            for segment in record.from..record.to {
                *taken.entry((record.departure, record.class, segment)).or_default() +=
                    u32::from(record.party);
            }
        }
        for index in self.catalog.indices() {
            let departure = self.catalog.id(index);
            for class in &self.catalog.seat_plan(index).classes {
                for segment in 0..self.catalog.segments(index) {
                    let pair = Some((segment, segment + 1));
                    let asked = Availability { departure, class: Some(class.class), pair };
                    let told = self.process.board.availability(&asked, self.now).expect("it is on sale");
                    let sold = taken.get(&(departure, class.class, segment)).copied().unwrap_or(0);
                    let free: u32 = told.classes().flat_map(|(_, free)| free).sum();
                    if free + sold != class.capacity() {
                        return Err(format!(
                            "{free} free and {sold} sold of {} on {asked:?}",
                            class.capacity()
                        ));
                    }
                }
            }
        }
        Ok(())
    }
}

impl Process {
    fn start(catalog: &Arc<Catalog>, disk: &SimDisk, now: Stamp) -> Result<Self, String> {
        let options = Options {
            ledger: 1,
            segment_bytes: SEGMENT_BYTES,
            keep_bytes: KEEP_BYTES,
            ..Options::new(PARTITIONS)
        };
        let recovery = FileLog::open(disk.clone(), options).map_err(|error| error.to_string())?;
        let board = Arc::new(Board::new(Arc::clone(catalog)));
        let engine = |core| {
            let (board, counters) = (Arc::clone(&board), Arc::new(Counters::default()));
            Engine::new(Arc::clone(catalog), board, counters, PARTITIONS, |partition| {
                owner(partition) == core
            })
        };
        let mut engines: Vec<_> = (0..CORES).map(engine).collect();
        let mut refused = None;
        let read = recovery.for_each(|batch| {
            engines[owner(batch.partition)].replay(&batch, now).map_err(|error| {
                refused = Some(error.to_string());
                DecodeError::BadField("record")
            })
        });
        if let Some(refused) = refused {
            return Err(refused);
        }
        let log = read.map_err(|error| error.to_string())?;
        engines.iter().try_for_each(Engine::end_replay).map_err(|error| error.to_string())?;
        let in_flight = (0..CORES).map(|_| None).collect();
        Ok(Self { engines, board, log, in_flight, asked_to_compact: None })
    }

    fn is_idle(&self) -> bool {
        let engines = self.engines.iter().all(|engine| engine.is_idle() && engine.next_deadline().is_none());
        engines && self.in_flight.iter().all(Option::is_none)
    }
}

fn owner(partition: u16) -> usize {
    usize::from(partition) % CORES
}

fn after(now: Stamp, ms: u64) -> Stamp {
    Stamp { wall_ms: now.wall_ms + ms as i64, boot_ms: now.boot_ms + ms, ..now }
}

/// Six small trains of two kinds.
fn catalog() -> Catalog {
    let block = |coach, rows, letters: &[u8]| Block { coach, first_row: 1, rows, letters: letters.to_vec() };
    let seats = |class, blocks| ClassPlan { class: Class(class), stock: Stock::Seats(blocks) };
    let places = |class, count| ClassPlan { class: Class(class), stock: Stock::Places(count) };
    let train = SeatPlan {
        classes: vec![
            seats(2, vec![block(1, 2, b"AF")]),
            seats(3, vec![block(2, 3, b"ABCDF"), block(3, 2, b"ABCDF")]),
            places(8, 5),
        ],
    };
    let hall = SeatPlan { classes: vec![places(9, 20)] };
    let rules = SaleRules { hold_ms_default: HOLD_MS as u32, ..SaleRules::OPEN };
    let mut builder = Catalog::builder().days([Day(20_000), Day(20_001)]);
    builder = builder.train("T 1", &["A", "B", "C", "D", "E"], train.clone(), rules);
    builder = builder.train("T 2", &["A", "B", "C"], train, rules);
    builder.train("HALL", &["IN", "OUT"], hall, rules).build()
}
