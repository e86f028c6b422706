//! One connection to one server: requests go out together, replies come back in their order by a deadline.

use redis::{Connection, RedisError, ServerError, Value};
use std::time::{Duration, Instant};

/// The shortest time that a socket can be told to wait.
const SHORTEST_WAIT: Duration = Duration::from_millis(1);

/// The connection broke, or no reply came in time. What was asked and not answered may have been done, may be done later,
/// or never: only asking the same again can tell.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Lost(pub String);

/// One reply: a value, or the server's refusal of this one request.
pub type Reply = Result<Value, ServerError>;

/// What a connection is made of: bytes out, replies in, and the time that they take.
pub trait Wire: Send {
    /// The present moment, as of `Host::now`.
    fn now(&self) -> Instant;
    /// Sends packed requests, within `timeout` for each piece that is taken.
    fn send(&mut self, requests: &[u8], timeout: Duration) -> Result<(), Lost>;
    /// Reads the next reply; `None` if none came within `timeout`.
    fn receive(&mut self, timeout: Duration) -> Result<Option<Reply>, Lost>;
}

impl Wire for Connection {
    fn now(&self) -> Instant {
        Instant::now()
    }

    fn send(&mut self, requests: &[u8], timeout: Duration) -> Result<(), Lost> {
        let sent = self.set_write_timeout(Some(timeout)).and_then(|()| self.send_packed_command(requests));
        sent.map_err(|error| if error.is_timeout() { silent(timeout) } else { Lost(error.to_string()) })
    }

    fn receive(&mut self, timeout: Duration) -> Result<Option<Reply>, Lost> {
        match self.set_read_timeout(Some(timeout)).and_then(|()| next_reply(self)) {
            Ok(reply) => Ok(Some(reply)),
            Err(error) if error.is_timeout() => Ok(None),
            Err(error) => Err(Lost(error.to_string())),
        }
    }
}

/// A connection that was greeted. After the first `Lost` it is closed for good, because a late reply would be taken for
/// another request's.
pub struct Link {
    wire: Option<Box<dyn Wire>>,
}

impl Link {
    /// One over `wire`, which was greeted.
    pub fn new(wire: impl Wire + 'static) -> Self {
        Self { wire: Some(Box::new(wire)) }
    }

    /// The present moment, as the other side of the connection is waited for.
    pub(super) fn now(&self) -> Instant {
        self.wire.as_ref().map_or_else(Instant::now, |wire| wire.now())
    }

    /// Whether it was lost.
    pub(super) fn is_lost(&self) -> bool {
        self.wire.is_none()
    }

    /// Sends packed requests, within `timeout` for each piece that the socket takes.
    pub(super) fn send(&mut self, requests: &[u8], timeout: Duration) -> Result<(), Lost> {
        self.hold(|wire| wire.send(requests, timeout))
    }

    /// Reads `count` replies, all of them by `deadline`. Those that came before the connection was lost are in `replies`
    /// even then.
    pub(super) fn receive(
        &mut self,
        count: usize,
        deadline: Instant,
        replies: &mut Vec<Reply>,
    ) -> Result<(), Lost> {
        self.hold(|wire| {
            let timeout = deadline.saturating_duration_since(wire.now());
            for _ in 0..count {
                let left = deadline.saturating_duration_since(wire.now()).max(SHORTEST_WAIT);
                replies.push(wire.receive(left)?.ok_or_else(|| silent(timeout))?);
            }
            Ok(())
        })
    }

    /// Asks one thing and waits for the reply.
    pub(super) fn ask(&mut self, command: &redis::Cmd, timeout: Duration) -> Result<Reply, Lost> {
        let mut replies = Vec::with_capacity(1);
        self.send(&command.get_packed_command(), timeout)?;
        self.receive(1, self.now() + timeout, &mut replies)?;
        Ok(replies.remove(0))
    }

    /// The connection is put back only when all went well.
    fn hold(&mut self, work: impl FnOnce(&mut dyn Wire) -> Result<(), Lost>) -> Result<(), Lost> {
        let mut wire = self.wire.take().ok_or_else(|| Lost("the connection was lost before".to_owned()))?;
        work(&mut *wire)?;
        self.wire = Some(wire);
        Ok(())
    }
}

fn silent(timeout: Duration) -> Lost {
    Lost(format!("no reply within {} ms", timeout.as_millis()))
}

fn next_reply(connection: &mut Connection) -> Result<Reply, RedisError> {
    loop {
        match connection.recv_response()? {
            Value::Push { .. } => {}
            Value::ServerError(refusal) => return Ok(Err(refusal)),
            value => return Ok(Ok(value)),
        }
    }
}
