//! Which real servers the ledger is started on, what an operator reads where it is not, and what an acknowledgement waits
//! for where it is.

use crate::harness::{Flavor, Found, Options, RedisServer, on_each_server, until};
use crate::rig::{self, create};
use redis::{Value, cmd};
use seathold::ledger::redis::{self as ledger, Durability, RedisError, RedisLog, RedisUrl, Takeover};
use seathold::ledger::{AppendError, Log};
use seathold_protocol::batch::{Batch, Position, Stamp};

on_each_server!(
    an_eviction_policy_is_refused,
    a_replica_is_refused,
    fsync_is_refused_where_nothing_is_synced,
    fsync_waits_for_the_sync,
    replicas_are_waited_for,
    a_replica_that_does_not_follow_acknowledges_nothing,
    a_server_that_keeps_its_settings_to_itself_promises_nothing,
    a_server_that_does_not_tell_what_it_is_is_refused,
);

const STAMP: Stamp = Stamp { wall_ms: 1_800_000_000_000, boot_ms: 5_000, boot_id: 7 };

fn open_at(url: RedisUrl, durability: Durability) -> Result<Takeover, RedisError> {
    RedisLog::open(&ledger::Options { url, durability, keep_bytes: u64::MAX })
}

fn open(server: &RedisServer, durability: Durability) -> Result<Takeover, RedisError> {
    open_at(rig::url(server), durability)
}

#[track_caller]
fn refused(opened: Result<Takeover, RedisError>, sentence: &str) {
    let Err(error) = opened else { panic!("it was opened, without: {sentence}") };
    assert!(matches!(error, RedisError::Unfit(_)), "{error:?}");
    assert!(error.to_string().contains(sentence), "{error}");
}

/// The log and the next batch of its first partition.
fn taken_over(takeover: Takeover) -> (RedisLog, Batch) {
    let mut tail = Position::default();
    let log = takeover.take(STAMP, |batch| {
        if batch.partition == 0 {
            tail = batch.position;
        }
        Ok(())
    });
    let position = Position { sequence: tail.sequence + 1, ..tail };
    let payload = b"places".to_vec();
    let batch =
        Batch { partition: 0, position, previous_epoch: tail.epoch, stamp: STAMP, records: 0, payload };
    (log.unwrap(), batch)
}

fn synced(appendfsync: &'static str) -> Options {
    Options { appendfsync: Some(appendfsync), ..Options::default() }
}

fn has_waitaof(server: &RedisServer) -> bool {
    let Value::Array(listed) = server.command(&["COMMAND", "INFO", "WAITAOF"]) else { panic!("no list") };
    listed != [Value::Nil]
}

fn an_eviction_policy_is_refused(found: &Found) {
    let policy = Some("allkeys-lru");
    let server = RedisServer::start(found, Options { maxmemory_policy: policy, ..Options::default() });
    let error = ledger::create(&rig::url(&server), 1, "2027-01-01T00:00:00Z").unwrap_err().to_string();
    assert!(error.contains("maxmemory-policy is allkeys-lru"), "{error}");
    assert!(error.contains("set maxmemory-policy noeviction"), "{error}");
    assert_eq!(server.text(&["DBSIZE"]), "0", "it was refused before anything was written");
    server.command(&["CONFIG", "SET", "maxmemory-policy", "noeviction"]);
    create(&server);
    open(&server, Durability::Local).map(drop).unwrap();
    server.command(&["CONFIG", "SET", "maxmemory-policy", "volatile-ttl"]);
    refused(open(&server, Durability::Local), "maxmemory-policy is volatile-ttl");
}

fn a_replica_is_refused(found: &Found) {
    let primary = RedisServer::start(found, Options::default());
    let replica = replica_of(&primary, found);
    refused(open(&replica, Durability::Local), &format!("this is a replica of {}", primary.address()));
}

fn fsync_is_refused_where_nothing_is_synced(found: &Found) {
    let memory = RedisServer::start(found, Options::default());
    create(&memory);
    refused(open(&memory, Durability::Fsync), "set appendonly yes and appendfsync always");
    let sentence = open(&memory, Durability::Local).unwrap().durability().remove(0);
    assert!(sentence.contains(&format!(" at {}: no append-only file", memory.address())), "{sentence}");

    let server = RedisServer::start(found, synced("everysec"));
    create(&server);
    let sentence = open(&server, Durability::Local).unwrap().durability().remove(0);
    assert!(sentence.contains("appendfsync everysec, 0 replicas"), "{sentence}");
    match open(&server, Durability::Fsync) {
        Ok(_) => assert!(found.flavor == Flavor::Redis && has_waitaof(&server), "its WAITAOF does not wait"),
        opened => refused(opened, "set appendfsync always"),
    }
    server.command(&["CONFIG", "SET", "appendfsync", "no"]);
    refused(open(&server, Durability::Fsync), "its appendfsync is no");
    server.command(&["CONFIG", "SET", "appendfsync", "always"]);
    server.command(&["CONFIG", "SET", "no-appendfsync-on-rewrite", "yes"]);
    refused(open(&server, Durability::Fsync), "set no-appendfsync-on-rewrite no");
}

fn fsync_waits_for_the_sync(found: &Found) {
    let server = RedisServer::start(found, synced("always"));
    create(&server);
    let takeover = open(&server, Durability::Fsync).unwrap();
    let sentence = takeover.durability().remove(0);
    let said = "appendfsync always, 0 replicas: a crash of its host loses nothing that it has answered";
    assert!(sentence.ends_with(said), "{sentence}");
    let (mut log, batch) = taken_over(takeover);
    log.append(&[&batch]).unwrap();
    assert_eq!(server.has_run("waitaof"), has_waitaof(&server));
    assert!(!server.has_run("wait"));
}

fn replicas_are_waited_for(found: &Found) {
    let primary = RedisServer::start(found, Options::default());
    create(&primary);
    refused(open(&primary, Durability::Replicated(1)), "it has 0 replicas in sync");
    let replica = replica_of(&primary, found);
    refused(open(&primary, Durability::Replicated(2)), "it has 1 replica in sync");
    let takeover = open(&primary, Durability::Replicated(1)).unwrap();
    let sentence = takeover.durability().remove(0);
    assert!(sentence.contains("no append-only file, 1 replica:"), "{sentence}");
    let (mut log, batch) = taken_over(takeover);
    primary.command(&["CONFIG", "RESETSTAT"]);
    log.append(&[&batch]).unwrap();
    assert!(primary.has_run("wait"));
    let tail = |server: &RedisServer| server.text(&["GET", "{seathold:0}:tail"]);
    assert_eq!(tail(&replica), tail(&primary), "it was acknowledged before the replica had it");
}

fn a_replica_that_does_not_follow_acknowledges_nothing(found: &Found) {
    let primary = RedisServer::start(found, Options::default());
    create(&primary);
    let replica = replica_of(&primary, found);
    let (mut log, batch) = taken_over(open(&primary, Durability::Replicated(1)).unwrap());
    replica.freeze();
    for _ in 0..2 {
        // The second time the batch is in already, and that alone proves nothing.
        let Err(AppendError::Away(reason)) = log.append(&[&batch]) else { panic!("it was acknowledged") };
        assert!(reason.contains("replicated=1"), "{reason}");
    }
    replica.thaw();
    until("the replica has it", || log.append(&[&batch]).is_ok());
    assert_eq!(replica.text(&["XLEN", "{seathold:0}:log"]), "2", "the opening batch and this one, once");
}

const USERS: &str = "user secretive on >hunter2 ~* +@all -config -command\n\
                     user mute on >hunter2 ~* +@all -info";

fn a_server_that_keeps_its_settings_to_itself_promises_nothing(found: &Found) {
    let server = RedisServer::start(found, Options { acl: Some(USERS), ..synced("always") });
    let url = || format!("redis://secretive:hunter2@{}", server.address()).parse::<RedisUrl>().unwrap();
    ledger::create(&url(), 1, "2027-01-01T00:00:00Z").unwrap();
    let takeover = open_at(url(), Durability::Local).unwrap();
    let sentence = takeover.durability().remove(0);
    assert!(sentence.contains("appendfsync unknown, 0 replicas"), "{sentence}");
    let (mut log, batch) = taken_over(takeover);
    log.append(&[&batch]).unwrap();
    match open_at(url(), Durability::Fsync) {
        Ok(_) => assert!(found.flavor == Flavor::Redis && has_waitaof(&server), "nothing proves the sync"),
        opened => refused(opened, "let the ledger's user run CONFIG GET"),
    }
}

fn a_server_that_does_not_tell_what_it_is_is_refused(found: &Found) {
    let server = RedisServer::start(found, Options { acl: Some(USERS), ..Options::default() });
    let url = format!("redis://mute:hunter2@{}", server.address()).parse().unwrap();
    refused(open_at(url, Durability::Local), "it does not tell what it is");
}

/// A replica that follows each write. The first that it has may have come with its copy of everything, and for up to a second
/// behind that it is sent nothing.
pub(crate) fn replica_of(primary: &RedisServer, found: &Found) -> RedisServer {
    let options = Options { replicaof: Some(primary.address()), ..Options::default() };
    let replica = RedisServer::start(found, options);
    let connection = &mut primary.connect();
    let mut follows = || -> bool {
        cmd("SET").arg("probe").arg(1).exec(connection).unwrap();
        cmd("WAIT").arg(1).arg(1_000).query(connection).unwrap()
    };
    until("the replica follows", || follows() && follows());
    replica
}
