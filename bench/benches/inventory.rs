//! The inventory's kernel over 2,000 departures of 1,024 seats, as the kernel's model was measured before it was built. A run
//! that leaves its steady state is not valid and panics.

use std::hint::black_box;
use std::time::{Duration, Instant};

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use seathold_bench::micro::inventory::Fleet;

const DEPARTURES: usize = 2_000;
const ROUTES: [u8; 3] = [1, 10, 20];

fn take_and_give(criterion: &mut Criterion, name: &str, party: usize) {
    let mut group = criterion.benchmark_group(name);
    group.throughput(Throughput::Elements(1));
    for segments in ROUTES {
        let mut fleet = Fleet::half_full(DEPARTURES, segments, party);
        group.bench_function(format!("{segments}_segments"), |bencher| {
            bencher.iter_custom(|operations| {
                let start = Instant::now();
                fleet.run(operations.next_multiple_of(2), party);
                start.elapsed()
            });
        });
        let load = fleet.load();
        assert!(
            (0.45..0.55).contains(&load),
            "not valid: {load:.3} of the seat segments are taken, not half"
        );
    }
    group.finish();
}

fn single(criterion: &mut Criterion) {
    take_and_give(criterion, "take_or_give", 1);
}

fn party_of_four(criterion: &mut Criterion) {
    take_and_give(criterion, "take_or_give_party_of_4", 4);
}

fn refused(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("take_refused_sold_out");
    group.throughput(Throughput::Elements(1));
    for segments in ROUTES {
        let mut fleet = Fleet::half_full(DEPARTURES, segments, 1);
        fleet.sell_out();
        group.bench_function(format!("{segments}_segments"), |bencher| {
            bencher.iter(|| black_box(fleet.take_whole()));
        });
    }
    group.finish();
}

criterion_group! {
    name = benches;
    config = Criterion::default().sample_size(30).measurement_time(Duration::from_secs(3));
    targets = single, refused, party_of_four
}
criterion_main!(benches);
