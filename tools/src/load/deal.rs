//! Deals connections and arrivals out to the threads. Each connection leads to one door: the shared port, or a core's own.

use super::buyer::{Buyer, Script};
use super::connection::Connection;
use super::driver::Share;
use super::lane::Lane;
use super::options::Options;
use super::oracle::Memory;
use super::schedule::Schedule;
use super::stage::Stage;
use mio::net::TcpStream;
use std::sync::Arc;

/// The connections of one thread to one door.
struct Group {
    thread: usize,
    door: usize,
    connections: Vec<TcpStream>,
}

/// Connections that are being dealt out.
pub(super) struct Deal {
    script: Arc<Script>,
    /// What is asked at each door.
    stages: Vec<Arc<Stage>>,
    schedule: Option<Schedule>,
    threads: usize,
    in_flight: usize,
    groups: Vec<Group>,
    /// Reservations that an oracle remembers, of all lanes together.
    remembered: Option<usize>,
}

impl Deal {
    pub(super) fn new(options: &Options, stages: Vec<Arc<Stage>>, script: Arc<Script>) -> Self {
        let (threads, in_flight) = (options.threads, options.in_flight);
        let remembered = options.oracle.then_some(options.oracle_memory);
        Self {
            script,
            stages,
            schedule: options.schedule(),
            threads,
            in_flight,
            groups: Vec::new(),
            remembered,
        }
    }

    /// Takes the connection number `at`, which leads to this door.
    pub(super) fn take(&mut self, at: usize, door: usize, connection: TcpStream) {
        let thread = at % self.threads;
        // A closed loop has a lane for each connection.
        let is_known = |group: &&mut Group| group.thread == thread && group.door == door;
        let known = self.schedule.as_ref().and_then(|_| self.groups.iter_mut().find(is_known));
        match known {
            Some(group) => group.connections.push(connection),
            None => self.groups.push(Group { thread, door, connections: vec![connection] }),
        }
    }

    /// What each thread drives.
    pub(super) fn shares(self) -> Vec<Share> {
        let mut shares: Vec<_> = (0..self.threads).map(|_| Share::default()).collect();
        let weights: f64 = self.stages.iter().map(|stage| stage.weight()).sum();
        let doors: Vec<_> = self.groups.iter().map(|group| group.door).collect();
        for (at, Group { thread, door, connections }) in self.groups.into_iter().enumerate() {
            let stage = &self.stages[door];
            let buyer = Buyer::new(Arc::clone(&self.script), Arc::clone(stage), at);
            let mut lane = match &self.schedule {
                None => Lane::closed(buyer, 0),
                Some(schedule) => {
                    let (part, of) = (count(&doors[..at], door), count(&doors, door));
                    // Far enough apart that the parts of two doors are not seeded alike.
                    let seed = self.script.seed.wrapping_add((door as u64) << 16);
                    let share = stage.weight() / weights;
                    let arrivals = schedule.arrivals(seed, share, part, of);
                    let later = self.script.habits.payments_outstanding(schedule.peak() * share / of as f64);
                    Lane::open(buyer, arrivals, connections.len(), later)
                }
            };
            lane.memory = self.remembered.map(|remembered| Memory::new(remembered / doors.len()));
            let Share { connections: all, lanes } = &mut shares[thread];
            let connection = |stream| Some(Connection::new(stream, lanes.len(), self.in_flight));
            all.extend(connections.into_iter().map(connection));
            lanes.push(lane);
        }
        shares
    }
}

fn count(doors: &[usize], door: usize) -> usize {
    doors.iter().filter(|other| **other == door).count()
}
