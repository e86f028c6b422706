//! What a server says of itself: the questions, and how its answers are read.

use super::super::link::{Link, Lost, Reply};
use super::super::node::Node;
use super::super::outcome::{Remedy, classify};
use super::super::packed::Packed;
use super::super::servers::{REPLY_TIMEOUT, Trouble};
use super::{AppendFsync, Flavor, Found, Mode, Role, Version};
use redis::Value;
use std::collections::HashMap;

/// The first versions with functions and with WAITAOF, for a server that does not list its commands.
const WITH_FUNCTIONS: Version = Version { major: 7, minor: 0, patch: 0 };
const WITH_WAITAOF: Version = Version { major: 7, minor: 2, patch: 0 };

/// The settings that are asked for. Redis 6.2 takes one pattern at a time.
const SETTINGS: [&str; 2] = ["*appendfsync*", "maxmemory-policy"];

/// Asks a server what it is.
pub(in crate::ledger::redis) fn inspect(link: &mut Link) -> Result<Found, Trouble> {
    let mut packed = Packed::default();
    packed.ask(&["INFO"]);
    packed.ask(&["COMMAND", "INFO", "FCALL", "WAITAOF"]);
    SETTINGS.iter().for_each(|pattern| packed.ask(&["CONFIG", "GET", pattern]));
    let mut replies = Vec::with_capacity(packed.count());
    link.send(packed.bytes(), REPLY_TIMEOUT)?;
    link.receive(packed.count(), link.now() + REPLY_TIMEOUT, &mut replies)?;
    read(replies)
}

/// Reads the replies in the order in which they were asked for.
pub(in crate::ledger::redis) fn read(replies: Vec<Reply>) -> Result<Found, Trouble> {
    let mut told = replies.into_iter().map(answer);
    let mut next = || told.next().unwrap_or_else(|| Err(Lost("a reply is missing".to_owned())));
    let info = match next()? {
        Ok(Value::VerbatimString { text, .. }) => text,
        Ok(Value::BulkString(text)) => String::from_utf8_lossy(&text).into_owned(),
        Ok(other) => {
            return Err(Trouble::Unfit(format!("it answers INFO with {other:?}, which no Redis does")));
        }
        Err(refusal) => return Err(Trouble::Unfit(format!("it does not tell what it is: {refusal}"))),
    };
    let commands = next()?.ok();
    let mut settings = HashMap::new();
    for _ in SETTINGS {
        // A service may refuse CONFIG, or answer it in its own way: then the settings are not known.
        let told =
            next()?.ok().and_then(|value| redis::from_redis_value::<HashMap<String, String>>(value).ok());
        settings.extend(told.unwrap_or_default());
    }
    let no_version =
        || Trouble::Unfit("it does not tell its version; use Redis 6.2 or newer, or Valkey".to_owned());
    found(&Info(&info), commands.as_ref(), &settings).ok_or_else(no_version)
}

/// An answer, or why it will never be given; a server that is only busy may be asked again.
fn answer(reply: Reply) -> Result<Result<Value, String>, Lost> {
    reply.map_or_else(
        |refusal| match classify(&refusal) {
            judged if judged.remedy == Remedy::Wait => Err(Lost(judged.sentence)),
            judged => Ok(Err(judged.sentence)),
        },
        |value| Ok(Ok(value)),
    )
}

fn found(info: &Info<'_>, commands: Option<&Value>, settings: &HashMap<String, String>) -> Option<Found> {
    let (flavor, version) = match info.get("valkey_version") {
        Some(version) => (Flavor::Valkey, version),
        None => (Flavor::Redis, info.get("redis_version")?),
    };
    let version = version_of(version)?;
    let has = |index: usize, first: Version| match commands {
        Some(Value::Array(listed)) => {
            matches!(listed.get(index), Some(Value::Array(about)) if !about.is_empty())
        }
        _ => version >= first,
    };
    let setting = |name: &str| settings.get(name).map(String::as_str);
    Some(Found {
        flavor,
        version,
        mode: match info.get("redis_mode").or(info.get("server_mode")) {
            Some("cluster") => Mode::Cluster,
            Some("sentinel") => Mode::Sentinel,
            _ => Mode::Standalone,
        },
        role: info.role(),
        replicas: info.replicas(),
        maxmemory: info.number("maxmemory"),
        used_memory: info.number("used_memory"),
        maxmemory_policy: info.get("maxmemory_policy").or(setting("maxmemory-policy")).map(str::to_owned),
        append_only: info.get("aof_enabled") == Some("1"),
        appendfsync: match setting("appendfsync") {
            Some("always") => Some(AppendFsync::Always),
            Some("everysec") => Some(AppendFsync::EverySecond),
            Some("no") => Some(AppendFsync::No),
            _ => None,
        },
        skips_fsync_on_rewrite: setting("no-appendfsync-on-rewrite").map(|skips| skips == "yes"),
        has_functions: has(0, WITH_FUNCTIONS),
        has_waitaof: has(1, WITH_WAITAOF),
    })
}

/// Reads `7.0.15`; a missing part is 0.
fn version_of(text: &str) -> Option<Version> {
    let mut parts = text.split('.').map(|part| part.parse().ok());
    let major = parts.next()??;
    let mut part = || parts.next().flatten().unwrap_or_default();
    Some(Version { major, minor: part(), patch: part() })
}

/// The answer to INFO: lines of `name:value`.
struct Info<'a>(&'a str);

impl<'a> Info<'a> {
    fn get(&self, name: &str) -> Option<&'a str> {
        self.0.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'))
    }

    fn number(&self, name: &str) -> Option<u64> {
        self.get(name)?.parse().ok()
    }

    fn role(&self) -> Role {
        if self.get("role") != Some("slave") {
            return Role::Primary;
        }
        let host = self.get("master_host").unwrap_or("?").to_owned();
        Role::Replica(Node {
            host,
            port: self.get("master_port").and_then(|port| port.parse().ok()).unwrap_or(0),
        })
    }

    /// Those that have caught up once: `slave0:ip=127.0.0.1,port=6380,state=online,offset=259,lag=0`.
    fn replicas(&self) -> usize {
        let is_replica = |line: &&str| {
            let number = line.strip_prefix("slave").and_then(|rest| rest.split_once(':'));
            number.is_some_and(|(number, about)| {
                number.parse::<usize>().is_ok() && about.split(',').any(|word| word == "state=online")
            })
        };
        self.0.lines().filter(is_replica).count()
    }
}
