//! Reading a log from outside while its owner goes on: what is damage, what only looks like it, and what a reader needs.

use crate::harness::{Found, Options, RedisServer, on_each_server};
use crate::rig::{Owner, create, url};
use seathold::ledger::redis::{RedisError, RedisReader, RedisUrl};

on_each_server!(a_reader_goes_on_where_it_stopped, a_reader_needs_to_read_and_nothing_else);

/// More than a page of a reader.
const MANY: usize = 40;

fn started(found: &Found) -> (RedisServer, Owner) {
    let server = RedisServer::start(found, Options::default());
    create(&server);
    let owner = Owner::take(&server);
    (server, owner)
}

/// The sequences of partition 1 that come now. `meanwhile` happens when the third batch has come.
fn go_on(reader: &mut RedisReader, mut meanwhile: impl FnMut()) -> Result<Vec<u64>, RedisError> {
    let mut found = Vec::new();
    reader.for_each(|batch| {
        if batch.partition == 1 {
            found.push(batch.position.sequence);
            if found.len() == 3 {
                meanwhile();
            }
        }
        Ok(())
    })?;
    Ok(found)
}

fn a_reader_goes_on_where_it_stopped(found: &Found) {
    let (server, mut owner) = started(found);
    let mut reader = RedisReader::open(&url(&server)).unwrap();
    (0..MANY).for_each(|_| owner.append(1, b"sold"));
    assert_eq!(go_on(&mut reader, || {}).unwrap(), (1..=41).collect::<Vec<_>>());
    assert_eq!(go_on(&mut reader, || {}), Ok(Vec::new()));
    let mut next = Owner::take(&server);
    next.append(1, b"more");
    assert_eq!(go_on(&mut reader, || {}).unwrap(), [42, 43]);
    assert!(!reader.is_trimmed());
}

/// An audit is wanted most when a server refuses to start: with the least rights, and on settings that no server takes.
fn a_reader_needs_to_read_and_nothing_else(found: &Found) {
    let acl =
        "user default on nopass ~* &* +@all\nuser reader on >secret ~* +hgetall +get +xrange +xrevrange";
    let server = RedisServer::start(found, Options { acl: Some(acl), ..Options::default() });
    create(&server);
    let mut owner = Owner::take(&server);
    owner.append(1, b"sold");
    server.command(&["CONFIG", "SET", "maxmemory-policy", "allkeys-lru"]);
    let url: RedisUrl = format!("redis://reader:secret@{}", server.address()).parse().unwrap();
    let mut reader = RedisReader::open(&url).unwrap();
    assert_eq!(go_on(&mut reader, || {}).unwrap(), [1, 2]);
}
