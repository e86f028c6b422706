//! Who reads the log beside its owner: consumer groups, and what their entries hold back from trimming.

use crate::harness::cluster::Cluster;
use crate::harness::{Found, Options, PATIENCE, RedisServer, on_each_server};
use crate::rig::{Owner, PARTITIONS, create, url};
use seathold::ledger::Log;
use seathold::ledger::redis::{
    self as ledger, Delivery, Durability, Page, RedisConsumer, RedisError, RedisReader, RedisUrl,
    remove_group,
};
use std::time::{Duration, Instant};

on_each_server!(
    a_group_begins_at_the_oldest_entry,
    what_was_not_acknowledged_comes_again_before_what_is_new,
    more_than_a_page_comes_in_order,
    two_consumers_share_what_is_new,
    an_entry_that_was_removed_is_told_as_lost,
    waiting_ends_with_a_new_entry_and_is_bounded,
    a_group_that_is_removed_ends_its_consumers,
    an_emptied_redis_ends_a_consumer,
    what_belongs_elsewhere_is_refused,
    nothing_is_trimmed_that_a_group_was_not_given,
    nothing_is_trimmed_that_a_group_has_not_acknowledged,
    the_slowest_of_several_groups_counts,
    without_groups_all_below_the_floor_is_trimmed,
    a_trim_makes_no_connection,
    a_cluster_is_read_while_a_slot_moves,
);

fn started(found: &Found) -> (RedisServer, Owner) {
    let server = RedisServer::start(found, Options::default());
    create(&server);
    let owner = Owner::take(&server);
    (server, owner)
}

fn join(server: &RedisServer, name: &str) -> RedisConsumer {
    RedisConsumer::join(&url(server), "orders", name).unwrap()
}

/// Partition and sequence of what is in a page; a lost one has a minus.
fn told(page: &Page) -> Vec<(u16, i64)> {
    let mut told = Vec::new();
    page.for_each(|delivery| {
        told.push(match delivery {
            Delivery::Batch(batch) => (batch.partition, batch.position.sequence as i64),
            Delivery::Lost(position) => (page.partition(), -(position.sequence as i64)),
        });
        Ok(())
    })
    .unwrap();
    told
}

/// Reads to the ends, and acknowledges.
fn drain(consumer: &mut RedisConsumer) -> Vec<(u16, i64)> {
    let mut all = Vec::new();
    while let Some(page) = consumer.next_page().unwrap() {
        all.extend(told(&page));
        consumer.acknowledge(page).unwrap();
    }
    all
}

/// Reads to the ends, and acknowledges nothing.
fn look(consumer: &mut RedisConsumer) -> Vec<(u16, i64)> {
    let mut all = Vec::new();
    while let Some(page) = consumer.next_page().unwrap() {
        all.extend(told(&page));
    }
    all
}

/// Sequences that partition 0 still has.
fn kept(server: &RedisServer) -> Vec<u64> {
    let entries: Vec<(String, Vec<Vec<u8>>)> =
        redis::cmd("XRANGE").arg("{seathold:0}:log").arg("-").arg("+").query(&mut server.connect()).unwrap();
    let sequence = |(id, _): &(String, _)| id.split_once('-').unwrap().1.parse().unwrap();
    entries.iter().map(sequence).collect()
}

/// Covers partition 0 up to a sequence, which the next append heeds.
fn cover(owner: &mut Owner, sequence: u64) {
    owner.log.covered(0, sequence);
    owner.append(0, b"what is live is written again");
}

fn a_group_begins_at_the_oldest_entry(found: &Found) {
    let (server, mut owner) = started(found);
    owner.append(1, b"before there was a group");
    let mut consumer = join(&server, "a");
    assert!(consumer.is_new());
    assert_eq!(drain(&mut consumer), [(0, 1), (1, 1), (1, 2), (2, 1)]);
    assert!(!join(&server, "b").is_new());
    assert_eq!(drain(&mut join(&server, "b")), []);
    owner.append(2, b"new");
    assert_eq!(drain(&mut join(&server, "a")), [(2, 2)]);
    // Another group begins anew.
    let mut other = RedisConsumer::join(&url(&server), "figures", "a").unwrap();
    assert_eq!(drain(&mut other).len(), 5);
}

fn what_was_not_acknowledged_comes_again_before_what_is_new(found: &Found) {
    let (server, mut owner) = started(found);
    drain(&mut join(&server, "a"));
    (0..20).for_each(|_| owner.append(1, b"sold"));
    let mut dies = join(&server, "a");
    let first = dies.next_page().unwrap().unwrap();
    assert_eq!(told(&first), (2..18).map(|sequence| (1, sequence)).collect::<Vec<_>>());
    drop(dies);
    owner.append(1, b"meanwhile");
    owner.append(0, b"elsewhere");
    // Another name is not given what is still on its way to the first.
    let mut other = join(&server, "b");
    assert_eq!(look(&mut other), [(0, 2), (1, 18), (1, 19), (1, 20), (1, 21), (1, 22)]);
    owner.append(1, b"new");
    let mut again = join(&server, "a");
    assert_eq!(drain(&mut again), (2..18).chain([23]).map(|sequence| (1, sequence)).collect::<Vec<_>>());
    assert_eq!(drain(&mut join(&server, "a")), []);
    assert_eq!(drain(&mut join(&server, "b")).len(), 6);
    assert_eq!(server.text(&["XLEN", "{seathold:1}:log"]), "23");
}

fn more_than_a_page_comes_in_order(found: &Found) {
    let (server, mut owner) = started(found);
    (0..49).for_each(|_| owner.append(2, b"sold"));
    let all: Vec<_> = [(0, 1), (1, 1)].into_iter().chain((1..=50).map(|sequence| (2, sequence))).collect();
    assert_eq!(look(&mut join(&server, "a")), all);
    assert_eq!(drain(&mut join(&server, "a")), all, "given again as it was given");
    assert_eq!(drain(&mut join(&server, "a")), []);
}

fn two_consumers_share_what_is_new(found: &Found) {
    let (server, mut owner) = started(found);
    let (mut a, mut b) = (join(&server, "a"), join(&server, "b"));
    (0..39).for_each(|_| owner.append(0, b"sold"));
    let mut given = Vec::new();
    loop {
        let pages = [a.next_page().unwrap(), b.next_page().unwrap()];
        if pages.iter().all(Option::is_none) {
            break;
        }
        for page in pages.into_iter().flatten() {
            given.extend(told(&page));
            // Whose it is does not matter.
            a.acknowledge(page).unwrap();
        }
    }
    given.sort_unstable();
    assert_eq!(given, (1..=40).map(|at| (0, at)).chain([(1, 1), (2, 1)]).collect::<Vec<_>>());
}

fn an_entry_that_was_removed_is_told_as_lost(found: &Found) {
    let (server, mut owner) = started(found);
    (0..3).for_each(|_| owner.append(0, b"sold"));
    look(&mut join(&server, "a"));
    let removed = owner.batches[0][1].position;
    let id = format!("{}-{}", removed.epoch, removed.sequence);
    assert_eq!(server.text(&["XDEL", "{seathold:0}:log", &id]), "1");
    assert_eq!(drain(&mut join(&server, "a"))[..4], [(0, 1), (0, -2), (0, 3), (0, 4)]);
    assert_eq!(drain(&mut join(&server, "a")), [], "told once");
}

fn waiting_ends_with_a_new_entry_and_is_bounded(found: &Found) {
    let (server, mut owner) = started(found);
    let mut consumer = join(&server, "a");
    consumer.wait().unwrap();
    assert_eq!(drain(&mut consumer).len(), 3, "there was something: waiting skips nothing");
    let began = Instant::now();
    consumer.wait().unwrap();
    let waited = began.elapsed();
    assert!(waited > Duration::from_millis(100) && waited < PATIENCE, "{waited:?}");
    assert_eq!(look(&mut consumer), []);

    let (sender, receiver) = std::sync::mpsc::channel();
    std::thread::scope(|scope| {
        scope.spawn(move || {
            for _ in 0..3 {
                // Only when the one before has come.
                receiver.recv().unwrap();
                owner.append(1, b"one");
                owner.append(2, b"two");
            }
        });
        let mut given = Vec::new();
        let began = Instant::now();
        for round in 1..=3 {
            sender.send(()).unwrap();
            while given.len() < 2 * round {
                consumer.wait().unwrap();
                given.extend(drain(&mut consumer));
                assert!(began.elapsed() < PATIENCE, "{given:?}");
            }
        }
        given.sort_unstable();
        assert_eq!(given, [(1, 2), (1, 3), (1, 4), (2, 2), (2, 3), (2, 4)]);
    });
}

fn a_group_that_is_removed_ends_its_consumers(found: &Found) {
    let (server, _owner) = started(found);
    assert_eq!(remove_group(&url(&server), "orders"), Ok(0));
    let mut consumer = join(&server, "a");
    drain(&mut consumer);
    assert_eq!(remove_group(&url(&server), "orders"), Ok(PARTITIONS));
    let gone = consumer.wait().unwrap_err();
    assert!(matches!(&gone, RedisError::NoGroup { group, .. } if group == "orders"), "{gone}");
    let mut consumer = join(&server, "a");
    assert!(consumer.is_new());
    remove_group(&url(&server), "orders").unwrap();
    assert!(matches!(consumer.next_page(), Err(RedisError::NoGroup { .. })));
    // While it waits.
    let mut consumer = join(&server, "a");
    drain(&mut consumer);
    std::thread::scope(|scope| {
        let waiting = scope.spawn(move || {
            loop {
                if let Err(gone) = consumer.wait().and_then(|()| consumer.next_page()) {
                    return gone;
                }
            }
        });
        remove_group(&url(&server), "orders").unwrap();
        let gone = waiting.join().unwrap();
        assert!(matches!(gone, RedisError::NoGroup { .. }), "{gone}");
    });
}

fn an_emptied_redis_ends_a_consumer(found: &Found) {
    let (server, mut owner) = started(found);
    let mut consumer = join(&server, "a");
    drain(&mut consumer);
    server.command(&["FLUSHALL"]);
    assert!(matches!(consumer.wait(), Err(RedisError::NoGroup { .. })));
    let nothing = RedisConsumer::join(&url(&server), "orders", "a").map(drop).unwrap_err();
    assert!(matches!(nothing, RedisError::NoLedger { .. }), "{nothing}");
    // Its owner has it all in memory, and the group begins at its oldest entry again.
    server.command(&["CLIENT", "KILL", "TYPE", "normal"]);
    (0..PARTITIONS).for_each(|partition| owner.append(partition, b"after"));
    assert_eq!(drain(&mut join(&server, "a")), [(0, 1), (0, 2), (1, 1), (1, 2), (2, 1), (2, 2)]);
}

fn what_belongs_elsewhere_is_refused(found: &Found) {
    let (server, mut owner) = started(found);
    owner.append(0, b"sold");
    drain(&mut join(&server, "a"));
    let batch = owner.next(1, b"of another partition");
    let mut bytes = Vec::new();
    batch.encode(&mut bytes);
    let forged = |key: &str, bytes: &[u8]| {
        let mut add = redis::cmd("XADD");
        add.arg(key).arg("7-7").arg("b").arg(bytes).arg("o").arg("00000000000000ab");
        add.exec(&mut server.connect()).unwrap();
        let mut consumer = join(&server, "a");
        let page = consumer.next_page().unwrap().unwrap();
        let damaged = page.for_each(|_| Ok(())).unwrap_err();
        assert!(matches!(&damaged, RedisError::Damaged { key: told, .. } if told == key), "{damaged}");
        server.command(&["XACK", key, "orders", "7-7"]);
    };
    forged("{seathold:0}:log", &bytes);
    let flipped = bytes.len() - 1;
    bytes[flipped] ^= 1;
    forged("{seathold:1}:log", &bytes);
    server.command(&["XADD", "{seathold:2}:log", "7-7", "text", "no batch"]);
    assert!(matches!(join(&server, "a").next_page(), Err(RedisError::Damaged { .. })));
}

fn nothing_is_trimmed_that_a_group_was_not_given(found: &Found) {
    let (server, mut owner) = started(found);
    let mut consumer = join(&server, "a");
    (0..14).for_each(|_| owner.append(0, b"sold"));
    cover(&mut owner, 13);
    assert_eq!(kept(&server), (1..=16).collect::<Vec<_>>(), "it was given nothing yet");
    let page = consumer.next_page().unwrap().unwrap();
    assert_eq!(told(&page).len(), 16);
    consumer.acknowledge(page).unwrap();
    assert_eq!(kept(&server).len(), 16, "only its owner trims");
    cover(&mut owner, 14);
    assert_eq!(kept(&server), [15, 16, 17]);
    cover(&mut owner, 17);
    assert_eq!(kept(&server), [16, 17, 18], "17 was not given, and 16 was given last");
    drain(&mut consumer);
    cover(&mut owner, 18);
    assert_eq!(kept(&server), [18, 19]);
}

fn nothing_is_trimmed_that_a_group_has_not_acknowledged(found: &Found) {
    let (server, mut owner) = started(found);
    (0..10).for_each(|_| owner.append(0, b"sold"));
    let mut consumer = join(&server, "a");
    let page = consumer.next_page().unwrap().unwrap();
    assert_eq!(told(&page).len(), 11);
    // All but the ninth and the tenth.
    for batch in owner.batches[0].iter().filter(|batch| !matches!(batch.position.sequence, 9 | 10)) {
        let id = format!("{}-{}", batch.position.epoch, batch.position.sequence);
        assert_eq!(server.text(&["XACK", "{seathold:0}:log", "orders", &id]), "1");
    }
    cover(&mut owner, 11);
    // 9 comes before 12, though not as text.
    assert_eq!(kept(&server), [9, 10, 11, 12]);
    // A new owner keeps to it as well.
    let mut next = Owner::take(&server);
    next.log.covered(0, 12);
    next.append(0, b"more");
    assert_eq!(kept(&server), [9, 10, 11, 12, 13, 14]);
    consumer.acknowledge(page).unwrap();
    cover(&mut next, 13);
    assert_eq!(kept(&server), [11, 12, 13, 14, 15], "11 was given last");
    remove_group(&url(&server), "orders").unwrap();
    cover(&mut next, 14);
    assert_eq!(kept(&server), [15, 16]);
}

fn the_slowest_of_several_groups_counts(found: &Found) {
    let (server, mut owner) = started(found);
    let mut fast = RedisConsumer::join(&url(&server), "fast", "a").unwrap();
    let mut slow = RedisConsumer::join(&url(&server), "slow", "a").unwrap();
    (0..3).for_each(|_| owner.append(0, b"sold"));
    assert_eq!(drain(&mut fast), drain(&mut slow));
    (0..3).for_each(|_| owner.append(0, b"sold"));
    drain(&mut fast);
    cover(&mut owner, 7);
    assert_eq!(kept(&server), [4, 5, 6, 7, 8]);
    drain(&mut slow);
    cover(&mut owner, 8);
    assert_eq!(kept(&server), [7, 8, 9], "7 was given to the fast one last");
}

fn without_groups_all_below_the_floor_is_trimmed(found: &Found) {
    let (server, mut owner) = started(found);
    (0..12).for_each(|_| owner.append(0, b"sold"));
    cover(&mut owner, 9);
    assert_eq!(kept(&server), [10, 11, 12, 13, 14]);
    // Never the tail.
    cover(&mut owner, 99);
    assert_eq!(kept(&server), [15]);
    assert_eq!(server.text(&["XLEN", "{seathold:1}:log"]), "1", "another partition's stays");
    Owner::take(&server);
}

/// A ledger in a cluster, and its owner.
fn started_in_cluster(found: &Found) -> (Cluster, RedisUrl, Owner) {
    let cluster = Cluster::start(found, Options::default());
    let url: RedisUrl = cluster.url().parse().unwrap();
    ledger::create(&url, PARTITIONS, "2027-01-01T00:00:00Z").unwrap();
    let options = ledger::Options { url: url.clone(), durability: Durability::Local, keep_bytes: u64::MAX };
    (cluster, url, Owner::open(options).unwrap())
}

/// The node that has a partition.
fn home(cluster: &Cluster, partition: u16) -> usize {
    let address = cluster.owner(0, cluster.slot(&format!("{{seathold:{partition}}}:log")));
    cluster.nodes.iter().position(|node| node.address() == address).unwrap()
}

/// One that a trim made would not be asked for its tails by the next append, as every new connection must be.
fn a_trim_makes_no_connection(found: &Found) {
    let (cluster, _, mut owner) = started_in_cluster(found);
    let (node, other) = (&cluster.nodes[home(&cluster, 0)], home(&cluster, 2));
    assert_ne!(node.address(), cluster.nodes[other].address(), "the test needs two nodes");
    (0..5).for_each(|_| owner.append(0, b"sold"));
    let connections = || {
        let clients = node.text(&["CLIENT", "LIST"]);
        clients.lines().filter(|line| line.contains(" name=seathold ")).count()
    };
    assert_eq!(connections(), 1);
    node.command(&["CLIENT", "KILL", "TYPE", "normal"]);
    for covered in [3, 4] {
        owner.log.covered(0, covered);
        owner.append(2, b"elsewhere");
        assert_eq!((connections(), node.text(&["XLEN", "{seathold:0}:log"])), (0, "6".to_owned()));
    }
    owner.append(0, b"what is live is written again");
    assert_eq!((connections(), node.text(&["XLEN", "{seathold:0}:log"])), (1, "3".to_owned()));
}

fn a_cluster_is_read_while_a_slot_moves(found: &Found) {
    let (cluster, url, mut owner) = started_in_cluster(found);
    let (log, slot) = ("{seathold:1}:log", cluster.slot("{seathold:1}:log"));
    let from = home(&cluster, 1);
    let to = (from + 1) % 3;
    let refusal = || cluster.nodes[from].try_command(&["XLEN", log]).unwrap_err().code().unwrap().to_owned();
    let read = || {
        let mut sequences = Vec::new();
        let read = RedisReader::open(&url).unwrap().for_each(|batch| {
            sequences.extend((batch.partition == 1).then_some(batch.position.sequence));
            Ok(())
        });
        read.map(|()| sequences)
    };
    let mut consumer = RedisConsumer::join(&url, "orders", "a").unwrap();
    assert_eq!(drain(&mut consumer), [(0, 1), (1, 1), (2, 1)]);
    owner.append(1, b"before");
    consumer.wait().unwrap();
    let page = consumer.next_page().unwrap().unwrap();
    assert_eq!(look(&mut consumer), []);

    cluster.begin_move(slot, from, to);
    while cluster.move_keys(slot, from, to, 10) > 0 {}
    assert_eq!(refusal(), "ASK");
    consumer.acknowledge(page).unwrap();
    owner.append(1, b"meanwhile");
    assert_eq!((drain(&mut consumer), read()), (vec![(1, 3)], Ok(vec![1, 2, 3])));
    cluster.end_move(slot, from, to);
    assert_eq!(refusal(), "MOVED");
    owner.append(1, b"after");
    assert_eq!((drain(&mut consumer), read()), (vec![(1, 4)], Ok(vec![1, 2, 3, 4])));
    assert_eq!(drain(&mut RedisConsumer::join(&url, "orders", "a").unwrap()), []);
    owner.log.covered(1, 4);
    owner.append(1, b"what is live is written again");
    assert_eq!(cluster.nodes[to].text(&["XLEN", log]), "2", "4 was given last, and 5 was not given");
}
