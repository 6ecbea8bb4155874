//! The mission's scene: PCA and linear regression over a 4 x 4 grid, and what it costs.

use luthier::prelude::*;
use ndarray::Array2;

/// Rows × 100 correlated features and a noisy linear label, from a fixed generator.
fn scene(rows: usize, partitions: usize) -> DataFrame {
    let mut state = 7u64;
    let mut uniform = move || {
        state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        (state >> 11) as f64 / (1u64 << 53) as f64 - 0.5
    };
    let features = Array2::from_shape_fn((rows, 100), |(_, j)| uniform() * (1.0 + j as f64 / 10.0));
    let label = features.rows().into_iter().map(|row| row.sum() + 3.0 * uniform()).collect();
    DataFrame::from_ndarray(features, label).unwrap().repartition(partitions).unwrap()
}

fn search() -> TrainValidationSplit<Pipeline> {
    let mut pipeline = Pipeline::new();
    let pca = pipeline.add("pca", Pca::new().output_col("components"));
    let lr = pipeline.add("lr", LinearRegression::new().features_col("components"));
    let grid = ParamGrid::new()
        .add(pca.at(Pca::K), [15, 30, 45, 75])
        .add(lr.at(LinearRegression::REG_PARAM), [0.001, 0.003, 0.01, 0.03]);
    TrainValidationSplit::new(pipeline, grid, RegressionEvaluator::new()).train_ratio(0.8).seed(7)
}

#[test]
fn the_scene_reads_each_row_once_and_decomposes_once_a_fold() {
    let data = scene(10_000, 2);
    println!("{}", search().explain(&data).unwrap());
    let tuned = search().fit(&data).unwrap();
    let result = tuned.result();
    println!("{}", luthier::report::leaderboard(result, 20));
    println!("{}", luthier::report::timeline(&result.events, 60));
    println!("{:?} {}", result.work, result.search_seconds);
    assert_eq!(result.work.rows_read, 10_000);
    let off = search().sharing(Sharing::Off).fit(&data).unwrap();
    println!("{:?} {}", off.result().work, off.result().search_seconds);
    for (a, b) in result.candidates.iter().zip(&off.result().candidates) {
        assert!((a.mean / b.mean - 1.0).abs() < 1e-9, "{} {}", a.mean, b.mean);
    }
}
