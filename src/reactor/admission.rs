//! How long a turn works, and when a core begins no more sales: once they would wait longer than they shall, RESERVE and LOOKUP
//! get BUSY and what finishes a sale still passes (DESIGN 8).
//!
//! A turn shall take a fifth of the wait. A sale waits for the turn that reads it, and then for the engine, which works for an
//! eighth of the wait in each: what it has not come to waits for the next, and a sale joins it only while that is no more than
//! five turns can do: it waits about as long as it shall. So does a LOOKUP, or those who only look would leave sales no room.
//! Connections are read meanwhile, so that BUSY takes a turn, or as many as it takes to come round: those that a turn does not
//! come to are the first of the next.
//!
//! The shorter a turn, the sooner BUSY is told; but it must not read for longer than it works, or in a crowd there would be
//! nothing but refusing. A connection that waits for the next turn gathers more requests for one read. The more may wait, the
//! fewer are refused, which costs time that sells nothing.

use crate::engine::GROUP;
use std::time::Duration;

/// The engine stops an eighth of the wait into the turn. At a fifth no more connections are read.
const WORKING: u32 = 8;
const READING: u32 = 5;

/// Turns that a sale may wait for the engine.
const TURNS_WAITING: usize = 5;

/// One core's admission to a turn. Times are nanoseconds of any clock that never goes back.
#[derive(Debug)]
pub(super) struct Admission {
    /// Time into the turn at which its engine stops.
    working_ns: u64,
    /// Time into the turn at which it reads no more connections.
    reading_ns: u64,
    turn_began_ns: u64,
    /// How long the turn had taken at the last look.
    spent_ns: u64,
    /// Commands done in this turn, and in the one before: a pause of the processor cuts one turn short, seldom two.
    done: usize,
    done_before: usize,
}

impl Admission {
    /// What can be put off shall wait for about `wait_max` at most, as far as it is up to this core.
    pub(super) fn new(wait_max: Duration) -> Self {
        let part = |of| u64::try_from((wait_max / of).as_nanos()).unwrap_or(u64::MAX);
        Self {
            working_ns: part(WORKING),
            reading_ns: part(READING),
            turn_began_ns: 0,
            spent_ns: 0,
            done: 0,
            done_before: 0,
        }
    }

    /// A turn begins to work.
    pub(super) fn begin_turn(&mut self, now_ns: u64) {
        *self = Self { turn_began_ns: now_ns, spent_ns: 0, done: 0, done_before: self.done, ..*self };
    }

    /// Notes commands that the engine has done.
    pub(super) fn did(&mut self, commands: usize, now_ns: u64) {
        self.done += commands;
        self.look(now_ns);
    }

    /// Notes how long the turn has taken.
    pub(super) fn look(&mut self, now_ns: u64) {
        self.spent_ns = self.spent_ns.max(now_ns.saturating_sub(self.turn_began_ns));
    }

    /// Whether the engine works no more in this turn.
    pub(super) fn is_closed(&self) -> bool {
        self.spent_ns > self.working_ns
    }

    /// Whether another command that can be put off may join so many that wait.
    pub(super) fn admits(&self, waiting: usize) -> bool {
        !self.is_closed() || waiting < TURNS_WAITING * self.done.max(self.done_before).max(GROUP)
    }

    /// Whether the turn shall end, even if connections are left that have something to serve.
    pub(super) fn ends_turn(&self) -> bool {
        self.spent_ns > self.reading_ns
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WAIT_MAX: Duration = Duration::from_millis(6);
    const WORKING_NS: u64 = 750_000;
    const READING_NS: u64 = 1_200_000;

    #[test]
    fn a_turn_works_for_its_part_of_the_wait_and_so_does_the_next_one() {
        let mut admission = Admission::new(WAIT_MAX);
        admission.begin_turn(1_000);
        admission.did(16, 1_000 + WORKING_NS);
        assert!(!admission.is_closed() && admission.admits(1_000));
        admission.did(16, 1_001 + WORKING_NS);
        assert!(admission.is_closed());
        admission.did(16, 1_000);
        assert!(admission.is_closed(), "it stays closed to the end of the turn");
        admission.begin_turn(2_000 + WORKING_NS);
        assert!(!admission.is_closed());
    }

    #[test]
    fn a_sale_joins_what_waits_if_five_turns_will_come_to_it() {
        let mut admission = Admission::new(WAIT_MAX);
        admission.begin_turn(0);
        (0..3).for_each(|_| admission.did(16, WORKING_NS + 1));
        assert!(admission.admits(239));
        assert!(!admission.admits(240));
    }

    /// The processor was taken away, or all that was read asked nothing of the engine.
    #[test]
    fn a_turn_that_got_little_done_refuses_no_more_than_others() {
        let mut admission = Admission::new(WAIT_MAX);
        admission.begin_turn(0);
        admission.look(WORKING_NS + 1);
        assert!(admission.admits(5 * GROUP - 1) && !admission.admits(5 * GROUP));
        admission.begin_turn(0);
        (0..3).for_each(|_| admission.did(16, 0));
        admission.begin_turn(0);
        admission.did(16, WORKING_NS + 1);
        assert!(admission.admits(239) && !admission.admits(240));
    }

    #[test]
    fn a_turn_that_works_no_more_reads_on_for_its_part_of_the_wait() {
        let mut admission = Admission::new(WAIT_MAX);
        admission.begin_turn(1_000);
        admission.look(1_000 + READING_NS);
        assert!(admission.is_closed() && !admission.ends_turn());
        admission.look(1_001 + READING_NS);
        assert!(admission.ends_turn());
        admission.begin_turn(1_001 + READING_NS);
        assert!(!admission.ends_turn());
    }

    #[test]
    fn a_wait_without_end_never_refuses() {
        let mut admission = Admission::new(Duration::MAX);
        admission.begin_turn(0);
        admission.did(16, u64::MAX);
        assert!(!admission.is_closed() && !admission.ends_turn());
    }
}
