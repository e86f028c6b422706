//! A disk that is full, and then has room again: a small tmpfs in a mount namespace of its own.

use crate::rig::{Rig, setup};
use seathold::ledger::file::{Directory, FileLog, Options};
use seathold_chaos::until;
use seathold_protocol::limits::PARTITIONS_DEFAULT;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use tempfile::TempDir;

/// Room for the first segment, for all others that the test needs, and not for those and the ballast.
const DISK_MIB: u64 = 96;
const BALLAST_BYTES: u64 = 60 << 20;

/// The first segment is small, so that it is full soon; those after it have their usual size.
const FIRST_SEGMENT_BYTES: u64 = 256 << 10;

/// A process in whose mount namespace a tmpfs lies over a directory. It goes away with the process.
struct SmallDisk {
    keeper: Child,
    over: TempDir,
}

impl SmallDisk {
    /// None if this host allows no mounts.
    fn mount() -> Option<Self> {
        let over = TempDir::new().unwrap();
        let script = format!("mount -t tmpfs -o size={DISK_MIB}m none \"$0\" && echo mounted && exec cat");
        let mut command = Command::new("unshare");
        command.args(["-rm", "sh", "-c", &script]).arg(over.path());
        let started = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn();
        let mut disk = Self { keeper: started.ok()?, over };
        let mut line = String::new();
        BufReader::new(disk.keeper.stdout.take().unwrap()).read_line(&mut line).unwrap();
        (line == "mounted\n").then_some(disk)
    }

    /// Where others find it.
    fn path(&self) -> PathBuf {
        let root = Path::new("/proc").join(self.keeper.id().to_string()).join("root");
        root.join(self.over.path().strip_prefix("/").unwrap())
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = self.keeper.kill();
        let _ = self.keeper.wait();
    }
}

#[test]
fn a_full_disk_stops_sales_and_they_go_on_when_there_is_room() {
    let Some(disk) = SmallDisk::mount() else {
        return eprintln!(
            "left out: a_full_disk_stops_sales_and_they_go_on_when_there_is_room: no mounts here"
        );
    };
    let ballast = disk.path().join("ballast");
    let mut file = std::fs::File::create_new(&ballast).unwrap();
    for _ in 0..BALLAST_BYTES >> 20 {
        file.write_all(&[1; 1 << 20]).unwrap();
    }
    let ledger = setup(&disk.path());
    let options = Options { segment_bytes: FIRST_SEGMENT_BYTES, ..Options::new(PARTITIONS_DEFAULT) };
    let created = FileLog::open(Directory::lock(ledger.directory()).unwrap(), options).unwrap();
    drop(created.for_each(|_| Ok(())).unwrap());

    let rig = Rig::start_as(ledger, TempDir::new().unwrap(), 12);
    let client = rig.server.client().unwrap();
    let crowd = rig.crowd();
    // The fault has happened: an append found no room.
    let no_space =
        || client.stats().unwrap().into_iter().find(|(name, _)| name == "ledger_no_space").unwrap().1;
    until("a full disk", || (no_space() > 0).then_some(())).unwrap();
    rig.until_said("no space left for the ledger");
    drop(file);
    std::fs::remove_file(ballast).unwrap();
    crowd.wait_for(300).unwrap();
    rig.conclude(crowd);
}
