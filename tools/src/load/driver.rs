//! One thread of the loop: polls its connections, takes each that has something through its turn and sends what is due,
//! until the time is over and every request is answered or given up.

use super::alarm::Alarm;
use super::connection::{Clock, Connection, Lost, Turn};
use super::lane::Lane;
use super::oracle::Memory;
use super::results::counter::Counter;
use super::results::live::Pulse;
use super::results::tally::Tally;
use mio::event::Event;
use mio::{Events, Interest, Poll, Token};
use std::io;
use std::time::Duration;

/// A request without an answer for so long is given up and counted.
pub(super) const ANSWER_NS_MAX: u64 = 5_000_000_000;

/// How often requests are looked through for those to give up.
const SWEEP_NS: u64 = 250_000_000;

/// Wakes an idle thread to see that the time is over.
const POLL_MAX: Duration = Duration::from_millis(20);

const EVENTS: usize = 1_024;

/// No connection has this number.
const ALARM: Token = Token(usize::MAX);

/// So long before a request is due the thread is awake, and only looks for answers: to wake one takes about as long.
const WAKE_EARLY_NS: u64 = 50_000;

/// Requests sent between two looks for answers.
const SENT_AT_ONCE_MAX: usize = 256;

/// A thread that waits for less than this share of the time has no time to spare: what it did not send says nothing of
/// the server.
const IDLE_SHARE_MIN: f64 = 0.02;

/// What one thread drives: each connection names its lane by its place here.
#[derive(Default)]
pub(super) struct Share {
    pub(super) connections: Vec<Option<Connection>>,
    pub(super) lanes: Vec<Lane>,
}

/// What is left of a thread's run.
pub(super) struct Ended {
    pub(super) tally: Tally,
    /// Of each lane, for the oracle.
    pub(super) memories: Vec<Memory>,
}

/// Drives a share to the end of the run and counts into `counter`. An error is the system's, of the poll.
pub(super) fn drive(share: Share, clock: &Clock, pulse: &Pulse, counter: Counter) -> io::Result<Ended> {
    let mut driver = Driver::new(share, clock, counter)?;
    driver.start();
    let mut events = Events::with_capacity(EVENTS);
    let mut sweep_ns = SWEEP_NS;
    while !driver.is_over() {
        driver.poll(&mut events)?;
        driver.read(&events);
        driver.send_due();
        let now_ns = clock.now_ns();
        if now_ns >= sweep_ns {
            sweep_ns = now_ns + SWEEP_NS;
            if let Some(sent_ns) = now_ns.checked_sub(ANSWER_NS_MAX) {
                driver.give_up(sent_ns);
            }
            pulse.show(&mut driver.counter, now_ns);
        }
    }
    Ok(driver.end())
}

struct Driver<'a> {
    clock: &'a Clock,
    poll: Poll,
    alarm: Alarm,
    connections: Vec<Option<Connection>>,
    lanes: Vec<Lane>,
    /// Connections with requests to write.
    unwritten: Vec<usize>,
    counter: Counter,
    polled_ns: u64,
    /// Time within the measured time in which there was nothing to do.
    idle_ns: u64,
}

impl<'a> Driver<'a> {
    fn new(Share { connections, lanes }: Share, clock: &'a Clock, counter: Counter) -> io::Result<Self> {
        let poll = Poll::new()?;
        let alarm = Alarm::new(poll.registry(), ALARM)?;
        let mut driver = Self {
            clock,
            poll,
            alarm,
            unwritten: Vec::with_capacity(SENT_AT_ONCE_MAX),
            connections,
            lanes,
            counter,
            polled_ns: 0,
            idle_ns: 0,
        };
        for (at, connection) in driver.connections.iter_mut().enumerate() {
            if let Some(connection) = connection {
                let interest = Interest::READABLE | Interest::WRITABLE;
                driver.poll.registry().register(connection.source(), Token(at), interest)?;
            }
        }
        Ok(driver)
    }

    fn start(&mut self) {
        for at in 0..self.connections.len() {
            self.visit(at, Connection::start);
        }
    }

    /// Waits for answers, for the next request to be due, or for a moment.
    fn poll(&mut self, events: &mut Events) -> io::Result<()> {
        let began_ns = self.clock.now_ns();
        let mut wait = POLL_MAX;
        if self.counter.tally.is_open {
            let due_ns = self.lanes.iter().map(Lane::due_ns).min().unwrap_or(u64::MAX);
            let wake_ns = due_ns.saturating_sub(WAKE_EARLY_NS);
            if wake_ns <= began_ns {
                wait = Duration::ZERO;
            } else if wake_ns - began_ns < POLL_MAX.as_nanos() as u64 {
                self.alarm.set(wake_ns, began_ns)?;
            }
        }
        let polled = self.poll.poll(events, Some(wait));
        if wait.is_zero() && events.is_empty() {
            // The server may need this processor for what we wait for.
            std::thread::yield_now();
        }
        self.polled_ns = self.clock.now_ns();
        if self.clock.measures(self.polled_ns) {
            self.idle_ns += self.polled_ns - began_ns;
        }
        match polled {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => Ok(()),
            polled => polled,
        }
    }

    /// Reads all before anything is done with what they say: an answer that was there does not wait for what the generator
    /// makes of the others.
    fn read(&mut self, events: &Events) {
        let connections = || events.iter().map(Event::token).filter(|token| *token != ALARM);
        for Token(at) in connections() {
            self.visit(at, |connection, turn| connection.read(turn.clock));
        }
        for Token(at) in connections() {
            self.visit(at, Connection::turn);
        }
    }

    /// Sends what is due, at most a few at once, so that answers do not wait to be read meanwhile.
    fn send_due(&mut self) {
        if !self.counter.tally.is_open {
            return;
        }
        let last_ns = self.clock.until_ns - 1;
        for _ in 0..SENT_AT_ONCE_MAX {
            let now_ns = self.clock.now_ns();
            let Some(lane) = self.lanes.iter_mut().find(|lane| lane.due_ns() <= now_ns.min(last_ns)) else {
                break;
            };
            let at = lane.next_ready().expect("a lane has something due only if it has a slot");
            let Some(connection) = &mut self.connections[at] else { continue };
            let mut turn =
                Turn { clock: self.clock, lane, counter: &mut self.counter, polled_ns: self.polled_ns };
            connection.send_due(&mut turn);
            if connection.offers_slot() {
                lane.has_slot(at);
            }
            self.unwritten.push(at);
        }
        while let Some(at) = self.unwritten.pop() {
            self.visit(at, |connection, _| connection.flush());
        }
    }

    fn give_up(&mut self, sent_ns: u64) {
        for at in 0..self.connections.len() {
            self.visit(at, |connection, turn| connection.give_up(sent_ns, turn));
        }
    }

    fn is_over(&self) -> bool {
        let mut left = self.connections.iter().flatten().peekable();
        left.peek().is_none()
            || self.clock.now_ns() >= self.clock.until_ns
                && left.all(|connection| connection.open() == 0)
                && self.lanes.iter().all(|lane| lane.due_ns() >= self.clock.until_ns)
    }

    fn end(mut self) -> Ended {
        let unsent = self.lanes.iter_mut().map(|lane| lane.drop_unsent(self.clock)).sum();
        let measured_ns = self.clock.until_ns - self.clock.from_ns;
        if (self.idle_ns as f64) < measured_ns as f64 * IDLE_SHARE_MIN {
            self.counter.tally.unsent_for_lack_of_time = unsent;
        } else {
            self.counter.tally.unsent = unsent;
        }
        let memories = self.lanes.into_iter().filter_map(|lane| lane.memory).collect();
        Ended { tally: self.counter.end(), memories }
    }

    /// Does something with a connection unless it is lost, drops it if it gets lost by that, and offers a slot that it
    /// leaves free to its lane. A slot that gets free after the end is not for what was due before: that would be sent
    /// to a server that has caught up.
    fn visit(&mut self, at: usize, act: impl FnOnce(&mut Connection, &mut Turn<'_>) -> Result<(), Lost>) {
        let Some(connection) = &mut self.connections[at] else { return };
        let lane = &mut self.lanes[connection.lane()];
        let takes_offers = lane.is_open() && self.polled_ns < self.clock.until_ns;
        let mut turn =
            Turn { clock: self.clock, lane, counter: &mut self.counter, polled_ns: self.polled_ns };
        if let Err(Lost) = act(connection, &mut turn) {
            self.counter.tally.connections_lost += 1;
            self.counter.tally.lost_with_connections += connection.open() as u64;
            self.connections[at] = None;
        } else if takes_offers && connection.offers_slot() {
            turn.lane.has_slot(at);
        }
    }
}
