//! A primary and its replica, with a line between them that can be held: what a fail-over loses is then up to the test.

use redis::{Connection, Value};

use super::proxy::Proxy;
use super::{Found, Options, RedisServer, on_each_server, until};

pub(crate) struct Pair {
    pub(crate) primary: RedisServer,
    pub(crate) replica: RedisServer,
    /// Passes the primary's changes on, as replies.
    pub(crate) line: Proxy,
}

impl Pair {
    /// Starts both with these options, and waits until the replica follows.
    pub(crate) fn start(found: &Found, options: Options) -> Self {
        let primary = RedisServer::start(found, options.clone());
        let line = Proxy::before(primary.address());
        let replica = RedisServer::start(found, Options { replicaof: Some(line.address()), ..options });
        until_it_follows(&replica);
        Self { primary, replica, line }
    }

    /// From now on nothing that the primary does reaches the replica.
    pub(crate) fn part(&self) {
        self.line.hold_replies();
    }

    /// What was held back arrives.
    pub(crate) fn join(&self) {
        self.line.mend();
    }

    /// Makes the replica a primary, with what it has.
    pub(crate) fn promote(&self) {
        self.replica.command(&["REPLICAOF", "NO", "ONE"]);
    }
}

/// Waits until a replica has its primary's data and takes its changes.
pub(super) fn until_it_follows(replica: &RedisServer) {
    until("the replica follows", || replica.says(&["INFO", "replication"], "master_link_status:up"));
}

/// Waits until what a primary writes is known to be with a replica. That may be a second after the replica follows: so long
/// it may wait before it says that it has the data, and Redis 7.0 sends it no change until then.
pub(crate) fn until_it_copies(primary: &RedisServer) {
    let mut connection = primary.connect();
    until("a replica has what the primary wrote", || {
        // Leaves nothing behind.
        redis::cmd("SET").arg("probe").arg(1).exec(&mut connection).unwrap();
        redis::cmd("DEL").arg("probe").exec(&mut connection).unwrap();
        replicas(&mut connection, 50) > 0
    });
}

on_each_server!(a_promoted_replica_lacks_the_tail, a_replica_that_was_parted_catches_up,);

/// How many replicas have what this connection wrote last.
fn replicas(connection: &mut Connection, timeout_ms: u32) -> u32 {
    redis::cmd("WAIT").arg(1).arg(timeout_ms).query(connection).unwrap()
}

fn a_promoted_replica_lacks_the_tail(found: &Found) {
    let mut pair = Pair::start(found, Options::default());
    let mut connection = pair.primary.connect();
    redis::cmd("SET").arg("arrived").arg(1).exec(&mut connection).unwrap();
    assert_eq!(replicas(&mut connection, 5_000), 1);
    pair.part();
    pair.primary.command(&["SET", "tail", "1"]);
    pair.line.wait_until_struck(1);
    pair.primary.kill9();
    pair.promote();
    assert_eq!(pair.replica.text(&["GET", "arrived"]), "1");
    assert_eq!(pair.replica.command(&["GET", "tail"]), Value::Nil);
    // It is a primary now.
    pair.replica.command(&["SET", "tail", "2"]);
}

fn a_replica_that_was_parted_catches_up(found: &Found) {
    let pair = Pair::start(found, Options::default());
    let mut connection = pair.primary.connect();
    pair.part();
    redis::cmd("SET").arg("tail").arg(1).exec(&mut connection).unwrap();
    assert_eq!(replicas(&mut connection, 50), 0);
    assert_eq!(pair.replica.command(&["GET", "tail"]), Value::Nil);
    pair.join();
    assert_eq!(replicas(&mut connection, 5_000), 1);
    assert_eq!(pair.replica.text(&["GET", "tail"]), "1");
}
