//! SIGSTOP while requests are on their way, and SIGCONT.

use crate::rig::Rig;
use seathold_client::{Client, Error};
use std::time::Duration;

#[test]
fn a_paused_server_answers_nobody_and_goes_on_where_it_was() {
    let rig = Rig::start(7);
    let crowd = rig.crowd();
    crowd.wait_for(300).unwrap();
    rig.server.pause().unwrap();
    // The fault has happened: whoever comes now is not even welcomed, though the kernel takes the connection.
    let url = format!("seathold://{}", rig.server.address());
    let late = Client::builder(&url).timeout(Duration::from_millis(150)).build_unconnected().unwrap();
    let ping = late.ping();
    assert!(matches!(ping, Err(Error::NotDone { .. } | Error::Unknown { .. })), "{ping:?}");
    rig.server.go_on().unwrap();
    crowd.wait_for(300).unwrap();
    let checked = rig.conclude(crowd);
    assert!(checked.unknown > 0, "nobody's patience ended in the pause: {checked:?}");
}
