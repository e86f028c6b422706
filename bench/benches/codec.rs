//! Time per frame: requests and replies encoded and decoded, 256 of a kind at a time.

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use seathold_bench::micro::codec::{
    FRAMES, ReplyKind, RequestKind, decode_replies, decode_requests, encode_replies, encode_requests,
    replies, requests,
};

fn each_request(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("request");
    group.throughput(Throughput::Elements(FRAMES as u64));
    for (name, kind) in [
        ("ping", RequestKind::Ping),
        ("reserve", RequestKind::Reserve(1)),
        ("reserve_party_of_9", RequestKind::Reserve(9)),
        ("confirm", RequestKind::Confirm),
    ] {
        let (requests, mut stream) = (requests(kind), Vec::new());
        group.bench_function(format!("encode_{name}"), |bencher| {
            bencher.iter(|| encode_requests(black_box(&requests), &mut stream));
        });
        group.bench_function(format!("decode_{name}"), |bencher| {
            bencher.iter(|| decode_requests(black_box(&stream)));
        });
    }
    group.finish();
}

fn each_reply(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("reply");
    group.throughput(Throughput::Elements(FRAMES as u64));
    for (name, kind) in [
        ("pong", ReplyKind::Pong),
        ("held", ReplyKind::Held(1)),
        ("held_party_of_9", ReplyKind::Held(9)),
        ("sold_out", ReplyKind::SoldOut),
    ] {
        let (replies, mut stream) = (replies(kind), Vec::new());
        group.bench_function(format!("encode_{name}"), |bencher| {
            bencher.iter(|| encode_replies(black_box(&replies), &mut stream));
        });
        group.bench_function(format!("decode_{name}"), |bencher| {
            bencher.iter(|| decode_replies(black_box(&stream)));
        });
    }
    group.finish();
}

criterion_group!(benches, each_request, each_reply);
criterion_main!(benches);
