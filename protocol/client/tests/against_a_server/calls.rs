//! Calls and how they end.

use std::thread;
use std::time::Duration;

use seathold_client::{
    AccountId, Answer, AvailabilityReply, Call, Class, ClassFree, ClassInfo, Client, CompletionQueue, Day,
    DepartureId, Error, Fault, PassengerId, Reason, ReserveRequest, Resolved, Sale, SaleReply, Status, Stop,
    new_reservation_id,
};
use seathold_protocol::frame::Opcode;
use seathold_protocol::reply::{Reply, Welcome};

use super::scripted::{ClosedPort, Server, departure_of, reserve, welcome};
use super::{at_the_door, builder, client, ended, is_held};

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

#[test]
fn a_burst_larger_than_one_write_goes_out_without_waiting_for_replies() {
    const BURST: usize = 6_000;
    let server = Server::start();
    let (client, queue) = (client(&server.url()), CompletionQueue::new(BURST));
    for tag in 0..BURST {
        client.submit(reserve(tag as u128, departure_of(0, 1)), tag as u64, &queue).unwrap();
    }
    // All of them wait for WELCOME, so that one turn has more to send than it may.
    let mut door = server.welcome(&Welcome { credit: BURST as u32, ..welcome(0, &[0]) });
    let asked: Vec<_> = (0..BURST).map(|_| door.read()).collect();
    assert!(asked.iter().all(|asked| asked.first));
    let serving = thread::spawn(move || asked.iter().for_each(|asked| door.hold(asked)));
    assert!((0..BURST).all(|_| is_held(&ended(&queue))));
    serving.join().unwrap();
}
