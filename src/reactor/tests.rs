//! Cores in this process, over real sockets and a log that does what the test says: connections and the end.

mod crowd;
mod rig;

use super::*;
use rig::{Server, TRAIN, TestLog, departure_of, reserve, target};
use seathold_protocol::Day;
use seathold_protocol::request::{Availability, Request};
use seathold_protocol::status::Status;
use std::io::Read;
use std::net::Shutdown;
use std::sync::atomic::Ordering;
use std::thread;

/// The last bytes and the end of a connection come in one event: a read that finds fewer bytes than asked has still not
/// found the end.
#[test]
fn a_client_that_sends_and_hangs_up_in_one_go_is_noticed() {
    let server = Server::start(TestLog::that_takes(Duration::ZERO));
    for round in 0..50 {
        let mut client = server.connect();
        client.send(&Request::Ping(&[]));
        client.stream.shutdown(Shutdown::Write).unwrap();
        client.receive();
        let end = client.stream.read(&mut [0]);
        assert_eq!(end.ok(), Some(0), "round {round}: the server has kept the connection");
    }
    server.stop_within(Duration::from_secs(2));
}

/// What a client asked before it closed its sending half is answered.
#[test]
fn a_client_that_hangs_up_after_asking_gets_its_answers() {
    let departure = departure_of(0, 1);
    let server = Server::start(TestLog::that_takes(Duration::from_millis(30)));
    let mut client = server.connect();
    for id in 0..10 {
        client.send(&Request::Reserve(reserve(departure, id, 0)));
    }
    client.stream.shutdown(Shutdown::Write).unwrap();
    (0..10).for_each(|_| client.receive());
    assert_eq!(client.stream.read(&mut [0]).unwrap(), 0);
    server.stop_within(Duration::from_secs(2));
}

#[test]
fn a_core_stops_although_the_ledger_has_no_room() {
    let server = Server::start(TestLog { has_room: false, ..TestLog::that_takes(Duration::ZERO) });
    while server.shared.ledger.no_space.load(Ordering::Relaxed) == 0 {
        thread::yield_now();
    }
    server.stop_within(Duration::from_secs(3));
}

/// Another server has the departures now: what was on its way here may be in its log or not.
#[test]
fn a_partition_that_is_taken_over_ends_here_and_the_server_lives_on() {
    let log = TestLog::that_takes(Duration::ZERO);
    let taken_over = Arc::clone(&log.taken_over);
    let departure = departure_of(0, 1);
    let server = Server::start(log);
    let mut client = server.connect();
    client.send(&Request::Reserve(reserve(departure, 1, 0)));
    client.receive();
    taken_over.store(true, Ordering::Release);
    client.send(&Request::Reserve(reserve(departure, 2, 0)));
    assert_eq!(client.status(), Status::Unknown);
    for request in [
        Request::Reserve(reserve(departure, 3, 0)),
        Request::Confirm(target(departure, 1)),
        Request::Lookup(target(departure, 1)),
        Request::Availability(Availability { departure, class: None, pair: None }),
    ] {
        client.send(&request);
        assert_eq!(client.status(), Status::Unavailable, "{request:?}");
    }
    client.send(&Request::Resolve(TRAIN, Day(0)));
    client.receive();
    assert_eq!(server.shared.ledger.fenced.load(Ordering::Relaxed), 1);
    drop(client);
    server.stop_within(Duration::from_secs(2));
}

/// Holds that run out one after the other keep the ledger busy for as long as there are any.
#[test]
fn a_core_stops_although_holds_keep_running_out() {
    let departure = departure_of(0, 1);
    let server = Server::start(TestLog::that_takes(Duration::from_millis(20)));
    let mut client = server.connect();
    for id in 0..1_000_u32 {
        client.send(&Request::Reserve(reserve(departure, id.into(), 5 * id + 1)));
    }
    (0..1_000).for_each(|_| client.receive());
    drop(client);
    server.stop_within(Duration::from_secs(2));
}
