//! A server that does what a test tells it, one step at a time, in the test's own thread.
//!
//! Every wait ends after `PATIENCE` with what was expected, so that a broken client fails a test and never hangs it.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::time::{Duration, Instant};

use seathold_client::{
    AccountId, Call, Class, DepartureId, PassengerId, ReservationId, ReserveRequest, State,
};
use seathold_protocol::frame::{self, FLAG_FIRST, Opcode};
use seathold_protocol::reply::{Refusal, Reply, Welcome};
use seathold_protocol::reservation::Reservation;
use seathold_protocol::status::Status;
use seathold_protocol::wishes::Met;
use socket2::{Domain, SockRef, Socket, Type};

/// The longest that a step may take on a loaded machine.
const PATIENCE: Duration = Duration::from_secs(10);

/// Listens on one port.
pub(crate) struct Server {
    listener: TcpListener,
}

impl Server {
    pub(crate) fn start() -> Self {
        Self::at(SocketAddr::from(([127, 0, 0, 1], 0)))
    }

    pub(crate) fn at(address: SocketAddr) -> Self {
        let listener = TcpListener::bind(address).expect("a free port");
        SockRef::from(&listener).set_read_timeout(Some(PATIENCE)).expect("a timeout for accept");
        Self { listener }
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.listener.local_addr().expect("a bound listener")
    }

    pub(crate) fn port(&self) -> u16 {
        self.address().port()
    }

    pub(crate) fn url(&self) -> String {
        format!("seathold://{}", self.address())
    }

    /// Accepts and reads HELLO.
    pub(crate) fn accept(&self) -> Peer {
        let (stream, _) = self.listener.accept().expect("a connection");
        stream.set_read_timeout(Some(PATIENCE)).expect("a timeout");
        stream.set_nodelay(true).expect("no delay");
        let mut peer = Peer { stream, bytes: Vec::new(), hello: Vec::new() };
        let hello = peer.read();
        assert_eq!(hello.opcode, Opcode::Hello);
        peer.hello = hello.body;
        peer
    }

    /// Accepts and welcomes.
    pub(crate) fn welcome(&self, welcome: &Welcome) -> Peer {
        let mut peer = self.accept();
        peer.reply(0, &Reply::Welcome(welcome.clone()));
        peer
    }
}

/// A port at which nobody listens, and nobody else can while this lives.
pub(crate) struct ClosedPort(Socket);

impl ClosedPort {
    pub(crate) fn take() -> Self {
        let socket = Socket::new(Domain::IPV4, Type::STREAM, None).expect("a socket");
        socket.bind(&SocketAddr::from(([127, 0, 0, 1], 0)).into()).expect("a free port");
        Self(socket)
    }

    pub(crate) fn port(&self) -> u16 {
        let address = self.0.local_addr().expect("a bound socket");
        address.as_socket().expect("an IP address").port()
    }

    pub(crate) fn url(&self) -> String {
        format!("seathold://127.0.0.1:{}", self.port())
    }
}

/// Waits for something that the client does by itself.
pub(crate) fn until(what: &str, is_so: impl Fn() -> bool) {
    let start = Instant::now();
    while !is_so() {
        assert!(start.elapsed() < PATIENCE, "waited in vain until {what}");
        std::thread::yield_now();
    }
}

/// The server's end of one connection.
pub(crate) struct Peer {
    stream: TcpStream,
    bytes: Vec<u8>,
    /// The body of HELLO.
    pub(crate) hello: Vec<u8>,
}

/// A request as it came.
#[derive(Debug)]
pub(crate) struct Asked {
    pub(crate) opcode: Opcode,
    pub(crate) first: bool,
    pub(crate) correlation: u64,
    pub(crate) body: Vec<u8>,
}

impl Peer {
    /// The next request.
    pub(crate) fn read(&mut self) -> Asked {
        loop {
            if let Some(frame) = frame::split(&self.bytes, 512).expect("a frame of the client") {
                let asked = Asked {
                    opcode: Opcode::from_code(frame.header.opcode).expect("an opcode"),
                    first: frame.header.flags == FLAG_FIRST,
                    correlation: frame.header.correlation,
                    body: frame.body.to_vec(),
                };
                let used = frame.bytes();
                self.bytes.drain(..used);
                return asked;
            }
            let mut chunk = [0; 4096];
            let read = self.stream.read(&mut chunk).expect("a request");
            assert_ne!(read, 0, "the client closed the connection instead of asking");
            self.bytes.extend_from_slice(&chunk[..read]);
        }
    }

    /// Waits until the client closes; what it sends before is thrown away.
    pub(crate) fn read_end(&mut self) {
        let mut chunk = [0; 4096];
        while !matches!(self.stream.read(&mut chunk), Ok(0)) {}
    }

    /// Whether a request is here already; does not wait.
    pub(crate) fn has_more(&mut self) -> bool {
        self.stream.set_nonblocking(true).expect("non-blocking");
        let more = self.stream.peek(&mut [0]).is_ok();
        self.stream.set_nonblocking(false).expect("blocking");
        more || !self.bytes.is_empty()
    }

    pub(crate) fn write(&mut self, bytes: &[u8]) {
        self.stream.write_all(bytes).expect("the client reads");
    }

    pub(crate) fn reply(&mut self, correlation: u64, reply: &Reply<'_>) {
        let mut bytes = Vec::new();
        reply.encode(correlation, &mut bytes);
        self.write(&bytes);
    }

    pub(crate) fn pong(&mut self, asked: &Asked) {
        self.reply(asked.correlation, &Reply::Pong(&[]));
    }

    pub(crate) fn refuse(&mut self, asked: &Asked, status: Status, detail: u64) {
        let refused = Reply::Refused(asked.opcode as u8, Refusal { status, detail });
        self.reply(asked.correlation, &refused);
    }

    /// Answers OK about the reservation that was asked about.
    pub(crate) fn hold(&mut self, asked: &Asked) {
        let id = u128::from_le_bytes(asked.body[..16].try_into().expect("an id"));
        let departure = u64::from_le_bytes(asked.body[16..24].try_into().expect("a departure"));
        let held = Reservation {
            id: ReservationId(id),
            departure: DepartureId(departure),
            state: State::Held,
            class: Class(3),
            from: 0,
            to: 1,
            party: 1,
            remaining_ms: 1_000,
            met: Met::default(),
            seats: [None; 9],
        };
        self.reply(asked.correlation, &Reply::Reservation(asked.opcode, held));
    }
}

/// A WELCOME of a server with these core ports and as many partitions; port 0 is none.
pub(crate) fn welcome(core: u8, core_ports: &[u16]) -> Welcome {
    Welcome {
        version: 1,
        core,
        operator: false,
        credit: 64,
        request_bytes_max: 512,
        reply_bytes_max: 65_536,
        core_ports: core_ports.to_vec(),
        partition_cores: (0..core_ports.len() as u8).collect(),
        server: "scripted".to_owned(),
    }
}

/// A departure of the partition `core` of `cores`.
pub(crate) fn departure_of(core: u16, cores: u16) -> DepartureId {
    (0..).map(DepartureId).find(|departure| departure.partition(cores) == core).expect("the hash spreads")
}

/// RESERVE under this id on a departure.
pub(crate) fn reserve(id: u128, departure: DepartureId) -> Call {
    let passenger = [PassengerId(1)];
    let request =
        ReserveRequest::new(ReservationId(id), departure, AccountId(1), Class(3), (0, 1), &passenger);
    Call::Reserve(request.expect("a party of one"))
}
