//! The session's half of the wire: HELLO and WELCOME, requests out under the server's credit, replies in.
//!
//! What a reply means for its call is decided in `flight`; here it finds its call, and a peer that breaks the protocol
//! is found out.

use std::net::IpAddr;
use std::time::Duration;

use seathold_protocol::frame::{Frame, Opcode, REPLY_BIT};
use seathold_protocol::limits::REPLY_BYTES_MAX;
use seathold_protocol::reply::{Refusal, Reply};
use seathold_protocol::request::{Hello, Request, VERSION};
use seathold_protocol::status::Status;

use super::{Greeting, Session};
use crate::clock::Micros;
use crate::counters::count;
use crate::error::Fault;
use crate::flight::{Next, Place};
use crate::link::{FlightKey, HELLO_CORRELATION, State};

/// Bytes of requests that may wait for one connection's socket: what a turn at full speed encodes. Above it requests
/// stay calls.
const OUTBOX_BYTES_MAX: usize = 256 * 1024;

impl Session {
    /// A connection reached `peer`: appends HELLO.
    pub(crate) fn connected(&mut self, index: usize, peer: IpAddr, out: &mut Vec<u8>) {
        self.links.connected(index, peer);
        let Greeting { client, token } = &self.greeting;
        let hello = Hello { version_min: VERSION, version_max: VERSION, client, token };
        Request::Hello(hello).encode(HELLO_CORRELATION, out);
    }

    /// Bytes of the longest frame that may come on a connection.
    pub(crate) fn bytes_max(&mut self, index: usize) -> usize {
        match self.links.get(index).state {
            State::Up { reply_bytes_max, .. } => reply_bytes_max.min(REPLY_BYTES_MAX),
            _ => REPLY_BYTES_MAX,
        }
    }

    /// A frame came on a connection. After an error the driver closes it and calls `lost`.
    pub(crate) fn received(&mut self, index: usize, frame: &Frame<'_>, now: Micros) -> Result<(), Fault> {
        let link = self.links.get(index);
        if !link.is_up() {
            return self.greeted(index, frame, now);
        }
        link.heard(now);
        let correlation = frame.header.correlation;
        let Some(attempt) = link.attempt(correlation) else {
            count(&self.tally.strays);
            return Ok(());
        };
        if !attempt.is_answered_by(frame.header.opcode) {
            return Err(Fault::WrongReply);
        }
        let reply = Reply::decode(frame).map_err(Fault::BadReply)?;
        let FlightKey { slot, serial } = attempt.flight;
        let Some(flight) = self.flights.get_mut(slot).filter(|flight| flight.serial == serial) else {
            link.settle(correlation);
            count(&self.tally.strays);
            return Ok(());
        };
        if matches!(reply, Reply::Refused(_, Refusal { status, .. }) if asks_to_wait(status)) {
            count(&self.tally.asked_to_wait);
        }
        let next = flight.replied(attempt.number, reply, now, &mut self.rng)?;
        link.settle(correlation);
        match next {
            Next::End(result) => {
                self.end(slot, result, Some(Duration::from_micros(now.saturating_sub(attempt.sent))), now);
            }
            Next::Keep => self.timers.set(slot, flight.due()),
            Next::Send => unreachable!("a reply ends a call or makes it wait"),
        }
        Ok(())
    }

    fn greeted(&mut self, index: usize, frame: &Frame<'_>, now: Micros) -> Result<(), Fault> {
        if frame.header.opcode != Opcode::Hello as u8 | REPLY_BIT {
            return Err(Fault::WrongReply);
        }
        match Reply::decode(frame).map_err(Fault::BadReply)? {
            Reply::Welcome(welcome) => {
                let stale = self.links.welcomed(index, welcome, now)?;
                count(&self.tally.connects);
                for index in stale {
                    self.links.close(index);
                    self.lost(index, Fault::WrongCore, now);
                }
                if let Some(doorkeeper) = self.doorkeeper.take() {
                    doorkeeper.send(Ok(())).ok();
                }
                for key in std::mem::take(&mut self.homeless) {
                    self.assign(key);
                }
                Ok(())
            }
            Reply::Refused(_, Refusal { status, detail }) => Err(Fault::HelloRefused { status, detail }),
            _ => Err(Fault::WrongReply),
        }
    }

    /// Whether `fill` has something to append.
    pub(crate) fn may_send(&mut self, index: usize) -> bool {
        let link = self.links.get(index);
        link.has_credit() && !link.queue.is_empty()
    }

    /// Appends what a connection may send now.
    pub(crate) fn fill(&mut self, index: usize, now: Micros, out: &mut Vec<u8>) {
        let link = self.links.get(index);
        while link.has_credit() && out.len() < OUTBOX_BYTES_MAX {
            let Some(key) = link.queue.pop_front() else { break };
            let Some(flight) = self.flights.get_mut(key.slot) else { continue };
            if flight.serial != key.serial || flight.place != Place::Waiting {
                continue;
            }
            let repeats = flight.attempts > 0;
            let opcode = flight.call.encode(repeats, link.next_correlation(), out);
            flight.send(now);
            link.sent(key, flight.attempts, opcode as u8, now);
            self.timers.set(key.slot, flight.due());
            count(&self.tally.sent);
            if repeats {
                count(&self.tally.repeated);
            }
        }
    }
}

/// BUSY, UNAVAILABLE and UNKNOWN; NOT_OPEN ends a call.
fn asks_to_wait(status: Status) -> bool {
    matches!(status, Status::Busy | Status::Unavailable | Status::Unknown)
}
