//! Holds the server to its word: what it acknowledged in a run is remembered, and looked up when the run is over.
//!
//! On the measured path an acknowledged reservation costs the reading of its reply and one push of a `Note`; there is room
//! for `--oracle-memory` of them, taken before the clock runs.

use super::buyer::Errand;
use super::exit::Failure;
use super::results::figures::{counted, grouped};
use super::session::Session;
use super::step::{Outcome, Step};
use seathold_protocol::frame::Frame;
use seathold_protocol::plan::Seat;
use seathold_protocol::reply::Reply;
use seathold_protocol::request::{Request, Target};
use seathold_protocol::reservation::{Reservation, State};
use seathold_protocol::status::{Status, Verdict};
use seathold_protocol::{Class, DepartureId};
use serde::Serialize;
use std::collections::HashMap;
use std::fmt;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::thread;
use std::time::Duration;

/// Reservations looked up between two looks at the answers.
const LOOKUPS_AT_ONCE: usize = 4_096;

/// How often a server that says BUSY or UNAVAILABLE is asked again, and how long after.
const ASKED_AGAIN_MAX: u32 = 1_000;
const ASKED_AGAIN_AFTER: Duration = Duration::from_millis(5);

/// Findings told in words; all of them are counted.
const EXAMPLES_MAX: usize = 10;

/// An acknowledged reservation: 64 bytes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Note {
    target: Target,
    /// Of class, trip and seats: they must not change.
    content: u64,
    state: State,
    /// What it becomes if a request got through whose answer did not come.
    asked: Option<State>,
}

/// What one lane remembers.
#[derive(Clone, Debug)]
pub(super) struct Memory {
    notes: Vec<Note>,
    capacity: usize,
    /// Acknowledged when the memory was full.
    beyond: u64,
    /// Answers that contradict their request or an answer before.
    wrong: u64,
}

impl Memory {
    pub(super) fn new(capacity: usize) -> Self {
        Self { notes: Vec::with_capacity(capacity), capacity, beyond: 0, wrong: 0 }
    }

    /// Notes that a request is on its way which changes a reservation.
    pub(super) fn sends(&mut self, errand: &Errand) {
        if let (Some(note), Some(state)) = (errand.note, becomes(errand.step)) {
            self.notes[note as usize].asked = Some(state);
        }
    }

    /// Notes an answer; a reservation that is new gets its place here.
    pub(super) fn answered(&mut self, errand: &mut Errand, outcome: Outcome, frame: &Frame<'_>) {
        let Some(target) = errand.target() else { return };
        match outcome {
            Outcome::Done => {}
            Outcome::Refused(_) => {
                if let Some(note) = errand.note {
                    self.notes[note as usize].asked = None;
                }
                return;
            }
            Outcome::Unexpected(_) | Outcome::Unreadable => return,
        }
        let reservation = match Reply::decode(frame) {
            Ok(Reply::Reservation(_, reservation)) if is_of(&reservation, target) => reservation,
            _ => {
                self.wrong += 1;
                return;
            }
        };
        let state = becomes(errand.step).unwrap_or(State::Held);
        // OK to RESERVE is not yet a seat: a hold may be over before it is answered once more.
        let is_late = errand.step == Step::Duplicate && reservation.state == State::Expired;
        if reservation.state != state && !is_late {
            self.wrong += 1;
        }
        let content = content(&reservation);
        match errand.note {
            Some(note) => {
                let note = &mut self.notes[note as usize];
                self.wrong += u64::from(note.content != content);
                (note.state, note.asked) = (state, None);
            }
            None if errand.step == Step::Duplicate => {}
            None if self.notes.len() == self.capacity => self.beyond += 1,
            None => {
                errand.note = Some(self.notes.len() as u32);
                self.notes.push(Note { target, content, state, asked: None });
            }
        }
    }
}

/// The state in which a request leaves its reservation, if it changes it.
fn becomes(step: Step) -> Option<State> {
    match step {
        Step::Confirm => Some(State::Confirmed),
        Step::Cancel => Some(State::Cancelled),
        Step::Refund => Some(State::Refunded),
        _ => None,
    }
}

fn is_of(reservation: &Reservation, target: Target) -> bool {
    (reservation.id, reservation.departure) == (target.id, target.departure)
}

fn content(reservation: &Reservation) -> u64 {
    let mut hasher = DefaultHasher::new();
    (reservation.class.0, reservation.from, reservation.to, reservation.party).hash(&mut hasher);
    for seat in reservation.seats() {
        seat.map(|seat| (seat.coach, seat.row, seat.letter)).hash(&mut hasher);
    }
    hasher.finish()
}

/// What the oracle found.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Findings {
    /// Acknowledged reservations that were looked up.
    pub checked: u64,
    /// Acknowledged reservations that were not, because the memory was full.
    pub not_checked: u64,
    /// Answers of the run that contradict their request or an answer before.
    pub wrong_answers: u64,
    /// Reservations that LOOKUP does not know.
    pub lost: u64,
    /// Reservations in a state that was never acknowledged, or with other seats.
    pub changed: u64,
    /// Reservations that have a seat on a segment on which another one has it.
    pub seats_sold_twice: u64,
    /// Some of them, in words.
    pub examples: Vec<String>,
}

impl Findings {
    /// Everything that the server said is borne out.
    pub fn is_clean(&self) -> bool {
        self.wrong_answers + self.lost + self.changed + self.seats_sold_twice == 0
    }

    fn tell(&mut self, example: impl FnOnce() -> String) {
        if self.examples.len() < EXAMPLES_MAX {
            self.examples.push(example());
        }
    }
}

impl fmt::Display for Findings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let verdict = if self.is_clean() { "borne out" } else { "NOT BORNE OUT" };
        let checked = counted(self.checked, "acknowledged reservation", "acknowledged reservations");
        write!(f, "oracle: {checked} looked up, {verdict}")?;
        if self.not_checked > 0 {
            let more = counted(self.not_checked, "more was", "more were");
            write!(f, "; {more} not, raise --oracle-memory")?;
        }
        writeln!(f)?;
        if !self.is_clean() {
            let Self { wrong_answers, lost, changed, seats_sold_twice, .. } = self;
            let wrong = counted(*wrong_answers, "wrong answer", "wrong answers");
            let twice = counted(*seats_sold_twice, "seat sold twice", "seats sold twice");
            writeln!(f, "  {wrong}, {} lost, {} changed, {twice}", grouped(*lost), grouped(*changed))?;
        }
        self.examples.iter().try_for_each(|example| writeln!(f, "  {example}"))
    }
}

/// Looks everything up that is remembered.
pub(super) fn check(memories: Vec<Memory>, session: &mut Session) -> Result<Findings, Failure> {
    let mut findings = Findings::default();
    let mut sold = Sold::default();
    for memory in memories {
        findings.wrong_answers += memory.wrong;
        findings.not_checked += memory.beyond;
        for notes in memory.notes.chunks(LOOKUPS_AT_ONCE) {
            for (note, answer) in notes.iter().zip(look_up(notes, session)?) {
                findings.checked += 1;
                judge(note, answer, &mut sold, &mut findings);
            }
        }
    }
    Ok(findings)
}

fn judge(note: &Note, answer: Result<Reservation, Status>, sold: &mut Sold, findings: &mut Findings) {
    let Note { target, state, asked, .. } = note;
    let id = target.id;
    let reservation = match answer {
        Ok(reservation) if is_of(&reservation, *target) => reservation,
        Ok(_) => {
            findings.wrong_answers += 1;
            return findings.tell(|| format!("{id}: LOOKUP answers with another reservation"));
        }
        Err(status) => {
            findings.lost += 1;
            return findings
                .tell(|| format!("{id}: acknowledged as {}, LOOKUP answers {status}", state.name()));
        }
    };
    let found = reservation.state;
    // A hold ends by itself.
    let is_borne_out =
        found == *state || *state == State::Held && found == State::Expired || *asked == Some(found);
    if !is_borne_out || content(&reservation) != note.content {
        findings.changed += 1;
        findings.tell(|| {
            format!("{id}: acknowledged as {}, LOOKUP answers {}, or other seats", state.name(), found.name())
        });
    }
    if found.is_live() && sold.take(&reservation) {
        findings.seats_sold_twice += 1;
        findings.tell(|| format!("{id}: has a seat that another reservation has on the same segment"));
    }
}

/// Which segments of which seats are taken.
#[derive(Default)]
struct Sold(HashMap<(DepartureId, Class, u8, u16, u8), u128>);

impl Sold {
    /// Takes the seats of a reservation, and tells whether any of them was taken.
    fn take(&mut self, reservation: &Reservation) -> bool {
        let segments = (reservation.from..reservation.to).fold(0, |segments, at| segments | 1_u128 << at);
        let mut is_taken = false;
        for Seat { coach, row, letter } in reservation.seats().iter().flatten() {
            let seat = (reservation.departure, reservation.class, *coach, *row, *letter);
            let taken = self.0.entry(seat).or_default();
            is_taken |= *taken & segments != 0;
            *taken |= segments;
        }
        is_taken
    }
}

fn look_up(notes: &[Note], session: &mut Session) -> Result<Vec<Result<Reservation, Status>>, Failure> {
    let mut answers = vec![Err(Status::Busy); notes.len()];
    for round in 0..ASKED_AGAIN_MAX {
        let asks_again = |status: Status| status.verdict() == Verdict::AskAgain;
        let open: Vec<_> = (0..notes.len()).filter(|at| answers[*at].is_err_and(asks_again)).collect();
        if open.is_empty() {
            break;
        }
        if round > 0 {
            thread::sleep(ASKED_AGAIN_AFTER);
        }
        let requests: Vec<_> = open.iter().map(|at| Request::Lookup(notes[*at].target)).collect();
        session.exchange(&requests, |at, reply| {
            answers[open[at]] = match reply {
                Reply::Reservation(_, reservation) => Ok(reservation),
                Reply::Refused(_, refusal) => Err(refusal.status),
                _ => Err(Status::MalformedBody),
            };
        })?;
    }
    Ok(answers)
}

#[cfg(test)]
mod tests {
    use super::*;
    use seathold_protocol::limits::PASSENGERS_MAX;
    use seathold_protocol::wishes::Met;
    use seathold_protocol::{AccountId, ReservationId};

    fn reservation(id: u128, (from, to): (u8, u8), row: u16, state: State) -> Reservation {
        let mut seats = [None; PASSENGERS_MAX];
        seats[0] = Some(Seat { coach: 1, row, letter: b'A' });
        let met = Met::default();
        let (id, departure, class) = (ReservationId(id), DepartureId(7), Class(3));
        Reservation { id, departure, state, class, from, to, party: 1, remaining_ms: 0, met, seats }
    }

    fn note(reservation: &Reservation) -> Note {
        let target = Target { id: reservation.id, departure: DepartureId(7), account: AccountId(1) };
        Note { target, content: content(reservation), state: reservation.state, asked: None }
    }

    fn findings(answers: &[(Note, Result<Reservation, Status>)]) -> Findings {
        let (mut sold, mut findings) = (Sold::default(), Findings::default());
        answers.iter().for_each(|(note, answer)| judge(note, *answer, &mut sold, &mut findings));
        findings
    }

    #[test]
    fn what_is_borne_out_is_clean() {
        let (one, two) =
            (reservation(1, (0, 2), 1, State::Confirmed), reservation(2, (2, 4), 1, State::Held));
        let expired = Reservation { state: State::Expired, ..two };
        let unanswered = Note { asked: Some(State::Confirmed), ..note(&two) };
        let confirmed = Reservation { state: State::Confirmed, ..two };
        for answer in [two, expired, confirmed] {
            let clean = findings(&[(note(&one), Ok(one)), (unanswered, Ok(answer))]);
            assert!(clean.is_clean(), "{clean:?}");
        }
    }

    #[test]
    fn each_broken_word_is_found() {
        let sold = reservation(1, (0, 2), 1, State::Confirmed);
        assert_eq!(findings(&[(note(&sold), Err(Status::NotFound))]).lost, 1);
        let expired = Reservation { state: State::Expired, ..sold };
        assert_eq!(findings(&[(note(&sold), Ok(expired))]).changed, 1);
        let elsewhere = reservation(1, (0, 2), 9, State::Confirmed);
        assert_eq!(findings(&[(note(&sold), Ok(elsewhere))]).changed, 1);
        let overlaps = reservation(2, (1, 3), 1, State::Held);
        let twice = findings(&[(note(&sold), Ok(sold)), (note(&overlaps), Ok(overlaps))]);
        assert_eq!((twice.seats_sold_twice, twice.changed), (1, 0));
        assert!(!twice.is_clean() && twice.to_string().contains("1 seat sold twice"), "{twice}");
        let given_back = Reservation { state: State::Cancelled, ..overlaps };
        assert!(findings(&[(note(&sold), Ok(sold)), (note(&given_back), Ok(given_back))]).is_clean());
    }
}
