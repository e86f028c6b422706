//! Figures as people read them.

/// A rate without its fraction.
pub(in crate::load) fn whole(rate: f64) -> String {
    grouped(rate.round() as u64)
}

/// 1234567 as 1,234,567.
pub(in crate::load) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() * 4 / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// `1 thread`, `64 threads`: a number with what there is of it, in the number that it asks for.
pub(in crate::load) fn counted(number: u64, one: &str, many: &str) -> String {
    format!("{} {}", grouped(number), if number == 1 { one } else { many })
}

/// Microseconds in the unit that suits them.
pub(in crate::load) fn duration(us: f64) -> String {
    match us {
        us if us < 1_000.0 => format!("{us:.0} us"),
        us if us < 1_000_000.0 => format!("{:.2} ms", us / 1e3),
        us => format!("{:.2} s", us / 1e6),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_grouped_by_three() {
        assert_eq!([0, 999, 1_000, 1_234_567].map(grouped), ["0", "999", "1,000", "1,234,567"]);
    }

    #[test]
    fn one_is_no_plural() {
        let told = [0, 1, 2_000].map(|number| counted(number, "core", "cores"));
        assert_eq!(told, ["0 cores", "1 core", "2,000 cores"]);
    }

    #[test]
    fn durations_have_the_unit_that_suits_them() {
        assert_eq!([0.4, 999.0, 1_500.0, 2e6].map(duration), ["0 us", "999 us", "1.50 ms", "2.00 s"]);
    }
}
