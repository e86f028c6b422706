//! Reading a ledger in Redis as a member of a consumer group: each entry goes to one member, and comes again until that
//! member has acknowledged it. Apart from the reader, which keeps nothing in Redis and holds nothing back there.

use super::create::Head;
use super::error::RedisError;
use super::keys::Keys;
use super::link::{Lost, Reply};
use super::packed::Packed;
use super::page::Page;
use super::primaries::{Ask, Primaries};
use super::slot::slot;
use super::tail::entry_id;
use super::url::RedisUrl;
use redis::Value;
use seathold_protocol::batch::Position;
use std::collections::VecDeque;
use std::time::Duration;

/// Entries of one page. Batches have some kilobytes each and rarely more; at the most this is 64 MiB.
const PAGE: usize = 16;

/// How long a server is asked to wait for something new. It bounds how late a signal to end is heeded.
const BLOCK_MS: &str = "500";

/// How often a cluster is looked at: its servers wait for keys of one slot only, and each partition has its own.
const POLL: Duration = Duration::from_millis(100);

/// A member of a consumer group.
pub struct RedisConsumer {
    primaries: Primaries,
    group: String,
    name: String,
    sources: Vec<Source>,
    /// What came while nothing else was there to be read.
    ready: VecDeque<Page>,
    is_new: bool,
}

/// One partition's stream.
struct Source {
    partition: u16,
    key: String,
    slot: u16,
    next: Next,
}

/// Where a member goes on in a stream.
#[derive(Clone, Copy)]
enum Next {
    /// With what it was given before and has not acknowledged, behind this position.
    Again(Position),
    /// With what no member was given yet.
    New,
    /// Nowhere: it was at the end when last looked at.
    Nothing,
}

impl RedisConsumer {
    /// Joins a group as `name`, and registers the group at the oldest entries of all partitions if there is none yet.
    pub fn join(url: &RedisUrl, group: &str, name: &str) -> Result<Self, RedisError> {
        let (mut primaries, sources) = open(url)?;
        let mut is_new = false;
        for source in &sources {
            let mut packed = Packed::default();
            packed.ask(&["XGROUP", "CREATE", &source.key, group, "0"]);
            match primaries.exchange(source.slot, &packed)? {
                Ok(_) => is_new = true,
                Err(refusal) if refusal.code() == "BUSYGROUP" => {}
                Err(refusal) => return Err(RedisError::Away(refusal.to_string())),
            }
        }
        let (group, name) = (group.to_owned(), name.to_owned());
        Ok(Self { primaries, group, name, sources, ready: VecDeque::new(), is_new })
    }

    /// Whether the group was registered just now, by this member.
    pub fn is_new(&self) -> bool {
        self.is_new
    }

    /// The next page: first what this member was given before and has not acknowledged, then what nobody was given yet.
    /// `None` when all partitions have been read to their present ends; then it begins again.
    pub fn next_page(&mut self) -> Result<Option<Page>, RedisError> {
        if let Some(page) = self.ready.pop_front() {
            return Ok(Some(page));
        }
        if self.is_at_the_ends() {
            self.sources.iter_mut().for_each(|source| source.next = Next::New);
        }
        for at in 0..self.sources.len() {
            while let Some(from) = self.sources[at].next.id() {
                let page = self.read(at, &from)?;
                let source = &mut self.sources[at];
                source.next = source.next.behind(&page);
                if page.len() > 0 {
                    return Ok(Some(page));
                }
            }
        }
        Ok(None)
    }

    /// Waits until there may be a next page, half a second at most.
    pub fn wait(&mut self) -> Result<(), RedisError> {
        if !self.ready.is_empty() || !self.is_at_the_ends() {
            return Ok(());
        }
        if self.primaries.is_cluster() {
            std::thread::sleep(POLL);
            return Ok(());
        }
        let mut packed = Packed::default();
        packed.request(9 + 2 * self.sources.len());
        packed.word("XREADGROUP").word("GROUP").word(&self.group).word(&self.name);
        // One entry of each is enough to know where there is something.
        packed.word("COUNT").word("1").word("BLOCK").word(BLOCK_MS).word("STREAMS");
        for source in &self.sources {
            packed.word(&source.key);
        }
        for _ in &self.sources {
            packed.word(">");
        }
        let reply = self.primaries.exchange(self.sources[0].slot, &packed)?;
        for (key, entries) in self.streams(&self.sources[0].key, reply)? {
            let is_of = |source: &&mut Source| Value::BulkString(source.key.clone().into_bytes()) == key;
            let Some(source) = self.sources.iter_mut().find(is_of) else {
                return Err(Lost(format!("XREADGROUP answered with the stream {key:?}")).into());
            };
            source.next = Next::New;
            self.ready.push_back(Page::new(source.partition, &source.key, entries)?);
        }
        Ok(())
    }

    /// Acknowledges all entries of a page: they will not come again, and hold back trimming no more.
    pub fn acknowledge(&mut self, page: Page) -> Result<(), RedisError> {
        let source = &self.sources[usize::from(page.partition())];
        let mut packed = Packed::default();
        packed.request(3 + page.len()).word("XACK").word(&source.key).word(&self.group);
        for id in page.ids() {
            packed.word(id);
        }
        self.primaries.ask_one(source.slot, &packed).map(drop)
    }

    fn is_at_the_ends(&self) -> bool {
        self.sources.iter().all(|source| matches!(source.next, Next::Nothing))
    }

    fn read(&mut self, at: usize, from: &str) -> Result<Page, RedisError> {
        let source = &self.sources[at];
        let mut packed = Packed::default();
        packed.request(9).word("XREADGROUP").word("GROUP").word(&self.group).word(&self.name);
        packed.word("COUNT").word(PAGE.to_string()).word("STREAMS").word(&source.key).word(from);
        let reply = self.primaries.exchange(source.slot, &packed)?;
        let entries = self.streams(&source.key, reply)?.pop().map(|(_, entries)| entries);
        Page::new(source.partition, &source.key, entries.unwrap_or_else(|| Value::Array(Vec::new())))
    }

    /// The streams of a reply with their entries; `key` is one that was asked for.
    fn streams(&self, key: &str, reply: Reply) -> Result<Vec<(Value, Value)>, RedisError> {
        match reply {
            Ok(Value::Nil) => Ok(Vec::new()),
            Ok(Value::Map(streams)) => Ok(streams),
            Ok(other) => Err(Lost(format!("XREADGROUP answered {other:?}")).into()),
            Err(refusal) if matches!(refusal.code(), "NOGROUP" | "UNBLOCKED") => {
                Err(RedisError::NoGroup { group: self.group.clone(), key: key.to_owned() })
            }
            Err(refusal) => Err(RedisError::Away(refusal.to_string())),
        }
    }
}

/// Takes a group out of every partition, so that it holds back trimming no more. Says of how many it was a group.
pub fn remove_group(url: &RedisUrl, group: &str) -> Result<u16, RedisError> {
    let (mut primaries, sources) = open(url)?;
    let mut removed = 0;
    for source in &sources {
        let mut packed = Packed::default();
        packed.ask(&["XGROUP", "DESTROY", &source.key, group]);
        removed += u16::from(primaries.ask_one(source.slot, &packed)? == Value::Int(1));
    }
    Ok(removed)
}

fn open(url: &RedisUrl) -> Result<(Primaries, Vec<Source>), RedisError> {
    let keys = Keys::new(&url.prefix);
    let mut primaries = Primaries::discover(url)?;
    let head = Head::read(&mut primaries, &keys, url)?
        .ok_or_else(|| RedisError::NoLedger { url: url.to_string() })?;
    let source = |partition| {
        let key = keys.log(partition);
        Source { partition, slot: slot(key.as_bytes()), key, next: Next::Again(Position::default()) }
    };
    Ok((primaries, (0..head.partitions).map(source).collect()))
}

impl Next {
    fn id(self) -> Option<String> {
        match self {
            Self::Again(behind) => Some(entry_id(behind)),
            Self::New => Some(">".to_owned()),
            Self::Nothing => None,
        }
    }

    /// Where to go on behind a page. One that is not full was the last of its kind.
    fn behind(self, page: &Page) -> Self {
        let last = page.last().filter(|_| page.len() == PAGE);
        match (self, last) {
            (Self::Again(_), Some(last)) => Self::Again(last),
            (Self::Again(_), None) | (_, Some(_)) => Self::New,
            (Self::New | Self::Nothing, None) => Self::Nothing,
        }
    }
}
