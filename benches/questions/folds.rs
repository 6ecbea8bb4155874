//! What do folds cost: the moments of every training and validation set, in one pass?

#![allow(missing_docs, reason = "criterion's macros")]

use std::hint::black_box;
use std::time::Duration;

use criterion::{Criterion, criterion_group, criterion_main};
use luthier::core::{Blocks, Dataset, Error, Moments, MomentsSpec, Need, Round, Rounds, TrainingSets};
use luthier_bench::data;

fn folds(c: &mut Criterion) {
    let mut group = c.benchmark_group("folds");
    group.sample_size(10).measurement_time(Duration::from_secs(2));
    let (rows, width) = (100_000, 100);
    for count in [1, 5, 10, 1000] {
        let Ok(frame) = data::frame(rows, width, count) else { continue };
        let assignment = frame.column_i64("fold").unwrap_or_default().into_iter();
        let assignment = assignment.filter_map(|fold| u32::try_from(fold).ok()).collect();
        let count = count as u32;
        let Ok(folds) = Blocks::new(assignment, count) else { continue };
        let Ok(dataset) = Dataset::with_blocks(frame, folds) else { continue };
        let all = Rounds::new((0..count).map(Round::hold_out), count);
        let needs = [Need::summary::<Moments>(MomentsSpec::new(["features", "label"]))];
        group.bench_function(format!("{rows}x{width}/{count}"), |b| {
            b.iter(|| {
                let sets = TrainingSets::read(vec![(dataset.clone(), needs.to_vec())], &all, 1 << 32);
                let waves = sets.map(|(sets, _)| sets.for_each_wave(|_, _| Ok::<(), Error>(())));
                black_box(waves.is_ok())
            });
        });
    }
}

criterion_group!(benches, folds);
criterion_main!(benches);
