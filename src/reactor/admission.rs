//! When a core begins no more sales: once requests would wait longer than they shall, RESERVE gets BUSY and what finishes a
//! sale still passes (DESIGN 8).
//!
//! A request waits from when its connection was last read to when it is served, so for two turns at most: a turn shall take
//! half of the wait. It begins sales for most of that; then it refuses, which is cheaper than a sale and not free; and when it
//! has refused for a while it leaves the other connections unread for the next turn. Refusing has a bound of its own, or at
//! ten times the load nothing else would be done. What is left of the half is for reading, writing and the commit.

use std::time::Duration;

/// RESERVEs between two looks at the clock: tens of microseconds.
const LOOK_EVERY: u32 = 16;

/// A turn begins sales for three tenths of the wait, and refuses for one at most: the more it may, the sooner a crowd hears
/// BUSY, and the less is sold meanwhile.
const SELLING_TENTHS: u32 = 3;
const REFUSING_TENTHS: u32 = 1;

/// One core's admission to a turn. Times are nanoseconds of any clock that never goes back.
#[derive(Debug)]
pub(super) struct Admission {
    /// Time into the turn at which it begins no more sales.
    selling_ns: u64,
    /// Time into the turn at which it ends, if it has refused any.
    refusing_ns: u64,
    turn_began_ns: u64,
    looked_ago: u32,
    closed: bool,
}

impl Admission {
    /// Requests shall wait no longer than `wait_max`, as far as it is up to this core.
    pub(super) fn new(wait_max: Duration) -> Self {
        let tenths =
            |count| u64::try_from((wait_max / 10).saturating_mul(count).as_nanos()).unwrap_or(u64::MAX);
        Self {
            selling_ns: tenths(SELLING_TENTHS),
            refusing_ns: tenths(SELLING_TENTHS + REFUSING_TENTHS),
            turn_began_ns: 0,
            looked_ago: 0,
            closed: false,
        }
    }

    /// A turn begins.
    pub(super) fn begin_turn(&mut self, now_ns: u64) {
        *self = Self { turn_began_ns: now_ns, looked_ago: 0, closed: false, ..*self };
    }

    /// Whether another sale may begin in this turn.
    pub(super) fn admits(&mut self, now_ns: impl FnOnce() -> u64) -> bool {
        self.looked_ago += 1;
        if !self.closed && self.looked_ago >= LOOK_EVERY {
            self.looked_ago = 0;
            self.closed = self.spent_ns(now_ns()) > self.selling_ns;
        }
        !self.closed
    }

    /// Whether the turn shall end, even if connections are left that have something to serve.
    pub(super) fn ends_turn(&self, now_ns: impl FnOnce() -> u64) -> bool {
        self.closed && self.spent_ns(now_ns()) > self.refusing_ns
    }

    fn spent_ns(&self, now_ns: u64) -> u64 {
        now_ns.saturating_sub(self.turn_began_ns)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WAIT_MAX: Duration = Duration::from_millis(4);
    const SELLING_NS: u64 = 1_200_000;
    const REFUSING_NS: u64 = 1_600_000;

    /// Asks for admission until the clock has been looked at.
    fn admits_at(admission: &mut Admission, now_ns: u64) -> bool {
        (0..LOOK_EVERY).fold(true, |_, _| admission.admits(|| now_ns))
    }

    #[test]
    fn a_turn_begins_sales_for_its_part_of_the_wait_and_so_does_the_next_one() {
        let mut admission = Admission::new(WAIT_MAX);
        admission.begin_turn(1_000);
        assert!(admits_at(&mut admission, 1_000 + SELLING_NS));
        assert!(!admits_at(&mut admission, 1_001 + SELLING_NS));
        assert!(!admission.admits(|| 1_000), "it stays closed to the end of the turn");
        admission.begin_turn(2_000 + SELLING_NS);
        assert!(admission.admits(|| unreachable!("the clock is not read for each request")));
    }

    #[test]
    fn a_turn_that_refuses_ends_soon_and_one_that_sells_does_not() {
        let mut admission = Admission::new(WAIT_MAX);
        admission.begin_turn(0);
        assert!(!admission.ends_turn(|| u64::MAX), "only RESERVEs make a turn end early");
        assert!(!admits_at(&mut admission, SELLING_NS + 1));
        assert!(!admission.ends_turn(|| REFUSING_NS));
        assert!(admission.ends_turn(|| REFUSING_NS + 1));
    }

    #[test]
    fn a_wait_without_end_never_refuses() {
        let mut admission = Admission::new(Duration::MAX);
        admission.begin_turn(0);
        assert!(admits_at(&mut admission, u64::MAX));
    }
}
