//! Safe start: what a server is, as it says itself, and whether the ledger may rest on it.
//!
//! It is looked at again while it serves, because an operator may change any of it at any moment.

mod refusal;
mod told;

pub(super) use self::told::inspect;
#[cfg(any(test, fuzzing))]
pub(super) use self::told::read as read_any;

use super::node::Node;
use std::fmt;

/// Whose server it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flavor {
    /// Redis, or what says that it is.
    Redis,
    /// Valkey.
    Valkey,
}

/// Its version, of its own count.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Version {
    /// 7 of 7.0.15.
    pub major: u32,
    /// 0 of 7.0.15.
    pub minor: u32,
    /// 15 of 7.0.15.
    pub patch: u32,
}

/// How it was started.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Alone, or with replicas.
    Standalone,
    /// As a node of a cluster.
    Cluster,
    /// As a Sentinel, which holds no data.
    Sentinel,
}

/// Whether it takes writes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Role {
    /// It does.
    Primary,
    /// It follows this node.
    Replica(Node),
}

/// When it syncs its append-only file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AppendFsync {
    /// Before it answers.
    Always,
    /// Once a second.
    EverySecond,
    /// When the operating system likes.
    No,
}

/// What a server said of itself. What it keeps to itself is `None`: managed services and narrow ACL rules refuse CONFIG.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// Whose.
    pub flavor: Flavor,
    /// Which.
    pub version: Version,
    /// How it was started.
    pub mode: Mode,
    /// Primary or replica.
    pub role: Role,
    /// Replicas that are in sync.
    pub replicas: usize,
    /// Bytes that its data may take; 0 is no limit.
    pub maxmemory: Option<u64>,
    /// Bytes that it has allocated.
    pub used_memory: Option<u64>,
    /// What it does when its memory is full.
    pub maxmemory_policy: Option<String>,
    /// Whether it keeps an append-only file.
    pub append_only: bool,
    /// When it syncs that file.
    pub appendfsync: Option<AppendFsync>,
    /// Whether it leaves out these syncs while it rewrites the file (`no-appendfsync-on-rewrite`).
    pub skips_fsync_on_rewrite: Option<bool>,
    /// Whether it has functions.
    pub has_functions: bool,
    /// Whether it has WAITAOF.
    pub has_waitaof: bool,
}

/// The acknowledged writes that a crash of a server's host may take with it, if no replica has them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AtRisk {
    /// None.
    Nothing,
    /// Those of about a second.
    LastSecond,
    /// Those that the operating system had not written yet.
    Unwritten,
    /// All since its last snapshot, if it makes any; a mere restart suffices.
    SinceSnapshot,
    /// It does not tell.
    Unknown,
}

impl Found {
    /// What a crash may take. It concerns what the server has, not what is acknowledged: `--durability` may wait for more.
    pub fn at_risk(&self) -> AtRisk {
        match (self.append_only, self.appendfsync) {
            (false, _) => AtRisk::SinceSnapshot,
            (true, Some(AppendFsync::Always)) if self.skips_fsync_on_rewrite != Some(true) => AtRisk::Nothing,
            (true, Some(AppendFsync::EverySecond)) => AtRisk::LastSecond,
            (true, Some(_)) => AtRisk::Unwritten,
            (true, None) => AtRisk::Unknown,
        }
    }

    /// What it is and how long its memory is, for the log at the start.
    pub fn durability_sentence(&self, node: &Node) -> String {
        let file = match (self.append_only, self.appendfsync) {
            (false, _) => "no append-only file".to_owned(),
            (true, Some(appendfsync)) => format!("appendfsync {appendfsync}"),
            (true, None) => "appendfsync unknown".to_owned(),
        };
        let replicas = if self.replicas == 1 { "replica" } else { "replicas" };
        let risk = match self.at_risk() {
            AtRisk::Nothing => "a crash of its host loses nothing that it has answered",
            AtRisk::LastSecond => "a crash of its host may lose the last second",
            AtRisk::Unwritten => "a crash of its host may lose the last half minute",
            AtRisk::SinceSnapshot => "a restart loses all that its last snapshot does not have",
            AtRisk::Unknown => "what a crash of its host may lose is not known",
        };
        format!("{} {} at {node}: {file}, {} {replicas}: {risk}", self.flavor, self.version, self.replicas)
    }
}

impl fmt::Display for Flavor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Redis => "Redis",
            Self::Valkey => "Valkey",
        })
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.major, self.minor, self.patch)
    }
}

/// As in the server's own configuration.
impl fmt::Display for AppendFsync {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Always => "always",
            Self::EverySecond => "everysec",
            Self::No => "no",
        })
    }
}

/// A primary that any durability but replicas may rest on.
#[cfg(test)]
pub(super) fn found_in_tests() -> Found {
    Found {
        flavor: Flavor::Redis,
        version: Version { major: 8, minor: 2, patch: 3 },
        mode: Mode::Standalone,
        role: Role::Primary,
        replicas: 0,
        maxmemory: Some(0),
        used_memory: Some(1 << 20),
        maxmemory_policy: Some("noeviction".to_owned()),
        append_only: true,
        appendfsync: Some(AppendFsync::Always),
        skips_fsync_on_rewrite: Some(false),
        has_functions: true,
        has_waitaof: true,
    }
}

#[cfg(test)]
mod tests;
