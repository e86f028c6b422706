//! What the buyers asked and what came of it, in the order in which they learnt it.

use seathold_client::Refusal;
use seathold_protocol::plan::Seat;
use seathold_protocol::reservation::State;
use std::time::Instant;

/// What was asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// For a hold.
    Reserve = 0,
    /// To sell it.
    Confirm = 1,
    /// To give it back.
    Cancel = 2,
    /// To give back what was sold.
    Refund = 3,
    /// What has become of it.
    Lookup = 4,
}

/// What came of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It is done: the reservation's state and seats.
    Told(State, Vec<Option<Seat>>),
    /// The server's no.
    Refused(Refusal),
    /// Certainly nothing happened.
    NotDone,
    /// Nobody knows.
    Unknown,
}

/// One request from its beginning to its end.
#[derive(Clone, Debug)]
pub struct Event {
    /// The buyer.
    pub number: u64,
    /// What was asked.
    pub step: Step,
    /// What came of it.
    pub outcome: Outcome,
    /// How often it was sent.
    pub attempts: u32,
    /// Before it was sent.
    pub began: Instant,
    /// After its outcome was known.
    pub ended: Instant,
}

/// Everything that the buyers of one run asked.
#[derive(Clone, Debug, Default)]
pub struct History {
    /// In the order of `ended`.
    pub events: Vec<Event>,
    /// Buyers below this number have asked.
    pub buyers: u64,
}

impl Step {
    /// The step with this number.
    pub(crate) fn from_number(number: u64) -> Self {
        match number {
            0 => Self::Reserve,
            1 => Self::Confirm,
            2 => Self::Cancel,
            3 => Self::Refund,
            _ => Self::Lookup,
        }
    }

    /// The state that it brings about; `None` if it changes nothing.
    pub fn effect(self) -> Option<State> {
        match self {
            Self::Reserve => Some(State::Held),
            Self::Confirm => Some(State::Confirmed),
            Self::Cancel => Some(State::Cancelled),
            Self::Refund => Some(State::Refunded),
            Self::Lookup => None,
        }
    }
}

impl History {
    /// Buyers for whom the last outcome of a step is unknown.
    pub fn in_doubt(&self) -> Vec<u64> {
        let mut last = std::collections::BTreeMap::new();
        self.events.iter().for_each(|event| {
            last.insert(event.number, event);
        });
        let unknown = |event: &&&Event| event.outcome == Outcome::Unknown;
        last.values().filter(unknown).map(|event| event.number).collect()
    }
}
