//! The whole road of a reservation over real sockets, with SIGKILL and SIGTERM on the way.

use crate::harness::{DATE, DAY, TestServer};
use seathold::catalog::{Catalog, ImportOptions};
use seathold_client::{Answer, Call, Client, CompletionQueue, Error, Refusal, ReserveRequest};
use seathold_protocol::plan::Seat;
use seathold_protocol::request::Target;
use seathold_protocol::reservation::{Reservation, State};
use seathold_protocol::{AccountId, Class, DepartureId, PassengerId, ReservationId};
use std::collections::HashMap;
use std::path::Path;

struct OnSale {
    train: String,
    departure: DepartureId,
    class: Class,
    last: u8,
}

/// The departures of the feed, longest route first.
fn departures() -> Vec<OnSale> {
    let feed = Path::new(env!("CARGO_MANIFEST_DIR")).join("feeds/sample");
    let rules = feed.join("rules.toml");
    let options = ImportOptions { gtfs: feed, rules, dates: DATE.parse().unwrap(), lenient: false };
    let catalog = Catalog::import(&options).unwrap();
    let mut found: Vec<_> = catalog
        .indices()
        .map(|index| OnSale {
            train: catalog.train_name(index).to_owned(),
            departure: catalog.id(index),
            class: catalog.seat_plan(index).classes[0].class,
            last: catalog.segments(index),
        })
        .collect();
    found.sort_by_key(|on_sale| std::cmp::Reverse(on_sale.last));
    found
}

fn opened(server: &TestServer) -> (Client, Vec<OnSale>) {
    let client = server.client();
    let departures = departures();
    for on_sale in &departures {
        client.open(on_sale.departure, 0).unwrap();
    }
    (client, departures)
}

fn request(on_sale: &OnSale, buyer: u64, trip: (u8, u8), party: u64) -> ReserveRequest {
    let passengers: Vec<_> = (0..party).map(|at| PassengerId(buyer * 16 + at)).collect();
    let id = ReservationId(u128::from(buyer) + 1);
    ReserveRequest::new(id, on_sale.departure, AccountId(buyer), on_sale.class, trip, &passengers).unwrap()
}

#[test]
fn a_reservation_lives_through_every_state_and_a_sigkill() {
    let mut server = TestServer::start();
    let (client, departures) = opened(&server);
    let on_sale = &departures[0];
    let resolved = client.resolve(&on_sale.train, DAY).unwrap();
    assert_eq!((resolved.departure, resolved.stops.len() as u8 - 1), (on_sale.departure, on_sale.last));

    let sold = request(on_sale, 1, (0, on_sale.last), 3);
    let held = client.reserve(sold).unwrap();
    assert_eq!((held.state, held.seats().len()), (State::Held, 3));
    assert!(held.remaining_ms > 0);
    assert_eq!(client.confirm(sold.target()).unwrap().state, State::Confirmed);
    let cancelled = request(on_sale, 2, (0, 1), 1);
    client.reserve(cancelled).unwrap();
    assert_eq!(client.cancel(cancelled.target()).unwrap().state, State::Cancelled);
    let refunded = request(on_sale, 3, (0, 1), 1);
    client.reserve(refunded).unwrap();
    client.confirm(refunded.target()).unwrap();
    assert_eq!(client.refund(refunded.target()).unwrap().state, State::Refunded);
    let waiting = request(on_sale, 4, (0, 1), 1);
    let before = client.reserve(waiting).unwrap();
    let free = client.availability(on_sale.departure, None, None).unwrap();

    server.kill();
    server.start_again();
    let again = client.reserve(sold.repeat()).unwrap();
    assert_eq!((again.state, again.seats), (State::Confirmed, held.seats));
    assert_eq!(client.lookup(cancelled.target()).unwrap().state, State::Cancelled);
    assert_eq!(client.lookup(refunded.target()).unwrap().state, State::Refunded);
    let after = client.lookup(waiting.target()).unwrap();
    assert_eq!((after.state, after.seats), (State::Held, before.seats));
    assert!(after.remaining_ms <= before.remaining_ms, "a restart does not make a hold longer");
    let free_again = client.availability(on_sale.departure, None, None).unwrap();
    assert_eq!((free_again.classes, free_again.version), (free.classes, free.version));
    assert!(server.terminate().success());
    let (_, report) = server.audit();
    assert!(report.passes(), "{:?}", report.listed);
}

#[test]
fn another_clients_id_is_refused_and_a_sold_out_trip_says_so() {
    let server = TestServer::start();
    let (client, departures) = opened(&server);
    let smallest = departures.last().unwrap();
    let mine = request(smallest, 1, (0, 1), 1);
    client.reserve(mine).unwrap();
    let theirs = Target { account: AccountId(77), ..mine.target() };
    assert_eq!(client.confirm(theirs), Err(Error::Refused(Refusal::IdConflict)));
    let other = request(smallest, 1, (0, 1), 2);
    assert_eq!(client.reserve(other), Err(Error::Refused(Refusal::IdConflict)));

    let mut buyers = 2..;
    let refusal = loop {
        match client.reserve(request(smallest, buyers.next().unwrap(), (0, 1), 9)) {
            Ok(held) => assert_eq!(held.state, State::Held),
            Err(error) => break error,
        }
    };
    let Error::Refused(Refusal::SoldOut { free }) = refusal else { panic!("{refusal:?}") };
    assert!(free < 9);
    for _ in 0..free {
        client.reserve(request(smallest, buyers.next().unwrap(), (0, 1), 1)).unwrap();
    }
    let last = client.reserve(request(smallest, buyers.next().unwrap(), (0, 1), 1));
    assert_eq!(last, Err(Error::Refused(Refusal::SoldOut { free: 0 })));
}

#[test]
fn any_core_serves_any_departure_through_the_plain_port() {
    let server = TestServer::start();
    let (client, departures) = opened(&server);
    let (mut wire, welcome) = crate::harness::Wire::open(server.address());
    assert_eq!((welcome.core_ports.len(), welcome.partition_cores.len()), (2, 16));
    for (buyer, on_sale) in departures.iter().enumerate() {
        let lookup = request(on_sale, buyer as u64, (0, 1), 1).target();
        let asked = wire.ask(&seathold_protocol::request::Request::Lookup(lookup), 1);
        assert_eq!(asked, Ok(crate::harness::Answered::Refused(seathold_protocol::status::Status::NotFound)));
    }
    let stats: HashMap<_, _> = client.stats().unwrap().into_iter().collect();
    assert!(stats["forwarded"] > 0, "one connection reached both cores' departures: {stats:?}");
    assert!(
        stats["forwarded"] < departures.len() as u64 + 1,
        "the SDK goes straight to the owner: {stats:?}"
    );
}

/// What buyers were told last.
type Told = HashMap<ReservationId, (Target, State, Vec<Option<Seat>>)>;

fn note(told: &mut Told, target: Target, reservation: &Reservation) {
    told.insert(target.id, (target, reservation.state, reservation.seats().to_vec()));
}

/// Buyers from `first` on reserve and confirm, `stop` calls in; returns the next free buyer number.
fn rush(
    client: &Client,
    departures: &[OnSale],
    first: u64,
    told: &mut Told,
    stop_after: u64,
    mut stop: impl FnMut(),
) -> u64 {
    let queue = CompletionQueue::new(512);
    let of = |buyer: u64| {
        let on_sale = &departures[buyer as usize % departures.len()];
        request(on_sale, buyer, (0, 1 + (buyer % u64::from(on_sale.last)) as u8), 1 + buyer % 3)
    };
    let (mut next, mut taken) = (first, 0);
    while taken < 2 * stop_after || queue.open() > 0 {
        while queue.open() < 128 && taken < 2 * stop_after {
            client.submit(Call::Reserve(of(next)), next << 1, &queue).unwrap();
            next += 1;
        }
        let Some(completion) = queue.recv() else { continue };
        taken += 1;
        if taken == stop_after {
            stop();
        }
        let buyer = completion.tag >> 1;
        let target = of(buyer).target();
        match completion.result {
            Ok(Answer::Reservation(reservation)) => {
                note(told, target, &reservation);
                if completion.tag & 1 == 0 && buyer % 4 != 0 {
                    client.submit(Call::Confirm(target), buyer << 1 | 1, &queue).unwrap();
                }
            }
            Ok(other) => panic!("{other:?}"),
            Err(Error::Refused(Refusal::SoldOut { .. })) => {}
            Err(error) => panic!("buyer {buyer}: {error}"),
        }
    }
    next
}

#[test]
fn killed_again_and_again_under_load_nothing_acknowledged_is_lost() {
    let mut server = TestServer::start();
    let (client, departures) = opened(&server);
    let mut told = Told::new();
    let mut next = 1;
    for _ in 0..5 {
        next = rush(&client, &departures, next, &mut told, 400, || {
            server.kill();
            server.start_again();
        });
    }
    assert!(server.terminate().success());
    let (audit, report) = server.audit();
    assert!(report.passes(), "{:?}", report.listed);
    assert!(told.len() > 500, "only {} reservations were made", told.len());
    for (target, state, seats) in told.values() {
        let record = audit.reservation(target.departure, target.id);
        let record = record.unwrap_or_else(|| panic!("{} was told {state:?} and is lost", target.id));
        assert!(record.state == *state || state.may_become(record.state), "{target:?} was told {state:?}");
        assert_eq!(record.seats().len(), seats.len());
    }
}

#[test]
fn sigterm_under_load_answers_what_was_begun_and_ends_with_0() {
    let mut server = TestServer::start();
    let (client, departures) = opened(&server);
    let queue = CompletionQueue::new(4_096);
    for buyer in 0..2_000 {
        let on_sale = &departures[buyer as usize % departures.len()];
        client.submit(Call::Reserve(request(on_sale, buyer, (0, 1), 1)), buyer, &queue).unwrap();
    }
    let first = queue.recv().unwrap();
    assert!(first.result.is_ok() || matches!(first.result, Err(Error::Refused(_))), "{first:?}");
    assert!(server.terminate().success());
    drop(client);
    let mut told = Vec::new();
    while let Some(completion) = queue.try_recv() {
        if let Ok(Answer::Reservation(reservation)) = completion.result {
            told.push(reservation);
        }
    }
    let (audit, report) = server.audit();
    assert!(report.passes(), "{:?}", report.listed);
    for reservation in told {
        let record = audit.reservation(reservation.departure, reservation.id);
        assert_eq!(record.map(|record| record.state), Some(State::Held));
    }
}

#[test]
fn a_memory_ledger_sells_and_says_that_it_keeps_nothing() {
    let mut server = TestServer::start_on("memory:", &[]);
    assert!(server.said().contains("memory keeps nothing"), "{}", server.said());
    let (client, departures) = opened(&server);
    let asked = request(&departures[0], 1, (0, 1), 1);
    let target = asked.target();
    client.reserve(asked).unwrap();
    assert_eq!(client.confirm(target).unwrap().state, State::Confirmed);
    assert!(server.terminate().success());
}

#[test]
fn a_second_server_on_the_same_ledger_is_refused() {
    let server = TestServer::start();
    let (status, said) = server.start_another();
    assert_eq!(status.code(), Some(69), "{said}");
    assert!(said.contains("another process"), "{said}");
}

#[test]
fn a_damaged_ledger_is_refused_with_file_and_offset() {
    let mut server = TestServer::start();
    let (client, departures) = opened(&server);
    for (buyer, on_sale) in departures.iter().enumerate() {
        client.reserve(request(on_sale, buyer as u64, (0, 1), 1)).unwrap();
    }
    drop(client);
    server.kill();
    let segment = std::fs::read_dir(server.ledger())
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "log"))
        .min()
        .unwrap();
    let mut bytes = std::fs::read(&segment).unwrap();
    bytes[4096 + 200] ^= 1;
    std::fs::write(&segment, bytes).unwrap();
    let (status, said) = server.start_another();
    assert_eq!(status.code(), Some(65), "{said}");
    assert!(
        said.contains(segment.file_name().unwrap().to_str().unwrap())
            && said.contains("damaged at byte 4096"),
        "{said}"
    );
}
