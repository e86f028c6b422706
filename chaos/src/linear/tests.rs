//! Planted faults, each beside what is right: one seat, one segment, and moments that are read from left to right.

use super::{Action, Answer, Call, Verdict, Wanted, Window};
use crate::history::Step::{self, *};
use seathold_client::Refusal;
use seathold_protocol::reservation::State::{self, *};

/// A class with one seat that everybody wants.
fn window(reservations: usize) -> Window {
    let wanted = Wanted { trip: 1, party: 1, seats: vec![0] };
    Window { capacity: 1, reservations: vec![wanted; reservations], ..Window::default() }
}

impl Window {
    fn call(mut self, (began, ended): (u64, u64), of: usize, step: Step, answer: Option<Answer>) -> Self {
        let action = Action::Ask(step);
        self.calls.push(Call { began, ended, reservation: of, action, hint: 0, answer });
        self
    }

    fn told(self, moments: (u64, u64), of: usize, step: Step, state: State) -> Self {
        self.call(moments, of, step, Some(Answer::Told(state, vec![0])))
    }

    fn refused(self, moments: (u64, u64), of: usize, step: Step, refusal: Refusal) -> Self {
        self.call(moments, of, step, Some(Answer::Refused(refusal)))
    }

    fn sold_out(self, moments: (u64, u64), of: usize) -> Self {
        self.call(moments, of, Reserve, Some(Answer::SoldOut))
    }

    fn unknown(self, began: u64, of: usize, step: Step) -> Self {
        self.call((began, u64::MAX), of, step, None)
    }

    fn expires(mut self, from: u64, of: usize) -> Self {
        let action = Action::Expire;
        self.calls.push(Call {
            began: from,
            ended: u64::MAX,
            reservation: of,
            action,
            hint: 0,
            answer: None,
        });
        self
    }

    #[track_caller]
    fn holds(mut self) {
        assert_eq!(self.verdict(), Verdict::Linearizable);
    }

    /// No order explains it.
    #[track_caller]
    fn breaks(mut self) {
        let verdict = self.verdict();
        assert!(matches!(verdict, Verdict::Violated(_)), "{verdict:?}");
    }
}

#[test]
fn two_sales_of_one_seat_are_found() {
    let sold = || window(2).told((0, 1), 0, Reserve, Held).told((2, 3), 0, Confirm, Confirmed);
    sold().told((4, 5), 1, Reserve, Held).breaks();
    sold().told((0, 9), 1, Reserve, Held).breaks();
    sold().told((4, 5), 0, Refund, Refunded).told((0, 9), 1, Reserve, Held).holds();
    sold().told((4, 7), 0, Refund, Refunded).told((0, 3), 1, Reserve, Held).breaks();
    // On another part of the journey the seat is another's.
    let mut apart = sold().told((4, 5), 1, Reserve, Held);
    apart.reservations[1].trip = 2;
    apart.holds();
}

#[test]
fn a_stale_read_is_found() {
    let held = || window(1).told((0, 1), 0, Reserve, Held);
    held().told((2, 5), 0, Confirm, Confirmed).told((3, 4), 0, Lookup, Held).holds();
    held().told((2, 5), 0, Confirm, Confirmed).told((6, 7), 0, Lookup, Held).breaks();
    // Two reads in the wrong order, while the change is on its way.
    let seen = held().told((2, 9), 0, Confirm, Confirmed).told((3, 4), 0, Lookup, Confirmed);
    seen.clone().told((5, 6), 0, Lookup, Confirmed).holds();
    seen.told((5, 6), 0, Lookup, Held).breaks();
}

#[test]
fn a_lost_reservation_is_found() {
    let sold = || window(2).told((0, 1), 0, Reserve, Held).told((2, 3), 0, Confirm, Confirmed);
    sold().refused((4, 5), 0, Lookup, Refusal::NotFound).breaks();
    sold().refused((4, 5), 0, Refund, Refusal::Expired).breaks();
    sold().refused((4, 5), 0, Cancel, Refusal::AlreadyConfirmed).holds();
}

#[test]
fn a_request_without_an_answer_may_have_happened_or_not() {
    let asked = || window(2).unknown(0, 0, Reserve);
    asked().told((5, 6), 1, Reserve, Held).holds();
    asked().sold_out((5, 6), 1).holds();
    asked().refused((1, 2), 0, Lookup, Refusal::NotFound).told((5, 6), 0, Lookup, Held).holds();
    asked().told((5, 6), 0, Lookup, Held).refused((7, 8), 0, Lookup, Refusal::NotFound).breaks();
    asked().told((5, 6), 0, Lookup, Held).told((7, 8), 1, Reserve, Held).breaks();
}

#[test]
fn a_hold_ends_by_itself_when_its_time_is_up_and_not_before() {
    let held = || window(2).told((0, 1), 0, Reserve, Held).expires(10, 0);
    held().told((11, 12), 1, Reserve, Held).holds();
    held().told((11, 12), 0, Lookup, Held).told((13, 14), 0, Lookup, Expired).holds();
    held().told((8, 9), 1, Reserve, Held).breaks();
    held().refused((8, 9), 0, Confirm, Refusal::Expired).breaks();
    held().told((8, 9), 0, Confirm, Confirmed).refused((11, 12), 0, Refund, Refusal::Expired).breaks();
}

#[test]
fn sold_out_is_true_at_one_moment() {
    window(1).sold_out((0, 1), 0).breaks();
    let held = window(2).told((0, 9), 0, Reserve, Held);
    held.clone().sold_out((5, 6), 1).holds();
    held.told((10, 11), 0, Cancel, Cancelled).sold_out((12, 13), 1).breaks();
}
