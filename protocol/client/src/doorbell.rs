//! How other threads wake the client's thread: only when it sleeps.
//!
//! Waking costs a system call even if nobody sleeps. The thread says that it is about to sleep, then looks once more
//! for work; whoever brings work looks at that flag afterwards. With a full fence between the two steps on both
//! sides at least one of them sees the other.

use std::io;
use std::sync::atomic::{AtomicBool, Ordering, fence};

use mio::{Registry, Token, Waker};

/// The client's thread, as others see it.
#[derive(Debug)]
pub(crate) struct Doorbell {
    waker: Waker,
    asleep: AtomicBool,
    stopping: AtomicBool,
}

impl Doorbell {
    pub(crate) fn new(registry: &Registry, token: Token) -> io::Result<Self> {
        let waker = Waker::new(registry, token)?;
        Ok(Self { waker, asleep: AtomicBool::new(false), stopping: AtomicBool::new(false) })
    }

    /// There is work, put where the thread looks for it before this call.
    pub(crate) fn ring(&self) {
        fence(Ordering::SeqCst);
        if self.asleep.load(Ordering::Relaxed) && self.asleep.swap(false, Ordering::Relaxed) {
            self.waker.wake().expect("writing to an eventfd of our own cannot fail");
        }
    }

    /// The thread looks for work once more after this and sleeps only if there is none.
    pub(crate) fn about_to_sleep(&self) {
        self.asleep.store(true, Ordering::Relaxed);
        fence(Ordering::SeqCst);
    }

    /// The thread works.
    pub(crate) fn awake(&self) {
        self.asleep.store(false, Ordering::Relaxed);
    }

    /// Asks the thread to end.
    pub(crate) fn stop(&self) {
        self.stopping.store(true, Ordering::Relaxed);
        self.ring();
    }

    /// Whether it is to end.
    pub(crate) fn is_stopping(&self) -> bool {
        self.stopping.load(Ordering::Relaxed)
    }
}
