//! One call from submission to its end: what is certain about it, and what to do next.
//!
//! Every attempt that was sent is `unlearnt` until its own reply says what it did. A call ends
//!
//! * with the first OK of any attempt, early or late: all attempts carry one id and are one request to the server;
//! * with a refusal of its **latest** attempt. An earlier attempt's late refusal is put aside: the later one may
//!   have taken seats since. The latest, if it is a repeat, was answered by the owner, who knows the id: nothing is
//!   held under it;
//! * at its deadline: `Unknown` while any attempt is unlearnt, else `NotDone`.

use std::time::Duration;

use rand::{Rng, RngExt};
use seathold_protocol::reply::{self, Reply};
use seathold_protocol::status::{Status, Verdict};

use crate::call::{Answer, Call};
use crate::clock::Micros;
use crate::completion::Sink;
use crate::error::{Error, Fault, Reason};
use crate::refusal::Refusal;

/// The least time that an attempt has before it is repeated: a repeat sooner would only add to a stall.
pub(crate) const ATTEMPT_MIN: Micros = 250_000;

/// The wait after BUSY, UNAVAILABLE or UNKNOWN when they name no time.
const ASK_AGAIN_DEFAULT: Micros = 10_000;

/// Where a call is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// In the queue of a connection, or of the client while there is none.
    Waiting,
    /// Sent; repeated at this time.
    Sent { attempt_ends: Micros },
    /// Asked to wait until this time.
    Resting { until: Micros },
}

/// What to do with a call after something happened to it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Next {
    /// Nothing now.
    Keep,
    /// Send it again, on whatever connection is best now.
    Send,
    /// It has ended.
    End(Result<Answer, Error>),
}

/// One call.
#[derive(Debug)]
pub(crate) struct Flight {
    pub(crate) serial: u64,
    pub(crate) call: Call,
    pub(crate) sink: Sink,
    pub(crate) submitted: Micros,
    pub(crate) deadline: Micros,
    pub(crate) attempts: u32,
    pub(crate) place: Place,
    unlearnt: u32,
    asked_to_wait: Option<(Reason, Duration)>,
    fault: Option<Fault>,
}

impl Flight {
    pub(crate) fn new(serial: u64, call: Call, sink: Sink, submitted: Micros, deadline: Micros) -> Self {
        Self {
            serial,
            call,
            sink,
            submitted,
            deadline,
            attempts: 0,
            place: Place::Waiting,
            unlearnt: 0,
            asked_to_wait: None,
            fault: None,
        }
    }

    /// When something is to be done if nothing comes.
    pub(crate) fn due(&self) -> Micros {
        match self.place {
            Place::Waiting => self.deadline,
            Place::Sent { attempt_ends: at } | Place::Resting { until: at } => at.min(self.deadline),
        }
    }

    /// The next attempt goes out: it has half of what is left, at least `ATTEMPT_MIN`.
    pub(crate) fn send(&mut self, now: Micros) {
        debug_assert_eq!(self.place, Place::Waiting);
        self.attempts += 1;
        self.unlearnt += 1;
        let half = self.deadline.saturating_sub(now) / 2;
        self.place = Place::Sent { attempt_ends: now + half.max(ATTEMPT_MIN) };
    }

    /// A reply to attempt `number`, counted from 1.
    pub(crate) fn replied(
        &mut self,
        number: u32,
        reply: Reply<'_>,
        now: Micros,
        rng: &mut impl Rng,
    ) -> Result<Next, Fault> {
        let Reply::Refused(_, refusal) = reply else {
            let answer = Answer::from_reply(reply).ok_or(Fault::WrongReply)?;
            if let Answer::Reservation(reservation) = &answer
                && self.call.reservation() != Some(reservation.id)
            {
                return Err(Fault::WrongReply);
            }
            return Ok(Next::End(Ok(answer)));
        };
        let verdict = refusal.status.verdict();
        if verdict != Verdict::Unknown {
            self.unlearnt -= 1;
        }
        if number != self.attempts {
            return Ok(Next::Keep);
        }
        Ok(match (verdict, refusal.status) {
            (Verdict::Refused | Verdict::Mistake, _) => Next::End(Err(Refusal::from_wire(refusal).into())),
            (Verdict::AskAgain, Status::NotOpen) => Next::End(Err(not_open(refusal))),
            (Verdict::AskAgain | Verdict::Unknown, status) => {
                let wait = if refusal.detail == 0 {
                    ASK_AGAIN_DEFAULT
                } else {
                    refusal.detail.saturating_mul(1_000)
                };
                let reason = if status == Status::Busy { Reason::Busy } else { Reason::Unavailable };
                self.asked_to_wait = Some((reason, Duration::from_micros(wait)));
                self.rest(wait, now, rng)
            }
            (Verdict::Done, _) => return Err(Fault::WrongReply),
        })
    }

    /// Waits for the time told and up to half of it more, so that those who were told the same come back spread out. A
    /// wait beyond the deadline ends the call at once.
    fn rest(&mut self, wait: Micros, now: Micros, rng: &mut impl Rng) -> Next {
        let until = now.saturating_add(rng.random_range(wait..=wait.saturating_add(wait / 2)));
        if until >= self.deadline {
            return Next::End(Err(self.given_up(None)));
        }
        self.place = Place::Resting { until };
        Next::Keep
    }

    /// The connection of its latest attempt is lost, or the one in whose queue it stood.
    pub(crate) fn lost(&mut self, fault: Fault) -> Next {
        self.fault = Some(fault);
        self.place = Place::Waiting;
        Next::Send
    }

    /// Its due time has come. `no_way` says why it could not be sent just now, for a call that still waits.
    pub(crate) fn came_due(&mut self, now: Micros, no_way: Reason) -> Next {
        if now >= self.deadline {
            return Next::End(Err(self.given_up(Some(no_way))));
        }
        match self.place {
            Place::Sent { attempt_ends: at } | Place::Resting { until: at } if at <= now => {
                self.place = Place::Waiting;
                Next::Send
            }
            _ => Next::Keep,
        }
    }

    /// What is certain when nobody waits for it any longer.
    pub(crate) fn given_up(&self, reason: Option<Reason>) -> Error {
        if self.unlearnt > 0 {
            return Error::Unknown { attempts: self.attempts, fault: self.fault };
        }
        match (self.asked_to_wait, reason) {
            (_, Some(Reason::Stopped)) => Error::NotDone { reason: Reason::Stopped, retry_after: None },
            (Some((reason, wait)), _) => Error::NotDone { reason, retry_after: Some(wait) },
            (None, reason) => {
                let reason = reason.expect("a call that never was asked to wait ends at its deadline only");
                Error::NotDone { reason, retry_after: None }
            }
        }
    }
}

/// The sale begins after `detail` milliseconds; all ones if only an operator can open it.
fn not_open(refusal: reply::Refusal) -> Error {
    let retry_after = (refusal.detail != u64::MAX).then(|| Duration::from_millis(refusal.detail));
    Error::NotDone { reason: Reason::NotOpen, retry_after }
}
