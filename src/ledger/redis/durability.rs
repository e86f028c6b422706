//! What an acknowledgement promises (`--durability`), and the command behind each pipeline that holds a server to it.

use super::checks::{AppendFsync, Found};
use super::link::Reply;
use super::packed::Packed;
use redis::Value;
use std::fmt;
use std::str::FromStr;
use std::time::Duration;

/// Above this a ledger has more copies than a buyer can wait for.
const REPLICAS_MAX: u8 = 9;

/// How long a server may wait for its disk or its replicas before it answers that they have not followed.
const FOLLOWED: Duration = Duration::from_millis(500);

/// The same where it syncs its file once a second: a second until the sync, and the sync itself.
const SYNCED_EACH_SECOND: Duration = Duration::from_millis(2_500);

/// When a reservation in Redis is acknowledged.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Durability {
    /// The primary has it. What a crash of its host may lose is up to its `appendfsync`.
    #[default]
    Local,
    /// The primary has synced it to its append-only file.
    Fsync,
    /// The primary has it, and so many replicas (1 to 9) have it in memory: it is lost only if all of these hosts are, or
    /// if another replica is promoted.
    ///
    /// Not the replicas' disks, though WAITAOF could tell of them: it counts only replicas that have an append-only file,
    /// which the primary cannot say in advance, and takes a second where they sync once a second.
    Replicated(u8),
}

/// Why a text is no durability.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("\"{0}\" is no durability; use local, fsync, or replicated=N with N from 1 to {REPLICAS_MAX}")]
pub struct DurabilityError(String);

impl FromStr for Durability {
    type Err = DurabilityError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let replicas = || text.strip_prefix("replicated=")?.parse().ok();
        match text {
            "local" => Ok(Self::Local),
            "fsync" => Ok(Self::Fsync),
            _ => match replicas() {
                Some(count @ 1..=REPLICAS_MAX) => Ok(Self::Replicated(count)),
                _ => Err(DurabilityError(text.to_owned())),
            },
        }
    }
}

impl fmt::Display for Durability {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Local => f.write_str("local"),
            Self::Fsync => f.write_str("fsync"),
            Self::Replicated(count) => write!(f, "replicated={count}"),
        }
    }
}

impl Durability {
    /// What ends a pipeline to a server that was found fit for this.
    ///
    /// Where a server has WAITAOF it is asked even with `appendfsync always`, where the answers wait for the sync anyway:
    /// it costs nothing there, and an operator may switch the file or its syncs off at any moment.
    pub(super) fn wait(self, found: &Found) -> Wait {
        match self {
            Self::Fsync if found.has_waitaof => Wait::Synced {
                at_most: match found.appendfsync {
                    Some(AppendFsync::Always) => FOLLOWED,
                    _ => SYNCED_EACH_SECOND,
                },
            },
            Self::Local | Self::Fsync => Wait::Nothing,
            Self::Replicated(replicas) => Wait::Copied { replicas },
        }
    }
}

/// The last command of a pipeline.
///
/// A server counts for the last write of the connection that asks, and one that wrote nothing may be told that all is
/// well. So a batch that was in already is written to again (the append step sets its tail anew), and inside MULTI the
/// command would not wait: it stands behind EXEC.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wait {
    /// None.
    Nothing,
    /// WAITAOF: the primary's own file.
    Synced {
        /// How long it may take.
        at_most: Duration,
    },
    /// WAIT: replicas' memory.
    Copied {
        /// How many.
        replicas: u8,
    },
}

impl Wait {
    /// Adds the command to a pipeline.
    pub(super) fn pack(self, packed: &mut Packed) {
        let ms = self.longest().as_millis().to_string();
        match self {
            Self::Nothing => {}
            Self::Synced { .. } => packed.ask(&["WAITAOF", "1", "0", &ms]),
            Self::Copied { replicas } => packed.ask(&["WAIT", &replicas.to_string(), &ms]),
        }
    }

    /// How many replies it has.
    pub(super) fn replies(self) -> usize {
        usize::from(self != Self::Nothing)
    }

    /// How long the server may take for it, beside the time for all else.
    pub(super) fn longest(self) -> Duration {
        match self {
            Self::Nothing => Duration::ZERO,
            Self::Synced { at_most } => at_most,
            Self::Copied { .. } => FOLLOWED,
        }
    }

    /// Whether the reply bears out that what was written before is as durable as was asked for.
    pub(super) fn borne_out(self, reply: &Reply) -> bool {
        match (self, reply) {
            (Self::Synced { .. }, Ok(Value::Array(counts))) => {
                matches!(&counts[..], [Value::Int(1), Value::Int(_)])
            }
            (Self::Copied { replicas }, Ok(Value::Int(count))) => *count >= i64::from(replicas),
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::checks::found_in_tests;
    use super::*;

    const SYNCED: Wait = Wait::Synced { at_most: FOLLOWED };

    fn packed(wait: Wait) -> Vec<u8> {
        let mut packed = Packed::default();
        wait.pack(&mut packed);
        assert_eq!(packed.count(), wait.replies());
        packed.bytes().to_vec()
    }

    fn reply(line: &str) -> Reply {
        match redis::parse_redis_value(line.replace('|', "\r\n").as_bytes()).unwrap() {
            Value::ServerError(refusal) => Err(refusal),
            value => Ok(value),
        }
    }

    #[test]
    fn reads_what_it_writes() {
        for text in ["local", "fsync", "replicated=1", "replicated=9"] {
            assert_eq!(text.parse::<Durability>().unwrap().to_string(), text);
        }
        assert_eq!("replicated=2".parse(), Ok(Durability::Replicated(2)));
    }

    #[test]
    fn refuses_the_rest_with_what_to_do() {
        for text in [
            "",
            "Local",
            "sync",
            "replicated",
            "replicated=",
            "replicated=0",
            "replicated=10",
            "replicated=300",
        ] {
            let error = text.parse::<Durability>().unwrap_err();
            let sentence =
                format!("\"{text}\" is no durability; use local, fsync, or replicated=N with N from 1 to 9");
            assert_eq!(error.to_string(), sentence);
        }
    }

    #[test]
    fn the_promise_and_the_server_choose_the_command() {
        let mut found = found_in_tests();
        (found.appendfsync, found.has_waitaof) = (Some(AppendFsync::Always), false);
        assert_eq!(Durability::Local.wait(&found), Wait::Nothing);
        assert_eq!(Durability::Fsync.wait(&found), Wait::Nothing);
        assert_eq!(Durability::Replicated(2).wait(&found), Wait::Copied { replicas: 2 });
        found.has_waitaof = true;
        assert_eq!(Durability::Local.wait(&found), Wait::Nothing);
        assert_eq!(Durability::Fsync.wait(&found), SYNCED);
        assert_eq!(Durability::Replicated(2).wait(&found), Wait::Copied { replicas: 2 });
        for appendfsync in [None, Some(AppendFsync::EverySecond)] {
            found.appendfsync = appendfsync;
            assert_eq!(Durability::Fsync.wait(&found), Wait::Synced { at_most: SYNCED_EACH_SECOND });
        }
    }

    #[test]
    fn packs_the_command() {
        let synced = redis::cmd("WAITAOF").arg(1).arg(0).arg(500).get_packed_command();
        let copied = redis::cmd("WAIT").arg(3).arg(500).get_packed_command();
        assert_eq!(packed(Wait::Nothing), b"");
        assert_eq!(packed(SYNCED), synced);
        assert_eq!(packed(Wait::Copied { replicas: 3 }), copied);
    }

    #[test]
    fn a_count_bears_out_the_acknowledgement_or_does_not() {
        let cases: [(Wait, &[&str], &[&str]); 3] = [
            (Wait::Nothing, &[], &["+OK|", ":1|"]),
            (
                SYNCED,
                &["*2|:1|:0|", "*2|:1|:2|"],
                &[
                    "*2|:0|:0|",
                    "*2|:0|:3|",
                    "*2|:2|:0|",
                    "*1|:1|",
                    "*3|:1|:1|:1|",
                    "*0|",
                    ":1|",
                    "$1|1|",
                    "+OK|",
                ],
            ),
            (
                Wait::Copied { replicas: 2 },
                &[":2|", ":3|"],
                &[":1|", ":0|", ":-1|", "$1|2|", "*2|:1|:2|", "*1|:2|", "_|", "+OK|"],
            ),
        ];
        let refusals = [
            "-UNBLOCKED force unblock from blocking operation, instance state changed (master -> replica?)|",
            "-ERR WAIT cannot be used with replica instances.|",
            "-ERR WAITAOF cannot be used when numlocal is set but appendonly is disabled.|",
            "-NOPERM this user has no permissions to run the 'waitaof' command|",
        ];
        for (wait, does, does_not) in cases {
            for line in does {
                assert!(wait.borne_out(&reply(line)), "{wait:?} {line}");
            }
            for line in does_not.iter().chain(&refusals) {
                assert!(!wait.borne_out(&reply(line)), "{wait:?} {line}");
            }
        }
    }
}
