//! Imports of small feeds, written line by line so that each test shows the fault that it is about.

mod dates_and_names;
mod faults;
mod feeds;

use std::collections::BTreeMap;
use std::fs;
use std::io::Write;
use std::path::Path;

use tempfile::TempDir;

use super::{Catalog, DateRange, ImportError, ImportOptions};

const RULES: &str = "\
[[plans.small.class]]
name = \"second\"
seats = [{ coaches = 1, rows = \"1-5\", letters = \"AB\" }]
[[train]]
name = \"*\"
plan = \"small\"
";

/// A feed and its rules, good until a test changes a line.
struct Fixture {
    files: BTreeMap<&'static str, Vec<String>>,
    rules: String,
    dates: DateRange,
    lenient: bool,
}

/// Trips t1 (X 1, weekdays) and t2 (X 2, daily) over stops A, B, C, in the week of Monday 2026-06-01.
fn fixture() -> Fixture {
    let files = [
        ("agency.txt", "agency_id,agency_name,agency_timezone\nO,Orvane,Europe/Berlin"),
        ("stops.txt", "stop_id,stop_name\nA,Aldon\nB,Berrow\nC,Corrin"),
        ("routes.txt", "route_id,route_short_name,route_long_name\nr1,Q 1,Long\nr2,,Long"),
        ("trips.txt", "route_id,service_id,trip_id,trip_short_name\nr1,work,t1,X 1\nr2,daily,t2,X 2"),
        (
            "stop_times.txt",
            "trip_id,arrival_time,departure_time,stop_id,stop_sequence\n\
             t1,08:00:00,08:00:00,A,1\n\
             t1,08:10:00,08:12:00,B,2\n\
             t1,08:30:00,08:30:00,C,3\n\
             t2,23:30:00,23:30:00,C,5\n\
             t2,24:40:00,24:40:00,A,9",
        ),
        (
            "calendar.txt",
            "service_id,monday,tuesday,wednesday,thursday,friday,saturday,sunday,start_date,end_date\n\
             work,1,1,1,1,1,0,0,20260101,20261231\n\
             daily,1,1,1,1,1,1,1,20260101,20261231",
        ),
        ("calendar_dates.txt", "service_id,date,exception_type\nwork,20260603,2\nwork,20260606,1"),
    ];
    Fixture {
        files: files
            .into_iter()
            .map(|(name, text)| (name, text.lines().map(str::to_owned).collect()))
            .collect(),
        rules: RULES.to_owned(),
        dates: "2026-06-01..2026-06-07".parse().unwrap(),
        lenient: false,
    }
}

impl Fixture {
    /// Replaces a line, counted from 1, or adds the next.
    fn line(mut self, file: &'static str, line: usize, text: &str) -> Self {
        let lines = self.files.entry(file).or_default();
        if line > lines.len() {
            lines.push(text.to_owned());
        } else {
            lines[line - 1] = text.to_owned();
        }
        self
    }

    fn without(mut self, file: &str) -> Self {
        self.files.remove(file);
        self
    }

    fn rules(mut self, rules: &str) -> Self {
        self.rules = rules.to_owned();
        self
    }

    fn dates(mut self, dates: &str) -> Self {
        self.dates = dates.parse().unwrap();
        self
    }

    fn lenient(mut self) -> Self {
        self.lenient = true;
        self
    }

    fn write(&self, folder: &Path) {
        for (name, lines) in &self.files {
            fs::write(folder.join(name), lines.join("\n")).unwrap();
        }
        fs::write(folder.join("rules.toml"), &self.rules).unwrap();
    }

    fn import(&self) -> Result<Catalog, ImportError> {
        let folder = TempDir::new().unwrap();
        self.write(folder.path());
        self.import_from(folder.path(), folder.path())
    }

    fn import_zip(&self) -> Result<Catalog, ImportError> {
        let folder = TempDir::new().unwrap();
        self.write(folder.path());
        let path = folder.path().join("feed.zip");
        let mut zip = zip::ZipWriter::new(fs::File::create(&path).unwrap());
        for (name, lines) in &self.files {
            zip.start_file(*name, zip::write::SimpleFileOptions::default()).unwrap();
            zip.write_all(lines.join("\n").as_bytes()).unwrap();
        }
        zip.finish().unwrap();
        self.import_from(&path, folder.path())
    }

    fn import_from(&self, gtfs: &Path, folder: &Path) -> Result<Catalog, ImportError> {
        Catalog::import(&ImportOptions {
            gtfs: gtfs.to_owned(),
            rules: folder.join("rules.toml"),
            dates: self.dates,
            lenient: self.lenient,
        })
    }

    /// What a refused import says, line by line.
    fn refusal(&self) -> Vec<String> {
        let error = self.import().expect_err("the import is refused");
        error.to_string().lines().map(str::to_owned).collect()
    }
}

/// Every departure of a catalogue as text.
fn listing(catalog: &Catalog) -> Vec<String> {
    let show = |index| {
        let stops: Vec<_> =
            catalog.calls(index).map(|call| format!("{} {}", call.code, call.departure_s)).collect();
        let day = super::date_of(catalog.day(index));
        format!("{day} {} {}", catalog.train_name(index), stops.join(" "))
    };
    catalog.indices().map(show).collect()
}
