//! The whole client over real sockets, against a scripted server.
//!
//! The rules about retries and deadlines are tested in virtual time in `session_tests.rs`; here it is the thread, the
//! sockets and the wiring.

mod scripted;

use std::thread;
use std::time::Duration;

use scripted::{ClosedPort, Peer, Server, departure_of, reserve, until, welcome};
use seathold_client::{
    AccountId, Answer, AvailabilityReply, BuildError, Builder, Call, Class, ClassFree, ClassInfo, Client,
    Completion, CompletionQueue, Day, DepartureId, Error, Fault, PassengerId, Reason, ReserveRequest,
    Resolved, Sale, SaleReply, State, Stop, new_reservation_id,
};
use seathold_protocol::frame::{FrameError, Opcode};
use seathold_protocol::reply::{Reply, Welcome};
use seathold_protocol::status::Status;

/// Nothing here should come near it.
const LONG: Duration = Duration::from_secs(10);

fn client(url: &str) -> Client {
    builder(url).build_unconnected().expect("good settings")
}

fn builder(url: &str) -> Builder {
    Client::builder(url).timeout(LONG).backoff(Duration::from_millis(1), Duration::from_millis(5))
}

fn ended(queue: &CompletionQueue) -> Completion {
    queue.recv_timeout(LONG).expect("the call ends")
}

fn is_held(completion: &Completion) -> bool {
    matches!(&completion.result, Ok(Answer::Reservation(held)) if held.state == State::Held)
}

/// A server with the door alone, a client at it, and the server's end.
fn at_the_door() -> (Server, Client, Peer) {
    let server = Server::start();
    let client = client(&server.url());
    let peer = server.welcome(&welcome(0, &[0]));
    (server, client, peer)
}

#[test]
fn hello_carries_the_name_and_the_token_and_build_waits_for_welcome() {
    let server = Server::start();
    let builder = Client::builder(&server.url()).client_name("shop/7").operator_token("hush");
    let building = thread::spawn(move || builder.build());
    let mut door = server.welcome(&welcome(0, &[0]));
    let client = building.join().unwrap().expect("welcomed");
    assert_eq!(client.counters().connects, 1);
    let asking = thread::spawn(move || client.ping());
    let asked = door.read();
    assert_eq!(asked.opcode, Opcode::Ping);
    door.pong(&asked);
    assert!(asking.join().unwrap().is_ok());
}

#[test]
fn every_waiting_call_brings_its_own_kind_of_answer() {
    let (_server, client, mut door) = at_the_door();
    let departure = departure_of(0, 1);
    let serving = thread::spawn(move || {
        for _ in 0..11 {
            let asked = door.read();
            match asked.opcode {
                Opcode::Ping => door.pong(&asked),
                Opcode::Resolve => door.reply(asked.correlation, &Reply::Resolved(resolved(departure))),
                Opcode::Availability => {
                    door.reply(asked.correlation, &Reply::Availability(availability(departure)));
                }
                Opcode::Open | Opcode::Close => {
                    let sale = SaleReply { departure, sale: Sale::Opened, released_percent: 100 };
                    door.reply(asked.correlation, &Reply::Sale(asked.opcode, sale));
                }
                Opcode::Stats => {
                    door.reply(asked.correlation, &Reply::Stats(vec![("turns".to_owned(), 7)]));
                }
                _ => door.hold(&asked),
            }
        }
    });
    let passengers = [PassengerId(1)];
    let request =
        ReserveRequest::new(new_reservation_id(), departure, AccountId(1), Class(3), (0, 1), &passengers);
    let request = request.unwrap();
    let target = request.target();
    assert!(client.ping().is_ok());
    assert_eq!(client.resolve("G101", Day(20_000)), Ok(resolved(departure)));
    assert_eq!(client.availability(departure, Some(Class(3)), Some((0, 1))), Ok(availability(departure)));
    assert_eq!(client.reserve(request).unwrap().id, target.id);
    assert_eq!(client.confirm(target).unwrap().id, target.id);
    assert_eq!(client.cancel(target).unwrap().id, target.id);
    assert_eq!(client.refund(target).unwrap().id, target.id);
    assert_eq!(client.lookup(target).unwrap().id, target.id);
    assert_eq!(client.open(departure, 100).unwrap().sale, Sale::Opened);
    assert_eq!(client.close(departure).unwrap().departure, departure);
    assert_eq!(client.stats(), Ok(vec![("turns".to_owned(), 7)]));
    serving.join().unwrap();
}

fn resolved(departure: DepartureId) -> Resolved {
    let stop = |code: &str| Stop { code: code.into(), name: code.into(), arrival_s: 0, departure_s: 60 };
    Resolved {
        departure,
        sale: Sale::ByRules,
        opens_in_ms: 0,
        closes_in_ms: 1_000,
        hold_ms_default: 1_000,
        hold_ms_max: 2_000,
        places_per_account: 5,
        passengers_per_reservation: 5,
        stops: vec![stop("A"), stop("B")],
        classes: vec![ClassInfo { class: Class(3), numbered: true, capacity: 90 }],
    }
}

fn availability(departure: DepartureId) -> AvailabilityReply {
    let classes = vec![ClassFree { class: Class(3), free: vec![9] }];
    AvailabilityReply { departure, version: 1, age_ms: 2, stops: 2, classes }
}

#[test]
fn a_name_is_looked_up() {
    let server = Server::start();
    let queue = CompletionQueue::new(1);
    let client = client(&format!("seathold://localhost:{}", server.port()));
    client.submit(Call::Ping, 1, &queue).unwrap();
    let mut door = server.welcome(&welcome(0, &[0]));
    let asked = door.read();
    door.pong(&asked);
    assert_eq!(ended(&queue).result, Ok(Answer::Pong));
}

#[test]
fn each_departure_is_asked_for_at_its_owners_port() {
    let (server, cores) = (Server::start(), [Server::start(), Server::start()]);
    let ports = [cores[0].port(), cores[1].port()];
    let (client, queue) = (client(&server.url()), CompletionQueue::new(4));
    let _door = server.welcome(&welcome(0, &ports));
    let mut peers = [cores[0].welcome(&welcome(0, &ports)), cores[1].welcome(&welcome(1, &ports))];
    until("the cores are reached", || client.counters().connects == 3);
    for core in [1, 0] {
        client.submit(reserve(7, departure_of(core, 2)), u64::from(core), &queue).unwrap();
        let peer = &mut peers[usize::from(core)];
        let asked = peer.read();
        assert!(asked.first);
        peer.hold(&asked);
        let completion = ended(&queue);
        assert!(is_held(&completion) && completion.tag == u64::from(core), "{completion:?}");
    }
}

#[test]
fn the_plain_port_stands_in_for_a_core_port_that_is_closed() {
    let server = Server::start();
    let (client, queue) = (client(&server.url()), CompletionQueue::new(1));
    let closed = ClosedPort::take();
    let mut door = server.welcome(&welcome(0, &[closed.port()]));
    until("the core is tried", || client.counters().connections_lost > 0);
    client.submit(reserve(7, departure_of(0, 1)), 1, &queue).unwrap();
    let asked = door.read();
    door.hold(&asked);
    assert!(is_held(&ended(&queue)));
    assert_eq!(client.counters().through_another_core, 1);
}

#[test]
fn a_lost_connection_asks_again_under_the_same_id_without_first() {
    let (server, client, mut door) = at_the_door();
    let queue = CompletionQueue::new(1);
    client.submit(reserve(7, departure_of(0, 1)), 1, &queue).unwrap();
    let lost = door.read();
    drop(door);
    let mut door = server.welcome(&welcome(0, &[0]));
    let repeat = door.read();
    assert!(lost.first && !repeat.first);
    assert_eq!(lost.body, repeat.body);
    door.hold(&repeat);
    let completion = ended(&queue);
    assert!(is_held(&completion));
    assert_eq!((completion.attempts, client.counters().repeated), (2, 1));
}

#[test]
fn a_server_that_restarts_finds_its_requests_again() {
    let (server, client, mut door) = at_the_door();
    let queue = CompletionQueue::new(10);
    for id in 0..10 {
        client.submit(reserve(id, departure_of(0, 1)), id as u64, &queue).unwrap();
    }
    door.read();
    let address = server.address();
    drop((door, server));
    until("the server is missed", || client.counters().connections_lost >= 2);
    let server = Server::at(address);
    let mut door = server.welcome(&welcome(0, &[0]));
    for _ in 0..10 {
        let asked = door.read();
        door.hold(&asked);
        assert!(is_held(&ended(&queue)));
    }
}

#[test]
fn a_lost_reply_is_asked_for_again() {
    let server = Server::start();
    let client = builder(&server.url()).timeout(Duration::from_millis(500)).build_unconnected().unwrap();
    let queue = CompletionQueue::new(1);
    let mut door = server.welcome(&welcome(0, &[0]));
    client.submit(reserve(7, departure_of(0, 1)), 1, &queue).unwrap();
    let lost = door.read();
    let repeat = door.read();
    assert!(lost.first && !repeat.first);
    assert_ne!(lost.correlation, repeat.correlation);
    door.hold(&repeat);
    assert!(is_held(&ended(&queue)));
    door.hold(&lost);
    assert_eq!(client.counters().attempts_timed_out, 1);
}

#[test]
fn busy_is_asked_again() {
    let (_server, client, mut door) = at_the_door();
    let queue = CompletionQueue::new(1);
    client.submit(reserve(7, departure_of(0, 1)), 1, &queue).unwrap();
    let asked = door.read();
    door.refuse(&asked, Status::Busy, 1);
    let repeat = door.read();
    assert!(!repeat.first);
    door.hold(&repeat);
    assert!(is_held(&ended(&queue)));
}

#[test]
fn a_deadline_tells_sent_from_unsent() {
    let short = Duration::from_millis(150);
    let (_server, client, mut door) = at_the_door();
    let queue = CompletionQueue::new(1);
    client.with_timeout(short).submit(Call::Stats, 1, &queue).unwrap();
    door.read();
    assert!(matches!(ended(&queue).result, Err(Error::Unknown { attempts: 1, .. })));

    let closed = ClosedPort::take();
    let nowhere = self::client(&closed.url());
    nowhere.with_timeout(short).submit(Call::Stats, 1, &queue).unwrap();
    let reason = Reason::NotConnected(Fault::Io(std::io::ErrorKind::ConnectionRefused));
    assert_eq!(ended(&queue).result, Err(Error::NotDone { reason, retry_after: None }));
}

#[test]
fn building_fails_with_why_the_server_is_not_reached() {
    let closed = ClosedPort::take();
    let refused = Client::connect(&closed.url()).unwrap_err();
    let fault = Fault::Io(std::io::ErrorKind::ConnectionRefused);
    assert!(matches!(&refused, BuildError::NotReached { fault: why, .. } if *why == fault), "{refused}");
    let unheard_of = Client::connect("seathold://no-such-host.invalid:1").unwrap_err();
    assert!(unheard_of.to_string().contains("no-such-host.invalid"), "{unheard_of}");
}

#[test]
fn garbage_instead_of_welcome_closes_the_connection() {
    let server = Server::start();
    let builder = Client::builder(&server.url());
    let building = thread::spawn(move || builder.build());
    let mut door = server.accept();
    door.write(b"HTTP/1.1 400 Bad Request\r\n\r\n");
    door.read_end();
    let length = u32::from_le_bytes(*b"HTTP");
    let error = building.join().unwrap().unwrap_err();
    let BuildError::NotReached { fault, .. } = error else { panic!("{error}") };
    assert_eq!(fault, Fault::BadFrame(FrameError::TooLong(length)));
}

#[test]
fn an_oversized_frame_and_a_broken_body_close_the_connection() {
    let (server, client, mut door) = at_the_door();
    let queue = CompletionQueue::new(1);
    client.submit(Call::Stats, 1, &queue).unwrap();
    door.read();
    door.write(&65_537_u32.to_le_bytes());
    door.read_end();

    let mut door = server.welcome(&welcome(0, &[0]));
    let asked = door.read();
    let mut broken = vec![17, 0, 0, 0, Opcode::Stats as u8 | 0x80, 0, 0, 0];
    broken.extend_from_slice(&asked.correlation.to_le_bytes());
    broken.push(9);
    door.write(&broken);
    door.read_end();

    let mut door = server.welcome(&welcome(0, &[0]));
    door.read();
    drop((door, server));
    drop(client);
    let fault = match ended(&queue).result {
        Err(Error::Unknown { attempts: 3, fault: Some(fault) }) => fault,
        other => panic!("{other:?}"),
    };
    assert!(matches!(fault, Fault::BadReply(_) | Fault::Closed | Fault::Io(_)), "{fault:?}");
}

#[test]
fn credit_is_kept_and_replies_may_come_in_any_order() {
    let server = Server::start();
    let (client, queue) = (client(&server.url()), CompletionQueue::new(5));
    let mut door = server.welcome(&Welcome { credit: 2, ..welcome(0, &[0]) });
    for tag in 0..5 {
        client.submit(reserve(u128::from(tag), departure_of(0, 1)), tag, &queue).unwrap();
    }
    let (first, second) = (door.read(), door.read());
    assert!(!door.has_more());
    door.hold(&second);
    let third = door.read();
    assert!(!door.has_more());
    door.hold(&third);
    door.hold(&first);
    let tags: Vec<_> = (0..3).map(|_| ended(&queue).tag).collect();
    assert_eq!(tags, [1, 2, 0]);
}

#[test]
fn what_is_above_a_bound_is_turned_away_at_once() {
    let (_server, client, _door) = at_the_door();
    let queue = CompletionQueue::new(1);
    client.submit(Call::Ping, 1, &queue).unwrap();
    let full = Error::NotDone { reason: Reason::QueueFull, retry_after: None };
    assert_eq!(client.submit(Call::Ping, 2, &queue), Err(full));

    let server = Server::start();
    let client = Client::builder(&server.url()).calls_max(1).build_unconnected().unwrap();
    let queue = CompletionQueue::new(2);
    client.submit(Call::Ping, 1, &queue).unwrap();
    let full = Error::NotDone { reason: Reason::ClientFull, retry_after: None };
    assert_eq!(client.submit(Call::Ping, 2, &queue), Err(full));
    assert_eq!((queue.open(), client.counters().open), (1, 1));
    assert_eq!(client.ping().unwrap_err(), full);
}

#[test]
fn dropping_the_last_handle_stops_the_thread_and_ends_what_is_open() {
    let (_server, client, mut door) = at_the_door();
    let queue = CompletionQueue::new(1);
    let clone = client.clone();
    client.submit(Call::Ping, 1, &queue).unwrap();
    door.read();
    drop(client);
    assert_eq!(queue.try_recv(), None, "a handle is left");
    drop(clone);
    assert!(matches!(queue.try_recv().unwrap().result, Err(Error::Unknown { attempts: 1, .. })));
    door.read_end();
}

#[test]
fn threads_share_a_client_and_thousands_of_requests_are_in_flight() {
    let server = Server::start();
    let client = client(&server.url());
    let mut door = server.welcome(&Welcome { credit: 1_000, ..welcome(0, &[0]) });
    let serving = thread::spawn(move || {
        for _ in 0..8_000 {
            let asked = door.read();
            door.pong(&asked);
        }
    });
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                let queue = CompletionQueue::new(2_000);
                for tag in 0..2_000 {
                    client.submit(Call::Ping, tag, &queue).unwrap();
                }
                let mut tags = 0;
                while let Some(completion) = queue.recv() {
                    assert_eq!(completion.result, Ok(Answer::Pong));
                    tags += completion.tag;
                }
                assert_eq!(tags, 2_000 * 1_999 / 2);
            });
        }
    });
    serving.join().unwrap();
    let counters = client.counters();
    assert_eq!((counters.done, counters.sent, counters.open), (8_000, 8_000, 0));
}
