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
    /// A server begins, again or beside the other, and takes the ledger over.
    TakeOver,
    /// Redis fails over to its replica.
    FailOver,
    /// Redis starts again with nothing.
    Empty,
    /// Redis reaches its memory limit, or has room again.
    FillRedis,
    /// Redis takes no writes, or does again.
    Freeze,
    /// Redis cannot be reached, for a while.
    HideRedis,
    /// Redis loses its scripts and functions.
    FlushScripts,
    /// Connections to Redis break.
    CutRedis,
}

/// Faults of a world with a disk, and the most of a thousand steps that are one.
pub(crate) const OF_A_DISK: [(Fault, u32); 9] = [
    (Fault::Kill, 6),
    (Fault::PowerLoss, 6),
    (Fault::Disk, 15),
    (Fault::SlowDisk, 6),
    (Fault::Cut, 20),
    (Fault::Deafen, 10),
    (Fault::WallClock, 3),
    (Fault::Flood, 1),
    (Fault::Rot, 6),
];

/// Faults of a world with a Redis.
pub(crate) const OF_A_REDIS: [(Fault, u32); 13] = [
    (Fault::Kill, 4),
    (Fault::PowerLoss, 4),
    (Fault::TakeOver, 10),
    (Fault::FailOver, 10),
    (Fault::Empty, 2),
    (Fault::FillRedis, 6),
    (Fault::Freeze, 6),
    (Fault::HideRedis, 6),
    (Fault::FlushScripts, 6),
    (Fault::CutRedis, 10),
    (Fault::Cut, 20),
    (Fault::Deafen, 10),
    (Fault::WallClock, 2),
];

/// The faults of one world.
pub(crate) struct Weather {
    per_mille: Vec<(Fault, u32)>,
}

impl Weather {
    /// Half of the kinds on average: what always happens hides what follows from the rest.
    pub(crate) fn new(random: &mut Xoshiro256PlusPlus, faults: &[(Fault, u32)]) -> Self {
        let draw = |(fault, most): &(Fault, u32)| {
            let happens = random.random_bool(0.5);
            (*fault, if happens { random.random_range(1..=*most) } else { 0 })
        };
        Self { per_mille: faults.iter().map(draw).collect() }
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
