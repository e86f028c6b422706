//! Appending through the script, a call per batch: what a cluster needs, and what is not plain anywhere.

use super::append::RedisLog;
use super::link::{Lost, Reply};
use super::node::Node;
use super::outcome::{Taken, taken};
use super::packed::Packed;
use super::round::Round;
use super::script::Step;
use super::tail::Tail;
use crate::sys::point;
use std::sync::atomic::Ordering::Relaxed;

/// One append that was asked for.
pub(super) struct Asked {
    pub(super) partition: u16,
    tail: Tail,
    /// ASKING went before it, and has a reply of its own.
    asking: bool,
    /// It was let in above the memory limit.
    when_full: bool,
}

impl Asked {
    pub(super) fn replies(&self) -> usize {
        1 + usize::from(self.asking)
    }
}

impl RedisLog {
    /// Packs a call for each batch that these partitions lack, up to `bytes_max`.
    pub(super) fn pack_steps(
        &mut self,
        node: &Node,
        partitions: &[u16],
        when_full: bool,
        bytes_max: usize,
        out: &mut Packed,
    ) -> Vec<Asked> {
        let mut asked = Vec::new();
        let Some(server) = self.servers.opened(node) else { return asked };
        for number in partitions {
            let partition = &mut self.partitions[usize::from(*number)];
            let asking = partition.asking.take().is_some();
            let (last, mut emptied) = (partition.kept.tail(), partition.emptied);
            for (before, entry) in partition.pending() {
                if out.bytes().len() > bytes_max {
                    break;
                }
                if asking {
                    out.ask(&["ASKING"]);
                }
                let before = (!emptied).then_some(before);
                emptied = false;
                let remaining: Vec<_> = if entry.tail == last {
                    let name = partition.nameless.then_some(("ledger", self.head.id.as_str()));
                    name.into_iter().chain(partition.unwritten()).collect()
                } else {
                    Vec::new()
                };
                let step = Step { partition: *number, before, entry, remaining: &remaining };
                server.script.pack(&self.keys, &step, when_full, out);
                asked.push(Asked { partition: *number, tail: entry.tail, asking, when_full });
            }
        }
        asked
    }

    /// Takes note of the replies to the calls, as far as they came.
    pub(super) fn judge_steps(
        &mut self,
        node: &Node,
        asked: &[Asked],
        replies: &mut impl Iterator<Item = Reply>,
        round: &mut Round,
    ) {
        let mut stopped: Option<u16> = None;
        for asked in asked {
            if asked.asking {
                replies.next();
            }
            let Some(reply) = replies.next() else { break };
            // What was sent behind a batch that was not taken was not taken either.
            if stopped != Some(asked.partition) && !self.judge(node, asked, reply, round) {
                stopped = Some(asked.partition);
            }
        }
    }

    /// Takes note of one reply; whether the batch is in.
    fn judge(&mut self, node: &Node, asked: &Asked, reply: Reply, round: &mut Round) -> bool {
        let value = match reply {
            Ok(value) => value,
            Err(refusal) => {
                self.refused(node, asked.partition, &refusal, round);
                return false;
            }
        };
        let partition = &mut self.partitions[usize::from(asked.partition)];
        match taken(&value) {
            Some(Taken::Other(tail)) => {
                if let Err(error) = partition.stands_at(tail, &self.figures) {
                    round.error = Some(error);
                }
                self.head_lost |= partition.emptied;
                // Sent again, it is a write of this connection, and what waits for durability counts it.
                partition.kept.doubt_last();
                false
            }
            Some(Taken::Fresh | Taken::Already) => {
                if matches!(taken(&value), Some(Taken::Already)) {
                    self.figures.settled.fetch_add(1, Relaxed);
                }
                partition.confirm(asked.tail);
                point("steps::taken");
                if !asked.when_full {
                    self.full_until = None;
                }
                true
            }
            None => {
                self.trouble(node, &Lost(format!("{node} answered the append with {value:?}")).into(), round);
                false
            }
        }
    }
}
