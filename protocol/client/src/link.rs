//! One connection as the session sees it: its state, and the requests that the server owes a reply.
//!
//! A request keeps its place here until its reply comes or the connection ends, even if its call has ended: it counts
//! against the server's credit all the same. Correlation ids count up and are never used twice on a connection.

use std::collections::VecDeque;
use std::net::SocketAddr;

use seathold_protocol::frame::REPLY_BIT;
use slab::Slab;

use crate::backoff::Backoff;
use crate::clock::Micros;

/// The lower bits of a correlation are the place in the table, the upper ones count: 2^40 requests of one connection
/// take 12 days at a million a second.
const PLACE_BITS: u32 = 24;

/// HELLO's correlation; requests count from 1.
pub(crate) const HELLO_CORRELATION: u64 = 0;

/// Names one call: a slot may be taken by another call later, the serial never.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct FlightKey {
    pub(crate) slot: usize,
    pub(crate) serial: u64,
}

/// One request that was sent on a connection.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Attempt {
    pub(crate) flight: FlightKey,
    /// Which attempt of its call, counted from 1.
    pub(crate) number: u32,
    pub(crate) sent: Micros,
    correlation: u64,
    opcode: u8,
}

impl Attempt {
    /// Whether a reply's opcode fits this request.
    pub(crate) fn is_answered_by(&self, opcode: u8) -> bool {
        opcode == self.opcode | REPLY_BIT
    }
}

/// What a connection is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    /// The shared port of the URL.
    Door,
    /// The port of one core.
    Core { core: u8, at: SocketAddr },
}

/// Where a connection is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum State {
    /// There is none; the next attempt is at this time.
    Down { retry_at: Micros },
    /// Connecting, or waiting for WELCOME until this time.
    Opening { until: Micros },
    /// Welcomed.
    Up { credit: usize, reply_bytes_max: usize },
    /// Not needed: the server has fewer cores now.
    Retired,
}

/// One connection.
#[derive(Debug)]
pub(crate) struct Link {
    pub(crate) role: Role,
    pub(crate) state: State,
    pub(crate) backoff: Backoff,
    /// Calls that are to be sent here next.
    pub(crate) queue: VecDeque<FlightKey>,
    attempts: Slab<Attempt>,
    sent: u64,
    quiet_since: Micros,
}

impl Link {
    pub(crate) fn new(role: Role, backoff: Backoff, now: Micros) -> Self {
        Self {
            role,
            state: State::Down { retry_at: now },
            backoff,
            queue: VecDeque::new(),
            attempts: Slab::new(),
            sent: 0,
            quiet_since: now,
        }
    }

    pub(crate) fn is_up(&self) -> bool {
        matches!(self.state, State::Up { .. })
    }

    /// Whether one more request may be sent.
    pub(crate) fn has_credit(&self) -> bool {
        matches!(self.state, State::Up { credit, .. } if self.attempts.len() < credit)
    }

    /// The correlation that the next request gets.
    pub(crate) fn next_correlation(&self) -> u64 {
        (self.sent + 1) << PLACE_BITS | self.attempts.vacant_key() as u64
    }

    /// A request was sent under `next_correlation`.
    pub(crate) fn sent(&mut self, flight: FlightKey, number: u32, opcode: u8, now: Micros) {
        if self.attempts.is_empty() {
            self.quiet_since = now;
        }
        let correlation = self.next_correlation();
        self.attempts.insert(Attempt { flight, number, sent: now, correlation, opcode });
        self.sent += 1;
    }

    /// Bytes came.
    pub(crate) fn heard(&mut self, now: Micros) {
        self.quiet_since = now;
    }

    /// Since when the server owes replies without sending a byte, if it does.
    pub(crate) fn silent_since(&self) -> Option<Micros> {
        (self.is_up() && !self.attempts.is_empty()).then_some(self.quiet_since)
    }

    /// The request in flight with this correlation.
    pub(crate) fn attempt(&self, correlation: u64) -> Option<Attempt> {
        self.attempts.get(place(correlation)).copied().filter(|attempt| attempt.correlation == correlation)
    }

    /// The request with this correlation was replied to.
    pub(crate) fn settle(&mut self, correlation: u64) {
        self.attempts.remove(place(correlation));
    }

    /// Empties the link of a connection that is gone: what was sent on it without a reply, then what waited.
    pub(crate) fn clear(&mut self) -> (Vec<Attempt>, VecDeque<FlightKey>) {
        let mut attempts: Vec<_> = self.attempts.drain().collect();
        attempts.sort_unstable_by_key(|attempt| attempt.correlation);
        self.sent = 0;
        (attempts, std::mem::take(&mut self.queue))
    }
}

fn place(correlation: u64) -> usize {
    (correlation & ((1 << PLACE_BITS) - 1)) as usize
}

/// The most requests in flight on one connection, whatever WELCOME allows: places have `PLACE_BITS`.
pub(crate) const CREDIT_MAX: usize = 1 << PLACE_BITS;
