//! Whether what the buyers of one class of one departure were told can have happened one by one, each request at a moment between
//! its beginning and its end: the search of Wing and Gong, with Lowe's memory of configurations that led nowhere
//! ("Testing for linearizability", 2017). Apart from `check`, which takes the ledger for the order: here no order is given.
//!
//! A request without an answer may have happened at any time after it began, or never; so may the end of a hold whose time is up.

use crate::history::Step;
use seathold_client::Refusal;
use seathold_protocol::reservation::State;
use std::collections::HashSet;

/// Configurations after which a search is given up. What happened as the hints say takes a few hundred; a fault in a long
/// history may take more than there is memory for, and its place is told all the same.
const CONFIGURATIONS_MAX: usize = 50_000;

/// Requests to one class of one departure, all that were made since it was opened.
#[derive(Clone, Debug, Default)]
pub(crate) struct Window {
    /// Seats of the class.
    pub(crate) capacity: u32,
    pub(crate) reservations: Vec<Wanted>,
    pub(crate) calls: Vec<Call>,
    /// By reservation: the calls with an answer, and the state that each finds or leaves.
    needs: Vec<Vec<(usize, Option<State>)>>,
}

/// What one reservation is for.
#[derive(Clone, Debug, Default)]
pub(crate) struct Wanted {
    /// A bit per segment.
    pub(crate) trip: u128,
    pub(crate) party: u32,
    /// The seats that anybody was told of, or that the ledger has.
    pub(crate) seats: Vec<u32>,
}

/// One request, or the end of a hold. Moments are nanoseconds from any fixed one.
#[derive(Clone, Debug)]
pub(crate) struct Call {
    pub(crate) began: u64,
    pub(crate) ended: u64,
    pub(crate) reservation: usize,
    pub(crate) action: Action,
    /// Calls with a lower one are tried before others: the search ends soon if this is about the order.
    pub(crate) hint: u32,
    /// `None` if it may not have happened.
    pub(crate) answer: Option<Answer>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Action {
    Ask(Step),
    /// Its time is up.
    Expire,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    Told(State, Vec<u32>),
    Refused(Refusal),
    SoldOut,
}

/// What a search says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    Linearizable,
    /// In no order; with the call that stood in the way where the search came farthest.
    Violated(String),
    /// There are too many orders to try; likewise.
    Undecided(String),
}

/// What has happened so far: Lowe's configuration.
#[derive(Clone, PartialEq, Eq, Hash)]
struct Configuration {
    /// A bit per call.
    done: Vec<u64>,
    /// What has become of each reservation.
    states: Vec<Option<State>>,
    /// Those that have seats, in ascending order.
    live: Vec<usize>,
}

impl Answer {
    /// In which state a reservation is that this is said of; `None` if there is none.
    fn state(&self) -> Option<State> {
        match self {
            Self::Told(state, _) => Some(*state),
            Self::Refused(Refusal::NotConfirmed) => Some(State::Held),
            Self::Refused(Refusal::AlreadyConfirmed) => Some(State::Confirmed),
            Self::Refused(Refusal::Cancelled) => Some(State::Cancelled),
            Self::Refused(Refusal::Expired) => Some(State::Expired),
            Self::Refused(Refusal::Refunded) => Some(State::Refunded),
            Self::Refused(_) | Self::SoldOut { .. } => None,
        }
    }
}

/// Whether a reservation can come from one state to another, or is there.
fn reaches(from: State, to: State) -> bool {
    from == to || from == State::Held || (from, to) == (State::Confirmed, State::Refunded)
}

impl Window {
    /// Looks for an order.
    pub(crate) fn verdict(&mut self) -> Verdict {
        self.prepare();
        let start = Configuration {
            done: vec![0; self.calls.len().div_ceil(64)],
            states: vec![None; self.reservations.len()],
            live: Vec::new(),
        };
        let (mut known, mut open) = (HashSet::new(), vec![start]);
        let mut farthest = (0, 0, Vec::new());
        while let Some(mut at) = open.pop() {
            let Some(ahead) = self.settle(&mut at) else { return Verdict::Linearizable };
            if !known.insert(at.clone()) {
                continue;
            }
            if known.len() > CONFIGURATIONS_MAX {
                return Verdict::Undecided(self.farthest(&farthest));
            }
            // The last one is tried first.
            let mut next: Vec<(usize, State)> =
                ahead.iter().filter_map(|call| self.change(&at, *call)).collect();
            next.sort_by_key(|(call, _)| {
                let call = &self.calls[*call];
                std::cmp::Reverse((call.hint, call.answer.is_none(), call.ended))
            });
            open.extend(
                next.into_iter().map(|(call, state)| at.with(call, self.calls[call].reservation, state)),
            );
            let count: u32 = at.done.iter().map(|word| word.count_ones()).sum();
            if count >= farthest.0 {
                let answered = ahead.into_iter().filter(|call| self.calls[*call].answer.is_some());
                let first = answered.min_by_key(|call| self.calls[*call].ended);
                farthest = (count, first.expect("an answer is left"), at.live);
            }
        }
        Verdict::Violated(self.farthest(&farthest))
    }

    /// The call that stood in the way, and the reservations that had seats then.
    fn farthest(&self, (count, call, live): &(u32, usize, Vec<usize>)) -> String {
        format!("behind {count} calls, with the seats of {live:?} taken, comes no {:?}", self.calls[*call])
    }

    fn prepare(&mut self) {
        // Of what nobody was told of and the ledger does not know nothing can be seen.
        let seen =
            |call: &Call| call.answer.is_some() || !self.reservations[call.reservation].seats.is_empty();
        self.calls.retain(seen);
        self.calls.sort_by_key(|call| call.began);
        self.needs = vec![Vec::new(); self.reservations.len()];
        for (number, call) in self.calls.iter().enumerate() {
            if let Some(answer) = &call.answer {
                self.needs[call.reservation].push((number, answer.state()));
            }
        }
    }

    /// Does at once what changes nothing and may be done: it stands in nobody's way. Returns what may come next, or `None` when
    /// every answer is explained.
    fn settle(&self, at: &mut Configuration) -> Option<Vec<usize>> {
        loop {
            let mut first_end = u64::MAX;
            let mut ahead = Vec::new();
            for (number, call) in self.calls.iter().enumerate() {
                if call.began > first_end {
                    break;
                }
                if at.has(number) || call.answer.is_none() && self.step(at, call).is_none() {
                    continue;
                }
                if call.answer.is_some() {
                    first_end = first_end.min(call.ended);
                }
                ahead.push(number);
            }
            if first_end == u64::MAX {
                return None;
            }
            ahead.retain(|call| self.calls[*call].began <= first_end);
            let mut idle = false;
            for number in &ahead {
                let call = &self.calls[*number];
                if call.answer.is_some() && self.step(at, call) == Some(at.states[call.reservation]) {
                    at.done[number / 64] |= 1 << (number % 64);
                    idle = true;
                }
            }
            if !idle {
                return Some(ahead);
            }
        }
    }

    /// A call, and what its reservation becomes, if it can be done now and changes anything.
    fn change(&self, at: &Configuration, number: usize) -> Option<(usize, State)> {
        let call = &self.calls[number];
        let next = self.step(at, call)?.filter(|next| at.states[call.reservation] != Some(*next))?;
        // States go one way: whatever is told of this reservation later must be still ahead of it.
        let mut rest =
            self.needs[call.reservation].iter().filter(|(other, _)| *other != number && !at.has(*other));
        rest.all(|(_, needed)| needed.is_some_and(|needed| reaches(next, needed))).then_some((number, next))
    }

    /// What a call does, by the table of `protocol/SPEC.md`; `None` if it cannot be answered like that.
    fn step(&self, at: &Configuration, call: &Call) -> Option<Option<State>> {
        let present = at.states[call.reservation];
        let (next, answer) = match (call.action, present) {
            (Action::Expire, Some(State::Held)) => (Some(State::Expired), None),
            (Action::Expire, _) => return None,
            (Action::Ask(Step::Reserve), None) => return self.reserve(at, call),
            (Action::Ask(_), None) => (None, Some(Answer::Refused(Refusal::NotFound))),
            (Action::Ask(step), Some(state)) => {
                let (next, refusal) = settled(state, step);
                let seats = || self.reservations[call.reservation].seats.clone();
                let answer = refusal.map_or_else(|| Answer::Told(next, seats()), Answer::Refused);
                (Some(next), Some(answer))
            }
        };
        (call.answer.is_none() || call.answer == answer).then_some(next)
    }

    /// A reservation that is not known yet.
    fn reserve(&self, at: &Configuration, call: &Call) -> Option<Option<State>> {
        let wanted = &self.reservations[call.reservation];
        match &call.answer {
            Some(Answer::SoldOut) => {
                let taken = self.taken(at, wanted.trip).collect::<HashSet<_>>().len() as u32;
                (self.capacity < taken + wanted.party).then_some(None)
            }
            Some(Answer::Told(state, seats)) if *state != State::Held || *seats != wanted.seats => None,
            Some(Answer::Refused(_)) => None,
            Some(Answer::Told(..)) | None => {
                let free = !self.taken(at, wanted.trip).any(|seat| wanted.seats.contains(&seat));
                let distinct = wanted.seats.iter().collect::<HashSet<_>>().len() as u32 == wanted.party;
                (free && distinct).then_some(Some(State::Held))
            }
        }
    }

    /// Seats that somebody has on a part of a trip.
    fn taken(&self, at: &Configuration, trip: u128) -> impl Iterator<Item = u32> {
        let live = at.live.iter().map(|number| &self.reservations[*number]);
        live.filter(move |other| other.trip & trip != 0).flat_map(|other| other.seats.iter().copied())
    }
}

impl Configuration {
    fn has(&self, call: usize) -> bool {
        self.done[call / 64] >> (call % 64) & 1 == 1
    }

    fn with(&self, call: usize, reservation: usize, state: State) -> Self {
        let mut next = self.clone();
        next.done[call / 64] |= 1 << (call % 64);
        next.states[reservation] = Some(state);
        next.live.retain(|live| *live != reservation);
        if matches!(state, State::Held | State::Confirmed) {
            next.live.push(reservation);
            next.live.sort_unstable();
        }
        next
    }
}

/// What becomes of a reservation that is asked about, and why not what was asked.
fn settled(present: State, step: Step) -> (State, Option<Refusal>) {
    let wanted = step.effect().filter(|_| step != Step::Reserve).unwrap_or(present);
    let refusal = match (present, wanted) {
        _ if present == wanted => None,
        (State::Held, State::Confirmed | State::Cancelled) | (State::Confirmed, State::Refunded) => None,
        (State::Held, _) => Some(Refusal::NotConfirmed),
        (State::Confirmed, _) => Some(Refusal::AlreadyConfirmed),
        (State::Cancelled, _) => Some(Refusal::Cancelled),
        (State::Expired, _) => Some(Refusal::Expired),
        (State::Refunded, _) => Some(Refusal::Refunded),
    };
    (if refusal.is_none() { wanted } else { present }, refusal)
}

#[cfg(test)]
mod tests;
