//! Memory used up: the server ends instead of hanging or answering wrongly, and nothing told is lost.

use crate::rig::Rig;
use rustix::process::Signal;
use seathold_chaos::ChaosError;
use std::os::unix::process::ExitStatusExt;

/// What the reservations of a second or so need.
const HEADROOM_BYTES: u64 = 256 << 10;

/// Less than a start needs: one thread's stack is more.
const TOO_FEW_BYTES: u64 = 1 << 20;

#[test]
fn a_server_without_memory_ends_and_nothing_told_is_lost() {
    let mut rig = Rig::start(50);
    let crowd = rig.crowd();
    crowd.wait_for(300).unwrap();
    rig.server.limit_memory(HEADROOM_BYTES).unwrap();
    let status = rig.server.ended().unwrap_or_else(|error| panic!("{error}"));
    // The fault has happened: it was an allocation that failed.
    assert_eq!(status.signal(), Some(Signal::ABORT.as_raw()), "{status}: {}", rig.server.said());
    rig.until_said("memory allocation of");

    let unlimited = rig.server.setup().clone();
    let mut limited = unlimited.clone();
    limited.through = ["prlimit".into(), format!("--data={TOO_FEW_BYTES}").into()].into();
    let error = rig.server.start_again_as(limited).unwrap_err();
    assert!(matches!(error, ChaosError::NotStarted { .. }), "{error}");

    rig.server.start_again_as(unlimited).unwrap_or_else(|error| panic!("{error}"));
    crowd.wait_for(300).unwrap();
    rig.conclude(crowd);
}
