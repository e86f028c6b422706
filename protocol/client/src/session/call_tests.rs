//! How calls end: retries, waits and deadlines.

use std::time::Duration;

use seathold_protocol::reservation::State as Life;
use seathold_protocol::status::Status;

use super::bench::{Bench, CORE_0, CORE_1, MS, TIMEOUT, confirm, one, reserve};
use crate::call::Answer;
use crate::error::{Error, Fault, Reason};
use crate::links::DOOR;
use crate::refusal::Refusal as No;

#[test]
fn a_lost_connection_repeats_the_request_without_first() {
    let mut bench = Bench::connected();
    bench.submit(1, reserve(0));
    assert!(one(bench.sent(CORE_0)).first);
    bench.session.lost(CORE_0, Fault::Closed, bench.now);
    let repeat = one(bench.sent(DOOR));
    assert!(!repeat.first);
    bench.hold(DOOR, &repeat);
    let completion = bench.ended().unwrap();
    assert!(matches!(completion.result, Ok(Answer::Reservation(held)) if held.state == Life::Held));
    assert_eq!(completion.attempts, 2);
}

#[test]
fn an_attempt_has_half_of_what_is_left_and_its_late_ok_still_counts() {
    let mut bench = Bench::connected();
    bench.submit(1, reserve(0));
    let first = one(bench.sent(CORE_0));
    bench.pass(1_999 * MS);
    assert!(bench.sent(CORE_0).is_empty());
    bench.pass(MS);
    assert!(!one(bench.sent(CORE_0)).first);
    assert_eq!(bench.tally.read().attempts_timed_out, 1);
    bench.hold(CORE_0, &first);
    assert!(bench.result().is_ok());
}

#[test]
fn a_late_refusal_of_an_earlier_attempt_is_put_aside() {
    let mut bench = Bench::connected();
    bench.submit(1, reserve(0));
    let first = one(bench.sent(CORE_0));
    bench.pass(2_000 * MS);
    let second = one(bench.sent(CORE_0));
    bench.refuse(CORE_0, &first, Status::SoldOut, 0);
    assert_eq!(bench.ended(), None);
    bench.hold(CORE_0, &second);
    assert!(bench.result().is_ok());
}

#[test]
fn a_refusal_of_the_latest_attempt_is_final() {
    let mut bench = Bench::connected();
    bench.submit(1, reserve(0));
    bench.sent(CORE_0);
    bench.pass(2_000 * MS);
    let second = one(bench.sent(CORE_0));
    bench.refuse(CORE_0, &second, Status::SoldOut, 3);
    assert_eq!(bench.result(), Err(Error::Refused(No::SoldOut { free: 3 })));
}

#[test]
fn busy_is_asked_again_after_the_told_time_and_not_much_later() {
    let mut bench = Bench::connected();
    bench.submit(1, reserve(0));
    let first = one(bench.sent(CORE_0));
    bench.refuse(CORE_0, &first, Status::Busy, 100);
    bench.pass(99 * MS);
    assert!(bench.sent(CORE_0).is_empty());
    bench.pass(51 * MS);
    let second = one(bench.sent(CORE_0));
    assert!(!second.first);
    bench.hold(CORE_0, &second);
    assert!(bench.result().is_ok());
    assert_eq!(bench.tally.read().asked_to_wait, 1);
}

#[test]
fn busy_until_the_deadline_is_not_done() {
    let mut bench = Bench::connected();
    bench.submit(1, confirm());
    let first = one(bench.sent(CORE_0));
    bench.refuse(CORE_0, &first, Status::Unavailable, 60_000);
    let wait = Some(Duration::from_secs(60));
    assert_eq!(bench.result(), Err(Error::NotDone { reason: Reason::Unavailable, retry_after: wait }));
}

#[test]
fn busy_after_a_lost_attempt_is_unknown() {
    let mut bench = Bench::connected();
    bench.submit(1, confirm());
    bench.sent(CORE_0);
    bench.session.lost(CORE_0, Fault::Io(std::io::ErrorKind::ConnectionReset), bench.now);
    let second = one(bench.sent(DOOR));
    bench.refuse(DOOR, &second, Status::Busy, 60_000);
    let fault = Some(Fault::Io(std::io::ErrorKind::ConnectionReset));
    assert_eq!(bench.result(), Err(Error::Unknown { attempts: 2, fault }));
}

#[test]
fn a_late_busy_for_every_earlier_attempt_makes_it_certain_again() {
    let mut bench = Bench::connected();
    bench.submit(1, confirm());
    let first = one(bench.sent(CORE_0));
    bench.pass(2_000 * MS);
    let second = one(bench.sent(CORE_0));
    bench.refuse(CORE_0, &first, Status::Busy, 1);
    bench.refuse(CORE_0, &second, Status::Busy, 60_000);
    let wait = Some(Duration::from_secs(60));
    assert_eq!(bench.result(), Err(Error::NotDone { reason: Reason::Busy, retry_after: wait }));
}

#[test]
fn a_server_that_does_not_know_is_asked_again() {
    let mut bench = Bench::connected();
    bench.submit(1, confirm());
    let first = one(bench.sent(CORE_0));
    bench.refuse(CORE_0, &first, Status::Unknown, 0);
    bench.pass(20 * MS);
    let second = one(bench.sent(CORE_0));
    bench.refuse(CORE_0, &second, Status::Busy, 60_000);
    assert_eq!(bench.result(), Err(Error::Unknown { attempts: 2, fault: None }));
}

#[test]
fn not_open_is_told_at_once_with_its_time() {
    for (detail, retry_after) in [(90_000, Some(Duration::from_secs(90))), (u64::MAX, None)] {
        let mut bench = Bench::connected();
        bench.submit(1, reserve(0));
        let request = one(bench.sent(CORE_0));
        bench.refuse(CORE_0, &request, Status::NotOpen, detail);
        assert_eq!(bench.result(), Err(Error::NotDone { reason: Reason::NotOpen, retry_after }));
    }
}

#[test]
fn the_deadline_of_a_call_that_was_never_sent_is_not_done() {
    let mut bench = Bench::new();
    bench.session.tick(0);
    bench.session.lost(DOOR, Fault::Io(std::io::ErrorKind::ConnectionRefused), 0);
    bench.submit(1, confirm());
    bench.pass(TIMEOUT);
    let reason = Reason::NotConnected(Fault::Io(std::io::ErrorKind::ConnectionRefused));
    assert_eq!(bench.result(), Err(Error::NotDone { reason, retry_after: None }));
    assert!(bench.session.homeless.is_empty(), "a call that ended leaves its queue");
}

#[test]
fn the_deadline_of_a_call_that_was_sent_is_unknown() {
    let mut bench = Bench::connected();
    bench.submit(1, confirm());
    bench.sent(CORE_0);
    bench.pass(2_000 * MS);
    bench.sent(CORE_0);
    bench.pass(2_000 * MS);
    assert!(matches!(bench.result(), Err(Error::Unknown { attempts: 2, .. })));
}

#[test]
fn the_deadline_of_a_call_without_credit_is_not_done() {
    let mut bench = Bench::connected();
    for tag in 0..5 {
        bench.submit(tag, confirm());
    }
    assert_eq!(bench.sent(CORE_0).len(), 4);
    bench.session.links.get(CORE_0).heard(TIMEOUT);
    bench.pass(TIMEOUT);
    let last = std::iter::from_fn(|| bench.ended()).find(|completion| completion.tag == 4).unwrap();
    assert_eq!(last.result, Err(Error::NotDone { reason: Reason::NoCredit, retry_after: None }));
    assert!(bench.session.links.get(CORE_0).queue.is_empty());
}

#[test]
fn calls_wait_for_a_server_that_restarts() {
    let mut bench = Bench::connected();
    bench.submit(1, reserve(0));
    bench.sent(CORE_0);
    for index in [CORE_0, CORE_1, DOOR] {
        bench.session.lost(index, Fault::Closed, bench.now);
    }
    bench.submit(2, reserve(1));
    bench.pass(1_000 * MS);
    bench.open(DOOR, 0);
    let requests = bench.sent(DOOR);
    assert_eq!(requests.iter().map(|seen| seen.first).collect::<Vec<_>>(), [false, true]);
}

#[test]
fn stopping_says_what_is_certain() {
    let mut bench = Bench::connected();
    bench.submit(1, confirm());
    bench.sent(CORE_0);
    bench.submit(2, confirm());
    bench.session.stop(bench.now);
    let mut ends: Vec<_> = std::iter::from_fn(|| bench.ended()).collect();
    ends.sort_by_key(|completion| completion.tag);
    assert!(matches!(ends[0].result, Err(Error::Unknown { attempts: 1, .. })));
    assert_eq!(ends[1].result, Err(Error::NotDone { reason: Reason::Stopped, retry_after: None }));
    assert_eq!(bench.tally.read().open, 0);
}
