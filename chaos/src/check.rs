//! Holds what the buyers were told against the ledger. An outcome that is unknown is resolved from there.

use crate::buyers::{Asked, Buyers};
use crate::history::{Event, History, Outcome, Step};
use crate::records::Records;
use crate::sold_out::check_sold_out;
use crate::timetable::OnSale;
use seathold_client::Refusal;
use seathold_protocol::DepartureId;
use seathold_protocol::plan::Seat;
use seathold_protocol::record::ReservationRecord;
use seathold_protocol::reservation::State;
use serde::Serialize;
use std::collections::HashMap;
use std::time::Instant;

/// Finished reservations that a departure remembers, per place. A request that is repeated after so many others may
/// take effect again, and PROMISES.md says so.
const REMEMBERED_PER_PLACE: u32 = 8;

/// What a check counted and found.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Checked {
    /// Answers that the ledger had to bear out.
    pub told: u64,
    /// Requests that were refused, or certainly not done.
    pub refused: u64,
    /// Requests whose outcome was unknown to whoever asked.
    pub unknown: u64,
    /// Of these, as the ledger tells, so many were done.
    pub unknown_done: u64,
    /// Refusals that said SOLD_OUT, which had to be true.
    pub sold_out: u64,
    /// Reservations in the ledger.
    pub reservations: u64,
    /// Changes whose order was compared with the clock.
    pub ordered: u64,
    /// Answers to rivals for which an order was found that explains all of them.
    pub linearized: u64,
    /// What must not be.
    pub violations: Vec<String>,
}

/// A change that was acknowledged.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Change {
    pub(crate) version: u32,
    /// Before the first request for it.
    pub(crate) began: Instant,
    /// After somebody was told.
    pub(crate) ended: Instant,
}

/// All requests of one buyer for one step.
#[derive(Default)]
struct Asks<'a> {
    events: Vec<&'a Event>,
}

/// Checks a history against the ledger.
pub fn check(history: &History, buyers: &Buyers, records: &mut Records) -> Checked {
    let report = records.report();
    let mut checked =
        Checked { violations: report.listed.iter().map(ToString::to_string).collect(), ..Checked::default() };
    let mut asks: HashMap<(u64, u8), Asks<'_>> = HashMap::new();
    for event in &history.events {
        asks.entry((event.number, event.step as u8)).or_default().events.push(event);
        check_event(event, buyers, records, &mut checked);
    }
    for chain in records.chains() {
        checked.reservations += 1;
        check_chain(chain, history, buyers, &asks, &mut checked);
    }
    let changes = acknowledged(&asks, buyers, records);
    check_sold_out(history, buyers, records, &changes, &mut checked);
    check_order(changes, &mut checked);
    checked
}

/// I3: what was told is in the ledger, with these seats.
fn check_event(event: &Event, buyers: &Buyers, records: &Records, checked: &mut Checked) {
    let id = buyers.id(event.number);
    let chain = records.chain(id);
    let last = chain.last().map(|record| record.state);
    match &event.outcome {
        Outcome::Told(state, seats) => {
            checked.told += 1;
            if event.step.effect().is_some_and(|effect| effect != *state && event.step != Step::Reserve) {
                checked.violated(format!("{id}: {:?} was answered {}", event.step, state.name()));
            }
            let departure = buyers.timetable().find(buyers.buyer(event.number).asked.departure);
            let borne_out = |record: &&ReservationRecord| {
                record.state == *state && departure.is_some_and(|on_sale| seats_of(on_sale, record) == *seats)
            };
            if !chain.iter().any(|record| borne_out(&record)) {
                let what = format!("{id}: {:?} was answered {} with {seats:?}", event.step, state.name());
                checked.violated(format!("{what}, and the ledger has {chain:?}"));
            }
        }
        Outcome::Refused(Refusal::NotFound) if event.step == Step::Lookup => {
            checked.refused += 1;
            if last == Some(State::Confirmed) {
                checked.violated(format!("{id}: LOOKUP finds nothing, and the ledger has it confirmed"));
            }
        }
        Outcome::Refused(_) | Outcome::NotDone => checked.refused += 1,
        Outcome::Unknown => {
            checked.unknown += 1;
            let effect = event.step.effect();
            checked.unknown_done += u64::from(chain.iter().any(|record| Some(record.state) == effect));
        }
    }
}

/// I4, I5 and I12: whatever is in the ledger was asked for, once, and not refused.
fn check_chain(
    chain: &[ReservationRecord],
    history: &History,
    buyers: &Buyers,
    asks: &HashMap<(u64, u8), Asks<'_>>,
    checked: &mut Checked,
) {
    let Some(first) = chain.first() else { return };
    let id = first.id;
    let Some(number) = buyers.number(id).filter(|number| *number < history.buyers) else {
        return checked.violated(format!("{id}: nobody asked for this, and the ledger has {chain:?}"));
    };
    let asked = buyers.buyer(number).asked;
    if let Some(other) = chain.iter().find(|record| contents(record) != asked) {
        checked.violated(format!("{id}: {asked:?} was asked, and the ledger has {other:?}"));
    }
    let places = buyers.timetable().find(asked.departure).map_or(0, OnSale::places);
    for pair in chain.windows(2).filter(|pair| pair[1].state == State::Held) {
        if pair[1].version - pair[0].version < REMEMBERED_PER_PLACE * places {
            checked.violated(format!("{id}: held twice: {chain:?}"));
        }
    }
    for step in [Step::Reserve, Step::Confirm, Step::Cancel, Step::Refund] {
        let done = chain.iter().find(|record| Some(record.state) == step.effect());
        let may_be_done = asks.get(&(number, step as u8)).is_some_and(Asks::may_be_done);
        if let Some(record) = done
            && !may_be_done
        {
            let outcomes = asks.get(&(number, step as u8)).map(|asks| &asks.events);
            checked.violated(format!("{id}: {step:?} ended {outcomes:?}, and the ledger has {record:?}"));
        }
    }
}

/// The changes that somebody was told of, by departure.
fn acknowledged(
    asks: &HashMap<(u64, u8), Asks<'_>>,
    buyers: &Buyers,
    records: &Records,
) -> HashMap<DepartureId, Vec<Change>> {
    let mut changes: HashMap<DepartureId, Vec<Change>> = HashMap::new();
    for ((number, step), asks) in asks {
        let effect = Step::from_number(u64::from(*step)).effect();
        let chain = records.chain(buyers.id(*number));
        let mut of_it = chain.iter().filter(|record| Some(record.state) == effect);
        // A reservation that was forgotten and made again has two, of which either may be meant.
        let (Some(record), None, Some((began, ended))) = (of_it.next(), of_it.next(), asks.done_between())
        else {
            continue;
        };
        let change = Change { version: record.version, began, ended };
        changes.entry(record.departure).or_default().push(change);
    }
    changes
}

/// The order of the ledger is one in which the requests of a departure can have been done one by one: what ended before
/// another began stands before it. Together with `check_sold_out` this is what makes a history linearizable, with the
/// ledger as the witness.
fn check_order(changes: HashMap<DepartureId, Vec<Change>>, checked: &mut Checked) {
    for (departure, mut changes) in changes {
        checked.ordered += changes.len() as u64;
        changes.sort_unstable_by_key(|change| std::cmp::Reverse(change.version));
        let mut first_end: Option<(Instant, u32)> = None;
        for Change { version, began, ended } in changes {
            if let Some((before, later)) = first_end
                && before < began
            {
                checked.violated(format!(
                    "departure {departure}: version {later} was acknowledged before the request of version {version} began"
                ));
            }
            first_end = Some(first_end.map_or((ended, version), |first| first.min((ended, version))));
        }
    }
}

fn contents(record: &ReservationRecord) -> Asked {
    Asked {
        departure: record.departure,
        account: record.account,
        class: record.class,
        trip: (record.from, record.to),
        party: record.party,
    }
}

fn seats_of(on_sale: &OnSale, record: &ReservationRecord) -> Vec<Option<Seat>> {
    let class = on_sale.layout.class_index(record.class);
    record.seats().iter().map(|seat| on_sale.layout.seat(class?, *seat)).collect()
}

impl Asks<'_> {
    /// Whether one of them may have had its effect. A refusal counts for the latest attempt of a request only: of one that
    /// was sent again an earlier attempt may have been done.
    fn may_be_done(&self) -> bool {
        self.events.iter().any(|event| match event.outcome {
            Outcome::Told(..) | Outcome::Unknown => true,
            Outcome::Refused(_) => event.attempts > 1,
            Outcome::NotDone => false,
        })
    }

    /// If they were done: not before this moment, and not after that one.
    fn done_between(&self) -> Option<(Instant, Instant)> {
        let told = self.events.iter().find(|event| matches!(event.outcome, Outcome::Told(..)))?;
        let began = self.events.iter().map(|event| event.began).min()?;
        Some((began, told.ended))
    }
}

impl Checked {
    /// Adds what another check counted and found.
    pub(crate) fn add(&mut self, other: Self) {
        self.told += other.told;
        self.refused += other.refused;
        self.unknown += other.unknown;
        self.unknown_done += other.unknown_done;
        self.sold_out += other.sold_out;
        self.reservations += other.reservations;
        self.ordered += other.ordered;
        self.linearized += other.linearized;
        self.violations.extend(other.violations);
    }

    /// Notes what must not be.
    pub fn violated(&mut self, what: String) {
        self.violations.push(what);
    }
}
