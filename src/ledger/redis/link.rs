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
pub(super) type Reply = Result<Value, ServerError>;

/// A connection that was greeted. After the first `Lost` it is closed for good, because a late reply would be taken for
/// another request's.
pub struct Link {
    connection: Option<Connection>,
}

impl Link {
    pub(super) fn new(connection: Connection) -> Self {
        Self { connection: Some(connection) }
    }

    /// Whether it was lost.
    pub(super) fn is_lost(&self) -> bool {
        self.connection.is_none()
    }

    /// Sends packed requests, within `timeout` for each piece that the socket takes.
    pub(super) fn send(&mut self, requests: &[u8], timeout: Duration) -> Result<(), Lost> {
        self.hold(timeout, |connection| {
            connection.set_write_timeout(Some(timeout))?;
            connection.send_packed_command(requests)
        })
    }

    /// Reads `count` replies, all of them by `deadline`. Those that came before the connection was lost are in `replies`
    /// even then.
    pub(super) fn receive(
        &mut self,
        count: usize,
        deadline: Instant,
        replies: &mut Vec<Reply>,
    ) -> Result<(), Lost> {
        let began = Instant::now();
        self.hold(deadline.saturating_duration_since(began), |connection| {
            for _ in 0..count {
                let left = deadline.saturating_duration_since(Instant::now()).max(SHORTEST_WAIT);
                connection.set_read_timeout(Some(left))?;
                replies.push(next_reply(connection)?);
            }
            Ok(())
        })
    }

    /// Asks one thing and waits for the reply.
    pub(super) fn ask(&mut self, command: &redis::Cmd, timeout: Duration) -> Result<Reply, Lost> {
        let mut replies = Vec::with_capacity(1);
        self.send(&command.get_packed_command(), timeout)?;
        self.receive(1, Instant::now() + timeout, &mut replies)?;
        Ok(replies.remove(0))
    }

    /// The connection is put back only when all went well.
    fn hold(
        &mut self,
        timeout: Duration,
        work: impl FnOnce(&mut Connection) -> Result<(), RedisError>,
    ) -> Result<(), Lost> {
        let mut connection =
            self.connection.take().ok_or_else(|| Lost("the connection was lost before".to_owned()))?;
        match work(&mut connection) {
            Ok(()) => {
                self.connection = Some(connection);
                Ok(())
            }
            Err(error) if error.is_timeout() => {
                Err(Lost(format!("no reply within {} ms", timeout.as_millis())))
            }
            Err(error) => Err(Lost(error.to_string())),
        }
    }
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
