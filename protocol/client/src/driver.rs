//! The client's thread: moves bytes between sockets and the session, and sleeps when there are none.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use crossbeam_channel::Receiver;
use mio::{Events, Poll, Token};

use crate::address::Address;
use crate::clock::{Clock, Micros};
use crate::doorbell::Doorbell;
use crate::error::Fault;
use crate::link::Role;
use crate::links::Action;
use crate::lookup::Lookup;
use crate::session::{Session, Submission};
use crate::socket::Socket;

/// The doorbell's token; connections have their index.
pub(crate) const DOORBELL: Token = Token(usize::MAX);

/// Bytes of one read: what the replies of a turn at full speed take.
const READ_BYTES: usize = 256 * 1024;

/// Calls taken in per turn, so that replies are not left waiting behind a flood of submissions.
const SUBMISSIONS_PER_TURN: usize = 8_192;

/// Events taken per poll: more than connections of a usual client.
const EVENTS_PER_TURN: usize = 256;

/// What there is of a connection.
#[derive(Debug)]
enum Line {
    Closed,
    /// Only the door has a name.
    LookingUp(Lookup),
    /// Connecting or connected; the addresses to try after this one.
    Open(Box<Socket>, Vec<SocketAddr>),
}

/// Everything that the thread owns.
#[derive(Debug)]
pub(crate) struct Driver {
    pub(crate) poll: Poll,
    pub(crate) doorbell: Arc<Doorbell>,
    pub(crate) clock: Clock,
    pub(crate) address: Address,
    pub(crate) submissions: Receiver<Submission>,
    pub(crate) session: Session,
    lines: Vec<Line>,
    scratch: Vec<u8>,
}

impl Driver {
    pub(crate) fn new(
        poll: Poll,
        doorbell: Arc<Doorbell>,
        clock: Clock,
        address: Address,
        submissions: Receiver<Submission>,
        session: Session,
    ) -> Self {
        let scratch = vec![0; READ_BYTES];
        Self { poll, doorbell, clock, address, submissions, session, lines: Vec::new(), scratch }
    }

    /// Turns until the client is dropped; then every open call ends.
    pub(crate) fn run(mut self) {
        let mut events = Events::with_capacity(EVENTS_PER_TURN);
        while !self.doorbell.is_stopping() {
            self.sleep(&mut events);
            let now = self.clock.now();
            self.notice(&events);
            self.read(now);
            self.take_submissions();
            self.session.tick(now);
            self.act(now);
            self.connect(now);
            self.write();
        }
        for submission in self.submissions.try_iter() {
            self.session.submit(submission);
        }
        self.session.stop(self.clock.now());
    }

    fn sleep(&mut self, events: &mut Events) {
        let mut timeout = if (0..self.lines.len()).any(|index| self.has_work(index)) {
            Some(Duration::ZERO)
        } else {
            let now = self.clock.now();
            self.session.next_wake().map(|wake| Duration::from_micros(wake.saturating_sub(now)))
        };
        self.doorbell.about_to_sleep();
        let found = |line: &Line| matches!(line, Line::LookingUp(lookup) if lookup.is_over());
        if !self.submissions.is_empty() || self.doorbell.is_stopping() || self.lines.iter().any(found) {
            timeout = Some(Duration::ZERO);
        }
        if let Err(error) = self.poll.poll(events, timeout) {
            assert_eq!(error.kind(), io::ErrorKind::Interrupted, "polling sockets of our own cannot fail");
            events.clear();
        }
        self.doorbell.awake();
    }

    /// Whether a connection has more to read or to write than one turn does: its event will not come again.
    fn has_work(&mut self, index: usize) -> bool {
        let Line::Open(socket, _) = &self.lines[index] else { return false };
        let to_write = |session: &mut Session| !socket.outbox.is_empty() || session.may_send(index);
        socket.is_connected()
            && (socket.is_readable() || (socket.is_writable() && to_write(&mut self.session)))
    }

    fn notice(&mut self, events: &Events) {
        for event in events {
            if let Some(Line::Open(socket, _)) = self.lines.get_mut(event.token().0) {
                let broken = event.is_error();
                socket.notice(
                    event.is_readable() || event.is_read_closed() || broken,
                    event.is_writable() || event.is_write_closed() || broken,
                );
            }
        }
    }

    fn read(&mut self, now: Micros) {
        for index in 0..self.lines.len() {
            let Line::Open(socket, _) = &mut self.lines[index] else { continue };
            if !socket.is_connected() || !socket.is_readable() {
                continue;
            }
            let bytes_max = self.session.bytes_max(index);
            let session = &mut self.session;
            let read = socket.read(&mut self.scratch, bytes_max, |frame| session.received(index, frame, now));
            if let Err(fault) = read {
                self.lines[index] = Line::Closed;
                self.session.lost(index, fault, now);
            }
        }
    }

    fn take_submissions(&mut self) {
        for submission in self.submissions.try_iter().take(SUBMISSIONS_PER_TURN) {
            self.session.submit(submission);
        }
    }

    fn act(&mut self, now: Micros) {
        while let Some(action) = self.session.next_action() {
            match action {
                Action::Close(index) => self.lines[index] = Line::Closed,
                Action::Connect(index, role) => {
                    if index >= self.lines.len() {
                        self.lines.resize_with(index + 1, || Line::Closed);
                    }
                    match role {
                        Role::Door => {
                            let lookup = Lookup::begin(&self.address, &self.doorbell);
                            self.lines[index] = Line::LookingUp(lookup);
                        }
                        Role::Core { at, .. } => self.open(index, vec![at], Fault::NoAddress, now),
                    }
                }
            }
        }
    }

    /// Begins to connect to the first of `addresses` that can be begun with; `fault` is why if there is none.
    fn open(&mut self, index: usize, addresses: Vec<SocketAddr>, mut fault: Fault, now: Micros) {
        for (tried, address) in addresses.iter().enumerate() {
            match Socket::connect(*address, self.poll.registry(), Token(index)) {
                Ok(socket) => {
                    self.lines[index] = Line::Open(Box::new(socket), addresses[tried + 1..].to_vec());
                    return;
                }
                Err(failed) => fault = failed,
            }
        }
        self.lines[index] = Line::Closed;
        self.session.lost(index, fault, now);
    }

    /// Carries lookups and connects on.
    fn connect(&mut self, now: Micros) {
        for index in 0..self.lines.len() {
            match &mut self.lines[index] {
                Line::Closed => {}
                Line::LookingUp(lookup) => {
                    if let Some(addresses) = lookup.found() {
                        self.open(index, addresses, Fault::NoAddress, now);
                    }
                }
                Line::Open(socket, others) => match socket.came_up() {
                    Ok(Some(peer)) => self.session.connected(index, peer, &mut socket.outbox),
                    Ok(None) => {}
                    Err(fault) => {
                        let others = std::mem::take(others);
                        self.open(index, others, fault, now);
                    }
                },
            }
        }
    }

    fn write(&mut self) {
        let now = self.clock.now();
        for index in 0..self.lines.len() {
            let Line::Open(socket, _) = &mut self.lines[index] else { continue };
            self.session.fill(index, now, &mut socket.outbox);
            if let Err(fault) = socket.flush() {
                self.lines[index] = Line::Closed;
                self.session.lost(index, fault, now);
            }
        }
    }
}
