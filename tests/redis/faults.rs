//! Faults under load, with the real server and a real Redis: after each, the ledger bears out what buyers were told, and
//! the sale goes on.

use crate::crowd::{Crowd, Strangers};
use crate::harness::{Found, Options, RedisServer, on_each_server};
use crate::serving::TestServer;
use seathold_client::{Client, Error, Reason};
use std::time::{Duration, Instant};

/// Requests of one rush.
const REQUESTS: u64 = 800;

/// Longer than any fault here takes to pass. It ends a test that would wait for ever.
const PATIENCE: Duration = Duration::from_secs(30);

on_each_server!(
    the_server_is_killed,
    redis_is_killed,
    both_are_killed,
    redis_is_paused,
    redis_is_frozen,
    redis_is_full,
    scripts_are_flushed,
    the_eviction_policy_is_changed,
    everything_is_flushed,
);

struct Sale {
    redis: RedisServer,
    server: TestServer,
    client: Client,
    crowd: Crowd,
}

/// What a fault may touch.
struct Stage<'a> {
    redis: &'a mut RedisServer,
    server: &'a mut TestServer,
    /// Does not wait for a better time.
    hasty: Client,
    strangers: Strangers,
}

impl Sale {
    fn open(found: &Found) -> Self {
        let options = Options { appendfsync: Some("always"), ..Options::default() };
        let redis = RedisServer::start(found, options);
        seathold::ledger::redis::create(&redis.url().parse().unwrap(), 4, "2027-01-01T00:00:00Z").unwrap();
        let server = TestServer::start_on(&redis.url(), &["--durability", "fsync"]);
        let client = server.client();
        let crowd = Crowd::new(&client);
        Self { redis, server, client, crowd }
    }

    /// A rush with a fault in its middle, and one after it; then the ledger is read.
    fn survives(mut self, fault: impl FnOnce(&mut Stage<'_>)) {
        let mut stage = Stage {
            redis: &mut self.redis,
            server: &mut self.server,
            hasty: self.client.with_timeout(Duration::from_millis(300)),
            strangers: self.crowd.strangers(),
        };
        self.crowd.rush(&self.client, REQUESTS, || fault(&mut stage));
        self.crowd.rush(&self.client, REQUESTS, || ());
        assert!(self.crowd.accepted > REQUESTS / 8, "only {} accepted after the fault", self.crowd.accepted);
        self.crowd.judge(&mut self.server, &self.redis);
    }
}

impl Stage<'_> {
    /// Waits until a new reservation is refused for this reason.
    fn until_refused(&mut self, expected: Reason) {
        self.until(|told| matches!(told, Err(Error::NotDone { reason, .. }) if *reason == expected));
    }

    fn until(&mut self, holds: impl Fn(&Result<seathold_client::Reservation, Error>) -> bool) {
        let began = Instant::now();
        loop {
            let asked = self.strangers.request();
            let target = asked.target();
            let told = self.hasty.reserve(asked);
            if told.is_ok() {
                // The next one wants a place, too.
                let _ = self.hasty.cancel(target);
            }
            if holds(&told) {
                return;
            }
            assert!(began.elapsed() < PATIENCE, "the last reservation was told {told:?}");
        }
    }
}

fn the_server_is_killed(found: &Found) {
    Sale::open(found).survives(|stage| {
        stage.server.kill();
        stage.server.start_again();
    });
}

fn redis_is_killed(found: &Found) {
    Sale::open(found).survives(|stage| {
        stage.redis.kill9();
        stage.until_refused(Reason::Unavailable);
        stage.redis.restart();
    });
}

fn both_are_killed(found: &Found) {
    Sale::open(found).survives(|stage| {
        stage.redis.kill9();
        stage.server.kill();
        stage.redis.restart();
        stage.server.start_again();
    });
}

fn redis_is_paused(found: &Found) {
    Sale::open(found).survives(|stage| {
        stage.redis.command(&["CLIENT", "PAUSE", "60000", "WRITE"]);
        stage.until_refused(Reason::Unavailable);
        stage.redis.command(&["CLIENT", "UNPAUSE"]);
    });
}

fn redis_is_frozen(found: &Found) {
    Sale::open(found).survives(|stage| {
        stage.redis.freeze();
        stage.until_refused(Reason::Unavailable);
        stage.redis.thaw();
    });
}

fn redis_is_full(found: &Found) {
    let sale = Sale::open(found);
    let asked = sale.crowd.strangers().request();
    let target = asked.target();
    sale.client.reserve(asked).unwrap();
    sale.survives(|stage| {
        stage.redis.command(&["CONFIG", "SET", "maxmemory", "1"]);
        stage.until_refused(Reason::Busy);
        let cancelled =
            stage.hasty.with_timeout(PATIENCE).cancel(target).expect("what gives places back has room");
        assert_eq!(cancelled.state, seathold_protocol::reservation::State::Cancelled);
        stage.redis.command(&["CONFIG", "SET", "maxmemory", "0"]);
    });
}

fn scripts_are_flushed(found: &Found) {
    Sale::open(found).survives(|stage| {
        stage.redis.command(&["FUNCTION", "FLUSH"]);
        stage.redis.command(&["SCRIPT", "FLUSH"]);
        stage.until(Result::is_ok);
    });
}

fn the_eviction_policy_is_changed(found: &Found) {
    Sale::open(found).survives(|stage| {
        stage.redis.command(&["CONFIG", "SET", "maxmemory-policy", "allkeys-lru"]);
        stage.until_refused(Reason::Unavailable);
        stage.redis.command(&["CONFIG", "SET", "maxmemory-policy", "noeviction"]);
    });
}

fn everything_is_flushed(found: &Found) {
    Sale::open(found).survives(|stage| {
        stage.redis.command(&["FLUSHALL"]);
        stage.until(Result::is_ok);
    });
}
