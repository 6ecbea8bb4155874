//! What does a factorisation cost beside the moments it is made of?

#![allow(missing_docs, reason = "criterion's macros")]

use std::hint::black_box;
use std::time::Duration;

use criterion::{Criterion, criterion_group, criterion_main};
use luthier::core::linalg;
use luthier_bench::data;

fn factorisations(c: &mut Criterion) {
    let mut group = c.benchmark_group("factorisations");
    group.sample_size(20).measurement_time(Duration::from_secs(1));
    for width in [15, 100, 200] {
        let rows = data::features(10 * width, width);
        let gram = rows.t().dot(&rows);
        group.bench_function(format!("eigen/{width}"), |b| {
            b.iter(|| black_box(linalg::symmetric_eigen(gram.view()).is_ok()));
        });
        group.bench_function(format!("cholesky/{width}"), |b| {
            b.iter(|| black_box(linalg::cholesky(gram.view())));
        });
        group.bench_function(format!("qr/{}x{width}", rows.nrows()), |b| {
            b.iter(|| black_box(linalg::triangular_factor(rows.view())));
        });
    }
}

criterion_group!(benches, factorisations);
criterion_main!(benches);
