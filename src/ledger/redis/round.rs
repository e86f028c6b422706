//! One round of appending: every node gets what it lacks, all before any reply is waited for; then each reply is judged.

use super::append::RedisLog;
use super::link::Lost;
use super::node::Node;
use super::outcome::{Remedy, classify};
use super::servers::{REPLY_TIMEOUT, Server, Trouble};
use super::steps::Asked;
use super::transaction::Transaction;
use crate::ledger::log::AppendError;
use crate::sys::point;
use redis::ServerError;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::Ordering::Relaxed;
use std::time::{Duration, Instant};

/// Bytes of one pipeline to one node. A repair may have more to say: it takes several rounds.
const PIPELINE_BYTES_MAX: usize = 16 << 20;

/// How often a log that is full looks whether it still is.
const FULL_RETRY: Duration = Duration::from_millis(200);

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
    /// Whether the primaries were found when they were looked for again.
    found: Option<bool>,
}

impl Round {
    pub(super) fn again(&mut self, sentence: impl Into<String>) {
        self.trouble = Some(sentence.into());
    }

    /// The log cannot be continued.
    pub(super) fn break_off(&mut self, reason: String) {
        self.error = Some(AppendError::Broken(std::io::Error::other(reason)));
    }

    fn later(&mut self, sentence: impl Into<String>) {
        self.again(sentence);
        self.wait = true;
    }
}

/// What a node was sent.
enum Sent {
    Steps(Vec<Asked>),
    Transaction(Transaction),
}

impl Sent {
    fn replies(&self) -> usize {
        match self {
            Self::Steps(asked) => asked.iter().map(Asked::replies).sum(),
            Self::Transaction(sent) => sent.replies(),
        }
    }

    fn partitions(&self) -> Vec<u16> {
        match self {
            Self::Steps(asked) => asked.iter().map(|asked| asked.partition).collect(),
            Self::Transaction(sent) => sent.partitions().collect(),
        }
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
        let mut all_sent: Vec<(Node, Sent)> = Vec::new();
        for (node, partitions) in self.pending_by_node(&mut round) {
            match self.send(&node, &partitions) {
                Ok(sent) => all_sent.push((node, sent)),
                Err(Unsent::Trouble(trouble)) => self.trouble(&node, &trouble, &mut round),
                Err(Unsent::Append(error)) => round.error = Some(error),
            }
        }
        let deadline = self.servers.now() + REPLY_TIMEOUT;
        for (node, sent) in all_sent {
            self.receive(&node, &sent, deadline, &mut round);
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

    fn send(&mut self, node: &Node, partitions: &[u16]) -> Result<Sent, Unsent> {
        if !self.servers.is_open(node) {
            self.servers.get(node)?;
            self.look_where_it_stands(node)?;
            // A batch that is there may not be as durable as was asked: what waits for that counts this connection's writes.
            if self.durability.wait(&self.servers.get(node)?.found).replies() > 0 {
                partitions.iter().for_each(|number| self.partitions[usize::from(*number)].kept.doubt_last());
            }
        }
        let when_full = self.full_until.is_some_and(|until| self.servers.now() < until);
        let watches = |server: &mut Server| server.watch.is_on();
        if self.may_transact(node, partitions, when_full) && !self.servers.opened(node).is_some_and(watches) {
            self.look_where_it_stands(node)?;
        }
        let mut packed = std::mem::take(&mut self.servers.get(node)?.packed);
        packed.clear();
        let is_on = self.servers.opened(node).is_some_and(watches);
        let sent = if is_on && self.may_transact(node, partitions, when_full) {
            Sent::Transaction(self.pack_transaction(partitions, PIPELINE_BYTES_MAX, &mut packed))
        } else {
            Sent::Steps(self.pack_steps(node, partitions, when_full, PIPELINE_BYTES_MAX, &mut packed))
        };
        let server = self.servers.get(node)?;
        // It ends with a transaction, and a step writes what is watched.
        server.watch.end();
        self.durability.wait(&server.found).pack(&mut packed);
        point("round::packed");
        let written = server.link.send(packed.bytes(), REPLY_TIMEOUT);
        server.packed = packed;
        written?;
        point("round::sent");
        Ok(sent)
    }

    fn receive(&mut self, node: &Node, sent: &Sent, deadline: Instant, round: &mut Round) {
        let Some(server) = self.servers.opened(node) else { return };
        let wait = self.durability.wait(&server.found);
        let count = sent.replies() + wait.replies();
        let mut replies = std::mem::take(&mut self.replies);
        let lost = server.link.receive(count, deadline + wait.longest(), &mut replies).err();
        point("round::answered");
        let mut coming = replies.drain(..);
        match sent {
            Sent::Transaction(sent) => self.judge_transaction(node, sent, &mut coming, round),
            Sent::Steps(asked) => self.judge_steps(node, asked, &mut coming, round),
        }
        if wait.replies() > 0 && !coming.next().is_some_and(|reply| wait.borne_out(&reply)) {
            point("round::unproven");
            sent.partitions()
                .into_iter()
                .for_each(|number| self.partitions[usize::from(number)].kept.doubt_last());
            if lost.is_none() {
                self.figures.unproven.fetch_add(1, Relaxed);
                round.later(format!("{node} does not say that the last batches are {}", self.durability));
            }
        } else if wait.replies() > 0 {
            point("round::proven");
        }
        drop(coming);
        self.replies = replies;
        if let Some(lost) = lost {
            self.trouble(node, &lost.into(), round);
        }
    }

    /// Takes note of why a partition's batch was not taken.
    pub(super) fn refused(&mut self, node: &Node, partition: u16, refusal: &ServerError, round: &mut Round) {
        let judged = classify(refusal);
        let partition = &mut self.partitions[usize::from(partition)];
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
                self.full_until = Some(self.servers.now() + FULL_RETRY);
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
    pub(super) fn trouble(&mut self, node: &Node, trouble: &Trouble, round: &mut Round) {
        if !round.troubled.insert(node.clone()) {
            return;
        }
        self.servers.drop_link(node);
        // Once a round: answers wait meanwhile, and what one discovery found is as good for the next node.
        let found = *round.found.get_or_insert_with(|| self.servers.discover_again().is_ok());
        if !found || matches!(trouble, Trouble::Unfit(_)) {
            round.later(trouble.to_string());
        } else {
            round.again(trouble.to_string());
        }
    }
}
