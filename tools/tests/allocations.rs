//! A run allocates before its clock runs and after it, and nothing for each request in between. That stands apart because it
//! counts with an allocator that is the whole program's: the server's threads are counted too, and all is one test, since
//! another one beside it would be counted as well.

#![cfg(test)]

mod serving;

use clap::Parser;
use seathold_tools::load::{Options, measure};
use serving::serve;
use std::path::Path;

#[global_allocator]
static ALLOCATOR: dhat::Alloc = dhat::Alloc;

const DATES: &str = "2027-03-15..2027-03-16";

/// Of so many more answers than in a short run, at most one may allocate more than there. The server takes a page for 32
/// reservations of a departure and its tables grow now and then, and each second of a run has its figures; a generator that allocated once
/// per request, or once per turn of a connection with one request in flight, would be at one.
const ANSWERS_PER_BLOCK_MIN: u64 = 8;

struct Counted {
    blocks: u64,
    answers: u64,
}

#[test]
fn a_request_allocates_nothing_while_the_clock_runs() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let (gtfs, rules) = (root.join("feeds/sample"), root.join("bench/throughput.rules.toml"));
    let feed = format!("--gtfs={} --rules={} --dates={DATES}", gtfs.display(), rules.display());
    let server = serve(1, "memory:", "bench/throughput.rules.toml", DATES);
    let run = |line: &str| {
        let url = format!("seathold://{}", server.address());
        let line =
            format!("seathold-load {url} {feed} --open --trains-by=hot --connections=1 --warmup=0 {line}");
        let options = Options::parse_from(line.split_whitespace());
        let _profiler = dhat::Profiler::builder().testing().build();
        let report = measure(&options).expect("the run ends");
        Counted { blocks: dhat::HeapStats::get().total_blocks, answers: report.requests }
    };
    for workload in ["ping", "cancel"] {
        for (few, many) in [
            ("--in-flight=8 --rate=100 --seconds=1", "--in-flight=8 --rate=3000 --seconds=1"),
            ("--in-flight=1 --closed --seconds=1", "--in-flight=1 --closed --seconds=3"),
        ] {
            // The first run also allocates what lasts as long as the process.
            let [_, few, many] = [few, few, many].map(|line| run(&format!("--workload={workload} {line}")));
            let blocks = many.blocks.saturating_sub(few.blocks);
            let answers = many.answers.saturating_sub(few.answers);
            println!("{workload}: {answers} more answers, {blocks} more blocks");
            assert!(answers > 1_000, "{workload}: {answers} more answers show nothing");
            assert!(
                blocks * ANSWERS_PER_BLOCK_MIN <= answers,
                "{workload}: {answers} more answers allocated {blocks} times more"
            );
        }
    }
    server.stop();
}
