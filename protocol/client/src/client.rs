//! The handle that programs share: calls that wait, and calls that do not.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread::JoinHandle;
use std::time::Duration;

use crossbeam_channel::{Sender, bounded};
use seathold_protocol::reply::{AvailabilityReply, Resolved, SaleReply};
use seathold_protocol::request::{Availability, Target};
use seathold_protocol::reservation::Reservation;
use seathold_protocol::{Class, Day, DepartureId, StopIndex};

use crate::builder::Builder;
use crate::call::{Answer, Call};
use crate::clock::{Clock, Micros, micros};
use crate::completion::{Completion, CompletionQueue, Sink};
use crate::counters::{Counters, Tally, count};
use crate::doorbell::Doorbell;
use crate::error::{BuildError, Error, Fault, Reason};
use crate::reserve::ReserveRequest;
use crate::session::Submission;

/// A client of one server. Clones share it, and so may threads; the last one dropped stops its thread and ends what is
/// still open.
#[derive(Clone, Debug)]
pub struct Client {
    handle: Arc<Handle>,
    timeout: Micros,
}

impl Client {
    /// A client of the server at `url` with default settings, once the server has welcomed it.
    pub fn connect(url: &str) -> Result<Self, BuildError> {
        Self::builder(url).build()
    }

    /// Settings for a client of the server at `url`.
    pub fn builder(url: &str) -> Builder {
        Builder::new(url)
    }

    /// The same client, whose calls through this handle may take `timeout` in all.
    pub fn with_timeout(&self, timeout: Duration) -> Self {
        Self { handle: Arc::clone(&self.handle), timeout: micros(timeout) }
    }

    /// What happened so far.
    pub fn counters(&self) -> Counters {
        self.handle.tally.read()
    }

    /// Begins a call whose completion goes to `queue` with `tag`. Never waits: a full client or queue turns the call away
    /// with `Error::NotDone`, and there is no completion then.
    pub fn submit(&self, call: Call, tag: u64, queue: &CompletionQueue) -> Result<(), Error> {
        let sink = queue.admit(tag).inspect_err(|_| count(&self.handle.tally.not_done))?;
        self.handle.submit(call, sink, self.timeout).map_err(|(error, sink)| {
            queue.withdraw(sink);
            error
        })
    }

    /// Asks whether the server is there; returns how long the answer took.
    pub fn ping(&self) -> Result<Duration, Error> {
        self.ask(Call::Ping).map(|completion| completion.took)
    }

    /// The departure of `train` on `day`: its id, stops, classes and sale.
    pub fn resolve(&self, train: &str, day: Day) -> Result<Resolved, Error> {
        match self.answer(Call::Resolve(train.into(), day))? {
            Answer::Resolved(resolved) => Ok(*resolved),
            other => unexpected(&other),
        }
    }

    /// Free places of a departure: of one class or all, for one trip or all.
    pub fn availability(
        &self,
        departure: DepartureId,
        class: Option<Class>,
        pair: Option<(StopIndex, StopIndex)>,
    ) -> Result<AvailabilityReply, Error> {
        match self.answer(Call::Availability(Availability { departure, class, pair }))? {
            Answer::Availability(availability) => Ok(*availability),
            other => unexpected(&other),
        }
    }

    /// Holds seats. Look at the answer's state: a request under an id that was used before finds its reservation as it is
    /// by now.
    pub fn reserve(&self, request: ReserveRequest) -> Result<Reservation, Error> {
        self.reservation(Call::Reserve(request))
    }

    /// Makes a hold sold.
    pub fn confirm(&self, target: Target) -> Result<Reservation, Error> {
        self.reservation(Call::Confirm(target))
    }

    /// Gives a hold back.
    pub fn cancel(&self, target: Target) -> Result<Reservation, Error> {
        self.reservation(Call::Cancel(target))
    }

    /// Gives sold seats back.
    pub fn refund(&self, target: Target) -> Result<Reservation, Error> {
        self.reservation(Call::Refund(target))
    }

    /// The present state of a reservation.
    pub fn lookup(&self, target: Target) -> Result<Reservation, Error> {
        self.reservation(Call::Lookup(target))
    }

    /// Operator: opens the sale of a departure now, for `percent` of its places; 0 leaves that as it is.
    pub fn open(&self, departure: DepartureId, percent: u8) -> Result<SaleReply, Error> {
        self.sale(Call::Open(departure, percent))
    }

    /// Operator: closes the sale of a departure.
    pub fn close(&self, departure: DepartureId) -> Result<SaleReply, Error> {
        self.sale(Call::Close(departure))
    }

    /// Operator: the server's counters by name.
    pub fn stats(&self) -> Result<Vec<(String, u64)>, Error> {
        match self.answer(Call::Stats)? {
            Answer::Stats(stats) => Ok(stats),
            other => unexpected(&other),
        }
    }

    pub(crate) fn new(handle: Handle, timeout: Micros) -> Self {
        Self { handle: Arc::new(handle), timeout }
    }

    fn reservation(&self, call: Call) -> Result<Reservation, Error> {
        match self.answer(call)? {
            Answer::Reservation(reservation) => Ok(reservation),
            other => unexpected(&other),
        }
    }

    fn sale(&self, call: Call) -> Result<SaleReply, Error> {
        match self.answer(call)? {
            Answer::Sale(sale) => Ok(sale),
            other => unexpected(&other),
        }
    }

    fn answer(&self, call: Call) -> Result<Answer, Error> {
        self.ask(call)?.result
    }

    fn ask(&self, call: Call) -> Result<Completion, Error> {
        let (to, from) = bounded(1);
        self.handle.submit(call, Sink::new(to, 0), self.timeout).map_err(|(error, sink)| {
            drop(sink);
            error
        })?;
        let completion = from.recv().expect("a sink that is dropped answers");
        completion.result.clone().map(|_| completion)
    }
}

fn unexpected(answer: &Answer) -> ! {
    unreachable!("replies are matched to their requests by opcode, yet this came: {answer:?}")
}

/// What the clones of a client share.
#[derive(Debug)]
pub(crate) struct Handle {
    submissions: Sender<Submission>,
    doorbell: Arc<Doorbell>,
    tally: Arc<Tally>,
    clock: Clock,
    calls_max: u64,
    thread: Option<JoinHandle<()>>,
}

impl Handle {
    pub(crate) fn new(
        submissions: Sender<Submission>,
        doorbell: Arc<Doorbell>,
        tally: Arc<Tally>,
        clock: Clock,
        calls_max: usize,
        thread: JoinHandle<()>,
    ) -> Self {
        Self { submissions, doorbell, tally, clock, calls_max: calls_max as u64, thread: Some(thread) }
    }

    /// Hands a call to the thread, or the sink back.
    fn submit(&self, call: Call, sink: Sink, timeout: Micros) -> Result<(), (Error, Sink)> {
        if self.tally.open.fetch_add(1, Ordering::Relaxed) >= self.calls_max {
            self.tally.open.fetch_sub(1, Ordering::Relaxed);
            count(&self.tally.not_done);
            return Err((Error::NotDone { reason: Reason::ClientFull, retry_after: None }, sink));
        }
        let submitted = self.clock.now();
        let deadline = submitted.saturating_add(timeout);
        let submission = Submission { call, sink, submitted, deadline };
        if let Err(unsent) = self.submissions.send(submission) {
            // The thread ends before its last handle is dropped only if it panicked.
            let error = Error::Unknown { attempts: 0, fault: Some(Fault::Stopped) };
            return Err((error, unsent.into_inner().sink));
        }
        self.doorbell.ring();
        Ok(())
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        self.doorbell.stop();
        if let Some(thread) = self.thread.take() {
            // A panic of the thread was reported where it happened.
            thread.join().ok();
        }
    }
}
