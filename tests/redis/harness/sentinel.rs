//! A primary, its replica, and a sentinel that promotes the replica when the primary is silent for a second.

use redis::Value;
use std::collections::HashMap;
use std::net::SocketAddr;

use super::pair::until_it_follows;
use super::{Found, Options, RedisServer, on_each_server, until};

/// The name under which the sentinel knows the primary.
pub(crate) const MASTER: &str = "seats";

pub(crate) struct Sentinel {
    /// The primary at first: which one it is later, [`Sentinel::primary`] tells.
    pub(crate) first: RedisServer,
    pub(crate) second: RedisServer,
    pub(crate) sentinel: RedisServer,
}

impl Sentinel {
    /// Starts the servers with these options, and waits until the sentinel knows all of them.
    pub(crate) fn start(found: &Found, options: Options) -> Self {
        let first = RedisServer::start(found, options.clone());
        let replicaof = Some(first.address());
        let second = RedisServer::start(found, Options { replicaof, ..options });
        until_it_follows(&second);
        let watch = Options { sentinel_of: Some(first.address()), ..Options::default() };
        let sentinel = RedisServer::start(found, watch);
        // By default it asks a new primary for a first answer only when that is late already. The time is as short as it can
        // be: what a replica told is too old to promote it after five times as much, and is asked for each second.
        sentinel.command(&["SENTINEL", "DEBUG", "PING-PERIOD", "300", "INFO-PERIOD", "100"]);
        let watched = Self { first, second, sentinel };
        until("the sentinel knows the replica's state", || watched.knows_replicas(1));
        watched
    }

    /// As `--ledger` takes it.
    pub(crate) fn url(&self) -> String {
        format!("redis+sentinel://{}/{MASTER}", self.sentinel.address())
    }

    /// Whether the sentinel knows the state of so many replicas.
    pub(crate) fn knows_replicas(&self, count: usize) -> bool {
        let told = self.sentinel.command(&["SENTINEL", "REPLICAS", MASTER]);
        let replicas: Vec<HashMap<String, String>> = redis::from_redis_value(told).unwrap();
        replicas.iter().filter(|replica| replica["master-link-status"] == "ok").count() == count
    }

    /// Whom the sentinel takes for the primary.
    pub(crate) fn primary(&self) -> SocketAddr {
        let told = self.sentinel.command(&["SENTINEL", "GET-MASTER-ADDR-BY-NAME", MASTER]);
        let (host, port): (String, u16) = redis::from_redis_value(told).unwrap();
        SocketAddr::new(host.parse().unwrap(), port)
    }

    /// Lets the sentinel make the old primary the new one's replica at once, and not some eight seconds after it came back;
    /// waits until the old one follows.
    pub(crate) fn demote(&self, old: &RedisServer) {
        self.sentinel.command(&["SENTINEL", "DEBUG", "PUBLISH-PERIOD", "100"]);
        until("the sentinel has demoted it", || old.says(&["INFO", "replication"], "role:slave"));
        until_it_follows(old);
    }

    /// Waits until the sentinel has made `server` the primary.
    pub(crate) fn until_primary(&self, server: &RedisServer) {
        until("the sentinel has promoted it", || {
            self.primary() == server.address() && server.says(&["INFO", "replication"], "role:master")
        });
    }
}

on_each_server!(
    a_sentinel_replaces_a_killed_primary,
    a_frozen_primary_is_replaced_and_takes_writes_when_it_thaws,
);

fn a_sentinel_replaces_a_killed_primary(found: &Found) {
    let mut watched = Sentinel::start(found, Options::default());
    assert_eq!(watched.primary(), watched.first.address());
    assert!(watched.url().ends_with("/seats"), "{}", watched.url());
    watched.first.kill9();
    watched.until_primary(&watched.second);
    watched.second.command(&["SET", "key", "1"]);
    // The old one comes back as the new one's replica.
    watched.first.restart();
    watched.demote(&watched.first);
    assert_eq!(watched.first.text(&["GET", "key"]), "1");
    // It keeps what it learned.
    watched.sentinel.restart();
    assert_eq!(watched.primary(), watched.second.address());
}

fn a_frozen_primary_is_replaced_and_takes_writes_when_it_thaws(found: &Found) {
    let watched = Sentinel::start(found, Options::default());
    watched.first.freeze();
    watched.until_primary(&watched.second);
    watched.first.thaw();
    // It does not know yet, and what it takes now is lost.
    watched.first.command(&["SET", "doomed", "1"]);
    watched.demote(&watched.first);
    assert_eq!(watched.first.command(&["GET", "doomed"]), Value::Nil);
}
