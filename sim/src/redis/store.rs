//! What a simulated Redis keeps, and the commands that touch it: as many as the ledger uses, each as its documentation has it.
//! The ledger's own scripts are stood in for by the same steps, since there is no Lua here.

use super::reply::{bulk, error, integer, okay, text};
use redis::Value;
use seathold_protocol::batch::Position;
use std::collections::BTreeMap;
use std::sync::Arc;

/// One request.
pub(crate) type Words = Vec<Vec<u8>>;

const OOM: &str = "OOM command not allowed when used memory > 'maxmemory'.";
const READONLY: &str = "READONLY You can't write against a read only replica.";
const WRONG_ID: &str = "ERR The ID specified in XADD is equal or smaller than the target stream top item";

/// Fields and values of an entry.
type Fields = Arc<Vec<Vec<u8>>>;

/// The data of one server. Copying it is what a replica does.
#[derive(Clone, Default)]
pub(crate) struct Store {
    strings: BTreeMap<String, String>,
    hashes: BTreeMap<String, BTreeMap<String, String>>,
    streams: BTreeMap<String, Stream>,
    /// How often each key was written to, for WATCH.
    writes: BTreeMap<String, u64>,
    /// Whether the append step is there as a function, and under which digests as a script (and whether above the limit).
    pub(crate) function: bool,
    pub(crate) scripts: BTreeMap<String, bool>,
}

#[derive(Clone, Default)]
struct Stream {
    entries: Vec<(Position, Fields)>,
    last: Position,
}

/// What a server refuses at this moment.
#[derive(Clone, Copy, Default)]
pub(crate) struct Mood {
    pub(crate) full: bool,
    pub(crate) read_only: bool,
    /// Before 7.0 there are no functions.
    pub(crate) old: bool,
    /// It compares nothing: the canary.
    pub(crate) careless: bool,
}

impl Mood {
    fn refusal(self, when_full: bool) -> Option<Value> {
        if self.read_only {
            return Some(error(READONLY));
        }
        (self.full && !when_full).then(|| error(OOM))
    }
}

fn word(words: &Words, at: usize) -> String {
    String::from_utf8_lossy(words.get(at).map_or(&[][..], |word| word)).into_owned()
}

fn position(id: &str) -> Option<Position> {
    let (epoch, sequence) = id.split_once('-')?;
    Some(Position { epoch: epoch.parse().ok()?, sequence: sequence.parse().ok()? })
}

impl Store {
    /// What WATCH compares.
    pub(crate) fn writes_to(&self, key: &str) -> u64 {
        self.writes.get(key).copied().unwrap_or(0)
    }

    /// The encoded batches of a stream.
    pub(crate) fn batches(&self, key: &str) -> impl Iterator<Item = &[u8]> {
        let entries = self.streams.get(key).into_iter().flat_map(|stream| &stream.entries);
        entries.map(|(_, fields)| &fields[1][..])
    }

    /// Whether the word that there is a ledger is there: an owner writes it last after everything was lost.
    pub(crate) fn has_ledger(&self) -> bool {
        self.hashes.contains_key("seathold:ledger")
    }

    /// Why a command would not even be queued.
    pub(crate) fn refusal(words: &Words, mood: Mood) -> Option<Value> {
        let writes = matches!(&*word(words, 0), "SET" | "XADD" | "HSET" | "XGROUP");
        if writes { mood.refusal(false) } else { None }
    }

    /// Runs one command.
    pub(crate) fn run(&mut self, words: &Words, mood: Mood) -> Value {
        if let Some(refusal) = Self::refusal(words, mood) {
            return refusal;
        }
        let key = word(words, 1);
        match &*word(words, 0) {
            "GET" => self.get(&key),
            "MGET" => Value::Array((1..words.len()).map(|at| self.get(&word(words, at))).collect()),
            "SET" => {
                self.set(&key, word(words, 2));
                okay()
            }
            "EXISTS" => {
                integer(i64::from(self.strings.contains_key(&key) || self.streams.contains_key(&key)))
            }
            "HGET" => match self.hashes.get(&key).and_then(|hash| hash.get(&word(words, 2))) {
                Some(value) => text(value),
                None => Value::Nil,
            },
            "HGETALL" => {
                let fields = self.hashes.get(&key).into_iter().flatten();
                Value::Map(fields.map(|(field, value)| (text(field), text(value))).collect())
            }
            "HSET" => {
                self.set_fields(&key, &words[2..]);
                integer(0)
            }
            "XADD" => self.add(&key, &word(words, 2), words[3..].to_vec(), mood),
            "XRANGE" => self.range(&key, &word(words, 2), &word(words, 3), &word(words, 5)),
            "XREVRANGE" => self.newest(&key),
            "XGROUP" => {
                self.wrote(&word(words, 2));
                self.streams.entry(word(words, 2)).or_default();
                okay()
            }
            "FUNCTION" => {
                if let Some(refusal) = mood.refusal(false) {
                    return refusal;
                }
                self.function = true;
                text("seathold1")
            }
            "SCRIPT" => {
                let digest = format!("{:08x}", crc32c::crc32c(&words[2]));
                self.scripts.insert(digest.clone(), word(words, 2).starts_with("redis.call('HDEL'"));
                text(&digest)
            }
            "FCALL" if !self.function => error("ERR Function not found"),
            "FCALL" => self.append_step(words, mood, key.ends_with("when_full")),
            "EVALSHA" => match self.scripts.get(&key) {
                Some(when_full) => self.append_step(words, mood, *when_full),
                None => error("NOSCRIPT No matching script. Please use EVAL."),
            },
            "EVAL" => self.eval(words, mood),
            other => panic!("the simulated Redis does not know {other}"),
        }
    }

    fn wrote(&mut self, key: &str) {
        *self.writes.entry(key.to_owned()).or_default() += 1;
    }

    fn get(&self, key: &str) -> Value {
        self.strings.get(key).map_or(Value::Nil, |value| text(value))
    }

    fn set(&mut self, key: &str, value: String) {
        self.wrote(key);
        self.strings.insert(key.to_owned(), value);
    }

    fn set_fields(&mut self, key: &str, words: &[Vec<u8>]) {
        self.wrote(key);
        let hash = self.hashes.entry(key.to_owned()).or_default();
        for pair in words.chunks_exact(2) {
            let [field, value] = [0, 1].map(|at| String::from_utf8_lossy(&pair[at]).into_owned());
            hash.insert(field, value);
        }
    }

    fn add(&mut self, key: &str, id: &str, fields: Words, mood: Mood) -> Value {
        let Some(position) = position(id) else { return error("ERR Invalid stream ID") };
        let stream = self.streams.entry(key.to_owned()).or_default();
        if position <= stream.last && !mood.careless {
            return error(WRONG_ID);
        }
        stream.last = position;
        stream.entries.push((position, Arc::new(fields)));
        self.wrote(key);
        text(id)
    }

    fn range(&self, key: &str, from: &str, to: &str, count: &str) -> Value {
        let exclusive = from.strip_prefix('(');
        let first = position(exclusive.unwrap_or(from)).unwrap_or_default();
        let last = position(to).unwrap_or(Position { epoch: u64::MAX, sequence: u64::MAX });
        let entries = self.streams.get(key).into_iter().flat_map(|stream| &stream.entries);
        let inside = entries
            .filter(|(at, _)| *at <= last && if exclusive.is_some() { *at > first } else { *at >= first });
        Value::Array(inside.take(count.parse().unwrap_or(1)).map(entry).collect())
    }

    fn newest(&self, key: &str) -> Value {
        let last = self.streams.get(key).and_then(|stream| stream.entries.last());
        Value::Array(last.map(entry).into_iter().collect())
    }

    /// append.lua
    fn append_step(&mut self, words: &Words, mood: Mood, when_full: bool) -> Value {
        let [tail_key, log, remaining] = [3, 4, 5].map(|at| word(words, at));
        let [expected, new, id] = [6, 7, 8].map(|at| word(words, at));
        if let Some(refusal) = mood.refusal(when_full) {
            return refusal;
        }
        let tail = self.strings.get(&tail_key).cloned().unwrap_or_default();
        if tail == new {
            self.set(&tail_key, tail);
            return Value::Array(vec![integer(1), text(&new)]);
        }
        if tail != expected && !mood.careless {
            return Value::Array(vec![integer(2), text(&tail)]);
        }
        let fields = vec![b"b".to_vec(), words[10].clone(), b"o".to_vec(), words[9].clone()];
        let added = self.add(&log, &id, fields, mood);
        if matches!(added, Value::ServerError(_)) {
            return added;
        }
        self.set(&tail_key, new.clone());
        if words.len() > 11 {
            self.set_fields(&remaining, &words[11..]);
        }
        Value::Array(vec![integer(0), text(&new)])
    }

    /// claim.lua, trim.lua, and the look at one moment of a partition.
    fn eval(&mut self, words: &Words, mood: Mood) -> Value {
        let (source, key) = (word(words, 1), word(words, 3));
        if source.contains("'XTRIM'") {
            if let Some(refusal) = mood.refusal(true) {
                return refusal;
            }
            let first = position(&word(words, 4)).unwrap_or_default();
            self.wrote(&key);
            let stream = self.streams.entry(key).or_default();
            let before = stream.entries.len();
            stream.entries.retain(|(at, _)| *at >= first);
            return integer((before - stream.entries.len()) as i64);
        }
        if source.contains("'XREVRANGE'") {
            let ledger = self.hashes.get(&word(words, 4)).and_then(|hash| hash.get("ledger"));
            let ledger = ledger.map_or(Value::Nil, |id| text(id));
            return Value::Array(vec![self.get(&key), ledger, self.newest(&word(words, 5))]);
        }
        assert!(source.contains("Names the new owner"), "a script that the simulated Redis does not know");
        if let Some(refusal) = mood.refusal(true) {
            return refusal;
        }
        let tail = self.strings.get(&key).cloned();
        let mut names = tail.as_deref().unwrap_or_default().split(' ');
        let (Some(id), Some(owner)) = (names.next(), names.next()) else { return Value::Nil };
        let claimed = format!("{id} {owner} {}", word(words, 5));
        self.set(&key, claimed.clone());
        text(&claimed)
    }
}

fn entry((at, fields): &(Position, Fields)) -> Value {
    let id = text(&format!("{}-{}", at.epoch, at.sequence));
    Value::Array(vec![id, Value::Array(fields.iter().map(|field| bulk(field)).collect())])
}
