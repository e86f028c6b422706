//! New ids for reservations, accounts and passengers.
//!
//! They must differ from those of every earlier run, whatever the seed: asking again under an old id is answered as
//! before and sells nothing. So they come from a generator of their own, seeded by the system.

use rand::{Rng, SeedableRng};
use rand_xoshiro::{SplitMix64, Xoshiro256PlusPlus};
use seathold_protocol::limits::PASSENGERS_MAX;
use seathold_protocol::{AccountId, PassengerId, ReservationId};
use std::hash::{BuildHasher, RandomState};

/// Draws ids that nobody drew before.
#[derive(Clone, Debug)]
pub(super) struct Names(Xoshiro256PlusPlus);

impl Names {
    /// A stream of its own: the standard library keys each hasher with the system's randomness.
    pub(super) fn new() -> Self {
        Self(Xoshiro256PlusPlus::seed_from_u64(RandomState::new().hash_one("names")))
    }

    pub(super) fn reservation(&mut self) -> ReservationId {
        ReservationId(u128::from(self.0.next_u64()) << 64 | u128::from(self.0.next_u64()))
    }

    pub(super) fn account(&mut self) -> AccountId {
        AccountId(self.0.next_u64())
    }
}

/// Who travels under an id: the same passengers whenever they are asked for, so that nobody has to remember them. The
/// first `party` differ from those of every other id; the others are 0 and do not travel. Drawn from a generator that costs
/// nothing to seed, for it serves one request.
pub(super) fn passengers(id: ReservationId, party: u8) -> [PassengerId; PASSENGERS_MAX] {
    let mut drawn = SplitMix64::seed_from_u64((id.0 >> 64) as u64 ^ id.0 as u64);
    let mut passengers = [PassengerId(0); PASSENGERS_MAX];
    for passenger in passengers.iter_mut().take(usize::from(party)) {
        *passenger = PassengerId(drawn.next_u64());
    }
    passengers
}
