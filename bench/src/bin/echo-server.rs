//! The bare ceiling: one thread and one poll that send every frame back, with nothing behind them.
//!
//! What a server does above this is its own work; what it does not reach here, its sockets cost. It greets, so that
//! `seathold-load --workload ping` drives it unchanged, and knows no other request.

use clap::Parser;
use mio::event::Event;
use mio::net::TcpStream;
use mio::{Events, Interest, Poll, Token};
use seathold::net::{self, Listener};
use seathold::sys::{available_cores, pin_to_core, raise_descriptor_limit};
use seathold_protocol::frame::{self, Frame, Opcode, REPLY_BIT};
use seathold_protocol::limits::{REPLY_BYTES_MAX, REQUEST_BYTES_MAX};
use seathold_protocol::reply::{Reply, Welcome};
use seathold_protocol::request::VERSION;
use slab::Slab;
use std::io::{self, Read, Write};
use std::net::SocketAddr;

const LISTENER: Token = Token(usize::MAX);

/// Events of one poll, as the server's reactor has them at most.
const EVENTS: usize = 1024;

/// Send every frame back that comes
#[derive(Clone, Debug, Parser)]
struct Options {
    /// IP address and port; port 0 takes a free one
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:0")]
    listen: SocketAddr,
    /// Processor to stay on [default: any]
    #[arg(long, value_name = "N")]
    processor: Option<usize>,
}

/// One client. Both buffers are empty while it sends whole frames and reads its answers.
struct Connection {
    stream: TcpStream,
    /// The part of a frame that came.
    rest: Vec<u8>,
    /// What the socket did not take.
    unsent: Vec<u8>,
}

struct Echo {
    poll: Poll,
    listener: Listener,
    welcome: Welcome,
    connections: Slab<Connection>,
    inbound: Box<[u8]>,
    outbound: Vec<u8>,
}

fn main() -> io::Result<()> {
    let options = Options::parse();
    if let Some(processor) = options.processor {
        if !available_cores()?.contains(&processor) {
            let told = format!("processor {processor} is not one that this process may use; choose another");
            return Err(io::Error::new(io::ErrorKind::InvalidInput, told));
        }
        pin_to_core(processor)?;
    }
    raise_descriptor_limit()?;
    let mut echo = Echo::bind(options.listen)?;
    eprintln!("ready on {}", echo.listener.address()?);
    let mut events = Events::with_capacity(EVENTS);
    loop {
        echo.turn(&mut events)?;
    }
}

impl Echo {
    fn bind(address: SocketAddr) -> io::Result<Self> {
        let mut listener = net::bind(address, false)?;
        let poll = Poll::new()?;
        poll.registry().register(listener.source(), LISTENER, Interest::READABLE)?;
        let welcome = welcome(listener.address()?.port());
        Ok(Self {
            poll,
            listener,
            welcome,
            connections: Slab::new(),
            inbound: vec![0; net::READ_BYTES].into(),
            outbound: Vec::with_capacity(2 * net::READ_BYTES),
        })
    }

    fn turn(&mut self, events: &mut Events) -> io::Result<()> {
        match self.poll.poll(events, None) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => return Ok(()),
            polled => polled?,
        }
        for event in events.iter() {
            if event.token() == LISTENER {
                self.accept()?;
            } else {
                self.serve(event);
            }
        }
        Ok(())
    }

    fn accept(&mut self) -> io::Result<()> {
        while let Some((mut stream, _)) = self.listener.accept()? {
            let entry = self.connections.vacant_entry();
            let interest = Interest::READABLE | Interest::WRITABLE;
            self.poll.registry().register(&mut stream, Token(entry.key()), interest)?;
            entry.insert(Connection {
                stream,
                rest: Vec::with_capacity(REQUEST_BYTES_MAX),
                unsent: Vec::new(),
            });
        }
        Ok(())
    }

    /// A client that breaks the protocol or the connection is closed; its number is free for the next.
    fn serve(&mut self, event: &Event) {
        let Token(at) = event.token();
        let Some(connection) = self.connections.get_mut(at) else { return };
        match connection.serve(&mut self.inbound, &mut self.outbound, &self.welcome) {
            Ok(true) => {}
            Ok(false) | Err(_) => drop(self.connections.remove(at)),
        }
    }
}

impl Connection {
    /// Reads and answers until the socket has no more, or takes no more; false at its end.
    fn serve(&mut self, inbound: &mut [u8], outbound: &mut Vec<u8>, welcome: &Welcome) -> io::Result<bool> {
        loop {
            if !self.unsent.is_empty() {
                let sent = write(&mut self.stream, &self.unsent)?;
                self.unsent.drain(..sent);
                if !self.unsent.is_empty() {
                    // Edge-triggered: the socket tells when it takes more, and what it holds is read then.
                    return Ok(true);
                }
            }
            let kept = self.rest.len();
            inbound[..kept].copy_from_slice(&self.rest);
            let read = match self.stream.read(&mut inbound[kept..]) {
                Ok(0) => return Ok(false),
                Ok(read) => read,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(true),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(error),
            };
            outbound.clear();
            let arrived = &inbound[..kept + read];
            let answered = answer(arrived, outbound, welcome)?;
            self.rest.clear();
            self.rest.extend_from_slice(&arrived[answered..]);
            let sent = write(&mut self.stream, outbound)?;
            self.unsent.extend_from_slice(&outbound[sent..]);
        }
    }
}

/// Appends the answers to the whole frames of `arrived`; the bytes of these frames.
fn answer(arrived: &[u8], outbound: &mut Vec<u8>, welcome: &Welcome) -> io::Result<usize> {
    let mut answered = 0;
    while let Some(Frame { mut header, body }) = split(&arrived[answered..])? {
        answered += frame::HEADER_BYTES + body.len();
        if header.opcode == Opcode::Hello as u8 {
            Reply::Welcome(welcome.clone()).encode(header.correlation, outbound);
        } else {
            header.opcode |= REPLY_BIT;
            header.flags = 0;
            frame::write(outbound, header, |out| out.extend_from_slice(body));
        }
    }
    Ok(answered)
}

fn split(stream: &[u8]) -> io::Result<Option<Frame<'_>>> {
    frame::split(stream, REQUEST_BYTES_MAX)
        .map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error.to_string()))
}

/// How much of `bytes` the socket takes now.
fn write(stream: &mut TcpStream, bytes: &[u8]) -> io::Result<usize> {
    let mut sent = 0;
    while sent < bytes.len() {
        match stream.write(&bytes[sent..]) {
            Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
            Ok(written) => sent += written,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(sent)
}

fn welcome(port: u16) -> Welcome {
    Welcome {
        version: VERSION,
        core: 0,
        operator: false,
        credit: net::CREDIT,
        request_bytes_max: REQUEST_BYTES_MAX as u32,
        reply_bytes_max: REPLY_BYTES_MAX as u32,
        core_ports: vec![port],
        partition_cores: vec![0],
        server: concat!("echo-server/", env!("CARGO_PKG_VERSION")).to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use seathold_protocol::request::{Hello, Request};
    use std::thread;

    #[test]
    fn a_client_is_greeted_and_every_ping_comes_back_however_it_is_cut() {
        let mut echo = Echo::bind(SocketAddr::from(([127, 0, 0, 1], 0))).unwrap();
        let address = echo.listener.address().unwrap();
        thread::spawn(move || {
            let mut events = Events::with_capacity(EVENTS);
            loop {
                echo.turn(&mut events).unwrap();
            }
        });
        // More than a socket's buffers hold, so that the server has to wait for the client to read.
        let pings = 60_000_u64;
        let mut requests = Vec::new();
        let hello = Hello { version_min: VERSION, version_max: VERSION, client: "test", token: "" };
        Request::Hello(hello).encode(0, &mut requests);
        for at in 1..=pings {
            Request::Ping(&[at as u8; 200]).encode(at, &mut requests);
        }
        let mut client = std::net::TcpStream::connect(address).unwrap();
        let mut reader = client.try_clone().unwrap();
        let writer = thread::spawn(move || {
            requests.chunks(100_003).for_each(|chunk| client.write_all(chunk).unwrap());
            client
        });
        let (mut stream, mut buffer, mut next) = (Vec::new(), vec![0; 65_536], 0);
        while next <= pings {
            let read = reader.read(&mut buffer).unwrap();
            assert_ne!(read, 0, "closed after {next} answers");
            stream.extend_from_slice(&buffer[..read]);
            let mut served = 0;
            while let Some(frame) = frame::split(&stream[served..], REPLY_BYTES_MAX).unwrap() {
                served += frame.bytes();
                assert_eq!(frame.header.correlation, next);
                match Reply::decode(&frame).unwrap() {
                    Reply::Welcome(told) => assert_eq!((next, told), (0, welcome(address.port()))),
                    reply => assert_eq!(reply, Reply::Pong(&[next as u8; 200])),
                }
                next += 1;
            }
            stream.drain(..served);
        }
        drop(writer.join().unwrap());
    }

    #[test]
    fn a_foreign_protocol_is_refused() {
        assert!(answer(b"GET / HTTP/1.1\r\n\r\n", &mut Vec::new(), &welcome(1)).is_err());
    }
}
