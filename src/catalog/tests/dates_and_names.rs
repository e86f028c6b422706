//! What a good feed becomes: days, midnight, names, columns in any order, folders and zips.

use seathold_protocol::DepartureId;

use super::{fixture, listing};
use crate::catalog::{DepartureIndex, Resolution, date_of};

const X1: &str = "X 1 A 28800 B 29520 C 30600";
const X2: &str = "X 2 C 84600 A 88800";

#[test]
fn a_calendar_with_exceptions() {
    let catalog = fixture().import().unwrap();
    let days = |train: &str| -> Vec<_> {
        let runs = catalog.indices().filter(|index| catalog.train_name(*index) == train);
        runs.map(|index| date_of(catalog.day(index)).to_string()).collect()
    };
    // Wednesday the 3rd is removed, Saturday the 6th added.
    assert_eq!(days("X 1"), ["2026-06-01", "2026-06-02", "2026-06-04", "2026-06-05", "2026-06-06"]);
    assert_eq!(days("X 2").len(), 7);
    assert_eq!(catalog.report().departures, 12);
    let day = |text: &str| text.parse().unwrap();
    assert_eq!(catalog.resolve("X 1", day("2026-06-03")), Resolution::NotRunning);
    assert_eq!(catalog.resolve("X 9", day("2026-06-03")), Resolution::UnknownTrain);
    let id = DepartureId::new("X 1", day("2026-06-06"));
    assert!(
        matches!(catalog.resolve("X 1", day("2026-06-06")), Resolution::Found(at) if catalog.id(at) == id)
    );
}

#[test]
fn either_calendar_alone() {
    let weekly = fixture().without("calendar_dates.txt").import().unwrap();
    assert_eq!(weekly.len(), 5 + 7);
    let dated = fixture().without("calendar.txt").line("trips.txt", 3, "r2,work,t2,X 2").import().unwrap();
    assert_eq!(listing(&dated), [format!("2026-06-06 {X1}"), format!("2026-06-06 {X2}")]);
}

#[test]
fn dates_without_trains_say_which_have_some() {
    let refusal = fixture().dates("2027-01-01..2027-01-31").refusal();
    assert!(
        refusal[0].ends_with(
            "no train runs on 2027-01-01..2027-01-31; it has trains from 2026-01-01 to 2026-12-31"
        ),
        "{refusal:?}"
    );
}

#[test]
fn a_zip_is_a_folder() {
    let (folder, zip) = (fixture().import().unwrap(), fixture().import_zip().unwrap());
    assert_eq!(listing(&folder), listing(&zip));
    assert_eq!(folder.report(), zip.report());
}

#[test]
fn byte_order_mark_order_of_columns_and_unknown_columns() {
    let feed = fixture()
        .line("stops.txt", 1, "\u{feff}stop_name,zone, stop_id ")
        .line("stops.txt", 2, "Aldon,1,A\r")
        .line("stops.txt", 3, "\"Berrow, \"\"Old\"\" Town\",1, B")
        .line("stops.txt", 4, "Corrin,2,C");
    let catalog = feed.import().unwrap();
    assert_eq!(listing(&catalog), listing(&fixture().import().unwrap()));
    assert_eq!(&*catalog.stops(DepartureIndex(0))[1].name, "Berrow, \"Old\" Town");
}

#[test]
fn rows_are_sorted_by_stop_sequence() {
    let feed = fixture().line("stop_times.txt", 2, "t1,08:30:00,08:30:00,C,30").line(
        "stop_times.txt",
        4,
        "t1,8:00:00,8:00:00,A,1",
    );
    assert_eq!(listing(&feed.import().unwrap()), listing(&fixture().import().unwrap()));
}

#[test]
fn times_left_out_are_spread_between_those_given() {
    let feed = fixture()
        .line("stop_times.txt", 2, "t1,,08:00:00,A,1")
        .line("stop_times.txt", 3, "t1,,,B,2")
        .line("stop_times.txt", 7, "t1,,,A,4")
        .line("stop_times.txt", 8, "t1,09:00:00,,B,5");
    let catalog = feed.import().unwrap();
    assert!(
        listing(&catalog)[0].ends_with("A 28800 B 29700 C 30600 A 31500 B 32400"),
        "{:?}",
        listing(&catalog)
    );
}

#[test]
fn names_fall_back_from_trip_to_route_to_id() {
    let feed = fixture().dates("2026-06-01").line("trips.txt", 2, "r1,work,t1,").line(
        "trips.txt",
        3,
        "r2,daily,t2,",
    );
    let names = |feed: &super::Fixture| -> Vec<_> {
        listing(&feed.import().unwrap()).iter().map(|line| line[11..15].to_owned()).collect()
    };
    assert_eq!(names(&feed), ["Long", "Q 1 "]);
    assert_eq!(names(&feed.line("routes.txt", 3, "r2,,")), ["Q 1 ", "t2 C"]);
}

#[test]
fn of_two_trips_with_one_name_on_a_day_the_first_to_leave_keeps_it() {
    let feed = fixture().dates("2026-06-02..2026-06-03").line("trips.txt", 2, "r1,work,t1,X 2");
    let catalog = feed.import().unwrap();
    let [one, two] = [X1, X2].map(|line| &line[3..]);
    assert_eq!(
        listing(&catalog),
        [
            format!("2026-06-02 X 2{one}"),
            format!("2026-06-02 X 2#2{two}"),
            // Alone on its day, the later trip has the name.
            format!("2026-06-03 X 2{two}"),
        ]
    );
    // Both leave at once: the lower trip id is first.
    let catalog = feed.line("stop_times.txt", 5, "t2,08:00:00,08:00:00,C,5").import().unwrap();
    assert!(listing(&catalog)[0].contains("X 2 A"), "{:?}", listing(&catalog));
}

#[test]
fn a_name_that_looks_like_a_second_trip_is_refused_when_it_is_taken() {
    let refusal = fixture()
        .line("trips.txt", 2, "r1,work,t1,X 2")
        .line("trips.txt", 4, "r1,work,t3,X 2#2")
        .line("stop_times.txt", 7, "t3,08:00:00,08:00:00,A,1")
        .line("stop_times.txt", 8, "t3,09:00:00,09:00:00,B,2")
        .refusal();
    assert_eq!(refusal, ["trips.txt: two trains are called X 2#2 on 2026-06-01: rename one of them"]);
}

#[test]
fn sales_open_and_close_by_the_clocks_of_the_agency() {
    let rules = format!("[sale]\nopens = \"70 days before at 08:00\"\ncloses = \"5m\"\n{}", super::RULES);
    let catalog = fixture().rules(&rules).dates("2026-06-01").import().unwrap();
    let ms = |text: &str| text.parse::<jiff::Timestamp>().unwrap().as_millisecond();
    let of = |train: &str| {
        let index = catalog.indices().find(|index| catalog.train_name(*index) == train).unwrap();
        catalog.rules(index)
    };
    // 70 days before, the clocks had not gone forward yet.
    assert_eq!(of("X 1").opens_at_ms, Some(ms("2026-03-23T07:00:00Z")));
    assert_eq!(of("X 1").closes_at_ms, Some(ms("2026-06-01T05:55:00Z")));
    assert_eq!(of("X 2").closes_at_ms, Some(ms("2026-06-01T21:25:00Z")));
    assert_eq!(of("X 1").opens_in_ms(ms("2026-03-23T06:59:59Z")), 1_000);
    assert_eq!(of("X 1").closes_in_ms(ms("2026-06-02T00:00:00Z")), 0);
}
