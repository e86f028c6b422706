//! Why a server must not hold the ledger: each reason says what to change.

use super::super::durability::Durability;
use super::{AppendFsync, Flavor, Found, Mode, Role, Version};

/// The first Redis with exclusive ranges and `XTRIM MINID`.
const OLDEST: Version = Version { major: 6, minor: 2, patch: 0 };

impl Found {
    /// Why the ledger must not rest on it, as a half sentence behind its address; `None` if it may.
    pub fn refusal(&self, durability: Durability) -> Option<String> {
        self.kind_refusal().or_else(|| self.memory_refusal()).or_else(|| match durability {
            Durability::Local => None,
            Durability::Fsync => self.fsync_refusal(),
            Durability::Replicated(count) => self.replicas_refusal(count),
        })
    }

    fn kind_refusal(&self) -> Option<String> {
        if self.mode == Mode::Sentinel {
            return Some(
                "this is a Sentinel; write redis+sentinel://HOST:PORT/MASTER, and it will name the primary"
                    .to_owned(),
            );
        }
        if self.flavor == Flavor::Redis && self.version < OLDEST {
            return Some(format!("this is Redis {}; use 6.2 or newer, or Valkey", self.version));
        }
        match &self.role {
            Role::Primary => None,
            Role::Replica(primary) => Some(format!(
                "this is a replica of {primary}; name the primary in --ledger, or the Sentinels that know it"
            )),
        }
    }

    fn memory_refusal(&self) -> Option<String> {
        match self.maxmemory_policy.as_deref() {
            Some("noeviction") => None,
            Some(policy) => Some(format!(
                "its maxmemory-policy is {policy}, which may remove the ledger to make room; set maxmemory-policy \
                 noeviction, by CONFIG SET and in its configuration file"
            )),
            None => Some(
                "it does not tell its maxmemory-policy, and any but noeviction may remove the ledger to make room; let \
                 the ledger's user run CONFIG GET"
                    .to_owned(),
            ),
        }
    }

    fn fsync_refusal(&self) -> Option<String> {
        if !self.append_only {
            return Some(
                "it keeps no append-only file, so --durability fsync cannot hold; set appendonly yes and appendfsync always"
                    .to_owned(),
            );
        }
        if self.skips_fsync_on_rewrite == Some(true) {
            return Some(
                "it does not sync while it rewrites its append-only file, so --durability fsync cannot hold; set \
                 no-appendfsync-on-rewrite no"
                    .to_owned(),
            );
        }
        match self.appendfsync {
            Some(AppendFsync::Always) => None,
            Some(AppendFsync::EverySecond) | None if self.waitaof_waits() => None,
            Some(AppendFsync::EverySecond) if self.has_waitaof => Some(format!(
                "its appendfsync is everysec, and the WAITAOF of {} {} then answers before the sync, so --durability fsync \
                 cannot hold; set appendfsync always",
                self.flavor, self.version
            )),
            Some(other) => Some(format!(
                "its appendfsync is {other}, so --durability fsync cannot hold; set appendfsync always"
            )),
            None => Some(
                "it does not tell its appendfsync, so --durability fsync may not hold; set appendfsync always, and let the \
                 ledger's user run CONFIG GET"
                    .to_owned(),
            ),
        }
    }

    /// Whether WAITAOF can be believed where the file is synced once a second.
    ///
    /// Redis 7.4 counts writes as synced that only await their sync, and Valkey took that over: 9.1.2 confirms ten batches
    /// by one fdatasync. Redis 7.2 is older than the fault, and 8.0 has it mended
    /// (<https://github.com/redis/redis/pull/13793>).
    fn waitaof_waits(&self) -> bool {
        let faulty = (self.version.major, self.version.minor) == (7, 4);
        self.has_waitaof && self.flavor == Flavor::Redis && !faulty
    }

    fn replicas_refusal(&self, count: u8) -> Option<String> {
        (self.replicas < usize::from(count)).then(|| {
            format!(
                "it has {} in sync, and --durability replicated={count} waits for {count}; start more, or ask for less",
                if self.replicas == 1 { "1 replica".to_owned() } else { format!("{} replicas", self.replicas) }
            )
        })
    }
}
