//! The admin port over real sockets: what a scraper and a health check see, and that nobody can hold it up.

use crate::harness::{DAY, TestServer};
use seathold_client::ReserveRequest;
use seathold_protocol::{AccountId, PassengerId, ReservationId};
use std::collections::HashMap;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::time::{Duration, Instant};

fn start() -> TestServer {
    TestServer::start_with(&["--admin", "127.0.0.1:0"])
}

fn connect(address: SocketAddr) -> TcpStream {
    let stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    stream
}

/// Sends these bytes and returns all that comes back until the server closes.
fn send(address: SocketAddr, bytes: &[u8]) -> String {
    let mut stream = connect(address);
    stream.write_all(bytes).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

/// The status line's code, and the body.
fn get(address: SocketAddr, path: &str) -> (u16, String) {
    let answer = send(address, format!("GET {path} HTTP/1.1\r\nHost: test\r\n\r\n").as_bytes());
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    let length = format!("Content-Length: {}", body.len());
    assert!(head.contains(&length) && head.contains("Connection: close"), "{head}");
    (code(&answer), body.to_owned())
}

fn code(answer: &str) -> u16 {
    answer.strip_prefix("HTTP/1.1 ").and_then(|rest| rest.get(..3)).unwrap().parse().unwrap()
}

/// Every sample of the metrics page, summed over the cores.
fn scrape(server: &TestServer) -> HashMap<String, f64> {
    let (status, page) = get(server.admin(), "/metrics");
    assert_eq!(status, 200);
    let mut samples = HashMap::new();
    for line in page.lines().filter(|line| !line.starts_with('#')) {
        let (series, value) = line.rsplit_once(' ').unwrap();
        let series = series.replace("core=\"0\"", "").replace("core=\"1\"", "");
        *samples.entry(series).or_default() += value.parse::<f64>().unwrap();
    }
    samples
}

#[test]
fn a_scrape_counts_what_was_sold_and_refused() {
    let server = start();
    let client = server.client();
    let resolved = client.resolve("X 7", DAY).unwrap();
    client.open(resolved.departure, 0).unwrap();
    let class = resolved.classes[0].class;
    let request = |buyer: u64| {
        let id = ReservationId(u128::from(buyer));
        ReserveRequest::new(id, resolved.departure, AccountId(buyer), class, (0, 1), &[PassengerId(buyer)])
            .unwrap()
    };
    for buyer in 1..=3 {
        client.reserve(request(buyer)).unwrap();
    }
    client.confirm(request(1).target()).unwrap();
    client.lookup(request(9).target()).unwrap_err();

    let samples = scrape(&server);
    let expected = [
        ("seathold_reserved_total{}", 3.0),
        ("seathold_confirmed_total{}", 1.0),
        ("seathold_sale_decided_total{}", 1.0),
        ("seathold_refused_total{,status=\"NOT_FOUND\"}", 1.0),
        ("seathold_refused_total{,status=\"SOLD_OUT\"}", 0.0),
        ("seathold_partitions", 16.0),
        ("seathold_ledger_health{is=\"fine\"}", 1.0),
        ("seathold_ledger_health{is=\"stalled\"}", 0.0),
        ("seathold_ledger_fenced_partitions", 0.0),
    ];
    for (series, value) in expected {
        assert_eq!(samples.get(series), Some(&value), "{series} in {samples:#?}");
    }
    // The plan of the departure, its opening, three holds and a confirmation.
    assert!(samples["seathold_ledger_records_total"] >= 5.0, "{samples:#?}");
    let appends = samples["seathold_ledger_append_seconds_count"];
    assert!(appends > 0.0 && appends == samples["seathold_ledger_groups_total"], "{samples:#?}");
    assert!(samples["seathold_ledger_append_seconds_sum"] > 0.0, "{samples:#?}");
    assert!(samples["seathold_departures"] > 0.0 && samples["seathold_up_since"] > 1.7e9, "{samples:#?}");
}

#[test]
fn a_running_server_is_well_and_ready() {
    let mut server = start();
    assert_eq!(get(server.admin(), "/healthz"), (200, "ok\n".to_owned()));
    assert_eq!(get(server.admin(), "/readyz"), (200, "ready\n".to_owned()));
    let admin = server.admin();
    assert!(server.terminate().success());
    assert!(TcpStream::connect(admin).is_err(), "the port closes with the server");
}

#[test]
fn what_is_no_scrape_gets_its_answer() {
    let server = start();
    let admin = server.admin();
    assert_eq!(get(admin, "/").0, 404);
    let refused = send(admin, b"POST /metrics HTTP/1.1\r\nContent-Length: 5\r\n\r\nhello");
    assert!(code(&refused) == 405 && refused.contains("\r\nAllow: GET\r\n"), "{refused}");
    assert_eq!(code(&send(admin, b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03")), 400);
    let endless = [b"GET /metrics HTTP/1.1\r\nX: ".as_slice(), &[b'x'; 100_000]].concat();
    assert_eq!(code(&send(admin, &endless)), 431);
    let mut half = connect(admin);
    half.write_all(b"GET /metr").unwrap();
    half.shutdown(std::net::Shutdown::Write).unwrap();
    let mut answer = String::new();
    half.read_to_string(&mut answer).unwrap();
    assert_eq!(code(&answer), 400);
    assert_eq!(get(admin, "/healthz").0, 200);
}

#[test]
fn a_client_that_dawdles_holds_nobody_up_for_long() {
    let server = start();
    let mut slow = connect(server.admin());
    slow.write_all(b"GET /met").unwrap();
    let asked = Instant::now();
    assert_eq!(get(server.admin(), "/healthz").0, 200);
    let waited = asked.elapsed();
    assert!(waited < Duration::from_secs(4), "waited {waited:?} for a client that has 2 s");
    assert!(matches!(slow.read(&mut [0]), Ok(0) | Err(_)), "the slow one is closed without an answer");
}

#[test]
fn a_taken_admin_port_stops_the_start() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let (status, said) = TestServer::fail_to_start(&["--admin", &address]);
    assert_eq!(status.code(), Some(69), "{said}");
    assert!(said.contains(&format!("cannot open the admin port on {address}")), "{said}");
}
