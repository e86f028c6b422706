//! A cluster of three primaries, without replicas unless a test adds one, whose slots a test can move.

use redis::Value;
use std::net::SocketAddr;

use super::{Found, Options, RedisServer, on_each_server, until};

/// Slots of every cluster.
pub(crate) const SLOTS: u16 = 16_384;

const PRIMARIES: u16 = 3;

pub(crate) struct Cluster {
    found: Found,
    options: Options,
    /// The primaries in the order of their slots, a third each, then the replicas.
    pub(crate) nodes: Vec<RedisServer>,
}

impl Cluster {
    /// Starts the primaries with these options, and waits until each serves.
    pub(crate) fn start(found: &Found, options: Options) -> Self {
        let options = Options { cluster: true, ..options };
        let start = |_| RedisServer::start(found, options.clone());
        let nodes: Vec<_> = (0..PRIMARIES).map(start).collect();
        for (index, node) in (0..).zip(&nodes) {
            // Epochs of their own spare the nodes to find out who gives way.
            node.command(&["CLUSTER", "SET-CONFIG-EPOCH", &(index + 1).to_string()]);
            let (first, end) = (SLOTS / PRIMARIES * index, SLOTS / PRIMARIES * (index + 1));
            let last = if index + 1 == PRIMARIES { SLOTS - 1 } else { end - 1 };
            node.command(&["CLUSTER", "ADDSLOTSRANGE", &first.to_string(), &last.to_string()]);
            meet(node, &nodes[0]);
        }
        let cluster = Self { found: found.clone(), options, nodes };
        cluster.until_served();
        cluster
    }

    /// As `--ledger` takes it.
    pub(crate) fn url(&self) -> String {
        let nodes: Vec<_> = self.nodes.iter().map(|node| node.address().to_string()).collect();
        format!("redis+cluster://{}", nodes.join(","))
    }

    /// Gives a primary a replica, the last of the nodes, which takes its place when it fails.
    pub(crate) fn add_replica(&mut self, primary: usize) {
        let replica = RedisServer::start(&self.found, self.options.clone());
        meet(&replica, &self.nodes[0]);
        let id = id(&self.nodes[primary]);
        until("the new node knows its primary", || {
            replica.try_command(&["CLUSTER", "REPLICATE", &id]).is_ok()
        });
        super::pair::until_it_follows(&replica);
        self.nodes.push(replica);
        self.until_served();
        // A primary that fails before the others know its replica is not replaced.
        until("all nodes know the replica", || {
            self.nodes.iter().all(|node| node.says(&["CLUSTER", "NODES"], "slave "))
        });
    }

    /// Waits until each node says that the cluster serves every slot.
    pub(crate) fn until_served(&self) {
        let known = format!("cluster_known_nodes:{}\r", self.nodes.len());
        until("all nodes serve", || {
            let serves = |part: &str| self.nodes.iter().all(|node| node.says(&["CLUSTER", "INFO"], part));
            serves("cluster_state:ok") && serves(&known)
        });
    }

    pub(crate) fn slot(&self, key: &str) -> u16 {
        self.nodes[0].text(&["CLUSTER", "KEYSLOT", key]).parse().unwrap()
    }

    /// Which node owns a slot, as `asked` sees it.
    pub(crate) fn owner(&self, asked: usize, slot: u16) -> SocketAddr {
        let told = self.nodes[asked].command(&["CLUSTER", "SLOTS"]);
        let ranges: Vec<Vec<Value>> = redis::from_redis_value(told).unwrap();
        let holds = |range: &&Vec<Value>| {
            let ends: [u16; 2] = [0, 1].map(|end| redis::from_redis_value_ref(&range[end]).unwrap());
            (ends[0]..=ends[1]).contains(&slot)
        };
        let range = ranges.iter().find(holds).expect("every slot has an owner");
        let node: Vec<Value> = redis::from_redis_value_ref(&range[2]).unwrap();
        let port: u16 = redis::from_redis_value_ref(&node[1]).unwrap();
        SocketAddr::from(([127, 0, 0, 1], port))
    }

    /// Begins to move a slot: the old owner still has its keys, and answers ASK about others.
    pub(crate) fn begin_move(&self, slot: u16, from: usize, to: usize) {
        let (slot, old, new) = (slot.to_string(), id(&self.nodes[from]), id(&self.nodes[to]));
        self.nodes[to].command(&["CLUSTER", "SETSLOT", &slot, "IMPORTING", &old]);
        self.nodes[from].command(&["CLUSTER", "SETSLOT", &slot, "MIGRATING", &new]);
    }

    /// Moves the keys of the slot one after the other, at most `count` of them; how many it moved.
    pub(crate) fn move_keys(&self, slot: u16, from: usize, to: usize, count: usize) -> usize {
        let keys = ["CLUSTER", "GETKEYSINSLOT", &slot.to_string(), &count.to_string()];
        let keys: Vec<String> = redis::from_redis_value(self.nodes[from].command(&keys)).unwrap();
        let port = self.nodes[to].address().port().to_string();
        for key in &keys {
            self.nodes[from].command(&["MIGRATE", "127.0.0.1", &port, key, "0", "5000"]);
        }
        keys.len()
    }

    /// The new owner says that it is one, and the others learn it.
    pub(crate) fn end_move(&self, slot: u16, from: usize, to: usize) {
        let (slot, new) = (slot.to_string(), id(&self.nodes[to]));
        // The new one first, as the handbook has it: it must not turn clients away to the old one any more.
        for node in [to, from] {
            self.nodes[node].command(&["CLUSTER", "SETSLOT", &slot, "NODE", &new]);
        }
    }
}

fn id(node: &RedisServer) -> String {
    node.text(&["CLUSTER", "MYID"])
}

fn meet(node: &RedisServer, other: &RedisServer) {
    let (port, bus) = (other.address().port().to_string(), other.bus_port().to_string());
    node.command(&["CLUSTER", "MEET", "127.0.0.1", &port, &bus]);
}

on_each_server!(
    a_slot_moves_key_by_key,
    a_cluster_without_a_primary_serves_nothing,
    a_replica_takes_the_place_of_a_killed_primary,
);

fn a_slot_moves_key_by_key(found: &Found) {
    let cluster = Cluster::start(found, Options::default());
    let slot = cluster.slot("{seats}:log");
    let from = usize::from(slot / (SLOTS / 3)).min(2);
    let to = (from + 1) % 3;
    let (old, new) = (&cluster.nodes[from], &cluster.nodes[to]);
    assert_eq!(cluster.owner(to, slot), old.address());
    for key in ["{seats}:log", "{seats}:tail"] {
        old.command(&["SET", key, "1"]);
    }
    let code =
        |refused: redis::RedisResult<Value>| refused.unwrap_err().code().unwrap_or_default().to_owned();
    assert_eq!(code(new.try_command(&["GET", "{seats}:log"])), "MOVED");
    cluster.begin_move(slot, from, to);
    assert_eq!(old.text(&["GET", "{seats}:log"]), "1");
    assert_eq!(cluster.move_keys(slot, from, to, 1), 1);
    assert_eq!(code(old.try_command(&["MGET", "{seats}:log", "{seats}:tail"])), "TRYAGAIN");
    assert_eq!(cluster.move_keys(slot, from, to, 10), 1);
    assert_eq!(code(old.try_command(&["GET", "{seats}:log"])), "ASK");
    cluster.end_move(slot, from, to);
    assert_eq!(new.text(&["GET", "{seats}:tail"]), "1");
    assert_eq!(cluster.owner(from, slot), new.address());
    assert!(cluster.url().contains(&new.address().to_string()), "{}", cluster.url());
}

fn a_cluster_without_a_primary_serves_nothing(found: &Found) {
    let mut cluster = Cluster::start(found, Options { appendfsync: Some("no"), ..Options::default() });
    cluster.nodes[2].kill9();
    let down = |node: &RedisServer| node.says(&["CLUSTER", "INFO"], "cluster_state:fail");
    until("the others miss it", || cluster.nodes[..2].iter().all(down));
    let slot_of_first = (0..).map(|n: u32| n.to_string()).find(|key| cluster.slot(key) < SLOTS / 3).unwrap();
    let refusal = cluster.nodes[0].try_command(&["GET", &slot_of_first]).unwrap_err();
    assert_eq!(refusal.code(), Some("CLUSTERDOWN"), "{refusal}");
    cluster.nodes[2].restart();
    cluster.until_served();
}

fn a_replica_takes_the_place_of_a_killed_primary(found: &Found) {
    let mut cluster = Cluster::start(found, Options::default());
    cluster.add_replica(0);
    cluster.nodes[0].kill9();
    let heir = cluster.nodes[3].address();
    until("the others take the replica for the owner", || {
        (1..4).all(|asked| cluster.owner(asked, 0) == heir)
    });
}
