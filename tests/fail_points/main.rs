//! The server ends at each named point on the way to durability (`src/sys/points.rs`), and starts again on what is there:
//! nothing that was told is lost. `tests/chaos/disk_calls.rs` does the same from outside, at system calls; a point lies between
//! them too, and is met by its thread alone. Here the ledger is in files; `tests/redis/points.rs` has it in Redis.

#![cfg(test)]

mod ends;
mod lives;

use ends::{ALL, AT_A_FIRST_START, AT_A_ROTATION, CREATED, Ends, UNDER_LOAD};
use lives::{assert_ended, assert_whole, buyers, end_at_each, ending};
use seathold_chaos::{Crowd, KEEP, Server, Setup, full_ledger};
use std::collections::BTreeSet;
use std::path::Path;
use tempfile::TempDir;

fn setup(directory: &Path) -> Setup {
    Setup::new(Path::new(env!("CARGO_BIN_EXE_seathold")), &directory.join("ledger"))
}

/// `setup`, to keep little of the log.
fn small(setup: &Setup) -> Setup {
    Setup { through: vec!["env".into(), KEEP.into()], ..setup.clone() }
}

fn end_under_load(seed: u64, points: &[Ends]) {
    let (directory, buyers) = (TempDir::new().unwrap(), buyers(seed));
    let setup = setup(directory.path());
    let mut server = full_ledger(setup.clone(), &buyers).unwrap();
    let crowd = Crowd::start(&server, buyers.clone(), 0).unwrap();
    end_at_each(&mut server, &small(&setup), points);
    server.start_again_as(setup).unwrap_or_else(|error| panic!("{error}"));
    assert_whole(server, &buyers, crowd);
}

#[test]
fn ended_at_each_point_of_a_first_start_the_ledger_starts() {
    let (directory, buyers) = (TempDir::new().unwrap(), buyers(50));
    let setup = setup(directory.path());
    let mut server = Server::begin(ending(&setup, CREATED.0, 1)).unwrap();
    assert_ended(&mut server, CREATED.0, 1);
    std::fs::remove_dir_all(setup.directory()).unwrap();
    end_at_each(&mut server, &small(&setup), AT_A_FIRST_START);
    server.start_again_as(setup).unwrap_or_else(|error| panic!("{error}"));
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

/// A point that is new, or is called otherwise, has its place in a list of `ends`.
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
    let listed: BTreeSet<String> = ALL.concat().iter().map(|(point, _)| (*point).to_owned()).collect();
    assert_eq!(found, listed);
}
