//! One connection of the loop: reads answers, asks again in the same slots, writes once. It owns its buffers and
//! allocates nothing per request.

use super::buyer::Buyer;
use super::flights::{Flights, Landing};
use super::results::tally::{Tally, Times};
use mio::net::TcpStream;
use seathold_protocol::frame::{self, Frame};
use seathold_protocol::limits::{PASSENGERS_MAX, REQUEST_BYTES_MAX};
use std::io::{self, Read, Write};
use std::time::Instant;

/// Bytes read at once: the answers to a thousand requests.
pub(super) const READ_BYTES: usize = 65_536;

/// Bytes of the longest answer to anything the generator asks: a reservation of nine. Above it the stream is broken.
const ANSWER_BYTES_MAX: usize = 128 + PASSENGERS_MAX * 4;

/// The run's time, in nanoseconds since it began.
#[derive(Clone, Copy, Debug)]
pub(super) struct Clock {
    pub(super) epoch: Instant,
    /// Answers count from here …
    pub(super) from_ns: u64,
    /// … to here; after it nothing new is asked.
    pub(super) until_ns: u64,
}

impl Clock {
    pub(super) fn now_ns(&self) -> u64 {
        self.epoch.elapsed().as_nanos() as u64
    }
}

/// The connection cannot go on.
#[derive(Debug)]
pub(super) struct Lost;

impl From<io::Error> for Lost {
    fn from(_: io::Error) -> Self {
        Self
    }
}

/// One greeted connection.
pub(super) struct Connection {
    stream: TcpStream,
    buyer: Buyer,
    flights: Flights,
    /// The first part of an answer whose rest is still to come.
    rest: Vec<u8>,
    /// Requests, of which the first `sent` bytes are written.
    outbound: Vec<u8>,
    sent: usize,
}

impl Connection {
    pub(super) fn new(stream: TcpStream, buyer: Buyer, in_flight: usize) -> Self {
        Self {
            stream,
            buyer,
            flights: Flights::new(in_flight),
            rest: Vec::with_capacity(ANSWER_BYTES_MAX),
            outbound: Vec::with_capacity(in_flight.min(1_024) * REQUEST_BYTES_MAX),
            sent: 0,
        }
    }

    /// The source to register with a poll.
    pub(super) fn source(&mut self) -> &mut TcpStream {
        &mut self.stream
    }

    /// Unanswered requests.
    pub(super) fn open(&self) -> usize {
        self.flights.open()
    }

    /// Asks in every slot.
    pub(super) fn start(&mut self, clock: &Clock) -> Result<(), Lost> {
        let now_ns = clock.now_ns();
        for slot in 0..self.flights.slots() {
            self.begin(slot, now_ns);
        }
        self.flush()
    }

    /// Reads what has come, asks what follows, writes all of it.
    pub(super) fn turn(&mut self, buffer: &mut [u8], clock: &Clock, tally: &mut Tally) -> Result<(), Lost> {
        loop {
            let kept = self.rest.len();
            buffer[..kept].copy_from_slice(&self.rest);
            let read = match self.stream.read(&mut buffer[kept..]) {
                Ok(0) => return Err(Lost),
                Ok(read) => read,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(error.into()),
            };
            // One reading of the clock for what came at once: the next requests are due now, so the generator's own
            // time to write them is part of their latency.
            let now_ns = clock.now_ns();
            let filled = kept + read;
            let mut served = 0;
            while let Some(frame) =
                frame::split(&buffer[served..filled], ANSWER_BYTES_MAX).map_err(|_| Lost)?
            {
                served += frame.bytes();
                self.answer(&frame, now_ns, clock, tally);
            }
            self.rest.clear();
            self.rest.extend_from_slice(&buffer[served..filled]);
            // A stream socket that gives less than asked is empty (epoll(7)); its next bytes are an event.
            if filled < buffer.len() {
                break;
            }
        }
        self.flush()
    }

    /// Gives up requests asked at or before `asked_ns` and asks anew in their slots.
    pub(super) fn give_up(&mut self, asked_ns: u64, clock: &Clock, tally: &mut Tally) -> Result<(), Lost> {
        let now_ns = clock.now_ns();
        while let Some(slot) = self.flights.give_up(asked_ns) {
            tally.timeouts += 1;
            if now_ns < clock.until_ns {
                self.begin(slot, now_ns);
            }
        }
        self.flush()
    }

    fn answer(&mut self, frame: &Frame<'_>, now_ns: u64, clock: &Clock, tally: &mut Tally) {
        let (slot, errand, asked_ns) = match self.flights.land(frame.header.correlation) {
            Landing::Home { slot, errand, asked_ns } => (slot, errand, asked_ns),
            Landing::Late => return,
            Landing::Stray => {
                tally.unreadable += 1;
                return;
            }
        };
        let outcome = errand.step.judge(frame.header);
        let measured = (clock.from_ns..clock.until_ns).contains(&now_ns);
        let times = Times { intended_ns: asked_ns, sent_ns: asked_ns, answered_ns: now_ns };
        tally.count(errand.step, outcome, times, measured);
        let correlation = self.flights.correlation(slot);
        match self.buyer.follow(errand, outcome, correlation, &mut self.outbound) {
            Some(next) => self.flights.launch(slot, next, now_ns),
            None if now_ns < clock.until_ns => self.begin(slot, now_ns),
            None => {}
        }
    }

    fn begin(&mut self, slot: usize, now_ns: u64) {
        let errand = self.buyer.begin(self.flights.correlation(slot), &mut self.outbound);
        self.flights.launch(slot, errand, now_ns);
    }

    /// Writes as much as the socket takes; the rest waits for the socket's event.
    fn flush(&mut self) -> Result<(), Lost> {
        while self.sent < self.outbound.len() {
            match self.stream.write(&self.outbound[self.sent..]) {
                Ok(0) => return Err(Lost),
                Ok(written) => self.sent += written,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(()),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error.into()),
            }
        }
        self.outbound.clear();
        self.sent = 0;
        Ok(())
    }
}
