//! One client's connection: what it has sent and not been served, what it was answered and has not read.
//!
//! An idle connection has no buffers. Bytes are read into a buffer of the core; only what cannot be served in the turn
//! (part of a frame, or whole frames above the credit) is kept with the connection.

use super::{CREDIT, FRAME_TIMEOUT_MS, HELLO_TIMEOUT_MS, OUTBOUND_BYTES_PAUSE, WRITE_TIMEOUT_MS};
use mio::net::TcpStream;
use seathold_protocol::frame::{self, Frame, FrameError};
use seathold_protocol::limits::REQUEST_BYTES_MAX;
use std::io::{self, Read, Write};

/// Buffers above this are given back when they are empty.
const KEPT_BYTES: usize = 16_384;

/// What a read found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fill {
    /// More may be waiting in the socket.
    More,
    /// The socket is empty for now.
    Drained,
    /// The client closed its end.
    Closed,
}

/// One connection.
pub struct Connection {
    stream: TcpStream,
    /// Bytes that were read and not served.
    rest: Vec<u8>,
    /// Bytes of answers, of which the first `sent` are written.
    outbound: Vec<u8>,
    sent: usize,
    /// Requests whose answer has not been written here.
    in_flight: u32,
    /// The socket may have bytes to read.
    pub readable: bool,
    /// The client closed its end: a read that finds fewer bytes than asked has still not found the end.
    pub hung_up: bool,
    /// HELLO was answered.
    pub greeted: bool,
    /// May ask what only operators may.
    pub operator: bool,
    /// The peer is on this host.
    pub local: bool,
    /// Close when everything is written.
    pub closing: bool,
    /// In the core's list of connections to serve, or to flush.
    pub queued_to_serve: bool,
    /// Likewise.
    pub queued_to_flush: bool,
    /// When it was accepted, when `rest` began with part of a frame, when a write last found no room.
    opened_ms: u64,
    partial_since_ms: Option<u64>,
    blocked_since_ms: Option<u64>,
}

/// Why a connection is closed by the sweep.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Overdue {
    /// No HELLO in time.
    Hello,
    /// A frame was not whole in time.
    Frame,
    /// The client does not read.
    Write,
}

impl Connection {
    /// A connection that was just accepted.
    pub fn new(stream: TcpStream, local: bool, now_ms: u64) -> Self {
        Self {
            stream,
            rest: Vec::new(),
            outbound: Vec::new(),
            sent: 0,
            in_flight: 0,
            readable: true,
            hung_up: false,
            greeted: false,
            operator: false,
            local,
            closing: false,
            queued_to_serve: false,
            queued_to_flush: false,
            opened_ms: now_ms,
            partial_since_ms: None,
            blocked_since_ms: None,
        }
    }

    /// Puts what was left over into `buffer`, then reads once behind it; also how many bytes that read.
    pub fn fill(&mut self, buffer: &mut Frames) -> io::Result<(Fill, usize)> {
        buffer.start = 0;
        buffer.end = self.rest.len();
        buffer.bytes[..buffer.end].copy_from_slice(&self.rest);
        self.rest.clear();
        if !self.readable || buffer.end == buffer.bytes.len() {
            return Ok((Fill::Drained, 0));
        }
        let room = buffer.bytes.len() - buffer.end;
        loop {
            match self.stream.read(&mut buffer.bytes[buffer.end..]) {
                Ok(0) => return Ok((Fill::Closed, 0)),
                Ok(read) => {
                    buffer.end += read;
                    // A stream socket that gives less than asked is empty (epoll(7)); its next bytes are an event. Its
                    // end may have been announced with these bytes, and is not announced again.
                    self.readable = read == room || self.hung_up;
                    return Ok((if self.readable { Fill::More } else { Fill::Drained }, read));
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    self.readable = false;
                    return Ok((Fill::Drained, 0));
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    }

    /// Keeps what was not served. `blocked`: whole frames may be left for want of credit, so the client is not late.
    pub fn keep(&mut self, buffer: &Frames, blocked: bool, now_ms: u64) {
        self.rest.extend_from_slice(buffer.unserved());
        let partial = !self.rest.is_empty() && !blocked;
        self.partial_since_ms = partial.then(|| self.partial_since_ms.unwrap_or(now_ms));
        if self.rest.is_empty() && self.rest.capacity() > KEPT_BYTES {
            self.rest = Vec::new();
        }
    }

    /// Notes that a frame was served: the next partial one has its own time.
    pub fn progressed(&mut self) {
        self.partial_since_ms = None;
    }

    /// Whether bytes are left over that may be served without reading.
    pub fn has_rest(&self) -> bool {
        !self.rest.is_empty()
    }

    /// Whether another request may be taken up now.
    pub fn has_room(&self) -> bool {
        self.in_flight < CREDIT && self.outbound.len() - self.sent < OUTBOUND_BYTES_PAUSE && !self.closing
    }

    /// Where answers are encoded.
    pub fn outbound(&mut self) -> &mut Vec<u8> {
        &mut self.outbound
    }

    /// Counts a request whose answer comes later.
    pub fn begin(&mut self) {
        self.in_flight += 1;
    }

    /// Counts the answer of such a request.
    pub fn finish(&mut self) {
        self.in_flight = self.in_flight.checked_sub(1).expect("an answer follows a request");
    }

    /// Whether every request is answered and every answer written.
    pub fn is_settled(&self) -> bool {
        self.in_flight == 0 && self.outbound.is_empty()
    }

    /// Writes as much as the socket takes; how many bytes that was.
    pub fn flush(&mut self, now_ms: u64) -> io::Result<usize> {
        let before = self.sent;
        while self.sent < self.outbound.len() {
            match self.stream.write(&self.outbound[self.sent..]) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(written) => {
                    self.sent += written;
                    self.blocked_since_ms = None;
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    self.blocked_since_ms.get_or_insert(now_ms);
                    let written = self.sent - before;
                    self.outbound.drain(..self.sent);
                    self.sent = 0;
                    return Ok(written);
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        let written = self.sent - before;
        self.outbound.clear();
        self.sent = 0;
        if self.outbound.capacity() > KEPT_BYTES {
            self.outbound = Vec::new();
        }
        Ok(written)
    }

    /// Which time limit the connection has passed, if one.
    pub fn overdue(&self, now_ms: u64) -> Option<Overdue> {
        let passed = |since: Option<u64>, limit_ms| since.is_some_and(|since| now_ms >= since + limit_ms);
        if !self.greeted && passed(Some(self.opened_ms), HELLO_TIMEOUT_MS) {
            Some(Overdue::Hello)
        } else if passed(self.partial_since_ms, FRAME_TIMEOUT_MS) {
            Some(Overdue::Frame)
        } else if passed(self.blocked_since_ms, WRITE_TIMEOUT_MS) {
            Some(Overdue::Write)
        } else {
            None
        }
    }

    /// The source to register with a poll.
    pub fn source(&mut self) -> &mut TcpStream {
        &mut self.stream
    }
}

/// The core's read buffer: the bytes of the connection that is being served, cut into frames.
pub struct Frames {
    bytes: Box<[u8]>,
    start: usize,
    end: usize,
}

impl Frames {
    /// A buffer of `bytes` bytes, which must be more than the longest request.
    pub fn new(bytes: usize) -> Self {
        assert!(bytes > REQUEST_BYTES_MAX, "a read buffer holds at least one request");
        Self { bytes: vec![0; bytes].into(), start: 0, end: 0 }
    }

    /// The next whole frame.
    pub fn next_frame(&mut self) -> Result<Option<Frame<'_>>, FrameError> {
        let split = frame::split(&self.bytes[self.start..self.end], REQUEST_BYTES_MAX)?;
        if let Some(frame) = &split {
            self.start += frame.bytes();
        }
        Ok(split)
    }

    fn unserved(&self) -> &[u8] {
        &self.bytes[self.start..self.end]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::net::Table;
    use seathold_protocol::frame::HEADER_BYTES;
    use seathold_protocol::request::Request;

    /// A client's end, and the server's connection.
    fn pair() -> (std::net::TcpStream, Connection) {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let client = std::net::TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        client.set_nodelay(true).unwrap();
        let (stream, _) = listener.accept().unwrap();
        stream.set_nonblocking(true).unwrap();
        (client, Connection::new(TcpStream::from_std(stream), true, 1_000))
    }

    fn pings(count: u64) -> Vec<u8> {
        let mut bytes = Vec::new();
        (0..count).for_each(|correlation| Request::Ping(&[]).encode(correlation, &mut bytes));
        bytes
    }

    /// Reads until the socket has given `bytes` bytes.
    fn fill_with(connection: &mut Connection, frames: &mut Frames, bytes: usize) {
        let mut read = connection.rest.len();
        while read < bytes {
            connection.readable = true;
            read += connection.fill(frames).unwrap().1;
            if read < bytes {
                connection.keep(frames, false, 1_000);
            }
        }
    }

    #[test]
    fn what_is_left_over_is_served_first_in_the_next_turn() {
        let (mut client, mut connection) = pair();
        let mut frames = Frames::new(4_096);
        let bytes = pings(3);
        client.write_all(&bytes[..40]).unwrap();
        fill_with(&mut connection, &mut frames, 40);
        assert_eq!(frames.next_frame().unwrap().unwrap().header.correlation, 0);
        assert_eq!(frames.next_frame().unwrap().unwrap().header.correlation, 1);
        assert_eq!(frames.next_frame(), Ok(None));
        connection.keep(&frames, false, 1_000);
        client.write_all(&bytes[40..]).unwrap();
        fill_with(&mut connection, &mut frames, HEADER_BYTES);
        assert_eq!(frames.next_frame().unwrap().unwrap().header.correlation, 2);
    }

    #[test]
    fn a_byte_a_second_passes_the_time_limit_of_its_frame() {
        let (mut client, mut connection) = pair();
        connection.greeted = true;
        let mut frames = Frames::new(4_096);
        for (second, byte) in pings(1)[..11].iter().enumerate() {
            client.write_all(&[*byte]).unwrap();
            let now_ms = 1_000 + second as u64 * 1_000;
            fill_with(&mut connection, &mut frames, second + 1);
            assert_eq!(frames.next_frame(), Ok(None));
            connection.keep(&frames, false, now_ms);
            let late = (now_ms >= 1_000 + FRAME_TIMEOUT_MS).then_some(Overdue::Frame);
            assert_eq!(connection.overdue(now_ms), late);
        }
    }

    #[test]
    fn hello_has_a_time_limit_and_an_idle_connection_has_none() {
        let (_client, mut connection) = pair();
        assert_eq!(connection.overdue(1_000 + HELLO_TIMEOUT_MS - 1), None);
        assert_eq!(connection.overdue(1_000 + HELLO_TIMEOUT_MS), Some(Overdue::Hello));
        connection.greeted = true;
        assert_eq!(connection.overdue(u64::MAX), None);
    }

    #[test]
    fn a_client_that_does_not_read_is_paused_and_then_overdue() {
        let (_client, mut connection) = pair();
        connection.greeted = true;
        while connection.blocked_since_ms.is_none() {
            connection.outbound().extend_from_slice(&[0; OUTBOUND_BYTES_PAUSE]);
            connection.flush(2_000).unwrap();
        }
        connection.outbound().extend_from_slice(&[0; OUTBOUND_BYTES_PAUSE]);
        assert!(!connection.has_room());
        assert_eq!(connection.overdue(2_000 + WRITE_TIMEOUT_MS - 1), None);
        assert_eq!(connection.overdue(2_000 + WRITE_TIMEOUT_MS), Some(Overdue::Write));
    }

    #[test]
    fn credit_is_taken_and_given_back() {
        let (_client, mut connection) = pair();
        (0..CREDIT).for_each(|_| connection.begin());
        assert!(!connection.has_room());
        connection.finish();
        assert!(connection.has_room());
    }

    #[test]
    fn a_late_answer_does_not_reach_the_next_connection_in_the_slot() {
        let mut table = Table::default();
        let first = table.insert(pair().1);
        table.remove(first).unwrap();
        let second = table.insert(pair().1);
        assert_eq!(first.slot(), second.slot());
        assert!(table.get(first).is_none() && table.get(second).is_some());
    }
}
