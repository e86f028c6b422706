//! The crashes of the rush: who is killed, and after how many buyers. One at a time: what both at once do is another
//! test's matter.

use super::DemoError;
use super::redis::Redis;
use super::server::Server;
use std::time::Instant;

/// Whose turn it is to be killed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Victim {
    Server,
    Redis,
}

/// Crashes to come: spread evenly over the buyers, and those of Redis between those of the server.
#[derive(Clone, Copy, Debug)]
pub(super) struct Plan {
    pub(super) buyers: u64,
    pub(super) server: u64,
    pub(super) redis: u64,
}

impl Plan {
    /// Crash number `number`, counted from 1, if it is due when so many buyers have come.
    fn due(self, number: u64, come: u64) -> Option<Victim> {
        let crashes = self.server + self.redis;
        if number > crashes || come < number * self.buyers / (crashes + 1) {
            return None;
        }
        let of_redis = |number: u64| number * self.redis / crashes;
        Some(if of_redis(number) > of_redis(number - 1) { Victim::Redis } else { Victim::Server })
    }
}

pub(super) struct Crashes<'a> {
    plan: Plan,
    server: &'a mut Server,
    redis: Option<&'a mut Redis>,
    done: u64,
}

impl<'a> Crashes<'a> {
    /// Without a Redis the plan has no crash of it.
    pub(super) fn new(plan: Plan, server: &'a mut Server, redis: Option<&'a mut Redis>) -> Self {
        Self { plan, server, redis, done: 0 }
    }

    /// Kills who is to be killed now that so many buyers have come. Returns when Redis was killed, if it was.
    pub(super) fn strike(&mut self, come: u64) -> Result<Option<Instant>, DemoError> {
        let Some(victim) = self.plan.due(self.done + 1, come) else { return Ok(None) };
        self.done += 1;
        // A server that starts needs Redis, and Redis is missed only by a server that runs.
        self.wait_until_ready()?;
        match (victim, &mut self.redis) {
            (Victim::Redis, Some(redis)) => redis.crash().map(Some),
            _ => self.server.crash().map(|()| None),
        }
    }

    /// Waits until whoever was killed last is back.
    pub(super) fn wait_until_ready(&mut self) -> Result<(), DemoError> {
        if let Some(redis) = &mut self.redis {
            redis.wait_until_ready()?;
        }
        self.server.wait_until_ready()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// After how many buyers, and who.
    fn all(plan: Plan) -> Vec<(u64, Victim)> {
        let mut crashes = Vec::new();
        for come in 0..=plan.buyers {
            while let Some(victim) = plan.due(crashes.len() as u64 + 1, come) {
                crashes.push((come, victim));
            }
        }
        crashes
    }

    #[test]
    fn crashes_are_spread_over_the_buyers() {
        use Victim::{Redis, Server};
        let plan = |server, redis| Plan { buyers: 600, server, redis };
        assert_eq!(all(plan(0, 0)), []);
        assert_eq!(all(plan(1, 0)), [(300, Server)]);
        assert_eq!(all(plan(0, 2)), [(200, Redis), (400, Redis)]);
        assert_eq!(all(plan(1, 1)), [(200, Server), (400, Redis)]);
        let spread = [(100, Server), (200, Server), (300, Redis), (400, Server), (500, Redis)];
        assert_eq!(all(plan(3, 2)), spread);
    }

    #[test]
    fn every_crash_comes_even_if_there_are_more_than_buyers() {
        assert_eq!(all(Plan { buyers: 2, server: 3, redis: 4 }).len(), 7);
    }
}
