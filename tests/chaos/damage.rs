//! Copies of a ledger after a SIGKILL, torn or flipped: the real server recovers what is before a broken end, and refuses
//! anything else with the place. `tests/ledger/damage.rs` has every byte and bit, without a process.

use crate::rig::{Rig, SEGMENT, setup};
use seathold_chaos::{ChaosError, Records, Server, groups};
use seathold_protocol::record::ReservationRecord;
use std::collections::HashSet;
use std::fs::File;
use std::ops::Range;
use std::os::unix::fs::FileExt;
use std::path::Path;
use tempfile::TempDir;

/// What a killed server left behind.
struct Left {
    /// The first segment up to the end of its last group.
    bytes: Vec<u8>,
    /// The size of the file, zeros behind that.
    size: u64,
    groups: Vec<Range<usize>>,
}

impl Left {
    fn behind(seed: u64) -> Self {
        let mut rig = Rig::start(seed);
        let crowd = rig.crowd();
        crowd.wait_for(400).unwrap();
        rig.server.kill().unwrap();
        let file = std::fs::read(rig.segment()).unwrap();
        rig.server.start_again().unwrap();
        rig.conclude(crowd);
        let groups = groups(&file);
        assert!(groups.len() > 10, "too few groups to damage: {groups:?}");
        let end = groups.last().unwrap().end;
        Self { bytes: file[..end].to_vec(), size: file.len() as u64, groups }
    }

    /// A server on a copy that `damage` has changed, and the directory of the copy.
    fn start(&self, damage: impl FnOnce(&mut [u8])) -> (Result<Server, ChaosError>, TempDir) {
        let mut bytes = self.bytes.clone();
        damage(&mut bytes);
        assert_ne!(bytes, self.bytes, "the damage changes nothing");
        let directory = TempDir::new().unwrap();
        let ledger = directory.path().join("ledger");
        std::fs::create_dir(&ledger).unwrap();
        let copy = File::create_new(ledger.join(SEGMENT)).unwrap();
        copy.set_len(self.size).unwrap();
        copy.write_all_at(&bytes, 0).unwrap();
        (Server::start(setup(directory.path())), directory)
    }

    /// The records before the last group.
    fn before_the_last(&self) -> HashSet<(u128, u32)> {
        let directory = TempDir::new().unwrap();
        let copy = File::create_new(directory.path().join(SEGMENT)).unwrap();
        copy.set_len(self.size).unwrap();
        copy.write_all_at(&self.bytes[..self.groups.last().unwrap().start], 0).unwrap();
        versions(&Records::read(directory.path()).unwrap())
    }
}

fn versions(records: &Records) -> HashSet<(u128, u32)> {
    let names = |record: &ReservationRecord| (record.id.0, record.version);
    records.chains().flatten().map(names).collect()
}

fn audited(ledger: &Path) -> HashSet<(u128, u32)> {
    let mut records = Records::read(ledger).unwrap();
    let report = records.report();
    assert!(report.passes(), "{:#?}", report.listed);
    versions(&records)
}

#[test]
fn a_broken_last_group_is_cut_off_and_all_before_it_is_there() {
    let left = Left::behind(9);
    let before = left.before_the_last();
    assert!(before.len() > 300, "{}", before.len());
    let last = left.groups.last().unwrap().clone();
    // Of the last byte that is not padding a tear leaves nothing; a flip is seen in padding too.
    let end = left.bytes.iter().rposition(|byte| *byte != 0).unwrap();
    let middle = last.start + last.len() / 2;
    let torn = [last.start + 4, last.start + 40, middle, end].map(|at| (at, true));
    let flipped = [last.start, last.start + 5, middle, last.end - 1].map(|at| (at, false));
    for (at, tears) in torn.into_iter().chain(flipped) {
        let (started, directory) =
            left.start(|bytes| if tears { bytes[at..].fill(0) } else { bytes[at] ^= 0x10 });
        let mut server = started.unwrap_or_else(|error| panic!("byte {at}, torn {tears}: {error}"));
        assert!(server.terminate().unwrap().success());
        let found = audited(&directory.path().join("ledger"));
        // Holds of the copy have run out meanwhile, so there may be more.
        let lost: Vec<_> = before.difference(&found).collect();
        assert!(lost.is_empty(), "byte {at}, torn {tears}: {lost:?}");
    }
}

#[test]
fn a_flipped_bit_before_the_last_group_is_refused_with_65_and_the_place() {
    let left = Left::behind(10);
    let count = left.groups.len();
    for at in [0, 1, count / 3, count / 2, count - 2] {
        let group = left.groups[at].clone();
        let byte = group.start + (at * 7_919) % group.len();
        let (started, _directory) = left.start(|bytes| bytes[byte] ^= 1);
        let error = started.map(|_| ()).unwrap_err();
        let ChaosError::NotStarted { status, said } = &error else { panic!("{error}") };
        assert_eq!(status.code(), Some(65), "{said}");
        let place = format!("damaged at byte {}", group.start);
        assert!(said.contains(&place) && said.contains(SEGMENT), "{place}: {said}");
    }
}
