//! One core in this process, over real sockets and a log that does what the test says.

use super::*;
use crate::catalog::{Catalog, SaleRules};
use crate::engine::Board;
use crate::ledger::{AppendError, LedgerWriter, Log};
use crate::net::bind;
use crossbeam_channel::bounded;
use mio::Waker;
use seathold_protocol::batch::{Batch, Position};
use seathold_protocol::frame::{HEADER_BYTES, split};
use seathold_protocol::limits::{PASSENGERS_MAX, REPLY_BYTES_MAX};
use seathold_protocol::plan::{ClassPlan, SeatPlan, Stock};
use seathold_protocol::request::{Availability, Hello, Request, Reserve, Target, VERSION};
use seathold_protocol::status::Status;
use seathold_protocol::wishes::Wishes;
use seathold_protocol::{AccountId, Class, Day, DepartureId, PassengerId, ReservationId};
use std::collections::HashMap;
use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Instant;

const STANDING: Class = Class(8);

/// A log that takes its time, or has no room, or is another server's from some moment on.
struct TestLog {
    takes: Duration,
    has_room: bool,
    taken_over: Arc<AtomicBool>,
}

impl TestLog {
    fn that_takes(takes: Duration) -> Self {
        Self { takes, has_room: true, taken_over: Arc::default() }
    }
}

impl Log for TestLog {
    fn append(&mut self, batches: &[&Batch]) -> Result<(), AppendError> {
        thread::sleep(self.takes);
        if let [batch, ..] = batches
            && self.taken_over.load(Ordering::Acquire)
        {
            let Batch { partition, position, .. } = **batch;
            let tail = Position { epoch: position.epoch + 1, ..position };
            return Err(AppendError::Fenced { partition, tail, offered: position.epoch });
        }
        if self.has_room { Ok(()) } else { Err(AppendError::NoSpace(io::ErrorKind::StorageFull.into())) }
    }

    fn covered(&mut self, _partition: u16, _sequence: u64) {}

    fn wants_compaction(&self) -> Option<Vec<(u16, u64)>> {
        None
    }
}

struct Core {
    address: SocketAddr,
    shared: Arc<Shared>,
    bell: Arc<Bell>,
    thread: JoinHandle<io::Result<()>>,
    ledger: LedgerWriter,
}

impl Core {
    fn start(log: TestLog) -> Self {
        Self::start_with(log, Duration::MAX)
    }

    fn start_with(log: TestLog, wait_max: Duration) -> Self {
        let plan = SeatPlan { classes: vec![ClassPlan { class: STANDING, stock: Stock::Places(5_000) }] };
        let catalog =
            Catalog::builder().train("T 1", &["A", "B"], plan, SaleRules::OPEN).days([Day(7)]).build();
        let catalog = Arc::new(catalog);
        let board = Arc::new(Board::new(Arc::clone(&catalog), 1));
        let counters = vec![Arc::new(Counters::default())];
        let engine = Engine::new(catalog, Arc::clone(&board), Arc::clone(&counters[0]), |_| true);
        let poll = Poll::new().unwrap();
        let bell = Arc::new(Bell::new(Waker::new(poll.registry(), TOKEN_BELL).unwrap()));
        let (notice, notices) = bounded(64);
        let rung = Arc::clone(&bell);
        let on_notice = move |_: usize, news: Notice| {
            if notice.send(news).is_ok() {
                rung.ring().unwrap();
            }
        };
        let ledger = LedgerWriter::spawn(Box::new(log), 1, on_notice, |error| panic!("{error}")).unwrap();
        let any_port = SocketAddr::from(([127, 0, 0, 1], 0));
        let (shared_listener, core_listener) =
            (bind(any_port, true).unwrap(), bind(any_port, false).unwrap());
        let address = shared_listener.address().unwrap();
        let shared = Arc::new(Shared {
            clock: Clock::new().unwrap(),
            board,
            counters,
            ledger: ledger.figures(),
            core_ports: vec![core_listener.address().unwrap().port()],
            partition_cores: vec![0],
            wait_max,
            operator_token: None,
            stopping: Arc::new(AtomicBool::new(false)),
            drained: AtomicUsize::new(0),
        });
        let parts = Parts {
            core: 0,
            shared: Arc::clone(&shared),
            poll,
            bell: Arc::clone(&bell),
            shared_listener,
            core_listener,
            engine,
            mailbox: crate::mesh::connect(&[Arc::clone(&bell)]).pop().unwrap(),
            ledger: LedgerPort { commits: ledger.commits(), notices },
        };
        let reactor = Reactor::new(parts).unwrap();
        Self { address, shared, bell, thread: thread::spawn(|| reactor.run()), ledger }
    }

    /// Stops it; how long that took. Fails when it has not stopped in time.
    fn stop_within(self, limit: Duration) {
        let start = Instant::now();
        self.shared.stopping.store(true, Ordering::Release);
        self.bell.ring().unwrap();
        while !self.thread.is_finished() {
            assert!(start.elapsed() < limit, "the core has not stopped after {limit:?}");
            thread::yield_now();
        }
        self.thread.join().unwrap().unwrap();
        self.ledger.join();
    }

    fn connect(&self) -> Client {
        let stream = TcpStream::connect(self.address).unwrap();
        stream.set_nodelay(true).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
        let mut client = Client { stream };
        let hello = Hello { version_min: 1, version_max: VERSION, client: "test", token: "" };
        client.send(&Request::Hello(hello));
        client.receive();
        client
    }
}

struct Client {
    stream: TcpStream,
}

impl Client {
    fn send(&mut self, request: &Request<'_>) {
        let mut bytes = Vec::new();
        request.encode(1, &mut bytes);
        self.stream.write_all(&bytes).unwrap();
    }

    /// Reads one whole frame, which is no refusal.
    fn receive(&mut self) {
        assert_eq!(self.status(), Status::Ok);
    }

    /// Reads one whole frame.
    fn status(&mut self) -> Status {
        self.reply().1
    }

    /// Reads one whole frame: whose it is, and what it says.
    fn reply(&mut self) -> (u64, Status) {
        let mut bytes = vec![0; HEADER_BYTES];
        self.stream.read_exact(&mut bytes).unwrap();
        let length = u32::from_le_bytes(bytes[..4].try_into().unwrap()) as usize;
        bytes.resize(length, 0);
        self.stream.read_exact(&mut bytes[HEADER_BYTES..]).unwrap();
        let frame = split(&bytes, REPLY_BYTES_MAX).unwrap().expect("a whole frame was read");
        let status = Status::from_code(frame.header.status).expect("a status of the table");
        (frame.header.correlation, status)
    }
}

fn reserve(id: u64, hold_ms: u32) -> Reserve {
    let mut passengers = [PassengerId(0); PASSENGERS_MAX];
    passengers[0] = PassengerId(id + 1);
    Reserve {
        id: ReservationId(u128::from(id) + 1),
        departure: DepartureId::new("T 1", Day(7)),
        account: AccountId(id),
        class: STANDING,
        from: 0,
        to: 1,
        party: 1,
        hold_ms,
        wishes: Wishes::default(),
        passengers,
        first: true,
    }
}

/// The last bytes and the end of a connection come in one event: a read that finds fewer bytes than asked has still not
/// found the end.
#[test]
fn a_client_that_sends_and_hangs_up_in_one_go_is_noticed() {
    let core = Core::start(TestLog::that_takes(Duration::ZERO));
    for round in 0..50 {
        let mut client = core.connect();
        client.send(&Request::Ping(&[]));
        client.stream.shutdown(Shutdown::Write).unwrap();
        client.receive();
        let end = client.stream.read(&mut [0]);
        assert_eq!(end.ok(), Some(0), "round {round}: the server has kept the connection");
    }
    core.stop_within(Duration::from_secs(2));
}

/// What a client asked before it closed its sending half is answered.
#[test]
fn a_client_that_hangs_up_after_asking_gets_its_answers() {
    let core = Core::start(TestLog::that_takes(Duration::from_millis(30)));
    let mut client = core.connect();
    for id in 0..10 {
        client.send(&Request::Reserve(reserve(id, 0)));
    }
    client.stream.shutdown(Shutdown::Write).unwrap();
    (0..10).for_each(|_| client.receive());
    assert_eq!(client.stream.read(&mut [0]).unwrap(), 0);
    core.stop_within(Duration::from_secs(2));
}

#[test]
fn a_core_stops_although_the_ledger_has_no_room() {
    let core = Core::start(TestLog { has_room: false, ..TestLog::that_takes(Duration::ZERO) });
    while core.shared.ledger.no_space.load(Ordering::Relaxed) == 0 {
        thread::yield_now();
    }
    core.stop_within(Duration::from_secs(3));
}

/// Another server has the departures now: what was on its way here may be in its log or not.
#[test]
fn a_partition_that_is_taken_over_ends_here_and_the_server_lives_on() {
    let log = TestLog::that_takes(Duration::ZERO);
    let taken_over = Arc::clone(&log.taken_over);
    let core = Core::start(log);
    let mut client = core.connect();
    client.send(&Request::Reserve(reserve(1, 0)));
    client.receive();
    taken_over.store(true, Ordering::Release);
    let departure = DepartureId::new("T 1", Day(7));
    client.send(&Request::Reserve(reserve(2, 0)));
    assert_eq!(client.status(), Status::Unknown);
    let target = Target { id: ReservationId(2), departure, account: AccountId(1) };
    for request in [
        Request::Reserve(reserve(3, 0)),
        Request::Confirm(target),
        Request::Lookup(target),
        Request::Availability(Availability { departure, class: None, pair: None }),
    ] {
        client.send(&request);
        assert_eq!(client.status(), Status::Unavailable, "{request:?}");
    }
    client.send(&Request::Resolve("T 1", Day(7)));
    client.receive();
    assert_eq!(core.shared.ledger.fenced.load(Ordering::Relaxed), 1);
    drop(client);
    core.stop_within(Duration::from_secs(2));
}

/// Holds that run out one after the other keep the ledger busy for as long as there are any.
#[test]
fn a_core_stops_although_holds_keep_running_out() {
    let core = Core::start(TestLog::that_takes(Duration::from_millis(20)));
    let mut client = core.connect();
    for id in 0..1_000_u32 {
        client.send(&Request::Reserve(reserve(id.into(), 5 * id + 1)));
    }
    (0..1_000).for_each(|_| client.receive());
    drop(client);
    core.stop_within(Duration::from_secs(2));
}

/// A core that may not let anybody wait begins a few sales a turn. What it refuses it has not done, what finishes a sale it
/// always takes, and whoever asks again is served in the end.
#[test]
fn a_crowd_is_told_to_come_again_while_sales_are_finished() {
    const BUYERS: u64 = 500;
    let core = Core::start_with(TestLog::that_takes(Duration::ZERO), Duration::ZERO);
    let mut client = core.connect();
    let departure = DepartureId::new("T 1", Day(7));
    let mut waiting: Vec<u64> = (0..BUYERS).collect();
    let (mut refused, mut rounds) = (0, 0);
    while !waiting.is_empty() {
        let mut bytes = Vec::new();
        waiting.iter().for_each(|id| Request::Reserve(reserve(*id, 0)).encode(*id, &mut bytes));
        client.stream.write_all(&bytes).unwrap();
        let told: HashMap<_, _> = (0..waiting.len()).map(|_| client.reply()).collect();
        waiting.retain(|id| match told[id] {
            Status::Ok => false,
            Status::Busy => true,
            other => panic!("buyer {id} was told {other:?}"),
        });
        refused += waiting.len() as u64;
        rounds += 1;
    }
    assert!(refused > 0, "all were served in {rounds} rounds");
    assert_eq!(core.shared.counters[0].get(Counter::RefusedForWaiting), refused);

    // More than a turn has time for, so that most of it waits: each is done in the end, and before what came behind it.
    let mut bytes = Vec::new();
    for id in 0..BUYERS {
        let target = Target { id: ReservationId(u128::from(id) + 1), departure, account: AccountId(id) };
        Request::Reserve(reserve(BUYERS + id, 0)).encode(2 * BUYERS + id, &mut bytes);
        Request::Confirm(target).encode(id, &mut bytes);
        Request::Refund(target).encode(BUYERS + id, &mut bytes);
    }
    client.stream.write_all(&bytes).unwrap();
    let told: HashMap<_, _> = (0..3 * BUYERS).map(|_| client.reply()).collect();
    let unfinished: Vec<_> = (0..2 * BUYERS).filter(|request| told[request] != Status::Ok).collect();
    assert!(unfinished.is_empty(), "CONFIRMs, or REFUNDs from {BUYERS} on, were not done: {unfinished:?}");
    drop(client);
    core.stop_within(Duration::from_secs(2));
}
