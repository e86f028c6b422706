//! A run against a server of a few lines, over real sockets: WELCOME, PONG, and refusals.

use super::{Options, measure};
use clap::Parser;
use seathold_protocol::frame::{self, Frame};
use seathold_protocol::limits::REQUEST_BYTES_MAX;
use seathold_protocol::reply::{Refusal, Reply, Welcome};
use seathold_protocol::request::Request;
use seathold_protocol::status::Status;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::thread;
use std::time::Duration;

/// Answers on every connection as `answer` says; a connection ends when `answer` has nothing to say.
pub(super) fn serve(answer: impl Fn(&Frame<'_>, &mut Vec<u8>) -> bool + Clone + Send + 'static) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("seathold://{}", listener.local_addr().unwrap());
    thread::spawn(move || {
        for stream in listener.incoming() {
            let (stream, answer) = (stream.unwrap(), answer.clone());
            thread::spawn(move || talk(stream, answer));
        }
    });
    url
}

fn talk(mut stream: TcpStream, answer: impl Fn(&Frame<'_>, &mut Vec<u8>) -> bool) {
    let (mut inbound, mut chunk) = (Vec::new(), [0; 4_096]);
    while let Ok(read @ 1..) = stream.read(&mut chunk) {
        inbound.extend_from_slice(&chunk[..read]);
        let (mut out, mut served) = (Vec::new(), 0);
        while let Some(frame) = frame::split(&inbound[served..], REQUEST_BYTES_MAX).unwrap() {
            served += frame.bytes();
            if !answer(&frame, &mut out) {
                return;
            }
        }
        inbound.drain(..served);
        if stream.write_all(&out).is_err() {
            return;
        }
    }
}

pub(super) fn echo(frame: &Frame<'_>, out: &mut Vec<u8>) -> bool {
    let correlation = frame.header.correlation;
    match Request::decode(frame).unwrap() {
        Request::Hello(hello) => {
            assert!(hello.client.starts_with("seathold-load/"));
            let welcome = Welcome {
                version: 1,
                core: 0,
                operator: false,
                credit: 8,
                request_bytes_max: 512,
                reply_bytes_max: 262_144,
                core_ports: vec![1],
                partition_cores: vec![0],
                server: "echo/1".to_owned(),
            };
            Reply::Welcome(welcome).encode(correlation, out);
        }
        Request::Ping(bytes) => Reply::Pong(bytes).encode(correlation, out),
        request => {
            let refusal = Refusal { status: Status::UnknownTrain, detail: 0 };
            Reply::Refused(request.opcode() as u8, refusal).encode(correlation, out);
        }
    }
    true
}

fn options(url: &str, line: &str) -> Options {
    let words = ["seathold-load", url].into_iter().chain(line.split_whitespace());
    Options::try_parse_from(words).unwrap()
}

#[test]
fn pings_are_counted_and_valid() {
    let url = serve(echo);
    let line = "--closed --connections 3 --in-flight 4 --seconds 1 --warmup 0 --threads 2";
    let report = measure(&options(&url, line)).unwrap();
    assert!(report.valid, "{:?}", report.why_not);
    assert!(report.requests > 100 && report.steps["ping"].requests == report.requests, "{report}");
    assert!(report.latency_us.p50 > 0.0 && report.latency_us.max >= report.latency_us.p999, "{report}");
    assert_eq!((report.refused, report.errors, report.server.as_str()), (0, 0, "echo/1"));
}

#[test]
fn an_open_loop_sends_what_the_schedule_says() {
    let url = serve(echo);
    let line = "--rate 2000 --arrivals even --connections 3 --in-flight 8 --seconds 1 --warmup 0 --threads 2";
    let report = measure(&options(&url, line)).unwrap();
    assert_eq!(
        (report.requests, report.errors, report.unsent, report.r#loop),
        (2_000, 0, 0, "open"),
        "{report}"
    );
    // Without arrivals between two polls of 20 ms a thread would be late by milliseconds.
    assert!(report.latency_us.p50 < 5_000.0, "{report}");
}

#[test]
fn an_open_loop_charges_a_stall_with_those_who_came_meanwhile() {
    // One connection of the server stalls for 300 ms, once, at the 500th of 1,000 requests.
    let url = serve(|frame, out| {
        if frame.header.correlation >> 32 == 500 {
            thread::sleep(Duration::from_millis(300));
        }
        echo(frame, out)
    });
    let line = "--rate 1000 --arrivals even --connections 1 --in-flight 1 --seconds 1 --warmup 0";
    let open = measure(&options(&url, line)).unwrap();
    assert!(open.requests + open.unsent == 1_000, "{open}");
    // About 300 were due during the stall, and waited for half of it on average.
    assert!(open.latency_us.p90 > 100_000.0, "{open}");
    let line = "--closed --connections 1 --in-flight 1 --seconds 1 --warmup 0";
    let closed = measure(&options(&url, line)).unwrap();
    assert!(closed.latency_us.p90 < 100_000.0, "{closed}");
}

#[test]
fn what_was_due_and_never_sent_is_an_error() {
    // Nothing but HELLO is ever answered.
    let url = serve(|frame, out| match Request::decode(frame) {
        Ok(Request::Hello(_)) => echo(frame, out),
        _ => true,
    });
    let line = "--rate 1000 --arrivals even --connections 1 --in-flight 8 --seconds 1 --warmup 0";
    let report = measure(&options(&url, line)).unwrap();
    assert_eq!((report.timeouts, report.unsent, report.errors), (8, 992, 1_000), "{report}");
    assert!(!report.valid, "{report}");
}

#[test]
fn a_percentile_does_not_hold_for_requests_that_nobody_answered() {
    // One request at a time, 10 ms each: a hundred of the thousand that are due.
    let url = serve(|frame, out| {
        thread::sleep(Duration::from_millis(10));
        echo(frame, out)
    });
    let line =
        "--rate 1000 --arrivals even --connections 1 --in-flight 1 --seconds 1 --warmup 0 --slo p50<5s";
    let report = measure(&options(&url, line)).unwrap();
    assert!(report.latency_us.p50 < 5e6 && report.unsent > 500, "{report}");
    assert!(report.slo_missed[0].starts_with("p50 is never: "), "{:?}", report.slo_missed);
}

#[test]
fn lost_connections_make_the_run_not_valid() {
    let url = serve(|frame, out| frame.header.correlation >> 32 < 50 && echo(frame, out));
    let report =
        measure(&options(&url, "--closed --connections 2 --in-flight 1 --seconds 1 --warmup 0")).unwrap();
    assert_eq!((report.connections_lost, report.lost_with_connections, report.valid), (2, 2, false));
    assert_eq!(report.errors, 4, "{report}");
    assert!(report.why_not[0].contains("2 connections were lost"), "{:?}", report.why_not);
}

#[test]
fn failures_say_what_to_do() {
    let url = serve(echo);
    let told = measure(&options(&url, "--closed --in-flight 9")).unwrap_err();
    assert_eq!(told.exit_code(), 64);
    assert!(told.to_string().contains("above the 8 that this server grants"), "{told}");
    let told =
        measure(&options(&url, "--closed --workload sale --in-flight 1 --trains G1 --date 2026-05-01"))
            .unwrap_err();
    assert!(told.to_string().contains("UNKNOWN_TRAIN for the train `G1`"), "{told}");

    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let told = measure(&options(&format!("seathold://127.0.0.1:{port}"), "--closed")).unwrap_err();
    assert_eq!(told.exit_code(), 69);
    assert!(told.to_string().contains("start `seathold serve`"), "{told}");
}
