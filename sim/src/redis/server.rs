//! A simulated Redis behind one address: a primary, a replica that lags, and connections that break at any place.

use super::reply::{error, okay, text};
use super::store::{Mood, Store, Words};
use crate::branch::{Branch, Counts};
use rand::{RngExt, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;
use redis::Value;
use std::collections::BTreeMap;

/// What a connection has begun on the server.
#[derive(Default)]
pub(crate) struct Begun {
    watched: BTreeMap<String, u64>,
    /// The commands since MULTI, and whether one was refused.
    queued: Option<(Vec<Words>, bool)>,
}

/// What becomes of one pipeline.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    /// All of it runs and is answered.
    Answered,
    /// The connection breaks behind so many commands.
    Cut(usize),
    /// It runs, and the replies come too late.
    Slow,
    /// It runs some time later, when nobody waits for it any more.
    Late,
}

pub(crate) struct Server {
    random: Xoshiro256PlusPlus,
    pub(crate) store: Store,
    pub(crate) replica: Store,
    pub(crate) mood: Mood,
    pub(crate) away: bool,
    /// Of a hundred pipelines, how many meet a fate of their own.
    pub(crate) trouble_percent: u32,
    /// Connections of an earlier one are broken.
    pub(crate) generation: u64,
    late: Vec<(Begun, Vec<Words>)>,
    pub(crate) counts: Counts,
}

impl Server {
    pub(crate) fn new(seed: u64) -> Self {
        let mut random = Xoshiro256PlusPlus::seed_from_u64(seed ^ 0x4ed15);
        let mood = Mood { old: random.random_bool(0.3), ..Mood::default() };
        Self {
            random,
            store: Store::default(),
            replica: Store::default(),
            mood,
            away: false,
            trouble_percent: 0,
            generation: 0,
            late: Vec::new(),
            counts: Counts::default(),
        }
    }

    /// Draws what becomes of a pipeline of so many commands.
    pub(crate) fn fate(&mut self, commands: usize) -> Fate {
        if self.random.random_range(0..100) >= self.trouble_percent {
            return Fate::Answered;
        }
        self.counts.bump(Branch::RedisTrouble);
        match self.random.random_range(0..6) {
            0..3 => Fate::Cut(self.random.random_range(0..=commands)),
            3 => Fate::Slow,
            _ => Fate::Late,
        }
    }

    /// Keeps a pipeline for later, with what its connection has begun.
    pub(crate) fn postpone(&mut self, begun: Begun, requests: Vec<Words>) {
        self.late.push((begun, requests));
    }

    /// Runs what was left of connections that were given up.
    pub(crate) fn run_late(&mut self) {
        if !self.late.is_empty() && self.random.random_bool(0.5) {
            let (mut begun, requests) = self.late.remove(0);
            self.counts.bump(Branch::LateCommand);
            for words in &requests {
                self.run(&mut begun, words);
            }
        }
    }

    /// The primary is gone, and the replica is it now, with what it has.
    pub(crate) fn fail_over(&mut self) {
        self.counts.bump(Branch::FailOver);
        self.store = self.replica.clone();
        self.break_connections();
    }

    /// It starts again with nothing.
    pub(crate) fn empty(&mut self) {
        self.counts.bump(Branch::Emptied);
        self.store = Store::default();
        self.replica = Store::default();
        self.break_connections();
    }

    /// Somebody flushed the scripts, or they went with a restart.
    pub(crate) fn forget_scripts(&mut self) {
        self.counts.bump(Branch::ScriptsLost);
        self.store.function = false;
        self.store.scripts.clear();
    }

    pub(crate) fn break_connections(&mut self) {
        self.generation += 1;
        self.late.clear();
    }

    /// Runs one command of a connection.
    pub(crate) fn run(&mut self, begun: &mut Begun, words: &Words) -> Value {
        let command = String::from_utf8_lossy(&words[0]).into_owned();
        let keys = || words[1..].iter().map(|key| String::from_utf8_lossy(key).into_owned());
        match (&*command, &mut begun.queued) {
            ("EXEC", Some(_)) => self.execute(begun),
            (_, Some((queued, refused))) => {
                if let Some(refusal) = Store::refusal(words, self.mood) {
                    *refused = true;
                    return refusal;
                }
                queued.push(words.clone());
                Value::SimpleString("QUEUED".to_owned())
            }
            ("MULTI", None) => {
                begun.queued = Some((Vec::new(), false));
                okay()
            }
            ("WATCH", None) => {
                for key in keys() {
                    let writes = self.store.writes_to(&key);
                    // A watch that saw a change does not forget it by being begun again.
                    begun.watched.entry(key).or_insert(writes);
                }
                okay()
            }
            ("UNWATCH", None) => {
                begun.watched.clear();
                okay()
            }
            ("INFO", None) => text(&self.info()),
            ("COMMAND", None) => {
                let known = || Value::Array(vec![text("known")]);
                let functions = if self.mood.old { Value::Nil } else { known() };
                Value::Array(vec![functions, Value::Nil])
            }
            ("CONFIG", None) => Value::Map(vec![
                (text("appendfsync"), text("always")),
                (text("maxmemory-policy"), text("noeviction")),
            ]),
            (_, None) => self.store.run(words, self.mood),
        }
    }

    fn execute(&mut self, begun: &mut Begun) -> Value {
        let watched = std::mem::take(&mut begun.watched);
        let (queued, refused) = begun.queued.take().expect("the caller has seen it");
        if refused {
            return error("EXECABORT Transaction discarded because of previous errors.");
        }
        let is_changed = |(key, writes): (&String, &u64)| self.store.writes_to(key) != *writes;
        if watched.iter().any(is_changed) && !self.mood.careless {
            self.counts.bump(Branch::WatchBroken);
            return Value::Nil;
        }
        Value::Array(queued.iter().map(|words| self.store.run(words, self.mood)).collect())
    }

    fn info(&self) -> String {
        let version = if self.mood.old { "6.2.14" } else { "7.2.4" };
        let role = if self.mood.read_only { "slave" } else { "master" };
        format!(
            "redis_version:{version}\r\nredis_mode:standalone\r\nrole:{role}\r\naof_enabled:1\r\nmaxmemory:0\r\n\
             used_memory:1000\r\nmaxmemory_policy:noeviction\r\n"
        )
    }
}
