//! A sale on a ledger that a test breaks: buyers before the fault, in its midst and after it, and the audit at the end.

use crate::crowd::{Crowd, Strangers};
use crate::serving::TestServer;
use seathold_client::{Client, Error, Reason, Reservation};
use std::time::{Duration, Instant};

/// Partitions of every ledger here.
pub(crate) const PARTITIONS: u16 = 4;

/// Requests of one rush.
const REQUESTS: u64 = 800;

/// Longer than any fault takes to pass. It ends a test that would wait for ever.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// A server on the ledger in `redis`: whatever servers that are.
pub(crate) struct Sale<R> {
    pub(crate) redis: R,
    /// As `--ledger` takes it.
    url: String,
    pub(crate) server: TestServer,
    pub(crate) client: Client,
    pub(crate) crowd: Crowd,
}

/// What a fault may touch.
pub(crate) struct Stage<'a, R> {
    pub(crate) redis: &'a mut R,
    pub(crate) server: &'a mut TestServer,
    /// Does not wait for a better time.
    pub(crate) hasty: Client,
    strangers: Strangers,
}

impl<R> Sale<R> {
    /// Creates a ledger, and starts a server on it with these options.
    pub(crate) fn open(redis: R, url: &str, options: &[&str]) -> Self {
        seathold::ledger::redis::create(&url.parse().unwrap(), PARTITIONS, "2027-01-01T00:00:00Z").unwrap();
        let server = TestServer::start_on(url, options);
        let client = server.client();
        let crowd = Crowd::new(&client);
        Self { redis, url: url.to_owned(), server, client, crowd }
    }

    /// A rush with a fault in its middle, and one after it; then the ledger is read.
    pub(crate) fn survives(mut self, fault: impl FnOnce(&mut Stage<'_, R>)) {
        let mut stage = Stage::new(&mut self.redis, &mut self.server, &self.client, &self.crowd);
        self.crowd.rush(&self.client, REQUESTS, || fault(&mut stage));
        self.ends_well();
    }

    /// A rush before the fault and one after it; while it lasts, buyers come and go on every train. Then the ledger is read.
    pub(crate) fn survives_all_along(mut self, fault: impl FnOnce(&mut Stage<'_, R>) + Send)
    where
        R: Send,
    {
        self.crowd.rush(&self.client, REQUESTS, || ());
        let mut stage = Stage::new(&mut self.redis, &mut self.server, &self.client, &self.crowd);
        self.crowd.come_and_go(&self.client, || fault(&mut stage));
        self.ends_well();
    }

    fn ends_well(mut self) {
        self.crowd.rush(&self.client, REQUESTS, || ());
        assert!(self.crowd.accepted > REQUESTS / 8, "only {} accepted after the fault", self.crowd.accepted);
        assert!(self.server.terminate().success());
        self.crowd.judge_ledger(&self.url);
    }
}

impl<'a, R> Stage<'a, R> {
    fn new(redis: &'a mut R, server: &'a mut TestServer, client: &Client, crowd: &Crowd) -> Self {
        let hasty = client.with_timeout(Duration::from_millis(300));
        Self { redis, server, hasty, strangers: crowd.strangers() }
    }

    /// Waits until a new reservation is refused for this reason.
    pub(crate) fn until_refused(&mut self, expected: Reason) {
        self.until(|told| matches!(told, Err(Error::NotDone { reason, .. }) if *reason == expected));
    }

    /// Waits until a new reservation is told what is wanted.
    pub(crate) fn until(&mut self, holds: impl Fn(&Result<Reservation, Error>) -> bool) {
        let began = Instant::now();
        loop {
            let asked = self.strangers.request();
            let target = asked.target();
            let told = self.hasty.reserve(asked);
            if told.is_ok() {
                // The next one wants a place, too.
                let _ = self.hasty.cancel(target);
            }
            if holds(&told) {
                return;
            }
            assert!(began.elapsed() < PATIENCE, "the last reservation was told {told:?}");
        }
    }
}
