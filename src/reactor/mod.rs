//! One core's event loop: the only place where sockets, the engine, the mesh and the ledger meet.
//!
//! ```text
//!  poll ─► notices, answers ─► work ─► read and serve ─┬─► work ─► notices ─► expire ─► answers ─► commit ─► flush ─► ring
//!                                   mail of other cores ─┘
//! ```
//!
//! A turn has bounded work, per connection and for the engine, and ends with one commit to the ledger, one write per
//! connection and at most one wake per peer. In a crowd a connection is written as soon as it is served, too, so that BUSY
//! does not wait for the rest of the turn; what the ledger has told before is in the same write.

mod admission;
mod answer;
mod dispatch;
mod lifecycle;
mod serve;
mod shared;
mod stats;

pub use shared::{LedgerPort, Shared};

use crate::counters::{Counter, Counters};
use crate::engine::{Ask, Engine};
use crate::ledger::{Commit, Health, Notice};
use crate::mesh::{Bell, Mailbox};
use crate::net::{ConnectionKey, Frames, Listener, READ_BYTES, Table};
use crate::sys::{Clock, point};
use admission::Admission;
use lifecycle::Phase;
use mio::{Events, Interest, Poll, Token};
use seathold_protocol::batch::Stamp;
use std::collections::VecDeque;
use std::io;
use std::sync::Arc;
use std::time::Duration;

/// Socket events taken from one poll; the rest comes with the next.
const EVENTS_PER_TURN: usize = 1024;

/// Asks of other cores taken in one turn.
const ASKS_PER_TURN: usize = 4096;

/// Holds ended in one turn: below a millisecond.
const EXPIRIES_PER_TURN: usize = 4096;

/// How often connections are looked over for time limits; also the longest sleep.
const SWEEP_MS: u64 = 1_000;

/// The token of the bell's waker.
pub const TOKEN_BELL: Token = Token(usize::MAX);
const TOKEN_SHARED_LISTENER: Token = Token(usize::MAX - 1);
const TOKEN_CORE_LISTENER: Token = Token(usize::MAX - 2);

/// What one core's event loop is made of.
pub struct Parts {
    /// Its number.
    pub core: usize,
    /// What all cores share.
    pub shared: Arc<Shared>,
    /// Its poll; the bell's waker is registered with it.
    pub poll: Poll,
    /// Its bell.
    pub bell: Arc<Bell>,
    /// The port that all cores share.
    pub shared_listener: Listener,
    /// The port that is this core's own.
    pub core_listener: Listener,
    /// Its departures.
    pub engine: Engine,
    /// Its end of the mesh.
    pub mailbox: Mailbox,
    /// Its end of the ledger.
    pub ledger: LedgerPort,
}

/// One core.
pub struct Reactor {
    core: usize,
    shared: Arc<Shared>,
    counters: Arc<Counters>,
    clock: Clock,
    now: Stamp,
    poll: Poll,
    bell: Arc<Bell>,
    listeners: Option<[Listener; 2]>,
    /// Listeners that may have connections waiting, and when to try again after accepting failed.
    acceptable: [bool; 2],
    accept_again_ms: u64,
    connections: Table,
    /// Connections that have something to serve, and to write, in this turn or the next.
    to_serve: VecDeque<ConnectionKey>,
    to_flush: Vec<ConnectionKey>,
    admission: Admission,
    engine: Engine,
    /// Commands that the engine has not come to.
    waiting: VecDeque<Ask>,
    /// More is due or to be compacted than one turn may do.
    engine_busy: bool,
    mailbox: Mailbox,
    mail_first: bool,
    ledger: LedgerPort,
    spare_commit: Option<Commit>,
    spare_payloads: Vec<Vec<u8>>,
    sweep_at_ms: u64,
    phase: Phase,
}

impl Reactor {
    /// Registers the listeners.
    pub fn new(parts: Parts) -> io::Result<Self> {
        let Parts {
            core,
            shared,
            poll,
            bell,
            mut shared_listener,
            mut core_listener,
            engine,
            mailbox,
            ledger,
        } = parts;
        let registry = poll.registry();
        registry.register(shared_listener.source(), TOKEN_SHARED_LISTENER, Interest::READABLE)?;
        registry.register(core_listener.source(), TOKEN_CORE_LISTENER, Interest::READABLE)?;
        let clock = shared.clock;
        Ok(Self {
            core,
            counters: Arc::clone(&shared.counters[core]),
            clock,
            now: clock.now(),
            poll,
            bell,
            listeners: Some([shared_listener, core_listener]),
            acceptable: [true; 2],
            accept_again_ms: 0,
            connections: Table::default(),
            to_serve: VecDeque::new(),
            to_flush: Vec::new(),
            admission: Admission::new(shared.wait_max),
            engine,
            waiting: VecDeque::new(),
            engine_busy: false,
            mailbox,
            mail_first: false,
            ledger,
            spare_commit: None,
            spare_payloads: Vec::new(),
            sweep_at_ms: 0,
            phase: Phase::Serving,
            shared,
        })
    }

    /// Runs until the server stops.
    pub fn run(mut self) -> io::Result<()> {
        let mut events = Events::with_capacity(EVENTS_PER_TURN);
        let mut frames = Frames::new(READ_BYTES);
        // What ran out while no server was running is given back before anybody is told SOLD_OUT.
        while self.engine.expire(self.now, EXPIRIES_PER_TURN) {}
        while self.phase != Phase::Stopped {
            self.sleep(&mut events)?;
            self.now = self.clock.now();
            self.note_events(&events);
            self.accept();
            self.take_notices();
            self.hand_out_answers();
            self.admission.begin_turn(self.clock.monotonic_ns());
            self.work();
            self.take_requests(&mut frames);
            self.work();
            self.take_notices();
            self.expire();
            self.hand_out_answers();
            self.commit();
            self.flush();
            self.mailbox.ring_peers()?;
            self.sweep();
            self.drain();
            self.counters.bump(Counter::Turns);
        }
        Ok(())
    }

    /// Waits for events; not at all while there is work left from the last turn.
    fn sleep(&mut self, events: &mut Events) -> io::Result<()> {
        let more = !self.to_serve.is_empty() || !self.waiting.is_empty();
        let busy = more || self.engine_busy || self.may_accept();
        self.bell.lie_down();
        let mail = !self.mailbox.is_empty() || !self.ledger.notices.is_empty();
        let timeout = if busy || mail { Duration::ZERO } else { self.rest() };
        if self.engine.awaits_ledger() {
            // The ledger thread may share this processor: it goes first, since this core's answers wait for it, and more
            // requests gather for the turn meanwhile.
            std::thread::yield_now();
        }
        let polled = self.poll.poll(events, Some(timeout));
        self.bell.get_up();
        match polled {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => Ok(()),
            other => other,
        }
    }

    /// How long nothing will be due. A hold that is overdue waits for room in the next batch, and the notice of the last
    /// one wakes the core.
    fn rest(&self) -> Duration {
        let ahead = self.engine.next_deadline().filter(|deadline| *deadline > self.now.boot_ms);
        let accept_again = Some(self.accept_again_ms).filter(|again| *again > self.now.boot_ms);
        let deadline = ahead.into_iter().chain(accept_again).fold(self.sweep_at_ms, u64::min);
        Duration::from_millis(deadline.saturating_sub(self.now.boot_ms).min(SWEEP_MS))
    }

    fn note_events(&mut self, events: &Events) {
        for event in events {
            match event.token() {
                TOKEN_BELL => {}
                TOKEN_SHARED_LISTENER => self.acceptable[0] = true,
                TOKEN_CORE_LISTENER => self.acceptable[1] = true,
                Token(slot) => {
                    let Some(key) = self.connections.key(slot) else { continue };
                    if event.is_writable() {
                        self.queue_to_flush(key);
                    }
                    if event.is_readable() || event.is_read_closed() || event.is_error() {
                        let connection = self.connections.get(key).expect("the slot has this key");
                        connection.readable = true;
                        connection.hung_up |= event.is_read_closed();
                        self.queue_to_serve(key);
                    }
                }
            }
        }
    }

    /// Takes what clients and other cores ask. In a crowd the engine has room for those who come first: it is the other ones
    /// each time.
    fn take_requests(&mut self, frames: &mut Frames) {
        self.mail_first = !self.mail_first;
        if self.mail_first {
            self.take_mail();
            self.serve(frames);
        } else {
            self.serve(frames);
            self.take_mail();
        }
    }

    /// Takes what other cores have sent.
    fn take_mail(&mut self) {
        for _ in 0..ASKS_PER_TURN {
            let Some(ask) = self.mailbox.next_ask() else { break };
            self.take_ask(ask);
        }
        while let Some(answered) = self.mailbox.next_answer() {
            self.tell(answered);
        }
    }

    /// Takes what the ledger has sent.
    fn take_notices(&mut self) {
        while let Ok(notice) = self.ledger.notices.try_recv() {
            match notice {
                Notice::Durable(mut commit) => {
                    point("reactor::durable");
                    self.engine.committed(&commit.batches);
                    self.spare_payloads.extend(commit.batches.drain(..).map(|batch| batch.payload));
                    self.spare_commit = Some(commit);
                }
                Notice::Health(health) => {
                    self.engine.set_stalled(health == Health::Stalled);
                    self.engine.set_full(health == Health::Full);
                }
                Notice::Fenced { partition, .. } => self.engine.fence(partition),
                Notice::Compact(targets) => self.engine.compact(&targets),
            }
        }
    }

    /// Ends the holds that are due, and moves old state forward in the log if it asks for that. A core that stops does
    /// neither, or it would never be done: a hold that runs out now expires after the next start.
    fn expire(&mut self) {
        if self.phase != Phase::Serving {
            self.engine_busy = false;
            return;
        }
        let expiring = self.engine.expire(self.now, EXPIRIES_PER_TURN);
        let compacting = self.engine.compact_piece();
        if compacting {
            point("reactor::compacts");
        }
        self.engine_busy = expiring || compacting;
    }

    /// Sends the ledger what this turn has changed, unless the last commit is still on its way.
    fn commit(&mut self) {
        let mut commit = self.spare_commit.take().unwrap_or_default();
        commit.core = self.core;
        commit.covered.clear();
        let Commit { batches, covered, remaining, .. } = &mut commit;
        if self.engine.commit(self.now, batches, covered, remaining, &mut self.spare_payloads) {
            point("reactor::batched");
            self.ledger.commits.send(commit);
        } else {
            self.spare_commit = Some(commit);
        }
    }
}

#[cfg(test)]
mod tests;
