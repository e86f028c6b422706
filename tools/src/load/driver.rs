//! One thread of the loop: polls its connections and takes each that has something through its turn, until the time
//! is over and every request is answered or given up.

use super::connection::{Clock, Connection, Lost, READ_BYTES};
use super::results::live::Pulse;
use super::results::tally::Tally;
use mio::{Events, Interest, Poll, Token};
use std::io;
use std::time::Duration;

/// A request without an answer for so long is given up and counted.
pub(super) const ANSWER_NS_MAX: u64 = 5_000_000_000;

/// How often requests are looked through for those to give up.
const SWEEP_NS: u64 = 250_000_000;

/// Wakes an idle thread to see that the time is over.
const POLL_MAX: Duration = Duration::from_millis(20);

const EVENTS: usize = 1_024;

/// Drives `connections` to the end of the run and counts into `tally`. An error is the system's, of the poll.
pub(super) fn drive(
    connections: Vec<Connection>,
    clock: &Clock,
    pulse: &Pulse,
    mut tally: Tally,
) -> io::Result<Tally> {
    let mut poll = Poll::new()?;
    let mut events = Events::with_capacity(EVENTS);
    let mut buffer = vec![0; READ_BYTES];
    let mut connections: Vec<_> = connections.into_iter().map(Some).collect();
    for (at, slot) in connections.iter_mut().enumerate() {
        if let Some(connection) = slot {
            let interest = Interest::READABLE | Interest::WRITABLE;
            poll.registry().register(connection.source(), Token(at), interest)?;
        }
        visit(slot, &mut tally, |connection, _| connection.start(clock));
    }
    let mut sweep_ns = SWEEP_NS;
    loop {
        match poll.poll(&mut events, Some(POLL_MAX)) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            polled => polled?,
        }
        for event in &events {
            let slot = &mut connections[event.token().0];
            visit(slot, &mut tally, |connection, tally| connection.turn(&mut buffer, clock, tally));
        }
        let now_ns = clock.now_ns();
        if now_ns >= sweep_ns {
            sweep_ns = now_ns + SWEEP_NS;
            if let Some(asked_ns) = now_ns.checked_sub(ANSWER_NS_MAX) {
                for slot in &mut connections {
                    visit(slot, &mut tally, |connection, tally| connection.give_up(asked_ns, clock, tally));
                }
            }
            pulse.show(&mut tally, now_ns);
        }
        let is_done =
            |slot: &Option<Connection>| slot.as_ref().is_none_or(|connection| connection.open() == 0);
        if connections.iter().all(Option::is_none)
            || now_ns >= clock.until_ns && connections.iter().all(is_done)
        {
            return Ok(tally);
        }
    }
}

/// Does something with a connection unless it is lost, and drops it if it gets lost by that.
fn visit(
    slot: &mut Option<Connection>,
    tally: &mut Tally,
    act: impl FnOnce(&mut Connection, &mut Tally) -> Result<(), Lost>,
) {
    if let Some(connection) = slot
        && let Err(Lost) = act(connection, tally)
    {
        tally.connections_lost += 1;
        *slot = None;
    }
}
