//! What the ledger thread counts and finds of Redis, readable from any thread.

use super::checks::Found;
use super::node::Node;
use std::collections::BTreeMap;
use std::sync::atomic::AtomicU64;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Counters since the start of the process.
#[derive(Debug, Default)]
pub struct Figures {
    /// Connections made to a server of the ledger.
    pub connected: AtomicU64,
    /// Connections dropped because a reply was late or the connection broke.
    pub dropped: AtomicU64,
    /// Batches that were in already when they were sent again: unknown outcomes that turned out well.
    pub settled: AtomicU64,
    /// Acknowledged batches that a fail-over had lost and that were appended again.
    pub lost_batches: AtomicU64,
    /// Pipelines that had to be sent again because too few replicas had them.
    pub unproven: AtomicU64,
    /// Times that the append step was loaded.
    pub scripts_loaded: AtomicU64,
    /// Times that a slot was looked for on another node.
    pub retargeted: AtomicU64,
    found: Mutex<BTreeMap<Node, Found>>,
}

impl Figures {
    /// What the primaries were found to be when they were last looked at.
    pub fn found(&self) -> Vec<(Node, Found)> {
        self.lock().iter().map(|(node, found)| (node.clone(), found.clone())).collect()
    }

    pub(super) fn note_found(&self, node: &Node, found: &Found) {
        self.lock().insert(node.clone(), found.clone());
    }

    /// Forgets what is no primary any more.
    pub(super) fn retain_found(&self, nodes: &[Node]) {
        self.lock().retain(|node, _| nodes.contains(node));
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<Node, Found>> {
        self.found.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
