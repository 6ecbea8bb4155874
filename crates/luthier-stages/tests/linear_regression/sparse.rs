//! Sparse features: fitted as they are, to the same numbers as dense ones.

use std::sync::Arc;

use luthier_core::frame::{Column, DataFrame, SparseBuilder};
use luthier_core::{Dataset, Estimator, FitContext, StagePlan, Transformer, WorkCounter};
use luthier_stages::{LinearRegression, LinearRegressionModel, Solver};
use ndarray::Array2;

use crate::frames::*;

const WIDTH: usize = 300;
const ROWS: usize = 900;

fn cell(i: usize, j: usize) -> f64 {
    match j {
        // A category of 290 values, some of them rare, and numbers that are often zero.
        j if j < 290 => f64::from(u8::from((i * i + 3 * i) % 331 % 290 == j)),
        j => {
            if (i * (j - 280)) % 7 < 2 {
                (i % (j - 270)) as f64
            } else {
                0.0
            }
        }
    }
}

/// The same rows, sparse and dense; `drop` leaves out the first categories, so that nothing adds up to 1.
fn frames(drop: usize, weighted: bool) -> (DataFrame, DataFrame) {
    let mut rows = SparseBuilder::new(WIDTH - drop);
    for i in 0..ROWS {
        for j in (drop..WIDTH).filter(|&j| cell(i, j) != 0.0) {
            rows.push(j - drop, cell(i, j));
        }
        rows.end_row();
    }
    let y: Vec<f64> = (0..ROWS).map(|i| ((i * i) % 17) as f64 + 0.5 * cell(i, 295) - cell(i, 291)).collect();
    let weights: Vec<f64> = (0..ROWS).map(|i| if weighted { (i % 4) as f64 } else { 1.0 }).collect();
    let dense = Array2::from_shape_fn((ROWS, WIDTH - drop), |(i, j)| cell(i, j + drop));
    let sparse = DataFrame::from_columns(vec![
        ("features", Column::sparse(rows)),
        ("label", Column::f64(y.clone())),
        ("weight", Column::f64(weights.clone())),
    ]);
    (sparse.unwrap(), frame(dense, y, Some(weights)))
}

fn same(sparse: &LinearRegressionModel, dense: &LinearRegressionModel, tolerance: f64, what: &str) {
    let scale = largest(&estimates(dense));
    assert_close(&estimates(sparse), &estimates(dense), tolerance * scale, &what);
    let (a, b) = (sparse.summary(), dense.summary());
    assert_relative(&[a.r2, a.mse, a.explained_variance], &[b.r2, b.mse, b.explained_variance], 1e-8, &what);
    assert_eq!(a.degrees_of_freedom, b.degrees_of_freedom, "{what}");
    assert!(a.converged, "{what}");
}

#[test]
fn sparse_and_dense_agree() {
    for (drop, weighted) in [(40, false), (40, true)] {
        let (sparse, dense) = frames(drop, weighted);
        for (reg_param, alpha) in [(0.01, 0.0), (1.0, 0.0), (0.1, 1.0), (0.02, 0.5)] {
            for fit_intercept in [true, false] {
                for standardization in [true, false] {
                    let base =
                        LinearRegression::new().reg_param(reg_param).elastic_net_param(alpha).max_iter(1000);
                    let base = base.fit_intercept(fit_intercept).standardization(standardization);
                    let base = if weighted { base.weight_col("weight") } else { base };
                    let what = format!("{reg_param} {alpha} {fit_intercept} {standardization} {weighted}");
                    same(&fit(&base, &sparse), &fit(&base, &dense), 1e-9, &what);
                    let base = base.solver(Solver::LBfgs);
                    same(&fit(&base, &sparse), &fit(&base, &dense), 1e-7, &what);
                }
            }
        }
    }
}

/// Without a penalty, and with dummies that add up to 1, the smallest solution.
#[test]
fn least_squares_agree_also_where_dummies_add_up_to_one() {
    for (drop, standardization) in [(40, true), (40, false), (0, true), (0, false)] {
        let (sparse, dense) = frames(drop, false);
        let base = LinearRegression::new().standardization(standardization);
        let (found, expected) = (fit(&base, &sparse), fit(&base, &dense));
        let scale = largest(&estimates(&expected));
        assert_close(&estimates(&found), &estimates(&expected), 1e-7 * scale, &(drop, standardization));
        assert!(found.summary().converged);
    }
}

#[test]
fn nothing_takes_the_square_of_the_width() {
    let (sparse, dense) = frames(40, false);
    let needs = |plan: StagePlan| (plan.needs().len(), plan.affine_columns().is_some());
    let estimator = LinearRegression::new().reg_param(0.1);
    assert_eq!(needs(estimator.plan(sparse.schema())), (0, false));
    assert_eq!(needs(estimator.plan(dense.schema())), (1, true));
    assert_eq!(needs(estimator.clone().solver(Solver::Normal).plan(sparse.schema())), (1, true));
    let model = fit(&estimator, &sparse);
    assert!(model.affine().is_none());
    let work = Arc::new(WorkCounter::default());
    let data = Dataset::new(sparse.clone()).counted_by(Arc::clone(&work));
    let configs: Vec<_> = [0.01, 0.1, 1.0].map(|r| estimator.clone().reg_param(r)).into();
    let models = LinearRegression::fit_many(&configs, &data, &FitContext::new(0, Arc::clone(&work)));
    let work = work.snapshot();
    assert_eq!((work.rows_read, work.passes, work.summaries), (ROWS as u64, 1, 0));
    for (config, model) in configs.iter().zip(models) {
        assert_eq!(estimates(&model.unwrap()), estimates(&fit(config, &sparse)));
    }
    // The same bits for any partitions.
    let parts = fit(&estimator, &sparse.repartition(4).unwrap());
    assert_eq!(estimates(&parts), estimates(&model));
}

#[test]
fn bad_values_name_their_row() {
    let mut rows = SparseBuilder::new(WIDTH);
    for i in 0..9 {
        rows.push(i, 1.0);
        rows.end_row();
    }
    let label = (0..9).map(|i| if i == 7 { f64::NAN } else { i as f64 }).collect();
    let columns = vec![("features", Column::sparse(rows)), ("label", Column::f64(label))];
    let broken = DataFrame::from_columns(columns).unwrap();
    let error = luthier_core::EstimatorExt::fit_frame(&LinearRegression::new(), &broken).unwrap_err();
    assert!(format!("{error:#}").contains("row 7"), "{error:#}");
}
