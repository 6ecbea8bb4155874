//! The short cut equals the long way, also where rows are hard to summarise.

mod exchange;
mod feature_stages;
mod leave_one_out;
mod limits;
mod opaque;
mod pipelines;
mod shape;
mod tally;
mod waves;

use std::sync::Arc;

use luthier::core::Work;
use luthier::prelude::*;
use luthier::tune::{Error, KFold, Search};
use proptest::prelude::*;

use self::shape::Shape;
use self::tally::Happening::*;
use crate::data::{diabetes, metric, pca_and_regression, scaler_pca_and_regression};

const METRICS: [RegressionMetric; 5] = [
    RegressionMetric::Rmse,
    RegressionMetric::Mse,
    RegressionMetric::Mae,
    RegressionMetric::Var,
    RegressionMetric::R2,
];

/// Whether both searches agree, relative to the metric, and relative to `1 − r2`, or absolutely where that is less
/// than 1; the work of both, or where they differ.
///
/// A fold of one row may be predicted well by chance, so that only rounding is left of its error: there it is
/// relative to the mean metric, which is what leaving one out is for. So it is far from zero, where the tolerance is
/// one of residuals of the usual size; and predictions carry errors in units of the label's deviation there, about 1,
/// which `var` squares with the predictions.
fn compare(search: &Search, data: &DataFrame, tolerance: f64, what: &str) -> Result<(Work, Work), String> {
    let table = |search: &Search| match search.fit(data) {
        Ok(tuned) => Ok(tuned.result),
        // No r2 where one row is left out: both ways must say so.
        Err(Error::NoMetric { result, .. }) => Ok(*result),
        Err(error) => Err(format!("{what}: {error}")),
    };
    let on = table(search)?;
    let off = table(&search.clone().sharing(Sharing::Off))?;
    for (a, b) in on.candidates.iter().zip(&off.candidates) {
        let by_mean = b.folds.len() == data.num_rows() || tolerance > 1e-9;
        let metrics = b.folds.iter().map(|fold| fold.metric).filter(|metric| !metric.is_nan());
        let least = if by_mean { metrics.sum::<f64>() / b.folds.len() as f64 } else { 0.0 };
        for (a, b) in a.folds.iter().zip(&b.folds) {
            if let Some(error) = a.error.as_ref().or(b.error.as_ref()) {
                return Err(format!("{what}: {error}"));
            }
            let scale = match on.metric.as_str() {
                "r2" => (1.0 - b.metric).max(1.0),
                "var" if tolerance > 1e-9 => b.metric.max(b.metric.sqrt()).max(least),
                _ => b.metric.abs().max(least),
            };
            if (a.metric - b.metric).abs() > tolerance * scale || a.metric.is_nan() != b.metric.is_nan() {
                return Err(format!(
                    "{what}, {}, fold {}: {:e} with sharing, {:e} without",
                    on.metric, a.fold, a.metric, b.metric
                ));
            }
        }
    }
    Ok((on.work, off.work))
}

pub(crate) fn cross_validation(
    pipeline: Pipeline,
    grid: ParamGrid,
    evaluator: RegressionEvaluator,
) -> Search {
    Search::new(Box::new(pipeline), grid, Box::new(evaluator), Arc::new(KFold::new()))
}

#[test]
fn all_metrics_agree_on_real_data() {
    let data = diabetes().repartition(2).unwrap();
    for of in METRICS {
        let chains = [
            pca_and_regression(&[2, 5, 10], &[0.0, 0.1, 10.0]),
            scaler_pca_and_regression(&[2, 5, 10], &[0.0, 0.1, 10.0]),
        ];
        for (pipeline, grid) in chains {
            let weighted = metric(of).weight_col("weight");
            for evaluator in [metric(of), weighted] {
                let search = cross_validation(pipeline.clone(), grid.clone(), evaluator);
                compare(&search, &data, 1e-9, &format!("{of:?}")).unwrap();
            }
        }
    }
}

#[test]
fn a_weighted_regression_with_a_lasso_agrees() {
    let data = diabetes();
    let mut pipeline = Pipeline::new();
    pipeline.add("scaler", StandardScaler::new().output_col("scaled"));
    let lr = LinearRegression::new().features_col("scaled").weight_col("weight").tol(1e-12).max_iter(2000);
    let lr = pipeline.add("lr", lr);
    let grid = ParamGrid::new()
        .add(lr.at(LinearRegression::REG_PARAM), [0.0, 0.5])
        .add(lr.at(LinearRegression::ELASTIC_NET_PARAM), [0.0, 0.5, 1.0])
        .add(lr.at(LinearRegression::FIT_INTERCEPT), [true, false]);
    for of in METRICS {
        let search = cross_validation(pipeline.clone(), grid.clone(), metric(of).weight_col("weight"));
        compare(&search, &data, 1e-9, &format!("{of:?}")).unwrap();
    }
}

fn shape() -> impl Strategy<Value = Shape> {
    let offset = prop_oneof![Just(0.0), Just(1.0), Just(1e3), Just(-1e6)];
    let noise = prop_oneof![Just(1.0), Just(1e-2)];
    let collinear = prop_oneof![Just(None), Just(Some(1e-2)), Just(Some(1e-4)), Just(Some(1e-6))];
    (any::<u64>(), 30..90usize, 3..6usize, offset, noise, -8..=8, collinear).prop_map(
        |(seed, rows, features, offset, noise, scale, collinear)| Shape {
            seed,
            rows,
            features,
            vector: features,
            offset,
            scales: vec![scale],
            collinear,
            noise,
            partitions: 2,
        },
    )
}

#[test]
fn sharing_changes_no_metric() {
    let case = (shape(), prop::sample::select(METRICS.to_vec()), any::<bool>(), any::<u64>());
    tally::check(
        128,
        case,
        &[Guarded, Factor, WithoutRows, Lifted],
        |(shape, of, with_mean, seed), tally| {
            let mut pipeline = Pipeline::new();
            pipeline.add("scaler", StandardScaler::new().with_mean(with_mean).output_col("scaled"));
            let lr = pipeline.add("lr", LinearRegression::new().features_col("scaled"));
            let grid = ParamGrid::new().add(lr.at(LinearRegression::REG_PARAM), [0.0, 0.1]);
            let search = cross_validation(pipeline, grid, metric(of)).seed(seed);
            let (on, off) = compare(&search, &shape.frame(), shape.tolerance(), "behind a scaler")?;
            tally.count(&shape, on, off);
            Ok(())
        },
    );
}

#[test]
fn nor_behind_principal_components() {
    // Components inside of a small eigenvalue gap are any basis, and a penalty tells bases apart.
    let shape = shape().prop_map(|shape| Shape { collinear: None, ..shape });
    let case = (shape, prop::sample::select(METRICS.to_vec()), any::<bool>());
    tally::check(128, case, &[Guarded, WithoutRows, Lifted], |(shape, of, center), tally| {
        let mut pipeline = Pipeline::new();
        pipeline.add("pca", Pca::new().k(shape.features).center(center).output_col("components"));
        let lr = pipeline.add("lr", LinearRegression::new().features_col("components"));
        let grid = ParamGrid::new().add(lr.at(LinearRegression::REG_PARAM), [0.0, 0.1]);
        let search = cross_validation(pipeline, grid, metric(of));
        let (on, off) = compare(&search, &shape.frame(), shape.tolerance(), "behind components")?;
        tally.count(&shape, on, off);
        Ok(())
    });
}

/// Rows are read again exactly where summaries would lose digits.
#[test]
fn the_guard_takes_the_rows_only_where_it_must() {
    let guarded = |offset: f64, noise: f64| {
        let shape = Shape {
            seed: 3,
            rows: 60,
            features: 3,
            vector: 3,
            offset,
            scales: vec![0],
            collinear: None,
            noise,
            partitions: 2,
        };
        let (pipeline, grid) = pca_and_regression(&[3], &[0.0]);
        let search = cross_validation(pipeline, grid, RegressionEvaluator::new());
        let (on, off) = compare(&search, &shape.frame(), shape.tolerance(), &format!("{shape:?}")).unwrap();
        // Alone, a fit looks at its residuals again only where it is nearly perfect.
        assert_eq!(off.guarded > 0, noise < 1e-3, "{off:?}");
        assert_eq!(on.rows_read > 60, on.guarded > 0, "{on:?}");
        on.guarded
    };
    assert_eq!(guarded(0.0, 1.0), 0);
    assert_eq!(guarded(1.0, 0.1), 0);
    assert!(guarded(1e6, 1.0) > 0, "means of a million deviations");
    assert!(guarded(0.0, 1e-6) > 0, "a fit that leaves a millionth of the deviation");
}
