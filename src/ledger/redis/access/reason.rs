//! Says why a connection did not come about, and what to check.

use super::{Access, CONNECT_TIMEOUT, Greeting, Lost, Node};
use redis::{ErrorKind, RedisError};
use std::error::Error;
use std::io;
use std::sync::Arc;

impl Access {
    /// What an operator is told of a connection that did not come about.
    pub(super) fn lost(&self, node: &Node, greeting: &Greeting, error: &RedisError) -> Lost {
        let Greeting { peer, login, .. } = greeting;
        let said = || format!("{} {}", error.code().unwrap_or_default(), error.detail().unwrap_or_default());
        Lost(match error.code() {
            Some("WRONGPASS") => {
                format!("{peer} at {node} refuses user or password; check {login} in --ledger ({})", said())
            }
            Some("NOAUTH") => {
                format!("{peer} at {node} wants a password; give it by {login} in --ledger")
            }
            Some(_) => format!("{peer} at {node} refuses the connection: {}", said()),
            None if error.is_timeout() => format!(
                "{peer} at {node} did not answer within {} ms; check that it runs{} and can be reached from here",
                CONNECT_TIMEOUT.as_millis(),
                // Redis itself is silent to a client that greets it in TLS on a port without.
                if self.tls { ", speaks TLS on this port" } else { "" }
            ),
            None if error.is_connection_refusal() => format!(
                "nothing listens at {node}; check that {peer} runs there, and host and port in --ledger"
            ),
            None if error.kind() == ErrorKind::RESP3NotSupported => {
                format!("{peer} at {node} is too old; Seathold needs Redis 6.2 or newer, or Valkey")
            }
            None if is_of_tls(error) || self.tls && error.is_connection_dropped() => format!(
                "TLS with {peer} at {node} failed: {error}; check that this port speaks TLS, that its certificate is \
                 for this host, and that the authority behind it is in the file of ca, or known to this system"
            ),
            None if error.is_connection_dropped() || error.kind() == ErrorKind::Parse => format!(
                "{peer} at {node} answered the greeting with something else: {error}; check that it is Redis, and \
                 write rediss in --ledger if it wants TLS"
            ),
            None => {
                format!("{peer} at {node} cannot be reached: {error}; check its host and port in --ledger")
            }
        })
    }
}

/// Whether the other side was reached and then not believed, or not understood by the layer of TLS.
fn is_of_tls(error: &RedisError) -> bool {
    // The redis crate shares the errors that it wraps, and a stream can only give TLS's as its own.
    let shared = error.source().and_then(|error| error.downcast_ref::<Arc<dyn Error + Send + Sync>>());
    shared.is_some_and(|error| {
        let inside = error.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
        error.is::<rustls::Error>() || inside.is_some_and(|error| error.is::<rustls::Error>())
    })
}
