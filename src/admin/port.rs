//! The admin thread: accepts one connection at a time on a port of its own, and takes the server's pulse in between.

use super::Watched;
use super::exchange::Exchange;
use super::pulse::Pulse;
use mio::net::TcpListener;
use mio::{Events, Interest, Poll, Token, Waker};
use std::io;
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// How often the pulse is taken when nobody asks; also how soon accepting is tried again after it failed.
const TICK: Duration = Duration::from_secs(1);

const TOKEN_LISTENER: Token = Token(0);
const TOKEN_WAKER: Token = Token(1);

/// The port, taken and not yet served.
pub struct AdminPort {
    listener: TcpListener,
    address: SocketAddr,
}

/// The running admin thread.
pub struct AdminThread {
    waker: Waker,
    ended: Arc<AtomicBool>,
    thread: JoinHandle<()>,
}

impl AdminPort {
    /// Takes the port, or a free one for port 0.
    pub fn bind(address: SocketAddr) -> io::Result<Self> {
        let listener = TcpListener::bind(address)?;
        let address = listener.local_addr()?;
        Ok(Self { listener, address })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Starts the thread that serves it.
    pub fn serve(mut self, watched: Watched) -> io::Result<AdminThread> {
        let poll = Poll::new()?;
        poll.registry().register(&mut self.listener, TOKEN_LISTENER, Interest::READABLE)?;
        let waker = Waker::new(poll.registry(), TOKEN_WAKER)?;
        let ended = Arc::new(AtomicBool::new(false));
        let pulse = Pulse::new(&watched.counters, &watched.ledger, Instant::now());
        let mut desk = Desk { listener: self.listener, poll, watched, pulse, ended: Arc::clone(&ended) };
        let thread = std::thread::Builder::new().name("admin".to_owned()).spawn(move || desk.run())?;
        Ok(AdminThread { waker, ended, thread })
    }
}

impl AdminThread {
    /// Ends the thread, after the exchange that is under way.
    pub fn stop(self) {
        self.ended.store(true, Ordering::Release);
        // A thread that cannot be woken looks up within a second by itself.
        let _ = self.waker.wake();
        if let Err(panic) = self.thread.join() {
            std::panic::resume_unwind(panic);
        }
    }
}

/// What the thread owns.
struct Desk {
    listener: TcpListener,
    poll: Poll,
    watched: Watched,
    pulse: Pulse,
    ended: Arc<AtomicBool>,
}

impl Desk {
    fn run(&mut self) {
        let mut events = Events::with_capacity(2);
        while !self.has_ended() {
            if let Err(error) = self.poll.poll(&mut events, Some(TICK))
                && error.kind() != io::ErrorKind::Interrupted
            {
                log::error!("admin: the port is not served any more: {error}");
                return;
            }
            self.take_pulse(Instant::now());
            self.serve_all();
        }
    }

    /// Serves everybody who waits: the poll tells of a new connection once.
    fn serve_all(&mut self) {
        while !self.has_ended() {
            match self.listener.accept() {
                Ok((stream, _)) => {
                    // A client that is too slow or gone gets no answer, and nobody is left to tell.
                    let _ = self.serve(stream.into());
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return,
                Err(error) => {
                    log::warn!("admin: a connection could not be accepted: {error}");
                    return;
                }
            }
        }
    }

    fn serve(&mut self, stream: TcpStream) -> io::Result<()> {
        let mut exchange = Exchange::begin(stream)?;
        let asked = exchange.read()?;
        let now = Instant::now();
        self.take_pulse(now);
        exchange.answer(&self.watched.respond(asked, &self.pulse, now))
    }

    fn take_pulse(&mut self, now: Instant) {
        self.pulse.take(&self.watched.counters, &self.watched.ledger, now);
    }

    fn has_ended(&self) -> bool {
        self.ended.load(Ordering::Acquire)
    }
}
