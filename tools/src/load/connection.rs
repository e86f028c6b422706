//! One connection of the loop: reads answers, asks what follows from them or is due in the same slots, writes once. It
//! owns its buffers and allocates nothing per request.

use super::flights::{Flight, Flights, Landing};
use super::lane::{Asked, Lane};
use super::results::counter::{Counter, Times};
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

    /// Whether what happened then counts.
    pub(super) fn measures(&self, at_ns: u64) -> bool {
        (self.from_ns..self.until_ns).contains(&at_ns)
    }
}

/// What a connection does its work with.
pub(super) struct Turn<'a> {
    pub(super) clock: &'a Clock,
    pub(super) lane: &'a mut Lane,
    pub(super) counter: &'a mut Counter,
    /// When the thread last looked for answers: a slot was free at most since then.
    pub(super) polled_ns: u64,
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
    /// Its lane among those of the thread.
    lane: usize,
    /// Its lane knows that it has a free slot.
    is_ready: bool,
    flights: Flights,
    /// The first part of an answer whose rest is still to come.
    rest: Vec<u8>,
    /// Requests, of which the first `sent` bytes are written.
    outbound: Vec<u8>,
    sent: usize,
}

impl Connection {
    pub(super) fn new(stream: TcpStream, lane: usize, in_flight: usize) -> Self {
        Self {
            stream,
            lane,
            is_ready: false,
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

    pub(super) fn lane(&self) -> usize {
        self.lane
    }

    /// Asks in every slot what is due at the start.
    pub(super) fn start(&mut self, turn: &mut Turn<'_>) -> Result<(), Lost> {
        let now_ns = turn.clock.now_ns();
        for _ in 0..self.flights.slots() {
            let slot = self.flights.take_free().expect("nothing was asked yet");
            self.fill(slot, now_ns, turn);
        }
        self.flush()
    }

    /// Reads what has come, asks what follows, writes all of it.
    pub(super) fn turn(&mut self, buffer: &mut [u8], turn: &mut Turn<'_>) -> Result<(), Lost> {
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
            let now_ns = turn.clock.now_ns();
            let filled = kept + read;
            let mut served = 0;
            while let Some(frame) =
                frame::split(&buffer[served..filled], ANSWER_BYTES_MAX).map_err(|_| Lost)?
            {
                served += frame.bytes();
                self.answer(&frame, now_ns, turn);
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

    /// Gives up requests sent at or before `sent_ns` and asks anew in their slots.
    pub(super) fn give_up(&mut self, sent_ns: u64, turn: &mut Turn<'_>) -> Result<(), Lost> {
        let now_ns = turn.clock.now_ns();
        while let Some(slot) = self.flights.give_up(sent_ns) {
            turn.counter.tally.timeouts += 1;
            self.fill(slot, now_ns, turn);
        }
        self.flush()
    }

    /// Whether its lane should be told of a free slot.
    pub(super) fn offers_slot(&mut self) -> bool {
        let offers = !self.is_ready && self.flights.has_free();
        self.is_ready |= offers;
        offers
    }

    /// Writes the lane's next request to its buffer, in a slot that was free since before the request was due; its lane
    /// has forgotten that there was one.
    pub(super) fn send_due(&mut self, turn: &mut Turn<'_>) {
        self.is_ready = false;
        let now_ns = turn.clock.now_ns();
        let slot = self.flights.take_free().expect("it offered a slot");
        let asked = turn.lane.ask(now_ns, self.flights.correlation(slot), &mut self.outbound);
        match asked {
            Some(Asked { errand, intended_ns }) => {
                let late_ns = now_ns.saturating_sub(intended_ns);
                turn.counter.tally.count_lateness(late_ns, turn.clock.measures(intended_ns));
                self.flights.launch(slot, Flight { errand, intended_ns, sent_ns: now_ns });
            }
            None => self.flights.release(slot),
        }
    }

    fn answer(&mut self, frame: &Frame<'_>, now_ns: u64, turn: &mut Turn<'_>) {
        let (slot, flight, correlation) = match self.flights.land(frame.header.correlation) {
            Landing::Home { slot, flight, correlation } => (slot, flight, correlation),
            Landing::Late => return,
            Landing::Stray => {
                turn.counter.tally.unreadable += 1;
                return;
            }
        };
        let Flight { errand, intended_ns, sent_ns } = flight;
        let outcome = errand.step.judge(frame.header);
        if let Some(memory) = &mut turn.lane.memory {
            memory.answered(errand, outcome, frame);
        }
        let times = Times { intended_ns: *intended_ns, sent_ns: *sent_ns, answered_ns: now_ns };
        turn.counter.count(errand.step, outcome, times);
        if turn.lane.follow(errand, outcome, now_ns, correlation, &mut self.outbound) {
            (*intended_ns, *sent_ns) = (now_ns, now_ns);
            self.flights.launch_again(slot);
        } else {
            self.fill(slot, now_ns, turn);
        }
    }

    /// Asks in a slot that just became free what is due, or leaves it free.
    fn fill(&mut self, slot: usize, now_ns: u64, turn: &mut Turn<'_>) {
        let correlation = self.flights.correlation(slot);
        if now_ns < turn.clock.until_ns
            && let Some(asked) = turn.lane.ask(now_ns, correlation, &mut self.outbound)
        {
            let Asked { errand, intended_ns } = asked;
            if turn.lane.is_open() {
                let late_ns = now_ns.saturating_sub(intended_ns.max(turn.polled_ns));
                turn.counter.tally.count_lateness(late_ns, turn.clock.measures(intended_ns));
            }
            self.flights.launch(slot, Flight { errand, intended_ns, sent_ns: now_ns });
        } else {
            self.flights.release(slot);
        }
    }

    /// Writes as much as the socket takes; the rest waits for the socket's event.
    pub(super) fn flush(&mut self) -> Result<(), Lost> {
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
