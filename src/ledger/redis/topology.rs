//! Which server is the primary of which hash slot. A ledger on one server, or behind Sentinel, has one for all slots.

mod cluster;
mod sentinel;

use super::access::CONNECT_TIMEOUT;
use super::url::Servers;
use super::{Access, Link, Lost, Node, RedisUrl, SLOTS};
use redis::{Cmd, Value};
use std::collections::{BTreeMap, BTreeSet};
use std::ops::RangeInclusive;
use std::time::{Duration, Instant};

/// No further server is asked who is primary after this: answers may wait for it.
const DISCOVERY_MAX: Duration = Duration::from_secs(3);

/// What is known of the primaries. Nothing here asks by itself: whoever is refused calls [`Topology::discover`], as often
/// as it sees fit.
pub struct Topology {
    access: Access,
    servers: Servers,
    /// What was found last.
    map: Map,
    /// Slots that a server has sent elsewhere since then.
    moved: BTreeMap<u16, Node>,
}

/// What one discovery finds.
#[derive(Debug, Default, PartialEq, Eq)]
struct Map {
    /// Slots and their primaries.
    primaries: Vec<(RangeInclusive<u16>, Node)>,
    /// Every node of a cluster, replicas too: one of them will know when a primary is gone.
    members: Vec<Node>,
}

impl Map {
    fn of_one(primary: Node) -> Self {
        Self { primaries: vec![(0..=SLOTS - 1, primary)], members: Vec::new() }
    }
}

impl Topology {
    /// Knows the servers that the URL names and asks none of them yet.
    pub fn new(url: &RedisUrl, access: Access) -> Self {
        Self { access, servers: url.servers.clone(), map: Map::default(), moved: BTreeMap::new() }
    }

    /// Whether slots are spread over servers.
    pub fn is_cluster(&self) -> bool {
        matches!(self.servers, Servers::Cluster(_))
    }

    /// Finds the primaries anew. Each server that is asked has `CONNECT_TIMEOUT` for each step; after an error what was
    /// known still stands. After `DISCOVERY_MAX` no other is asked.
    pub fn discover(&mut self) -> Result<(), Lost> {
        let until = Instant::now() + DISCOVERY_MAX;
        self.map = match &self.servers {
            Servers::Alone(node) => Map::of_one(node.clone()),
            Servers::Sentinel { sentinels, name, .. } => {
                Map::of_one(sentinel::find(&self.access, sentinels, name, until)?)
            }
            Servers::Cluster(seeds) => {
                let known = self.map.members.iter().chain(self.moved.values()).chain(seeds);
                cluster::find(&self.access, known, until)?
            }
        };
        self.moved.clear();
        Ok(())
    }

    /// The primary of a slot, as it was found.
    pub fn primary(&self, slot: u16) -> Result<Node, Lost> {
        let found = || self.map.primaries.iter().find(|(slots, _)| slots.contains(&slot));
        match self.moved.get(&slot).or_else(|| found().map(|(_, node)| node)) {
            Some(node) => Ok(node.clone()),
            None if self.map.primaries.is_empty() => {
                Err(Lost("no server was found yet that takes writes".to_owned()))
            }
            None => Err(Lost(format!(
                "no server has slot {slot} of the cluster; look with redis-cli --cluster check"
            ))),
        }
    }

    /// A server has said that a slot is on another node.
    pub fn moved(&mut self, slot: u16, node: Node) {
        self.moved.insert(slot, node);
    }

    /// The primaries that are known, each once.
    pub fn nodes(&self) -> Vec<Node> {
        let nodes = self.map.primaries.iter().map(|(_, node)| node).chain(self.moved.values());
        nodes.collect::<BTreeSet<_>>().into_iter().cloned().collect()
    }
}

/// Asks one thing that has no other effect than its answer, so that a refusal is as good as no answer.
fn ask(link: &mut Link, node: &Node, command: &Cmd) -> Result<Value, Lost> {
    match link.ask(command, CONNECT_TIMEOUT) {
        Ok(Ok(value)) => Ok(value),
        Ok(Err(refusal)) => {
            let (code, rest) = (refusal.code(), refusal.details().unwrap_or_default());
            Err(Lost(format!("{node} answers {code} {rest}")))
        }
        Err(Lost(reason)) => Err(Lost(format!("{node} went silent: {reason}"))),
    }
}

/// Reads a reply as each that tells of servers, for `replies`.
#[cfg(any(test, fuzzing))]
pub(super) fn read_map(reply: &Value) {
    let map = cluster::map(reply, &Node { host: "asked".to_owned(), port: 1 });
    assert!(map.primaries.iter().all(|(slots, node)| *slots.end() < SLOTS && map.members.contains(node)));
    let _ = (cluster::is_up(reply), sentinel::address(reply), sentinel::is_primary(reply));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn topology(url: &str) -> Topology {
        let url = url.parse().unwrap();
        Topology::new(&url, Access::new(&url).unwrap())
    }

    fn node(host: &str) -> Node {
        Node { host: host.to_owned(), port: 6379 }
    }

    #[test]
    fn one_server_has_every_slot() {
        let mut topology = topology("redis://r1");
        assert!(!topology.is_cluster());
        assert!(topology.primary(0).is_err());
        topology.discover().unwrap();
        assert_eq!([0, SLOTS - 1].map(|slot| topology.primary(slot)), [Ok(node("r1")), Ok(node("r1"))]);
        assert_eq!(topology.nodes(), [node("r1")]);
    }

    #[test]
    fn a_moved_slot_is_elsewhere_at_once_and_alone() {
        let mut topology = topology("redis+cluster://r1");
        assert!(topology.is_cluster());
        topology.map.primaries = vec![(0..=99, node("r1")), (100..=199, node("r2")), (300..=399, node("r1"))];
        topology.moved(7, node("r3"));
        let hosts = [6, 7, 8, 100, 199, 300].map(|slot| topology.primary(slot).unwrap().host);
        assert_eq!(hosts, ["r1", "r3", "r1", "r2", "r2", "r1"]);
        let Lost(sentence) = topology.primary(200).unwrap_err();
        assert!(sentence.contains("slot 200"), "{sentence}");
        assert_eq!(topology.nodes(), ["r1", "r2", "r3"].map(node));
    }
}
