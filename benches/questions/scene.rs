//! What does a whole search cost beside its own single fit: 4 × 4 candidates of principal components and ridge?

#![allow(missing_docs, reason = "criterion's macros")]

use std::hint::black_box;
use std::time::Duration;

use criterion::{Criterion, criterion_group, criterion_main};
use luthier_bench::data;
use luthier_bench::workload::{Shape, Workload};
use serde_json::json;

fn scene(c: &mut Criterion) {
    let mut group = c.benchmark_group("scene");
    group.sample_size(20).measurement_time(Duration::from_secs(2));
    let (rows, width) = (10_000, 100);
    let Ok(frame) = data::frame(rows, width, 5) else { return };
    for (candidates, components, penalties) in
        [("1", vec![75], vec![0.1]), ("4x4", vec![10, 25, 50, 75], vec![0.01, 0.1, 0.3, 1.0])]
    {
        let components = ("pca.k".to_owned(), json!(components));
        let axes = [components, ("lr.reg_param".to_owned(), json!(penalties))].into_iter().collect();
        let workload =
            Workload { shape: Shape::PcaRidge, frame: frame.clone(), grids: vec![axes], hold_out: true };
        let Ok(search) = workload.search(None) else { return };
        group.bench_function(format!("{rows}x{width}/{candidates}"), |b| {
            b.iter(|| black_box(search.fit(&workload.frame).is_ok()));
        });
    }
}

criterion_group!(benches, scene);
criterion_main!(benches);
