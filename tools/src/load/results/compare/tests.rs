//! Comparisons of saved reports, from the files to the exit code.

use super::*;
use crate::load::results::summary;
use serde_json::{Value, json};
use std::path::Path;

/// A report of `rates` sales in each second, all as fast as the rate is high, changed by `change`.
fn save(folder: &Path, name: &str, rates: &[u64], change: impl FnOnce(&mut Value)) -> PathBuf {
    let mut report = serde_json::to_value(summary::tests::report()).unwrap();
    let interval = |(at, rate): (usize, &u64)| {
        let us = 1e6 / *rate as f64;
        let done_us = json!({"p50": us, "p90": us, "p99": 2.0 * us, "p999": 3.0 * us, "max": 3.0 * us});
        json!({"from_s": at, "seconds": 1.0, "done": 2 * rate, "accepted": rate, "refused": 0, "errors": 0,
            "done_us": done_us, "refused_us": null})
    };
    report["series"] = rates.iter().enumerate().map(interval).collect();
    report["valid"] = true.into();
    report["configuration"] = json!({"workload": "sale", "in-flight": "32", "url": name, "seconds": "9"});
    change(&mut report);
    let path = folder.join(name);
    std::fs::write(&path, report.to_string()).unwrap();
    path
}

fn compare(a: &Path, b: &Path) -> Comparison {
    let (one, other) = (Saved::read(a).unwrap(), Saved::read(b).unwrap());
    Comparison {
        schema: 1,
        a: one.side(a),
        b: other.side(b),
        differences: configurations::differences(&one, &other),
        notes: configurations::notes(&one, &other),
        figures: figures(&one, &other),
    }
}

const STEADY: [u64; 8] = [1_000, 1_010, 990, 1_005, 995, 1_000, 1_008, 992];

#[test]
fn a_faster_run_is_told_from_an_equal_one() {
    let folder = tempfile::tempdir().unwrap();
    let a = save(folder.path(), "a.json", &STEADY, |_| {});
    let b = save(folder.path(), "b.json", &STEADY.map(|rate| rate * 3 / 2), |_| {});
    let faster = compare(&a, &b);
    let of = |name: &str| faster.figures.iter().find(|figure| figure.name == name).unwrap().estimate;
    assert!((of("accepted_per_second").ratio - 1.5).abs() < 0.01 && of("accepted_per_second").is_different);
    assert!((of("done_p99_us").ratio - 1.0 / 1.5).abs() < 0.01 && of("done_p99_us").is_different);
    assert!(faster.figures.iter().all(|figure| !figure.name.starts_with("refused")), "nothing was refused");
    assert!(faster.differences.is_empty(), "the URL and the file do not matter: {:?}", faster.differences);

    let page = compare(&a, &a).to_string();
    assert_eq!(page.matches("no difference shown").count(), faster.figures.len(), "{page}");
    assert!(!faster.to_string().contains("no difference shown"), "{faster}");
}

#[test]
fn runs_of_different_things_are_refused_by_name() {
    let folder = tempfile::tempdir().unwrap();
    let a = save(folder.path(), "a.json", &STEADY, |_| {});
    let b = save(folder.path(), "b.json", &STEADY, |report| {
        report["configuration"]["in-flight"] = "64".into();
        report["departures"] = 3.into();
        report["valid"] = false.into();
    });
    let told = compare(&a, &b).differences.join("\n");
    for part in ["in-flight: 32 in the first, 64 in the second", "departures: 15", "second run is not valid"]
    {
        assert!(told.contains(part), "`{part}` is missing in:\n{told}");
    }
    let run = |anyway| Compare { a: a.clone(), b: b.clone(), anyway, json: true }.run().unwrap();
    assert_eq!(run(false), ExitCode::from(1));
    assert_eq!(run(true), ExitCode::SUCCESS);
}

#[test]
fn what_is_no_report_is_refused_with_what_to_give() {
    let folder = tempfile::tempdir().unwrap();
    let told = Saved::read(&folder.path().join("none.json")).unwrap_err();
    assert!(told.to_string().contains("cannot be read"), "{told}");
    let old = save(folder.path(), "old.json", &STEADY, |report| report["schema"] = 2.into());
    let told = Saved::read(&old).unwrap_err();
    assert!(told.to_string().contains("has schema 2 and this seathold-load reads 3"), "{told}");
    std::fs::write(&old, "{}").unwrap();
    assert!(Saved::read(&old).unwrap_err().to_string().contains("no report of seathold-load"));
}
