//! The crowd: buyers who ask on a thread of their own, so that faults strike while requests are on their way.

use crate::buyers::{Buyers, Fate};
use crate::history::{Event, History, Outcome, Step};
use crate::patience::PATIENCE;
use crate::{ChaosError, Server};
use seathold_client::{Answer, Call, Client, Completion, CompletionQueue, Error};
use seathold_protocol::reservation::State;
use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// How long a hasty buyer waits. Longer than a request takes, shorter than a restart.
const HASTE: Duration = Duration::from_millis(60);

/// How long to wait for a completion before looking whether to stop.
const LOOK_UP: Duration = Duration::from_millis(20);

/// Buyers at work.
pub struct Crowd {
    stop: Arc<AtomicBool>,
    answers: Arc<Answers>,
    thread: JoinHandle<Result<History, ChaosError>>,
}

/// How many requests the server has done, for those who wait for more.
#[derive(Default)]
struct Answers {
    done: Mutex<u64>,
    more: Condvar,
}

impl Crowd {
    /// Starts a crowd of `buyers`, from number `first` on.
    pub fn start(server: &Server, buyers: Buyers, first: u64) -> Result<Self, ChaosError> {
        let client = server.early_client()?;
        let (stop, answers) = (Arc::new(AtomicBool::new(false)), Arc::new(Answers::default()));
        let (stopped, noted) = (Arc::clone(&stop), Arc::clone(&answers));
        let thread = std::thread::Builder::new().name("crowd".to_owned()).spawn(move || {
            let hasty = client.with_timeout(HASTE);
            let history = History { events: Vec::new(), buyers: first };
            let queue = CompletionQueue::new(2 * buyers.in_flight());
            let begun = HashMap::new();
            Rush { client, hasty, buyers, queue, begun, history, answers: noted }.run(&stopped)
        })?;
        Ok(Self { stop, answers, thread })
    }

    /// Waits until the server has done `more` requests from now on. Returns how long that took (I10).
    pub fn wait_for(&self, more: u64) -> Result<Duration, ChaosError> {
        let began = Instant::now();
        let done = self.answers.done.lock().unwrap_or_else(PoisonError::into_inner);
        let enough = *done + more;
        let waited = self.answers.more.wait_timeout_while(done, PATIENCE, |done| *done < enough);
        let (done, timeout) = waited.unwrap_or_else(PoisonError::into_inner);
        if timeout.timed_out() {
            let what = format!("{more} requests done (only {})", *done + more - enough);
            return Err(ChaosError::Late { what, said: String::new() });
        }
        Ok(began.elapsed())
    }

    /// Requests that the server has done so far.
    pub fn done(&self) -> u64 {
        *self.answers.done.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Begins nothing more, waits for what is on its way, and returns what was asked and answered.
    pub fn finish(self) -> Result<History, ChaosError> {
        self.stop.store(true, Ordering::Relaxed);
        self.thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    }
}

struct Rush {
    client: Client,
    hasty: Client,
    buyers: Buyers,
    queue: CompletionQueue,
    /// When the request of each buyer that is on its way began; a buyer has one at a time.
    begun: HashMap<u64, Instant>,
    history: History,
    answers: Arc<Answers>,
}

impl Rush {
    fn run(mut self, stop: &AtomicBool) -> Result<History, ChaosError> {
        loop {
            let stopping = stop.load(Ordering::Relaxed);
            if stopping && self.queue.open() == 0 {
                return Ok(self.history);
            }
            while !stopping && self.queue.open() < self.buyers.in_flight() {
                let number = self.history.buyers;
                self.history.buyers += 1;
                self.submit(number, Step::Reserve, false)?;
            }
            let Some(completion) = self.queue.recv_timeout(LOOK_UP) else { continue };
            self.take(completion, stopping)?;
        }
    }

    fn submit(&mut self, number: u64, step: Step, again: bool) -> Result<(), ChaosError> {
        let buyer = self.buyers.buyer(number);
        let target = buyer.request.target();
        let call = match step {
            Step::Reserve if again => Call::Reserve(buyer.request.repeat()),
            Step::Reserve => Call::Reserve(buyer.request),
            Step::Confirm => Call::Confirm(target),
            Step::Cancel => Call::Cancel(target),
            Step::Refund => Call::Refund(target),
            Step::Lookup => Call::Lookup(target),
        };
        let client = if buyer.hasty && !again { &self.hasty } else { &self.client };
        self.begun.insert(number, Instant::now());
        Ok(client.submit(call, number << 3 | step as u64, &self.queue)?)
    }

    fn take(&mut self, completion: Completion, stopping: bool) -> Result<(), ChaosError> {
        let (number, step) = (completion.tag >> 3, Step::from_number(completion.tag & 7));
        let began = self.begun.remove(&number).expect("a completion follows a submission");
        let outcome = outcome(completion.result);
        let buyer = self.buyers.buyer(number);
        let next = match &outcome {
            Outcome::Told(state, _) => {
                self.answers.note();
                let looks = (buyer.curious && step != Step::Lookup).then_some(Step::Lookup);
                looks.or_else(|| next_step(buyer.fate, *state)).map(|next| (next, false))
            }
            Outcome::Unknown if buyer.returns && buyer.hasty => Some((step, true)),
            Outcome::Unknown | Outcome::NotDone | Outcome::Refused(_) => None,
        };
        let attempts = completion.attempts;
        self.history.events.push(Event { number, step, outcome, attempts, began, ended: Instant::now() });
        match next {
            Some((next, again)) if !stopping => self.submit(number, next, again),
            _ => Ok(()),
        }
    }
}

/// What a call's result says for certain.
pub(crate) fn outcome(result: Result<Answer, Error>) -> Outcome {
    match result {
        Ok(Answer::Reservation(told)) => Outcome::Told(told.state, told.seats().to_vec()),
        Ok(other) => unreachable!("no such call was made: {other:?}"),
        Err(Error::Refused(refusal)) => Outcome::Refused(refusal),
        Err(Error::NotDone { .. }) => Outcome::NotDone,
        Err(Error::Unknown { .. }) => Outcome::Unknown,
    }
}

fn next_step(fate: Fate, state: State) -> Option<Step> {
    match (fate, state) {
        (Fate::Keep | Fate::Refund, State::Held) => Some(Step::Confirm),
        (Fate::Refund, State::Confirmed) => Some(Step::Refund),
        (Fate::Cancel, State::Held) => Some(Step::Cancel),
        _ => None,
    }
}

impl Answers {
    fn note(&self) {
        *self.done.lock().unwrap_or_else(PoisonError::into_inner) += 1;
        self.more.notify_all();
    }
}
