//! Appending without a script, where one server has everything: native commands in a transaction that runs only if no tail
//! has changed since it was read (WATCH, <https://redis.io/docs/latest/develop/interact/transactions/>).
//!
//! ```text
//!  MULTI │ XADD, SET tail, HSET remaining, for each partition │ EXEC │ WATCH tails │ MGET tails │ WAIT
//! ```
//!
//! A script's batch is copied and hashed as a string of Lua, so the same append takes Redis twice the processor time. The
//! watch for the next transaction begins in the pipeline of this one, so that it costs no round trip of its own; what a tail
//! is when its watch begins, MGET tells. A transaction of a connection that was given up cannot run behind one that was sent
//! after it: its watch saw the other's write, and the other way round.
//!
//! What is not plain goes through the script: a batch that is sent again for its durability, keys that are gone, a full
//! server. So does a cluster, where a transaction has one slot and ends the watch of all others.

use super::append::RedisLog;
use super::link::{Lost, Reply};
use super::node::Node;
use super::packed::Packed;
use super::round::Round;
use super::servers::Watch;
use super::tail::{Tail, entry_id};
use crate::ledger::log::AppendError;
use redis::Value;

/// Tails that one connection watches. A server compares each with all that it watches already.
const WATCHED_MAX: usize = 64;

/// A transaction that was sent.
#[derive(Default)]
pub(super) struct Transaction {
    parts: Vec<Part>,
    /// The partitions whose tails are asked for behind it.
    watched: Vec<u16>,
    /// Replies before that of EXEC.
    queued: usize,
}

/// What it appends to one partition.
struct Part {
    partition: u16,
    /// The tail behind the last entry.
    tail: Tail,
    /// Where the entries' ids are among the results.
    ids: std::ops::Range<usize>,
}

impl Transaction {
    pub(super) fn replies(&self) -> usize {
        if self.parts.is_empty() { 0 } else { self.queued + 3 }
    }

    pub(super) fn partitions(&self) -> impl Iterator<Item = u16> {
        self.parts.iter().map(|part| part.partition)
    }
}

impl RedisLog {
    /// Whether the log's tails can be watched at all.
    pub(super) fn may_watch(&mut self, node: &Node) -> bool {
        !self.servers.is_cluster()
            && self.partitions.len() <= WATCHED_MAX
            && self.servers.opened(node).is_some_and(|server| !server.watch.is_refused())
    }

    /// Whether these partitions' batches can go in a transaction.
    pub(super) fn may_transact(&mut self, node: &Node, partitions: &[u16], when_full: bool) -> bool {
        let is_plain = |number: &u16| self.partitions[usize::from(*number)].is_plain();
        !when_full && partitions.iter().all(is_plain) && self.may_watch(node)
    }

    /// Packs what these partitions lack, up to `bytes_max`.
    pub(super) fn pack_transaction(
        &self,
        partitions: &[u16],
        bytes_max: usize,
        out: &mut Packed,
    ) -> Transaction {
        let mut sent = Transaction::default();
        out.ask(&["MULTI"]);
        let mut results = 0;
        for number in partitions {
            let partition = &self.partitions[usize::from(*number)];
            let (from, mut last) = (results, None);
            for (_, entry) in partition.pending() {
                if out.bytes().len() > bytes_max {
                    break;
                }
                out.request(7).word("XADD").word(self.keys.log(*number)).word(entry_id(entry.tail.position));
                out.word("b").word(&entry.bytes).word("o").word(entry.tail.owner.to_string());
                results += 1;
                last = Some(entry.tail);
            }
            let Some(tail) = last else { continue };
            sent.parts.push(Part { partition: *number, tail, ids: from..results });
            out.ask(&["SET", &self.keys.tail(*number), &tail.to_string()]);
            results += 1;
            let fields = if tail == partition.kept.tail() { partition.unwritten().len() } else { 0 };
            if fields > 0 {
                out.request(2 + 2 * fields).word("HSET").word(self.keys.remaining(*number));
                partition.unwritten().for_each(|(field, value)| _ = out.word(field).word(value));
                results += 1;
            }
        }
        if sent.parts.is_empty() {
            out.clear();
            return sent;
        }
        out.ask(&["EXEC"]);
        sent.queued = 1 + results;
        sent.watched = self.unfenced();
        self.pack_watch(&sent.watched, out);
        out.request(1 + sent.watched.len()).word("MGET");
        sent.watched.iter().for_each(|number| _ = out.word(self.keys.tail(*number)));
        sent
    }

    /// Packs the watch over the tails of these partitions.
    pub(super) fn pack_watch(&self, partitions: &[u16], out: &mut Packed) {
        out.request(1 + partitions.len()).word("WATCH");
        partitions.iter().for_each(|number| _ = out.word(self.keys.tail(*number)));
    }

    fn unfenced(&self) -> Vec<u16> {
        let own = self.partitions.iter().filter(|partition| partition.fenced.is_none());
        own.map(|partition| partition.number).collect()
    }

    /// Takes note of the replies to a transaction, as far as they came.
    pub(super) fn judge_transaction(
        &mut self,
        node: &Node,
        sent: &Transaction,
        replies: &mut impl Iterator<Item = Reply>,
        round: &mut Round,
    ) {
        let Some(first) = sent.parts.first() else { return };
        let mut queued = None;
        for reply in replies.by_ref().take(sent.queued) {
            queued = queued.or(reply.err());
        }
        match replies.next() {
            None => return,
            Some(Ok(Value::Array(results))) => {
                for part in &sent.parts {
                    self.note_part(node, part, &results, round);
                }
                self.full_until = None;
            }
            Some(Ok(Value::Nil)) => {
                round.again(format!("{node}: a tail was changed before the batches came"))
            }
            Some(Ok(other)) => {
                let lost = Lost(format!("{node} answered the transaction with {other:?}"));
                return self.trouble(node, &lost.into(), round);
            }
            Some(Err(refusal)) => self.refused(node, first.partition, &queued.unwrap_or(refusal), round),
        }
        let (Some(watching), Some(tails)) = (replies.next(), replies.next()) else { return };
        if let Err(lost) = self.note_tails(node, sent, watching, tails, round) {
            self.trouble(node, &lost.into(), round);
        }
    }

    fn note_part(&mut self, node: &Node, part: &Part, results: &[Value], round: &mut Round) {
        // The tail moves whether or not the entries are taken, and no entry is refused behind the tail that was compared.
        let refused = results[part.ids.clone()].iter().find(|result| !matches!(result, Value::BulkString(_)));
        if let Some(refused) = refused {
            let key = self.keys.log(part.partition);
            let reason =
                format!("{node} refuses a batch in {key}, which something else has written to: {refused:?}");
            round.error = Some(AppendError::Broken(std::io::Error::other(reason)));
            return;
        }
        self.partitions[usize::from(part.partition)].confirm(part.tail);
    }

    /// Takes note of where the tails stood when their watch began.
    fn note_tails(
        &mut self,
        node: &Node,
        sent: &Transaction,
        watching: Reply,
        tails: Reply,
        round: &mut Round,
    ) -> Result<(), Lost> {
        let unreadable =
            |reply: &dyn std::fmt::Debug| Lost(format!("{node} answered for the tails {reply:?}"));
        let tails = match (watching, tails) {
            (Ok(Value::Okay), Ok(Value::Array(tails))) if tails.len() == sent.watched.len() => tails,
            (watching, tails) => return Err(unreadable(&(watching, tails))),
        };
        for (number, tail) in sent.watched.iter().zip(tails) {
            let tail = match tail {
                Value::Nil => None,
                Value::BulkString(text) => {
                    let tail = std::str::from_utf8(&text).ok().and_then(|text| text.parse::<Tail>().ok());
                    Some(tail.ok_or_else(|| unreadable(&text))?)
                }
                other => return Err(unreadable(&other)),
            };
            let partition = &mut self.partitions[usize::from(*number)];
            if let Err(error) = partition.stands_at(tail, &self.figures) {
                round.error = Some(error);
            }
            self.head_lost |= partition.emptied;
        }
        if let Some(server) = self.servers.opened(node) {
            server.watch = Watch::On;
        }
        Ok(())
    }
}
