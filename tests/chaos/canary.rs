//! The check itself: it says nothing of what happened, and finds each way to tell it wrong.

use crate::rig::setup;
use seathold_chaos::{
    Buyers, Checked, Crowd, Event, History, Outcome, Records, Server, Step, Timetable, check, conclude,
};
use seathold_client::Refusal;
use seathold_protocol::reservation::State;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use tempfile::TempDir;

/// What a server's life left behind.
struct Past {
    directory: TempDir,
    buyers: Buyers,
    history: History,
}

impl Past {
    fn lived() -> Self {
        let directory = TempDir::new().unwrap();
        let server = Server::start(setup(directory.path())).unwrap();
        let buyers = Buyers::new(8, Arc::new(Timetable::load().unwrap()));
        buyers.timetable().open(&server.client().unwrap()).unwrap();
        let crowd = Crowd::start(&server, buyers.clone(), 0).unwrap();
        crowd.wait_for(600).unwrap();
        let history = crowd.finish().unwrap();
        let checked = conclude(server, &buyers, history.clone()).unwrap();
        assert!(checked.violations.is_empty(), "{:#?}", checked.violations);
        Self { directory, buyers, history }
    }

    fn ledger(&self) -> PathBuf {
        self.directory.path().join("ledger")
    }

    fn check(&self, history: &History) -> Checked {
        check(history, &self.buyers, &mut Records::read(&self.ledger()).unwrap())
    }

    /// The history with one thing told wrong: something is found, and it says `sign`.
    #[track_caller]
    fn assert_found(&self, sign: &str, wrong: impl FnOnce(&mut History)) {
        let mut history = self.history.clone();
        wrong(&mut history);
        let found = self.check(&history).violations;
        assert!(found.iter().any(|found| found.contains(sign)), "{sign:?} is not in {found:#?}");
    }
}

/// The first event of a step that was done.
fn done(history: &mut History, step: Step) -> &mut Event {
    let told = |event: &&mut Event| event.step == step && matches!(event.outcome, Outcome::Told(..));
    history.events.iter_mut().find(told).unwrap_or_else(|| panic!("no {step:?} was done"))
}

#[test]
fn each_wrong_history_is_found() {
    let past = Past::lived();
    // I3: an answer that the ledger does not have, and one with another seat.
    past.assert_found("was answered refunded", |history| {
        let Outcome::Told(state, _) = &mut done(history, Step::Cancel).outcome else { unreachable!() };
        *state = State::Refunded;
    });
    past.assert_found("and the ledger has", |history| {
        let told =
            |event: &&mut Event| matches!(&event.outcome, Outcome::Told(_, seats) if seats[0].is_some());
        let event = history.events.iter_mut().find(told).expect("somebody has a seat with a number");
        let Outcome::Told(_, seats) = &mut event.outcome else { unreachable!() };
        seats[0] = seats[0].map(|seat| seathold_client::Seat { row: seat.row + 1, ..seat });
    });
    // I4: a record that nobody asked for.
    past.assert_found("nobody asked for this", |history| history.buyers = 1);
    // I12: a refusal, and a certain failure, that had an effect after all.
    past.assert_found("Confirm ended", |history| {
        let event = done(history, Step::Confirm);
        (event.outcome, event.attempts) = (Outcome::Refused(Refusal::Expired), 1);
    });
    past.assert_found("Cancel ended", |history| done(history, Step::Cancel).outcome = Outcome::NotDone);
    // I12: a refusal for want of places, when nobody had any.
    past.assert_found("SOLD_OUT", |history| {
        let began = history.events.iter().map(|event| event.began).min().expect("there are events");
        let outcome = Outcome::Refused(Refusal::SoldOut { free: 0 });
        let (number, step) = (history.buyers, Step::Reserve);
        history.events.push(Event { number, step, outcome, attempts: 1, began, ended: began });
        history.buyers += 1;
    });
    // The order: a request that began when the last of its departure had long been answered.
    past.assert_found("was acknowledged before", |history| {
        let far = Duration::from_secs(3_600);
        let event = done(history, Step::Reserve);
        (event.began, event.ended) = (event.began + far, event.ended + far);
    });
}

#[test]
fn a_ledger_that_lost_its_end_is_found() {
    let past = Past::lived();
    let segment = past.ledger().join(crate::rig::SEGMENT);
    let mut bytes = std::fs::read(&segment).unwrap();
    let end = bytes.iter().rposition(|byte| *byte != 0).unwrap();
    bytes[end - 20_000..].fill(0);
    std::fs::write(&segment, bytes).unwrap();
    let found = past.check(&past.history).violations;
    assert!(found.iter().any(|found| found.contains("was answered")), "{found:#?}");
}
