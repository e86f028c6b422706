//! Two cores that sleep whenever they have nothing to do: no wake is lost, and no queue is ever too short.

use super::*;
use crate::engine::{Answered, Ask, Origin};
use crate::shard::{Answer, Command};
use mio::{Events, Poll, Token, Waker};
use seathold_protocol::frame::Opcode;
use seathold_protocol::request::Target;
use seathold_protocol::status::Status;
use seathold_protocol::{AccountId, DepartureId, ReservationId};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

/// Far longer than any wake takes: a poll that ends by itself has missed its bell.
const LOST: Duration = Duration::from_secs(10);

struct Core {
    poll: Poll,
    bell: Arc<Bell>,
    mailbox: Mailbox,
}

fn cores(count: usize) -> Vec<Core> {
    let polls: Vec<_> = (0..count).map(|_| Poll::new().unwrap()).collect();
    let waker = |poll: &Poll| Waker::new(poll.registry(), Token(0)).unwrap();
    let bells: Vec<_> = polls.iter().map(|poll| Arc::new(Bell::new(waker(poll)))).collect();
    let mailboxes = connect(&bells);
    let parts = polls.into_iter().zip(bells).zip(mailboxes);
    parts.map(|((poll, bell), mailbox)| Core { poll, bell, mailbox }).collect()
}

impl Core {
    /// Sleeps as the reactor does, until something is in the mailbox.
    fn sleep(&mut self, events: &mut Events) {
        while self.mailbox.is_empty() {
            self.bell.lie_down();
            if self.mailbox.is_empty() {
                match self.poll.poll(events, Some(LOST)) {
                    Err(error) => assert_eq!(error.kind(), std::io::ErrorKind::Interrupted),
                    Ok(()) => assert!(!events.is_empty(), "a wake was lost"),
                }
            }
            self.bell.get_up();
        }
    }
}

fn ask(core: u8, correlation: u64) -> Ask {
    let origin = Origin { core, opcode: Opcode::Close, connection: 1, correlation };
    Ask { origin, command: Command::Close(DepartureId(1)) }
}

fn answer(ask: &Ask) -> Answered {
    Answered { origin: ask.origin, answer: Answer::refused(Status::Busy, ask.origin.correlation) }
}

/// Both sleep between every two messages, so each round has two chances to lose one.
#[test]
fn no_wake_is_lost_between_two_cores_that_keep_falling_asleep() {
    const ROUNDS: u64 = 20_000;
    let mut both = cores(2);
    let (mut owner, mut asker) = (both.pop().unwrap(), both.pop().unwrap());
    let serving = thread::spawn(move || {
        let mut events = Events::with_capacity(8);
        for round in 0..ROUNDS {
            owner.sleep(&mut events);
            let ask = owner.mailbox.next_ask().unwrap();
            assert_eq!(ask.origin.correlation, round);
            owner.mailbox.answer(answer(&ask));
            owner.mailbox.ring_peers().unwrap();
        }
    });
    let mut events = Events::with_capacity(8);
    for round in 0..ROUNDS {
        assert!(asker.mailbox.ask(1, ask(0, round)));
        asker.mailbox.ring_peers().unwrap();
        // The moment between a look and falling asleep is where a wake gets lost: it comes a little later each time.
        (0..round % 512).for_each(|_| std::hint::spin_loop());
        asker.sleep(&mut events);
        assert_eq!(asker.mailbox.next_answer().unwrap().origin.correlation, round);
        assert_eq!(asker.mailbox.asks_out(), 0);
    }
    serving.join().unwrap();
}

#[test]
fn a_core_that_is_awake_is_not_rung() {
    let mut both = cores(2);
    assert!(both[0].mailbox.ask(1, ask(0, 1)));
    both[0].mailbox.ring_peers().unwrap();
    let mut events = Events::with_capacity(8);
    both[1].poll.poll(&mut events, Some(Duration::ZERO)).unwrap();
    assert!(events.is_empty());
    both[1].bell.lie_down();
    assert!(!both[1].mailbox.is_empty(), "it looks before it sleeps");
}

/// A crowd that only looks leaves room for those who finish a sale.
#[test]
fn what_can_be_put_off_takes_three_quarters_of_the_room() {
    let mut both = cores(2);
    let mailbox = &mut both[0].mailbox;
    let target = Target { id: ReservationId(1), departure: DepartureId(1), account: AccountId(1) };
    let look = |round| Ask { command: Command::Lookup(target), ..ask(0, round) };
    let taken = (0..).take_while(|round| mailbox.ask(1, look(*round))).count();
    assert_eq!(taken, ASKS_PER_PEER * 3 / 4);
    assert!(mailbox.ask(1, ask(0, 0)));
}

/// Every core asks every other as much as it may: queues have room for all of it, and for all answers.
#[test]
fn the_queues_hold_the_asks_of_all_and_one_more_is_busy() {
    let mut all = cores(3);
    for core in 0..3_u8 {
        for owner in (0..3).filter(|owner| *owner != usize::from(core)) {
            let mailbox = &mut all[usize::from(core)].mailbox;
            (0..ASKS_PER_PEER as u64).for_each(|round| assert!(mailbox.ask(owner, ask(core, round))));
            assert!(!mailbox.ask(owner, ask(core, 0)));
        }
    }
    for core in &mut all {
        while let Some(ask) = core.mailbox.next_ask() {
            core.mailbox.answer(answer(&ask));
        }
    }
    for core in &mut all {
        let answers = std::iter::from_fn(|| core.mailbox.next_answer()).count();
        assert_eq!((answers, core.mailbox.asks_out()), (2 * ASKS_PER_PEER, 0));
        assert!(core.mailbox.is_empty());
    }
}
