//! Which connections there are, what goes where, and who is found out.

use std::net::Ipv4Addr;

use seathold_protocol::frame::Opcode;
use seathold_protocol::reply::{Refusal, Reply};
use seathold_protocol::request::Target;
use seathold_protocol::reservation::{Reservation, State as Life};
use seathold_protocol::status::Status;
use seathold_protocol::wishes::Met;
use seathold_protocol::{AccountId, Class, ReservationId};

use super::bench::{Bench, CORE_0, CORE_1, MS, TIMEOUT, confirm, of_core, one, reserve};
use crate::call::Call;
use crate::error::{Error, Fault};
use crate::link::{HELLO_CORRELATION, State};
use crate::links::{Action, DOOR};

#[test]
fn a_request_goes_straight_to_the_owner() {
    let mut bench = Bench::connected();
    bench.submit(1, reserve(0));
    bench.submit(2, reserve(1));
    assert_eq!((bench.sent(DOOR).len(), bench.sent(CORE_0).len(), bench.sent(CORE_1).len()), (0, 1, 1));
    assert_eq!(bench.tally.read().through_another_core, 0);
}

#[test]
fn the_door_takes_requests_while_the_owner_is_not_reached() {
    let mut bench = Bench::at_the_door();
    bench.session.tick(0);
    bench.session.lost(CORE_0, Fault::Closed, 0);
    bench.submit(1, reserve(0));
    assert_eq!(bench.sent(DOOR).len(), 1);
    assert_eq!(bench.tally.read().through_another_core, 1);
    bench.pass(31 * MS);
    bench.open(CORE_0, 0);
    bench.submit(2, reserve(0));
    assert_eq!((bench.sent(DOOR).len(), bench.sent(CORE_0).len()), (0, 1));
}

#[test]
fn credit_bounds_what_is_in_flight_and_correlations_never_repeat() {
    let mut bench = Bench::connected();
    for tag in 0..20 {
        bench.submit(tag, reserve(0));
    }
    let mut correlations = Vec::new();
    while let requests @ [_, ..] = bench.sent(CORE_0).as_slice() {
        assert!(requests.len() <= 4);
        correlations.extend(requests.iter().map(|seen| seen.correlation));
        for seen in requests.iter().rev() {
            bench.hold(CORE_0, seen);
        }
    }
    assert_eq!(correlations.len(), 20);
    correlations.sort_unstable();
    correlations.dedup();
    assert_eq!(correlations.len(), 20);
    let mut tags: Vec<_> = std::iter::from_fn(|| bench.ended()).map(|completion| completion.tag).collect();
    tags.sort_unstable();
    assert_eq!(tags, (0..20).collect::<Vec<_>>());
}

#[test]
fn a_reply_to_nothing_is_ignored_and_counted_and_a_late_one_frees_credit() {
    let mut bench = Bench::connected();
    bench.credit = 1;
    bench.session.lost(CORE_0, Fault::Closed, 0);
    bench.pass(31 * MS);
    bench.open(CORE_0, 0);
    bench.submit(1, confirm());
    let request = one(bench.sent(CORE_0));
    bench.reply(CORE_0, 99 << 24, &Reply::Pong(&[])).unwrap();
    assert_eq!(bench.tally.read().strays, 1);
    bench.session.links.get(CORE_0).heard(bench.now + TIMEOUT);
    bench.pass(TIMEOUT);
    assert!(matches!(bench.result(), Err(Error::Unknown { .. })));
    bench.submit(2, confirm());
    assert!(bench.sent(CORE_0).is_empty(), "the server still owes the first reply");
    bench.hold(CORE_0, &request);
    assert_eq!(bench.tally.read().strays, 2);
    assert_eq!(bench.sent(CORE_0).len(), 1);
}

#[test]
fn a_connection_that_falls_silent_is_replaced() {
    let mut bench = Bench::connected();
    bench.pass(60_000 * MS);
    assert_eq!(bench.session.next_action(), None, "an idle connection may be silent");
    bench.submit(1, confirm());
    bench.sent(CORE_0);
    bench.pass(3_000 * MS);
    assert_eq!(bench.session.next_action(), Some(Action::Close(CORE_0)));
    assert_eq!(bench.sent(DOOR).len(), 1);
    bench.pass(31 * MS);
    assert!(matches!(bench.session.next_action(), Some(Action::Connect(CORE_0, _))));
}

#[test]
fn the_map_is_read_anew_after_a_reconnect() {
    let mut bench = Bench::connected();
    bench.session.lost(DOOR, Fault::Closed, 0);
    bench.partition_cores = vec![1, 0];
    bench.pass(31 * MS);
    bench.open(DOOR, 0);
    bench.submit(1, reserve(0));
    assert_eq!((bench.sent(CORE_0).len(), bench.sent(CORE_1).len()), (0, 1));
}

#[test]
fn connections_follow_the_ports_of_a_changed_server() {
    let mut bench = Bench::connected();
    bench.submit(1, reserve(1));
    bench.sent(CORE_1);
    bench.session.lost(DOOR, Fault::Closed, 0);
    bench.pass(31 * MS);
    bench.core_ports = vec![8_000];
    bench.partition_cores = vec![0, 0];
    bench.open(DOOR, 0);
    assert_eq!(bench.session.next_action(), Some(Action::Close(CORE_1)));
    assert_eq!(bench.session.links.get(CORE_1).state, State::Retired);
    assert!(!one(bench.sent(CORE_0)).first, "what the closed connection owed is asked again");
}

#[test]
fn a_core_port_with_another_core_behind_it_is_not_used() {
    let mut bench = Bench::at_the_door();
    bench.session.tick(0);
    assert_eq!(bench.try_open(CORE_0, 1), Err(Fault::WrongCore));
}

#[test]
fn answers_to_something_else_are_faults() {
    let mut bench = Bench::connected();
    bench.submit(1, confirm());
    let request = one(bench.sent(CORE_0));
    assert_eq!(bench.reply(CORE_0, request.correlation, &Reply::Pong(&[])), Err(Fault::WrongReply));
    bench.submit(
        2,
        Call::Cancel(Target { id: ReservationId(5), departure: of_core(0), account: AccountId(2) }),
    );
    let other = one(bench.sent(CORE_0));
    let held = Reservation {
        id: ReservationId(6),
        departure: of_core(0),
        state: Life::Held,
        class: Class(3),
        from: 0,
        to: 1,
        party: 1,
        remaining_ms: 0,
        met: Met::default(),
        seats: [None; 9],
    };
    let reply = Reply::Reservation(Opcode::Cancel, held);
    assert_eq!(bench.reply(CORE_0, other.correlation, &reply), Err(Fault::WrongReply));
}

#[test]
fn a_refused_hello_is_told_to_whoever_builds_the_client() {
    let mut bench = Bench::new();
    let (greeter, greeted) = crossbeam_channel::bounded(1);
    bench.session.announce_door(greeter);
    bench.session.tick(0);
    bench.session.connected(DOOR, Ipv4Addr::LOCALHOST.into(), &mut Vec::new());
    let refusal = Refusal { status: Status::UnsupportedVersion, detail: 2 };
    let reply = Reply::Refused(Opcode::Hello as u8, refusal);
    let fault = bench.reply(DOOR, HELLO_CORRELATION, &reply).unwrap_err();
    assert_eq!(fault, Fault::HelloRefused { status: Status::UnsupportedVersion, detail: 2 });
    bench.session.lost(DOOR, fault, 0);
    assert_eq!(greeted.try_recv(), Ok(Err(fault)));
}

#[test]
fn a_welcome_that_does_not_come_is_given_up() {
    let mut bench = Bench::new();
    bench.session.tick(0);
    assert!(matches!(bench.session.next_action(), Some(Action::Connect(DOOR, _))));
    assert_eq!(bench.session.next_wake(), Some(500 * MS));
    bench.pass(500 * MS);
    assert_eq!(bench.session.next_action(), Some(Action::Close(DOOR)));
    bench.pass(31 * MS);
    assert!(matches!(bench.session.next_action(), Some(Action::Connect(DOOR, _))));
}
