//! `seathold demo --ledger redis`: through crashes of the server and of Redis, and interrupted.

use rustix::io::Errno;
use rustix::process::{Pid, Signal, kill_process, test_kill_process};
use serde_json::Value;
use std::io::{BufRead as _, BufReader};
use std::process::{Command, Stdio};
use tempfile::TempDir;

use crate::harness::{Found, on_each_server, on_redis};

on_each_server!(a_small_demo_passes_through_crashes_of_both);
on_redis!(an_interrupted_demo_leaves_no_redis_behind);

fn demo() -> Command {
    let mut demo = Command::new(env!("CARGO_BIN_EXE_seathold"));
    demo.args(["demo", "--ledger", "redis", "--places", "500"]).stdin(Stdio::null());
    demo
}

fn a_small_demo_passes_through_crashes_of_both(found: &Found) {
    let mut demo = demo();
    demo.args(["--buyers", "5000", "--crashes", "1", "--redis-crashes", "2", "--json", "--redis-server"]);
    let ended = demo.arg(&found.program).output().unwrap();
    assert!(ended.status.success(), "{ended:?}");
    let report: Value = serde_json::from_slice(&ended.stdout).unwrap();
    assert_eq!((&report["ledger"], &report["audit"]), (&"redis".into(), &"pass".into()), "{report}");
    assert_eq!((&report["crashes"], &report["redis_crashes"]), (&1.into(), &2.into()), "{report}");
    for key in ["lost", "oversold", "unsold", "phantoms"] {
        assert_eq!(report[key], 0, "{key}: {report}");
    }
    assert!(report["redis_recovery_ms"].as_u64() > Some(0), "{report}");
}

fn an_interrupted_demo_leaves_no_redis_behind(found: &Found) {
    let directory = TempDir::new().unwrap();
    let announced = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/redis/announced");
    let mut demo = demo();
    demo.args(["--redis-server", announced]).env("ANNOUNCED", &found.program);
    let mut demo = demo.env("TMPDIR", directory.path()).stderr(Stdio::piped()).spawn().unwrap();
    let mut said = BufReader::new(demo.stderr.take().unwrap()).lines().map_while(Result::ok);
    let redis = said.find_map(|line| line.strip_prefix("redis is process ")?.parse().ok());
    let redis = redis.and_then(Pid::from_raw).expect("the demo starts its Redis");
    test_kill_process(redis).unwrap();
    kill_process(Pid::from_child(&demo), Signal::INT).unwrap();
    assert_eq!(demo.wait().unwrap().code(), Some(130));
    assert_eq!(test_kill_process(redis), Err(Errno::SRCH));
    assert_eq!(directory.path().read_dir().unwrap().count(), 0);
}
