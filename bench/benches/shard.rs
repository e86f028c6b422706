//! Time per command of one departure whose memory is in the caches.

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use seathold_bench::micro::shard::{COMMANDS, Step, Work};

fn apply(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("shard");
    group.throughput(Throughput::Elements(COMMANDS as u64));
    for (name, step) in [
        ("reserve", Step::Reserve),
        ("confirm", Step::Confirm),
        ("cancel", Step::Cancel),
        ("reserve_again", Step::Duplicate),
        ("reserve_sold_out", Step::Refused),
    ] {
        group.bench_function(name, |bencher| {
            bencher.iter_batched_ref(|| Work::prepared(step), Work::apply, BatchSize::PerIteration);
        });
    }
    group.finish();
}

criterion_group!(benches, apply);
criterion_main!(benches);
