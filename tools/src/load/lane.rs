//! Who decides what is asked next on some connections, and when: in a closed loop whenever a slot is free, in an open
//! loop when the schedule says so.

use super::buyer::{Buyer, Errand};
use super::schedule::Arrivals;
use std::collections::VecDeque;

/// A request that was just written.
#[derive(Clone, Copy, Debug)]
pub(super) struct Asked {
    pub(super) errand: Errand,
    /// When it was due; in a closed loop that is now.
    pub(super) intended_ns: u64,
}

/// In a closed loop each connection has its own; in an open one the connections of a thread that lead to the same port
/// share one, so that a request waits only while none of them has a free slot.
pub(super) struct Lane {
    buyer: Buyer,
    arrivals: Option<Arrivals>,
    /// Connections with a free slot, each once, by turns. Empty in a closed loop.
    ready: VecDeque<usize>,
}

impl Lane {
    /// Asks again as soon as there is an answer.
    pub(super) fn closed(buyer: Buyer) -> Self {
        Self { buyer, arrivals: None, ready: VecDeque::new() }
    }

    /// Asks when `arrivals` are due, on so many connections.
    pub(super) fn open(buyer: Buyer, arrivals: Arrivals, connections: usize) -> Self {
        Self { buyer, arrivals: Some(arrivals), ready: VecDeque::with_capacity(connections) }
    }

    pub(super) fn is_open(&self) -> bool {
        self.arrivals.is_some()
    }

    /// Writes what comes next, if anything is due.
    pub(super) fn ask(&mut self, now_ns: u64, correlation: u64, out: &mut Vec<u8>) -> Option<Asked> {
        let intended_ns = match &mut self.arrivals {
            None => now_ns,
            Some(arrivals) if arrivals.due_ns() <= now_ns => arrivals.take(),
            Some(_) => return None,
        };
        Some(Asked { errand: self.buyer.begin(correlation, out), intended_ns })
    }

    pub(super) fn buyer(&mut self) -> &mut Buyer {
        &mut self.buyer
    }

    /// Notes a connection of an open loop that has a free slot again; it is not among those that had one.
    pub(super) fn has_slot(&mut self, connection: usize) {
        self.ready.push_back(connection);
    }

    /// The connection whose turn it is; it goes on having a turn only if it is noted again.
    pub(super) fn next_ready(&mut self) -> Option<usize> {
        self.ready.pop_front()
    }

    /// When the next request can be sent, as far as it depends on the schedule; `u64::MAX` for never.
    pub(super) fn due_ns(&self) -> u64 {
        match &self.arrivals {
            Some(arrivals) if !self.ready.is_empty() => arrivals.due_ns(),
            _ => u64::MAX,
        }
    }

    /// Drops what was due at or after `from_ns` and was never sent, and counts it.
    pub(super) fn drop_unsent(&mut self, from_ns: u64) -> u64 {
        let Some(arrivals) = &mut self.arrivals else { return 0 };
        let due = std::iter::from_fn(|| Some(arrivals.take()).filter(|due_ns| *due_ns != u64::MAX));
        due.filter(|due_ns| *due_ns >= from_ns).count() as u64
    }
}
