//! One world with one server: clients, a network, a disk that forgets, clocks that are wrong, and what goes wrong when.

use crate::branch::{Branch, Counts};
use crate::catalog::{GRACE_MS, HOLD_MS, catalog, on_sale};
use crate::clients::Clients;
use crate::clock::HostClock;
use crate::disk::{Faults as DiskFaults, SimDisk};
use crate::history::History;
use crate::journal::Journal;
use crate::network::Network;
use crate::node::{CORES, Node, Surroundings};
use crate::rot;
use crate::run::Bug;
use crate::weather::{Fault, OF_A_DISK, Weather};
use rand::{RngExt, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;
use seathold::catalog::Catalog;
use seathold_protocol::batch::Stamp;
use std::sync::Arc;

const STEPS: u32 = 1_500;

/// Rounds in which a healed world must come to rest, and what passes in each.
const ROUNDS_MAX: u32 = 10_000;
const ROUND_MS: u64 = 50;

pub(crate) struct World {
    random: Xoshiro256PlusPlus,
    bug: Bug,
    weather: Weather,
    pub(crate) catalog: Arc<Catalog>,
    pub(crate) disk: SimDisk,
    node: Option<Node>,
    net: Network,
    pub(crate) clients: Clients,
    clock: HostClock,
    pub(crate) true_ms: u64,
    slow_until_ms: u64,
    boots: u64,
    /// Once is enough: it costs as much as all else together.
    flooded: bool,
    history: History,
    pub(crate) counts: Counts,
    journal: Journal,
}

impl World {
    pub(crate) fn new(seed: u64, bug: Bug, told: bool) -> Result<Self, String> {
        let mut random = Xoshiro256PlusPlus::seed_from_u64(seed);
        let catalog = Arc::new(catalog());
        let weather = Weather::new(&mut random, &OF_A_DISK);
        let net = Network::new(Xoshiro256PlusPlus::seed_from_u64(seed ^ 0x7e7));
        let clock = HostClock::new(&mut random, 0);
        let mut world = Self {
            bug,
            weather,
            disk: SimDisk::new(seed),
            node: None,
            net,
            clients: Clients::new(seed, on_sale(&catalog)),
            clock,
            true_ms: 0,
            slow_until_ms: 0,
            boots: 1,
            flooded: false,
            history: History::default(),
            counts: Counts::default(),
            journal: Journal::new(told),
            catalog,
            random,
        };
        world.start()?;
        Ok(world)
    }

    /// The phase with faults.
    pub(crate) fn run(&mut self) -> Result<(), String> {
        for _ in 0..STEPS {
            if let Some(fault) = self.weather.draw(&mut self.random) {
                self.fault(fault)?;
                continue;
            }
            match self.random.random_range(0..100) {
                0..45 => {
                    let places: Vec<_> = (0..CORES).map(|core| (0, core)).collect();
                    self.clients.act(&mut self.net, &places, &mut self.journal)?;
                }
                45..72 => {
                    let core = self.random.random_range(0..CORES);
                    let holds_back = self.random.random_range(0..10) < 3;
                    let expire = if holds_back { 0 } else { self.random.random_range(1..50) };
                    self.turn(core, expire)?;
                }
                72..86 => self.append()?,
                86..96 => self.pass(0, 40),
                96..99 => self.pass(0, 200),
                _ => self.pass(0, 2 * HOLD_MS),
            }
        }
        Ok(())
    }

    /// The healed phase: whoever does not know what became of a request asks, every hold runs out, and everything must add up.
    pub(crate) fn heal(&mut self) -> Result<(), String> {
        self.journal.note(format_args!("{} ms: healed", self.true_ms));
        self.disk.faults(|faults| *faults = DiskFaults::default());
        self.net.heal();
        self.slow_until_ms = 0;
        self.come_to_rest()?;
        self.clients.look_up_all(&mut self.net, (0, 0));
        self.come_to_rest()?;
        self.check()?;
        // What is on disk is enough: the same holds after one more crash.
        self.kill(true)?;
        self.clients.look_up_all(&mut self.net, (0, 1));
        self.come_to_rest()?;
        self.check()
    }

    fn come_to_rest(&mut self) -> Result<(), String> {
        for _ in 0..ROUNDS_MAX {
            self.pass(ROUND_MS, ROUND_MS);
            for core in 0..CORES {
                self.turn(core, 1_000)?;
            }
            self.append()?;
            self.clients.receive_all(&mut self.net, &mut self.journal)?;
            if self.running().is_idle() && !self.clients.wait() {
                return Ok(());
            }
        }
        Err("I7: the healed server does not come to rest".to_owned())
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

    pub(crate) fn running(&self) -> &Node {
        self.node.as_ref().expect("a server that ends is started again at once")
    }

    fn fault(&mut self, fault: Fault) -> Result<(), String> {
        self.journal.note(format_args!("{} ms: {fault:?}", self.true_ms));
        match fault {
            Fault::Kill => self.kill(false)?,
            Fault::PowerLoss => self.kill(true)?,
            Fault::Disk => self.upset_the_disk(),
            Fault::SlowDisk => {
                self.counts.bump(Branch::SlowDisk);
                self.slow_until_ms = self.true_ms + self.random.random_range(50..6_000);
            }
            Fault::Cut => {
                if self.net.cut().is_some() {
                    self.counts.bump(Branch::Cut);
                }
            }
            Fault::Deafen => {
                if self.net.deafen().is_some() {
                    self.counts.bump(Branch::Deafened);
                }
            }
            Fault::WallClock => {
                self.clock.jump(&mut self.random);
                self.counts.bump(Branch::WallClockSet);
                self.clients.excuse_early_ends();
            }
            Fault::Flood if self.flooded => {}
            Fault::Flood => {
                self.flooded = true;
                let asked = self.random.random_range(0..self.catalog.len());
                let core = self.random.random_range(0..CORES);
                self.clients.flood(&mut self.net, 0, core, asked);
            }
            Fault::Rot => rot::flip(&self.disk, &mut self.random, &mut self.counts)?,
            other => unreachable!("{other:?} is no fault of a disk"),
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

    fn pass(&mut self, least_ms: u64, most_ms: u64) {
        self.true_ms += self.random.random_range(least_ms..=most_ms);
        self.net.now_ms = self.true_ms;
    }

    fn turn(&mut self, core: usize, expire: usize) -> Result<(), String> {
        self.with_node(|node, around| node.turn(core, expire, around))
    }

    fn append(&mut self) -> Result<(), String> {
        if self.true_ms < self.slow_until_ms {
            return Ok(());
        }
        if let Err(broke) = self.with_node(|node, around| node.append(around)) {
            self.journal.note(format_args!("{} ms: {}", self.true_ms, broke.0));
            self.counts.bump(Branch::BrokenWrite);
            // The process ends. Whether the host ends with it is what made the write fail.
            let power_loss = self.random.random_bool(0.5);
            self.kill(power_loss)?;
        }
        Ok(())
    }

    /// SIGKILL, or the end of the whole host: what was not synced may be gone then, and its clock starts anew.
    fn kill(&mut self, power_loss: bool) -> Result<(), String> {
        self.journal.note(format_args!("{} ms: dead, with its host: {power_loss}", self.true_ms));
        self.node = None;
        self.net.lose_node(0, power_loss);
        if power_loss {
            self.counts.bump(Branch::PowerLoss);
            self.disk = self.disk.crash();
            self.pass(100, 5_000);
            self.clock.reboot(&mut self.random, self.true_ms);
            self.boots += 1;
        } else {
            self.counts.bump(Branch::Kill);
            self.disk = self.disk.restart();
            self.pass(0, 300);
        }
        self.slow_until_ms = 0;
        self.start()
    }

    fn start(&mut self) -> Result<(), String> {
        let (catalog, disk) = (Arc::clone(&self.catalog), self.disk.clone());
        let rest_max_ms = HOLD_MS + GRACE_MS * self.boots;
        self.node = Some(Node::start_on_disk(&catalog, &disk, rest_max_ms, &mut self.around())?);
        Ok(())
    }

    fn with_node<T>(&mut self, work: impl FnOnce(&mut Node, &mut Surroundings<'_>) -> T) -> T {
        let mut node = self.node.take().expect("a server that ends is started again at once");
        let done = work(&mut node, &mut self.around());
        self.node = Some(node);
        done
    }

    fn around(&mut self) -> Surroundings<'_> {
        Surroundings {
            now: self.now(),
            bug: self.bug,
            net: &mut self.net,
            history: &mut self.history,
            journal: &mut self.journal,
            counts: &mut self.counts,
        }
    }

    pub(crate) fn now(&self) -> Stamp {
        let now = self.clock.read(self.true_ms);
        match self.bug {
            Bug::TrustWallClock => Stamp { boot_ms: now.wall_ms as u64, ..now },
            _ => now,
        }
    }
}
