//! Whole feeds: the repository's own, and the real ones where they are at hand.

use std::path::{Path, PathBuf};
use std::time::Instant;

use crate::catalog::{Catalog, ImportError, ImportOptions, Problem, Resolution};

fn import(gtfs: PathBuf, rules: &str, dates: &str, lenient: bool) -> Result<Catalog, ImportError> {
    let rules = Path::new(env!("CARGO_MANIFEST_DIR")).join("feeds").join(rules);
    Catalog::import(&ImportOptions { gtfs, rules, dates: dates.parse().unwrap(), lenient })
}

fn sample(dates: &str) -> Catalog {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("feeds/sample");
    import(folder, "sample/rules.toml", dates, false).unwrap_or_else(|error| panic!("{error}"))
}

#[test]
fn the_sample_feed_imports_strictly() {
    let catalog = sample("2026-01-01..2030-12-31");
    let stops = || catalog.indices().map(|index| catalog.stops(index).len());
    assert_eq!((stops().min(), stops().max()), (Some(2), Some(30)));
    assert!(catalog.report().trips >= 40);
    assert_eq!(catalog.report().trips, catalog.report().trips_running);
    let after_midnight =
        catalog.trains.iter().filter(|train| train.times[train.times.len() - 1].arrival_s >= 86_400);
    assert!(after_midnight.count() >= 3);
    // The festival train comes in two portions.
    let saturday = "2026-06-13".parse().unwrap();
    assert!(matches!(catalog.resolve("X 99#2", saturday), Resolution::Found(_)));
}

#[test]
fn the_sample_feed_has_about_ten_thousand_places_a_day() {
    let catalog = sample("2026-01-15");
    assert!(catalog.len() >= 40, "{} departures", catalog.len());
    let capacity =
        |index| -> u32 { catalog.seat_plan(index).classes.iter().map(|class| class.capacity()).sum() };
    let places: u32 = catalog.indices().map(capacity).sum();
    assert!((9_000..16_000).contains(&places), "{places} places");
    let admissions = catalog.indices().filter(|index| catalog.segments(*index) == 1);
    assert!(admissions.count() >= 1);
}

#[test]
fn a_departure_costs_a_few_dozen_bytes() {
    let catalog = sample("2026-01-01..2030-12-31");
    let table = catalog.by_id.allocation_size();
    let departures = catalog.departures.capacity() * size_of_val(&catalog.departures[0]);
    let bytes = (table + departures) / catalog.len();
    assert!(bytes <= 24, "{bytes} bytes a departure");
}

/// The folder with the real feeds, which the repository does not carry.
fn real_feeds() -> Option<PathBuf> {
    let folder = std::env::var_os("SEATHOLD_FEEDS").map(PathBuf::from);
    if folder.is_none() {
        println!("skipped: SEATHOLD_FEEDS does not name the folder with the real feeds");
    }
    folder
}

fn timed(name: &str, gtfs: PathBuf, dates: &str, lenient: bool) -> Result<Catalog, ImportError> {
    let started = Instant::now();
    let result = import(gtfs, "national.rules.toml", dates, lenient);
    let took_ms = started.elapsed().as_millis();
    match &result {
        Ok(catalog) => {
            let report = catalog.report();
            let (trips, running, trains) = (report.trips, report.trips_running, catalog.trains.len());
            let (departures, skipped) = (report.departures, report.skipped.len());
            println!(
                "{name} {dates}: {trips} trips ({skipped} skipped), {running} of them running, {trains} trains, \
                 {departures} departures in {took_ms} ms"
            );
        }
        Err(error) => println!("{name} {dates}: refused in {took_ms} ms\n{error}"),
    }
    result
}

/// The trips that a strict import refuses a feed for, and a lenient one leaves out: file and trip.
fn bad_trips(refusal: &ImportError, lenient: &Catalog) -> Vec<String> {
    assert_eq!((&refusal.problems, refusal.more), (&lenient.report().skipped, 0));
    let place = |problem: &Problem| {
        let trip = problem.text.split(':').next().unwrap_or_default();
        format!("{}:{} {trip}", problem.file, problem.line.unwrap_or_default())
    };
    refusal.problems.iter().map(place).collect()
}

#[test]
fn the_national_high_speed_network_imports_but_for_three_trips_without_a_calendar() {
    let Some(feeds) = real_feeds() else { return };
    let (folder, span) = (feeds.join("china-hsr-2016"), "2016-01-30..2016-04-30");
    let refusal = timed("china-hsr-2016", folder.clone(), span, false).unwrap_err();
    let lenient = timed("china-hsr-2016", folder.clone(), span, true).unwrap();
    // Their services S112 and S189 stand in neither calendar, so these trains run on no day.
    let bad = ["trips.txt:2518 trip D8809", "trips.txt:4383 trip G9012", "trips.txt:4384 trip G9014"];
    assert_eq!(bad_trips(&refusal, &lenient), bad);
    assert_eq!((lenient.report().trips, lenient.report().trips_running), (4_455, 4_455));
    timed("china-hsr-2016", folder.clone(), "2016-03-15", true).unwrap();
    timed("china-hsr-2016", folder, "2016-03-15..2016-03-29", true).unwrap();
}

#[test]
fn the_long_distance_network_imports_but_for_three_trips_that_run_back_in_time() {
    let Some(feeds) = real_feeds() else { return };
    let (folder, year) = (feeds.join("db-fernverkehr-2019"), "2018-12-09..2019-12-14");
    let refusal = timed("db-fernverkehr-2019", folder.clone(), year, false).unwrap_err();
    let lenient = timed("db-fernverkehr-2019", folder, year, true).unwrap();
    let bad = [
        "stop_times.txt:41660 trip 2718",
        "stop_times.txt:41729 trip 2721",
        "stop_times.txt:59659 trip 4026",
    ];
    assert_eq!(bad_trips(&refusal, &lenient), bad);
    assert_eq!((lenient.report().trips, lenient.report().trips_running), (6_060, 6_060));
    let second_trips = lenient.indices().filter(|index| lenient.train_name(*index).ends_with("#2")).count();
    assert_eq!(second_trips, 57);
}
