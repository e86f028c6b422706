//! One round of appending: every node gets what it lacks, all before any reply is waited for; then each reply is judged.

use super::append::RedisLog;
use super::link::{Lost, Reply};
use super::node::Node;
use super::outcome::{Remedy, Taken, classify, taken};
use super::script::Step;
use super::servers::{REPLY_TIMEOUT, Trouble};
use super::tail::Tail;
use crate::ledger::log::AppendError;
use redis::ServerError;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::Ordering::Relaxed;
use std::time::{Duration, Instant};

/// Bytes of one pipeline to one node. A repair may have more to say: it takes several rounds.
const PIPELINE_BYTES_MAX: usize = 16 << 20;

/// How often a log that is full looks whether it still is.
const FULL_RETRY: Duration = Duration::from_millis(200);

/// One append that was asked for.
struct Asked {
    partition: u16,
    tail: Tail,
    /// ASKING went before it, and has a reply of its own.
    asking: bool,
    /// It was let in above the memory limit.
    when_full: bool,
}

/// How a round ended for what it did not bring up to date.
#[derive(Default)]
pub(super) struct Round {
    /// What to tell if no further round helps.
    pub(super) trouble: Option<String>,
    /// Another round at once would end the same way.
    pub(super) wait: bool,
    /// A partition that is lost to another owner, or cannot be continued.
    pub(super) error: Option<AppendError>,
    /// Nodes whose connection was given up, and that were given the append step again: once a round, however many
    /// partitions ask for it.
    troubled: BTreeSet<Node>,
    reloaded: BTreeSet<Node>,
}

impl Round {
    fn again(&mut self, sentence: impl Into<String>) {
        self.trouble = Some(sentence.into());
    }

    fn later(&mut self, sentence: impl Into<String>) {
        self.again(sentence);
        self.wait = true;
    }
}

/// Why a node was not sent anything.
pub(super) enum Unsent {
    Trouble(Trouble),
    Append(AppendError),
}

impl<T: Into<Trouble>> From<T> for Unsent {
    fn from(trouble: T) -> Self {
        Self::Trouble(trouble.into())
    }
}

impl RedisLog {
    pub(super) fn round(&mut self) -> Round {
        let mut round = Round::default();
        let mut sent: Vec<(Node, Vec<Asked>)> = Vec::new();
        for (node, partitions) in self.pending_by_node(&mut round) {
            match self.send(&node, &partitions) {
                Ok(asked) => sent.push((node, asked)),
                Err(Unsent::Trouble(trouble)) => self.trouble(&node, &trouble, &mut round),
                Err(Unsent::Append(error)) => round.error = Some(error),
            }
        }
        let deadline = Instant::now() + REPLY_TIMEOUT;
        for (node, asked) in sent {
            self.receive(&node, &asked, deadline, &mut round);
        }
        round
    }

    fn pending_by_node(&mut self, round: &mut Round) -> BTreeMap<Node, Vec<u16>> {
        let mut by_node: BTreeMap<Node, Vec<u16>> = BTreeMap::new();
        for partition in self.partitions.iter().filter(|partition| !partition.is_up()) {
            let primary = match &partition.asking {
                Some(node) => Ok(node.clone()),
                None => self.servers.primary(partition.slot),
            };
            match primary {
                Ok(node) => by_node.entry(node).or_default().push(partition.number),
                Err(lost) => round.later(lost.to_string()),
            }
        }
        by_node
    }

    fn send(&mut self, node: &Node, partitions: &[u16]) -> Result<Vec<Asked>, Unsent> {
        if !self.servers.is_open(node) {
            self.servers.get(node)?;
            self.look_where_it_stands(node)?;
            // A batch that is there may not be as durable as was asked: what waits for that counts this connection's writes.
            if self.durability.wait(&self.servers.get(node)?.found).replies() > 0 {
                partitions.iter().for_each(|number| self.partitions[usize::from(*number)].kept.doubt_last());
            }
        }
        let when_full = self.full_until.is_some_and(|until| Instant::now() < until);
        let server = self.servers.get(node)?;
        server.packed.clear();
        let mut asked = Vec::new();
        for number in partitions {
            let partition = &mut self.partitions[usize::from(*number)];
            let asking = partition.asking.take().is_some();
            let (last, mut emptied) = (partition.kept.tail(), partition.emptied);
            for (before, entry) in partition.kept.pending() {
                if server.packed.bytes().len() > PIPELINE_BYTES_MAX {
                    break;
                }
                if asking {
                    server.packed.ask(&["ASKING"]);
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
                server.script.pack(&self.keys, &step, when_full, &mut server.packed);
                asked.push(Asked { partition: *number, tail: entry.tail, asking, when_full });
            }
        }
        self.durability.wait(&server.found).pack(&mut server.packed);
        server.link.send(server.packed.bytes(), REPLY_TIMEOUT)?;
        Ok(asked)
    }

    fn receive(&mut self, node: &Node, asked: &[Asked], deadline: Instant, round: &mut Round) {
        let Some(server) = self.servers.opened(node) else { return };
        let wait = self.durability.wait(&server.found);
        let count = asked.len() + asked.iter().filter(|asked| asked.asking).count() + wait.replies();
        let mut replies = std::mem::take(&mut self.replies);
        let lost = server.link.receive(count, deadline + wait.longest(), &mut replies).err();
        let mut coming = replies.drain(..);
        let mut stopped: Option<u16> = None;
        for asked in asked {
            if asked.asking {
                coming.next();
            }
            let Some(reply) = coming.next() else { break };
            // What was sent behind a batch that was not taken was not taken either.
            if stopped != Some(asked.partition) && !self.judge(node, asked, reply, round) {
                stopped = Some(asked.partition);
            }
        }
        if wait.replies() > 0 && !coming.next().is_some_and(|reply| wait.borne_out(&reply)) {
            asked.iter().for_each(|asked| self.partitions[usize::from(asked.partition)].kept.doubt_last());
            if lost.is_none() {
                self.figures.unproven.fetch_add(1, Relaxed);
                round.later(format!("{node} does not say that the last batches are {}", self.durability));
            }
        }
        drop(coming);
        self.replies = replies;
        if let Some(lost) = lost {
            self.trouble(node, &lost.into(), round);
        }
    }

    /// Takes note of one reply; whether the batch is in.
    fn judge(&mut self, node: &Node, asked: &Asked, reply: Reply, round: &mut Round) -> bool {
        let value = match reply {
            Ok(value) => value,
            Err(refusal) => {
                self.refused(node, asked, &refusal, round);
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

    fn refused(&mut self, node: &Node, asked: &Asked, refusal: &ServerError, round: &mut Round) {
        let judged = classify(refusal);
        let partition = &mut self.partitions[usize::from(asked.partition)];
        match judged.remedy {
            Remedy::LoadScript => {
                round.again(judged.sentence);
                if round.reloaded.insert(node.clone())
                    && let Err(trouble) = self.servers.load_again(node)
                {
                    self.trouble(node, &trouble, round);
                }
            }
            Remedy::Retarget(to) => {
                self.servers.moved(partition.slot, to);
                round.again(judged.sentence);
            }
            Remedy::Ask(to) => {
                partition.asking = Some(to);
                round.again(judged.sentence);
            }
            Remedy::FreeMemory => {
                self.full_until = Some(Instant::now() + FULL_RETRY);
                round.again(judged.sentence);
            }
            Remedy::FindPrimary | Remedy::Settle => {
                let trouble = Lost(format!("{node}: {}", judged.sentence)).into();
                self.trouble(node, &trouble, round);
            }
            Remedy::Wait | Remedy::Operator => round.later(format!("{node}: {}", judged.sentence)),
        }
    }

    /// A server that cannot be used: its connection goes, and the primaries are looked for again. The first time in a
    /// round this may be all that is needed.
    fn trouble(&mut self, node: &Node, trouble: &Trouble, round: &mut Round) {
        if !round.troubled.insert(node.clone()) {
            return;
        }
        self.servers.drop_link(node);
        let found = self.servers.discover_again();
        if found.is_err() || matches!(trouble, Trouble::Unfit(_)) {
            round.later(trouble.to_string());
        } else {
            round.again(trouble.to_string());
        }
    }
}
