//! Bad clients beside a good one, whose p99 is measured (I11). What the good one asks for needs no disk, so that only the
//! bad clients can make it wait.

use crate::rig::Rig;
use seathold_chaos::{PATIENCE, until};
use seathold_client::Client;
use seathold_protocol::frame::HEADER_BYTES;
use seathold_protocol::request::{Hello, Request, Target, VERSION};
use seathold_protocol::status::Status;
use seathold_protocol::{AccountId, ReservationId};
use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::mpsc::channel;
use std::time::{Duration, Instant};

/// Requests of the good client in each measurement: enough for a p99.
const ASKS: usize = 400;

/// A bad client may make a good one's p99 so many times longer, and by so much on top: it shares two processors with the
/// server, the good client and the other tests.
const TIMES_MAX: u32 = 4;
const ON_TOP: Duration = Duration::from_millis(60);

/// The good client's p99 over LOOKUPs, which go through connection, event loop and engine.
fn p99(client: &Client, target: Target) -> Duration {
    let mut times = Vec::with_capacity(ASKS);
    for _ in 0..ASKS {
        let began = Instant::now();
        client.lookup(target).unwrap();
        times.push(began.elapsed());
    }
    times.sort_unstable();
    times[ASKS * 99 / 100]
}

/// Measures beside `bad`, which says when it has begun to be bad and ends soon after it is told to.
fn beside(rig: &Rig, bad: impl FnOnce(&dyn Fn(), &AtomicBool) + Send) {
    let client = rig.server.client().unwrap();
    let request = rig.buyers.buyer(0).request.hold_ms(60_000);
    client.reserve(request).unwrap();
    client.confirm(request.target()).unwrap();
    let alone = p99(&client, request.target());
    let (stop, (says, begun)) = (AtomicBool::new(false), channel());
    let beside = std::thread::scope(|scope| {
        let stop = &stop;
        let bad = scope.spawn(move || bad(&|| says.send(()).unwrap_or(()), stop));
        let measured = begun.recv_timeout(PATIENCE).map(|()| p99(&client, request.target()));
        stop.store(true, Relaxed);
        bad.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
        measured.unwrap()
    });
    let most = alone * TIMES_MAX + ON_TOP;
    assert!(beside <= most, "p99 {beside:?} beside a bad client, {alone:?} alone: more than {most:?}");
}

pub(crate) fn counted(client: &Client, name: &str) -> u64 {
    let stats = client.stats().unwrap();
    stats.iter().find(|(known, _)| known == name).unwrap_or_else(|| panic!("no {name} in {stats:?}")).1
}

pub(crate) fn hello() -> Vec<u8> {
    let hello = Hello { version_min: 1, version_max: VERSION, client: "bad", token: "" };
    let mut bytes = Vec::new();
    Request::Hello(hello).encode(0, &mut bytes);
    bytes
}

/// A connection that was welcomed.
fn greeted(address: SocketAddr) -> TcpStream {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream.write_all(&hello()).unwrap();
    frame(&mut stream);
    stream
}

/// The next reply's header.
pub(crate) fn frame(stream: &mut TcpStream) -> [u8; HEADER_BYTES] {
    let mut header = [0; HEADER_BYTES];
    stream.read_exact(&mut header).unwrap();
    let bytes = u32::from_le_bytes(header[..4].try_into().unwrap()) as usize;
    stream.read_exact(&mut vec![0; bytes - HEADER_BYTES]).unwrap();
    header
}

#[test]
fn a_client_that_never_reads_makes_nobody_wait() {
    let rig = Rig::start(30);
    let address = rig.server.address();
    beside(&rig, |begun, stop| {
        let mut stream = greeted(address);
        stream.set_write_timeout(Some(Duration::from_millis(20))).unwrap();
        let mut pings = Vec::new();
        (0..256).for_each(|correlation| Request::Ping(&[7; 256]).encode(correlation, &mut pings));
        let mut at = 0;
        while !stop.load(Relaxed) {
            match stream.write(&pings[at..]) {
                Ok(written) => at = (at + written) % pings.len(),
                // The fault has happened: the server reads no more, and the kernel's buffers are full.
                Err(error) if error.kind() == ErrorKind::WouldBlock => begun(),
                Err(error) => panic!("{error}"),
            }
        }
    });
}

#[test]
fn clients_that_send_a_byte_at_a_time_make_nobody_wait_and_are_closed() {
    const SLOW: usize = 200;
    let rig = Rig::start(31);
    let client = rig.server.client().unwrap();
    let address = rig.server.address();
    let mut slow: Vec<TcpStream> = Vec::new();
    beside(&rig, |begun, stop| {
        slow = (0..SLOW).map(|_| TcpStream::connect(address).unwrap()).collect();
        begun();
        // Of a HELLO that is never whole.
        for byte in &hello()[..HEADER_BYTES] {
            for stream in &mut slow {
                stream.write_all(&[*byte]).unwrap();
            }
            if stop.load(Relaxed) {
                break;
            }
        }
    });
    until("the end of the slow clients", || {
        (counted(&client, "hello_timeouts") == SLOW as u64).then_some(())
    })
    .unwrap();
    for mut stream in slow {
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        assert!(matches!(stream.read(&mut [0]), Ok(0) | Err(_)), "a slow client's connection is open");
    }
}

#[test]
fn a_thousand_reconnects_at_once_make_nobody_wait() {
    const RECONNECTS: usize = 1_000;
    let rig = Rig::start(32);
    let client = rig.server.client().unwrap();
    let address = rig.server.address();
    let accepted = counted(&client, "connections_accepted");
    let before = rig.server.descriptors().unwrap();
    beside(&rig, |begun, _| {
        begun();
        let mut streams = Vec::with_capacity(RECONNECTS);
        for _ in 0..RECONNECTS {
            let mut stream = TcpStream::connect(address).unwrap();
            stream.write_all(&hello()).unwrap();
            streams.push(stream);
        }
        for stream in &mut streams {
            stream.set_read_timeout(Some(PATIENCE)).unwrap();
            frame(stream);
        }
    });
    assert!(counted(&client, "connections_accepted") >= accepted + RECONNECTS as u64);
    // I10: back to the base line. The good client's own connections came in between.
    until("the base line", || (rig.server.descriptors().ok()? <= before + 8).then_some(())).unwrap();
}

#[test]
fn a_flood_of_cheap_errors_makes_nobody_wait() {
    let rig = Rig::start(33);
    let address = rig.server.address();
    let departure = rig.buyers.timetable().departures()[0].id;
    let mut refused = 0_u64;
    beside(&rig, |begun, stop| {
        let mut stream = greeted(address);
        let mut flood = Vec::new();
        for correlation in 0..256 {
            let target = Target { id: ReservationId(9), departure, account: AccountId(9) };
            Request::Lookup(target).encode(correlation, &mut flood);
        }
        while !stop.load(Relaxed) {
            stream.write_all(&flood).unwrap();
            for _ in 0..256 {
                let header = frame(&mut stream);
                assert_eq!(header[5], Status::NotFound as u8, "{header:?}");
                refused += 1;
            }
            begun();
        }
    });
    // The fault has happened: more errors than the good client had answers.
    assert!(refused > 2 * ASKS as u64, "only {refused} errors");
}
