//! The host's clocks, read together.

use rustix::time::{ClockId, clock_gettime};
use seathold_protocol::batch::Stamp;
use std::io;

/// Reads the clocks of this host.
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    boot_id: u128,
}

impl Clock {
    /// Learns the id of the present boot, from `/proc/sys/kernel/random/boot_id` (random(4)).
    pub fn new() -> io::Result<Self> {
        let path = "/proc/sys/kernel/random/boot_id";
        let text = std::fs::read_to_string(path)?;
        let digits: String = text.trim().chars().filter(|digit| *digit != '-').collect();
        let boot_id = u128::from_str_radix(&digits, 16)
            .map_err(|_| io::Error::other(format!("{path} does not hold a boot id but {text:?}")))?;
        Ok(Self { boot_id })
    }

    /// Nanoseconds of CLOCK_MONOTONIC, for measuring how long something took.
    pub fn monotonic_ns(&self) -> u64 {
        let now = clock_gettime(ClockId::Monotonic);
        now.tv_sec as u64 * 1_000_000_000 + now.tv_nsec as u64
    }

    /// The present moment. `boot_ms` is CLOCK_BOOTTIME: it goes on while the host sleeps and never jumps.
    pub fn now(&self) -> Stamp {
        let boot = clock_gettime(ClockId::Boottime);
        let wall = clock_gettime(ClockId::Realtime);
        Stamp {
            wall_ms: wall.tv_sec * 1_000 + wall.tv_nsec / 1_000_000,
            boot_ms: (boot.tv_sec * 1_000 + boot.tv_nsec / 1_000_000) as u64,
            boot_id: self.boot_id,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::{SystemTime, UNIX_EPOCH};

    /// Milliseconds since the boot by /proc/uptime, which tells hundredths of a second.
    fn uptime_ms() -> u64 {
        let text = std::fs::read_to_string("/proc/uptime").unwrap();
        let (seconds, hundredths) = text.split(' ').next().unwrap().split_once('.').unwrap();
        seconds.parse::<u64>().unwrap() * 1_000 + hundredths.parse::<u64>().unwrap() * 10
    }

    fn since_1970_ms() -> i64 {
        SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis() as i64
    }

    #[test]
    fn a_stamp_has_the_time_since_the_boot_and_the_wall_clock_apart() {
        let clock = Clock::new().unwrap();
        let (boot, wall) = (uptime_ms(), since_1970_ms());
        let stamp = clock.now();
        assert!((boot..uptime_ms() + 10).contains(&stamp.boot_ms), "{boot} ms by /proc/uptime: {stamp:?}");
        assert!((wall..=since_1970_ms()).contains(&stamp.wall_ms), "{wall} ms since 1970: {stamp:?}");
    }
}
