//! A world with two servers and one Redis: they take the ledger from each other while it loses its tail, its memory or its
//! scripts, fills up, freezes, and answers late or never.

use crate::branch::{Branch, Counts};
use crate::catalog::{GRACE_MS, HOLD_MS, catalog, on_sale};
use crate::check::judge;
use crate::clients::Clients;
use crate::clock::HostClock;
use crate::history::History;
use crate::journal::Journal;
use crate::network::Network;
use crate::node::{CORES, Node, PARTITIONS, StartFailed, Surroundings, redis_options};
use crate::redis::SimHost;
use crate::run::Bug;
use crate::weather::{Fault, OF_A_REDIS, Weather};
use rand::{RngExt, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;
use seathold::audit::Audit;
use seathold::catalog::Catalog;
use seathold::ledger::redis::{Figures, create_through};
use seathold_protocol::batch::{Batch, BatchView};
use seathold_protocol::codec::Reader;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;

const STEPS: u32 = 1_200;
const ROUNDS_MAX: u32 = 10_000;
const ROUND_MS: u64 = 50;

pub(crate) struct Pair {
    random: Xoshiro256PlusPlus,
    bug: Bug,
    weather: Weather,
    catalog: Arc<Catalog>,
    host: SimHost,
    nodes: [Option<(Node, Arc<Figures>)>; 2],
    clocks: [HostClock; 2],
    /// Who took the ledger last.
    owner: Option<usize>,
    net: Network,
    clients: Clients,
    away_until_ms: u64,
    starts: u64,
    history: History,
    counts: Counts,
    journal: Journal,
}

impl Pair {
    pub(crate) fn new(seed: u64, bug: Bug, told: bool) -> Result<Self, String> {
        let mut random = Xoshiro256PlusPlus::seed_from_u64(seed);
        let catalog = Arc::new(catalog());
        let weather = Weather::new(&mut random, &OF_A_REDIS);
        let clocks = [0, 1].map(|host| HostClock::new(&mut random, host));
        let host = SimHost::new(seed);
        let mut pair = Self {
            bug,
            weather,
            nodes: [None, None],
            clocks,
            owner: None,
            net: Network::new(Xoshiro256PlusPlus::seed_from_u64(seed ^ 0x7e7)),
            clients: Clients::new(seed, on_sale(&catalog)),
            away_until_ms: 0,
            starts: 0,
            history: History::default(),
            counts: Counts::default(),
            journal: Journal::new(told),
            catalog,
            random,
            host,
        };
        let through: Arc<dyn seathold::ledger::redis::Host> = Arc::new(pair.host.clone());
        create_through(Some(through), &redis_options().url, PARTITIONS, "now")
            .map_err(|error| error.to_string())?;
        pair.start(0)?;
        let trouble = [0, 3, 15][pair.random.random_range(0..3)];
        pair.host.server().trouble_percent = trouble;
        pair.host.server().mood.careless = bug == Bug::IgnoreTails;
        Ok(pair)
    }

    /// The phase with faults.
    pub(crate) fn run(&mut self) -> Result<(), String> {
        for _ in 0..STEPS {
            if self.host.true_ms() >= self.away_until_ms {
                self.host.server().away = false;
            }
            if let Some(fault) = self.weather.draw(&mut self.random) {
                self.fault(fault)?;
                continue;
            }
            let node = self.random.random_range(0..2);
            match self.random.random_range(0..100) {
                0..42 => {
                    let alive = (0..2).filter(|node| self.nodes[*node].is_some());
                    let places: Vec<_> =
                        alive.flat_map(|node| (0..CORES).map(move |core| (node, core))).collect();
                    self.clients.act(&mut self.net, &places, &mut self.journal)?;
                }
                42..70 => {
                    let core = self.random.random_range(0..CORES);
                    let holds_back = self.random.random_range(0..10) < 3;
                    let expire = if holds_back { 0 } else { self.random.random_range(1..50) };
                    self.turn(node, core, expire)?;
                }
                70..84 => self.append(node)?,
                84..88 => {
                    let server = &mut *self.host.server();
                    server.replica = server.store.clone();
                }
                88..90 => self.start(node)?,
                90..97 => self.pass(0, 40),
                97..99 => self.pass(0, 200),
                _ => self.pass(0, 2 * HOLD_MS),
            }
        }
        Ok(())
    }

    /// The healed phase.
    pub(crate) fn heal(&mut self) -> Result<(), String> {
        self.journal.note(format_args!("{} ms: healed", self.host.true_ms()));
        {
            let server = &mut *self.host.server();
            (server.away, server.trouble_percent) = (false, 0);
            (server.mood.full, server.mood.read_only) = (false, false);
        }
        self.net.heal();
        for node in [0, 1] {
            // What Redis lost is appended again before the last who knows of it may go.
            self.come_to_rest()?;
            self.kill(node, false);
            self.start(node)?;
            if self.nodes[node].is_none() {
                return Err(format!("the healed server {node} cannot take the ledger"));
            }
            self.clients.look_up_all(&mut self.net, (node, 0));
            self.come_to_rest()?;
            self.check(node)?;
        }
        Ok(())
    }

    pub(crate) fn counts(&self) -> Counts {
        let mut counts = self.counts;
        counts.add(&self.clients.counts);
        counts.add(&self.host.server().counts);
        counts
    }

    pub(crate) fn digest(&self) -> u32 {
        self.journal.digest()
    }

    fn come_to_rest(&mut self) -> Result<(), String> {
        for _ in 0..ROUNDS_MAX {
            self.pass(ROUND_MS, ROUND_MS);
            for node in [0, 1] {
                (0..CORES).try_for_each(|core| self.turn(node, core, 1_000))?;
                self.append(node)?;
            }
            self.clients.receive_all(&mut self.net, &mut self.journal)?;
            let idle = self.nodes.iter().flatten().all(|(node, _)| node.is_idle());
            // A try that failed is made again a second later, though nobody waits for it.
            if idle && !self.clients.wait() && self.is_whole() {
                return Ok(());
            }
        }
        Err("I7: the healed servers do not come to rest".to_owned())
    }

    fn check(&self, node: usize) -> Result<(), String> {
        let batches = self.batches();
        self.history.compare(&batches)?;
        let trimmed = batches.iter().any(|batch| {
            let mut same = batches.iter().filter(|other| other.partition == batch.partition);
            same.next().is_some_and(|first| first.position.sequence > 1)
        });
        let mut audit = Audit::new(PARTITIONS, trimmed);
        batches.iter().for_each(|batch| audit.follow(&batch.view()));
        let (running, _) = self.nodes[node].as_ref().expect("it was just started");
        let now = self.clocks[node].read(self.host.true_ms());
        judge(audit, &self.clients, &self.catalog, &running.board, now)
    }

    fn fault(&mut self, fault: Fault) -> Result<(), String> {
        let true_ms = self.host.true_ms();
        self.journal.note(format_args!("{true_ms} ms: {fault:?}"));
        let node = self.random.random_range(0..2);
        match fault {
            Fault::Kill => self.kill(node, false),
            Fault::PowerLoss => self.kill(node, true),
            Fault::TakeOver => {
                self.kill(node, false);
                self.start(node)?;
            }
            // What the last who knows of it has lost is lost: such a world is not this one.
            Fault::FailOver if self.is_owned() && self.replica_has_ledger() => {
                self.host.server().fail_over();
            }
            Fault::Empty if self.may_be_emptied() => self.host.server().empty(),
            Fault::FailOver | Fault::Empty => {}
            Fault::FillRedis => {
                let server = &mut *self.host.server();
                server.mood.full = !server.mood.full;
            }
            Fault::Freeze => {
                let server = &mut *self.host.server();
                server.mood.read_only = !server.mood.read_only;
            }
            Fault::HideRedis => {
                self.away_until_ms = true_ms + self.random.random_range(10..3_000);
                let server = &mut *self.host.server();
                server.away = true;
                server.break_connections();
            }
            Fault::FlushScripts => self.host.server().forget_scripts(),
            Fault::CutRedis => self.host.server().break_connections(),
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
                self.clocks[node].jump(&mut self.random);
                self.counts.bump(Branch::WallClockSet);
                self.clients.excuse_early_ends();
            }
            other => unreachable!("{other:?} is no fault of a Redis"),
        }
        Ok(())
    }

    /// Whether one running server has all partitions, and so all that Redis may lose.
    fn is_owned(&self) -> bool {
        self.owner.is_some_and(|owner| self.nodes[owner].is_some())
    }

    /// Whether a fail-over leaves the word that there is a ledger: an owner writes it again only after it found all else gone.
    fn replica_has_ledger(&self) -> bool {
        self.bug == Bug::DoubleFault || self.host.server().replica.has_ledger()
    }

    /// Whether the other server does not take itself for the owner, either: it would write again what it knows.
    fn is_owned_alone(&self) -> bool {
        let knows =
            |owner: usize| self.nodes[1 - owner].as_ref().is_none_or(|(other, _)| other.is_shut_out());
        self.is_owned() && self.owner.is_some_and(knows)
    }

    fn may_be_emptied(&self) -> bool {
        self.is_owned_alone() || self.bug == Bug::DoubleFault && self.is_owned()
    }

    fn is_whole(&self) -> bool {
        self.history.is_whole(&self.batches()) && self.host.server().store.has_ledger()
    }

    /// All that is in Redis, partition by partition.
    fn batches(&self) -> Vec<Batch> {
        let server = self.host.server();
        let mut batches = Vec::new();
        for partition in 0..PARTITIONS {
            let key = format!("{{seathold:{partition}}}:log");
            let views = server.store.batches(&key).map(|bytes| BatchView::decode(&mut Reader::new(bytes)));
            batches.extend(views.map(|view| view.expect("it was encoded by a log").to_batch()));
        }
        batches
    }

    /// The process ends, or its host does. Not while it alone knows what Redis has lost.
    fn kill(&mut self, node: usize, power_loss: bool) {
        if self.nodes[node].is_none() || !self.is_whole() {
            return;
        }
        self.counts.bump(if power_loss { Branch::PowerLoss } else { Branch::Kill });
        self.journal.note(format_args!("{} ms: server {node} is dead", self.host.true_ms()));
        self.forget(node);
        self.net.lose_node(node, power_loss);
        if power_loss {
            self.pass(100, 2_000);
            self.clocks[node].reboot(&mut self.random, self.host.true_ms());
        }
    }

    fn forget(&mut self, node: usize) {
        if let Some((_, figures)) = self.nodes[node].take() {
            for _ in 0..figures.lost_batches.load(Relaxed) {
                self.counts.bump(Branch::TailRepaired);
            }
        }
        self.clients.superseded.retain(|superseded| *superseded != node);
        if self.owner == Some(node) {
            self.owner = None;
        }
    }

    /// Begins a process, which takes the ledger from the other one. A start that fails may have shut that one out already.
    fn start(&mut self, node: usize) -> Result<(), String> {
        if self.nodes[node].is_some() || !self.is_whole() {
            return Ok(());
        }
        self.starts += 1;
        // A hold that is written again on its way has one more grace each time.
        let rest_max_ms = HOLD_MS + GRACE_MS * self.starts;
        self.clients.rest_max_ms = rest_max_ms;
        let (catalog, host) = (Arc::clone(&self.catalog), self.host.clone());
        let started = Node::start_on_redis(node, &catalog, &host, rest_max_ms, &mut self.around(node));
        self.net.now_ms = self.host.true_ms();
        self.owner = None;
        self.clients.superseded = vec![1 - node];
        match started {
            Ok((started, figures)) => {
                self.journal.note(format_args!("{} ms: server {node} took over", self.host.true_ms()));
                self.counts.bump(Branch::TakeOver);
                self.nodes[node] = Some((started, figures));
                self.owner = Some(node);
                // A fail-over that loses the claim would let the owner before write again, if that has not met it yet.
                if !self.is_owned_alone() {
                    let server = &mut *self.host.server();
                    server.replica = server.store.clone();
                }
                Ok(())
            }
            Err(StartFailed::Refused(error)) => {
                self.journal.note(format_args!("{} ms: server {node}: {error}", self.host.true_ms()));
                self.counts.bump(Branch::StartRefused);
                Ok(())
            }
            Err(StartFailed::Wrong(found)) => Err(found),
        }
    }

    fn turn(&mut self, node: usize, core: usize, expire: usize) -> Result<(), String> {
        let Some((mut running, figures)) = self.nodes[node].take() else { return Ok(()) };
        let done = running.turn(core, expire, &mut self.around(node));
        self.nodes[node] = Some((running, figures));
        done
    }

    fn append(&mut self, node: usize) -> Result<(), String> {
        let Some((mut running, figures)) = self.nodes[node].take() else { return Ok(()) };
        let done = running.append(&mut self.around(node));
        self.nodes[node] = Some((running, figures));
        self.net.now_ms = self.host.true_ms();
        match done {
            Ok(covers) if !covers || self.bug == Bug::DoubleFault => Ok(()),
            // What is covered an owner forgets: one whose replica lacks even the cover cannot repair it.
            Ok(_) => {
                let server = &mut *self.host.server();
                server.replica = server.store.clone();
                Ok(())
            }
            Err(broke) => Err(format!("server {node} must end: {}", broke.0)),
        }
    }

    fn pass(&mut self, least_ms: u64, most_ms: u64) {
        let true_ms = self.host.true_ms() + self.random.random_range(least_ms..=most_ms);
        self.host.set_true_ms(true_ms);
        self.net.now_ms = true_ms;
    }

    fn around(&mut self, node: usize) -> Surroundings<'_> {
        Surroundings {
            now: self.clocks[node].read(self.host.true_ms()),
            bug: self.bug,
            net: &mut self.net,
            history: &mut self.history,
            journal: &mut self.journal,
            counts: &mut self.counts,
        }
    }
}
