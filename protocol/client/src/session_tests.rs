use super::*;

use std::net::Ipv4Addr;

use rand::SeedableRng;
use seathold_protocol::frame;
use seathold_protocol::reply::Welcome;
use seathold_protocol::request::Target;
use seathold_protocol::reservation::{Reservation, State as Life};
use seathold_protocol::wishes::Met;
use seathold_protocol::{AccountId, Class, DepartureId, PassengerId, ReservationId};

use crate::backoff::Backoff;
use crate::completion::{Completion, CompletionQueue};
use crate::links::LinkSettings;
use crate::refusal::Refusal as No;
use crate::reserve::ReserveRequest;

const MS: Micros = 1_000;
const TIMEOUT: Micros = 4_000 * MS;
const CORE_0: usize = 1;
const CORE_1: usize = 2;

/// A request as the server would read it.
#[derive(Debug)]
struct Seen {
    correlation: u64,
    opcode: u8,
    first: bool,
}

/// A session, its program and its server, in virtual time.
struct Bench {
    session: Session,
    queue: CompletionQueue,
    tally: Arc<Tally>,
    now: Micros,
    credit: u32,
    core_ports: Vec<u16>,
    partition_cores: Vec<u8>,
}

impl Bench {
    /// Nothing is connected.
    fn new() -> Self {
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
    fn at_the_door() -> Self {
        let mut bench = Self::new();
        bench.session.tick(0);
        bench.open(DOOR, 0);
        bench
    }

    /// The door and two cores are connected.
    fn connected() -> Self {
        let mut bench = Self::at_the_door();
        bench.session.tick(0);
        bench.open(CORE_0, 0);
        bench.open(CORE_1, 1);
        bench
    }

    fn open(&mut self, index: usize, core: u8) {
        self.try_open(index, core).expect("a good WELCOME");
    }

    /// The server accepts the connection that the session asked for.
    fn try_open(&mut self, index: usize, core: u8) -> Result<(), Fault> {
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

    fn submit(&mut self, tag: u64, call: Call) {
        let sink = self.queue.admit(tag).expect("room");
        self.tally.open.fetch_add(1, Ordering::Relaxed);
        let deadline = self.now + TIMEOUT;
        self.session.submit(Submission { call, sink, submitted: self.now, deadline });
    }

    fn sent(&mut self, index: usize) -> Vec<Seen> {
        let mut out = Vec::new();
        self.session.fill(index, self.now, &mut out);
        seen(&out)
    }

    fn reply(&mut self, index: usize, correlation: u64, reply: &Reply<'_>) -> Result<(), Fault> {
        let mut bytes = Vec::new();
        reply.encode(correlation, &mut bytes);
        let frame = frame::split(&bytes, usize::MAX).expect("a frame").expect("a whole one");
        self.session.received(index, &frame, self.now)
    }

    fn hold(&mut self, index: usize, seen: &Seen) {
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

    fn refuse(&mut self, index: usize, seen: &Seen, status: Status, detail: u64) {
        let refused = Reply::Refused(seen.opcode, Refusal { status, detail });
        self.reply(index, seen.correlation, &refused).expect("a good reply");
    }

    fn pass(&mut self, time: Micros) {
        self.now += time;
        self.session.tick(self.now);
    }

    fn ended(&mut self) -> Option<Completion> {
        self.queue.try_recv()
    }

    fn result(&mut self) -> Result<Answer, Error> {
        self.ended().expect("the call has ended").result
    }
}

fn seen(bytes: &[u8]) -> Vec<Seen> {
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
fn of_core(core: u16) -> DepartureId {
    (0..).map(DepartureId).find(|departure| departure.partition(2) == core).expect("the hash spreads")
}

fn reserve(core: u16) -> Call {
    let (id, account, passenger) = (ReservationId(1), AccountId(2), PassengerId(3));
    let request = ReserveRequest::new(id, of_core(core), account, Class(3), (0, 1), &[passenger]);
    Call::Reserve(request.expect("a party of one"))
}

fn confirm() -> Call {
    Call::Confirm(Target { id: ReservationId(1), departure: of_core(0), account: AccountId(2) })
}

fn one(mut requests: Vec<Seen>) -> Seen {
    assert_eq!(requests.len(), 1, "{requests:?}");
    requests.remove(0)
}

#[test]
fn a_request_goes_straight_to_the_owner() {
    let mut bench = Bench::connected();
    bench.submit(1, reserve(0));
    bench.submit(2, reserve(1));
    assert_eq!((bench.sent(DOOR).len(), bench.sent(CORE_0).len(), bench.sent(CORE_1).len()), (0, 1, 1));
    assert_eq!(bench.tally.read().through_another_core, 0);
}

#[test]
fn the_door_takes_requests_while_the_owner_is_not_reached() {
    let mut bench = Bench::at_the_door();
    bench.session.tick(0);
    bench.session.lost(CORE_0, Fault::Closed, 0);
    bench.submit(1, reserve(0));
    assert_eq!(bench.sent(DOOR).len(), 1);
    assert_eq!(bench.tally.read().through_another_core, 1);
    bench.pass(31 * MS);
    bench.open(CORE_0, 0);
    bench.submit(2, reserve(0));
    assert_eq!((bench.sent(DOOR).len(), bench.sent(CORE_0).len()), (0, 1));
}

#[test]
fn credit_bounds_what_is_in_flight_and_correlations_never_repeat() {
    let mut bench = Bench::connected();
    for tag in 0..20 {
        bench.submit(tag, reserve(0));
    }
    let mut correlations = Vec::new();
    while let requests @ [_, ..] = bench.sent(CORE_0).as_slice() {
        assert!(requests.len() <= 4);
        correlations.extend(requests.iter().map(|seen| seen.correlation));
        for seen in requests.iter().rev() {
            bench.hold(CORE_0, seen);
        }
    }
    assert_eq!(correlations.len(), 20);
    correlations.sort_unstable();
    correlations.dedup();
    assert_eq!(correlations.len(), 20);
    let mut tags: Vec<_> = std::iter::from_fn(|| bench.ended()).map(|completion| completion.tag).collect();
    tags.sort_unstable();
    assert_eq!(tags, (0..20).collect::<Vec<_>>());
}

#[test]
fn a_lost_connection_repeats_the_request_without_first() {
    let mut bench = Bench::connected();
    bench.submit(1, reserve(0));
    assert!(one(bench.sent(CORE_0)).first);
    bench.session.lost(CORE_0, Fault::Closed, bench.now);
    let repeat = one(bench.sent(DOOR));
    assert!(!repeat.first);
    bench.hold(DOOR, &repeat);
    let completion = bench.ended().unwrap();
    assert!(matches!(completion.result, Ok(Answer::Reservation(held)) if held.state == Life::Held));
    assert_eq!(completion.attempts, 2);
}

#[test]
fn an_attempt_has_half_of_what_is_left_and_its_late_ok_still_counts() {
    let mut bench = Bench::connected();
    bench.submit(1, reserve(0));
    let first = one(bench.sent(CORE_0));
    bench.pass(1_999 * MS);
    assert!(bench.sent(CORE_0).is_empty());
    bench.pass(MS);
    assert!(!one(bench.sent(CORE_0)).first);
    assert_eq!(bench.tally.read().attempts_timed_out, 1);
    bench.hold(CORE_0, &first);
    assert!(bench.result().is_ok());
}

#[test]
fn a_late_refusal_of_an_earlier_attempt_is_put_aside() {
    let mut bench = Bench::connected();
    bench.submit(1, reserve(0));
    let first = one(bench.sent(CORE_0));
    bench.pass(2_000 * MS);
    let second = one(bench.sent(CORE_0));
    bench.refuse(CORE_0, &first, Status::SoldOut, 0);
    assert_eq!(bench.ended(), None);
    bench.hold(CORE_0, &second);
    assert!(bench.result().is_ok());
}

#[test]
fn a_refusal_of_the_latest_attempt_is_final() {
    let mut bench = Bench::connected();
    bench.submit(1, reserve(0));
    bench.sent(CORE_0);
    bench.pass(2_000 * MS);
    let second = one(bench.sent(CORE_0));
    bench.refuse(CORE_0, &second, Status::SoldOut, 3);
    assert_eq!(bench.result(), Err(Error::Refused(No::SoldOut { free: 3 })));
}

#[test]
fn busy_is_asked_again_after_the_told_time_and_not_much_later() {
    let mut bench = Bench::connected();
    bench.submit(1, reserve(0));
    let first = one(bench.sent(CORE_0));
    bench.refuse(CORE_0, &first, Status::Busy, 100);
    bench.pass(99 * MS);
    assert!(bench.sent(CORE_0).is_empty());
    bench.pass(51 * MS);
    let second = one(bench.sent(CORE_0));
    assert!(!second.first);
    bench.hold(CORE_0, &second);
    assert!(bench.result().is_ok());
    assert_eq!(bench.tally.read().asked_to_wait, 1);
}

#[test]
fn busy_until_the_deadline_is_not_done() {
    let mut bench = Bench::connected();
    bench.submit(1, confirm());
    let first = one(bench.sent(CORE_0));
    bench.refuse(CORE_0, &first, Status::Unavailable, 60_000);
    let wait = Some(Duration::from_secs(60));
    assert_eq!(bench.result(), Err(Error::NotDone { reason: Reason::Unavailable, retry_after: wait }));
}

#[test]
fn busy_after_a_lost_attempt_is_unknown() {
    let mut bench = Bench::connected();
    bench.submit(1, confirm());
    bench.sent(CORE_0);
    bench.session.lost(CORE_0, Fault::Io(std::io::ErrorKind::ConnectionReset), bench.now);
    let second = one(bench.sent(DOOR));
    bench.refuse(DOOR, &second, Status::Busy, 60_000);
    let fault = Some(Fault::Io(std::io::ErrorKind::ConnectionReset));
    assert_eq!(bench.result(), Err(Error::Unknown { attempts: 2, fault }));
}

#[test]
fn a_late_busy_for_every_earlier_attempt_makes_it_certain_again() {
    let mut bench = Bench::connected();
    bench.submit(1, confirm());
    let first = one(bench.sent(CORE_0));
    bench.pass(2_000 * MS);
    let second = one(bench.sent(CORE_0));
    bench.refuse(CORE_0, &first, Status::Busy, 1);
    bench.refuse(CORE_0, &second, Status::Busy, 60_000);
    let wait = Some(Duration::from_secs(60));
    assert_eq!(bench.result(), Err(Error::NotDone { reason: Reason::Busy, retry_after: wait }));
}

#[test]
fn a_server_that_does_not_know_is_asked_again() {
    let mut bench = Bench::connected();
    bench.submit(1, confirm());
    let first = one(bench.sent(CORE_0));
    bench.refuse(CORE_0, &first, Status::Unknown, 0);
    bench.pass(20 * MS);
    let second = one(bench.sent(CORE_0));
    bench.refuse(CORE_0, &second, Status::Busy, 60_000);
    assert_eq!(bench.result(), Err(Error::Unknown { attempts: 2, fault: None }));
}

#[test]
fn not_open_is_told_at_once_with_its_time() {
    for (detail, retry_after) in [(90_000, Some(Duration::from_secs(90))), (u64::MAX, None)] {
        let mut bench = Bench::connected();
        bench.submit(1, reserve(0));
        let request = one(bench.sent(CORE_0));
        bench.refuse(CORE_0, &request, Status::NotOpen, detail);
        assert_eq!(bench.result(), Err(Error::NotDone { reason: Reason::NotOpen, retry_after }));
    }
}

#[test]
fn the_deadline_of_a_call_that_was_never_sent_is_not_done() {
    let mut bench = Bench::new();
    bench.session.tick(0);
    bench.session.lost(DOOR, Fault::Io(std::io::ErrorKind::ConnectionRefused), 0);
    bench.submit(1, confirm());
    bench.pass(TIMEOUT);
    let reason = Reason::NotConnected(Fault::Io(std::io::ErrorKind::ConnectionRefused));
    assert_eq!(bench.result(), Err(Error::NotDone { reason, retry_after: None }));
    assert!(bench.session.homeless.is_empty(), "a call that ended leaves its queue");
}

#[test]
fn the_deadline_of_a_call_that_was_sent_is_unknown() {
    let mut bench = Bench::connected();
    bench.submit(1, confirm());
    bench.sent(CORE_0);
    bench.pass(2_000 * MS);
    bench.sent(CORE_0);
    bench.pass(2_000 * MS);
    assert!(matches!(bench.result(), Err(Error::Unknown { attempts: 2, .. })));
}

#[test]
fn the_deadline_of_a_call_without_credit_is_not_done() {
    let mut bench = Bench::connected();
    for tag in 0..5 {
        bench.submit(tag, confirm());
    }
    assert_eq!(bench.sent(CORE_0).len(), 4);
    bench.session.links.get(CORE_0).heard(TIMEOUT);
    bench.pass(TIMEOUT);
    let last = std::iter::from_fn(|| bench.ended()).find(|completion| completion.tag == 4).unwrap();
    assert_eq!(last.result, Err(Error::NotDone { reason: Reason::NoCredit, retry_after: None }));
    assert!(bench.session.links.get(CORE_0).queue.is_empty());
}

#[test]
fn calls_wait_for_a_server_that_restarts() {
    let mut bench = Bench::connected();
    bench.submit(1, reserve(0));
    bench.sent(CORE_0);
    for index in [CORE_0, CORE_1, DOOR] {
        bench.session.lost(index, Fault::Closed, bench.now);
    }
    bench.submit(2, reserve(1));
    bench.pass(1_000 * MS);
    bench.open(DOOR, 0);
    let requests = bench.sent(DOOR);
    assert_eq!(requests.iter().map(|seen| seen.first).collect::<Vec<_>>(), [false, true]);
}

#[test]
fn a_reply_to_nothing_is_ignored_and_counted_and_a_late_one_frees_credit() {
    let mut bench = Bench::connected();
    bench.credit = 1;
    bench.session.lost(CORE_0, Fault::Closed, 0);
    bench.pass(31 * MS);
    bench.open(CORE_0, 0);
    bench.submit(1, confirm());
    let request = one(bench.sent(CORE_0));
    bench.reply(CORE_0, 99 << 24, &Reply::Pong(&[])).unwrap();
    assert_eq!(bench.tally.read().strays, 1);
    bench.session.links.get(CORE_0).heard(bench.now + TIMEOUT);
    bench.pass(TIMEOUT);
    assert!(matches!(bench.result(), Err(Error::Unknown { .. })));
    bench.submit(2, confirm());
    assert!(bench.sent(CORE_0).is_empty(), "the server still owes the first reply");
    bench.hold(CORE_0, &request);
    assert_eq!(bench.tally.read().strays, 2);
    assert_eq!(bench.sent(CORE_0).len(), 1);
}

#[test]
fn a_connection_that_falls_silent_is_replaced() {
    let mut bench = Bench::connected();
    bench.pass(60_000 * MS);
    assert_eq!(bench.session.next_action(), None, "an idle connection may be silent");
    bench.submit(1, confirm());
    bench.sent(CORE_0);
    bench.pass(3_000 * MS);
    assert_eq!(bench.session.next_action(), Some(Action::Close(CORE_0)));
    assert_eq!(bench.sent(DOOR).len(), 1);
    bench.pass(31 * MS);
    assert!(matches!(bench.session.next_action(), Some(Action::Connect(CORE_0, _))));
}

#[test]
fn the_map_is_read_anew_after_a_reconnect() {
    let mut bench = Bench::connected();
    bench.session.lost(DOOR, Fault::Closed, 0);
    bench.partition_cores = vec![1, 0];
    bench.pass(31 * MS);
    bench.open(DOOR, 0);
    bench.submit(1, reserve(0));
    assert_eq!((bench.sent(CORE_0).len(), bench.sent(CORE_1).len()), (0, 1));
}

#[test]
fn connections_follow_the_ports_of_a_changed_server() {
    let mut bench = Bench::connected();
    bench.submit(1, reserve(1));
    bench.sent(CORE_1);
    bench.session.lost(DOOR, Fault::Closed, 0);
    bench.pass(31 * MS);
    bench.core_ports = vec![8_000];
    bench.partition_cores = vec![0, 0];
    bench.open(DOOR, 0);
    assert_eq!(bench.session.next_action(), Some(Action::Close(CORE_1)));
    assert_eq!(bench.session.links.get(CORE_1).state, State::Retired);
    assert!(!one(bench.sent(CORE_0)).first, "what the closed connection owed is asked again");
}

#[test]
fn a_core_port_with_another_core_behind_it_is_not_used() {
    let mut bench = Bench::at_the_door();
    bench.session.tick(0);
    assert_eq!(bench.try_open(CORE_0, 1), Err(Fault::WrongCore));
}

#[test]
fn answers_to_something_else_are_faults() {
    let mut bench = Bench::connected();
    bench.submit(1, confirm());
    let request = one(bench.sent(CORE_0));
    assert_eq!(bench.reply(CORE_0, request.correlation, &Reply::Pong(&[])), Err(Fault::WrongReply));
    bench.submit(
        2,
        Call::Cancel(Target { id: ReservationId(5), departure: of_core(0), account: AccountId(2) }),
    );
    let other = one(bench.sent(CORE_0));
    let held = Reservation {
        id: ReservationId(6),
        departure: of_core(0),
        state: Life::Held,
        class: Class(3),
        from: 0,
        to: 1,
        party: 1,
        remaining_ms: 0,
        met: Met::default(),
        seats: [None; 9],
    };
    let reply = Reply::Reservation(Opcode::Cancel, held);
    assert_eq!(bench.reply(CORE_0, other.correlation, &reply), Err(Fault::WrongReply));
}

#[test]
fn a_refused_hello_is_told_to_whoever_builds_the_client() {
    let mut bench = Bench::new();
    let (greeter, greeted) = crossbeam_channel::bounded(1);
    bench.session.announce_door(greeter);
    bench.session.tick(0);
    bench.session.connected(DOOR, Ipv4Addr::LOCALHOST.into(), &mut Vec::new());
    let refusal = Refusal { status: Status::UnsupportedVersion, detail: 2 };
    let reply = Reply::Refused(Opcode::Hello as u8, refusal);
    let fault = bench.reply(DOOR, HELLO_CORRELATION, &reply).unwrap_err();
    assert_eq!(fault, Fault::HelloRefused { status: Status::UnsupportedVersion, detail: 2 });
    bench.session.lost(DOOR, fault, 0);
    assert_eq!(greeted.try_recv(), Ok(Err(fault)));
}

#[test]
fn a_welcome_that_does_not_come_is_given_up() {
    let mut bench = Bench::new();
    bench.session.tick(0);
    assert!(matches!(bench.session.next_action(), Some(Action::Connect(DOOR, _))));
    assert_eq!(bench.session.next_wake(), Some(500 * MS));
    bench.pass(500 * MS);
    assert_eq!(bench.session.next_action(), Some(Action::Close(DOOR)));
    bench.pass(31 * MS);
    assert!(matches!(bench.session.next_action(), Some(Action::Connect(DOOR, _))));
}

#[test]
fn stopping_says_what_is_certain() {
    let mut bench = Bench::connected();
    bench.submit(1, confirm());
    bench.sent(CORE_0);
    bench.submit(2, confirm());
    bench.session.stop(bench.now);
    let mut ends: Vec<_> = std::iter::from_fn(|| bench.ended()).collect();
    ends.sort_by_key(|completion| completion.tag);
    assert!(matches!(ends[0].result, Err(Error::Unknown { attempts: 1, .. })));
    assert_eq!(ends[1].result, Err(Error::NotDone { reason: Reason::Stopped, retry_after: None }));
    assert_eq!(bench.tally.read().open, 0);
}
