//! Where a value stands on an axis, and which values the axis names.

use crate::load::results::figures::{duration, grouped};

/// Names on one axis, at most about this many.
const TICKS: f64 = 8.0;

/// One axis. Positions are from 0 to 1.
#[derive(Clone, Debug)]
pub(super) struct Scale {
    is_log: bool,
    min: f64,
    max: f64,
    /// Values that are named, with their names.
    pub(super) ticks: Vec<(f64, String)>,
}

impl Scale {
    /// From 0 to `max` in steps of 1, 2 or 5 times a power of ten, named as whole numbers.
    pub(super) fn linear(max: f64, is_tight: bool) -> Self {
        let max = max.max(1.0);
        let rough = max / TICKS;
        let power = 10_f64.powf(rough.log10().floor());
        let step = [1.0, 2.0, 5.0, 10.0].map(|times| times * power).into_iter().find(|step| *step >= rough);
        let step = step.expect("ten times a power of ten is above what it is the floor of").max(1.0);
        let count = (max / step + 1e-9).floor() as u64 + u64::from(!is_tight && (max / step).fract() > 1e-9);
        let ticks: Vec<_> =
            (0..=count).map(|at| at as f64 * step).map(|value| (value, grouped(value as u64))).collect();
        let top = if is_tight { max } else { count as f64 * step };
        Self { is_log: false, min: 0.0, max: top, ticks }
    }

    /// Microseconds over whole powers of ten around what is to be shown.
    pub(super) fn log_us(values: impl Iterator<Item = f64>) -> Self {
        let (low, high) = values
            .filter(|us| *us > 0.0)
            .fold((f64::INFINITY, 0.0_f64), |(low, high), us| (low.min(us), high.max(us)));
        let (low, high) = if high > 0.0 { (low, high) } else { (1.0, 10.0) };
        let low = low.log10().floor() as i32;
        let high = (high.log10().ceil() as i32).max(low + 1);
        let ticks = (low..=high).map(|power| 10_f64.powi(power)).map(|us| (us, name_us(us))).collect();
        Self { is_log: true, min: 10_f64.powi(low), max: 10_f64.powi(high), ticks }
    }

    /// Nines: 0 stands for no answers, 1 for 90 % of them, 2 for 99 %.
    pub(super) fn nines(max: f64) -> Self {
        let name = |nines: i32| match nines {
            0 => "0 %".to_owned(),
            nines => format!("{:.*} %", (nines - 2).max(0) as usize, 100.0 - 10_f64.powi(2 - nines)),
        };
        let ticks = (0..=max.ceil() as i32).map(|nines| (f64::from(nines), name(nines))).collect();
        Self { is_log: false, min: 0.0, max: max.ceil().max(1.0), ticks }
    }

    /// The position of a value; what is outside stands on the edge.
    pub(super) fn at(&self, value: f64) -> f64 {
        let place = |value: f64| if self.is_log { value.max(self.min).log10() } else { value };
        let (min, max) = (place(self.min), place(self.max));
        ((place(value) - min) / (max - min)).clamp(0.0, 1.0)
    }
}

fn name_us(us: f64) -> String {
    match us {
        us if us < 1.0 => format!("{us} us"),
        us if us < 1e3 => duration(us),
        us if us < 1e6 => format!("{} ms", us / 1e3),
        us => format!("{} s", us / 1e6),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(scale: &Scale) -> Vec<&str> {
        scale.ticks.iter().map(|(_, name)| name.as_str()).collect()
    }

    #[test]
    fn an_axis_names_round_values() {
        assert_eq!(
            names(&Scale::linear(45_000.0, false)),
            ["0", "10,000", "20,000", "30,000", "40,000", "50,000"]
        );
        assert_eq!(names(&Scale::linear(10.0, true)), ["0", "2", "4", "6", "8", "10"]);
        assert_eq!(names(&Scale::linear(0.0, false)), ["0", "1"]);
        assert_eq!(names(&Scale::log_us([30.0, 4_000.0].into_iter())), ["10 us", "100 us", "1 ms", "10 ms"]);
        assert_eq!(names(&Scale::nines(3.4)), ["0 %", "90 %", "99 %", "99.9 %", "99.99 %"]);
    }

    #[test]
    fn values_stand_in_proportion() {
        let scale = Scale::linear(100.0, true);
        assert_eq!([0.0, 50.0, 200.0].map(|value| scale.at(value)), [0.0, 0.5, 1.0]);
        let scale = Scale::log_us([1.0, 100.0].into_iter());
        assert_eq!([0.0, 1.0, 10.0, 100.0].map(|us| scale.at(us)), [0.0, 0.0, 0.5, 1.0]);
    }
}
