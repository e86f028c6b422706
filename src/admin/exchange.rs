//! One request and its answer on one socket, within a time that covers both: the thread serves one client at a time,
//! and one that dawdles must not keep the next from its page.

use super::request::{Fault, HEAD_BYTES_MAX, Page, parse};
use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::time::{Duration, Instant};

/// How long a client has for everything, from its turn to the last byte.
const EXCHANGE_TIMEOUT: Duration = Duration::from_secs(2);

/// What is sent back.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Response {
    /// Code and reason, as the status line has them.
    pub(super) status: &'static str,
    pub(super) content_type: &'static str,
    pub(super) body: String,
}

/// A connection, blocking, until its deadline.
pub(super) struct Exchange {
    stream: TcpStream,
    deadline: Instant,
}

impl Exchange {
    /// Its time runs from now.
    pub(super) fn begin(stream: TcpStream) -> io::Result<Self> {
        stream.set_nonblocking(false)?;
        Ok(Self { stream, deadline: Instant::now() + EXCHANGE_TIMEOUT })
    }

    /// Reads the request's head. An error is the connection's or the clock's, and leaves nobody to answer.
    pub(super) fn read(&mut self) -> io::Result<Result<Page, Fault>> {
        let mut head = [0; HEAD_BYTES_MAX];
        let mut length = 0;
        loop {
            match self.read_some(&mut head[length..])? {
                0 if length == 0 => return Err(io::ErrorKind::UnexpectedEof.into()),
                0 => return Ok(Err(Fault::Malformed)),
                read => length += read,
            }
            if let Some(outcome) = parse(&head[..length]).transpose() {
                return Ok(outcome);
            }
        }
    }

    /// Sends the answer and ends the connection.
    pub(super) fn answer(mut self, response: &Response) -> io::Result<()> {
        let Response { status, content_type, body } = response;
        let length = body.len();
        let bytes = format!(
            "HTTP/1.1 {status}\r\nContent-Type: {content_type}\r\nContent-Length: {length}\r\nAllow: GET\r\n\
             Cache-Control: no-store\r\nConnection: close\r\n\r\n{body}"
        );
        let mut rest = bytes.as_bytes();
        while !rest.is_empty() {
            self.stream.set_write_timeout(Some(self.time_left()?))?;
            match self.stream.write(rest) {
                Ok(written) => rest = &rest[written..],
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        self.stream.shutdown(Shutdown::Write)?;
        // Closing over bytes that nobody has read resets the connection, and may take the answer with it.
        while self.read_some(&mut [0; 1024])? > 0 {}
        Ok(())
    }

    fn read_some(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            self.stream.set_read_timeout(Some(self.time_left()?))?;
            match self.stream.read(buffer) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                other => return other,
            }
        }
    }

    /// Above zero, as sockets want their timeouts.
    fn time_left(&self) -> io::Result<Duration> {
        let left = self.deadline.saturating_duration_since(Instant::now());
        if left.is_zero() { Err(io::ErrorKind::TimedOut.into()) } else { Ok(left) }
    }
}
