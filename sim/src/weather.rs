//! What goes wrong in a world, and how often: each seed draws its own.

use rand::RngExt;
use rand_xoshiro::Xoshiro256PlusPlus;

/// One kind of fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// SIGKILL.
    Kill,
    /// The host loses its power.
    PowerLoss,
    /// The disk fails, soon.
    Disk,
    /// The disk takes its time.
    SlowDisk,
    /// A connection breaks.
    Cut,
    /// A connection falls silent in one direction.
    Deafen,
    /// The wall clock is set.
    WallClock,
    /// Clients fill a queue.
    Flood,
    /// A bit of the ledger flips while nobody runs.
    Rot,
}

/// Faults and the most of a thousand steps that are one.
const FAULTS: [(Fault, u32); 9] = [
    (Fault::Kill, 6),
    (Fault::PowerLoss, 6),
    (Fault::Disk, 15),
    (Fault::SlowDisk, 6),
    (Fault::Cut, 20),
    (Fault::Deafen, 10),
    (Fault::WallClock, 3),
    (Fault::Flood, 1),
    (Fault::Rot, 3),
];

/// The faults of one world.
pub(crate) struct Weather {
    per_mille: Vec<(Fault, u32)>,
}

impl Weather {
    /// Half of the kinds on average: what always happens hides what follows from the rest.
    pub(crate) fn new(random: &mut Xoshiro256PlusPlus) -> Self {
        let drawn = FAULTS.map(|(fault, most)| {
            let happens = random.random_bool(0.5);
            (fault, if happens { random.random_range(1..=most) } else { 0 })
        });
        Self { per_mille: drawn.to_vec() }
    }

    /// The fault of one step, if it is one.
    pub(crate) fn draw(&self, random: &mut Xoshiro256PlusPlus) -> Option<Fault> {
        let mut roll = random.random_range(0..1_000);
        for (fault, rate) in &self.per_mille {
            if roll < *rate {
                return Some(*fault);
            }
            roll -= rate;
        }
        None
    }
}
