//! More asks than may wait: what is put off, what is done all the same, and that nothing is lost on the way.

use super::rig::{Client, Server, TestLog, departure_of, reserve, target};
use crate::counters::Counter;
use seathold_protocol::DepartureId;
use seathold_protocol::request::Request;
use seathold_protocol::status::Status;
use std::collections::HashMap;
use std::io::Read;
use std::sync::atomic::Ordering;
use std::thread;
use std::time::{Duration, Instant};

/// More than a server has time for that lets nobody wait.
const BUYERS: u64 = 500;

/// A core that slept while LOOKUPs wait, by which the ledger never wakes it, would need a second for each group of them.
const AWAKE: Duration = Duration::from_secs(5);

fn server_that_lets_nobody_wait(cores: usize) -> Server {
    Server::start_with(cores, TestLog::that_takes(Duration::ZERO), Duration::ZERO)
}

/// Asks for each id until it is not told BUSY: how often that was, and the answers.
fn ask_until_served<'a>(
    client: &mut Client,
    ids: impl Iterator<Item = u64>,
    ask: impl Fn(u64) -> Request<'a>,
) -> (u64, Vec<Status>) {
    let start = Instant::now();
    let mut waiting: Vec<u64> = ids.collect();
    let (mut refused, mut served) = (0, Vec::new());
    while !waiting.is_empty() {
        client.send_all(waiting.iter().map(|id| (*id, ask(*id))));
        let told: HashMap<_, _> = waiting.iter().map(|_| client.reply()).collect();
        served.extend(waiting.iter().map(|id| told[id]).filter(|status| *status != Status::Busy));
        waiting.retain(|id| told[id] == Status::Busy);
        refused += waiting.len() as u64;
    }
    assert!(start.elapsed() < AWAKE, "the server slept: they were served in {:?}", start.elapsed());
    (refused, served)
}

/// What it refuses it has not done, what finishes a sale it always takes, and whoever asks again is served in the end: how many
/// it refused.
fn sells_to_a_crowd(server: &Server, door: usize, departure: DepartureId, first: u64) -> u64 {
    let mut client = server.connect_to(door);
    let buyers = first..first + BUYERS;
    let sale = |id| Request::Reserve(reserve(departure, id, 0));
    let (refused, told) = ask_until_served(&mut client, buyers.clone(), sale);
    assert_eq!(told, [Status::Ok; BUYERS as usize]);

    // More than a turn has time for, so that most of it waits: each is done in the end, and before what came behind it.
    client.send_all(buyers.clone().flat_map(|id| {
        let target = target(departure, id);
        let another = Request::Reserve(reserve(departure, BUYERS + id, 0));
        [(BUYERS + id, another), (id, Request::Confirm(target)), (id, Request::Refund(target))]
    }));
    let told: Vec<_> = (0..3 * BUYERS).map(|_| client.reply()).collect();
    let finished = told.iter().filter(|(id, status)| buyers.contains(id) && *status == Status::Ok).count();
    assert_eq!(finished as u64, 2 * BUYERS, "CONFIRMs and REFUNDs that were done");
    refused + told.iter().filter(|(_, status)| *status == Status::Busy).count() as u64
}

#[test]
fn a_crowd_is_told_to_come_again_while_sales_are_finished() {
    let server = server_that_lets_nobody_wait(1);
    let refused = sells_to_a_crowd(&server, 0, departure_of(0, 1), 0);
    assert!(refused > 0, "all were served at once");
    assert_eq!(server.count(0, Counter::RefusedForWaiting), refused);
    server.stop_within(Duration::from_secs(2));
}

/// The first core only passes on what is asked, and has nothing to do itself: the second one says who comes again.
#[test]
fn a_crowd_at_another_cores_door_is_told_by_the_owner_to_come_again() {
    let server = server_that_lets_nobody_wait(2);
    let refused = sells_to_a_crowd(&server, 0, departure_of(1, 2), 0);
    assert!(refused > 0, "all were served at once");
    let counted = [0, 1].map(|core| server.count(core, Counter::RefusedForWaiting));
    assert_eq!(counted, [0, refused]);
    assert!(server.count(0, Counter::Forwarded) >= 3 * BUYERS);
    server.stop_within(Duration::from_secs(2));
}

/// Neither those at the owner's own door nor those at the other one are refused for ever.
#[test]
fn crowds_at_all_doors_for_all_cores_are_served_in_the_end() {
    let server = server_that_lets_nobody_wait(2);
    thread::scope(|scope| {
        for (crowd, (door, owner)) in (0..).zip([(0, 0), (0, 1), (1, 0), (1, 1)]) {
            let server = &server;
            scope.spawn(move || sells_to_a_crowd(server, door, departure_of(owner, 2), crowd * 10 * BUYERS));
        }
    });
    let refunded = [0, 1].map(|core| server.count(core, Counter::Refunded));
    assert_eq!(refunded, [2 * BUYERS; 2]);
    server.stop_within(Duration::from_secs(2));
}

/// Else a crowd that only looks would fill the queue, and no sale could begin.
#[test]
fn a_crowd_that_looks_is_told_to_come_again_too() {
    let server = server_that_lets_nobody_wait(1);
    let look = |id| Request::Lookup(target(departure_of(0, 1), id));
    let (refused, told) = ask_until_served(&mut server.connect(), 0..BUYERS, look);
    assert_eq!(told, [Status::NotFound; BUYERS as usize]);
    assert!(refused > 0, "all were served at once");
    assert_eq!(server.count(0, Counter::RefusedForWaiting), refused);
    server.stop_within(Duration::from_secs(2));
}

/// Holds `BUYERS` places, and asks to confirm them all at once: the core has read that, and done a small part of it unless this thread was
/// held up.
fn with_confirms_waiting(server: &Server) -> Client {
    let departure = departure_of(0, 1);
    let mut client = server.connect();
    ask_until_served(&mut client, 0..BUYERS, |id| Request::Reserve(reserve(departure, id, 0)));
    let read_before = server.count(0, Counter::BytesRead);
    let confirms = (0..BUYERS).map(|id| (id, Request::Confirm(target(departure, id))));
    let sent = client.send_all(confirms) as u64;
    while server.count(0, Counter::BytesRead) < read_before + sent {
        thread::yield_now();
    }
    client
}

#[test]
fn a_core_that_stops_does_first_what_it_has_read() {
    let server = server_that_lets_nobody_wait(1);
    let mut client = with_confirms_waiting(&server);
    server.begin_to_stop();
    let told: Vec<_> = (0..BUYERS).map(|_| client.reply()).collect();
    assert!(told.iter().all(|(_, status)| *status == Status::Ok), "{told:?}");
    assert_eq!(client.stream.read(&mut [0]).unwrap(), 0, "the server has kept the connection");
    server.stop_within(Duration::from_secs(2));
}

/// Another server has the departures by the time that their turn comes: each is told so, or that nobody here knows.
#[test]
fn commands_that_wait_when_a_partition_is_taken_over_are_all_answered() {
    let log = TestLog::that_takes(Duration::ZERO);
    let taken_over = log.taken_over.clone();
    let server = Server::start_with(1, log, Duration::ZERO);
    let departure = departure_of(0, 1);
    let mut client = server.connect();
    ask_until_served(&mut client, 0..BUYERS, |id| Request::Reserve(reserve(departure, id, 0)));
    taken_over.store(true, Ordering::Release);
    client.send_all((0..BUYERS).map(|id| (id, Request::Confirm(target(departure, id)))));
    let told: HashMap<_, _> = (0..BUYERS).map(|_| client.reply()).collect();
    let count = |status| told.values().filter(|told| **told == status).count() as u64;
    let (in_doubt, had_waited) = (count(Status::Unknown), count(Status::Unavailable));
    assert_eq!(in_doubt + had_waited, BUYERS, "{told:?}");
    assert!(in_doubt > 0 && had_waited > 0, "in doubt {in_doubt}, had waited {had_waited}");
    server.stop_within(Duration::from_secs(2));
}
