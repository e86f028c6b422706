//! A folder to import a feed and its rules from; the importer reads files.

use std::fs;
use std::path::Path;

use seathold::catalog::{Catalog, ImportError, ImportOptions};
use seathold_protocol::codec::Reader;
use seathold_protocol::record::{Record, encode_plan};
use tempfile::TempDir;

/// The files that are written; any other name would be ignored by the importer too.
pub(crate) const FILES: [&str; 9] = [
    "agency.txt",
    "stops.txt",
    "routes.txt",
    "trips.txt",
    "stop_times.txt",
    "calendar.txt",
    "calendar_dates.txt",
    "frequencies.txt",
    "feed.zip",
];

thread_local! {
    static FOLDER: TempDir = TempDir::new().expect("the host has a folder for what is temporary");
}

/// Imports a feed, strictly and leniently. What is imported can be told and written to the log; what is refused is refused
/// in sentences.
pub(crate) fn import(feed: &[u8], rules: &[u8]) {
    FOLDER.with(|folder| {
        let folder = folder.path();
        fs::write(folder.join("rules.toml"), rules).expect("the folder can be written");
        let zip = feed.starts_with(b"PK");
        write(feed, folder);
        let gtfs = if zip { folder.join("feed.zip") } else { folder.to_owned() };
        for lenient in [false, true] {
            let dates = "2026-06-01..2026-06-14".parse().expect("it is a range");
            let rules = folder.join("rules.toml");
            match Catalog::import(&ImportOptions { gtfs: gtfs.clone(), rules, dates, lenient }) {
                Ok(catalog) => can_be_sold(&catalog),
                Err(refused) => tells(&refused),
            }
        }
    });
}

fn write(feed: &[u8], folder: &Path) {
    for name in FILES {
        let _ = fs::remove_file(folder.join(name));
    }
    if feed.starts_with(b"PK") {
        return fs::write(folder.join("feed.zip"), feed).expect("the folder can be written");
    }
    let mut files: Vec<(&str, Vec<u8>)> = Vec::new();
    for line in feed.split_inclusive(|byte| *byte == b'\n') {
        match line.strip_prefix(b"== ") {
            Some(name) => {
                let known = FILES.iter().find(|known| known.as_bytes() == name.trim_ascii());
                files.extend(known.map(|name| (*name, Vec::new())));
            }
            None => files.iter_mut().last().into_iter().for_each(|(_, text)| text.extend_from_slice(line)),
        }
    }
    for (name, text) in files {
        fs::write(folder.join(name), text).expect("the folder can be written");
    }
}

fn can_be_sold(catalog: &Catalog) {
    assert!(!catalog.is_empty(), "a catalogue without departures is refused");
    for index in catalog.indices() {
        assert_eq!(catalog.find(catalog.id(index)), Some(index));
        assert_eq!(catalog.calls(index).count(), usize::from(catalog.segments(index)) + 1);
        let plan = catalog.plan(index);
        let mut record = Vec::new();
        encode_plan(catalog.id(index), &plan, &mut record);
        let again = Record::decode(&mut Reader::new(&record)).expect("what is written can be read");
        assert_eq!(again, Record::Plan(catalog.id(index), Box::new(plan)));
    }
}

fn tells(refused: &ImportError) {
    assert!(!refused.problems.is_empty());
    assert!(refused.problems.iter().all(|problem| !problem.text.is_empty()), "{refused}");
}
