//! Listening sockets: one shared port on every core through SO_REUSEPORT, and one port per core.

use mio::net::{TcpListener, TcpStream};
use socket2::{Domain, Protocol, Socket, Type};
use std::io;
use std::net::SocketAddr;

/// Connections that the kernel keeps until they are accepted; cut to net.core.somaxconn. mio's own bind fixes 128,
/// which the first second of a sale overflows.
const BACKLOG: i32 = 4096;

/// A listening socket.
pub struct Listener {
    socket: TcpListener,
}

/// Listens on `address`; with `shared`, other cores may listen on the same.
pub fn bind(address: SocketAddr, shared: bool) -> io::Result<Listener> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    socket.set_nonblocking(true)?;
    socket.set_reuse_address(true)?;
    if shared {
        socket.set_reuse_port(true)?;
    }
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    Ok(Listener { socket: TcpListener::from_std(socket.into()) })
}

impl Listener {
    /// Where it listens: the port that was given for port 0.
    pub fn address(&self) -> io::Result<SocketAddr> {
        self.socket.local_addr()
    }

    /// The next connection; `None` when nobody waits.
    pub fn accept(&self) -> io::Result<Option<(TcpStream, SocketAddr)>> {
        loop {
            match self.socket.accept() {
                Ok((stream, address)) => {
                    // Answers are gathered per turn; waiting for more would only delay them.
                    stream.set_nodelay(true)?;
                    return Ok(Some((stream, address)));
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(None),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                // The client was gone before it was accepted.
                Err(error) if error.kind() == io::ErrorKind::ConnectionAborted => {}
                Err(error) => return Err(error),
            }
        }
    }

    /// The source to register with a poll.
    pub fn source(&mut self) -> &mut TcpListener {
        &mut self.socket
    }
}
