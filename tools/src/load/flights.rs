//! The requests of one connection that are unanswered: a fixed number of slots. A correlation id is a slot's number
//! and its generation, so an answer that comes after its time was up is not taken for the answer to the slot's next request.

use super::buyer::Errand;

#[derive(Clone, Copy, Debug)]
struct Slot {
    generation: u32,
    asked_ns: u64,
    errand: Option<Errand>,
}

/// Slots for the requests of one connection.
#[derive(Clone, Debug)]
pub(super) struct Flights {
    slots: Vec<Slot>,
    open: usize,
}

/// Where an answer belongs.
#[derive(Clone, Copy, Debug)]
pub(super) enum Landing {
    /// To this errand, asked at this time, in this slot, which is free again.
    Home { slot: usize, errand: Errand, asked_ns: u64 },
    /// To a request that was given up.
    Late,
    /// To nothing that was asked.
    Stray,
}

impl Flights {
    pub(super) fn new(slots: usize) -> Self {
        Self { slots: vec![Slot { generation: 0, asked_ns: 0, errand: None }; slots], open: 0 }
    }

    /// Unanswered requests.
    pub(super) fn open(&self) -> usize {
        self.open
    }

    pub(super) fn slots(&self) -> usize {
        self.slots.len()
    }

    /// The correlation id of the next request of a slot.
    pub(super) fn correlation(&self, slot: usize) -> u64 {
        u64::from(self.slots[slot].generation) << 32 | slot as u64
    }

    /// Notes the request that was written under `correlation(slot)`.
    pub(super) fn launch(&mut self, slot: usize, errand: Errand, now_ns: u64) {
        let slot = &mut self.slots[slot];
        assert!(slot.errand.is_none(), "a slot has one request at a time");
        slot.errand = Some(errand);
        slot.asked_ns = now_ns;
        self.open += 1;
    }

    pub(super) fn land(&mut self, correlation: u64) -> Landing {
        let (at, generation) = (correlation as u32 as usize, (correlation >> 32) as u32);
        let Some(slot) = self.slots.get_mut(at) else { return Landing::Stray };
        if generation != slot.generation {
            return if generation < slot.generation { Landing::Late } else { Landing::Stray };
        }
        let Some(errand) = slot.errand.take() else { return Landing::Stray };
        slot.generation = slot.generation.wrapping_add(1);
        self.open -= 1;
        Landing::Home { slot: at, errand, asked_ns: slot.asked_ns }
    }

    /// Gives up a request that was asked at or before `asked_ns` and tells its slot, which is free again.
    pub(super) fn give_up(&mut self, asked_ns: u64) -> Option<usize> {
        let at = self.slots.iter().position(|slot| slot.errand.is_some() && slot.asked_ns <= asked_ns)?;
        self.slots[at].errand = None;
        self.slots[at].generation = self.slots[at].generation.wrapping_add(1);
        self.open -= 1;
        Some(at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::load::buyer::{Buyer, Script};
    use crate::load::stage::Stage;
    use std::sync::Arc;

    fn errand() -> Errand {
        let script = Script { workload: "ping".parse().unwrap(), party: 1, seed: 1 };
        Buyer::new(Arc::new(script), Arc::new(Stage::default()), 0).begin(0, &mut Vec::new())
    }

    #[test]
    fn an_answer_lands_once() {
        let mut flights = Flights::new(2);
        let correlation = flights.correlation(1);
        flights.launch(1, errand(), 5);
        assert_eq!(flights.open(), 1);
        assert!(matches!(flights.land(correlation), Landing::Home { slot: 1, asked_ns: 5, .. }));
        assert!(matches!(flights.land(correlation), Landing::Late));
        assert!(matches!(flights.land(flights.correlation(1)), Landing::Stray));
        assert!(matches!(flights.land(2), Landing::Stray));
        assert_eq!(flights.open(), 0);
    }

    #[test]
    fn a_late_answer_is_not_the_next_ones() {
        let mut flights = Flights::new(1);
        let late = flights.correlation(0);
        flights.launch(0, errand(), 5);
        assert_eq!(flights.give_up(4), None);
        assert_eq!(flights.give_up(5), Some(0));
        flights.launch(0, errand(), 9);
        assert!(matches!(flights.land(late), Landing::Late));
        assert_eq!(flights.open(), 1);
    }
}
