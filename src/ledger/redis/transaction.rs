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
use crate::sys::point;
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
    /// Where the entries' ids are among the results; that of SET follows.
    ids: std::ops::Range<usize>,
    /// HSET follows, too.
    tells_remaining: bool,
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
            let ids = from..results;
            out.ask(&["SET", &self.keys.tail(*number), &tail.to_string()]);
            results += 1;
            let fields = if tail == partition.kept.tail() { partition.unwritten().len() } else { 0 };
            if fields > 0 {
                out.request(2 + 2 * fields).word("HSET").word(self.keys.remaining(*number));
                partition.unwritten().for_each(|(field, value)| _ = out.word(field).word(value));
                results += 1;
            }
            sent.parts.push(Part { partition: *number, tail, ids, tells_remaining: fields > 0 });
        }
        if sent.parts.is_empty() {
            out.clear();
            return sent;
        }
        out.ask(&["EXEC"]);
        sent.queued = 1 + results;
        sent.watched = self.unfenced();
        self.pack_tails("WATCH", &sent.watched, out);
        self.pack_tails("MGET", &sent.watched, out);
        sent
    }

    /// Packs the watch over the tails of these partitions, and a transaction that changes nothing before it: where one of its
    /// commands is refused, the commands of another would run bare, each by itself. A watch that saw a change does not
    /// forget it by being begun again, so an older one ends first.
    pub(super) fn pack_first_watch(&self, partitions: &[u16], out: &mut Packed) {
        out.ask(&["UNWATCH"]);
        out.ask(&["MULTI"]);
        self.pack_tails("MGET", partitions, out);
        out.ask(&["EXEC"]);
        self.pack_tails("WATCH", partitions, out);
    }

    fn pack_tails(&self, command: &str, partitions: &[u16], out: &mut Packed) {
        out.request(1 + partitions.len()).word(command);
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
        let Some(begun) = replies.next() else { return };
        let (mut refusal, mut ran) = (begun.err(), false);
        let runs_bare = refusal.is_some();
        for reply in replies.by_ref().take(sent.queued - 1) {
            ran |= runs_bare && reply.is_ok();
            refusal = refusal.or(reply.err());
        }
        if ran {
            let reason = format!(
                "{node} took batches without their transaction: {refusal:?}; the user's rights were changed"
            );
            return round.break_off(reason);
        }
        match replies.next() {
            None => return,
            Some(Ok(Value::Array(results))) if results.len() == sent.queued - 1 => {
                for part in &sent.parts {
                    if let Err(reason) = self.note_part(node, part, &results) {
                        return round.break_off(reason);
                    }
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
            Some(Err(discarded)) => self.refused(node, first.partition, &refusal.unwrap_or(discarded), round),
        }
        let (Some(watching), Some(tails)) = (replies.next(), replies.next()) else { return };
        if let Err(lost) = self.note_tails(node, sent, watching, tails, round) {
            self.trouble(node, &lost.into(), round);
        }
    }

    /// Takes note of what became of a part. Its tail has moved whether or not its entries were taken, and nothing refuses an
    /// entry behind the tail that was compared, but a stream that somebody else has written to.
    fn note_part(&mut self, node: &Node, part: &Part, results: &[Value]) -> Result<(), String> {
        let is_id = |result: &Value| matches!(result, Value::BulkString(_));
        let key = self.keys.log(part.partition);
        if let Some(refused) = results[part.ids.clone()].iter().find(|result| !is_id(result)) {
            return Err(format!(
                "{node} refuses a batch in {key}, which something else has written to: {refused:?}"
            ));
        }
        if part.tells_remaining
            && let refused @ Value::ServerError(_) = &results[part.ids.end + 1]
        {
            log::warn!("ledger: {node} does not take what is left on sale beside {key}: {refused:?}");
        }
        self.partitions[usize::from(part.partition)].confirm(part.tail);
        point("transaction::taken");
        Ok(())
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
