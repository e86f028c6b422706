//! What the admin port shows: each page made from figures that other threads write.

use super::exchange::Response;
use super::metrics;
use super::pulse::Pulse;
use super::request::{Fault, Page};
use crate::counters::Counters;
use crate::ledger::{Health, LedgerFigures, redis};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Instant, SystemTime};

const PLAIN: &str = "text/plain; charset=utf-8";

/// What the admin thread reads of the server.
pub struct Watched {
    /// The figures of each core.
    pub counters: Vec<Arc<Counters>>,
    /// The figures of the ledger thread.
    pub ledger: Arc<LedgerFigures>,
    /// What it counts of Redis, with a ledger there.
    pub redis: Option<Arc<redis::Figures>>,
    /// Departures in the timetable.
    pub departures: usize,
    /// Partitions of the ledger.
    pub partitions: u16,
    /// When the server was ready.
    pub up_since: SystemTime,
    /// Set once, when the server begins to stop.
    pub stopping: Arc<AtomicBool>,
}

impl Watched {
    /// The answer to a request.
    pub(super) fn respond(&self, asked: Result<Page, Fault>, pulse: &Pulse, now: Instant) -> Response {
        match asked {
            Ok(Page::Metrics) => {
                Response { content_type: metrics::CONTENT_TYPE, ..plain("200 OK", metrics::render(self)) }
            }
            Ok(Page::Health) => verdict(self.health(pulse, now), "ok"),
            Ok(Page::Ready) => verdict(self.readiness(pulse, now), "ready"),
            Err(Fault::NotFound) => {
                told("404 Not Found", "the pages here are /metrics, /healthz and /readyz")
            }
            Err(Fault::Method) => told("405 Method Not Allowed", "pages can only be read: use GET"),
            Err(Fault::Malformed) => told("400 Bad Request", "this is not an HTTP/1.1 request"),
            Err(Fault::TooLong) => {
                told("431 Request Header Fields Too Large", "a request head has at most 8 KiB and 64 fields")
            }
        }
    }

    /// Whether the process does its work. Who watches this may kill it when it does not.
    fn health(&self, pulse: &Pulse, now: Instant) -> Result<(), String> {
        match pulse.stuck(now) {
            // Cores that have finished stand still while the ledger syncs for the last time.
            Some(core) if !self.is_stopping() => Err(format!("core {core} does not turn")),
            _ => Ok(()),
        }
    }

    /// Whether clients are better sent here or elsewhere.
    fn readiness(&self, pulse: &Pulse, now: Instant) -> Result<(), String> {
        if self.is_stopping() {
            return Err("the server is stopping".to_owned());
        }
        if self.ledger.health() == Health::Stalled {
            return Err("the ledger cannot be written now".to_owned());
        }
        if pulse.append_hangs(now) {
            return Err("the ledger has been at one append for seconds: what it is on hangs".to_owned());
        }
        match self.ledger.fenced.load(Ordering::Relaxed) {
            0 => Ok(()),
            fenced => Err(format!("{fenced} of {} partitions belong to another server", self.partitions)),
        }
    }

    fn is_stopping(&self) -> bool {
        self.stopping.load(Ordering::Acquire)
    }
}

fn verdict(outcome: Result<(), String>, good: &str) -> Response {
    match outcome {
        Ok(()) => told("200 OK", good),
        Err(reason) => told("503 Service Unavailable", &reason),
    }
}

fn told(status: &'static str, sentence: &str) -> Response {
    plain(status, format!("{sentence}\n"))
}

fn plain(status: &'static str, body: String) -> Response {
    Response { status, content_type: PLAIN, body }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    fn watched() -> Watched {
        Watched {
            counters: vec![Arc::default(), Arc::default()],
            redis: None,
            ledger: Arc::default(),
            departures: 7,
            partitions: 16,
            up_since: SystemTime::UNIX_EPOCH,
            stopping: Arc::default(),
        }
    }

    fn told_by(watched: &Watched, page: Page, waited: Duration) -> (&'static str, String) {
        let start = Instant::now();
        let pulse = Pulse::new(&watched.counters, &watched.ledger, start);
        let response = watched.respond(Ok(page), &pulse, start + waited);
        (response.status, response.body)
    }

    #[test]
    fn a_stuck_core_is_ill_health_and_a_finished_one_is_not() {
        let watched = watched();
        assert_eq!(told_by(&watched, Page::Health, Duration::ZERO), ("200 OK", "ok\n".to_owned()));
        let long = Duration::from_secs(4);
        let ill = ("503 Service Unavailable", "core 0 does not turn\n".to_owned());
        assert_eq!(told_by(&watched, Page::Health, long), ill);
        watched.stopping.store(true, Ordering::Release);
        assert_eq!(told_by(&watched, Page::Health, long).0, "200 OK");
    }

    #[test]
    fn whoever_cannot_sell_everything_sends_clients_elsewhere() {
        let watched = watched();
        let ready = || told_by(&watched, Page::Ready, Duration::ZERO);
        let not_ready = |reason: &str| ("503 Service Unavailable", format!("{reason}\n"));
        assert_eq!(ready(), ("200 OK", "ready\n".to_owned()));
        watched.ledger.set_health(Health::Full);
        assert_eq!(ready().0, "200 OK", "what was begun is finished here");
        watched.ledger.set_health(Health::Stalled);
        assert_eq!(ready(), not_ready("the ledger cannot be written now"));
        watched.ledger.set_health(Health::Fine);
        watched.ledger.begin_append();
        let hangs = not_ready("the ledger has been at one append for seconds: what it is on hangs");
        assert_eq!(told_by(&watched, Page::Ready, Duration::from_secs(4)), hangs);
        assert_eq!(ready().0, "200 OK", "an append that has just begun");
        watched.ledger.end_append();
        watched.ledger.fenced.store(2, Ordering::Relaxed);
        assert_eq!(ready(), not_ready("2 of 16 partitions belong to another server"));
        watched.stopping.store(true, Ordering::Release);
        assert_eq!(ready(), not_ready("the server is stopping"));
    }
}
