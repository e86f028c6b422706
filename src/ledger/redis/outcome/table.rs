//! The one table of error classes: a row says what one kind of error means for the append step that it answers.
//!
//! It holds because of how the step is written: everything is compared before anything is written, and the first write is
//! the batch, by a call whose refusal the step catches and hands on. What is not listed leaves the outcome unknown.

use self::Verdict::{Asked, Executed, Moved, NotExecuted, Unknown};
use super::Remedy::{self, FindPrimary, FreeMemory, LoadScript, Operator, Wait};

/// Class and remedy in one.
#[derive(Debug)]
pub(super) enum Verdict {
    NotExecuted(Remedy),
    /// Not executed; the text names the node to ask from now on.
    Moved,
    /// Not executed; the text names the node to ask for this once.
    Asked,
    Executed,
    Unknown,
}

#[derive(Debug)]
pub(super) struct Row {
    /// The error's first word.
    pub(super) code: &'static str,
    /// How the rest begins. The first row that fits counts.
    pub(super) text: &'static str,
    pub(super) verdict: Verdict,
    /// A server never raises it behind a script's first write: it lets a script that has written finish. So the verdict
    /// holds also where the step did not catch it.
    pub(super) precedes_writes: bool,
    /// What it means and what an operator can do.
    pub(super) sentence: &'static str,
}

impl Row {
    const fn new(code: &'static str, text: &'static str, verdict: Verdict, sentence: &'static str) -> Self {
        Self { code, text, verdict, precedes_writes: false, sentence }
    }

    const fn preceding_writes(mut self) -> Self {
        self.precedes_writes = true;
        self
    }
}

/// The row of an error.
pub(super) fn row(code: &str, text: &str) -> &'static Row {
    ROWS.iter().find(|row| row.code == code && text.starts_with(row.text)).unwrap_or(&UNLISTED)
}

static UNLISTED: Row = Row::new("", "", Unknown, "it gives an error that has no class here");

pub(super) static ROWS: [Row; 26] = [
    Row::new("LOADING", "", NotExecuted(Wait), "it is still loading its data, which passes by itself"),
    Row::new(
        "BUSY",
        "",
        NotExecuted(Wait),
        "somebody's script keeps it busy; if that lasts, end it with SCRIPT KILL or FUNCTION KILL",
    ),
    Row::new(
        "TRYAGAIN",
        "",
        NotExecuted(Wait),
        "the partition's keys are on their way to another node, which passes when all have arrived",
    ),
    Row::new(
        "CLUSTERDOWN",
        "",
        NotExecuted(Wait),
        "the cluster has no node for the partition's slot at this moment; if that lasts, start its nodes or give the slot to one",
    ),
    Row::new("MASTERDOWN", "", NotExecuted(FindPrimary), "it is a replica that has lost its primary"),
    Row::new("READONLY", "", NotExecuted(FindPrimary), "it is a replica; only the primary takes batches")
        .preceding_writes(),
    Row::new("MOVED", "", Moved, "another node has the partition's slot"),
    Row::new("ASK", "", Asked, "the partition has moved ahead of its slot to another node"),
    Row::new(
        "NOSCRIPT",
        "",
        NotExecuted(LoadScript),
        "it does not have the append step: a restart, a fail-over or SCRIPT FLUSH took it away",
    ),
    Row::new(
        "ERR",
        "Function not found",
        NotExecuted(LoadScript),
        "it does not have the append step: a fail-over or FUNCTION FLUSH took it away",
    ),
    Row::new("ERR", "Script killed by user", NotExecuted(Wait), "somebody ended the append step before it wrote")
        .preceding_writes(),
    Row::new(
        "OOM",
        "",
        NotExecuted(FreeMemory),
        "its memory is full; raise its maxmemory, or remove what else it holds",
    )
    .preceding_writes(),
    Row::new(
        "MISCONF",
        "",
        NotExecuted(Operator),
        "it cannot write to its disk and refuses every change; see its own log, and make room or repair the disk",
    )
    .preceding_writes(),
    Row::new(
        "NOREPLICAS",
        "",
        NotExecuted(Operator),
        "it has fewer replicas than its min-replicas-to-write asks for; start them",
    )
    .preceding_writes(),
    Row::new("NOAUTH", "", NotExecuted(Operator), "it wants a password; name user and password in --ledger"),
    Row::new(
        "ERR",
        // Instead of NOAUTH, because nobody may send more than ten words before he has logged in.
        "Protocol error: unauthenticated",
        NotExecuted(Operator),
        "it wants a password; name user and password in --ledger",
    ),
    Row::new(
        "WRONGPASS",
        "",
        NotExecuted(Operator),
        "it does not know this user and password; correct them in --ledger",
    ),
    Row::new("NOPERM", "", NotExecuted(Operator), "the ledger's user may not do that; extend its rules (ACL SETUSER)"),
    Row::new(
        "ERR",
        // Redis 6.2 and 7.0, of a command inside a script.
        "The user executing the script can't",
        NotExecuted(Operator),
        "the ledger's user may not do that inside a script; extend its rules (ACL SETUSER)",
    ),
    Row::new(
        "ERR",
        // Redis 7.2 and Valkey.
        "ACL failure in script",
        NotExecuted(Operator),
        "the ledger's user may not do that inside a script; extend its rules (ACL SETUSER)",
    ),
    Row::new(
        "WRONGTYPE",
        "",
        NotExecuted(Operator),
        "a key of the ledger holds something else; find out who wrote it, and give each user of this Redis a prefix of its own",
    ),
    Row::new(
        "CROSSSLOT",
        "",
        NotExecuted(Operator),
        "the keys of one partition reach it as keys of different slots; connect without what rewrites keys on the way",
    ),
    Row::new(
        "ERR",
        "unknown command",
        NotExecuted(Operator),
        "it does not know a command that the ledger needs; use Redis 6.2 or newer, without rename-command",
    ),
    Row::new(
        "EXECABORT",
        "",
        NotExecuted(Wait),
        "it refused one command of the transaction and ran none; that command's reply says why",
    ),
    // Of WAIT and WAITAOF: the appends before them ran.
    Row::new(
        "UNBLOCKED",
        "",
        Executed,
        "it was made a replica, or somebody ended the wait, before the batches were where they should be",
    ),
    Row::new("ERR", "", Unknown, "it gives an error that has no class here"),
];
