//! The client without its sockets: calls in, frames out, frames in, completions out.
//!
//! It takes `now` and the buffers as arguments and never blocks, so that every rule about retries, credit and
//! deadlines is tested in virtual time. `driver` moves the bytes; `exchange` is what they say.

mod exchange;

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use crossbeam_channel::Sender;
use rand_xoshiro::Xoshiro256PlusPlus;
use slab::Slab;

use crate::call::{Answer, Call};
use crate::clock::Micros;
use crate::completion::Sink;
use crate::counters::{Tally, count};
use crate::error::{Error, Fault, Reason};
use crate::flight::{Flight, Next, Place};
use crate::link::FlightKey;
use crate::links::{Action, DOOR, LinkSettings, Links};
use crate::timers::Timers;

/// One call on its way to the client's thread.
#[derive(Debug)]
pub(crate) struct Submission {
    pub(crate) call: Call,
    pub(crate) sink: Sink,
    pub(crate) submitted: Micros,
    pub(crate) deadline: Micros,
}

/// What HELLO says.
#[derive(Clone)]
pub(crate) struct Greeting {
    pub(crate) client: String,
    pub(crate) token: String,
}

/// The token is for the server alone.
impl std::fmt::Debug for Greeting {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Greeting").field("client", &self.client).finish_non_exhaustive()
    }
}

/// Calls in flight and the connections that they take.
#[derive(Debug)]
pub(crate) struct Session {
    greeting: Greeting,
    flights: Slab<Flight>,
    serial: u64,
    timers: Timers,
    due: Vec<usize>,
    links: Links,
    /// Calls for which there is no connection at all.
    homeless: VecDeque<FlightKey>,
    rng: Xoshiro256PlusPlus,
    tally: Arc<Tally>,
    /// Who waits to hear how the door's first connection went.
    doorkeeper: Option<Sender<Result<(), Fault>>>,
}

impl Session {
    pub(crate) fn new(
        greeting: Greeting,
        settings: LinkSettings,
        rng: Xoshiro256PlusPlus,
        tally: Arc<Tally>,
        now: Micros,
    ) -> Self {
        Self {
            greeting,
            flights: Slab::new(),
            serial: 0,
            timers: Timers::new(),
            due: Vec::new(),
            links: Links::new(settings, now),
            homeless: VecDeque::new(),
            rng,
            tally,
            doorkeeper: None,
        }
    }

    /// Tells `doorkeeper` once how the door's first connection went.
    pub(crate) fn announce_door(&mut self, doorkeeper: Sender<Result<(), Fault>>) {
        self.doorkeeper = Some(doorkeeper);
    }

    /// A call comes in.
    pub(crate) fn submit(&mut self, submission: Submission) {
        let Submission { call, sink, submitted, deadline } = submission;
        self.serial += 1;
        let slot = self.flights.insert(Flight::new(self.serial, call, sink, submitted, deadline));
        self.timers.set(slot, deadline);
        self.assign(FlightKey { slot, serial: self.serial });
    }

    /// What to do with a connection next.
    pub(crate) fn next_action(&mut self) -> Option<Action> {
        self.links.next_action()
    }

    /// When to call `tick` next.
    pub(crate) fn next_wake(&self) -> Option<Micros> {
        [self.links.next_due(), self.timers.next_sweep()].into_iter().flatten().min()
    }

    /// A connection is gone, or could not be made: what it owed is asked again elsewhere.
    pub(crate) fn lost(&mut self, index: usize, fault: Fault, now: Micros) {
        count(&self.tally.connections_lost);
        if index == DOOR
            && let Some(doorkeeper) = self.doorkeeper.take()
        {
            doorkeeper.send(Err(fault)).ok();
        }
        let (attempts, queue) = self.links.lost(index, fault, now, &mut self.rng);
        for attempt in attempts {
            let sent = |flight: &Flight| {
                flight.attempts == attempt.number && matches!(flight.place, Place::Sent { .. })
            };
            self.send_elsewhere(attempt.flight, sent, fault);
        }
        for key in queue {
            self.send_elsewhere(key, |flight| flight.place == Place::Waiting, fault);
        }
    }

    fn send_elsewhere(&mut self, key: FlightKey, is_meant: impl Fn(&Flight) -> bool, fault: Fault) {
        if let Some(flight) = self.flights.get_mut(key.slot)
            && flight.serial == key.serial
            && is_meant(flight)
        {
            flight.lost(fault);
            self.timers.set(key.slot, flight.due());
            self.assign(key);
        }
    }

    /// Does what is due.
    pub(crate) fn tick(&mut self, now: Micros) {
        for (index, fault) in self.links.tick(now) {
            self.links.close(index);
            self.lost(index, fault, now);
        }
        let mut due = std::mem::take(&mut self.due);
        self.timers.sweep(now, &mut due);
        let no_way = self.links.no_way();
        let mut gave_up_waiting = false;
        for slot in due.drain(..) {
            let flight = self.flights.get_mut(slot).expect("a slot's timer is cleared when its call ends");
            let place = flight.place;
            match flight.came_due(now, no_way) {
                Next::End(result) => {
                    gave_up_waiting |= place == Place::Waiting;
                    self.end(slot, result, None, now);
                }
                Next::Send => {
                    if matches!(place, Place::Sent { .. }) {
                        count(&self.tally.attempts_timed_out);
                    }
                    let key = FlightKey { slot, serial: flight.serial };
                    self.timers.set(slot, flight.due());
                    self.assign(key);
                }
                Next::Keep => self.timers.set(slot, flight.due()),
            }
        }
        self.due = due;
        if gave_up_waiting {
            self.prune();
        }
    }

    /// Takes calls that have ended out of the queues, which are bounded by the calls that are open only if those leave.
    fn prune(&mut self) {
        let flights = &self.flights;
        let lives = |key: &FlightKey| flights.get(key.slot).is_some_and(|flight| flight.serial == key.serial);
        self.homeless.retain(lives);
        for index in 0..self.links.len() {
            self.links.get(index).queue.retain(lives);
        }
    }

    /// Ends every call with what is certain about it.
    pub(crate) fn stop(&mut self, now: Micros) {
        for slot in self.flights.iter().map(|(slot, _)| slot).collect::<Vec<_>>() {
            let result = Err(self.flights[slot].given_up(Some(Reason::Stopped)));
            self.end(slot, result, None, now);
        }
    }

    /// Puts a waiting call into the queue of the connection that is best now.
    fn assign(&mut self, key: FlightKey) {
        let departure = self.flights[key.slot].call.departure();
        match self.links.route(departure) {
            Some((index, at_owner)) => {
                if !at_owner {
                    count(&self.tally.through_another_core);
                }
                self.links.get(index).queue.push_back(key);
            }
            None => self.homeless.push_back(key),
        }
    }

    fn end(
        &mut self,
        slot: usize,
        result: Result<Answer, Error>,
        sent_to_reply: Option<Duration>,
        now: Micros,
    ) {
        self.timers.clear(slot);
        let flight = self.flights.remove(slot);
        count(match &result {
            Ok(_) => &self.tally.done,
            Err(Error::Refused(_)) => &self.tally.refused,
            Err(Error::NotDone { .. }) => &self.tally.not_done,
            Err(Error::Unknown { .. }) => &self.tally.unknown,
        });
        // Before the answer, so that whoever receives it finds room for the next call.
        self.tally.open.fetch_sub(1, Ordering::Relaxed);
        let took = Duration::from_micros(now.saturating_sub(flight.submitted));
        flight.sink.answer(result, took, sent_to_reply, flight.attempts);
    }
}

#[cfg(test)]
mod bench;
#[cfg(test)]
mod call_tests;
#[cfg(test)]
mod link_tests;
