//! A blocking connection for what happens before the clock runs: HELLO, names to departures, trips sold out.

use super::exit::Failure;
use seathold_client::Address;
use seathold_protocol::frame;
use seathold_protocol::limits::REPLY_BYTES_MAX;
use seathold_protocol::reply::{Refusal, Reply, Welcome};
use seathold_protocol::request::{Hello, Request, VERSION};
use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream, ToSocketAddrs};
use std::time::Duration;

/// A server that is silent for longer is taken for gone.
const SILENCE_MAX: Duration = Duration::from_secs(10);

/// Requests written before their answers are read: they fit the socket's buffers, so that neither side waits for the
/// other.
const PIPELINE: usize = 64;

const READ_BYTES: usize = 65_536;

/// A greeted connection.
pub(super) struct Session {
    stream: TcpStream,
    address: SocketAddr,
    inbound: Vec<u8>,
    outbound: Vec<u8>,
}

/// Looks a server's name up.
pub(super) fn locate(server: &Address) -> Result<SocketAddr, Failure> {
    let found = (server.host.as_str(), server.port).to_socket_addrs().map(|mut addresses| addresses.next());
    found.ok().flatten().ok_or_else(|| {
        Failure::Unavailable(format!("the host `{}` has no address; check the name in {server}", server.host))
    })
}

impl Session {
    /// Connects and says HELLO.
    pub(super) fn open(address: SocketAddr, token: &str) -> Result<(Self, Welcome), Failure> {
        let stream = TcpStream::connect_timeout(&address, SILENCE_MAX).map_err(|error| {
            Failure::Unavailable(format!(
                "cannot connect to {address}: {error}; start `seathold serve`, or give the URL where it listens"
            ))
        })?;
        let mut session = Self { stream, address, inbound: Vec::new(), outbound: Vec::new() };
        session.configure().map_err(|error| session.lost(&error))?;
        let client = concat!("seathold-load/", env!("CARGO_PKG_VERSION"));
        let hello = Hello { version_min: VERSION, version_max: VERSION, client, token };
        let mut told = None;
        session.exchange(&[Request::Hello(hello)], |_, reply| told = Some(greeting(reply)))?;
        match told.expect("an exchange tells every answer") {
            Ok(welcome) => Ok((session, welcome)),
            Err(refusal) => Err(Failure::Unavailable(format!(
                "the server at {address} refuses the connection with {}; use a seathold-load of the server's version",
                refusal.map_or("a reply that is no WELCOME", |refusal| refusal.status.name())
            ))),
        }
    }

    fn configure(&self) -> io::Result<()> {
        self.stream.set_nodelay(true)?;
        self.stream.set_read_timeout(Some(SILENCE_MAX))?;
        self.stream.set_write_timeout(Some(SILENCE_MAX))
    }

    /// The bare socket; every request was answered.
    pub(super) fn into_stream(self) -> TcpStream {
        self.stream
    }

    /// Asks everything and tells every answer with the index of its request, in the order in which they come.
    pub(super) fn exchange(
        &mut self,
        requests: &[Request<'_>],
        mut tell: impl FnMut(usize, Reply<'_>),
    ) -> Result<(), Failure> {
        for (batch, requests) in requests.chunks(PIPELINE).enumerate() {
            self.exchange_batch(batch * PIPELINE, requests, &mut tell)?;
        }
        Ok(())
    }

    fn exchange_batch(
        &mut self,
        base: usize,
        requests: &[Request<'_>],
        tell: &mut impl FnMut(usize, Reply<'_>),
    ) -> Result<(), Failure> {
        self.outbound.clear();
        for (at, request) in requests.iter().enumerate() {
            request.encode((base + at) as u64, &mut self.outbound);
        }
        self.stream.write_all(&self.outbound).map_err(|error| self.lost(&error))?;
        let mut missing = vec![true; requests.len()];
        let mut answered = 0;
        while answered < requests.len() {
            let mut served = 0;
            while let Some(frame) =
                frame::split(&self.inbound[served..], REPLY_BYTES_MAX).map_err(|_| self.foreign())?
            {
                served += frame.bytes();
                let at = (frame.header.correlation as usize).wrapping_sub(base);
                let reply = Reply::decode(&frame).map_err(|_| self.foreign())?;
                if !missing.get_mut(at).is_some_and(std::mem::take) {
                    return Err(self.foreign());
                }
                tell(base + at, reply);
                answered += 1;
            }
            self.inbound.drain(..served);
            if answered < requests.len() {
                self.read_more().map_err(|error| self.lost(&error))?;
            }
        }
        Ok(())
    }

    fn read_more(&mut self) -> io::Result<()> {
        let filled = self.inbound.len();
        self.inbound.resize(filled + READ_BYTES, 0);
        let read = self.stream.read(&mut self.inbound[filled..]);
        self.inbound.truncate(filled + *read.as_ref().unwrap_or(&0));
        match read? {
            0 => Err(io::ErrorKind::UnexpectedEof.into()),
            _ => Ok(()),
        }
    }

    fn lost(&self, error: &io::Error) -> Failure {
        let why = match error.kind() {
            io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut => "no answer came in 10 s".to_owned(),
            io::ErrorKind::UnexpectedEof => "it closed the connection".to_owned(),
            _ => error.to_string(),
        };
        Failure::Unavailable(format!("lost the server at {}: {why}; see its log", self.address))
    }

    fn foreign(&self) -> Failure {
        Failure::Unavailable(format!(
            "what answers at {} does not speak Seathold's protocol; check host and port",
            self.address
        ))
    }
}

fn greeting(reply: Reply<'_>) -> Result<Welcome, Option<Refusal>> {
    match reply {
        Reply::Welcome(welcome) => Ok(welcome),
        Reply::Refused(_, refusal) => Err(Some(refusal)),
        _ => Err(None),
    }
}
