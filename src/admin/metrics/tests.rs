//! The page as a scraper reads it: exact text where it is short, its grammar where it is long.

use super::*;
use crate::counters::Counters;
use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

fn watched(cores: usize) -> Watched {
    Watched {
        counters: (0..cores).map(|_| Arc::new(Counters::default())).collect(),
        redis: None,
        ledger: Arc::default(),
        departures: 42,
        partitions: 16,
        up_since: SystemTime::UNIX_EPOCH + Duration::from_millis(1_800_000_000_999),
        stopping: Arc::default(),
    }
}

#[test]
fn what_is_known_of_the_server_comes_first() {
    let mut page = Exposition::default();
    facts(&mut page, &watched(1));
    let version = env!("CARGO_PKG_VERSION");
    let expected = format!(
        "# HELP seathold_build_info The version of the server, always 1.\n\
         # TYPE seathold_build_info gauge\n\
         seathold_build_info{{version=\"{version}\"}} 1\n\
         # HELP seathold_up_since When the server was ready, in Unix seconds.\n\
         # TYPE seathold_up_since gauge\n\
         seathold_up_since 1800000000\n\
         # HELP seathold_departures Departures in the timetable that is loaded.\n\
         # TYPE seathold_departures gauge\n\
         seathold_departures 42\n\
         # HELP seathold_partitions Partitions of the ledger.\n\
         # TYPE seathold_partitions gauge\n\
         seathold_partitions 16\n"
    );
    assert_eq!(page.text, expected);
}

#[test]
fn each_core_has_its_own_sample() {
    let watched = watched(2);
    watched.counters[0].add(Counter::Reserved, 3);
    watched.counters[1].count_refusal(Status::SoldOut);
    let page = render(&watched);
    let reserved = "# TYPE seathold_reserved_total counter\n\
                    seathold_reserved_total{core=\"0\"} 3\n\
                    seathold_reserved_total{core=\"1\"} 0\n";
    assert!(page.contains(reserved), "{page}");
    let refused = "seathold_refused_total{core=\"0\",status=\"SOLD_OUT\"} 0\n\
                   seathold_refused_total{core=\"1\",status=\"SOLD_OUT\"} 1\n";
    assert!(page.contains(refused), "{page}");
}

#[test]
fn appends_are_a_histogram_in_seconds() {
    let watched = watched(1);
    // One append longer than the last bound: counted, and in no bucket but the last.
    watched.ledger.groups.store(1, Relaxed);
    let page = render(&watched);
    let (_, histogram) = page.split_once("# TYPE seathold_ledger_append_seconds histogram\n").unwrap();
    let lines: Vec<_> = histogram.lines().take(27).collect();
    assert_eq!(lines[0], "seathold_ledger_append_seconds_bucket{le=\"0.000001\"} 0");
    assert_eq!(lines[23], "seathold_ledger_append_seconds_bucket{le=\"8.388608\"} 0");
    assert_eq!(lines[24], "seathold_ledger_append_seconds_bucket{le=\"+Inf\"} 1");
    assert_eq!(lines[25], "seathold_ledger_append_seconds_sum 0");
    assert_eq!(lines[26], "seathold_ledger_append_seconds_count 1");
}

#[test]
fn one_state_of_the_ledger_holds_at_a_time() {
    let watched = watched(1);
    for is in Health::ALL {
        watched.ledger.set_health(is);
        let page = render(&watched);
        for health in Health::ALL {
            let sample =
                format!("seathold_ledger_health{{is=\"{}\"}} {}\n", health.name(), u8::from(health == is));
            assert!(page.contains(&sample), "{sample} is not in {page}");
        }
    }
}

#[test]
fn every_line_keeps_to_the_grammar() {
    let page = render(&watched(2));
    let mut families = HashSet::new();
    let mut samples = HashSet::new();
    let mut open = ("", "");
    for line in page.lines() {
        if let Some(help) = line.strip_prefix("# HELP ") {
            let (name, sentence) = help.split_once(' ').unwrap();
            assert!(families.insert(name), "{name} comes twice");
            assert!(sentence.ends_with('.') && !sentence.contains('\\'), "{line}");
            open = (name, "");
        } else if let Some(kind) = line.strip_prefix("# TYPE ") {
            open = (open.0, kind.strip_prefix(open.0).unwrap().trim_start());
            assert!(matches!(open.1, "counter" | "gauge" | "histogram"), "{line}");
            assert_eq!(open.1 == "counter", open.0.ends_with("_total"), "{line}");
        } else {
            let (series, value) = line.rsplit_once(' ').unwrap();
            assert!(samples.insert(series), "{series} comes twice");
            assert!(value.parse::<f64>().unwrap() >= 0.0, "{line}");
            let name = series.split('{').next().unwrap();
            let suffix = name.strip_prefix(open.0).unwrap_or_else(|| panic!("{line} is not of {}", open.0));
            assert!(suffix.is_empty() || open.1 == "histogram", "{line}");
        }
    }
    assert!(page.ends_with('\n'));
}

#[test]
fn a_ledger_in_redis_shows_what_was_found_and_counted_there() {
    let without = render(&watched(1));
    assert!(!without.contains("seathold_redis"), "{without}");
    let figures = Arc::new(redis::Figures::default());
    figures.lost_batches.store(7, Relaxed);
    let page = render(&Watched { redis: Some(figures), ..watched(1) });
    assert!(page.contains("\nseathold_redis_lost_batches_total 7\n"), "{page}");
    assert!(page.contains("# TYPE seathold_redis_server_info gauge"), "{page}");
}
