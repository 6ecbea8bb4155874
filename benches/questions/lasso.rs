//! What does a path of lasso penalties cost, without and with folds, beside one penalty?

#![allow(missing_docs, reason = "criterion's macros")]

use std::hint::black_box;
use std::time::Duration;

use criterion::{Criterion, criterion_group, criterion_main};
use luthier_bench::data;
use luthier_bench::workload::{Shape, Workload};
use serde_json::json;

fn lasso(c: &mut Criterion) {
    let mut group = c.benchmark_group("lasso");
    group.sample_size(10).measurement_time(Duration::from_secs(3));
    let (rows, width, folds) = (5_000, 200, 5);
    let Ok(frame) = data::frame(rows, width, folds) else { return };
    for (penalties, hold_out) in [(1, true), (100, true), (100, false)] {
        let exponent = |i: usize| -3.0 + 3.0 * i as f64 / penalties as f64;
        let values: Vec<f64> = (0..penalties).map(|i| 10f64.powf(exponent(i))).collect();
        let axes = [("lr.reg_param".to_owned(), json!(values))].into_iter().collect();
        let workload = Workload { shape: Shape::Lasso, frame: frame.clone(), grids: vec![axes], hold_out };
        let Ok(search) = workload.search(None) else { return };
        let folds = if hold_out { 1 } else { folds };
        group.bench_function(format!("{rows}x{width}/{penalties} penalties/{folds} folds"), |b| {
            b.iter(|| black_box(search.fit(&workload.frame).is_ok()));
        });
    }
}

criterion_group!(benches, lasso);
criterion_main!(benches);
