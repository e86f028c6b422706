//! Every kind of bad row: named with file and line, and nothing loaded. Lenient: bad trips left out and listed.

use super::{Fixture, fixture};

/// (file, line to replace, its text, what is said).
type Fault = (&'static str, usize, &'static str, &'static str);

/// Faults of one trip: a lenient import goes on.
const OF_TRIPS: &[Fault] = &[
    ("trips.txt", 2, "r9,work,t1,X 1", "trips.txt:2: trip t1: there is no route \"r9\" in routes.txt"),
    (
        "trips.txt",
        2,
        "r1,never,t1,X 1",
        "trips.txt:2: trip t1: there is no service \"never\" in the calendars",
    ),
    ("trips.txt", 4, "r1,work,t1,X 3", "trips.txt:4: the trip t1 stands twice (line 2 before)"),
    ("trips.txt", 4, "r1,work,t3,X 3", "trips.txt:4: trip t3 has 0 stops; allowed are 2 to 128"),
    (
        "stop_times.txt",
        3,
        "t1,08:10:00,08:12:00,Z,2",
        "stop_times.txt:3: trip t1: there is no stop \"Z\" in stops.txt",
    ),
    (
        "stop_times.txt",
        7,
        "t7,08:10:00,08:12:00,A,2",
        "stop_times.txt:7: there is no trip \"t7\" in trips.txt",
    ),
    (
        "stop_times.txt",
        3,
        "t1,08:60:00,08:12:00,B,2",
        "stop_times.txt:3: trip t1: \"08:60:00\" is not a time: GTFS writes HH:MM:SS, up to 240 hours",
    ),
    (
        "stop_times.txt",
        3,
        "t1,08:10:00,-8:12:00,B,2",
        "stop_times.txt:3: trip t1: \"-8:12:00\" is not a time: GTFS writes HH:MM:SS, up to 240 hours",
    ),
    (
        "stop_times.txt",
        3,
        "t1,07:59:59,08:12:00,B,2",
        "stop_times.txt:3: trip t1: it arrives at 07:59:59 and left the stop before at 08:00:00",
    ),
    (
        "stop_times.txt",
        3,
        "t1,08:10:00,08:09:00,B,2",
        "stop_times.txt:3: trip t1: it arrives at 08:10:00 and leaves before that, at 08:09:00",
    ),
    (
        "stop_times.txt",
        4,
        "t1,08:30:00,08:30:00,C,2",
        "stop_times.txt:4: trip t1: stop_sequence 2 stands twice (line 3 before)",
    ),
    (
        "stop_times.txt",
        3,
        "t1,08:10:00,08:12:00,B,-2",
        "stop_times.txt:3: trip t1: stop_sequence is \"-2\", not a whole number from 0",
    ),
    ("stop_times.txt", 2, "t1,,,A,1", "stop_times.txt:2: trip t1: the first and the last stop need a time"),
    ("stop_times.txt", 4, "t1,,,C,3", "stop_times.txt:4: trip t1: the first and the last stop need a time"),
];

/// Faults of the feed: fatal, lenient or not.
const OF_FEED: &[Fault] = &[
    (
        "agency.txt",
        2,
        "O,Orvane,Europe/Atlantis",
        "agency.txt:2: agency_timezone \"Europe/Atlantis\" is not a known time zone",
    ),
    (
        "agency.txt",
        3,
        "P,Other,Asia/Shanghai",
        "agency.txt:3: agency_timezone is \"Asia/Shanghai\", and \"Europe/Berlin\" before: a feed has one time zone",
    ),
    ("stops.txt", 1, "id,stop_name", "stops.txt:1: the column stop_id is missing from the header"),
    ("stops.txt", 1, "stop_id,stop_id", "stops.txt:1: the column stop_id stands twice"),
    ("stops.txt", 3, "B", "stops.txt:3: the row has 1 fields, the header 2"),
    (
        "stops.txt",
        3,
        ",Berrow",
        "stops.txt:3: stop_id has 0 bytes; allowed are 1 to 64, no control characters",
    ),
    ("stops.txt", 4, "A,Again", "stops.txt:4: the stop A stands twice"),
    ("routes.txt", 3, "r1,,Long", "routes.txt:3: the route r1 stands twice"),
    ("routes.txt", 3, ",,Long", "routes.txt:3: route_id is empty"),
    ("trips.txt", 3, "r2,daily,\"t2,X 2", "trips.txt:3: the row has 3 fields, the header 4"),
    ("stop_times.txt", 3, "t1,08:10:00,08:12:00,B", "stop_times.txt:3: the row has 4 fields, the header 5"),
    (
        "calendar.txt",
        2,
        "work,1,1,1,1,1,0,0,20260230,20261231",
        "calendar.txt:2: \"20260230\" is not a date: GTFS writes YYYYMMDD, 1970 to 2149",
    ),
    (
        "calendar.txt",
        2,
        "work,1,1,1,1,1,0,0,20261231,20260101",
        "calendar.txt:2: end_date lies before start_date",
    ),
    (
        "calendar.txt",
        2,
        "work,1,1,x,1,1,0,0,20260101,20261231",
        "calendar.txt:2: wednesday is \"x\", not 0 or 1",
    ),
    (
        "calendar.txt",
        3,
        "work,1,1,1,1,1,0,0,20260101,20261231",
        "calendar.txt:3: the service work stands twice",
    ),
    (
        "calendar_dates.txt",
        2,
        "work,2026-06-03,2",
        "calendar_dates.txt:2: \"2026-06-03\" is not a date: GTFS writes YYYYMMDD, 1970 to 2149",
    ),
    (
        "calendar_dates.txt",
        3,
        "work,20260606,3",
        "calendar_dates.txt:3: exception_type is \"3\", not 1 (added) or 2 (removed)",
    ),
    (
        "calendar_dates.txt",
        3,
        "work,20260603,1",
        "calendar_dates.txt:3: the service work has 2026-06-03 twice (line 2 before)",
    ),
    ("calendar_dates.txt", 3, ",20260603,1", "calendar_dates.txt:3: service_id is empty"),
];

fn with((file, line, text, _): &Fault) -> Fixture {
    fixture().line(file, *line, text)
}

#[test]
fn a_bad_row_is_named_and_nothing_is_loaded() {
    for fault in OF_TRIPS.iter().chain(OF_FEED) {
        assert_eq!(with(fault).refusal(), [fault.3], "{fault:?}");
    }
}

#[test]
fn lenient_leaves_a_bad_trip_out_and_lists_it() {
    for fault in OF_TRIPS {
        let catalog = with(fault).lenient().import().unwrap();
        let skipped: Vec<_> = catalog.report().skipped.iter().map(ToString::to_string).collect();
        assert_eq!(skipped, [fault.3]);
        // Rows of a trip that does not exist and trips without rows leave t1 as it was.
        let t1_is_good = ["t7", "t3"].iter().any(|other| fault.2.contains(other));
        assert_eq!(catalog.report().trips, if t1_is_good { 2 } else { 1 }, "{fault:?}");
    }
}

#[test]
fn lenient_does_not_guess_around_a_broken_feed() {
    for fault in OF_FEED {
        assert_eq!(with(fault).lenient().refusal(), [fault.3]);
    }
}

#[test]
fn a_missing_file_is_named() {
    for file in ["agency.txt", "stops.txt", "routes.txt", "trips.txt", "stop_times.txt"] {
        let expected = format!("{file}: is missing, and no feed is complete without it");
        assert_eq!(fixture().without(file).lenient().refusal(), [expected]);
    }
    let neither = fixture().without("calendar.txt").without("calendar_dates.txt").refusal();
    assert_eq!(
        neither,
        ["calendar.txt: is missing, and so is calendar_dates.txt: a feed has at least one of them"]
    );
}

#[test]
fn twenty_problems_are_shown_and_the_rest_counted() {
    let mut broken = fixture();
    for stop in 0..30 {
        broken = broken.line("stops.txt", 5 + stop, "A,Again");
    }
    let refusal = broken.refusal();
    assert_eq!(refusal.len(), 21);
    assert_eq!(refusal[19], "stops.txt:24: the stop A stands twice");
    assert_eq!(refusal[20], "and 10 more");
}

#[test]
fn a_route_has_at_most_128_stops() {
    let route = |stops: usize| {
        let mut feed = fixture().line("trips.txt", 4, "r1,work,t3,X 3");
        for stop in 0..stops {
            feed = feed.line("stop_times.txt", 7 + stop, &format!("t3,{}:00:00,,A,{stop}", 1 + stop));
        }
        feed
    };
    assert_eq!(route(129).refusal(), ["trips.txt:4: trip t3 has 129 stops; allowed are 2 to 128"]);
    let catalog = route(128).import().unwrap();
    assert_eq!(catalog.indices().map(|index| catalog.segments(index)).max(), Some(127));
}

#[test]
fn text_that_is_not_utf_8_is_named() {
    let folder = tempfile::TempDir::new().unwrap();
    let feed = fixture();
    feed.write(folder.path());
    std::fs::write(folder.path().join("stops.txt"), b"stop_id,stop_name\nA,x\nB,Z\xfcrich\n").unwrap();
    let error = feed.import_from(folder.path(), folder.path()).unwrap_err();
    assert_eq!(error.to_string(), "stops.txt:3: is not UTF-8 text, as GTFS demands");
}

#[test]
fn trips_by_frequency_are_refused() {
    let feed = fixture().line("frequencies.txt", 1, "trip_id,start_time,end_time,headway_secs");
    assert!(feed.import().is_ok());
    let refusal = feed.line("frequencies.txt", 2, "t1,06:00:00,09:00:00,600").refusal();
    assert_eq!(
        refusal,
        ["frequencies.txt:2: trips by frequency cannot be sold by seat: remove them from the feed"]
    );
}

#[test]
fn a_path_that_is_no_feed_is_named() {
    let folder = tempfile::TempDir::new().unwrap();
    let feed = fixture();
    feed.write(folder.path());
    let refusal =
        |name: &str| feed.import_from(&folder.path().join(name), folder.path()).unwrap_err().to_string();
    assert!(refusal("absent").contains("absent: cannot be opened:"), "{}", refusal("absent"));
    assert!(refusal("rules.toml").contains("rules.toml: is neither a folder nor a zip file"));
}

#[test]
fn a_train_without_a_rule_is_named() {
    let feed = fixture().rules(&super::RULES.replace('*', "X 2"));
    let said = "trips.txt:2: trip t1: no rule fits the train \"X 1\": add a [[train]] entry for it";
    assert_eq!(feed.refusal(), [said]);
    let catalog = feed.lenient().import().unwrap();
    assert_eq!((catalog.len(), catalog.report().skipped[0].to_string().as_str()), (7, said));
}
