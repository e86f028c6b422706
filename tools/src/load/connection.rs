//! One connection of the loop: reads answers, then asks what follows from them or is due in the same slots, and writes once.
//! It owns its buffers and allocates nothing per request.

use super::flights::{Flight, Flights, Landing};
use super::lane::{Asked, Lane};
use super::results::counter::{Counter, Times};
use mio::net::TcpStream;
use seathold_protocol::frame::{self, Frame};
use seathold_protocol::limits::{PASSENGERS_MAX, REQUEST_BYTES_MAX};
use std::io::{self, Read, Write};
use std::time::Instant;

/// Bytes read at once at most: the answers to a thousand requests.
const READ_BYTES: usize = 65_536;

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
    /// Answers that were read, the last one perhaps in part; `filled` bytes.
    inbound: Vec<u8>,
    filled: usize,
    /// When they were read.
    read_ns: u64,
    /// The socket had nothing more then.
    is_drained: bool,
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
            inbound: vec![0; ((in_flight + 1) * ANSWER_BYTES_MAX).min(READ_BYTES)],
            filled: 0,
            read_ns: 0,
            is_drained: true,
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

    /// Reads what has come.
    pub(super) fn read(&mut self, clock: &Clock) -> Result<(), Lost> {
        let read = loop {
            match self.stream.read(&mut self.inbound[self.filled..]) {
                Ok(0) => return Err(Lost),
                Ok(read) => break read,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break 0,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error.into()),
            }
        };
        self.read_ns = clock.now_ns();
        self.filled += read;
        // A stream socket that gives less than asked is empty (epoll(7)); its next bytes are an event.
        self.is_drained = self.filled < self.inbound.len();
        Ok(())
    }

    /// Takes the answers that were read, and what has come behind them; asks what follows, and writes all of it.
    pub(super) fn turn(&mut self, turn: &mut Turn<'_>) -> Result<(), Lost> {
        loop {
            // One reading of the clock for what came at once: the next requests are due now, so the generator's own
            // time to write them is part of their latency.
            let now_ns = turn.clock.now_ns();
            let inbound = std::mem::take(&mut self.inbound);
            let served = self.take_answers(&inbound[..self.filled], now_ns, turn)?;
            self.inbound = inbound;
            self.inbound.copy_within(served..self.filled, 0);
            self.filled -= served;
            if self.is_drained {
                break;
            }
            self.read(turn.clock)?;
        }
        self.flush()
    }

    /// How many bytes the whole answers took.
    fn take_answers(&mut self, inbound: &[u8], now_ns: u64, turn: &mut Turn<'_>) -> Result<usize, Lost> {
        let mut served = 0;
        while let Some(frame) = frame::split(&inbound[served..], ANSWER_BYTES_MAX).map_err(|_| Lost)? {
            served += frame.bytes();
            self.answer(&frame, now_ns, turn);
        }
        Ok(served)
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
        let times = Times { intended_ns: *intended_ns, sent_ns: *sent_ns, answered_ns: self.read_ns };
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::load::Options;
    use crate::load::buyer::{Buyer, Script};
    use crate::load::results::tally::Tally;
    use crate::load::stage::Stage;
    use crate::load::tests::{echo, serve};
    use clap::Parser;
    use std::sync::Arc;
    use std::time::Duration;

    /// What the generator makes of others' answers meanwhile is not the server's time.
    #[test]
    fn an_answer_counts_from_when_it_was_read() {
        let options = Options::try_parse_from(["seathold-load", "--closed"]).unwrap();
        let script = Script { workload: options.workload, habits: options.habits, seed: 1 };
        let mut lane = Lane::closed(Buyer::new(Arc::new(script), Arc::new(Stage::default()), 0), 0);
        let url = serve(echo);
        let stream = std::net::TcpStream::connect(url.strip_prefix("seathold://").unwrap()).unwrap();
        stream.set_nonblocking(true).unwrap();
        let mut connection = Connection::new(TcpStream::from_std(stream), 0, 1);

        let minute = Duration::from_secs(60);
        let clock = Clock { epoch: Instant::now(), from_ns: 0, until_ns: minute.as_nanos() as u64 };
        let mut counter = Counter::new(Tally::new(0..clock.until_ns, false, 0));
        let mut turn = Turn { clock: &clock, lane: &mut lane, counter: &mut counter, polled_ns: 0 };
        connection.start(&mut turn).unwrap();
        while connection.filled == 0 {
            connection.read(&clock).unwrap();
        }
        let later = Clock { epoch: clock.epoch - 2 * minute, ..clock };
        turn.clock = &later;
        connection.turn(&mut turn).unwrap();
        assert_eq!(
            (connection.filled, connection.open()),
            (0, 0),
            "it was answered, and nothing is due any more"
        );
        assert_eq!(counter.end().requests(), 1);
    }
}
