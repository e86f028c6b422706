//! Finding the primaries of real servers: behind sentinels, through a fail-over, and in a cluster whose slots move.

use crate::harness::cluster::Cluster;
use crate::harness::sentinel::{MASTER, Sentinel};
use crate::harness::{Found, Options, RedisServer, on_each_server, until};
use seathold::ledger::redis::{Access, Lost, Node, SLOTS, Topology, slot};
use std::fs;

on_each_server!(
    a_failed_over_primary_is_found_again,
    a_sentinel_that_names_a_replica_is_not_believed,
    a_name_that_no_sentinel_knows_is_told,
    a_sentinel_has_a_password_of_its_own,
    a_slot_is_where_the_server_has_it,
    each_slot_of_a_cluster_has_its_primary,
    a_promoted_replica_is_found_though_every_seed_is_gone,
    a_node_that_lost_touch_is_believed_last,
    a_node_is_where_it_was_asked_unless_it_tells_its_host,
);

fn a_failed_over_primary_is_found_again(found: &Found) {
    let mut servers = Sentinel::start(found, Options::default());
    // The first of the list is nobody.
    let url = servers.url().replace("://", "://127.0.0.1:1,");
    let mut topology = topology(&url);
    assert!(!topology.is_cluster());
    topology.discover().unwrap();
    assert_eq!(topology.primary(7), Ok(node(&servers.first)));
    servers.first.kill9();
    let Lost(sentence) = topology.discover().unwrap_err();
    assert!(
        sentence.contains("127.0.0.1:1;") && sentence.contains(&node(&servers.first).to_string()),
        "{sentence}"
    );
    // What was known is kept: it may come back.
    assert_eq!(topology.nodes(), [node(&servers.first)]);
    servers.until_primary(&servers.second);
    topology.discover().unwrap();
    assert_eq!(
        (topology.primary(7), topology.nodes()),
        (Ok(node(&servers.second)), vec![node(&servers.second)])
    );
}

fn a_sentinel_that_names_a_replica_is_not_believed(found: &Found) {
    let start = |options| RedisServer::start(found, options);
    let [old, new] = [(); 2].map(|()| start(Options::default()));
    let watch =
        |server: &RedisServer| start(Options { sentinel_of: Some(server.address()), ..Options::default() });
    let [late, right] = [watch(&old), watch(&new)];
    old.command(&["REPLICAOF", "127.0.0.1", &new.address().port().to_string()]);
    let url = |first: &RedisServer| format!("redis+sentinel://{}/{MASTER}", first.address());
    let Lost(sentence) = topology(&url(&late)).discover().unwrap_err();
    assert!(sentence.contains("says that it is none"), "{sentence}");
    let mut both = topology(&url(&late).replace("/seats", &format!(",{}/seats", right.address())));
    both.discover().unwrap();
    assert_eq!(both.nodes(), [node(&new)]);
}

fn a_name_that_no_sentinel_knows_is_told(found: &Found) {
    let server = RedisServer::start(found, Options::default());
    let watch = Options { sentinel_of: Some(server.address()), ..Options::default() };
    let sentinel = RedisServer::start(found, watch);
    let url = format!("redis+sentinel://{}/places", sentinel.address());
    let Lost(sentence) = topology(&url).discover().unwrap_err();
    assert!(sentence.contains("knows no servers called places"), "{sentence}");
}

fn a_sentinel_has_a_password_of_its_own(found: &Found) {
    let server = RedisServer::start(found, Options { requirepass: Some("hunter2"), ..Options::default() });
    let password = ["--requirepass", "hunter3"].map(str::to_owned).to_vec();
    let watch = Options { sentinel_of: Some(server.address()), extra: password, ..Options::default() };
    let sentinel = RedisServer::start(found, watch);
    let file = server.directory().join("password");
    fs::write(&file, "hunter3").unwrap();
    // A sentinel has no databases, and is not asked for one.
    let url = format!("redis+sentinel://:hunter2@{}/{MASTER}/3", sentinel.address());
    let mut known = topology(&format!("{url}?sentinel_password_file={}", file.display()));
    known.discover().unwrap();
    assert_eq!(known.nodes(), [node(&server)]);
    let Lost(sentence) = topology(&url).discover().unwrap_err();
    assert!(sentence.contains("wants a password; give it by sentinel_password_file"), "{sentence}");
}

fn a_slot_is_where_the_server_has_it(found: &Found) {
    let server = RedisServer::start(found, Options { cluster: true, ..Options::default() });
    let tagged =
        (0..64).flat_map(|number| [format!("{{seathold:{number}}}:log"), format!("seathold:{number}")]);
    let odd = ["", "{}", "{}{a}", "a{b", "a}b{c}", "{{a}}", "\u{e9}{\u{fc}}", "seathold:ledger"];
    for key in tagged.chain(odd.map(str::to_owned)) {
        assert_eq!(server.text(&["CLUSTER", "KEYSLOT", &key]), slot(key.as_bytes()).to_string(), "{key:?}");
    }
}

fn each_slot_of_a_cluster_has_its_primary(found: &Found) {
    let cluster = Cluster::start(found, Options::default());
    // One node is enough to know all, and it does not matter who is dead.
    let url = format!("redis+cluster://127.0.0.1:1,{}", cluster.nodes[2].address());
    let mut topology = topology(&url);
    assert!(topology.is_cluster());
    topology.discover().unwrap();
    let mut all: Vec<Node> = cluster.nodes.iter().map(node).collect();
    all.sort();
    assert_eq!(topology.nodes(), all);
    for slot in [0, 1, SLOTS / 3 - 1, SLOTS / 3, SLOTS / 2, SLOTS / 3 * 2, SLOTS - 1] {
        assert_eq!(topology.primary(slot).unwrap().port, cluster.owner(0, slot).port(), "{slot}");
    }
    cluster.begin_move(0, 0, 1);
    cluster.end_move(0, 0, 1);
    topology.moved(0, node(&cluster.nodes[1]));
    let hosts = |topology: &Topology| [0, 1].map(|slot| topology.primary(slot).unwrap());
    let after = [node(&cluster.nodes[1]), node(&cluster.nodes[0])];
    assert_eq!(hosts(&topology), after);
    until("every node knows that the slot has moved", || {
        (0..3).all(|asked| cluster.owner(asked, 0) == cluster.nodes[1].address())
    });
    topology.discover().unwrap();
    assert_eq!(hosts(&topology), after);
}

fn a_promoted_replica_is_found_though_every_seed_is_gone(found: &Found) {
    let mut cluster = Cluster::start(found, Options::default());
    cluster.add_replica(0);
    let mut topology = topology(&format!("redis+cluster://{}", cluster.nodes[0].address()));
    topology.discover().unwrap();
    cluster.nodes[0].kill9();
    let heir = node(&cluster.nodes[3]);
    until("the replica is found", || {
        topology.discover().unwrap();
        topology.primary(0) == Ok(heir.clone())
    });
    assert!(!topology.nodes().contains(&node(&cluster.nodes[0])));
}

fn a_node_that_lost_touch_is_believed_last(found: &Found) {
    let start = || RedisServer::start(found, Options { cluster: true, ..Options::default() });
    let [stray, part, whole] = [(); 3].map(|()| start());
    part.command(&["CLUSTER", "ADDSLOTSRANGE", "0", "99"]);
    whole.command(&["CLUSTER", "ADDSLOTSRANGE", "0", "16383"]);
    until("the whole one serves", || whole.says(&["CLUSTER", "INFO"], "cluster_state:ok"));
    let discovered = |seeds: &[&RedisServer]| {
        let seeds: Vec<_> = seeds.iter().map(|seed| seed.address().to_string()).collect();
        let mut topology = topology(&format!("redis+cluster://{}", seeds.join(",")));
        topology.discover().map(|()| topology)
    };
    let Lost(sentence) = discovered(&[&stray]).err().expect("it has no slots");
    assert!(sentence.contains("names no node with slots"), "{sentence}");
    assert_eq!(discovered(&[&stray, &part, &whole]).unwrap().nodes(), [node(&whole)]);
    // Better than nothing: who is sent there hears from the node itself that the cluster is down.
    let partly = discovered(&[&part, &stray]).unwrap();
    assert_eq!(partly.primary(99), Ok(node(&part)));
    assert!(partly.primary(100).is_err());
    let alone = RedisServer::start(found, Options::default());
    let Lost(sentence) = discovered(&[&alone]).err().expect("it is in no cluster");
    assert!(sentence.contains("cluster support disabled"), "{sentence}");
}

fn a_node_is_where_it_was_asked_unless_it_tells_its_host(found: &Found) {
    let server = RedisServer::start(found, Options { cluster: true, ..Options::default() });
    server.command(&["CLUSTER", "ADDSLOTSRANGE", "0", "16383"]);
    until("it serves", || server.says(&["CLUSTER", "INFO"], "cluster_state:ok"));
    let port = server.address().port();
    let discovered = || {
        let mut topology = topology(&format!("redis+cluster://localhost:{port}"));
        topology.discover().map(|()| topology.nodes())
    };
    let at = |host: &str| Ok(vec![Node { host: host.to_owned(), port }]);
    // It has not met anybody who could tell it its address.
    assert_eq!(discovered(), at("localhost"));
    let set = |name: &str, value: &str| server.command(&["CONFIG", "SET", name, value]);
    set("cluster-preferred-endpoint-type", "unknown-endpoint");
    assert_eq!(discovered(), at("localhost"));
    set("cluster-preferred-endpoint-type", "hostname");
    let Lost(sentence) = discovered().unwrap_err();
    assert!(sentence.contains("what its nodes announce as their host"), "{sentence}");
    set("cluster-announce-hostname", "seats.example.org");
    assert_eq!(discovered(), at("seats.example.org"));
}

fn topology(url: &str) -> Topology {
    let url = url.parse().unwrap_or_else(|error| panic!("{url}: {error}"));
    Topology::new(&url, Access::new(&url).unwrap())
}

fn node(server: &RedisServer) -> Node {
    Node { host: "127.0.0.1".to_owned(), port: server.address().port() }
}
