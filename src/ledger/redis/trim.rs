//! Trimming: entries whose state was written again leave the stream, unless a consumer group still wants them.

use super::append::RedisLog;
use super::link::{Lost, Reply};
use super::node::Node;
use super::servers::REPLY_TIMEOUT;
use super::tail::entry_id;
use crate::sys::point;
use seathold_protocol::batch::Position;

/// What removes them. Seldom needed, so it travels with the question instead of being loaded.
const TRIM: &str = include_str!("trim.lua");

impl RedisLog {
    /// Forgets what is covered, here and in Redis, but for what a group still wants: that goes with the next cover. The first
    /// connection lost ends it, because answers wait meanwhile; the rest is done after the next append.
    pub(super) fn trim_what_is_covered(&mut self) {
        for at in 0..self.partitions.len() {
            let partition = &mut self.partitions[at];
            if partition.fenced.is_some() || partition.floor <= partition.trimmed {
                continue;
            }
            // Only over a connection that is there: one that is made now would not have been asked where it stands when the
            // next append meets it.
            let node = self.servers.primary(partition.slot).ok();
            let Some(node) = node.filter(|node| self.servers.is_open(node)) else { continue };
            let (number, floor) = (partition.number, partition.floor);
            if let Some(first) = partition.kept.forget(floor) {
                point("trim::forgotten");
                match self.trim(&node, number, first) {
                    Ok(Ok(_)) => point("trim::trimmed"),
                    // It is asked again with the next cover, not after each append.
                    Ok(Err(refusal)) => {
                        log::warn!("ledger: {node} does not let partition {number} be trimmed: {refusal}");
                    }
                    Err(lost) => {
                        log::warn!("ledger: partition {number} is not trimmed now: {node}: {lost}");
                        return;
                    }
                }
            }
            self.partitions[at].trimmed = floor;
        }
    }

    fn trim(&mut self, node: &Node, partition: u16, first: Position) -> Result<Reply, Lost> {
        let mut trim = redis::cmd("EVAL");
        trim.arg(TRIM).arg(1).arg(self.keys.log(partition)).arg(entry_id(first));
        let server = self.servers.opened(node).expect("it was open a moment ago");
        let asked = server.link.ask(&trim, REPLY_TIMEOUT);
        if asked.is_err() {
            self.servers.drop_link(node);
        }
        asked
    }
}
