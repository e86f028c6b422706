//! The session's tests have a program and a server of their own, and a clock that they turn by hand.

use std::net::Ipv4Addr;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use rand::SeedableRng;
use rand_xoshiro::Xoshiro256PlusPlus;
use seathold_protocol::frame::{self, Opcode};
use seathold_protocol::reply::{Refusal, Reply, Welcome};
use seathold_protocol::request::{Request, Target, VERSION};
use seathold_protocol::reservation::{Reservation, State as Life};
use seathold_protocol::status::Status;
use seathold_protocol::wishes::Met;
use seathold_protocol::{AccountId, Class, DepartureId, PassengerId, ReservationId};

use super::{Greeting, Session, Submission};
use crate::backoff::Backoff;
use crate::call::{Answer, Call};
use crate::clock::Micros;
use crate::completion::{Completion, CompletionQueue};
use crate::counters::Tally;
use crate::error::{Error, Fault};
use crate::link::{HELLO_CORRELATION, State};
use crate::links::{Action, DOOR, LinkSettings};
use crate::reserve::ReserveRequest;

pub(super) const MS: Micros = 1_000;
pub(super) const TIMEOUT: Micros = 4_000 * MS;
pub(super) const CORE_0: usize = 1;
pub(super) const CORE_1: usize = 2;

/// A request as the server would read it.
#[derive(Debug)]
pub(super) struct Seen {
    pub(super) correlation: u64,
    pub(super) opcode: u8,
    pub(super) first: bool,
}

/// A session, its program and its server, in virtual time.
pub(super) struct Bench {
    pub(super) session: Session,
    pub(super) queue: CompletionQueue,
    pub(super) tally: Arc<Tally>,
    pub(super) now: Micros,
    pub(super) credit: u32,
    pub(super) core_ports: Vec<u16>,
    pub(super) partition_cores: Vec<u8>,
}

impl Bench {
    /// Nothing is connected.
    pub(super) fn new() -> Self {
        let settings = LinkSettings {
            connect_timeout: 500 * MS,
            silence: 3_000 * MS,
            backoff: Backoff::new(10 * MS, 1_000 * MS),
            connections_per_core: 1,
        };
        let greeting = Greeting { client: "test".into(), token: String::new() };
        let tally = Arc::new(Tally::default());
        let rng = Xoshiro256PlusPlus::seed_from_u64(7);
        let session = Session::new(greeting, settings, rng, Arc::clone(&tally), 0);
        Self {
            session,
            queue: CompletionQueue::new(100),
            tally,
            now: 0,
            credit: 4,
            core_ports: vec![8_000, 8_001],
            partition_cores: vec![0, 1],
        }
    }

    /// The door alone is connected.
    pub(super) fn at_the_door() -> Self {
        let mut bench = Self::new();
        bench.session.tick(0);
        bench.open(DOOR, 0);
        bench
    }

    /// The door and two cores are connected.
    pub(super) fn connected() -> Self {
        let mut bench = Self::at_the_door();
        bench.session.tick(0);
        bench.open(CORE_0, 0);
        bench.open(CORE_1, 1);
        bench
    }

    pub(super) fn open(&mut self, index: usize, core: u8) {
        self.try_open(index, core).expect("a good WELCOME");
    }

    /// The server accepts the connection that the session asked for.
    pub(super) fn try_open(&mut self, index: usize, core: u8) -> Result<(), Fault> {
        let asked = std::iter::from_fn(|| self.session.next_action())
            .any(|action| matches!(action, Action::Connect(connect, _) if connect == index));
        let opening = matches!(self.session.links.get(index).state, State::Opening { .. });
        assert!(asked || opening, "connection {index} was not asked for");
        let mut out = Vec::new();
        self.session.connected(index, Ipv4Addr::LOCALHOST.into(), &mut out);
        assert_eq!(seen(&out)[0].opcode, Opcode::Hello as u8);
        let welcome = Welcome {
            version: VERSION,
            core,
            operator: false,
            credit: self.credit,
            request_bytes_max: 512,
            reply_bytes_max: 65_536,
            core_ports: self.core_ports.clone(),
            partition_cores: self.partition_cores.clone(),
            server: "test".into(),
        };
        self.reply(index, HELLO_CORRELATION, &Reply::Welcome(welcome))
    }

    pub(super) fn submit(&mut self, tag: u64, call: Call) {
        let sink = self.queue.admit(tag).expect("room");
        self.tally.open.fetch_add(1, Ordering::Relaxed);
        let deadline = self.now + TIMEOUT;
        self.session.submit(Submission { call, sink, submitted: self.now, deadline });
    }

    pub(super) fn sent(&mut self, index: usize) -> Vec<Seen> {
        let mut out = Vec::new();
        self.session.fill(index, self.now, &mut out);
        seen(&out)
    }

    pub(super) fn reply(&mut self, index: usize, correlation: u64, reply: &Reply<'_>) -> Result<(), Fault> {
        let mut bytes = Vec::new();
        reply.encode(correlation, &mut bytes);
        let frame = frame::split(&bytes, usize::MAX).expect("a frame").expect("a whole one");
        self.session.received(index, &frame, self.now)
    }

    pub(super) fn hold(&mut self, index: usize, seen: &Seen) {
        let held = Reservation {
            id: ReservationId(1),
            departure: of_core(0),
            state: Life::Held,
            class: Class(3),
            from: 0,
            to: 1,
            party: 1,
            remaining_ms: 1_000,
            met: Met::default(),
            seats: [None; 9],
        };
        let opcode = Opcode::from_code(seen.opcode).expect("an opcode of ours");
        self.reply(index, seen.correlation, &Reply::Reservation(opcode, held)).expect("a good reply");
    }

    pub(super) fn refuse(&mut self, index: usize, seen: &Seen, status: Status, detail: u64) {
        let refused = Reply::Refused(seen.opcode, Refusal { status, detail });
        self.reply(index, seen.correlation, &refused).expect("a good reply");
    }

    pub(super) fn pass(&mut self, time: Micros) {
        self.now += time;
        self.session.tick(self.now);
    }

    pub(super) fn ended(&mut self) -> Option<Completion> {
        self.queue.try_recv()
    }

    pub(super) fn result(&mut self) -> Result<Answer, Error> {
        self.ended().expect("the call has ended").result
    }
}

pub(super) fn seen(bytes: &[u8]) -> Vec<Seen> {
    let (mut at, mut all) = (0, Vec::new());
    while let Some(frame) = frame::split(&bytes[at..], 512).expect("our own frames") {
        at += frame.bytes();
        let request = Request::decode(&frame).expect("our own requests");
        let first = matches!(request, Request::Reserve(reserve) if reserve.first);
        all.push(Seen { correlation: frame.header.correlation, opcode: frame.header.opcode, first });
    }
    all
}

/// A departure that this core owns while partition i is core i's.
pub(super) fn of_core(core: u16) -> DepartureId {
    (0..).map(DepartureId).find(|departure| departure.partition(2) == core).expect("the hash spreads")
}

pub(super) fn reserve(core: u16) -> Call {
    let (id, account, passenger) = (ReservationId(1), AccountId(2), PassengerId(3));
    let request = ReserveRequest::new(id, of_core(core), account, Class(3), (0, 1), &[passenger]);
    Call::Reserve(request.expect("a party of one"))
}

pub(super) fn confirm() -> Call {
    Call::Confirm(Target { id: ReservationId(1), departure: of_core(0), account: AccountId(2) })
}

pub(super) fn one(mut requests: Vec<Seen>) -> Seen {
    assert_eq!(requests.len(), 1, "{requests:?}");
    requests.remove(0)
}
