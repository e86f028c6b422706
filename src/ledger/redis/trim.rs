//! Trimming: entries whose state was written again leave the stream, unless a consumer group has not read them yet.

use super::append::RedisLog;
use super::link::{Link, Lost, Reply};
use super::packed::Packed;
use super::servers::{REPLY_TIMEOUT, Trouble};
use super::tail::{entry_id, position};
use redis::streams::StreamInfoGroupsReply;
use redis::{Value, from_redis_value};
use seathold_protocol::batch::Position;
use std::time::Instant;

impl RedisLog {
    /// Forgets what is covered, here and in Redis. The first failure ends it, because answers wait meanwhile; the rest is done
    /// after the next append.
    pub(super) fn trim_what_is_covered(&mut self) {
        for at in 0..self.partitions.len() {
            let partition = &mut self.partitions[at];
            if partition.fenced.is_some() || partition.floor <= partition.trimmed {
                continue;
            }
            let floor = partition.floor;
            if let Some(first) = partition.kept.forget(floor)
                && let Err(trouble) = self.trim(at, first)
            {
                log::warn!("ledger: partition {at} is not trimmed now: {trouble}");
                return;
            }
            self.partitions[at].trimmed = floor;
        }
    }

    fn trim(&mut self, at: usize, first: Position) -> Result<(), Trouble> {
        let (number, slot) = (self.partitions[at].number, self.partitions[at].slot);
        let node = self.servers.primary(slot)?;
        let key = self.keys.log(number);
        let trimmed = trim_stream(&mut self.servers.get(&node)?.link, &key, first);
        if trimmed.is_err() {
            self.servers.drop_link(&node);
        }
        Ok(trimmed?)
    }
}

fn trim_stream(link: &mut Link, key: &str, first: Position) -> Result<(), Lost> {
    let mut least = first;
    for group in groups(link, key)? {
        // What was delivered last stays, too: that is one entry more than needed, and one question less.
        let delivered = position(&group.last_delivered_id).unwrap_or_default();
        least = least.min(delivered);
        if group.pending > 0 {
            let reply = ask(link, &["XPENDING", key, &group.name])?;
            least = least.min(oldest_pending(&reply).unwrap_or_default());
        }
    }
    ask(link, &["XTRIM", key, "MINID", "=", &entry_id(least)]).map(drop)
}

fn groups(link: &mut Link, key: &str) -> Result<Vec<redis::streams::StreamInfoGroup>, Lost> {
    let reply = ask(link, &["XINFO", "GROUPS", key])?;
    let groups: StreamInfoGroupsReply =
        from_redis_value(reply).map_err(|error| Lost(format!("XINFO GROUPS: {error}")))?;
    Ok(groups.groups)
}

/// The reply's second element.
fn oldest_pending(reply: &Value) -> Option<Position> {
    let Value::Array(summary) = reply else { return None };
    let Value::BulkString(id) = summary.get(1)? else { return None };
    position(std::str::from_utf8(id).ok()?)
}

fn ask(link: &mut Link, words: &[&str]) -> Result<Value, Lost> {
    let mut packed = Packed::default();
    packed.ask(words);
    let mut replies: Vec<Reply> = Vec::with_capacity(1);
    link.send(packed.bytes(), REPLY_TIMEOUT)?;
    link.receive(1, Instant::now() + REPLY_TIMEOUT, &mut replies)?;
    replies.remove(0).map_err(|refusal| Lost(format!("{}: {refusal}", words[0])))
}
