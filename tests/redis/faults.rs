//! Faults under load, with the real server and a real Redis: after each, the ledger bears out what buyers were told, and
//! the sale goes on.

use crate::harness::{Found, Options, RedisServer, on_each_server};
use crate::sale::{PATIENCE, Sale};
use seathold_client::Reason;

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

fn open(found: &Found) -> Sale<RedisServer> {
    let options = Options { appendfsync: Some("always"), ..Options::default() };
    let redis = RedisServer::start(found, options);
    let url = redis.url();
    Sale::open(redis, &url, &["--durability", "fsync"])
}

fn the_server_is_killed(found: &Found) {
    open(found).survives(|stage| {
        stage.server.kill();
        stage.server.start_again();
    });
}

fn redis_is_killed(found: &Found) {
    open(found).survives(|stage| {
        stage.redis.kill9();
        stage.until_refused(Reason::Unavailable);
        stage.redis.restart();
    });
}

fn both_are_killed(found: &Found) {
    open(found).survives(|stage| {
        stage.redis.kill9();
        stage.server.kill();
        stage.redis.restart();
        stage.server.start_again();
    });
}

fn redis_is_paused(found: &Found) {
    open(found).survives(|stage| {
        stage.redis.command(&["CLIENT", "PAUSE", "60000", "WRITE"]);
        stage.until_refused(Reason::Unavailable);
        stage.redis.command(&["CLIENT", "UNPAUSE"]);
    });
}

fn redis_is_frozen(found: &Found) {
    open(found).survives(|stage| {
        stage.redis.freeze();
        stage.until_refused(Reason::Unavailable);
        stage.redis.thaw();
    });
}

fn redis_is_full(found: &Found) {
    let sale = open(found);
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
    open(found).survives(|stage| {
        stage.redis.forbid_watching();
        stage.until(Result::is_ok);
        assert!(stage.redis.has_run("fcall"));
        stage.redis.command(&["CONFIG", "RESETSTAT"]);
        stage.redis.command(&["FUNCTION", "FLUSH"]);
        stage.redis.command(&["SCRIPT", "FLUSH"]);
        stage.until(Result::is_ok);
        assert!(stage.redis.says(&["INFO", "errorstats"], "errorstat_ERR:"), "nobody missed the function");
    });
}

fn the_eviction_policy_is_changed(found: &Found) {
    open(found).survives(|stage| {
        stage.redis.command(&["CONFIG", "SET", "maxmemory-policy", "allkeys-lru"]);
        stage.until_refused(Reason::Unavailable);
        stage.redis.command(&["CONFIG", "SET", "maxmemory-policy", "noeviction"]);
    });
}

fn everything_is_flushed(found: &Found) {
    open(found).survives(|stage| {
        stage.redis.command(&["FLUSHALL"]);
        stage.until(Result::is_ok);
    });
}
