//! Time per pair of RESERVE and CONFIRM of one core that meets a thousand departures in no order, up to the answers.

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use seathold_bench::micro::engine::Work;

/// A thousand departures, and sixteen pairs for each on average.
const DAYS: u16 = 50;
const PAIRS: u64 = 16_384;

fn sell(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("engine");
    group.throughput(Throughput::Elements(PAIRS)).sample_size(20);
    group.bench_function("reserve_and_confirm", |bencher| {
        bencher.iter_batched_ref(|| Work::prepared(DAYS, PAIRS), Work::sell, BatchSize::PerIteration);
    });
    group.finish();
}

criterion_group!(benches, sell);
criterion_main!(benches);
