//! What the server allocates per request once it runs: nothing, unless the request makes a new reservation; and then
//! pages, and tables that double, not something each time. A test program of its own, because it counts with an
//! allocator that is the whole program's, on every thread of the server at once.
//!
//! The test's own thread allocates nothing while it counts: requests are encoded before, replies go into one buffer. All
//! is one test, since another one beside it would be counted, too.

#![cfg(test)]

mod connection;
mod script;
mod server;

use connection::Connection;
use script::{Buyers, Script};
use seathold_protocol::DepartureId;
use seathold_protocol::request::{Availability, Request};
use seathold_protocol::status::Status;

#[global_allocator]
static ALLOCATOR: dhat::Alloc = dhat::Alloc;

/// Times that each kind of request is made before it is counted: buffers and tables have their size then, and the small
/// departure remembers as many finished reservations as it ever does.
const WARM_UP: usize = 4_000;

/// Times that it is made and counted: one at a time, and with `IN_FLIGHT` requests under way.
const COUNTED: usize = 250;
const IN_FLIGHT: usize = 32;

/// What is counted above the bound is tried again, for not all of it need be the requests': the next segment of the
/// ledger is prepared beside them, and a buffer may meet its largest turn late. What requests do happens in each try.
const TRIES: usize = 4;

/// Reservations that a departure keeps in one piece of memory.
const RESERVATIONS_PER_PAGE: usize = 32;

/// Times that tables may grow while the counted reservations come to be: there are a few, and each doubles once at most
/// while fewer reservations are counted than came before.
const TABLES: usize = 8;

#[test]
fn a_request_allocates_nothing_in_the_steady_state() {
    for ledger in ["memory", "file"] {
        for through_the_mesh in [false, true] {
            count_each_kind(ledger, through_the_mesh);
        }
    }
}

/// `through_the_mesh`: another core than the one that owns the departure has the connection.
fn count_each_kind(ledger: &str, through_the_mesh: bool) {
    let directory = tempfile::tempdir().unwrap();
    let server = server::start(ledger, &directory);
    let (connection, welcome) = Connection::open(server.address());
    let partitions = welcome.partition_cores.len() as u16;
    let owner =
        |departure: DepartureId| welcome.partition_cores[usize::from(departure.partition(partitions))];
    let wanted = |departure: &DepartureId| (owner(*departure) != welcome.core) == through_the_mesh;
    let [large, small, tiny] = ["X 3", "X 4", "X 7"].map(|train| {
        let mut departures = server::days().map(|day| DepartureId::new(train, day));
        departures.find(wanted).expect("each core owns some of fourteen departures")
    });
    let place = if through_the_mesh { "through the mesh" } else { "on the owner" };
    let mut counter = Counter { connection, place: format!("{ledger} ledger, {place}") };
    let mut buyers = Buyers::default();

    counter.none("PING", |script| script.push(&Request::Ping(b"12345678"), Status::Ok));
    for (kind, pair) in [("AVAILABILITY of a pair", Some((0, 7))), ("AVAILABILITY of all pairs", None)] {
        let asked = Request::Availability(Availability { departure: large, class: None, pair });
        counter.none(kind, |script| script.push(&asked, Status::Ok));
    }

    let (all_seats, held) = buyers.next(tiny, 4);
    counter.play(|script| script.push(&Request::Reserve(all_seats), Status::Ok));
    counter.none("LOOKUP", |script| script.push(&Request::Lookup(held), Status::Ok));
    counter.none("RESERVE of an id again", |script| script.push(&Request::Reserve(all_seats), Status::Ok));
    for (kind, first) in [("RESERVE sold out", false), ("first RESERVE sold out", true)] {
        counter.none(kind, |script| {
            let mut reserve = buyers.next(tiny, 1).0;
            reserve.first = first;
            script.push(&Request::Reserve(reserve), Status::SoldOut);
        });
    }

    counter.none("RESERVE+CANCEL", |script| {
        let (reserve, target) = buyers.next(small, 1);
        script.push(&Request::Reserve(reserve), Status::Ok);
        script.push(&Request::Cancel(target), Status::Ok);
    });

    let pages_and_tables = COUNTED.div_ceil(RESERVATIONS_PER_PAGE) + TABLES;
    counter.at_most(pages_and_tables, "RESERVE+CONFIRM", |script| {
        let (reserve, target) = buyers.next(large, 1);
        script.push(&Request::Reserve(reserve), Status::Ok);
        script.push(&Request::Confirm(target), Status::Ok);
    });
    drop(counter);
    server.stop();
}

struct Counter {
    connection: Connection,
    place: String,
}

impl Counter {
    fn none(&mut self, kind: &str, request: impl FnMut(&mut Script)) {
        self.at_most(0, kind, request);
    }

    /// Fails if `COUNTED` requests of a kind allocate more often than `bound`, each time that they are tried.
    fn at_most(&mut self, bound: usize, kind: &str, mut request: impl FnMut(&mut Script)) {
        let mut script = |requests| {
            let mut script = Script::default();
            (0..requests).for_each(|_| request(&mut script));
            script
        };
        self.connection.play(&script(WARM_UP), IN_FLIGHT);
        for in_flight in [1, IN_FLIGHT] {
            for tries_left in (0..TRIES).rev() {
                let script = script(COUNTED);
                let _profiler = dhat::Profiler::builder().testing().file_name(PROFILE).build();
                self.connection.play(&script, in_flight);
                let allocations = dhat::HeapStats::get().total_blocks as usize;
                println!("{}: {kind}, {in_flight} in flight: {allocations}", self.place);
                if allocations <= bound {
                    break;
                }
                dhat::assert!(
                    tries_left > 0,
                    "{}: {COUNTED} times {kind} with {in_flight} in flight allocated {allocations} times, not {bound} at \
                     most; {PROFILE} says where",
                    self.place
                );
            }
        }
    }

    fn play(&mut self, request: impl FnOnce(&mut Script)) {
        let mut script = Script::default();
        request(&mut script);
        self.connection.play(&script, 1);
    }
}

/// Where the stacks of what was allocated go when it is too much, to be read with dhat's viewer or as JSON.
const PROFILE: &str = concat!(env!("CARGO_TARGET_TMPDIR"), "/allocations.json");
