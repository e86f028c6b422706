//! Reading a log from outside while its owner goes on: what is damage, what only looks like it, and what a reader needs.

use crate::harness::{Found, Options, RedisServer, on_each_server};
use crate::rig::{Owner, create, read, url};
use seathold::ledger::Log;
use seathold::ledger::redis::{RedisConsumer, RedisError, RedisReader, RedisUrl, remove_group};

on_each_server!(
    a_reader_goes_on_where_it_stopped,
    what_is_trimmed_while_it_is_read_is_no_damage,
    what_a_fail_over_lost_behind_a_reader_is_no_damage,
    a_hole_is_damage,
    a_missing_end_is_damage,
    a_reader_needs_to_read_and_nothing_else,
    what_is_left_is_read_as_it_was_written,
);

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
    assert_eq!((reader.is_trimmed(), reader.check_tails()), (false, Ok(())));
}

fn what_is_trimmed_while_it_is_read_is_no_damage(found: &Found) {
    let (server, mut owner) = started(found);
    (0..MANY).for_each(|_| owner.append(1, b"sold"));
    let mut reader = RedisReader::open(&url(&server)).unwrap();
    let read_on = go_on(&mut reader, || {
        owner.log.covered(1, 30);
        owner.append(1, b"what is live is written again");
    });
    assert_eq!(read_on, Err(RedisError::Trimmed));
    assert_eq!(server.text(&["XLEN", "{seathold:1}:log"]), "12", "it was trimmed");
    let mut reader = RedisReader::open(&url(&server)).unwrap();
    assert!(reader.is_trimmed());
    assert_eq!(go_on(&mut reader, || {}).unwrap(), (31..=42).collect::<Vec<_>>());
    // What was read may go.
    owner.log.covered(1, 42);
    owner.append(1, b"what is live is written again");
    assert_eq!(go_on(&mut reader, || {}).unwrap(), [43]);
}

fn what_a_fail_over_lost_behind_a_reader_is_no_damage(found: &Found) {
    let (server, mut owner) = started(found);
    let keys = ["{seathold:1}:log", "{seathold:1}:tail"];
    for key in keys {
        server.command(&["COPY", key, &format!("{key}:old")]);
    }
    owner.append(1, b"lost");
    let mut reader = RedisReader::open(&url(&server)).unwrap();
    assert_eq!(go_on(&mut reader, || {}).unwrap(), [1, 2]);
    // The replica that takes over lacks the last batch, and its owner is gone.
    for key in keys {
        server.command(&["COPY", &format!("{key}:old"), key, "REPLACE"]);
    }
    Owner::take(&server);
    assert_eq!(go_on(&mut reader, || {}), Err(RedisError::Undone));
    assert_eq!(read(&server)[1].len(), 2);
}

fn a_hole_is_damage(found: &Found) {
    let (server, mut owner) = started(found);
    (0..MANY).for_each(|_| owner.append(1, b"sold"));
    let hole = owner.batches[1][20].position;
    server.command(&["XDEL", "{seathold:1}:log", &format!("{}-{}", hole.epoch, hole.sequence)]);
    let damaged = go_on(&mut RedisReader::open(&url(&server)).unwrap(), || {}).unwrap_err();
    assert!(damaged.to_string().contains("an entry 1-22 that continues 1-21, not 1-20"), "{damaged}");
}

fn a_missing_end_is_damage(found: &Found) {
    let (server, mut owner) = started(found);
    owner.append(1, b"kept");
    owner.append(1, b"removed");
    let removed = owner.batches[1][2].position;
    let check = || RedisReader::open(&url(&server)).unwrap().check_tails();
    assert_eq!(check(), Ok(()));
    server.command(&["XDEL", "{seathold:1}:log", &format!("{}-{}", removed.epoch, removed.sequence)]);
    assert!(matches!(check(), Err(RedisError::Damaged { key, .. }) if key == "{seathold:1}:tail"));
    server.command(&["DEL", "{seathold:1}:tail"]);
    assert!(matches!(check(), Err(RedisError::Damaged { reason, .. }) if reason == "is missing"));
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
    assert_eq!(reader.check_tails(), Ok(()));
    assert!(reader.remaining().unwrap().is_empty());
    server.command(&["ACL", "SETUSER", "reader", "+xgroup", "+xreadgroup", "+xack"]);
    let mut consumer = RedisConsumer::join(&url, "orders", "a").unwrap();
    while let Some(page) = consumer.next_page().unwrap() {
        consumer.acknowledge(page).unwrap();
    }
    consumer.wait().unwrap();
    remove_group(&url, "orders").unwrap();
}

fn what_is_left_is_read_as_it_was_written(found: &Found) {
    let (server, _owner) = started(found);
    let left = [("G1 2027-03-15", "[]"), ("X 7 2027-03-15", "{}")];
    for (partition, (field, text)) in [2, 0].iter().zip(left) {
        server.command(&["HSET", &format!("{{seathold:{partition}}}:remaining"), field, text]);
    }
    let mut found: Vec<_> =
        RedisReader::open(&url(&server)).unwrap().remaining().unwrap().into_iter().collect();
    found.sort();
    assert_eq!(found, left.map(|(field, text)| (field.to_owned(), text.to_owned())));
}
