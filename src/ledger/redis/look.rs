//! Looking where the servers stand: whether the ledger is still this owner's, and all there.

use super::append::RedisLog;
use super::link::{Lost, Reply};
use super::node::Node;
use super::packed::Packed;
use super::round::Unsent;
use super::servers::{REPLY_TIMEOUT, Watch};
use super::tail::Tail;
use crate::ledger::log::AppendError;
use redis::Value;
use std::collections::BTreeSet;

impl RedisLog {
    /// Asks every server where it stands.
    pub(super) fn look(&mut self) -> Result<(), AppendError> {
        let mut tried = BTreeSet::new();
        for at in 0..self.partitions.len() {
            let partition = &self.partitions[at];
            if partition.fenced.is_some() {
                continue;
            }
            let primary = self.servers.primary(partition.slot);
            let node = primary.map_err(|lost| AppendError::Away(lost.to_string()))?;
            if tried.insert(node.clone()) {
                self.look_at(&node)?;
            }
        }
        Ok(())
    }

    /// A connection that went while nobody used it is no trouble yet.
    fn look_at(&mut self, node: &Node) -> Result<(), AppendError> {
        for last in [false, true] {
            let looked = self.servers.get(node).map(drop).map_err(Unsent::Trouble);
            match looked.and_then(|()| self.look_where_it_stands(node)) {
                Ok(()) => break,
                Err(Unsent::Append(error)) => return Err(error),
                Err(Unsent::Trouble(trouble)) => {
                    self.servers.drop_link(node);
                    let found = self.servers.discover_again();
                    if last || found.is_err() {
                        return Err(AppendError::Away(trouble.to_string()));
                    }
                }
            }
        }
        Ok(())
    }

    /// Asks a server for the tails of its partitions, and watches them from there on where it can. One that was just connected
    /// may be another one than before, and lack batches of any of them.
    pub(super) fn look_where_it_stands(&mut self, node: &Node) -> Result<(), Unsent> {
        let mut here = Vec::new();
        for partition in self.partitions.iter().filter(|partition| partition.fenced.is_none()) {
            if self.servers.primary(partition.slot)? == *node {
                here.push(partition.number);
            }
        }
        self.servers.get(node)?;
        let mut asked = Packed::default();
        if !here.is_empty() && self.may_watch(node) {
            self.pack_first_watch(&here, &mut asked);
        }
        let watching = asked.count();
        for number in &here {
            asked.ask(&["HGET", &self.keys.remaining(*number), "ledger"]);
            asked.ask(&["GET", &self.keys.tail(*number)]);
        }
        let server = self.servers.get(node)?;
        let mut replies = Vec::with_capacity(asked.count());
        server.link.send(asked.bytes(), REPLY_TIMEOUT)?;
        let deadline = server.link.now() + REPLY_TIMEOUT;
        server.link.receive(asked.count(), deadline, &mut replies)?;
        let mut replies = replies.into_iter();
        let mut refusal = None;
        for reply in replies.by_ref().take(watching) {
            refusal = refusal.or(reply.err());
        }
        for number in here {
            let (ledger, tail) = (replies.next(), replies.next());
            // It moves, and its keys are ahead of its slot: the next append is sent there, and compares the tail itself.
            if [&ledger, &tail].into_iter().any(is_sent_on) {
                continue;
            }
            let (ledger, tail) = (text(ledger)?, text(tail)?);
            if ledger.is_some_and(|ledger| ledger != self.head.id) {
                let reason =
                    format!("{node} has another ledger under the same keys; give each a prefix of its own");
                return Err(Unsent::Append(AppendError::Broken(std::io::Error::other(reason))));
            }
            let tail = tail.map(|tail| tail.parse::<Tail>()).transpose();
            let tail = tail.map_err(|()| Lost(format!("{node} has a tail that cannot be read")))?;
            let partition = &mut self.partitions[usize::from(number)];
            partition.stands_at(tail, &self.figures).map_err(Unsent::Append)?;
            self.head_lost |= partition.emptied;
        }
        let watch = &mut self.servers.get(node)?.watch;
        match refusal {
            Some(refusal) => {
                log::info!(
                    "ledger: {node} has no transactions for this user ({refusal}); batches go through the script"
                );
                *watch = Watch::Refused;
            }
            None if watching > 0 => *watch = Watch::On,
            None => watch.end(),
        }
        Ok(())
    }
}

fn is_sent_on(reply: &Option<Reply>) -> bool {
    matches!(reply, Some(Err(refusal)) if refusal.code() == "ASK")
}

fn text(reply: Option<Reply>) -> Result<Option<String>, Lost> {
    match reply {
        Some(Ok(Value::Nil)) => Ok(None),
        Some(Ok(Value::BulkString(bytes))) => Ok(Some(String::from_utf8_lossy(&bytes).into_owned())),
        Some(Ok(other)) => Err(Lost(format!("a key of the ledger holds {other:?}"))),
        Some(Err(refusal)) => Err(Lost(refusal.to_string())),
        None => Err(Lost("a reply is missing".to_owned())),
    }
}
