//! The rush: every buyer asks once; whoever gets a hold confirms, cancels or walks away.
//!
//! Four of five come at once, as fast as the server takes them. The others come over more than two hold times after
//! that, and find what was cancelled or ran out. When Redis is killed one buyer brings a ticket back: a change of which it
//! is known that it can be made, so that the first answer after the outage does not wait for a place to be free.

use super::crashes::Crashes;
use super::crowd::{Crowd, Fate, HOLD_MS};
use super::history::{History, is_expired};
use super::{DemoError, DemoOptions};
use hdrhistogram::Histogram;
use indicatif::{ProgressBar, ProgressStyle};
use seathold_client::{Answer, Call, Client, Completion, CompletionQueue, Error};
use seathold_protocol::reservation::State;
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

/// Requests in flight.
const IN_FLIGHT: usize = 1_024;

/// Of a hundred buyers, so many come at once.
const STORM_PERCENT: u64 = 80;

/// The others come over so long.
const TAIL: Duration = Duration::from_millis(5 * HOLD_MS as u64 / 2);

/// How long to wait for a completion while the next buyer is not due.
const PACE: Duration = Duration::from_millis(1);

/// Unknown outcomes after which a buyer gives up asking again under the same id.
const ASKS_MAX: u32 = 5;

/// The longest latency of a RESERVE that is told apart: a minute, as long as a buyer waits.
const RESERVE_US_MAX: u64 = super::BUYER_PATIENCE.as_micros() as u64;

/// What happened, in numbers.
#[derive(Clone, Debug, Default)]
pub(super) struct Tally {
    /// Requests that came to an end, answered or not.
    pub(super) requests: u64,
    /// Buyers who came at once, the requests answered meanwhile, and how long that took.
    pub(super) storm_buyers: u64,
    pub(super) storm_requests: u64,
    pub(super) storm: Duration,
    /// RESERVEs that got a hold after that.
    pub(super) accepted_late: u64,
    /// RESERVEs that got a hold.
    pub(super) accepted: u64,
    /// RESERVEs that were refused, by the status' name.
    pub(super) refused: BTreeMap<&'static str, u64>,
    /// Buyers who never learnt what became of their request.
    pub(super) unknown: u64,
    /// Buyers who could not be served, and know that nothing was held for them.
    pub(super) not_done: u64,
    /// How often Redis was killed, and how long each time until a change that was asked for after that was acknowledged.
    pub(super) redis_crashes: u64,
    pub(super) redis_recoveries: Vec<Duration>,
    /// CONFIRMs that came too late.
    pub(super) too_late: u64,
    /// RESERVE latencies in microseconds.
    pub(super) reserve_us: Option<Histogram<u64>>,
}

/// What a completion is of. Two bits of its tag; the buyer's number is the rest.
#[derive(Clone, Copy)]
enum Step {
    Reserve = 0,
    Confirm = 1,
    Cancel = 2,
    Refund = 3,
}

/// Redis was killed, and nothing that was asked for since then was acknowledged yet.
#[derive(Clone, Copy)]
struct Outage {
    since: Instant,
    /// The first buyer who came after that.
    first: u64,
    /// The buyer who brought a ticket back then, if one had any.
    returned: Option<u64>,
}

pub(super) struct Rush<'a> {
    client: &'a Client,
    crowd: &'a Crowd,
    history: &'a mut History,
    queue: CompletionQueue,
    progress: ProgressBar,
    tally: Tally,
    latencies: Histogram<u64>,
    buyers: u64,
    /// Who has a ticket that may be brought back.
    ticket: Option<u64>,
    outage: Option<Outage>,
    /// How often each buyer with an unknown outcome has asked.
    asks: BTreeMap<u64, u32>,
}

impl<'a> Rush<'a> {
    pub(super) fn new(
        client: &'a Client,
        crowd: &'a Crowd,
        history: &'a mut History,
        options: &DemoOptions,
    ) -> Self {
        let progress = if options.json { ProgressBar::hidden() } else { ProgressBar::new(options.buyers) };
        let style =
            ProgressStyle::with_template("{bar:40} {human_pos} of {human_len} buyers  {per_sec}  {msg}");
        progress.set_style(style.expect("the template is valid"));
        Self {
            client,
            crowd,
            history,
            queue: CompletionQueue::new(2 * IN_FLIGHT),
            progress,
            tally: Tally::default(),
            // With fixed bounds: a histogram that grows by itself clamps what it has no room for, instead of growing.
            latencies: Histogram::new_with_bounds(1, RESERVE_US_MAX, 3).expect("the bounds are in order"),
            buyers: options.buyers,
            ticket: None,
            outage: None,
            asks: BTreeMap::new(),
        }
    }

    /// Lets every buyer ask, through the crashes that come on the way.
    pub(super) fn run(&mut self, crashes: &mut Crashes<'_>) -> Result<(), DemoError> {
        let started = Instant::now();
        let storm_buyers = self.buyers * STORM_PERCENT / 100;
        let mut next = 0;
        while next < self.buyers || self.queue.open() > 0 {
            let due = storm_buyers + self.due_of_tail(storm_buyers, started);
            while next < due && self.queue.open() < IN_FLIGHT {
                self.submit(Step::Reserve, next)?;
                next += 1;
            }
            if let Some(killed_at) = crashes.strike(next)? {
                self.redis_was_killed(killed_at, next)?;
            }
            let mut completion = self.queue.recv_timeout(PACE);
            while let Some(done) = completion {
                self.take(done)?;
                completion = self.queue.try_recv();
            }
            if self.tally.storm.is_zero() && next >= storm_buyers {
                self.tally.storm_buyers = storm_buyers;
                self.tally.storm = started.elapsed();
                self.tally.storm_requests = self.tally.requests;
            }
        }
        Ok(())
    }

    /// How many of those who come later are there by now.
    fn due_of_tail(&self, storm_buyers: u64, started: Instant) -> u64 {
        if self.tally.storm.is_zero() {
            return 0;
        }
        let share = (started.elapsed() - self.tally.storm).as_secs_f64() / TAIL.as_secs_f64();
        ((self.buyers - storm_buyers) as f64 * share.min(1.0)) as u64
    }

    pub(super) fn finish(self) -> Tally {
        self.progress.finish();
        Tally { reserve_us: Some(self.latencies), ..self.tally }
    }

    fn submit(&self, step: Step, number: u64) -> Result<(), DemoError> {
        let request = self.crowd.buyer(number).request;
        let call = match step {
            Step::Reserve if self.asks.contains_key(&number) => Call::Reserve(request.repeat()),
            Step::Reserve => Call::Reserve(request),
            Step::Confirm => Call::Confirm(request.target()),
            Step::Cancel => Call::Cancel(request.target()),
            Step::Refund => Call::Refund(request.target()),
        };
        Ok(self.client.submit(call, number << 2 | step as u64, &self.queue)?)
    }

    fn take(&mut self, completion: Completion) -> Result<(), DemoError> {
        let number = completion.tag >> 2;
        let step = match completion.tag & 3 {
            0 => Step::Reserve,
            1 => Step::Confirm,
            2 => Step::Cancel,
            _ => Step::Refund,
        };
        self.tally.requests += 1;
        self.note_recovery(number, &completion.result);
        if let Err(Error::Unknown { .. }) = completion.result {
            let asks = self.asks.entry(number).or_insert(0);
            *asks += 1;
            if *asks < ASKS_MAX {
                return self.submit(step, number);
            }
            self.tally.unknown += 1;
        }
        if let Step::Reserve = step {
            self.latencies.saturating_record(completion.took.as_micros() as u64);
            self.progress.inc(1);
            if number.is_multiple_of(4_096) {
                self.progress.set_message(format!("{} holds", self.tally.accepted));
            }
            return self.reserved(number, completion.result);
        }
        self.settled(number, completion.result)
    }

    fn redis_was_killed(&mut self, killed_at: Instant, next: u64) -> Result<(), DemoError> {
        self.tally.redis_crashes += 1;
        let returned = self.ticket.take();
        self.outage.get_or_insert(Outage { since: killed_at, first: next, returned });
        returned.map_or(Ok(()), |number| self.submit(Step::Refund, number))
    }

    /// A change that was asked for after the kill is acknowledged only when Redis has it: the outage is over.
    fn note_recovery(&mut self, number: u64, result: &Result<Answer, Error>) {
        if let (Some(outage), Ok(Answer::Reservation(_))) = (self.outage, result)
            && (number >= outage.first || outage.returned == Some(number))
        {
            self.tally.redis_recoveries.push(outage.since.elapsed());
            self.outage = None;
        }
    }

    fn reserved(&mut self, number: u64, result: Result<Answer, Error>) -> Result<(), DemoError> {
        let buyer = self.crowd.buyer(number);
        match result {
            Ok(Answer::Reservation(reservation)) => {
                self.tally.accepted += 1;
                self.tally.accepted_late += u64::from(!self.tally.storm.is_zero());
                self.history.note(buyer.request.target(), &reservation);
                match buyer.fate {
                    Fate::Confirm if reservation.state == State::Held => {
                        self.submit(Step::Confirm, number)?
                    }
                    Fate::Cancel if reservation.state == State::Held => self.submit(Step::Cancel, number)?,
                    Fate::Confirm | Fate::Cancel | Fate::WalkAway => {}
                }
            }
            Err(Error::Refused(refusal)) => {
                *self.tally.refused.entry(refusal.status().name()).or_insert(0) += 1;
            }
            Err(Error::NotDone { .. }) => self.tally.not_done += 1,
            Err(Error::Unknown { .. }) | Ok(_) => {}
        }
        Ok(())
    }

    fn settled(&mut self, number: u64, result: Result<Answer, Error>) -> Result<(), DemoError> {
        let target = self.crowd.buyer(number).request.target();
        match result {
            Ok(Answer::Reservation(reservation)) => {
                self.history.note(target, &reservation);
                if reservation.state == State::Confirmed {
                    self.ticket = Some(number);
                }
            }
            Err(error) if is_expired(&error) => {
                self.tally.too_late += 1;
                self.history.note_expired(target.id);
            }
            Err(Error::NotDone { .. } | Error::Unknown { .. }) | Ok(_) => {}
            Err(error @ Error::Refused(_)) => return Err(error.into()),
        }
        Ok(())
    }
}
