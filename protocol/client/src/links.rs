//! All connections of a client: which there should be, which to open next, and which one a request takes.
//!
//! The door (the URL's port) is always kept. The server's WELCOME names a port for each core; each gets connections of
//! its own, on the address that the door reached, so that a request goes straight to the owner of its departure. While
//! such a port is not reached, the door takes its requests: any core passes a request on.

use std::collections::VecDeque;
use std::net::{IpAddr, SocketAddr};

use rand::Rng;
use seathold_protocol::DepartureId;
use seathold_protocol::reply::Welcome;

use crate::backoff::Backoff;
use crate::clock::Micros;
use crate::error::{Fault, Reason};
use crate::link::{Attempt, CREDIT_MAX, FlightKey, Link, Role, State};

/// The door's index; cores' connections follow.
pub(crate) const DOOR: usize = 0;

/// What the driver is to do with a connection, by its index.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Action {
    /// Open it.
    Connect(usize, Role),
    /// Close it; the session has done with it.
    Close(usize),
}

/// How connections behave.
#[derive(Clone, Copy, Debug)]
pub(crate) struct LinkSettings {
    pub(crate) connect_timeout: Micros,
    /// A connection that owes replies and sends nothing for so long is dead.
    pub(crate) silence: Micros,
    pub(crate) backoff: Backoff,
    pub(crate) connections_per_core: usize,
}

/// The connections.
#[derive(Debug)]
pub(crate) struct Links {
    settings: LinkSettings,
    all: Vec<Link>,
    /// The core of each partition; empty before the first WELCOME.
    partition_cores: Vec<u8>,
    door_ip: Option<IpAddr>,
    door_fault: Option<Fault>,
    rotation: usize,
    actions: VecDeque<Action>,
}

impl Links {
    pub(crate) fn new(settings: LinkSettings, now: Micros) -> Self {
        Self {
            settings,
            all: vec![Link::new(Role::Door, settings.backoff, now)],
            partition_cores: Vec::new(),
            door_ip: None,
            door_fault: None,
            rotation: 0,
            actions: VecDeque::new(),
        }
    }

    /// How many there are, closed ones included.
    pub(crate) fn len(&self) -> usize {
        self.all.len()
    }

    pub(crate) fn get(&mut self, index: usize) -> &mut Link {
        &mut self.all[index]
    }

    pub(crate) fn next_action(&mut self) -> Option<Action> {
        self.actions.pop_front()
    }

    /// The connection for a request, and whether it ends at the departure's owner (or no departure is meant).
    pub(crate) fn route(&mut self, departure: Option<DepartureId>) -> Option<(usize, bool)> {
        let connections = self.settings.connections_per_core;
        self.rotation = self.rotation.wrapping_add(1);
        let owner = departure.filter(|_| !self.partition_cores.is_empty()).map(|departure| {
            let partition = departure.partition(self.partition_cores.len() as u16);
            usize::from(self.partition_cores[usize::from(partition)])
        });
        let best = match owner {
            Some(core) => 1 + core * connections..1 + (core + 1) * connections,
            None => 1..self.all.len(),
        };
        if let Some(index) = self.any_up(best) {
            return Some((index, true));
        }
        let index = if self.all[DOOR].is_up() { DOOR } else { self.any_up(1..self.all.len())? };
        Some((index, departure.is_none()))
    }

    fn any_up(&self, range: std::ops::Range<usize>) -> Option<usize> {
        let links = self.all.get(range.clone()).filter(|links| !links.is_empty())?;
        let turn = self.rotation % links.len();
        let (early, late) = links.split_at(turn);
        let at = late.iter().position(Link::is_up).map(|at| turn + at);
        Some(range.start + at.or_else(|| early.iter().position(Link::is_up))?)
    }

    /// Why a request cannot be sent just now.
    pub(crate) fn no_way(&self) -> Reason {
        if self.all.iter().any(Link::is_up) {
            Reason::NoCredit
        } else {
            Reason::NotConnected(self.door_fault.unwrap_or(Fault::ConnectTimeout))
        }
    }

    /// The driver reached `peer`.
    pub(crate) fn connected(&mut self, index: usize, peer: IpAddr) {
        if index == DOOR {
            self.door_ip = Some(peer);
        }
    }

    /// A connection is open; the server may have changed since the last WELCOME. Returns the connections that
    /// are to be lost because of that.
    pub(crate) fn welcomed(
        &mut self,
        index: usize,
        welcome: Welcome,
        now: Micros,
    ) -> Result<Vec<usize>, Fault> {
        let link = &mut self.all[index];
        if matches!(link.role, Role::Core { core, .. } if core != welcome.core) {
            return Err(Fault::WrongCore);
        }
        let credit = (welcome.credit as usize).clamp(1, CREDIT_MAX);
        link.state = State::Up { credit, reply_bytes_max: welcome.reply_bytes_max as usize };
        link.backoff.reset();
        link.heard(now);
        self.partition_cores = welcome.partition_cores;
        Ok(self.follow(&welcome.core_ports, now))
    }

    /// Makes one set of connections for each core's port. A port of 0 is none.
    fn follow(&mut self, core_ports: &[u16], now: Micros) -> Vec<usize> {
        let ip = self.door_ip.expect("the door was connected before anything was welcomed");
        let connections = self.settings.connections_per_core;
        let mut stale = Vec::new();
        for index in 1..(1 + core_ports.len() * connections).max(self.all.len()) {
            let core = (index - 1) / connections;
            let port = core_ports.get(core).copied().unwrap_or(0);
            let role = Role::Core { core: core as u8, at: SocketAddr::new(ip, port) };
            if index == self.all.len() {
                self.all.push(Link::new(role, self.settings.backoff, now));
            }
            let link = &mut self.all[index];
            let changed = std::mem::replace(&mut link.role, role) != role;
            match link.state {
                State::Up { .. } | State::Opening { .. } if changed => stale.push(index),
                State::Retired if port != 0 => link.state = State::Down { retry_at: now },
                State::Down { .. } if port == 0 => link.state = State::Retired,
                _ => {}
            }
        }
        stale
    }

    /// A connection is gone, or could not be made. Returns what it owed a reply and what waited for it.
    pub(crate) fn lost(
        &mut self,
        index: usize,
        fault: Fault,
        now: Micros,
        rng: &mut impl Rng,
    ) -> (Vec<Attempt>, VecDeque<FlightKey>) {
        if index == DOOR {
            self.door_fault = Some(fault);
        }
        let link = &mut self.all[index];
        let no_port = matches!(link.role, Role::Core { at, .. } if at.port() == 0);
        link.state =
            if no_port { State::Retired } else { State::Down { retry_at: now + link.backoff.next(rng) } };
        link.clear()
    }

    /// Opens the connections whose time has come; returns those to be lost because theirs is up.
    pub(crate) fn tick(&mut self, now: Micros) -> Vec<(usize, Fault)> {
        let mut dead = Vec::new();
        for (index, link) in self.all.iter_mut().enumerate() {
            match link.state {
                State::Down { retry_at } if retry_at <= now => {
                    link.state = State::Opening { until: now + self.settings.connect_timeout };
                    self.actions.push_back(Action::Connect(index, link.role));
                }
                State::Opening { until } if until <= now => dead.push((index, Fault::ConnectTimeout)),
                State::Up { .. }
                    if link.silent_since().is_some_and(|since| since + self.settings.silence <= now) =>
                {
                    dead.push((index, Fault::Silent));
                }
                _ => {}
            }
        }
        dead
    }

    /// The driver is to close a connection.
    pub(crate) fn close(&mut self, index: usize) {
        self.actions.push_back(Action::Close(index));
    }

    /// When `tick` has something to do next.
    pub(crate) fn next_due(&self) -> Option<Micros> {
        let due = |link: &Link| match link.state {
            State::Down { retry_at: at } | State::Opening { until: at } => Some(at),
            State::Up { .. } => link.silent_since().map(|since| since + self.settings.silence),
            State::Retired => None,
        };
        self.all.iter().filter_map(due).min()
    }
}
