//! SIGKILL, under load and during the start.

use crate::rig::{Rig, setup};
use seathold_chaos::{Plan, Server, strike};
use std::os::unix::process::ExitStatusExt;
use std::time::Duration;
use tempfile::TempDir;

#[test]
fn killed_at_random_under_load_every_promise_holds() {
    let directory = TempDir::new().unwrap();
    let plan = Plan { seed: 5, kills: 6, until: None };
    let struck =
        strike(setup(directory.path()), plan, None, |_| ()).unwrap_or_else(|error| panic!("{error}"));
    let checked = &struck.checked;
    assert!(checked.violations.is_empty(), "seed {}: {:#?}", plan.seed, checked.violations);
    assert_eq!((struck.kills, struck.recovery_ms.len()), (6, 6), "{struck:?}");
    assert!(checked.told > 300, "there was next to no load: {struck:?}");
    assert!(checked.unknown > 0, "no kill left an unknown outcome behind: {struck:?}");
    assert!(checked.ordered > 100, "{struck:?}");
}

/// Each start begins with what the one before it left: no directory, a ledger without a header, a spare half written.
#[test]
fn a_first_start_that_is_killed_at_any_moment_leaves_a_ledger_that_starts() {
    let directory = TempDir::new().unwrap();
    let mut server = Server::begin(setup(directory.path())).unwrap();
    for pause_ms in [0, 3, 10, 20, 40, 80] {
        std::thread::sleep(Duration::from_millis(pause_ms));
        let status = server.kill().unwrap();
        assert_eq!(status.signal(), Some(9), "it ended by itself: {}", server.said());
        server.begin_again().unwrap();
    }
    server.kill().unwrap();
    drop(server);
    let rig = Rig::start_as(setup(directory.path()), directory, 6);
    let crowd = rig.crowd();
    crowd.wait_for(200).unwrap();
    assert!(rig.conclude(crowd).told >= 200);
}
