//! SIGKILL from outside at a system call on the way to durability: strace kills the server when one of its threads is about to
//! make its n-th call of a kind on the ledger's files. It is killed before the call, so what a call leaves behind is what the
//! kill at the next one finds.

use crate::full::KEEP;
use crate::server::Setup;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;

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
