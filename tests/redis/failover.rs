//! A replica takes the primary's place under load, with and without the last batches.

use crate::harness::pair::{Pair, until_it_copies};
use crate::harness::proxy::Proxy;
use crate::harness::sentinel::Sentinel;
use crate::harness::{Found, Options, RedisServer, on_each_server, until};
use crate::sale::{PARTITIONS, Sale};
use seathold_client::Reason;

on_each_server!(
    a_tail_that_never_arrived_is_appended_again,
    what_never_arrived_was_never_acknowledged,
    a_sentinel_replaces_the_primary,
    a_sentinel_replaces_the_primary_while_the_server_is_dead,
);

/// The ids of all batches, by partition.
fn ids(redis: &RedisServer) -> Vec<Vec<String>> {
    let of = |partition| {
        let entries = redis.command(&["XRANGE", &format!("{{seathold:{partition}}}:log"), "-", "+"]);
        let entries: Vec<(String, redis::Value)> = redis::from_redis_value(entries).unwrap();
        entries.into_iter().map(|(id, _)| id).collect()
    };
    (0..PARTITIONS).map(of).collect()
}

fn a_tail_that_never_arrived_is_appended_again(found: &Found) {
    let pair = Pair::start(found, Options::default());
    // Leads to the primary, whichever server that is.
    let front = Proxy::before(pair.primary.address());
    let url = front.url();
    Sale::open((pair, front), &url, &["--durability", "local"]).survives_all_along(|stage| {
        let (pair, front) = &mut *stage.redis;
        pair.part();
        let replica = ids(&pair.replica);
        until("the replica lacks batches of each partition", || {
            let primary = ids(&pair.primary);
            primary.iter().zip(&replica).all(|(primary, replica)| primary.len() > replica.len() + 3)
        });
        front.refuse();
        let before = ids(&pair.primary);
        pair.primary.kill9();
        pair.promote();
        for (before, arrived) in before.iter().zip(ids(&pair.replica)) {
            assert!(
                before.starts_with(&arrived) && before.len() > arrived.len() + 3,
                "{before:?}, {arrived:?}"
            );
        }
        front.lead_to(pair.replica.address());
        front.accept();
        stage.until(Result::is_ok);
        let replica = &stage.redis.0.replica;
        until("the lost batches are where they were", || {
            before.iter().zip(ids(replica)).all(|(before, after)| after.starts_with(before))
        });
    });
}

fn what_never_arrived_was_never_acknowledged(found: &Found) {
    let pair = Pair::start(found, Options::default());
    until_it_copies(&pair.primary);
    let front = Proxy::before(pair.primary.address());
    let url = front.url();
    Sale::open((pair, front), &url, &["--durability", "replicated=1"]).survives_all_along(|stage| {
        stage.redis.0.part();
        stage.until_refused(Reason::Unavailable);
        let (pair, front) = &mut *stage.redis;
        // Nobody is left who has the last batches.
        stage.server.kill();
        let before = ids(&pair.primary);
        pair.primary.kill9();
        pair.promote();
        assert_ne!(ids(&pair.replica), before, "nothing was lost");
        let next = RedisServer::start(
            found,
            Options { replicaof: Some(pair.replica.address()), ..Options::default() },
        );
        until_it_copies(&pair.replica);
        front.lead_to(pair.replica.address());
        front.refuse();
        front.accept();
        stage.server.start_again();
        // The rest of the sale wants a replica, too.
        pair.primary = next;
        stage.until(Result::is_ok);
    });
}

fn a_sentinel_replaces_the_primary(found: &Found) {
    let watched = Sentinel::start(found, Options::default());
    // The new primary needs a replica, too. This one is never promoted.
    let third = RedisServer::start(
        found,
        Options {
            replicaof: Some(watched.first.address()),
            extra: ["--replica-priority", "0"].map(str::to_owned).to_vec(),
            ..Options::default()
        },
    );
    until("the sentinel knows the third one", || watched.knows_replicas(2));
    until_it_copies(&watched.first);
    let url = watched.url();
    Sale::open((watched, third), &url, &["--durability", "replicated=1"]).survives_all_along(|stage| {
        stage.redis.0.first.kill9();
        stage.until_refused(Reason::Unavailable);
        let (watched, third) = &*stage.redis;
        watched.until_primary(&watched.second);
        until("the third one follows the new primary", || {
            let port = format!("master_port:{}\r", watched.second.address().port());
            third.says(&["INFO", "replication"], &port)
                && third.says(&["INFO", "replication"], "master_link_status:up")
        });
        stage.until(Result::is_ok);
    });
}

fn a_sentinel_replaces_the_primary_while_the_server_is_dead(found: &Found) {
    let watched = Sentinel::start(found, Options::default());
    until_it_copies(&watched.first);
    let url = watched.url();
    Sale::open(watched, &url, &["--durability", "replicated=1"]).survives_all_along(|stage| {
        let watched = &mut *stage.redis;
        watched.first.kill9();
        stage.server.kill();
        watched.until_primary(&watched.second);
        // Until then there is nobody whom the new one could copy batches to.
        watched.first.restart();
        watched.demote(&watched.first);
        until_it_copies(&watched.second);
        stage.server.start_again();
        stage.until(Result::is_ok);
    });
}
