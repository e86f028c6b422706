//! The clocks of one simulated host: they run too fast or too slow, the wall clock jumps, and a reboot begins anew.

use rand::RngExt;
use rand_xoshiro::Xoshiro256PlusPlus;
use seathold_protocol::batch::Stamp;

/// How far a clock's rate may be off: one percent.
const DRIFT_PPM_MAX: i64 = 10_000;

/// The least true time that passes while a drifting clock counts `ms`.
pub(crate) fn least_true_ms(ms: u64) -> u64 {
    ms * 98 / 100
}

/// How far the wall clock of a host that is kept by NTP is off: twice that is still below the grace of a reboot.
const NTP_MS: i64 = 900;

/// The wall clock at the simulation's beginning.
const WALL_MS: i64 = 1_800_000_000_000;

/// One host's clocks.
#[derive(Clone, Copy, Debug)]
pub(crate) struct HostClock {
    boot_id: u128,
    /// The true time of the boot, and what the clock since boot began with.
    booted_ms: u64,
    base_ms: u64,
    drift_ppm: i64,
    wall_offset_ms: i64,
}

impl HostClock {
    /// A host that was booted at the simulation's beginning. Boots of hosts with different numbers have different ids.
    pub(crate) fn new(random: &mut Xoshiro256PlusPlus, host: usize) -> Self {
        let boot_id = (host as u128 + 1) << 64;
        let mut clock = Self { boot_id, booted_ms: 0, base_ms: 0, drift_ppm: 0, wall_offset_ms: 0 };
        clock.reboot(random, 0);
        clock
    }

    /// The clocks at a true time.
    pub(crate) fn read(&self, true_ms: u64) -> Stamp {
        let passed = true_ms - self.booted_ms;
        let counted = (i128::from(passed) * i128::from(1_000_000 + self.drift_ppm) / 1_000_000) as u64;
        Stamp {
            wall_ms: WALL_MS + true_ms as i64 + self.wall_offset_ms,
            boot_ms: self.base_ms + counted,
            boot_id: self.boot_id,
        }
    }

    /// The host starts again: another boot, at another rate, and a wall clock that NTP has set.
    pub(crate) fn reboot(&mut self, random: &mut Xoshiro256PlusPlus, true_ms: u64) {
        self.boot_id += 1;
        self.booted_ms = true_ms;
        self.base_ms = random.random_range(0..5_000);
        self.drift_ppm = random.random_range(-DRIFT_PPM_MAX..=DRIFT_PPM_MAX);
        self.wall_offset_ms = random.random_range(-NTP_MS..=NTP_MS);
    }

    /// Somebody sets the wall clock: by an hour or a year, ahead or back.
    pub(crate) fn jump(&mut self, random: &mut Xoshiro256PlusPlus) -> i64 {
        let hours = [1, 24 * 365][random.random_range(0..2)];
        let ms = hours * 3_600_000 * if random.random_bool(0.5) { 1 } else { -1 };
        self.wall_offset_ms += ms;
        ms
    }
}
