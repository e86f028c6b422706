//! `seathold-load` against a real server: what it asks, what it finds, and its exit codes.

mod serving;

use seathold::server::Server;
use seathold_protocol::frame::{self, Opcode};
use seathold_protocol::limits::{PASSENGERS_MAX, REQUEST_BYTES_MAX};
use seathold_protocol::plan::Seat;
use seathold_protocol::reply::{Refusal, Reply, Welcome};
use seathold_protocol::request::{Request, Reserve};
use seathold_protocol::reservation::{Reservation, State};
use seathold_protocol::status::Status;
use seathold_protocol::wishes::Met;
use serde_json::Value;
use serving::serve;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::Command;
use std::thread;

const DATES: &str = "2027-03-15..2027-03-16";

struct World {
    server: Option<Server>,
    url: String,
}

impl World {
    fn start() -> Self {
        let server = serve(2, "memory:", "bench/throughput.rules.toml", DATES);
        let url = format!("seathold://{}", server.address());
        Self { server: Some(server), url }
    }

    fn load(&self, line: &str) -> (i32, Value) {
        load(&self.url, line)
    }
}

/// Runs `seathold-load` against a server: its exit code and its JSON object.
fn load(url: &str, line: &str) -> (i32, Value) {
    let output = Command::new(env!("CARGO_BIN_EXE_seathold-load"))
        .current_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join(".."))
        .args(line.split_whitespace())
        .args([url, "--json", "--connections", "4", "--in-flight", "64", "--warmup", "0"])
        .output()
        .expect("seathold-load runs");
    let object = serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {output:?}"));
    (output.status.code().expect("an exit code"), object)
}

impl Drop for World {
    fn drop(&mut self) {
        if let Some(server) = self.server.take() {
            server.stop();
        }
    }
}

const FEED: &str = "--gtfs feeds/sample --rules bench/throughput.rules.toml --dates 2027-03-15..2027-03-16";

#[test]
fn all_that_buyers_do_is_borne_out() {
    let world = World::start();
    let workload = "--workload sale=6,hold=1,cancel=2,refund=2,availability=4,lookup=1";
    let habits = "--party 1=2,2=1 --trips short --trains-by zipf=1 --pay-after 10ms..200ms --abandon 10% --duplicates 10%";
    for ports in ["", "--shard-aware --threads 2"] {
        let line = format!("{FEED} {workload} {habits} {ports} --rate 2000 --seconds 1 --oracle");
        let (code, report) = world.load(&line);
        // A busy host may make the generator late; nothing else may be wrong.
        assert!(
            code == 0 || code == 1 && report["why_not"][0].as_str().unwrap().contains("late by"),
            "{code} {report}"
        );
        assert_eq!((report["loop"].as_str(), report["errors"].as_u64()), (Some("open"), Some(0)), "{report}");
        let steps = &report["steps"];
        for step in ["reserve", "hold", "confirm", "cancel", "refund", "duplicate", "availability", "lookup"]
        {
            assert!(steps[step]["requests"].as_u64() > Some(10), "{step}: {report}");
        }
        let oracle = &report["oracle"];
        let held =
            steps["reserve"]["requests"].as_u64().unwrap() + steps["hold"]["requests"].as_u64().unwrap();
        let refused = report["refused"].as_u64().unwrap();
        assert!(oracle["checked"].as_u64().unwrap() >= held - refused, "{report}");
        let found = ["not_checked", "wrong_answers", "lost", "changed", "seats_sold_twice"];
        assert!(found.iter().all(|kind| oracle[kind] == 0), "{report}");
    }
}

#[test]
fn a_full_memory_is_told() {
    let world = World::start();
    let line = format!("{FEED} --workload sale --closed --seconds 1 --oracle --oracle-memory 50");
    let (_, report) = world.load(&line);
    assert_eq!(
        report["oracle"]["checked"].as_u64().unwrap() / 10,
        4,
        "4 lanes with 12 places each: {report}"
    );
    assert!(report["oracle"]["not_checked"].as_u64() > Some(0), "{report}");
}

/// A server that holds the same seat for everybody, and keeps no reservation.
fn forgetful() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("seathold://{}", listener.local_addr().expect("its address"));
    thread::spawn(move || {
        for stream in listener.incoming() {
            thread::spawn(move || forget_all(stream.expect("a connection")));
        }
    });
    url
}

fn forget_all(mut stream: TcpStream) {
    let (mut inbound, mut chunk) = (Vec::new(), [0; 4_096]);
    while let Ok(read @ 1..) = stream.read(&mut chunk) {
        inbound.extend_from_slice(&chunk[..read]);
        let (mut out, mut served) = (Vec::new(), 0);
        while let Some(frame) = frame::split(&inbound[served..], REQUEST_BYTES_MAX).expect("frames") {
            served += frame.bytes();
            let reply = match Request::decode(&frame).expect("a request") {
                Request::Hello(_) => Reply::Welcome(welcome()),
                Request::Reserve(reserve) => Reply::Reservation(Opcode::Reserve, held(&reserve)),
                request => {
                    Reply::Refused(request.opcode() as u8, Refusal { status: Status::NotFound, detail: 0 })
                }
            };
            reply.encode(frame.header.correlation, &mut out);
        }
        inbound.drain(..served);
        if stream.write_all(&out).is_err() {
            return;
        }
    }
}

fn welcome() -> Welcome {
    Welcome {
        version: 1,
        core: 0,
        operator: true,
        credit: 64,
        request_bytes_max: 512,
        reply_bytes_max: 262_144,
        core_ports: vec![1],
        partition_cores: vec![0],
        server: "forgetful/1".to_owned(),
    }
}

fn held(reserve: &Reserve) -> Reservation {
    let mut seats = [None; PASSENGERS_MAX];
    seats[0] = Some(Seat { coach: 1, row: 1, letter: b'A' });
    let &Reserve { id, departure, class, from, to, party, .. } = reserve;
    let (state, met) = (State::Held, Met::default());
    Reservation { id, departure, state, class, from, to, party, remaining_ms: 60_000, met, seats }
}

#[test]
fn a_failed_audit_has_an_exit_code() {
    let (code, report) = load(
        &forgetful(),
        &format!("{FEED} --workload hold --closed --seconds 1 --oracle --oracle-memory 400"),
    );
    assert_eq!(code, 3, "{report}");
    let oracle = &report["oracle"];
    assert_eq!((&oracle["checked"], &oracle["lost"]), (&400.into(), &400.into()), "{report}");
    assert!(
        oracle["examples"][0].as_str().unwrap().contains("acknowledged as held, LOOKUP answers NOT_FOUND"),
        "{report}"
    );
    // The figures themselves mean what they say.
    assert!(report["valid"] == true && report["errors"] == 0, "{report}");
}

#[test]
fn each_rate_of_a_run_is_told_apart() {
    let world = World::start();
    let (_, report) = world.load("--steps 400,800 --arrivals even --seconds 2");
    let told: Vec<_> = report["rate_steps"].as_array().unwrap().iter().collect();
    let counts: Vec<_> = told.iter().map(|step| (step["rate"].as_f64(), step["done"].as_u64())).collect();
    assert_eq!(counts, [(Some(400.0), Some(400)), (Some(800.0), Some(800))], "{report}");
    assert!(told.iter().all(|step| step["done_us"]["p99"].as_f64() > Some(0.0)), "{report}");
    let (_, report) = world.load("--closed --seconds 1");
    assert_eq!(report["rate_steps"].as_array().map(Vec::len), Some(0), "{report}");
}

#[test]
fn a_missed_objective_has_an_exit_code() {
    let world = World::start();
    let (code, report) = world.load("--closed --seconds 1 --slo p50<1us");
    assert_eq!(code, 2, "{report}");
    assert!(report["slo_missed"][0].as_str().unwrap().contains("not below 0.001 ms"), "{report}");
    let (code, report) = world.load("--closed --seconds 1 --slo p50<5s,errors<50%");
    assert_eq!((code, report["slo_missed"].as_array().map(Vec::len)), (0, Some(0)), "{report}");
}

#[test]
fn a_search_brackets_and_confirms() {
    let world = World::start();
    let (code, found) = world.load("search --slo p50<2s,errors<1% --rate 200 --rate-max 400 --seconds 1");
    assert_eq!((code, found["rate"].as_f64()), (0, Some(400.0)), "{found}");
    let phases: Vec<_> = found["probes"].as_array().unwrap().iter().map(|probe| &probe["phase"]).collect();
    assert_eq!(phases, ["bracket", "bracket", "confirm"], "{found}");
    let (code, found) = world.load("search --slo p50<1us --rate 200 --rate-min 150 --seconds 1");
    assert_eq!((code, found["rate"].as_f64()), (2, None), "{found}");
    assert_eq!(found["probes"].as_array().unwrap().len(), 2, "{found}");
}

#[test]
fn a_sale_opens_while_buyers_wait() {
    let world = World::start();
    let line = "--workload sale --rate 300 --burst 600 --half-life 1s --seconds 2 --open --open-after 1s";
    let (_, report) = world.load(&format!("{FEED} {line}"));
    let (accepted, closed) = (report["accepted"].as_u64(), report["refusals"]["CLOSED"].as_u64());
    assert!(closed > Some(200) && closed < Some(450), "about 300 came before: {report}");
    assert!(accepted > Some(500), "about 700 came after: {report}");
}
