//! The server ends at each named point on the way to durability (`src/sys/points.rs`), and starts again on what is there:
//! nothing that was told is lost. `tests/chaos/disk_calls.rs` does the same from outside, at system calls; a point lies between
//! them too, and is met by its thread alone.

#![cfg(test)]

use seathold_chaos::{Buyers, Crowd, Server, Setup, Timetable, conclude, full_ledger};
use std::collections::BTreeSet;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::sync::Arc;
use tempfile::TempDir;

/// A point, and the times at which it ends a life.
type Ends = (&'static str, &'static [u32]);

/// In the order in which a start on nothing comes to them, so that each life gets farther than the one before.
const AT_A_FIRST_START: &[Ends] = &[
    ("spare::headed", &[1]),
    ("spare::synced", &[1]),
    ("spare::named", &[1]),
    ("recovery::read", &[1]),
    ("recovery::mending", &[1]),
    ("recovery::mended", &[1]),
    ("recovery::replayed", &[1]),
];

/// Likewise of a rotation, and of what lets the old segments go: each is written, compacted and trimmed.
const AT_A_ROTATION: &[Ends] = &[
    ("spare::zeroed", &[9]),
    ("ledger::rotating", &[1]),
    ("spare::headed", &[1]),
    ("spare::synced", &[1]),
    ("ledger::rotated", &[1]),
    ("writer::compacts", &[1]),
    ("reactor::compacts", &[2]),
    ("writer::covered", &[1]),
    ("ledger::trimming", &[1]),
    ("spare::recycled", &[1]),
    ("spare::removing", &[1]),
];

/// Of every commit.
const UNDER_LOAD: &[Ends] = &[
    ("spare::named", &[1]),
    ("reactor::batched", &[4]),
    ("writer::taken", &[4]),
    ("ledger::framed", &[2]),
    ("ledger::written", &[1, 5]),
    ("ledger::synced", &[2, 5]),
    ("writer::appended", &[2]),
    ("reactor::durable", &[3]),
    ("reactor::answers", &[9]),
];

/// A point that a start on nothing passes once, behind those that end it before.
const CREATED: Ends = ("recovery::created", &[1]);

fn setup(directory: &Path) -> Setup {
    Setup::new(Path::new(env!("CARGO_BIN_EXE_seathold")), &directory.join("ledger"))
}

/// `setup`, to end at the `nth` time at `point`, and to keep little of the log.
fn ending(setup: &Setup, point: &str, nth: u32) -> Setup {
    let ends = format!("FAILPOINTS={point}={}*off->return", nth - 1);
    let through = ["env", "SEATHOLD_LEDGER_KEEP_MIB=1", &ends].map(Into::into).to_vec();
    Setup { through, ..setup.clone() }
}

/// One life after the other, each ended by its point, and then one that goes on.
#[track_caller]
fn end_at_each(server: &mut Server, points: &[Ends]) {
    let plain = Setup { through: Vec::new(), ..server.setup().clone() };
    for (point, nth) in points.iter().flat_map(|(point, counts)| counts.iter().map(move |nth| (point, *nth)))
    {
        server.begin_again_as(ending(&plain, point, nth)).unwrap();
        assert_ended(server, point, nth);
    }
    server.start_again_as(plain).unwrap_or_else(|error| panic!("{error}"));
}

#[track_caller]
fn assert_ended(server: &mut Server, point: &str, nth: u32) {
    let status = server.ended().unwrap_or_else(|error| panic!("{point}, {nth}: {error}"));
    assert_eq!(status.signal(), Some(6), "{point}, {nth}: {}", server.said());
}

fn buyers(seed: u64) -> Buyers {
    Buyers::new(seed, Arc::new(Timetable::load().unwrap()))
}

fn assert_whole(server: Server, buyers: &Buyers, crowd: Crowd) {
    crowd.wait_for(200).unwrap();
    let checked = conclude(server, buyers, crowd.finish().unwrap()).unwrap();
    assert!(checked.violations.is_empty(), "{:#?}", checked.violations);
}

fn end_under_load(seed: u64, points: &[Ends]) {
    let (directory, buyers) = (TempDir::new().unwrap(), buyers(seed));
    let mut server = full_ledger(setup(directory.path()), &buyers).unwrap();
    let crowd = Crowd::start(&server, buyers.clone(), 0).unwrap();
    end_at_each(&mut server, points);
    assert_whole(server, &buyers, crowd);
}

#[test]
fn ended_at_each_point_of_a_first_start_the_ledger_starts() {
    let (directory, buyers) = (TempDir::new().unwrap(), buyers(50));
    let setup = setup(directory.path());
    let mut server = Server::begin(ending(&setup, CREATED.0, 1)).unwrap();
    assert_ended(&mut server, CREATED.0, 1);
    std::fs::remove_dir_all(setup.directory()).unwrap();
    end_at_each(&mut server, AT_A_FIRST_START);
    buyers.timetable().open(&server.client().unwrap()).unwrap();
    let crowd = Crowd::start(&server, buyers.clone(), 0).unwrap();
    assert_whole(server, &buyers, crowd);
}

#[test]
fn ended_at_each_point_of_a_rotation_nothing_told_is_lost() {
    end_under_load(51, AT_A_ROTATION);
}

#[test]
fn ended_at_each_point_under_load_nothing_told_is_lost() {
    end_under_load(52, UNDER_LOAD);
}

/// A point that is new, or is called otherwise, has its place in a list above.
#[test]
fn every_point_of_the_source_ends_a_life() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let (mut folders, mut found) = (vec![root], BTreeSet::new());
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
            if entry.is_dir() {
                folders.push(entry);
                continue;
            }
            let text = std::fs::read_to_string(&entry).unwrap();
            let names = text.split("point(\"").skip(1).filter_map(|rest| rest.split('"').next());
            found.extend(names.map(str::to_owned));
        }
    }
    let listed = [&[CREATED], AT_A_FIRST_START, AT_A_ROTATION, UNDER_LOAD].concat();
    let listed: BTreeSet<String> = listed.iter().map(|(point, _)| (*point).to_owned()).collect();
    assert_eq!(found, listed);
}
