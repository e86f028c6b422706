//! Whatever comes in: the typed answer of SPEC.md or a closed connection, never a panic, never a changed seat.

use crate::harness::{Answered, DAY, TestServer, Wire};
use seathold_protocol::frame::{self, HEADER_BYTES, Header, Opcode};
use seathold_protocol::limits::REQUEST_BYTES_MAX;
use seathold_protocol::request::{Hello, MAGIC, Request, Reserve, Target};
use seathold_protocol::status::Status;
use seathold_protocol::wishes::Wishes;
use seathold_protocol::{AccountId, Class, DepartureId, PassengerId, ReservationId};

fn frame(opcode: u8, status: u8, flags: u16, body: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    let header = Header { opcode, status, flags, correlation: 9 };
    frame::write(&mut bytes, header, |out| out.extend_from_slice(body));
    bytes
}

fn refused(wire: &mut Wire, bytes: &[u8]) -> Status {
    wire.send(bytes);
    match wire.receive() {
        Ok((_, Answered::Refused(status))) => status,
        other => panic!("{bytes:02x?} was answered {other:?}"),
    }
}

/// Any departure of the feed, by the first train that resolves.
fn some_departure(wire: &mut Wire) -> seathold_protocol::reply::Resolved {
    let train = first_train();
    match wire.ask(&Request::Resolve(&train, DAY), 1) {
        Ok(Answered::Resolved(resolved)) => resolved,
        other => panic!("{train} on {DAY:?} resolves to {other:?}"),
    }
}

fn first_train() -> String {
    let feed = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("feeds/sample");
    let dates = crate::harness::DATE.parse().unwrap();
    let options = seathold::catalog::ImportOptions {
        rules: feed.join("rules.toml"),
        gtfs: feed,
        dates,
        lenient: false,
    };
    let catalog = seathold::catalog::Catalog::import(&options).unwrap();
    let longest = catalog.indices().max_by_key(|index| catalog.segments(*index)).unwrap();
    catalog.train_name(longest).to_owned()
}

#[test]
fn foreign_protocols_and_broken_frames_close_the_connection() {
    let server = TestServer::start();
    let oversized = u32::try_from(REQUEST_BYTES_MAX + 1).unwrap().to_le_bytes();
    let foreign: [&[u8]; 9] = [
        b"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
        b"*1\r\n$4\r\nPING\r\n",
        b"SSH-2.0-OpenSSH_9.2\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        &[0; 64],
        &[0xff; 64],
        &15_u32.to_le_bytes(),
        &oversized,
        &0x8000_0000_u32.to_le_bytes(),
    ];
    for bytes in foreign {
        let mut wire = Wire::connect(server.address());
        wire.send(bytes);
        assert!(wire.is_closed_in_the_end(), "{bytes:02x?} left the connection open");
        let (mut wire, _) = Wire::open(server.address());
        wire.send(bytes);
        assert!(wire.is_closed_in_the_end(), "{bytes:02x?} after HELLO left the connection open");
    }
    let stats = server.client().stats().unwrap();
    let broken = stats.iter().find(|(name, _)| name == "broken_frames").unwrap().1;
    assert_eq!(broken, 18);
}

#[test]
fn a_connection_begins_with_hello_and_says_it_once() {
    let server = TestServer::start();
    let hello = |min: u16, max: u16, magic: u32| {
        let mut body = magic.to_le_bytes().to_vec();
        body.extend_from_slice(&min.to_le_bytes());
        body.extend_from_slice(&max.to_le_bytes());
        body.extend_from_slice(&[0, 0]);
        let mut wire = Wire::connect(server.address());
        let status = refused(&mut wire, &frame(Opcode::Hello as u8, 0, 0, &body));
        assert!(wire.is_closed_in_the_end());
        status
    };
    assert_eq!(hello(0, 0, MAGIC), Status::UnsupportedVersion);
    assert_eq!(hello(2, 9, MAGIC), Status::UnsupportedVersion);
    assert_eq!(hello(1, 1, MAGIC + 1), Status::WrongMagic);

    let mut early = Wire::connect(server.address());
    assert_eq!(refused(&mut early, &frame(Opcode::Ping as u8, 0, 0, &[])), Status::HelloExpected);
    assert!(early.is_closed_in_the_end());

    let (mut wire, _) = Wire::open(server.address());
    let again = Hello { version_min: 1, version_max: 1, client: "", token: "" };
    assert_eq!(wire.ask(&Request::Hello(again), 1), Ok(Answered::Refused(Status::HelloRepeated)));
    assert_eq!(refused(&mut wire, &frame(0x7f, 0, 0, &[])), Status::UnknownOpcode);
    assert_eq!(refused(&mut wire, &frame(0x90, 0, 0, &[])), Status::UnknownOpcode);
    assert_eq!(refused(&mut wire, &frame(Opcode::Ping as u8, 1, 0, &[])), Status::ReservedBits);
    assert_eq!(refused(&mut wire, &frame(Opcode::Ping as u8, 0, 1, &[])), Status::ReservedBits);
    assert_eq!(refused(&mut wire, &frame(Opcode::Confirm as u8, 0, 0, &[0; 31])), Status::MalformedBody);
    assert_eq!(refused(&mut wire, &frame(Opcode::Confirm as u8, 0, 0, &[0; 33])), Status::MalformedBody);
}

#[test]
fn wrong_fields_get_their_status_and_change_nothing() {
    let server = TestServer::start();
    let (mut wire, _) = Wire::open(server.address());
    let departure = some_departure(&mut wire);
    let class = departure.classes[0].class;
    let last = departure.stops.len() as u8 - 1;
    let good = Reserve {
        id: ReservationId(1),
        departure: departure.departure,
        account: AccountId(1),
        class,
        from: 0,
        to: last,
        party: 2,
        hold_ms: 0,
        wishes: Wishes::default(),
        passengers: std::array::from_fn(|at| PassengerId(at as u64)),
        first: true,
    };
    let mut ask = |reserve: Reserve| match wire.ask(&Request::Reserve(reserve), 2) {
        Ok(Answered::Refused(status)) => status,
        other => panic!("{reserve:?} was answered {other:?}"),
    };
    assert_eq!(ask(Reserve { from: last, to: 0, ..good }), Status::BadTrip);
    assert_eq!(ask(Reserve { from: 1, to: 1, ..good }), Status::BadTrip);
    assert_eq!(ask(Reserve { to: last + 1, ..good }), Status::BadTrip);
    assert_eq!(ask(Reserve { to: 255, ..good }), Status::BadTrip);
    assert_eq!(ask(Reserve { class: Class(0), ..good }), Status::UnknownClass);
    assert_eq!(ask(Reserve { class: Class(200), ..good }), Status::UnknownClass);
    assert_eq!(ask(Reserve { hold_ms: u32::MAX, ..good }), Status::BadHoldTime);
    assert_eq!(ask(Reserve { departure: DepartureId(12345), ..good }), Status::UnknownDeparture);
    assert_eq!(ask(Reserve { passengers: [PassengerId(4); 9], ..good }), Status::PassengerTwice);

    // A party of 0 or 10 cannot be encoded by the SDK's types, so the byte is written by hand.
    for party in [0, 10, 255] {
        let mut bytes = Vec::new();
        Request::Reserve(good).encode(9, &mut bytes);
        bytes[HEADER_BYTES + 16 + 8 + 8 + 4 + 3] = party;
        assert_eq!(refused(&mut wire, &bytes), Status::BadParty);
    }
    assert_eq!(
        wire.ask(&Request::Resolve("no such train", DAY), 3),
        Ok(Answered::Refused(Status::UnknownTrain))
    );
    let train = first_train();
    let never = seathold_protocol::Day(u16::MAX);
    assert_eq!(wire.ask(&Request::Resolve(&train, never), 3), Ok(Answered::Refused(Status::NotRunning)));
    let target = Target { id: ReservationId(1), departure: departure.departure, account: AccountId(1) };
    assert_eq!(wire.ask(&Request::Lookup(target), 4), Ok(Answered::Refused(Status::NotFound)));
    let free = server.client().availability(departure.departure, Some(class), Some((0, last))).unwrap();
    assert_eq!((free.version, free.classes[0].free[0]), (0, departure.classes[0].capacity));
}

#[test]
fn operators_words_need_an_operator() {
    let directory = tempfile::TempDir::new().unwrap();
    let token = directory.path().join("token");
    std::fs::write(&token, "open sesame\n").unwrap();
    let server = TestServer::start_with(&["--operator-token-file", token.to_str().unwrap()]);
    let (mut wire, welcome) = Wire::open(server.address());
    assert!(!welcome.operator);
    assert_eq!(wire.ask(&Request::Stats, 1), Ok(Answered::Refused(Status::Forbidden)));
    assert_eq!(wire.ask(&Request::Close(DepartureId(1)), 1), Ok(Answered::Refused(Status::Forbidden)));
    let mut wire = Wire::connect(server.address());
    let hello = Hello { version_min: 1, version_max: 1, client: "", token: "open sesame" };
    assert!(
        matches!(wire.ask(&Request::Hello(hello), 1), Ok(Answered::Welcome(welcome)) if welcome.operator)
    );
    assert!(matches!(wire.ask(&Request::Stats, 2), Ok(Answered::Other(_))));
}

#[test]
fn a_client_that_never_reads_is_not_read_from_and_slows_nobody() {
    let server = TestServer::start();
    let (mut hog, _) = Wire::open(server.address());
    hog.stream.set_write_timeout(Some(std::time::Duration::from_millis(200))).unwrap();
    let mut ping = Vec::new();
    Request::Ping(&[7; 256]).encode(1, &mut ping);
    let flood = ping.repeat(256);
    let mut sent = 0_usize;
    // The server stops reading, then the kernel's buffers fill, then this write blocks.
    while std::io::Write::write_all(&mut hog.stream, &flood).is_ok() {
        sent += flood.len();
        assert!(sent < 1 << 30, "the server reads on although nobody takes its answers");
    }
    let (mut good, _) = Wire::open(server.address());
    for correlation in 0..100 {
        assert!(matches!(good.ask(&Request::Ping(&[]), correlation), Ok(Answered::Other(_))));
    }
}

#[test]
fn frames_that_come_in_pieces_or_all_at_once_are_answered_alike() {
    let server = TestServer::start();
    let (mut wire, _) = Wire::open(server.address());
    let mut many = Vec::new();
    for correlation in 0..1_000 {
        Request::Ping(&[]).encode(correlation, &mut many);
    }
    wire.send(&many);
    for correlation in 0..1_000 {
        assert_eq!(wire.receive().unwrap().0, correlation);
    }
    for (at, byte) in many[..160].iter().enumerate() {
        wire.send(&[*byte]);
        if at % HEADER_BYTES == HEADER_BYTES - 1 {
            assert_eq!(wire.receive().unwrap().0, (at / HEADER_BYTES) as u64);
        }
    }
}
