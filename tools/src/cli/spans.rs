//! Spans of time as people type and read them.

use jiff::SignedDuration;
use std::time::Duration;

/// Reads `10m`, `90s`, `500ms`, `1h30m`.
pub(super) fn parse_span(text: &str) -> Result<Duration, String> {
    let wrong = || "write a span of time with its unit, for instance 10m, 90s or 500ms".to_owned();
    let span: SignedDuration = text.parse().map_err(|_| wrong())?;
    Duration::try_from(span).ok().filter(|span| span.as_millis() > 0).ok_or_else(wrong)
}

/// Milliseconds in the one or two units that a person wants to know.
pub(super) fn spoken(ms: u64) -> String {
    const SECOND: u64 = 1_000;
    const MINUTE: u64 = 60 * SECOND;
    const HOUR: u64 = 60 * MINUTE;
    const DAY: u64 = 24 * HOUR;
    let two = |large: u64, large_name: &str, small: u64, small_name: &str| match ms % large / small {
        0 => format!("{} {large_name}", ms / large),
        rest => format!("{} {large_name} {rest} {small_name}", ms / large),
    };
    match ms {
        ..SECOND => format!("{ms} ms"),
        SECOND..MINUTE => format!("{}.{} s", ms / SECOND, ms % SECOND / 100),
        MINUTE..HOUR => two(MINUTE, "min", SECOND, "s"),
        HOUR..DAY => two(HOUR, "h", MINUTE, "min"),
        DAY.. => two(DAY, "d", HOUR, "h"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_are_read() {
        assert_eq!(parse_span("10m"), Ok(Duration::from_secs(600)));
        assert_eq!(parse_span("500ms"), Ok(Duration::from_millis(500)));
        assert_eq!(parse_span("1h30m"), Ok(Duration::from_secs(5_400)));
        for wrong in ["10", "", "-5s", "0s", "10us", "ten minutes"] {
            assert!(parse_span(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn spans_are_told() {
        let told: Vec<_> = [0, 999, 1_234, 59_999, 60_000, 599_999, 3_600_000, 7_500_000, 90_000_000]
            .into_iter()
            .map(spoken)
            .collect();
        let expected =
            ["0 ms", "999 ms", "1.2 s", "59.9 s", "1 min", "9 min 59 s", "1 h", "2 h 5 min", "1 d 1 h"];
        assert_eq!(told, expected);
    }
}
