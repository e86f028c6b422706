//! Wakes a poll at a moment that is finer than a millisecond.
//!
//! The timeouts of mio's poll are whole milliseconds, and it rounds them up. A timerfd is a source like a socket, has the
//! clock's own resolution, and the kernel does not delay it by the thread's timer slack of 50 us.

use mio::unix::SourceFd;
use mio::{Interest, Registry, Token};
use rustix::time::{
    Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec, timerfd_create, timerfd_settime,
};
use std::io;
use std::os::fd::{AsRawFd, OwnedFd};

/// A timer that is a source of events.
pub(super) struct Alarm {
    timer: OwnedFd,
    /// What it is set to, in the run's time.
    at_ns: Option<u64>,
}

impl Alarm {
    /// Makes one and registers it.
    pub(super) fn new(registry: &Registry, token: Token) -> io::Result<Self> {
        let flags = TimerfdFlags::NONBLOCK | TimerfdFlags::CLOEXEC;
        let timer = timerfd_create(TimerfdClockId::Monotonic, flags)?;
        registry.register(&mut SourceFd(&timer.as_raw_fd()), token, Interest::READABLE)?;
        Ok(Self { timer, at_ns: None })
    }

    /// Goes off at `at_ns` or as soon as it can. It is never read: mio's events are edges, and setting it again makes
    /// the next one.
    pub(super) fn set(&mut self, at_ns: u64, now_ns: u64) -> io::Result<()> {
        if self.at_ns == Some(at_ns) {
            return Ok(());
        }
        // A timer that is set to 0 is off.
        let wait_ns = at_ns.saturating_sub(now_ns).max(1);
        let (tv_sec, tv_nsec) = ((wait_ns / 1_000_000_000) as i64, (wait_ns % 1_000_000_000) as i64);
        let once = Timespec { tv_sec: 0, tv_nsec: 0 };
        let spec = Itimerspec { it_interval: once, it_value: Timespec { tv_sec, tv_nsec } };
        timerfd_settime(&self.timer, TimerfdTimerFlags::empty(), &spec)?;
        self.at_ns = Some(at_ns);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use mio::{Events, Poll};
    use std::time::{Duration, Instant};

    #[test]
    fn it_goes_off_each_time_it_is_set_and_not_before() {
        let mut poll = Poll::new().unwrap();
        let mut alarm = Alarm::new(poll.registry(), Token(7)).unwrap();
        let mut events = Events::with_capacity(4);
        for round in 1..=3 {
            let began = Instant::now();
            alarm.set(round * 1_000_000_000 + 300_000, round * 1_000_000_000).unwrap();
            poll.poll(&mut events, Some(Duration::from_secs(20))).unwrap();
            let woken: Vec<_> = events.iter().map(mio::event::Event::token).collect();
            assert_eq!(woken, [Token(7)], "in round {round}");
            assert!(began.elapsed() >= Duration::from_micros(300), "{:?}", began.elapsed());
        }
    }
}
