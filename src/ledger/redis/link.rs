//! One connection to one server: requests go out together, replies come back in their order by a deadline.

use redis::{Connection, ServerError, Value};
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

    /// Sends `requests`, packed, and reads `count` replies, all of them within `timeout`. Those that came before the
    /// connection was lost are in `replies` even then.
    pub(super) fn exchange(
        &mut self,
        requests: &[u8],
        count: usize,
        timeout: Duration,
        replies: &mut Vec<Reply>,
    ) -> Result<(), Lost> {
        let connection =
            self.connection.take().ok_or_else(|| Lost("the connection was lost before".to_owned()))?;
        // Put back only when every reply is in.
        self.connection = Some(exchange(connection, requests, count, timeout, replies)?);
        Ok(())
    }

    /// Asks one thing.
    pub(super) fn ask(&mut self, command: &redis::Cmd, timeout: Duration) -> Result<Reply, Lost> {
        let mut replies = Vec::with_capacity(1);
        self.exchange(&command.get_packed_command(), 1, timeout, &mut replies)?;
        Ok(replies.remove(0))
    }
}

fn exchange(
    mut connection: Connection,
    requests: &[u8],
    count: usize,
    timeout: Duration,
    replies: &mut Vec<Reply>,
) -> Result<Connection, Lost> {
    let deadline = Instant::now() + timeout;
    let lost = |error: redis::RedisError| {
        Lost(if error.is_timeout() {
            format!("no reply within {} ms", timeout.as_millis())
        } else {
            error.to_string()
        })
    };
    connection.set_write_timeout(Some(timeout)).map_err(lost)?;
    connection.send_packed_command(requests).map_err(lost)?;
    for _ in 0..count {
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            connection.set_read_timeout(Some(left.max(SHORTEST_WAIT))).map_err(lost)?;
            match connection.recv_response().map_err(lost)? {
                Value::Push { .. } => {}
                Value::ServerError(refusal) => break replies.push(Err(refusal)),
                value => break replies.push(Ok(value)),
            }
        }
    }
    Ok(connection)
}
