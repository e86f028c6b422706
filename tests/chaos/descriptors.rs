//! Descriptors used up: whoever is connected goes on, whoever comes waits, and all is well when there are some again.

use crate::rig::Rig;
use seathold_chaos::until;
use std::net::TcpStream;

/// Connections above what the server may have.
const TOO_MANY: usize = 64;

#[test]
fn without_descriptors_those_who_are_connected_go_on() {
    let rig = Rig::start(11);
    let crowd = rig.crowd();
    crowd.wait_for(200).unwrap();
    let client = rig.server.client().unwrap();
    let count = |name: &str| {
        let stats = client.stats().unwrap();
        stats.into_iter().find(|(known, _)| known == name).unwrap().1
    };
    client.ping().unwrap();
    let before = rig.server.descriptors().unwrap();
    let accepted = count("connections_accepted");
    rig.server.limit_descriptors(Some(before + 4)).unwrap();
    let waiting: Vec<TcpStream> =
        (0..TOO_MANY).map(|_| TcpStream::connect(rig.server.address()).unwrap()).collect();
    // The fault has happened: the server has none left, and says so.
    until("a connection that cannot be accepted", || (count("accept_failed") > 0).then_some(())).unwrap();
    crowd.wait_for(200).unwrap();
    rig.until_said("could not be accepted");

    rig.server.limit_descriptors(None).unwrap();
    let everybody = accepted + TOO_MANY as u64;
    until("everybody's connection", || (count("connections_accepted") >= everybody).then_some(())).unwrap();
    drop(waiting);
    // I10: back to the base line, but for what the SDK and the next segment may have opened meanwhile.
    until("the base line", || (rig.server.descriptors().ok()? <= before + 8).then_some(())).unwrap();
    crowd.wait_for(200).unwrap();
    rig.conclude(crowd);
}
