//! Few buyers at a time for few seats, through kills: short enough to look for an order of all that they were told.

use crate::buyers::Buyers;
use crate::crowd::Crowd;
use crate::healing::heal;
use crate::history::{History, Outcome, Step};
use crate::linear::{Action, Answer, Call, Verdict, Wanted, Window};
use crate::records::Records;
use crate::strikes::{Struck, died_of_it};
use crate::timetable::Timetable;
use crate::{ChaosError, Server, Setup, check};
use seathold_client::Refusal;
use seathold_protocol::plan::Seat;
use seathold_protocol::reservation::State;
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Requests done before, between and behind the kills.
const REQUESTS: u64 = 120;

/// A turn of the server may have begun so long before the request that it does: a hold is shorter by that for whoever asked.
const TURN: Duration = Duration::from_millis(100);

/// Lets rivals compete on a fresh server that is killed so often, and looks for an order.
pub fn compete(setup: Setup, seed: u64, kills: u64) -> Result<Struck, ChaosError> {
    let buyers = Buyers::rivals(seed, Arc::new(Timetable::load()?));
    let mut server = Server::start(setup)?;
    buyers.timetable().open(&server.client()?)?;
    let crowd = Crowd::start(&server, buyers.clone(), 0)?;
    let mut struck = Struck::default();
    for _ in 0..kills {
        crowd.wait_for(REQUESTS)?;
        let killed = Instant::now();
        died_of_it(server.kill()?, None)?;
        server.start_again()?;
        struck.kills += 1;
        struck.recovery_ms.push(killed.elapsed().as_millis() as u64);
    }
    crowd.wait_for(REQUESTS)?;
    let mut history = crowd.finish()?;
    let (mut records, found) = heal(&server, &buyers, &mut history)?;
    server.terminate()?;
    records.read_on()?;
    struck.checked = check(&history, &buyers, &mut records);
    struck.checked.violations.extend(found);
    let mut window = window(&history, &buyers, &records);
    let count = window.calls.iter().filter(|call| call.answer.is_some()).count() as u64;
    match window.verdict() {
        Verdict::Linearizable => struck.checked.linearized = count,
        Verdict::Violated(what) => {
            struck.checked.violated(format!("no order explains what {count} requests were told: {what}"));
        }
        Verdict::Undecided(what) => return Err(ChaosError::Undecided { count, what }),
    }
    Ok(struck)
}

/// All that was asked, as the search wants it.
fn window(history: &History, buyers: &Buyers, records: &Records) -> Window {
    let mut window = Window::default();
    let Some(first) = history.events.iter().map(|event| event.began).min() else { return window };
    let moment = |at: Instant| at.duration_since(first).as_nanos() as u64;
    let mut numbers: BTreeMap<u64, usize> = BTreeMap::new();
    let mut names: HashMap<Seat, u32> = HashMap::new();
    for event in &history.events {
        let count = numbers.len();
        let reservation = *numbers.entry(event.number).or_insert(count);
        if reservation == count {
            window.reservations.push(wanted(event.number, buyers, records, &mut names));
        }
        let action = Action::Ask(event.step);
        let chain = records.chain(buyers.id(event.number));
        // The order of the ledger is tried first.
        let version_of = |state| {
            let record = chain.iter().find(|record| record.state == state);
            record.map_or(u32::MAX, |record| record.version)
        };
        let hint = event.step.effect().map_or(u32::MAX, version_of);
        let (began, ended) = (moment(event.began), moment(event.ended));
        let answer = match &event.outcome {
            Outcome::Told(state, seats) => {
                let known = seats.iter().flatten().map(|seat| name(*seat, &mut names)).collect();
                Some(Answer::Told(*state, known))
            }
            Outcome::Refused(Refusal::SoldOut { .. }) => Some(Answer::SoldOut),
            Outcome::Refused(refusal) if event.step != Step::Reserve => Some(Answer::Refused(*refusal)),
            Outcome::Refused(_) | Outcome::NotDone | Outcome::Unknown => None,
        };
        // Of a request that was sent again an earlier attempt may have been done, with its answer lost.
        if event.outcome == Outcome::Unknown || event.attempts > 1 && event.outcome != Outcome::NotDone {
            window.calls.push(Call { began, ended: u64::MAX, reservation, action, hint, answer: None });
        }
        if answer.is_some() {
            window.calls.push(Call { began, ended, reservation, action, hint, answer });
        }
        if event.step == Step::Reserve {
            let hold = Duration::from_millis(buyers.hold_ms().into()) - TURN;
            let (began, action) = (moment(event.began + hold), Action::Expire);
            let hint = version_of(State::Expired);
            window.calls.push(Call { began, ended: u64::MAX, reservation, action, hint, answer: None });
        }
    }
    window.capacity = capacity(buyers, history);
    window
}

/// The seats of the class that all of them want.
fn capacity(buyers: &Buyers, history: &History) -> u32 {
    let asked = history.events.first().map(|event| buyers.buyer(event.number).asked);
    asked.map_or(0, |asked| {
        let layout = &buyers.timetable().find(asked.departure).expect("it is on sale").layout;
        layout.capacity(layout.class_index(asked.class).expect("it has the class"))
    })
}

/// What a buyer asked for, and the seats that the ledger has for it; none if the ledger does not know it.
fn wanted(number: u64, buyers: &Buyers, records: &Records, names: &mut HashMap<Seat, u32>) -> Wanted {
    let asked = buyers.buyer(number).asked;
    let on_sale = buyers.timetable().find(asked.departure).expect("it is on sale");
    let class = on_sale.layout.class_index(asked.class).expect("it has the class");
    let record = records.chain(buyers.id(number)).first();
    let numbers = record.map_or(&[][..], |record| record.seats());
    let seats = numbers.iter().filter_map(|seat| on_sale.layout.seat(class, *seat));
    let seats = seats.map(|seat| name(seat, names)).collect();
    Wanted { trip: mask(asked.trip), party: asked.party.into(), seats }
}

fn mask((from, to): (u8, u8)) -> u128 {
    (from..to).fold(0, |bits, segment| bits | 1 << segment)
}

fn name(seat: Seat, names: &mut HashMap<Seat, u32>) -> u32 {
    let count = names.len() as u32;
    *names.entry(seat).or_insert(count)
}
