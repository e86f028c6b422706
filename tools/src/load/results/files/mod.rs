//! The files of a run, together in one folder.
//!
//! | file | what |
//! |---|---|
//! | `report.json` | the object of `--json`; what `seathold-load compare` reads |
//! | `response-done.hgrm`, `response-refused.hgrm` | from intended to answered, as HdrHistogram's percentile output |
//! | `service-done.hgrm`, `service-refused.hgrm` | from sent to answered |
//! | `lateness.hgrm` | from sendable to sent: due, and a slot free; an open loop alone |
//! | `intervals.log` | responses by interval, tagged `done` and `refused`, as HdrHistogram's interval log |
//! | `series.csv` | the intervals as a table |
//! | `report.html` | all of it as a page that needs nothing else |

mod hgrm;
mod interval_log;
mod series_csv;

use super::html;
use super::report::Report;
use crate::load::exit::Failure;
use std::fs;
use std::io;
use std::path::Path;

/// Makes the folder, before the run: a run whose results cannot be kept need not be run. Refuses one that holds a report.
pub(super) fn prepare(folder: &Path) -> Result<(), Failure> {
    fs::create_dir_all(folder).map_err(|error| failure(folder, &error))?;
    if folder.join("report.json").exists() {
        return Err(Failure::Output(format!(
            "the folder {} holds the report of an earlier run; name another, or remove it",
            folder.display()
        )));
    }
    Ok(())
}

/// Writes them. The report is last: where it is, the others are whole.
pub(super) fn write(folder: &Path, report: &Report) -> Result<(), Failure> {
    write_all(folder, report).map_err(|error| failure(folder, &error))
}

fn write_all(folder: &Path, report: &Report) -> io::Result<()> {
    let figures = &report.distributions;
    for (name, histogram) in [
        ("response-done.hgrm", &figures.response.done_ns),
        ("response-refused.hgrm", &figures.response.refused_ns),
        ("service-done.hgrm", &figures.service.done_ns),
        ("service-refused.hgrm", &figures.service.refused_ns),
    ] {
        fs::write(folder.join(name), hgrm::percentiles(histogram))?;
    }
    if !figures.lateness_ns.is_empty() {
        fs::write(folder.join("lateness.hgrm"), hgrm::percentiles(&figures.lateness_ns))?;
    }
    fs::write(folder.join("intervals.log"), interval_log::log(report)?)?;
    fs::write(folder.join("series.csv"), series_csv::table(report))?;
    fs::write(folder.join("report.html"), html::page(report))?;
    fs::write(folder.join("report.json"), serde_json::to_vec_pretty(report)?)
}

fn failure(folder: &Path, error: &io::Error) -> Failure {
    Failure::Output(format!("the results cannot be written to {}: {error}", folder.display()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::load::results::summary;

    #[test]
    fn the_files_of_a_run_stand_together() {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path().join("new").join("run");
        prepare(&folder).unwrap();
        let mut report = summary::tests::report();
        report.distributions.lateness_ns.record(1_000).unwrap();
        write(&folder, &report).unwrap();
        let mut names: Vec<_> =
            fs::read_dir(&folder).unwrap().map(|file| file.unwrap().file_name()).collect();
        names.sort();
        let documented = include_str!("mod.rs").lines().take_while(|line| line.starts_with("//!"));
        let mut told: Vec<_> = documented
            .filter_map(|line| line.strip_prefix("//! | `")?.split(" |").next())
            .flat_map(|names| names.split(", "))
            .map(|name| name.trim_matches('`'))
            .collect();
        told.sort();
        assert_eq!(names, told);
        let report: serde_json::Value =
            serde_json::from_slice(&fs::read(folder.join("report.json")).unwrap()).unwrap();
        assert_eq!(report["requests"], 6_001);
        let told = prepare(&folder).unwrap_err();
        assert!(told.to_string().contains("earlier run"), "{told}");
    }

    #[test]
    fn a_closed_loop_leaves_no_lateness() {
        let folder = tempfile::tempdir().unwrap();
        write(folder.path(), &summary::tests::report()).unwrap();
        assert!(folder.path().join("report.json").exists() && !folder.path().join("lateness.hgrm").exists());
    }

    #[test]
    fn a_folder_that_cannot_be_made_is_told_before_the_run() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let told = prepare(&file.path().join("run")).unwrap_err();
        assert_eq!(told.exit_code(), 74);
        assert!(told.to_string().starts_with("the results cannot be written to "), "{told}");
    }
}
