//! Listening sockets: one shared port on every core through SO_REUSEPORT, and one port per core.

use mio::net::{TcpListener, TcpStream};
use socket2::{Domain, Protocol, Socket, TcpKeepalive, Type};
use std::io;
use std::net::SocketAddr;
use std::time::Duration;

/// Connections that the kernel keeps until they are accepted; cut to net.core.somaxconn. mio's own bind fixes 128,
/// which the first second of a sale overflows.
const BACKLOG: i32 = 4096;

/// After this long without a byte the kernel asks whether the client's host is still there: one that lost its power says
/// no goodbye, and its connection would stay for ever.
const KEEPALIVE: Duration = Duration::from_secs(60);

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
    // Accepted sockets inherit both. Answers are gathered per turn; waiting for more would only delay them.
    socket.set_tcp_nodelay(true)?;
    socket.set_tcp_keepalive(&TcpKeepalive::new().with_time(KEEPALIVE).with_interval(KEEPALIVE / 4))?;
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    Ok(Listener { socket: TcpListener::from_std(socket.into()) })
}

/// Fails when another socket has `address`, even one that would share it.
pub fn probe(address: SocketAddr) -> io::Result<()> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    socket.set_reuse_address(true)?;
    socket.bind(&address.into())
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
                Ok(accepted) => return Ok(Some(accepted)),
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

#[cfg(test)]
mod tests {
    use super::*;
    use socket2::SockRef;

    #[test]
    fn a_client_whose_host_is_gone_is_found_out() {
        let listener = bind(SocketAddr::from(([127, 0, 0, 1], 0)), false).unwrap();
        let _client = std::net::TcpStream::connect(listener.address().unwrap()).unwrap();
        let (stream, _) = std::iter::repeat_with(|| listener.accept().unwrap()).flatten().next().unwrap();
        let socket = SockRef::from(&stream);
        assert!(socket.keepalive().unwrap() && socket.tcp_nodelay().unwrap());
    }
}
