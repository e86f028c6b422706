//! One TCP connection's bytes: opened without blocking, read and written in large pieces.
//!
//! It knows nothing of frames but where they end; what they mean is the session's.

use std::io::{self, Read, Write};
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use mio::net::TcpStream;
use mio::{Interest, Registry, Token};
use seathold_protocol::frame::{self, Frame};
use socket2::{SockRef, TcpKeepalive};

use crate::error::Fault;

/// An idle connection is probed after this time, so that one that a firewall forgot is noticed before it is needed.
const KEEPALIVE: Duration = Duration::from_secs(30);

/// Whether a socket is through to its peer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    Connecting,
    Connected,
}

/// One connection.
#[derive(Debug)]
pub(crate) struct Socket {
    stream: TcpStream,
    stage: Stage,
    /// The start of a frame whose end has not come.
    partial: Vec<u8>,
    /// Frames to be written.
    pub(crate) outbox: Vec<u8>,
    /// Cleared when the kernel has nothing more, set by the next event.
    readable: bool,
    writable: bool,
}

impl Socket {
    /// Begins to connect.
    pub(crate) fn connect(to: SocketAddr, registry: &Registry, token: Token) -> Result<Self, Fault> {
        let open = || -> io::Result<TcpStream> {
            let mut stream = TcpStream::connect(to)?;
            stream.set_nodelay(true)?;
            SockRef::from(&stream).set_tcp_keepalive(&TcpKeepalive::new().with_time(KEEPALIVE))?;
            registry.register(&mut stream, token, Interest::READABLE | Interest::WRITABLE)?;
            Ok(stream)
        };
        Ok(Self {
            stream: open().map_err(|error| Fault::Io(error.kind()))?,
            stage: Stage::Connecting,
            partial: Vec::new(),
            outbox: Vec::new(),
            readable: false,
            writable: false,
        })
    }

    /// The poll reports something.
    pub(crate) fn notice(&mut self, readable: bool, writable: bool) {
        self.readable |= readable;
        self.writable |= writable;
    }

    pub(crate) fn is_connected(&self) -> bool {
        self.stage == Stage::Connected
    }

    /// Whether there may be more to read.
    pub(crate) fn is_readable(&self) -> bool {
        self.readable
    }

    /// Whether `flush` would try to write.
    pub(crate) fn is_writable(&self) -> bool {
        self.writable && self.is_connected()
    }

    /// The peer's address at the moment when the connection comes up, `None` before and after.
    pub(crate) fn came_up(&mut self) -> Result<Option<IpAddr>, Fault> {
        if self.stage != Stage::Connecting || !(self.writable || self.readable) {
            return Ok(None);
        }
        let failed = |error: io::Error| Fault::Io(error.kind());
        if let Some(error) = self.stream.take_error().map_err(failed)? {
            return Err(failed(error));
        }
        match self.stream.peer_addr() {
            Ok(peer) => {
                self.stage = Stage::Connected;
                Ok(Some(peer.ip()))
            }
            Err(error) if error.kind() == io::ErrorKind::NotConnected => Ok(None),
            Err(error) => Err(failed(error)),
        }
    }

    /// Reads once, at most `scratch`, and hands every whole frame to `take`. `bytes_max` bounds a frame.
    pub(crate) fn read(
        &mut self,
        scratch: &mut [u8],
        bytes_max: usize,
        mut take: impl FnMut(&Frame<'_>) -> Result<(), Fault>,
    ) -> Result<(), Fault> {
        let read = match self.stream.read(scratch) {
            Ok(0) => return Err(Fault::Closed),
            Ok(read) => read,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                self.readable = false;
                return Ok(());
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => return Ok(()),
            Err(error) => return Err(Fault::Io(error.kind())),
        };
        let fresh = &scratch[..read];
        if self.partial.is_empty() {
            let used = cut(fresh, bytes_max, &mut take)?;
            self.partial.extend_from_slice(&fresh[used..]);
        } else {
            self.partial.extend_from_slice(fresh);
            let used = cut(&self.partial, bytes_max, &mut take)?;
            self.partial.drain(..used);
        }
        Ok(())
    }

    /// Writes once what is in the outbox.
    pub(crate) fn flush(&mut self) -> Result<(), Fault> {
        if self.outbox.is_empty() || !self.is_writable() {
            return Ok(());
        }
        match self.stream.write(&self.outbox) {
            Ok(written) => {
                self.writable = written == self.outbox.len();
                self.outbox.drain(..written);
                Ok(())
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                self.writable = false;
                Ok(())
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => Ok(()),
            Err(error) => Err(Fault::Io(error.kind())),
        }
    }
}

/// Hands the whole frames of `bytes` to `take`; returns where the first that is not whole begins.
fn cut(
    bytes: &[u8],
    bytes_max: usize,
    take: &mut impl FnMut(&Frame<'_>) -> Result<(), Fault>,
) -> Result<usize, Fault> {
    let mut used = 0;
    while let Some(frame) = frame::split(&bytes[used..], bytes_max).map_err(Fault::BadFrame)? {
        used += frame.bytes();
        take(&frame)?;
    }
    Ok(used)
}
