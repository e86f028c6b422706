//! The requests of one connection that are unanswered: a fixed number of slots. A correlation id is a slot's number
//! and its generation, so an answer that comes after its time was up is not taken for the answer to the slot's next request.

use super::buyer::Errand;

/// A request on its way, with its times in nanoseconds since the run began.
#[derive(Clone, Copy, Debug)]
pub(super) struct Flight {
    pub(super) errand: Errand,
    /// When it was due.
    pub(super) intended_ns: u64,
    /// When it was written.
    pub(super) sent_ns: u64,
}

#[derive(Clone, Copy, Debug)]
struct Slot {
    generation: u32,
    is_open: bool,
    /// The one that is open, or the last that was: it stays, since what follows from an answer is about the same thing.
    flight: Option<Flight>,
}

/// Slots for the requests of one connection.
#[derive(Clone, Debug)]
pub(super) struct Flights {
    slots: Vec<Slot>,
    /// Slots that nothing is asked in.
    free: Vec<usize>,
    open: usize,
}

/// Where an answer belongs.
#[derive(Debug)]
pub(super) enum Landing<'a> {
    /// To this request in this slot, which is the caller's now: to launch the next in, or to release. `correlation` is the
    /// next one's.
    Home { slot: usize, flight: &'a mut Flight, correlation: u64 },
    /// To a request that was given up.
    Late,
    /// To nothing that was asked.
    Stray,
}

impl Flights {
    pub(super) fn new(slots: usize) -> Self {
        let free = (0..slots).rev().collect();
        Self { slots: vec![Slot { generation: 0, is_open: false, flight: None }; slots], free, open: 0 }
    }

    /// Unanswered requests.
    pub(super) fn open(&self) -> usize {
        self.open
    }

    pub(super) fn slots(&self) -> usize {
        self.slots.len()
    }

    /// Takes a free slot, to launch a request in or to release again.
    pub(super) fn take_free(&mut self) -> Option<usize> {
        self.free.pop()
    }

    pub(super) fn has_free(&self) -> bool {
        !self.free.is_empty()
    }

    pub(super) fn release(&mut self, slot: usize) {
        assert!(!self.slots[slot].is_open, "a slot is released when nothing is asked in it");
        self.free.push(slot);
    }

    /// The correlation id of the next request of a slot.
    pub(super) fn correlation(&self, slot: usize) -> u64 {
        correlation(self.slots[slot].generation, slot)
    }

    /// Notes the request that was written under `correlation(slot)`.
    pub(super) fn launch(&mut self, slot: usize, flight: Flight) {
        self.slots[slot].flight = Some(flight);
        self.launch_again(slot);
    }

    /// Notes that the flight which landed in a slot, as its owner left it, was written under `correlation(slot)`.
    pub(super) fn launch_again(&mut self, slot: usize) {
        let slot = &mut self.slots[slot];
        assert!(!slot.is_open, "a slot has one request at a time");
        slot.is_open = true;
        self.open += 1;
    }

    pub(super) fn land(&mut self, correlated: u64) -> Landing<'_> {
        let (at, generation) = (correlated as u32 as usize, (correlated >> 32) as u32);
        let Some(slot) = self.slots.get_mut(at) else { return Landing::Stray };
        if generation != slot.generation {
            return if generation < slot.generation { Landing::Late } else { Landing::Stray };
        }
        let (true, Some(flight)) = (slot.is_open, &mut slot.flight) else { return Landing::Stray };
        slot.is_open = false;
        slot.generation = slot.generation.wrapping_add(1);
        self.open -= 1;
        Landing::Home { slot: at, flight, correlation: correlation(slot.generation, at) }
    }

    /// Gives up a request that was sent at or before `sent_ns` and tells its slot, which is the caller's now.
    pub(super) fn give_up(&mut self, sent_ns: u64) -> Option<usize> {
        let is_old =
            |slot: &Slot| slot.is_open && slot.flight.is_some_and(|flight| flight.sent_ns <= sent_ns);
        let at = self.slots.iter().position(is_old)?;
        self.slots[at].is_open = false;
        self.slots[at].generation = self.slots[at].generation.wrapping_add(1);
        self.open -= 1;
        Some(at)
    }
}

fn correlation(generation: u32, slot: usize) -> u64 {
    u64::from(generation) << 32 | slot as u64
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::load::Options;
    use crate::load::buyer::{Buyer, Script};
    use crate::load::stage::Stage;
    use clap::Parser;
    use std::sync::Arc;

    fn sent_at(sent_ns: u64) -> Flight {
        let habits = Options::try_parse_from(["seathold-load"]).unwrap().habits;
        let script = Script { workload: "ping".parse().unwrap(), habits, seed: 1 };
        let errand = Buyer::new(Arc::new(script), Arc::new(Stage::default()), 0).begin(0, &mut Vec::new());
        Flight { errand, intended_ns: 1, sent_ns }
    }

    #[test]
    fn an_answer_lands_once() {
        let mut flights = Flights::new(2);
        let correlation = flights.correlation(1);
        assert_eq!((flights.take_free(), flights.take_free(), flights.take_free()), (Some(0), Some(1), None));
        flights.launch(1, sent_at(5));
        assert_eq!(flights.open(), 1);
        let Landing::Home { slot: 1, flight, correlation: next } = flights.land(correlation) else {
            panic!("not home")
        };
        assert_eq!((flight.intended_ns, flight.sent_ns), (1, 5));
        assert_eq!((next, flights.has_free()), (flights.correlation(1), false));
        flights.release(1);
        assert_eq!(flights.take_free(), Some(1));
        assert!(matches!(flights.land(correlation), Landing::Late));
        assert!(matches!(flights.land(flights.correlation(1)), Landing::Stray));
        assert!(matches!(flights.land(2), Landing::Stray));
        assert_eq!(flights.open(), 0);
    }

    #[test]
    fn a_late_answer_is_not_the_next_ones() {
        let mut flights = Flights::new(1);
        let late = flights.correlation(0);
        flights.launch(0, sent_at(5));
        assert_eq!(flights.give_up(4), None);
        assert_eq!(flights.give_up(5), Some(0));
        flights.launch(0, sent_at(9));
        assert!(matches!(flights.land(late), Landing::Late));
        assert_eq!(flights.open(), 1);
    }
}
