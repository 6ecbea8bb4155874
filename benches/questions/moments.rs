//! How far is the moments pass from the machine's floor: the symmetric product of the same rows, and reading them?

#![allow(missing_docs, reason = "criterion's macros")]

use std::hint::black_box;
use std::time::Duration;

use criterion::{Criterion, criterion_group, criterion_main};
use luthier::core::{Dataset, Moments, MomentsSpec};
use luthier_bench::{data, floor};

fn moments(c: &mut Criterion) {
    let mut group = c.benchmark_group("moments");
    group.sample_size(10).measurement_time(Duration::from_secs(2));
    for (rows, width) in [(100_000, 15), (100_000, 100), (10_000, 100), (5_000, 200)] {
        let Ok(frame) = data::frame(rows, width, 5) else { continue };
        let dataset = Dataset::new(frame);
        let spec = MomentsSpec::new(["features"]);
        group.bench_function(format!("pass/{rows}x{width}"), |b| {
            b.iter(|| black_box(dataset.aggregate::<Moments>(&spec).map(|moments| moments.rows())));
        });
        let features = data::features(rows, width);
        let values = features.as_slice().unwrap_or_default();
        group.bench_function(format!("product/{rows}x{width}"), |b| {
            b.iter(|| black_box(floor::gram(values, width)));
        });
        group.bench_function(format!("read/{rows}x{width}"), |b| {
            b.iter(|| black_box(floor::read_all(values)));
        });
    }
}

criterion_group!(benches, moments);
criterion_main!(benches);
