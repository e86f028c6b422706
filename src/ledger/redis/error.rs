//! Why a ledger in Redis cannot be created, opened or read, in sentences that say what to do.

use super::link::Lost;
use super::servers::Trouble;

/// Why a ledger in Redis was refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RedisError {
    /// No server answers, or not in time.
    #[error("the Redis ledger cannot be reached: {0}")]
    Unreachable(#[from] Lost),
    /// A server answers and must not be used as it is.
    #[error("Redis cannot be the ledger as it is: {0}")]
    Unfit(String),
    /// It takes no batch at this moment.
    #[error("the Redis ledger takes nothing at this moment: {0}")]
    Away(String),
    /// There is none.
    #[error(
        "there is no ledger at {url}. For a new one: seathold create-ledger --ledger {url}. If there was one, its data is \
         gone: restore it from a backup, because an empty ledger would sell every place again"
    )]
    NoLedger {
        /// Where.
        url: String,
    },
    /// There is one already.
    #[error("there is a ledger at {url} already, created {created}; nothing was changed")]
    Exists {
        /// Where.
        url: String,
        /// When, by the clock of its creator.
        created: String,
    },
    /// A key is not what it should be: something else removed or changed it.
    #[error(
        "the ledger is damaged: key {key} {reason}. Restore this Redis from a backup; serving without \
         what is lost would sell places again"
    )]
    Damaged {
        /// Which key.
        key: String,
        /// What is wrong with it, as a half sentence.
        reason: String,
    },
    /// It took a batch and cannot go on.
    #[error("the Redis ledger cannot be continued: {0}")]
    Broken(String),
    /// Another server takes it at the same moment.
    #[error("another server takes the ledger whenever this one does; stop one of the two")]
    Contested,
    /// Entries that were still to be read are gone.
    #[error("the oldest part of the ledger was trimmed while it was read; read it again from its beginning")]
    Trimmed,
    /// Entries that were read are gone.
    #[error(
        "Redis has lost what was read last, by a fail-over that came before its replica had it; read the ledger again from \
         its beginning"
    )]
    Undone,
    /// A consumer group is gone.
    #[error(
        "the ledger has no consumer group \"{group}\" (asked at {key}): it was removed, or Redis was emptied; to start again \
         registers it at the oldest entry"
    )]
    NoGroup {
        /// Its name.
        group: String,
        /// Where it is missing.
        key: String,
    },
    /// The ledger was made by another version.
    #[error("the ledger at {url} has format {format}, and this version reads format {expected}")]
    OtherFormat {
        /// Where.
        url: String,
        /// Its format.
        format: String,
        /// Ours.
        expected: u16,
    },
}

impl From<Trouble> for RedisError {
    fn from(trouble: Trouble) -> Self {
        match trouble {
            Trouble::Lost(lost) => Self::Unreachable(lost),
            Trouble::Unfit(sentence) => Self::Unfit(sentence),
        }
    }
}
