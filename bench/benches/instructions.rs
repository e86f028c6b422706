//! Instructions, and misses of simulated caches, of the work that the other benchmarks time: Callgrind counts them, so that a
//! change can be judged on a host that is not idle. Each is compared with its last run, or with a baseline by name.
//!
//! Without Valgrind or gungraun-runner nothing is counted, and that is said and no error.

#![expect(missing_docs, unused_qualifications, reason = "the macros of gungraun write such code")]

use std::hint::black_box;
use std::process::{Command, Stdio};

use gungraun::{LibraryBenchmarkConfig, library_benchmark, library_benchmark_group, main};
use seathold_bench::micro::{codec, engine, inventory, shard};
use seathold_protocol::reply::Reply;
use seathold_protocol::request::Request;

/// Room for any of the streams: what is counted does not grow it.
const STREAM_BYTES: usize = 1 << 16;

/// Departures of the engine: 20 a day. Counting is fifty times slower than running.
const DAYS: u16 = 10;
const PAIRS: u64 = 2_048;

#[library_benchmark(setup = codec::requests)]
#[bench::ping(codec::RequestKind::Ping)]
#[bench::reserve(codec::RequestKind::Reserve(1))]
#[bench::reserve_party_of_9(codec::RequestKind::Reserve(9))]
#[bench::confirm(codec::RequestKind::Confirm)]
fn encode_request(requests: Vec<Request<'static>>) -> Vec<u8> {
    let mut out = Vec::with_capacity(STREAM_BYTES);
    codec::encode_requests(black_box(&requests), &mut out);
    out
}

fn request_stream(kind: codec::RequestKind) -> Vec<u8> {
    let mut out = Vec::new();
    codec::encode_requests(&codec::requests(kind), &mut out);
    out
}

#[library_benchmark(setup = request_stream)]
#[bench::ping(codec::RequestKind::Ping)]
#[bench::reserve(codec::RequestKind::Reserve(1))]
#[bench::reserve_party_of_9(codec::RequestKind::Reserve(9))]
#[bench::confirm(codec::RequestKind::Confirm)]
fn decode_request(stream: Vec<u8>) -> Vec<u8> {
    codec::decode_requests(black_box(&stream));
    stream
}

#[library_benchmark(setup = codec::replies)]
#[bench::pong(codec::ReplyKind::Pong)]
#[bench::held(codec::ReplyKind::Held(1))]
#[bench::held_party_of_9(codec::ReplyKind::Held(9))]
#[bench::sold_out(codec::ReplyKind::SoldOut)]
fn encode_reply(replies: Vec<Reply<'static>>) -> Vec<u8> {
    let mut out = Vec::with_capacity(STREAM_BYTES);
    codec::encode_replies(black_box(&replies), &mut out);
    out
}

fn half_full(party: usize) -> (inventory::Fleet, usize) {
    (inventory::Fleet::half_full(16, 10, party), party)
}

#[library_benchmark(setup = half_full)]
#[bench::take_or_give(1)]
#[bench::take_or_give_party_of_4(4)]
fn inventory_1024((mut fleet, party): (inventory::Fleet, usize)) -> inventory::Fleet {
    fleet.run(1_024, party);
    fleet
}

#[library_benchmark(setup = shard::Work::prepared)]
#[bench::reserve(shard::Step::Reserve)]
#[bench::confirm(shard::Step::Confirm)]
#[bench::cancel(shard::Step::Cancel)]
#[bench::reserve_again(shard::Step::Duplicate)]
#[bench::reserve_sold_out(shard::Step::Refused)]
fn shard_512(mut work: shard::Work) -> shard::Work {
    work.apply();
    work
}

#[library_benchmark(setup = engine::Work::prepared)]
#[bench::reserve_and_confirm(DAYS, PAIRS)]
fn engine_2048(mut work: engine::Work) -> engine::Work {
    work.sell();
    work
}

library_benchmark_group!(name = codec_256, benchmarks = [encode_request, decode_request, encode_reply]);
library_benchmark_group!(name = state, benchmarks = [inventory_1024, shard_512, engine_2048]);

/// The defaults, if there is what they need. Asked only by the process that starts the counting.
fn counted_or_skipped() -> LibraryBenchmarkConfig {
    for (tool, install) in [
        ("valgrind", "install the package of that name"),
        (
            "gungraun-runner",
            "run `cargo install gungraun-runner` with the --version that Cargo.lock has of gungraun",
        ),
    ] {
        let found = Command::new(tool).arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status();
        if !found.is_ok_and(|status| status.success()) {
            eprintln!("instructions are not counted: there is no {tool} here; {install}");
            std::process::exit(0);
        }
    }
    LibraryBenchmarkConfig::default()
}

main!(config = counted_or_skipped(), library_benchmark_groups = [codec_256, state]);
