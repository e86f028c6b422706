//! Ten thousand clients that are cut off and all come again at once, as after a failure of the network.

use crate::clients::{counted, frame, hello};
use crate::rig::Rig;
use rustix::process::{Resource, getrlimit};
use seathold::sys::raise_descriptor_limit;
use seathold_chaos::{PATIENCE, until};
use seathold_client::Client;
use socket2::SockRef;
use std::io::Write;
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

const CLIENTS: u64 = 10_000;

/// Descriptors that this process and the server have besides.
const OTHERS: u64 = 500;

/// What a good client may wait meanwhile, 99 times of 100: it shares two processors with the server, those who come and the other
/// tests.
const P99_MAX: Duration = Duration::from_millis(100);

/// What the server may take for a connection, its buffers included.
const BYTES_PER_CLIENT: u64 = 1_024;

/// The heap keeps what those who left had for those who come; so much more at most, for holes between them.
const HOLES_BYTES: u64 = 1 << 20;

/// All come, and each is welcomed.
fn come(address: SocketAddr) -> Vec<TcpStream> {
    let come = |_| {
        let mut stream = TcpStream::connect(address).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.write_all(&hello()).unwrap();
        stream
    };
    let mut streams: Vec<TcpStream> = (0..CLIENTS).map(come).collect();
    for stream in &mut streams {
        frame(stream);
    }
    streams
}

/// All are cut off, without a goodbye.
fn cut(streams: Vec<TcpStream>) {
    for stream in streams {
        SockRef::from(&stream).set_linger(Some(Duration::ZERO)).unwrap();
    }
}

/// Connections that are open, as STATS tells.
fn open(client: &Client) -> u64 {
    counted(client, "connections_accepted") - counted(client, "connections_closed")
}

fn until_open(client: &Client, expected: u64) {
    let told = until("the count of connections", || (open(client) == expected).then_some(()));
    told.unwrap_or_else(|_| panic!("{} connections are told, and {expected} are open", open(client)));
}

#[test]
fn ten_thousand_reconnects_at_once_make_nobody_wait_and_leave_no_connection_behind() {
    raise_descriptor_limit().unwrap();
    let allowed = getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX);
    if allowed < CLIENTS + OTHERS {
        let name = "ten_thousand_reconnects_at_once_make_nobody_wait_and_leave_no_connection_behind";
        return eprintln!("left out: {name}: a process may have {allowed} descriptors here (ulimit -Hn)");
    }
    let rig = Rig::start(60);
    let address = rig.server.address();
    let client = rig.server.client().unwrap();
    let request = rig.buyers.buyer(0).request.hold_ms(60_000);
    client.reserve(request).unwrap();
    client.confirm(request.target()).unwrap();
    let (base, descriptors) = (open(&client), rig.server.descriptors().unwrap());
    let memory = || rig.server.memory_bytes("VmRSS").unwrap();
    let before = memory();
    let storm = || {
        let first = come(address);
        // The fault has happened: all are there at once, and STATS says so.
        until_open(&client, base + CLIENTS);
        let with_the_first = memory();
        cut(first);
        let again = come(address);
        until_open(&client, base + CLIENTS);
        let with_the_second = memory();
        cut(again);
        until_open(&client, base);
        let most = before + CLIENTS * BYTES_PER_CLIENT;
        assert!(with_the_first <= most, "{before} bytes became {with_the_first}, more than {most}");
        let most = with_the_first + HOLES_BYTES;
        assert!(with_the_second <= most, "{with_the_first} bytes became {with_the_second}, more than {most}");
    };
    let mut times = Vec::new();
    std::thread::scope(|scope| {
        let storm = scope.spawn(storm);
        while !storm.is_finished() {
            let began = Instant::now();
            client.lookup(request.target()).unwrap();
            times.push(began.elapsed());
        }
        storm.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
    });
    // I11.
    times.sort_unstable();
    let p99 = times[times.len() * 99 / 100];
    assert!(p99 <= P99_MAX, "p99 of {} is {p99:?}, more than {P99_MAX:?}", times.len());
    // I10: back to the base line, but for what the next segment may have opened meanwhile.
    until("the base line", || (rig.server.descriptors().ok()? <= descriptors + 8).then_some(())).unwrap();
}
