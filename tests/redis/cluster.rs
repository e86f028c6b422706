//! A ledger on a cluster whose slots move and whose primaries die under load.

use crate::harness::cluster::Cluster;
use crate::harness::{Found, Options, RedisServer, on_each_server, until};
use crate::sale::{PARTITIONS, Sale};
use seathold_client::Reason;

on_each_server!(
    slots_move_with_their_keys,
    a_connection_breaks_while_a_slot_moves,
    a_killed_primary_has_an_heir,
    functions_of_one_node_are_flushed,
);

fn open(cluster: Cluster) -> Sale<Cluster> {
    let url = cluster.url();
    Sale::open(cluster, &url, &[])
}

/// Which node has a partition, and its slot.
fn place(cluster: &Cluster, partition: u16) -> (usize, u16) {
    let slot = cluster.slot(&format!("{{seathold:{partition}}}:log"));
    let owner = cluster.owner(0, slot);
    (cluster.nodes.iter().position(|node| node.address() == owner).unwrap(), slot)
}

/// How many requests a node has answered with this error.
fn refusals(node: &RedisServer, code: &str) -> u64 {
    let stats = node.text(&["INFO", "errorstats"]);
    let count = stats.split(&format!("errorstat_{code}:count=")).nth(1);
    count.map_or(0, |rest| rest.lines().next().unwrap().parse().unwrap())
}

/// Batches of a partition that a node has, whether the slot is its own already or not.
fn batches(node: &RedisServer, partition: u16) -> u64 {
    let mut connection = node.connect();
    redis::cmd("ASKING").exec(&mut connection).unwrap();
    redis::cmd("XLEN").arg(format!("{{seathold:{partition}}}:log")).query(&mut connection).unwrap()
}

/// Waits until batches have arrived of each of these partitions at its node.
fn until_more(cluster: &Cluster, places: &[(u16, usize)]) {
    for &(partition, node) in places {
        let node = &cluster.nodes[node];
        let before = batches(node, partition);
        until(&format!("batches of partition {partition} arrive"), || batches(node, partition) > before);
    }
}

fn slots_move_with_their_keys(found: &Found) {
    open(Cluster::start(found, Options::default())).survives_all_along(|stage| {
        let cluster = &*stage.redis;
        for partition in 0..PARTITIONS {
            let (from, slot) = place(cluster, partition);
            let (old, to) = (&cluster.nodes[from], (from + 1) % 3);
            let before = ["TRYAGAIN", "ASK", "MOVED"].map(|code| (code, refusals(old, code)));
            let until_told = |at: usize| {
                let (code, before) = before[at];
                until(code, || refusals(old, code) > before);
            };
            cluster.begin_move(slot, from, to);
            assert_eq!(cluster.move_keys(slot, from, to, 1), 1);
            until_told(0);
            assert_eq!(cluster.move_keys(slot, from, to, 10), 2);
            until_told(1);
            cluster.end_move(slot, from, to);
            until_told(2);
            until_more(cluster, &[(partition, to)]);
        }
    });
}

fn a_connection_breaks_while_a_slot_moves(found: &Found) {
    open(Cluster::start(found, Options::default())).survives_all_along(|stage| {
        let cluster = &*stage.redis;
        let mut places: Vec<_> =
            (0..PARTITIONS).map(|partition| (partition, place(cluster, partition).0)).collect();
        let (from, slot) = place(cluster, 0);
        let to = (from + 1) % 3;
        cluster.begin_move(slot, from, to);
        assert_eq!(cluster.move_keys(slot, from, to, 10), 3);
        places[0].1 = to;
        let asked = refusals(&cluster.nodes[from], "ASK");
        for node in &cluster.nodes {
            node.command(&["CLIENT", "KILL", "TYPE", "normal"]);
        }
        until("the server is sent on", || refusals(&cluster.nodes[from], "ASK") > asked);
        // Not only the one that moves.
        until_more(cluster, &places);
        cluster.end_move(slot, from, to);
    });
}

fn a_killed_primary_has_an_heir(found: &Found) {
    let mut cluster = Cluster::start(found, Options::default());
    let (doomed, slot) = place(&cluster, 0);
    cluster.add_replica(doomed);
    open(cluster).survives_all_along(|stage| {
        stage.redis.nodes[doomed].kill9();
        // Without one of its primaries a cluster serves nothing.
        stage.until_refused(Reason::Unavailable);
        let cluster = &*stage.redis;
        let heir = cluster.nodes[3].address();
        until("the others take the replica for the owner", || {
            (0..4).filter(|asked| *asked != doomed).all(|asked| cluster.owner(asked, slot) == heir)
        });
        stage.until(Result::is_ok);
    });
}

fn functions_of_one_node_are_flushed(found: &Found) {
    let cluster = Cluster::start(found, Options::default());
    let (node, _) = place(&cluster, 0);
    open(cluster).survives_all_along(|stage| {
        let node = &stage.redis.nodes[node];
        let before = refusals(node, "ERR");
        node.command(&["FUNCTION", "FLUSH"]);
        until("the function is missed", || refusals(node, "ERR") > before);
        until("the function is there again", || {
            let listed: Vec<redis::Value> =
                redis::from_redis_value(node.command(&["FUNCTION", "LIST"])).unwrap();
            !listed.is_empty()
        });
        stage.until(Result::is_ok);
    });
}
