//! The servers of a ledger: a prepared connection to each primary, made when it is needed.

use super::access::Access;
use super::checks::{Found, inspect};
use super::durability::Durability;
use super::error::RedisError;
use super::figures::Figures;
use super::host::Host;
use super::link::{Link, Lost};
use super::node::Node;
use super::packed::Packed;
use super::script::{Script, Unloaded};
use super::topology::Topology;
use super::url::RedisUrl;
use crate::sys::point;
use redis::Value;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::{Duration, Instant};

/// How long a server may take to answer a whole pipeline. Above it the outcome is unknown, and the connection dropped.
pub(super) const REPLY_TIMEOUT: Duration = Duration::from_secs(1);

/// How often a server's settings are looked at again: an operator may change them while it runs.
const INSPECT_EVERY: Duration = Duration::from_secs(1);

/// Why a server cannot be used at this moment.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Trouble {
    /// It cannot be reached, or does not answer.
    #[error(transparent)]
    Lost(#[from] Lost),
    /// It answers, and must not be used as it is. The sentence says what to change.
    #[error("{0}")]
    Unfit(String),
}

/// A server that was greeted, inspected, and has the append step.
pub(super) struct Server {
    pub(super) link: Link,
    pub(super) script: Script,
    pub(super) found: Found,
    /// The requests of the present round.
    pub(super) packed: Packed,
    /// Of the tails.
    pub(super) watch: Watch,
    inspected: Instant,
}

/// Whether a connection watches the tails, since a moment at which they were as the partitions know.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Watch {
    #[default]
    Off,
    On,
    /// The user may not.
    Refused,
}

impl Watch {
    pub(super) fn is_on(self) -> bool {
        self == Self::On
    }

    pub(super) fn is_refused(self) -> bool {
        self == Self::Refused
    }

    pub(super) fn end(&mut self) {
        if self.is_on() {
            *self = Self::Off;
        }
    }
}

/// All of them.
pub(super) struct Servers {
    host: Arc<dyn Host>,
    topology: Topology,
    open: BTreeMap<Node, Server>,
    durability: Durability,
    figures: Arc<Figures>,
}

impl Servers {
    /// Finds the primaries. Without a `host` they are reached over this one's sockets.
    pub(super) fn discover(
        host: Option<Arc<dyn Host>>,
        url: &RedisUrl,
        durability: Durability,
        figures: Arc<Figures>,
    ) -> Result<Self, Trouble> {
        let access = Access::new(url).map_err(|error| Trouble::Unfit(error.to_string()))?;
        let mut topology = Topology::new(url, access.clone());
        topology.discover()?;
        let host = host.unwrap_or_else(|| Arc::new(access));
        Ok(Self { host, topology, open: BTreeMap::new(), durability, figures })
    }

    /// The present moment.
    pub(super) fn now(&self) -> Instant {
        self.host.now()
    }

    /// Lets time pass.
    pub(super) fn rest(&self, time: Duration) {
        self.host.rest(time);
    }

    /// Looks for the primaries again, and lets go of the connections to those that are none any more.
    pub(super) fn discover_again(&mut self) -> Result<(), Lost> {
        self.topology.discover()?;
        let nodes = self.topology.nodes();
        self.open.retain(|node, _| nodes.contains(node));
        self.figures.retain_found(&nodes);
        Ok(())
    }

    /// Whether partitions may be on different servers.
    pub(super) fn is_cluster(&self) -> bool {
        self.topology.is_cluster()
    }

    /// The primary of a slot.
    pub(super) fn primary(&mut self, slot: u16) -> Result<Node, Lost> {
        self.topology.primary(slot)
    }

    /// A slot is on another node.
    pub(super) fn moved(&mut self, slot: u16, node: Node) {
        self.figures.retargeted.fetch_add(1, Relaxed);
        self.topology.moved(slot, node);
    }

    /// Whether `get` would have to connect.
    pub(super) fn is_open(&self, node: &Node) -> bool {
        self.open.get(node).is_some_and(|server| !server.link.is_lost())
    }

    /// A server that can be used now.
    pub(super) fn get(&mut self, node: &Node) -> Result<&mut Server, Trouble> {
        if !self.is_open(node) {
            self.open.remove(node);
            let server = self.connect(node)?;
            self.open.insert(node.clone(), server);
        }
        let now = self.now();
        let server = self.open.get_mut(node).expect("opened above");
        if now.saturating_duration_since(server.inspected) >= INSPECT_EVERY {
            server.found = inspect(&mut server.link)?;
            self.figures.note_found(node, &server.found);
            fit(&server.found, node, self.durability)?;
            server.inspected = now;
        }
        Ok(server)
    }

    /// A server that is open; nothing is asked of it.
    pub(super) fn opened(&mut self, node: &Node) -> Option<&mut Server> {
        self.open.get_mut(node)
    }

    /// Asks the primary of a slot; a refusal is an error.
    pub(super) fn ask(&mut self, slot: u16, asked: &Packed) -> Result<Vec<Value>, RedisError> {
        let node = self.primary(slot)?;
        let link = &mut self.get(&node)?.link;
        let mut replies = Vec::with_capacity(asked.count());
        let exchanged = link
            .send(asked.bytes(), REPLY_TIMEOUT)
            .and_then(|()| link.receive(asked.count(), link.now() + REPLY_TIMEOUT, &mut replies));
        if let Err(lost) = exchanged {
            self.drop_link(&node);
            return Err(lost.into());
        }
        let refused = |refusal| RedisError::Away(format!("{node}: {refusal}"));
        replies.into_iter().map(|reply| reply.map_err(refused)).collect()
    }

    /// Ends every watch: there are other tails to be watched now.
    pub(super) fn end_watches(&mut self) {
        self.open.values_mut().for_each(|server| server.watch.end());
    }

    /// Drops a connection.
    pub(super) fn drop_link(&mut self, node: &Node) {
        if self.open.remove(node).is_some() {
            self.figures.dropped.fetch_add(1, Relaxed);
        }
    }

    fn connect(&self, node: &Node) -> Result<Server, Trouble> {
        let mut link = self.host.connect(node)?;
        self.figures.connected.fetch_add(1, Relaxed);
        let found = inspect(&mut link)?;
        self.figures.note_found(node, &found);
        fit(&found, node, self.durability)?;
        let script = self.load(&mut link, &found, node)?;
        point("servers::loaded");
        Ok(Server {
            link,
            script,
            found,
            packed: Packed::default(),
            watch: Watch::Off,
            inspected: self.now(),
        })
    }

    /// Puts the append step into a server that has lost it.
    pub(super) fn load_again(&mut self, node: &Node) -> Result<(), Trouble> {
        let Some(mut server) = self.open.remove(node) else { return Ok(()) };
        server.script = self.load(&mut server.link, &server.found, node)?;
        self.open.insert(node.clone(), server);
        Ok(())
    }

    fn load(&self, link: &mut Link, found: &Found, node: &Node) -> Result<Script, Trouble> {
        self.figures.scripts_loaded.fetch_add(1, Relaxed);
        Script::load(link, found.has_functions, REPLY_TIMEOUT).map_err(|error| match error {
            Unloaded::Lost(lost) => lost.into(),
            Unloaded::Refused(refusal) => Trouble::Unfit(format!(
                "{node} does not take the append step ({refusal}); let the ledger's user run FUNCTION, FCALL, SCRIPT and EVALSHA"
            )),
        })
    }
}

fn fit(found: &Found, node: &Node, durability: Durability) -> Result<(), Trouble> {
    match found.refusal(durability) {
        Some(sentence) => Err(Trouble::Unfit(format!("{node}: {sentence}"))),
        None => Ok(()),
    }
}
