//! One seed from its beginning to its end, and what to say when it breaks a promise.

use crate::branch::Counts;
use crate::pair::Pair;
use crate::world::World;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// Of what git revision this is.
pub const REVISION: &str = match option_env!("SEATHOLD_REVISION") {
    Some(revision) => revision,
    None => "unknown",
};

/// A deliberate mistake of the simulated server, by which the simulation shows that it would notice one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Bug {
    /// None: the real server.
    #[default]
    None,
    /// Answers leave before their record is synced.
    AcknowledgeBeforeSync,
    /// An answer goes to whoever has the slot of the connection that asked.
    ForgetGeneration,
    /// Holds end by the wall clock.
    TrustWallClock,
    /// Redis takes a batch whatever the tail is, and whatever was watched.
    IgnoreTails,
    /// None, but two faults may meet that the real server does not survive together: Redis is emptied while an owner that was
    /// shut out does not know it yet, or fails over to a replica that lacks even the cover of what the owner has forgotten, or
    /// that has everything again but the word that there is a ledger.
    DoubleFault,
}

/// What a seed brought about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ran {
    /// The checksum of everything that happened.
    pub digest: u32,
    /// How often the rare branches ran.
    pub counts: Counts,
}

/// A seed that broke a promise.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Broken {
    /// Which.
    pub seed: u64,
    /// What was found.
    pub found: String,
}

impl std::fmt::Display for Broken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { seed, found } = self;
        write!(f, "seed {seed} of revision {REVISION}: {found}\nagain with: seathold-sim --seed {seed}")
    }
}

/// Runs one seed. `told` prints what happens.
pub fn run(seed: u64, bug: Bug, told: bool) -> Result<Ran, Broken> {
    let ran = catch_unwind(AssertUnwindSafe(|| live(seed, bug, told))).unwrap_or_else(|panic| {
        let text = panic.downcast_ref::<String>().cloned();
        let text = text.or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned()));
        Err(format!("panicked: {}", text.unwrap_or_default()))
    });
    ran.map_err(|found| Broken { seed, found })
}

/// Of so many seeds one has two servers and a Redis; the others have one server and a disk.
const PAIR_IN: u64 = 3;

fn live(seed: u64, bug: Bug, told: bool) -> Result<Ran, String> {
    if seed % PAIR_IN == PAIR_IN - 1 {
        let mut pair = Pair::new(seed, bug, told)?;
        pair.run()?;
        pair.heal()?;
        return Ok(Ran { digest: pair.digest(), counts: pair.counts() });
    }
    let mut world = World::new(seed, bug, told)?;
    world.run()?;
    world.heal()?;
    Ok(Ran { digest: world.digest(), counts: world.counts() })
}
