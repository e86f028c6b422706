//! SIGKILL at each step on the way to durability, by strace: what is told is there after each. Left out by name where strace is
//! not installed or may not trace. `seathold-chaos --disk-calls` has every occurrence.

use crate::rig::{Rig, setup};
use seathold_chaos::DiskCall::{self, *};
use seathold_chaos::{
    Buyers, Checked, Crowd, KillAt, Server, Timetable, can_trace, conclude, full_ledger, strike_each,
};
use std::sync::Arc;
use tempfile::TempDir;

/// The kinds of call and their occurrences, in this order.
fn kills(calls: &[(DiskCall, &[u32])]) -> Vec<KillAt> {
    calls.iter().flat_map(|(call, counts)| counts.iter().map(|nth| call.nth(*nth))).collect()
}

fn left_out(name: &str) -> bool {
    let traces = can_trace();
    if !traces {
        eprintln!("left out: {name}: strace is not installed, or may not trace here");
    }
    !traces
}

/// Strikes a server whose ledger is about to rotate, under load, and checks all lives together.
fn strike_under_load(seed: u64, kills: &[KillAt]) -> Checked {
    let directory = TempDir::new().unwrap();
    let buyers = Buyers::new(seed, Arc::new(Timetable::load().unwrap()));
    let mut server = full_ledger(setup(directory.path()), &buyers).unwrap();
    let crowd = Crowd::start(&server, buyers.clone(), 0).unwrap();
    strike_each(&mut server, kills).unwrap_or_else(|error| panic!("{error}"));
    crowd.wait_for(200).unwrap();
    let checked = conclude(server, &buyers, crowd.finish().unwrap()).unwrap();
    assert!(checked.violations.is_empty(), "{:#?}", checked.violations);
    checked
}

#[test]
fn killed_at_each_step_of_a_first_start_the_ledger_starts() {
    if left_out("killed_at_each_step_of_a_first_start_the_ledger_starts") {
        return;
    }
    // Who is ended ahead of the directory's own name leaves it to the next start. The directory's names are synced once with
    // nothing in it and once with the first segment.
    let steps = kills(&[
        (ParentSync, &[1, 1]),
        (DirectorySync, &[1]),
        (Create, &[1]),
        (Preallocate, &[1, 2, 40, 65]),
        (PreallocateSync, &[1, 2, 9]),
        (Rename, &[1]),
        (DirectorySync, &[2]),
        (Sync, &[1]),
    ]);
    let directory = TempDir::new().unwrap();
    let mut server = Server::begin(steps[0].on(&setup(directory.path()))).unwrap();
    server.ended().unwrap();
    strike_each(&mut server, &steps[1..]).unwrap_or_else(|error| panic!("{error}"));
    drop(server);
    let rig = Rig::start_as(setup(directory.path()), directory, 20);
    let crowd = rig.crowd();
    crowd.wait_for(200).unwrap();
    rig.conclude(crowd);
}

#[test]
fn killed_at_each_step_to_durability_nothing_told_is_lost() {
    if left_out("killed_at_each_step_to_durability_nothing_told_is_lost") {
        return;
    }
    // The first write is the first of a segment, behind the rotation; once there is a group, the start mends the end first.
    let steps = kills(&[(Write, &[1, 2, 1, 5]), (Sync, &[1, 2, 5])]);
    let checked = strike_under_load(21, &steps);
    assert!(checked.unknown > 0, "no kill left an unknown outcome behind: {checked:?}");
}

#[test]
fn killed_at_each_step_of_a_rotation_nothing_told_is_lost() {
    if left_out("killed_at_each_step_of_a_rotation_nothing_told_is_lost") {
        return;
    }
    let steps = kills(&[
        (Create, &[1]),
        (Preallocate, &[1, 2, 40]),
        (PreallocateSync, &[1, 2, 8]),
        (DirectorySync, &[1]),
        // A new segment's name, an old one's in the same life, and that one's at the next start.
        (Rename, &[1, 2, 1]),
        (DirectorySync, &[2]),
        (Remove, &[1, 2]),
    ]);
    strike_under_load(22, &steps);
}
