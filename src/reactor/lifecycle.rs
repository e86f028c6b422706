//! Connections come and go; the server comes to its end.

use super::{Reactor, SWEEP_MS};
use crate::counters::Counter;
use crate::net::{Connection, ConnectionKey, Overdue};
use mio::{Interest, Token};
use std::sync::atomic::Ordering;

/// Connections accepted from one listener in one turn.
const ACCEPTS_PER_TURN: usize = 256;

/// How long to leave a listener alone after accepting failed, for instance for want of descriptors.
const ACCEPT_PAUSE_MS: u64 = 100;

/// How long clients have to take their last answers when the server stops.
const DRAIN_TIMEOUT_MS: u64 = 5_000;

/// Where a core is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    /// Accepts and reads.
    Serving,
    /// Finishes what was begun, since this moment.
    Draining(u64),
    /// Has finished, and serves the other cores until they have, too.
    Drained,
    /// Ends.
    Stopped,
}

impl Reactor {
    pub(super) fn may_accept(&self) -> bool {
        self.acceptable.contains(&true)
            && self.now.boot_ms >= self.accept_again_ms
            && self.listeners.is_some()
    }

    /// Accepts a bounded number of connections.
    pub(super) fn accept(&mut self) {
        if !self.may_accept() {
            return;
        }
        let Some(listeners) = self.listeners.take() else { return };
        for (listener, acceptable) in listeners.iter().zip(0..) {
            for _ in 0..ACCEPTS_PER_TURN {
                if !self.acceptable[acceptable] {
                    break;
                }
                match listener.accept() {
                    Ok(Some((stream, peer))) => {
                        self.admit(stream, peer.ip().to_canonical().is_loopback());
                    }
                    Ok(None) => self.acceptable[acceptable] = false,
                    Err(error) => {
                        if self.accept_again_ms == 0 {
                            log::warn!("core {}: a connection could not be accepted: {error}", self.core);
                        }
                        self.counters.bump(Counter::AcceptFailed);
                        self.accept_again_ms = self.now.boot_ms + ACCEPT_PAUSE_MS;
                        break;
                    }
                }
            }
        }
        self.listeners = Some(listeners);
    }

    fn admit(&mut self, stream: mio::net::TcpStream, local: bool) {
        if self.connections.is_full() {
            self.counters.bump(Counter::ConnectionsRefused);
            return;
        }
        let mut connection = Connection::new(stream, local, self.now.boot_ms);
        let token = Token(self.connections.next_slot());
        let interest = Interest::READABLE | Interest::WRITABLE;
        if let Err(error) = self.poll.registry().register(connection.source(), token, interest) {
            log::warn!("core {}: a connection cannot be watched and is closed: {error}", self.core);
            self.counters.bump(Counter::AcceptFailed);
            return;
        }
        self.counters.bump(Counter::ConnectionsAccepted);
        let key = self.connections.insert(connection);
        self.queue_to_serve(key);
    }

    pub(super) fn close(&mut self, key: ConnectionKey) {
        if let Some(mut connection) = self.connections.remove(key) {
            // The descriptor closes with the connection; a failed deregistration leaves nothing behind.
            let _ = self.poll.registry().deregister(connection.source());
            self.counters.bump(Counter::ConnectionsClosed);
        }
    }

    /// Once a second, closes the connections that passed a time limit.
    pub(super) fn sweep(&mut self) {
        let now_ms = self.now.boot_ms;
        if now_ms < self.sweep_at_ms {
            return;
        }
        self.sweep_at_ms = now_ms + SWEEP_MS;
        // As a rule none is, and then the list allocates nothing.
        let overdue: Vec<_> = self.connections.overdue(now_ms).collect();
        for (key, overdue) in overdue {
            self.counters.bump(match overdue {
                Overdue::Hello => Counter::HelloTimeouts,
                Overdue::Frame => Counter::FrameTimeouts,
                Overdue::Write => Counter::WriteTimeouts,
            });
            self.close(key);
        }
    }

    /// When the server stops: accept and read no more, wait for the ledger, let clients take their answers, and end when
    /// every core is that far. A ledger that has no room is not waited for: what rests on it stays unanswered, and so
    /// unknown to whoever asked.
    pub(super) fn drain(&mut self) {
        match self.phase {
            Phase::Serving if self.shared.stopping.load(Ordering::Acquire) => {
                self.listeners = None;
                self.to_serve.clear();
                let keys: Vec<_> = self.connections.keys().collect();
                for key in keys {
                    let connection = self.connections.get(key).expect("its key was listed");
                    connection.closing = true;
                    self.queue_to_flush(key);
                }
                self.sweep_at_ms = self.now.boot_ms;
                self.phase = Phase::Draining(self.now.boot_ms);
            }
            Phase::Draining(since_ms) => {
                let late = self.now.boot_ms >= since_ms + DRAIN_TIMEOUT_MS;
                let told = self.connections.is_empty() || late;
                let answered = self.is_idle() && self.mailbox.asks_out() == 0;
                if told && (answered || self.engine.is_stalled()) {
                    self.phase = Phase::Drained;
                    self.shared.drained.fetch_add(1, Ordering::AcqRel);
                }
            }
            Phase::Drained => {
                let all = self.shared.drained.load(Ordering::Acquire) == self.shared.counters.len();
                if all && (self.is_idle() || self.engine.is_stalled()) {
                    self.phase = Phase::Stopped;
                }
            }
            Phase::Serving | Phase::Stopped => {}
        }
        if !matches!(self.phase, Phase::Serving) {
            self.sweep_at_ms = self.now.boot_ms + 1;
        }
    }

    /// Whether all that was asked of this core's engine is done and answered.
    fn is_idle(&self) -> bool {
        self.waiting.is_empty() && self.engine.is_idle()
    }
}
