//! The primaries as a reader from outside needs them: found and asked, and nothing is put into them or demanded of their
//! settings. So an audit works with the least rights, and on a Redis that no server would start on any more.

use super::access::Access;
use super::error::RedisError;
use super::link::{Link, Lost, Reply};
use super::node::Node;
use super::outcome::{Remedy, classify};
use super::packed::Packed;
use super::servers::Servers;
use super::topology::Topology;
use super::url::RedisUrl;
use redis::Value;
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

/// How long a reader waits for a reply. No buyer waits meanwhile, so a Redis that syncs a slow disk may take its time.
pub(super) const READ_TIMEOUT: Duration = Duration::from_secs(10);

/// Nodes that are asked for one thing: one that has it no more, and those that it is said to have moved to.
const NODES_MAX: usize = 3;

/// Whoever can ask the primary of a slot one thing.
pub(super) trait Ask {
    /// The reply; a refusal is an error.
    fn ask_one(&mut self, slot: u16, asked: &Packed) -> Result<Value, RedisError>;
}

impl Ask for Servers {
    fn ask_one(&mut self, slot: u16, asked: &Packed) -> Result<Value, RedisError> {
        Ok(self.ask(slot, asked)?.remove(0))
    }
}

impl Ask for Primaries {
    fn ask_one(&mut self, slot: u16, asked: &Packed) -> Result<Value, RedisError> {
        self.exchange(slot, asked)?.map_err(|refusal| RedisError::Away(refusal.to_string()))
    }
}

/// A connection to each primary, made when it is needed.
pub(super) struct Primaries {
    access: Access,
    topology: Topology,
    links: BTreeMap<Node, Link>,
}

impl Primaries {
    /// Finds them.
    pub(super) fn discover(url: &RedisUrl) -> Result<Self, RedisError> {
        let access = Access::new(url).map_err(|error| RedisError::Unfit(error.to_string()))?;
        let mut topology = Topology::new(url, access.clone());
        topology.discover()?;
        Ok(Self { access, topology, links: BTreeMap::new() })
    }

    /// Whether the partitions are on several servers.
    pub(super) fn is_cluster(&self) -> bool {
        self.topology.is_cluster()
    }

    /// Asks the primary of a slot one thing, wherever it is by now.
    pub(super) fn exchange(&mut self, slot: u16, asked: &Packed) -> Result<Reply, RedisError> {
        let mut node = self.topology.primary(slot)?;
        let mut asking = false;
        for _ in 1..NODES_MAX {
            let reply = self.exchange_with(&node, asked, asking)?;
            let Err(refusal) = &reply else { return Ok(reply) };
            asking = false;
            node = match classify(refusal).remedy {
                Remedy::Ask(to) => {
                    asking = true;
                    to
                }
                Remedy::Retarget(to) => {
                    self.topology.moved(slot, to.clone());
                    to
                }
                Remedy::FindPrimary => {
                    self.topology.discover()?;
                    self.topology.primary(slot)?
                }
                _ => return Ok(reply),
            };
        }
        Ok(self.exchange_with(&node, asked, asking)?)
    }

    fn exchange_with(&mut self, node: &Node, asked: &Packed, asking: bool) -> Result<Reply, Lost> {
        // Back only when all went well.
        let mut link = match self.links.remove(node) {
            Some(link) => link,
            None => self.access.connect(node)?,
        };
        if asking {
            let _ignored = link.ask(&redis::cmd("ASKING"), READ_TIMEOUT)?;
        }
        let mut replies = Vec::with_capacity(1);
        link.send(asked.bytes(), READ_TIMEOUT)?;
        link.receive(1, Instant::now() + READ_TIMEOUT, &mut replies)?;
        self.links.insert(node.clone(), link);
        Ok(replies.remove(0))
    }
}
