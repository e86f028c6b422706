//! What the log in Redis is handed in place of sockets and a clock.

use super::reply::requests;
use super::server::{Begun, Fate, Server};
use redis::Value;
use seathold::ledger::redis::{Host, Link, Lost, Node, Reply, Wire};
use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, Instant};

/// The simulated server, and the true time in milliseconds, which passes while somebody waits for a reply.
#[derive(Clone)]
pub(crate) struct SimHost {
    server: Arc<Mutex<Server>>,
    true_ms: Arc<AtomicU64>,
    /// What the simulation's beginning is called.
    beginning: Instant,
}

struct SimWire {
    host: SimHost,
    generation: u64,
    begun: Begun,
    replies: VecDeque<Value>,
    /// No reply comes behind those that are there, and whether that is told.
    broken: bool,
    silent: bool,
}

impl SimHost {
    pub(crate) fn new(seed: u64) -> Self {
        Self {
            server: Arc::new(Mutex::new(Server::new(seed))),
            true_ms: Arc::default(),
            beginning: Instant::now(),
        }
    }

    pub(crate) fn server(&self) -> MutexGuard<'_, Server> {
        self.server.lock().expect("one thread runs a world")
    }

    pub(crate) fn true_ms(&self) -> u64 {
        self.true_ms.load(Relaxed)
    }

    pub(crate) fn set_true_ms(&self, true_ms: u64) {
        self.true_ms.store(true_ms, Relaxed);
    }

    fn pass(&self, time: Duration) {
        self.true_ms.fetch_add(time.as_millis() as u64, Relaxed);
    }
}

impl Host for SimHost {
    fn now(&self) -> Instant {
        self.beginning + Duration::from_millis(self.true_ms())
    }

    fn rest(&self, time: Duration) {
        self.pass(time);
    }

    fn connect(&self, node: &Node) -> Result<Link, Lost> {
        let server = self.server();
        if server.away {
            return Err(Lost(format!("{node} cannot be reached")));
        }
        Ok(Link::new(SimWire {
            host: self.clone(),
            generation: server.generation,
            begun: Begun::default(),
            replies: VecDeque::new(),
            broken: false,
            silent: false,
        }))
    }
}

impl Wire for SimWire {
    fn now(&self) -> Instant {
        self.host.now()
    }

    fn send(&mut self, bytes: &[u8], _timeout: Duration) -> Result<(), Lost> {
        let mut server = self.host.server();
        if server.away || server.generation != self.generation {
            return Err(Lost("the connection is broken".to_owned()));
        }
        server.run_late();
        let requests = requests(bytes);
        let fate = server.fate(requests.len());
        if fate == Fate::Late {
            self.silent = true;
            server.postpone(std::mem::take(&mut self.begun), requests);
            return Ok(());
        }
        let runs = if let Fate::Cut(runs) = fate { runs } else { requests.len() };
        for words in &requests[..runs] {
            let reply = server.run(&mut self.begun, words);
            self.replies.push_back(reply);
        }
        self.broken = runs < requests.len() || matches!(fate, Fate::Cut(_));
        if fate == Fate::Slow {
            self.silent = true;
            self.replies.clear();
        } else if self.broken {
            // What ran may be answered in part.
            self.replies.truncate(runs / 2);
        }
        Ok(())
    }

    fn receive(&mut self, timeout: Duration) -> Result<Option<Reply>, Lost> {
        match self.replies.pop_front() {
            Some(Value::ServerError(refusal)) => Ok(Some(Err(refusal))),
            Some(value) => Ok(Some(Ok(value))),
            None if self.silent => {
                self.host.pass(timeout);
                Ok(None)
            }
            None => Err(Lost("the connection broke".to_owned())),
        }
    }
}
