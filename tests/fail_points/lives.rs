//! Lives of a server that a named point ends, for whatever kind of ledger.

use super::ends::{Ends, each};
use seathold_chaos::{Buyers, Crowd, Server, Setup, Timetable, conclude};
use std::os::unix::process::ExitStatusExt;
use std::sync::Arc;

/// What makes a program end at the `nth` time at `point`.
pub(crate) fn ends_at(point: &str, nth: u32) -> String {
    format!("FAILPOINTS={point}={}*off->return", nth - 1)
}

/// `setup`, to end at the `nth` time at `point`.
pub(crate) fn ending(setup: &Setup, point: &str, nth: u32) -> Setup {
    let mut through = setup.through.clone();
    through.extend(["env".into(), ends_at(point, nth).into()]);
    Setup { through, ..setup.clone() }
}

/// One life of `setup` after the other, each ended by its point.
#[track_caller]
pub(crate) fn end_at_each(server: &mut Server, setup: &Setup, points: &[Ends]) {
    for (point, nth) in each(points) {
        server.begin_again_as(ending(setup, point, nth)).unwrap();
        assert_ended(server, point, nth);
    }
}

#[track_caller]
pub(crate) fn assert_ended(server: &mut Server, point: &str, nth: u32) {
    let status = server.ended().unwrap_or_else(|error| panic!("{point}, {nth}: {error}"));
    assert_eq!(status.signal(), Some(6), "{point}, {nth}: {}", server.said());
}

pub(crate) fn buyers(seed: u64) -> Buyers {
    Buyers::new(seed, Arc::new(Timetable::load().unwrap()))
}

/// The server goes on, and its ledger bears out what was told in all lives.
#[track_caller]
pub(crate) fn assert_whole(server: Server, buyers: &Buyers, crowd: Crowd) {
    crowd.wait_for(200).unwrap_or_else(|error| panic!("{error}{}", server.said()));
    let checked = conclude(server, buyers, crowd.finish().unwrap()).unwrap();
    assert!(checked.violations.is_empty(), "{:#?}", checked.violations);
}
