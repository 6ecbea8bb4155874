//! What does one row through a scaler, principal components and logistic regression cost?

#![allow(missing_docs, reason = "criterion's macros")]

use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};
use luthier::core::{Predictor, Value};
use luthier::prelude::*;
use luthier_bench::data;

const WIDTH: usize = 100;

fn predictor() -> anyhow::Result<Predictor> {
    let features = data::features(2_000, WIDTH);
    let label = features.outer_iter().map(|row| f64::from(row[0] + 0.3 * row[WIDTH - 1] > 0.0)).collect();
    let frame = DataFrame::from_ndarray(features, label)?;
    let mut pipeline = Pipeline::new();
    pipeline.add("scaler", StandardScaler::new().with_mean(true).output_col("scaled"));
    pipeline.add("pca", Pca::new().input_col("scaled").k(10).output_col("components"));
    pipeline.add("lr", LogisticRegression::new().features_col("components").reg_param(0.01));
    // Raw prediction, probability and prediction come out.
    Ok(pipeline.fit_frame(&frame)?.predictor()?)
}

fn predict_row(c: &mut Criterion) {
    let Ok(predictor) = predictor() else { return };
    let row = data::features(1, WIDTH);
    let row = [Value::from(row.iter().map(|x| Value::from(*x)).collect::<Vec<_>>())];
    c.bench_function(&format!("predict_row/scaler+pca{WIDTH}to10+logistic"), |b| {
        b.iter(|| black_box(predictor.predict_row(black_box(&row)).is_ok()));
    });
}

criterion_group!(benches, predict_row);
criterion_main!(benches);
