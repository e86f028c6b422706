//! What cargo-fuzz feeds with any bytes, and the corpus that it found, replayed without it: `fuzz/corpus/<target>` holds
//! one small input a file, and a finding stays there for good.
//!
//! A target is a function of bytes that returns, or panics when what it checks does not hold. The crate in `fuzz/` wraps
//! each for libFuzzer by its path, so that neither this package nor a stable build sees a fuzzing crate.
#![cfg(test)]

mod feed;
mod frames;
mod gtfs;
mod records;
mod replay;
mod replies;
mod requests;
mod rules;
mod segments;
mod slices;

use std::fs;
use std::path::Path;

/// Replays the inputs of one target.
fn replay(target: &str, check: fn(&[u8])) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus").join(target);
    let entries = fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let mut inputs: Vec<_> = entries.map(|entry| entry.expect("the folder can be read").path()).collect();
    inputs.sort();
    assert!(inputs.len() > 10, "{} has {} inputs", folder.display(), inputs.len());
    for input in inputs {
        let bytes = fs::read(&input).expect("the file can be read");
        // A panic tells what does not hold, and this on which input.
        let replayed = std::panic::catch_unwind(|| check(&bytes));
        assert!(replayed.is_ok(), "{} fails", input.display());
    }
}

/// A test for each target, named after it.
macro_rules! replays {
    ($($target:ident),* $(,)?) => {
        /// Every target that is replayed here.
        const TARGETS: &[&str] = &[$(stringify!($target)),*];

        mod corpus {
            $(
                #[test]
                fn $target() {
                    super::replay(stringify!($target), super::$target::check);
                }
            )*
        }
    };
}

replays!(frames, gtfs, records, replay, replies, requests, rules, segments, slices);

#[test]
fn every_target_of_the_fuzzing_crate_is_replayed_here() {
    let manifest = include_str!("../../fuzz/Cargo.toml").parse::<toml::Table>().expect("it is TOML");
    let programs = manifest["bin"].as_array().expect("it has targets");
    let mut names: Vec<_> =
        programs.iter().map(|program| program["name"].as_str().expect("a name")).collect();
    names.sort_unstable();
    // That one reads what only its own module may see; the module replays it.
    names.retain(|name| *name != "redis_replies");
    assert_eq!(names, TARGETS);
}
