//! The settings of a client, and how one is started.

use std::sync::Arc;
use std::thread;
use std::time::Duration;

use crossbeam_channel::{bounded, unbounded};
use mio::Poll;
use rand::rngs::SysRng;
use rand::{SeedableRng, TryRng};
use rand_xoshiro::Xoshiro256PlusPlus;
use seathold_protocol::limits::{NAME_BYTES_MAX, TOKEN_BYTES_MAX};

use crate::address::Address;
use crate::backoff::Backoff;
use crate::client::{Client, Handle};
use crate::clock::{Clock, micros};
use crate::counters::Tally;
use crate::doorbell::Doorbell;
use crate::driver::{DOORBELL, Driver};
use crate::error::{BuildError, Fault};
use crate::links::LinkSettings;
use crate::session::{Greeting, Session};

/// Connections to one core that a client may have. More than one only helps where a single TCP stream is the limit.
const CONNECTIONS_PER_CORE_MAX: usize = 16;

/// The least time that a connection may owe replies in silence before it is taken for dead: a server that waits for its disk
/// is not dead, and a connection made anew does not make the disk faster.
const SILENCE_MIN: Duration = Duration::from_secs(1);

/// A client to be. Every setting has a default that suits a service near its server.
#[derive(Clone, Debug)]
pub struct Builder {
    url: String,
    greeting: Greeting,
    timeout: Duration,
    connect_timeout: Duration,
    backoff: (Duration, Duration),
    connections_per_core: usize,
    calls_max: usize,
}

impl Builder {
    /// Defaults for the server at `url`.
    pub(crate) fn new(url: &str) -> Self {
        Self {
            url: url.to_owned(),
            greeting: Greeting {
                client: concat!("seathold-client/", env!("CARGO_PKG_VERSION")).to_owned(),
                token: String::new(),
            },
            timeout: Duration::from_secs(5),
            connect_timeout: Duration::from_secs(2),
            backoff: (Duration::from_millis(10), Duration::from_secs(1)),
            connections_per_core: 1,
            calls_max: 65_536,
        }
    }

    /// The name that the server's log shows: at most 64 bytes. Default: this SDK and its version.
    pub fn client_name(mut self, name: &str) -> Self {
        name.clone_into(&mut self.greeting.client);
        self
    }

    /// What makes this an operator's client, who may open and close sales: at most 128 bytes. Default: none.
    pub fn operator_token(mut self, token: &str) -> Self {
        token.clone_into(&mut self.greeting.token);
        self
    }

    /// How long a call may take, waits and repeats included. Default: 5 s.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// How long looking up, connecting and WELCOME may take together. Default: 2 s.
    pub fn connect_timeout(mut self, timeout: Duration) -> Self {
        self.connect_timeout = timeout;
        self
    }

    /// The shortest and the longest wait before a connection is tried again; decorrelated jitter between
    /// them. Default: 10 ms and 1 s.
    pub fn backoff(mut self, min: Duration, max: Duration) -> Self {
        self.backoff = (min, max);
        self
    }

    /// Connections to each core: 1 to 16. Default: 1.
    pub fn connections_per_core(mut self, connections: usize) -> Self {
        self.connections_per_core = connections;
        self
    }

    /// Calls that may be open at once, those that wait for credit included; one more is turned away with
    /// `Reason::ClientFull`. It bounds the client's memory at about 1 KB each. Default: 65,536.
    pub fn calls_max(mut self, calls: usize) -> Self {
        self.calls_max = calls;
        self
    }

    /// Starts a client and waits until the server has welcomed it, or the first try to connect has failed.
    pub fn build(self) -> Result<Client, BuildError> {
        let (greeter, greeted) = bounded(1);
        let address: Address = self.url.parse()?;
        let client = self.start(address.clone(), Some(greeter))?;
        let fault = match greeted.recv() {
            Ok(Ok(())) => return Ok(client),
            Ok(Err(fault)) => fault,
            Err(_) => Fault::Stopped,
        };
        Err(BuildError::NotReached { address: address.to_string(), fault })
    }

    /// Starts a client that connects by itself, for a program that may come up before its server. Calls wait for the
    /// connection until their deadline.
    pub fn build_unconnected(self) -> Result<Client, BuildError> {
        let address = self.url.parse()?;
        self.start(address, None)
    }

    fn start(
        self,
        address: Address,
        greeter: Option<crossbeam_channel::Sender<Result<(), Fault>>>,
    ) -> Result<Client, BuildError> {
        self.check()?;
        let clock = Clock::start();
        let tally = Arc::new(Tally::default());
        let settings = LinkSettings {
            connect_timeout: micros(self.connect_timeout),
            silence: micros((self.timeout / 2).max(SILENCE_MIN)),
            backoff: Backoff::new(micros(self.backoff.0), micros(self.backoff.1)),
            connections_per_core: self.connections_per_core,
        };
        let seed = SysRng.try_next_u64().map_err(std::io::Error::other)?;
        let rng = Xoshiro256PlusPlus::seed_from_u64(seed);
        let mut session = Session::new(self.greeting, settings, rng, Arc::clone(&tally), clock.now());
        if let Some(greeter) = greeter {
            session.announce_door(greeter);
        }
        let poll = Poll::new()?;
        let doorbell = Arc::new(Doorbell::new(poll.registry(), DOORBELL)?);
        let (submissions, taken) = unbounded();
        let driver = Driver::new(poll, Arc::clone(&doorbell), clock, address, taken, session);
        let thread = thread::Builder::new().name("seathold-client".to_owned()).spawn(|| driver.run())?;
        let handle = Handle::new(submissions, doorbell, tally, clock, self.calls_max, thread);
        Ok(Client::new(handle, micros(self.timeout)))
    }

    fn check(&self) -> Result<(), BuildError> {
        let is_text = |text: &str, max| text.len() <= max && !text.chars().any(char::is_control);
        let (min, max) = self.backoff;
        let wrong = if !is_text(&self.greeting.client, NAME_BYTES_MAX) {
            "a client's name has at most 64 bytes and no control characters"
        } else if !is_text(&self.greeting.token, TOKEN_BYTES_MAX) {
            "an operator's token has at most 128 bytes and no control characters"
        } else if !(1..=CONNECTIONS_PER_CORE_MAX).contains(&self.connections_per_core) {
            "there are 1 to 16 connections per core"
        } else if min < Duration::from_millis(1) || min > max {
            "the backoff's shortest wait is at least 1 ms and at most the longest"
        } else if self.timeout.is_zero() || self.connect_timeout.is_zero() {
            "a timeout is longer than nothing"
        } else if self.calls_max == 0 {
            "a client may have at least one open call"
        } else {
            return Ok(());
        };
        Err(BuildError::Setting(wrong))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn setting(builder: Builder) -> &'static str {
        match builder.build_unconnected() {
            Err(BuildError::Setting(sentence)) => sentence,
            other => panic!("expected a sentence about a setting, got {other:?}"),
        }
    }

    #[test]
    fn settings_out_of_range_are_sentences() {
        let builder = || Builder::new("seathold://127.0.0.1:1");
        assert!(setting(builder().client_name(&"x".repeat(65))).contains("64 bytes"));
        assert!(setting(builder().operator_token("a\nb")).contains("control"));
        assert!(setting(builder().connections_per_core(0)).contains("1 to 16"));
        assert!(
            setting(builder().backoff(Duration::from_secs(2), Duration::from_secs(1))).contains("backoff")
        );
        assert!(setting(builder().timeout(Duration::ZERO)).contains("timeout"));
        assert!(setting(builder().calls_max(0)).contains("open call"));
    }

    #[test]
    fn a_bad_url_is_a_sentence() {
        let error = Builder::new("tcp://x").build().unwrap_err();
        assert!(error.to_string().contains("seathold://host:port"), "{error}");
    }
}
