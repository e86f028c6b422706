//! A stretch of network between a client and a server, in this process, which loses and holds what a test tells it to.

use redis::{Client, Connection, Value};
use std::io::{self, Read as _, Write as _};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use super::process::free_port;
use super::{Found, Options, PATIENCE, RedisServer, on_each_server, until};

/// Passes the bytes of any number of connections on to one server.
pub(crate) struct Proxy {
    line: Arc<Line>,
    address: SocketAddr,
    /// Takes connections, unless they are refused.
    door: Option<JoinHandle<()>>,
}

/// What all connections through a proxy share.
struct Line {
    server: Mutex<SocketAddr>,
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    fault: Fault,
    /// How often a fault was met.
    struck: usize,
    /// The door is to close.
    closed: bool,
    /// Both ends of every connection that there was.
    connections: Vec<[TcpStream; 2]>,
}

/// What is done to the bytes that come next.
#[derive(Clone, Copy, Default)]
enum Fault {
    #[default]
    None,
    /// This many more bytes that way, then their connection is cut; once.
    Cut(Way, usize),
    /// Nothing that way until told otherwise; connections stay open.
    Hold(Way),
    /// All replies are late by this much.
    Delay(Duration),
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Way {
    Requests,
    Replies,
}

impl Proxy {
    /// Listens on a port of its own and passes everything on to `server`.
    pub(crate) fn before(server: SocketAddr) -> Self {
        let line =
            Arc::new(Line { server: Mutex::new(server), state: Mutex::default(), changed: Condvar::new() });
        // Not just any port: it must still be free when connections are accepted again.
        let listener = loop {
            if let Ok(listener) = TcpListener::bind(("127.0.0.1", free_port())) {
                break listener;
            }
        };
        let address = listener.local_addr().unwrap();
        let door = Some(open(&line, listener));
        Self { line, address, door }
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    pub(crate) fn url(&self) -> String {
        format!("redis://{}", self.address)
    }

    /// Passes on `bytes` more bytes of requests, then cuts the connection that they came on: the server keeps what
    /// it has, and the client learns nothing.
    pub(crate) fn cut_requests_after(&self, bytes: usize) {
        self.set(Fault::Cut(Way::Requests, bytes));
    }

    /// Passes on `bytes` more bytes of replies, then cuts the connection that they came on: the server has done what it
    /// was asked, and the client does not learn it.
    pub(crate) fn cut_replies_after(&self, bytes: usize) {
        self.set(Fault::Cut(Way::Replies, bytes));
    }

    /// Keeps requests back, until [`Proxy::mend`] lets them go: even those whose client is gone then.
    pub(crate) fn hold_requests(&self) {
        self.set(Fault::Hold(Way::Requests));
    }

    /// Keeps replies back, until [`Proxy::mend`] lets them go.
    pub(crate) fn hold_replies(&self) {
        self.set(Fault::Hold(Way::Replies));
    }

    /// Passes replies on that much later.
    pub(crate) fn delay_replies(&self, by: Duration) {
        self.set(Fault::Delay(by));
    }

    /// Does nothing to bytes any more.
    pub(crate) fn mend(&self) {
        self.set(Fault::None);
    }

    /// Cuts all connections, and refuses new ones until [`Proxy::accept`].
    pub(crate) fn refuse(&mut self) {
        self.line.lock().closed = true;
        // The door stands in accept(), and looks up when somebody comes.
        let _ = TcpStream::connect(self.address);
        if let Some(door) = self.door.take() {
            door.join().unwrap();
        }
        let connections = std::mem::take(&mut self.line.lock().connections);
        connections.iter().flatten().for_each(cut);
    }

    /// Takes connections again.
    pub(crate) fn accept(&mut self) {
        self.line.lock().closed = false;
        self.door = Some(open(&self.line, TcpListener::bind(self.address).unwrap()));
    }

    /// Passes new connections on to another server.
    pub(crate) fn lead_to(&self, server: SocketAddr) {
        *self.line.server.lock().unwrap() = server;
    }

    /// How often a fault was met: a connection cut, or bytes held or delayed.
    pub(crate) fn struck(&self) -> usize {
        self.line.lock().struck
    }

    /// Waits until a fault was met `times` in all.
    pub(crate) fn wait_until_struck(&self, times: usize) {
        let few = |state: &mut State| state.struck < times;
        let (state, waited) = self.line.changed.wait_timeout_while(self.line.lock(), PATIENCE, few).unwrap();
        assert!(!waited.timed_out(), "the fault was met {} times, not {times}", state.struck);
    }

    fn set(&self, fault: Fault) {
        self.line.lock().fault = fault;
        self.line.changed.notify_all();
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.mend();
        self.refuse();
    }
}

impl Line {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    fn server(&self) -> SocketAddr {
        *self.server.lock().unwrap()
    }

    /// Carries bytes one way until either end closes or a fault cuts.
    fn carry(&self, way: Way, mut from: TcpStream, mut to: TcpStream) -> io::Result<()> {
        let mut bytes = vec![0; 64 * 1024];
        loop {
            let count = from.read(&mut bytes)?;
            if count == 0 {
                return to.shutdown(Shutdown::Write);
            }
            let passed = self.pass(way, count);
            to.write_all(&bytes[..passed.unwrap_or(count)])?;
            if passed.is_some() {
                cut(&from);
                cut(&to);
                return Ok(());
            }
        }
    }

    /// Waits as long as `count` bytes are to be held. `Some` tells to cut after so many of them.
    fn pass(&self, way: Way, count: usize) -> Option<usize> {
        let mut state = self.lock();
        match &mut state.fault {
            Fault::Cut(cut, left) if *cut == way && count < *left => *left -= count,
            Fault::Cut(cut, left) if *cut == way => {
                let passed = *left;
                state.fault = Fault::None;
                self.strike(&mut state);
                return Some(passed);
            }
            Fault::Hold(held) if *held == way => {
                self.strike(&mut state);
                let held = |state: &mut State| matches!(state.fault, Fault::Hold(held) if held == way);
                drop(self.changed.wait_while(state, held).unwrap());
            }
            Fault::Delay(by) if way == Way::Replies => {
                let until = Instant::now() + *by;
                self.strike(&mut state);
                let early = |state: &mut State| matches!(state.fault, Fault::Delay(_));
                let left = until.saturating_duration_since(Instant::now());
                drop(self.changed.wait_timeout_while(state, left, early).unwrap());
            }
            _ => {}
        }
        None
    }

    fn strike(&self, state: &mut State) {
        state.struck += 1;
        self.changed.notify_all();
    }
}

/// Takes connections until the door is to close.
fn open(line: &Arc<Line>, listener: TcpListener) -> JoinHandle<()> {
    let line = Arc::clone(line);
    thread::spawn(move || {
        for client in listener.incoming().map_while(Result::ok) {
            if line.lock().closed {
                return;
            }
            // A server that is gone closes the client's connection, too.
            let Ok(server) = TcpStream::connect(line.server()) else { continue };
            let ends = [client, server];
            for end in &ends {
                end.set_nodelay(true).unwrap();
            }
            for (way, from, to) in [(Way::Requests, 0, 1), (Way::Replies, 1, 0)] {
                let (line, from, to) =
                    (Arc::clone(&line), ends[from].try_clone().unwrap(), ends[to].try_clone().unwrap());
                // How a connection ends is for its client to see.
                thread::spawn(move || drop(line.carry(way, from, to)));
            }
            line.lock().connections.push(ends);
        }
    })
}

fn cut(end: &TcpStream) {
    // Fails if the other side was faster.
    let _ = end.shutdown(Shutdown::Both);
}

on_each_server!(
    a_request_is_cut_in_its_middle,
    a_reply_is_lost_after_the_command_was_done,
    held_replies_arrive_when_the_line_is_mended,
    a_held_request_is_done_though_its_client_is_gone,
    replies_are_late,
    connections_are_refused_and_accepted_again,
    new_connections_lead_to_another_server,
);

fn through(proxy: &Proxy) -> Connection {
    let client = Client::open(proxy.url()).unwrap();
    let connection = client.get_connection_with_timeout(Duration::from_secs(5)).unwrap();
    connection.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
    connection
}

/// Three commands in one piece.
fn three_increments() -> Vec<u8> {
    redis::cmd("INCR").arg("count").get_packed_command().repeat(3)
}

fn a_request_is_cut_in_its_middle(found: &Found) {
    let server = RedisServer::start(found, Options::default());
    let proxy = Proxy::before(server.address());
    let (mut connection, requests) = (through(&proxy), three_increments());
    proxy.cut_requests_after(requests.len() / 2);
    connection.send_packed_command(&requests).unwrap();
    let replies: Vec<_> = std::iter::from_fn(|| connection.recv_response().ok()).collect();
    assert_eq!(proxy.struck(), 1);
    assert!(replies.len() < 2, "{replies:?}");
    // The whole command is done, whether its reply came through or not, and the half one is not.
    until("one is done", || server.command(&["GET", "count"]) != Value::Nil);
    assert_eq!(server.text(&["GET", "count"]), "1");
    // One connection was cut, and the next one is fine.
    assert_eq!(redis::cmd("PING").query(&mut through(&proxy)), Ok("PONG".to_owned()));
}

fn a_reply_is_lost_after_the_command_was_done(found: &Found) {
    let server = RedisServer::start(found, Options::default());
    let proxy = Proxy::before(server.address());
    let mut connection = through(&proxy);
    proxy.cut_replies_after(0);
    assert!(redis::cmd("INCR").arg("count").exec(&mut connection).is_err_and(|error| error.is_io_error()));
    assert_eq!((proxy.struck(), server.text(&["GET", "count"])), (1, "1".to_owned()));

    // ":2\r\n" comes through and the other two replies do not.
    let mut connection = through(&proxy);
    proxy.cut_replies_after(4);
    connection.send_packed_command(&three_increments()).unwrap();
    assert_eq!(connection.recv_response(), Ok(Value::Int(2)));
    assert!(connection.recv_response().is_err());
    until("all three are done", || server.text(&["GET", "count"]) == "4");
}

fn held_replies_arrive_when_the_line_is_mended(found: &Found) {
    let server = RedisServer::start(found, Options::default());
    let proxy = Proxy::before(server.address());
    let mut connection = through(&proxy);
    proxy.hold_replies();
    connection.send_packed_command(&three_increments()).unwrap();
    proxy.wait_until_struck(1);
    // The server has done it, as its reply is on the way.
    assert_ne!(server.command(&["GET", "count"]), Value::Nil);
    proxy.mend();
    for count in 1..=3 {
        assert_eq!(connection.recv_response(), Ok(Value::Int(count)));
    }
}

fn a_held_request_is_done_though_its_client_is_gone(found: &Found) {
    let server = RedisServer::start(found, Options::default());
    let proxy = Proxy::before(server.address());
    let mut connection = through(&proxy);
    proxy.hold_requests();
    connection.send_packed_command(&three_increments()).unwrap();
    proxy.wait_until_struck(1);
    drop(connection);
    assert_eq!(server.command(&["GET", "count"]), Value::Nil);
    proxy.mend();
    until("the late requests are done", || server.command(&["GET", "count"]) != Value::Nil);
}

fn replies_are_late(found: &Found) {
    let server = RedisServer::start(found, Options::default());
    let proxy = Proxy::before(server.address());
    let mut connection = through(&proxy);
    let (delay, begun) = (Duration::from_millis(50), Instant::now());
    proxy.delay_replies(delay);
    assert_eq!(redis::cmd("PING").query(&mut connection), Ok("PONG".to_owned()));
    assert!(begun.elapsed() >= delay, "{:?}", begun.elapsed());
    assert_eq!(proxy.struck(), 1);
}

fn connections_are_refused_and_accepted_again(found: &Found) {
    let server = RedisServer::start(found, Options::default());
    let mut proxy = Proxy::before(server.address());
    let mut connection = through(&proxy);
    proxy.refuse();
    assert!(redis::cmd("PING").exec(&mut connection).is_err_and(|error| error.is_connection_dropped()));
    let refused = Client::open(proxy.url()).unwrap().get_connection();
    assert!(refused.is_err_and(|error| error.is_connection_refusal()));
    proxy.accept();
    assert_eq!(redis::cmd("PING").query(&mut through(&proxy)), Ok("PONG".to_owned()));
}

fn new_connections_lead_to_another_server(found: &Found) {
    let [old, new] = [(); 2].map(|()| RedisServer::start(found, Options::default()));
    let proxy = Proxy::before(old.address());
    let mut connection = through(&proxy);
    proxy.lead_to(new.address());
    for connection in [&mut connection, &mut through(&proxy)] {
        redis::cmd("INCR").arg("count").exec(connection).unwrap();
    }
    assert_eq!([&old, &new].map(|server| server.text(&["GET", "count"])), ["1", "1"]);
}
