//! What the log in Redis needs of the world outside: the time, and connections. In production that is the host's clock and
//! sockets (`Access`); a simulation brings its own.

use super::access::Access;
use super::link::{Link, Lost};
use super::node::Node;
use std::time::{Duration, Instant};

/// The world outside, for one server that keeps the ledger. Sentinels and the nodes of a cluster are found over sockets in
/// any case.
pub trait Host: Send + Sync {
    /// The present moment. It never goes back.
    fn now(&self) -> Instant;
    /// Lets time pass.
    fn rest(&self, time: Duration);
    /// Opens a connection to a server that keeps the ledger, greeted and logged in.
    fn connect(&self, node: &Node) -> Result<Link, Lost>;
}

impl Host for Access {
    fn now(&self) -> Instant {
        Instant::now()
    }

    fn rest(&self, time: Duration) {
        std::thread::sleep(time);
    }

    fn connect(&self, node: &Node) -> Result<Link, Lost> {
        Self::connect(self, node)
    }
}
