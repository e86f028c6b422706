//! How calls end for a program that has many of them open: a queue of completions.
//!
//! A queue is bounded where calls enter it: a call is submitted only if there is room for its completion, so the
//! client's thread never waits for a program that does not read.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use crossbeam_channel::{Receiver, Sender, unbounded};

use crate::call::Answer;
use crate::error::{Error, Fault, Reason};

/// The end of one call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Completion {
    /// As given to `Client::submit`.
    pub tag: u64,
    /// What came of it.
    pub result: Result<Answer, Error>,
    /// From submitting to this completion: waits, retries and all.
    pub took: Duration,
    /// From the sending of the attempt that was answered to its reply; `None` if the call ended without one.
    pub sent_to_reply: Option<Duration>,
    /// How often it was sent.
    pub attempts: u32,
}

/// Receives the completions of the calls that were submitted with it, in the order in which they end.
///
/// Share it by reference or in an `Arc`; every completion goes to one receiver.
#[derive(Debug)]
pub struct CompletionQueue {
    to: Sender<Completion>,
    from: Receiver<Completion>,
    open: AtomicUsize,
    capacity: usize,
}

impl CompletionQueue {
    /// A queue for at most `capacity` calls that are submitted and not yet received. One more is turned away with
    /// `Reason::QueueFull`.
    pub fn new(capacity: usize) -> Self {
        let (to, from) = unbounded();
        Self { to, from, open: AtomicUsize::new(0), capacity }
    }

    /// Calls submitted and not yet received.
    pub fn open(&self) -> usize {
        self.open.load(Ordering::Relaxed)
    }

    /// Waits for the next completion. Every call ends by its deadline, so this returns; `None` if no call is open.
    pub fn recv(&self) -> Option<Completion> {
        if self.open() == 0 {
            return None;
        }
        self.taken(self.from.recv().ok())
    }

    /// Waits for the next completion for at most `timeout`.
    pub fn recv_timeout(&self, timeout: Duration) -> Option<Completion> {
        self.taken(self.from.recv_timeout(timeout).ok())
    }

    /// The next completion, if one is there.
    pub fn try_recv(&self) -> Option<Completion> {
        self.taken(self.from.try_recv().ok())
    }

    fn taken(&self, completion: Option<Completion>) -> Option<Completion> {
        if completion.is_some() {
            self.open.fetch_sub(1, Ordering::Relaxed);
        }
        completion
    }

    /// Takes a place for one call.
    pub(crate) fn admit(&self, tag: u64) -> Result<Sink, Error> {
        if self.open.fetch_add(1, Ordering::Relaxed) >= self.capacity {
            self.open.fetch_sub(1, Ordering::Relaxed);
            return Err(Error::NotDone { reason: Reason::QueueFull, retry_after: None });
        }
        Ok(Sink::new(self.to.clone(), tag))
    }

    /// Gives the place back of a call that was not submitted after all.
    pub(crate) fn withdraw(&self, sink: Sink) {
        sink.discard();
        self.open.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Where one call's completion goes. It is answered exactly once: if the client's thread ends without doing so, dropping
/// it says that the outcome is unknown.
#[derive(Debug)]
pub(crate) struct Sink {
    to: Option<Sender<Completion>>,
    tag: u64,
}

impl Sink {
    pub(crate) fn new(to: Sender<Completion>, tag: u64) -> Self {
        Self { to: Some(to), tag }
    }

    /// Ends the call.
    pub(crate) fn answer(
        mut self,
        result: Result<Answer, Error>,
        took: Duration,
        sent_to_reply: Option<Duration>,
        attempts: u32,
    ) {
        self.send(Completion { tag: self.tag, result, took, sent_to_reply, attempts });
    }

    fn discard(mut self) {
        self.to = None;
    }

    fn send(&mut self, completion: Completion) {
        if let Some(to) = self.to.take() {
            // A program that dropped its queue does not want to know.
            to.send(completion).ok();
        }
    }
}

impl Drop for Sink {
    fn drop(&mut self) {
        let result = Err(Error::Unknown { attempts: 0, fault: Some(Fault::Stopped) });
        let took = Duration::ZERO;
        self.send(Completion { tag: self.tag, result, took, sent_to_reply: None, attempts: 0 });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_queue_turns_away_what_it_could_not_deliver() {
        let queue = CompletionQueue::new(1);
        assert_eq!(queue.recv(), None);
        let sink = queue.admit(7).unwrap();
        let full = Error::NotDone { reason: Reason::QueueFull, retry_after: None };
        assert_eq!(queue.admit(8).unwrap_err(), full);
        sink.answer(Ok(Answer::Pong), Duration::ZERO, None, 1);
        assert_eq!(queue.open(), 1, "room comes from receiving, not from ending");
        assert_eq!(queue.recv().unwrap().tag, 7);
        queue.withdraw(queue.admit(9).unwrap());
        assert_eq!((queue.open(), queue.try_recv()), (0, None));
    }

    #[test]
    fn a_call_that_the_thread_drops_ends_unknown() {
        let queue = CompletionQueue::new(1);
        drop(queue.admit(7).unwrap());
        let result = queue.recv().unwrap().result;
        assert_eq!(result, Err(Error::Unknown { attempts: 0, fault: Some(Fault::Stopped) }));
    }
}
