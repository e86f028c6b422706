//! SIGKILL from outside at a system call on the way to durability: strace kills the server when one of its threads is about to
//! make its n-th call of a kind on the ledger's files. It is killed before the call, so what a call leaves behind is what the
//! kill at the next one finds.

use crate::ChaosError;
use crate::server::Setup;
use seathold::ledger::Log;
use seathold::ledger::file::{Directory, FileLog, Options};
use seathold::sys::Clock;
use seathold_protocol::batch::{BATCH_HEADER_BYTES, Batch, Position};
use seathold_protocol::limits::PARTITIONS_DEFAULT;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Bytes of the segments that are made ahead, so that a rotation comes with the first sale. Those of the server are larger.
const SEGMENT_BYTES: u64 = 64 << 10;

/// So many segments are full. Together with the one that the server begins they are more than it shall keep.
const FULL_SEGMENTS: u64 = 8;

/// What a server shall keep then, so that the full ones are compacted and trimmed at once.
const KEEP: &str = "SEATHOLD_LEDGER_KEEP_MIB=1";

/// A kind of call on the way to durability.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DiskCall {
    /// The write of a group, or of the last one again at the start; in the segment after the full ones, or the first.
    Write,
    /// The sync of a group.
    Sync,
    /// The creation or opening of what becomes a segment.
    Create,
    /// A write of zeros ahead, or of a segment's header.
    Preallocate,
    /// A sync of those.
    PreallocateSync,
    /// What gives a segment its name, or takes it away.
    Rename,
    /// The removal of a segment.
    Remove,
    /// The sync of the names in the ledger's directory.
    DirectorySync,
    /// The sync of the directory's own name, in the one that holds it.
    ParentSync,
}

/// A kill at one of a thread's calls.
#[derive(Clone, Copy, Debug)]
pub struct KillAt {
    /// The kind.
    pub call: DiskCall,
    /// Which of them, from 1. Each thread counts its own, and the first that is there is killed with all others.
    pub nth: u32,
}

impl DiskCall {
    /// Every kind.
    pub const ALL: [Self; 9] = [
        Self::Write,
        Self::Sync,
        Self::Create,
        Self::Preallocate,
        Self::PreallocateSync,
        Self::Rename,
        Self::Remove,
        Self::DirectorySync,
        Self::ParentSync,
    ];

    /// The kill at the `nth`.
    pub fn nth(self, nth: u32) -> KillAt {
        KillAt { call: self, nth }
    }

    /// What strace knows it by.
    fn name(self) -> &'static str {
        match self {
            Self::Write | Self::Preallocate => "pwrite64",
            Self::Sync | Self::PreallocateSync => "fdatasync",
            Self::Create => "openat",
            Self::Rename => "/^rename",
            Self::Remove => "/^unlink",
            Self::DirectorySync | Self::ParentSync => "fsync",
        }
    }

    /// The files that it is about; none for all, because nothing but the ledger renames or removes.
    fn files(self, ledger: &Path) -> Vec<PathBuf> {
        match self {
            Self::Write | Self::Sync => {
                ["00000000000000000001.log", "00000000000000000009.log"].map(|name| ledger.join(name)).into()
            }
            Self::Create | Self::Preallocate | Self::PreallocateSync => vec![ledger.join("spare")],
            Self::Rename | Self::Remove => Vec::new(),
            Self::DirectorySync => vec![ledger.to_owned()],
            Self::ParentSync => ledger.parent().map(Path::to_owned).into_iter().collect(),
        }
    }
}

impl KillAt {
    /// `setup` with this kill, and with little to keep.
    pub fn on(self, setup: &Setup) -> Setup {
        let call = self.call.name();
        let trace = format!("trace={call}");
        let kill = format!("inject={call}:signal=KILL:when={}", self.nth);
        // As a grandchild of the server's parent, so that the server keeps its place as the child.
        let words = ["env", KEEP, "strace", "-D", "-f", "-qqq", "-o", "/dev/null"];
        let mut through: Vec<OsString> = words.iter().map(OsString::from).collect();
        through.extend(["-e".into(), trace.into(), "-e".into(), kill.into()]);
        for file in self.call.files(setup.directory()) {
            through.extend(["-P".into(), file.into_os_string()]);
        }
        Setup { through, ..setup.clone() }
    }
}

/// Whether strace is installed and may trace here.
pub fn can_trace() -> bool {
    let tried = Command::new("strace").args(["-qq", "-e", "trace=none", "true"]).output();
    tried.is_ok_and(|tried| tried.status.success())
}

/// Creates a ledger whose first segment is small.
pub(crate) fn create_small(ledger: &Path) -> Result<(), ChaosError> {
    open_small(ledger).map(drop)
}

/// Fills segments of a ledger that no server has open, with batches that say nothing: the next group begins another segment,
/// and then these can go.
pub(crate) fn fill(ledger: &Path) -> Result<(), ChaosError> {
    let mut log = open_small(ledger)?;
    let stamp = Clock::new()?.now();
    let fitting = (SEGMENT_BYTES as usize - (4 << 10)) / BATCH_HEADER_BYTES - 1;
    for _ in 1..FULL_SEGMENTS {
        let mut tail = log.tails()[0];
        let mut batches = Vec::with_capacity(fitting);
        for _ in 0..fitting {
            let position = Position { epoch: tail.epoch.max(1), sequence: tail.sequence + 1 };
            let previous_epoch = tail.epoch;
            batches.push(Batch {
                partition: 0,
                position,
                previous_epoch,
                stamp,
                records: 0,
                payload: Vec::new(),
            });
            tail = position;
        }
        log.append(&batches.iter().collect::<Vec<_>>()).map_err(std::io::Error::other)?;
    }
    Ok(())
}

fn open_small(ledger: &Path) -> Result<FileLog<Directory>, ChaosError> {
    let options = Options { segment_bytes: SEGMENT_BYTES, ..Options::new(PARTITIONS_DEFAULT) };
    Ok(FileLog::open(Directory::lock(ledger)?, options)?.for_each(|_| Ok(()))?)
}
