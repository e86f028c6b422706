//! The server of these tests and its clients.

use crate::catalog::{Catalog, SaleRules};
use crate::counters::{Counter, Counters};
use crate::engine::{Board, Engine};
use crate::ledger::{AppendError, LedgerWriter, Log, Notice};
use crate::mesh::{Bell, connect};
use crate::net::bind;
use crate::reactor::{LedgerPort, Parts, Reactor, Shared, TOKEN_BELL};
use crate::sys::Clock;
use crossbeam_channel::bounded;
use mio::{Poll, Waker};
use seathold_protocol::batch::{Batch, Position};
use seathold_protocol::frame::{HEADER_BYTES, split};
use seathold_protocol::limits::{PASSENGERS_MAX, REPLY_BYTES_MAX};
use seathold_protocol::plan::{ClassPlan, SeatPlan, Stock};
use seathold_protocol::request::{Hello, Request, Reserve, Target, VERSION};
use seathold_protocol::status::Status;
use seathold_protocol::wishes::Wishes;
use seathold_protocol::{AccountId, Class, Day, DepartureId, PassengerId, ReservationId};
use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

pub(super) const TRAIN: &str = "T 1";
const STANDING: Class = Class(8);

/// A log that takes its time, or has no room, or is another server's from some moment on.
pub(super) struct TestLog {
    pub(super) takes: Duration,
    pub(super) has_room: bool,
    pub(super) taken_over: Arc<AtomicBool>,
}

impl TestLog {
    pub(super) fn that_takes(takes: Duration) -> Self {
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

/// The departure of the catalogue that a core owns.
pub(super) fn departure_of(core: usize, cores: usize) -> DepartureId {
    let mut departures = (0..DAYS).map(|day| DepartureId::new(TRAIN, Day(day)));
    departures.find(|departure| usize::from(departure.partition(cores as u16)) == core).expect("days enough")
}

/// Days on which the train runs: on one of them at least it is each core's.
const DAYS: u16 = 16;

/// A server of cores that own a partition each.
pub(super) struct Server {
    pub(super) shared: Arc<Shared>,
    bells: Vec<Arc<Bell>>,
    threads: Vec<JoinHandle<io::Result<()>>>,
    ledger: LedgerWriter,
}

impl Server {
    /// One core, which lets everybody wait.
    pub(super) fn start(log: TestLog) -> Self {
        Self::start_with(1, log, Duration::MAX)
    }

    pub(super) fn start_with(cores: usize, log: TestLog, wait_max: Duration) -> Self {
        let plan = SeatPlan { classes: vec![ClassPlan { class: STANDING, stock: Stock::Places(5_000) }] };
        let days: Vec<_> = (0..DAYS).map(Day).collect();
        let catalog =
            Arc::new(Catalog::builder().train(TRAIN, &["A", "B"], plan, SaleRules::OPEN).days(days).build());
        let board = Arc::new(Board::new(Arc::clone(&catalog), cores as u16));
        let polls: Vec<_> = (0..cores).map(|_| Poll::new().unwrap()).collect();
        let bell = |poll: &Poll| Arc::new(Bell::new(Waker::new(poll.registry(), TOKEN_BELL).unwrap()));
        let bells: Vec<_> = polls.iter().map(bell).collect();
        let (notice, notices): (Vec<_>, Vec<_>) = (0..cores).map(|_| bounded(64)).unzip();
        let rung = bells.clone();
        let on_notice = move |core: usize, news: Notice| {
            if notice[core].send(news).is_ok() {
                rung[core].ring().unwrap();
            }
        };
        let ledger = LedgerWriter::spawn(Box::new(log), cores, on_notice, |error| panic!("{error}")).unwrap();
        let any_port = SocketAddr::from(([127, 0, 0, 1], 0));
        let listen = || (bind(any_port, true).unwrap(), bind(any_port, false).unwrap());
        let listeners: Vec<_> = (0..cores).map(|_| listen()).collect();
        let shared = Arc::new(Shared {
            clock: Clock::new().unwrap(),
            board: Arc::clone(&board),
            counters: (0..cores).map(|_| Arc::new(Counters::default())).collect(),
            ledger: ledger.figures(),
            core_ports: listeners.iter().map(|(_, own)| own.address().unwrap().port()).collect(),
            partition_cores: (0..cores as u8).collect(),
            wait_max,
            operator_token: None,
            stopping: Arc::new(AtomicBool::new(false)),
            drained: AtomicUsize::new(0),
        });
        let mut mailboxes = connect(&bells).into_iter();
        let ports = notices.into_iter().map(|notices| LedgerPort { commits: ledger.commits(), notices });
        let threads = polls.into_iter().zip(listeners).zip(ports).enumerate();
        let threads = threads.map(|(core, ((poll, (shared_listener, core_listener)), ledger))| {
            let counters = Arc::clone(&shared.counters[core]);
            let owns = |partition: u16| usize::from(partition) == core;
            let parts = Parts {
                core,
                shared: Arc::clone(&shared),
                poll,
                bell: Arc::clone(&bells[core]),
                shared_listener,
                core_listener,
                engine: Engine::new(Arc::clone(&catalog), Arc::clone(&board), counters, owns),
                mailbox: mailboxes.next().unwrap(),
                ledger,
            };
            let reactor = Reactor::new(parts).unwrap();
            thread::spawn(|| reactor.run())
        });
        let threads = threads.collect();
        Self { shared, bells, threads, ledger }
    }

    /// Says that it shall stop.
    pub(super) fn begin_to_stop(&self) {
        self.shared.stopping.store(true, Ordering::Release);
        self.bells.iter().for_each(|bell| bell.ring().unwrap());
    }

    /// Stops it. Fails when it has not stopped in time.
    pub(super) fn stop_within(self, limit: Duration) {
        let start = Instant::now();
        self.begin_to_stop();
        for thread in self.threads {
            while !thread.is_finished() {
                assert!(start.elapsed() < limit, "a core has not stopped after {limit:?}");
                thread::yield_now();
            }
            thread.join().unwrap().unwrap();
        }
        self.ledger.join();
    }

    /// A counter of a core.
    pub(super) fn count(&self, core: usize, counter: Counter) -> u64 {
        self.shared.counters[core].get(counter)
    }

    /// A connection to the first core.
    pub(super) fn connect(&self) -> Client {
        self.connect_to(0)
    }

    pub(super) fn connect_to(&self, core: usize) -> Client {
        let stream = TcpStream::connect(("127.0.0.1", self.shared.core_ports[core])).unwrap();
        stream.set_nodelay(true).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
        let mut client = Client { stream };
        let hello = Hello { version_min: 1, version_max: VERSION, client: "test", token: "" };
        client.send(&Request::Hello(hello));
        client.receive();
        client
    }
}

pub(super) struct Client {
    pub(super) stream: TcpStream,
}

impl Client {
    pub(super) fn send(&mut self, request: &Request<'_>) {
        self.send_all([(1, *request)]);
    }

    /// Sends requests in one go, each with its correlation.
    pub(super) fn send_all<'a>(&mut self, requests: impl IntoIterator<Item = (u64, Request<'a>)>) -> usize {
        let mut bytes = Vec::new();
        requests.into_iter().for_each(|(correlation, request)| request.encode(correlation, &mut bytes));
        self.stream.write_all(&bytes).unwrap();
        bytes.len()
    }

    /// Reads one whole frame, which is no refusal.
    pub(super) fn receive(&mut self) {
        assert_eq!(self.status(), Status::Ok);
    }

    /// Reads one whole frame.
    pub(super) fn status(&mut self) -> Status {
        self.reply().1
    }

    /// Reads one whole frame: whose it is, and what it says.
    pub(super) fn reply(&mut self) -> (u64, Status) {
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

/// One place for a passenger of the buyer's own.
pub(super) fn reserve(departure: DepartureId, id: u64, hold_ms: u32) -> Reserve {
    let mut passengers = [PassengerId(0); PASSENGERS_MAX];
    passengers[0] = PassengerId(id + 1);
    Reserve {
        id: ReservationId(u128::from(id) + 1),
        departure,
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

/// What `reserve` with this id has got.
pub(super) fn target(departure: DepartureId, id: u64) -> Target {
    Target { id: ReservationId(u128::from(id) + 1), departure, account: AccountId(id) }
}
