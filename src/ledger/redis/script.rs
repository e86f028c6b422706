//! The step that runs inside Redis, and how it gets there: a function where the server has functions (7.0), else a script.

use super::kept::Entry;
use super::keys::Keys;
use super::link::{Link, Lost};
use super::packed::Packed;
use super::tail::{Tail, entry_id};
use redis::{ServerError, Value, cmd};
use std::time::Duration;

/// Compares, appends, tells.
const APPEND: &str = include_str!("append.lua");

/// The version is in the names, so that two versions of the server can share a Redis.
const LIBRARY: &str = "seathold1";

/// A name of the library's functions.
const FUNCTION: &str = "seathold1_append";
const FUNCTION_WHEN_FULL: &str = "seathold1_append_when_full";

/// A command that may run above `maxmemory`, as a script's first write, lets the rest of the script do so, too.
const PASS_WHEN_FULL: &str = "redis.call('HDEL', KEYS[3], '')\n";

/// How one server is told to run the append step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Script {
    /// By name.
    Function,
    /// By digest: the step, and the step above the memory limit.
    Digest([String; 2]),
}

/// One entry to append.
pub(super) struct Step<'a> {
    pub(super) partition: u16,
    /// The tail that it goes behind; `None` where there is no tail at all.
    pub(super) before: Option<Tail>,
    pub(super) entry: &'a Entry,
    /// Fields and values.
    pub(super) remaining: &'a [(&'a str, &'a str)],
}

/// What a script call could not be prepared for.
pub(super) enum Unloaded {
    Lost(Lost),
    Refused(ServerError),
}

impl From<Lost> for Unloaded {
    fn from(lost: Lost) -> Self {
        Self::Lost(lost)
    }
}

impl Script {
    /// Puts the step into a server. Above its memory limit a server takes no function, but a script.
    pub(super) fn load(link: &mut Link, has_functions: bool, timeout: Duration) -> Result<Self, Unloaded> {
        if has_functions {
            let load = link.ask(cmd("FUNCTION").arg("LOAD").arg("REPLACE").arg(library()), timeout)?;
            match load {
                Ok(_) => return Ok(Self::Function),
                Err(refusal) if refusal.code() != "OOM" => return Err(Unloaded::Refused(refusal)),
                Err(_) => {}
            }
        }
        let step = load_script(link, APPEND, timeout)?;
        let when_full = load_script(link, &format!("{PASS_WHEN_FULL}{APPEND}"), timeout)?;
        Ok(Self::Digest([step, when_full]))
    }

    /// Packs one append.
    pub(super) fn pack(&self, keys: &Keys, step: &Step<'_>, when_full: bool, out: &mut Packed) {
        let Step { partition, before, entry, remaining } = *step;
        out.request(11 + 2 * remaining.len());
        match self {
            Self::Function => {
                out.word("FCALL").word(if when_full { FUNCTION_WHEN_FULL } else { FUNCTION });
            }
            Self::Digest(digests) => {
                out.word("EVALSHA").word(&digests[usize::from(when_full)]);
            }
        }
        out.word("3").word(keys.tail(partition)).word(keys.log(partition)).word(keys.remaining(partition));
        out.word(before.map_or(String::new(), |tail| tail.to_string())).word(entry.tail.to_string());
        out.word(entry_id(entry.tail.position)).word(entry.tail.owner.to_string()).word(&entry.bytes);
        for (field, value) in remaining {
            out.word(field).word(value);
        }
    }
}

fn load_script(link: &mut Link, source: &str, timeout: Duration) -> Result<String, Unloaded> {
    match link.ask(cmd("SCRIPT").arg("LOAD").arg(source), timeout)? {
        Ok(Value::BulkString(digest)) => Ok(String::from_utf8_lossy(&digest).into_owned()),
        Ok(other) => Err(Lost(format!("SCRIPT LOAD answered {other:?}")).into()),
        Err(refusal) => Err(Unloaded::Refused(refusal)),
    }
}

fn library() -> String {
    format!(
        "#!lua name={LIBRARY}\n\
         local function append(KEYS, ARGV)\n{APPEND}end\n\
         redis.register_function{{function_name='{FUNCTION}', callback=append}}\n\
         redis.register_function{{function_name='{FUNCTION_WHEN_FULL}', callback=append, flags={{'allow-oom'}}}}\n"
    )
}
