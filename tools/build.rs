//! Tells the programs of what git revision they are, so that a report names what measured. Outside git it tells nothing.

use std::process::Command;

fn main() {
    // Every commit and checkout writes a line there; without this, each change of a source would run git.
    match git(&["rev-parse", "--git-path", "logs/HEAD"]) {
        Some(moves) => println!("cargo::rerun-if-changed={moves}"),
        None => println!("cargo::rerun-if-changed=build.rs"),
    }
    if let Some(revision) = git(&["describe", "--always", "--dirty", "--abbrev=12", "--exclude=*"]) {
        println!("cargo::rustc-env=SEATHOLD_REVISION={revision}");
    }
}

fn git(words: &[&str]) -> Option<String> {
    let told = Command::new("git").args(words).output().ok().filter(|told| told.status.success())?;
    String::from_utf8(told.stdout).ok().map(|text| text.trim().to_owned())
}
