//! Faults of single system calls, injected by strace: disks that fail, fill up or are slow. Left out by name where strace is not installed or may not trace.

use crate::rig::{Rig, setup};
use seathold_chaos::{Event, Outcome, Step, can_trace, until};
use std::ffi::OsString;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::time::Duration;
use tempfile::TempDir;

/// What a slow sync takes: below half of a patient call, which is then sent again.
const DELAY_MS: u64 = 150;

/// A server that strace runs from its second life on, with a fault in what it does to its first segment.
struct Traced {
    rig: Rig,
    trace: PathBuf,
    _directory: TempDir,
}

impl Traced {
    /// None where nothing can be traced; says so under `name`.
    fn start(name: &str, seed: u64, fault: &str) -> Option<Self> {
        Self::start_with(name, seed, fault, &[])
    }

    /// Likewise, with more in the server's environment.
    fn start_with(name: &str, seed: u64, fault: &str, environment: &[&str]) -> Option<Self> {
        if !can_trace() {
            eprintln!("left out: {name}: strace is not installed, or may not trace here");
            return None;
        }
        let (directory, of_trace) = (TempDir::new().unwrap(), TempDir::new().unwrap());
        let plain = setup(directory.path());
        let mut rig = Rig::start_as(plain.clone(), directory, seed);
        assert!(rig.server.terminate().unwrap().success());
        let trace = of_trace.path().join("trace");
        let mut traced = plain;
        traced.through = through(fault, &rig.segment(), &trace);
        traced.through.extend(environment.iter().flat_map(|setting| ["-E", setting]).map(OsString::from));
        rig.server.start_again_as(traced).unwrap_or_else(|error| panic!("{error}"));
        Some(Self { rig, trace, _directory: of_trace })
    }

    /// The system calls with the fault.
    fn injected(&self) -> usize {
        let trace = std::fs::read_to_string(&self.trace).unwrap();
        trace.lines().filter(|line| line.contains("(INJECTED)") || line.contains("(DELAYED)")).count()
    }

    /// Starts the server once more, without a fault.
    fn mend(&mut self) {
        let mut setup = self.rig.server.setup().clone();
        setup.through = Vec::new();
        self.rig.server.start_again_as(setup).unwrap_or_else(|error| panic!("{error}"));
    }
}

/// strace as a grandchild of the server's parent, so that the server keeps its place as the child.
fn through(fault: &str, segment: &Path, trace: &Path) -> Vec<OsString> {
    let words = ["strace", "-D", "-f", "-qq", "-e", "trace=pwrite64,fdatasync", "-e"];
    let mut words: Vec<OsString> = words.iter().map(OsString::from).collect();
    words.push(format!("inject={fault}").into());
    for (option, path) in [("-P", segment), ("-o", trace)] {
        words.extend([option.into(), path.as_os_str().to_owned()]);
    }
    words
}

/// I13: after a failed sync nobody knows what is durable, so nothing is told any more.
#[test]
fn a_disk_that_fails_ends_the_server_and_nothing_told_is_lost() {
    let name = "a_disk_that_fails_ends_the_server_and_nothing_told_is_lost";
    for (seed, fault) in [(22, "fdatasync:error=EIO:when=6"), (23, "pwrite64:error=EIO:when=6")] {
        let Some(mut traced) = Traced::start(name, seed, fault) else { return };
        let crowd = traced.rig.crowd();
        let status = traced.rig.server.ended().unwrap_or_else(|error| panic!("{fault}: {error}"));
        assert_eq!(status.code(), Some(74), "{fault}: {}", traced.rig.server.said());
        until("the trace", || (traced.injected() == 1).then_some(())).unwrap();
        traced.mend();
        crowd.wait_for(200).unwrap();
        traced.rig.conclude(crowd);
    }
}

#[test]
fn writes_that_find_no_room_are_made_again() {
    let name = "writes_that_find_no_room_are_made_again";
    let Some(traced) = Traced::start(name, 24, "pwrite64:error=ENOSPC:when=6..9") else { return };
    let crowd = traced.rig.crowd();
    crowd.wait_for(300).unwrap();
    assert_eq!(traced.injected(), 4);
    traced.rig.until_said("no space left for the ledger");
    traced.rig.conclude(crowd);
}

#[test]
fn a_slow_sync_makes_answers_late_and_none_wrong() {
    let name = "a_slow_sync_makes_answers_late_and_none_wrong";
    let Some(traced) = Traced::start(name, 25, &format!("fdatasync:delay_exit={}", DELAY_MS * 1_000)) else {
        return;
    };
    let crowd = traced.rig.crowd();
    crowd.wait_for(200).unwrap();
    let history = crowd.finish().unwrap();
    let delay = Duration::from_millis(DELAY_MS);
    // Who asks again may be told at once what was done before.
    let told = |event: &&Event| {
        event.step == Step::Reserve && event.attempts == 1 && matches!(event.outcome, Outcome::Told(..))
    };
    let patient = |event: &&Event| !traced.rig.buyers.buyer(event.number).hasty;
    let times = history.events.iter().filter(told).filter(patient).map(|event| event.ended - event.began);
    let fastest = times.min().expect("somebody was told");
    assert!(fastest >= delay, "answered {fastest:?} after the request, and a sync takes {delay:?}");
    assert!(traced.injected() > 0);
    traced.rig.conclude_with(history);
}

/// Restarting the server would not mend the disk: it is alive, and clients are better sent elsewhere.
#[test]
fn a_sync_that_hangs_is_told_to_whoever_watches() {
    let name = "a_sync_that_hangs_is_told_to_whoever_watches";
    let fault = "fdatasync:delay_exit=6000000:when=6";
    let Some(traced) = Traced::start_with(name, 26, fault, &["SEATHOLD_ADMIN=127.0.0.1:0"]) else { return };
    let said = traced.rig.server.said();
    let admin =
        said.split("admin on ").nth(1).and_then(|rest| rest.split('"').next()).expect("its admin port");
    let page = |path: &str| {
        let mut stream = TcpStream::connect(admin).unwrap();
        write!(stream, "GET {path} HTTP/1.0\r\n\r\n").unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    };
    let crowd = traced.rig.crowd();
    let hangs = "the ledger has been at one append for seconds: what it is on hangs";
    until("503 at /readyz", || page("/readyz").contains(hangs).then_some(())).unwrap();
    assert!(page("/healthz").contains("200 OK"));
    until("200 at /readyz", || page("/readyz").contains("200 OK").then_some(())).unwrap();
    crowd.wait_for(200).unwrap();
    assert_eq!(traced.injected(), 1);
    traced.rig.conclude(crowd);
}
