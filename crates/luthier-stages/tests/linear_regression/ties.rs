//! Lassos with several solutions: which one it is follows from the problem, not from rounding.

use luthier_core::frame::{Column, DataFrame};
use luthier_core::{Blocks, Dataset, Estimator, FitContext, Rows};
use luthier_stages::{LinearRegression, LinearRegressionModel, Solver};
use ndarray::{Array2, Axis, concatenate};
use proptest::prelude::*;

use crate::frames::*;

fn next(state: &mut u64) -> f64 {
    *state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
    (*state >> 11) as f64 / (1u64 << 53) as f64
}

/// Dummies of a category, which add up to 1, beside a number.
fn dummies(rows: usize, categories: usize, seed: u64) -> DataFrame {
    let mut state = seed;
    let codes: Vec<usize> = (0..rows).map(|_| (next(&mut state) * categories as f64) as usize).collect();
    let x = Array2::from_shape_fn((rows, categories + 1), |(i, j)| match j {
        0 => (i * 37 % 11) as f64 / 3.0,
        j => f64::from(u8::from(codes[i] == j - 1)),
    });
    let effect: Vec<f64> = (0..categories).map(|_| 8.0 * next(&mut state) - 4.0).collect();
    let y = (0..rows).map(|i| effect[codes[i]] + 0.5 * x[[i, 0]] + next(&mut state)).collect();
    frame(x, y, None)
}

fn lasso(reg_param: f64, standardization: bool, solver: Solver) -> LinearRegression {
    let lasso = LinearRegression::new().reg_param(reg_param).elastic_net_param(1.0);
    lasso.standardization(standardization).solver(solver)
}

/// What the rule says: no solution with the same fit is smaller. It is what the elastic net tends to.
fn limit(data: &DataFrame, lasso: &LinearRegression) -> Vec<f64> {
    let at = |share: f64| {
        estimates(&fit(&lasso.clone().elastic_net_param(1.0 - share).max_iter(100_000).tol(1e-9), data))
    };
    let (near, far) = (at(1e-5), at(2e-5));
    near.iter().zip(&far).map(|(near, far)| 2.0 * near - far).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn partitions_folds_and_order_do_not_decide(
        rows in 12usize..60,
        categories in 2usize..7,
        seed in any::<u64>(),
        strength in 0.01f64..0.5,
        standardization in any::<bool>(),
    ) {
        let data = dummies(rows, categories, seed);
        for solver in DIRECT {
            let estimator = lasso(strength, standardization, solver);
            let expected = estimates(&fit(&estimator, &data));
            let scale = largest(&expected).max(1.0);
            for partitions in [2, 3, 5] {
                let found = estimates(&fit(&estimator, &data.repartition(partitions).unwrap()));
                assert_close(&found, &expected, 1e-8 * scale, &(solver, partitions));
            }
            let back: Vec<usize> = (0..rows).rev().collect();
            let (x, y) = (data.vectors("features").unwrap(), data.column_f64("label").unwrap());
            let reversed = frame(x.select(Axis(0), &back), back.iter().map(|&i| y[i]).collect(), None);
            assert_close(&estimates(&fit(&estimator, &reversed)), &expected, 1e-8 * scale, &(solver, "reversed"));
            // All rows, put together from the summaries of folds.
            let assignment: Vec<u32> = (0..rows as u32 + 3).map(|i| i % 3).collect();
            let more = frame(
                concatenate(Axis(0), &[x.view(), x.slice(ndarray::s![..3, ..])]).unwrap(),
                y.iter().chain(&y[..3]).copied().collect(),
                None,
            );
            let folds = Dataset::with_blocks(more.clone(), Blocks::new(assignment.clone(), 3).unwrap()).unwrap();
            let part = folds.select(Rows::except(1));
            let kept: Vec<usize> = (0..rows + 3).filter(|i| i % 3 != 1).collect();
            let (x, y) = (more.vectors("features").unwrap(), more.column_f64("label").unwrap());
            let alone = frame(x.select(Axis(0), &kept), kept.iter().map(|&i| y[i]).collect(), None);
            let of_fold = estimator.fit(&part, &FitContext::new(0, Default::default())).unwrap();
            assert_close(&estimates(&of_fold), &estimates(&fit(&estimator, &alone)), 1e-8 * scale, &(solver, "fold"));
        }
    }

    #[test]
    fn it_is_the_limit_of_elastic_nets(seed in any::<u64>(), categories in 2usize..5, standardization in any::<bool>()) {
        let data = dummies(40, categories, seed);
        let estimator = lasso(0.05, standardization, Solver::Auto);
        let found = estimates(&fit(&estimator, &data));
        assert_close(&found, &limit(&data, &estimator), 2e-5 * largest(&found).max(1.0), &categories);
    }
}

#[test]
fn copies_of_a_column_share_its_coefficient() {
    let x = Array2::from_shape_fn((30, 3), |(i, j)| ((i * (7 + j) + j) % 13) as f64);
    let y: Vec<f64> = (0..30).map(|i| x[[i, 0]] - 2.0 * x[[i, 1]] + 0.3 * ((i * 5) % 7) as f64).collect();
    let copied = x.select(Axis(1), &[0, 1, 0, 2, 0]);
    for solver in DIRECT.into_iter().chain([Solver::LBfgs]) {
        for standardization in [true, false] {
            let estimator = lasso(0.1, standardization, solver);
            let alone = fit(&estimator, &frame(x.clone(), y.clone(), None));
            let model = fit(&estimator, &frame(copied.clone(), y.clone(), None));
            let [a, b, c] = [0, 1, 2].map(|j| alone.coefficients()[j]);
            assert_close(
                model.coefficients(),
                &[a / 3.0, b, a / 3.0, c, a / 3.0],
                1e-9,
                &(solver, standardization),
            );
        }
    }
}

#[test]
fn a_grid_gives_what_a_fit_gives() {
    let data = dummies(50, 4, 3);
    let configs: Vec<_> = [0.5, 0.2, 0.1, 0.03, 0.01].map(|r| lasso(r, false, Solver::Auto)).into();
    let together = LinearRegression::fit_many(
        &configs,
        &Dataset::new(data.clone()),
        &FitContext::new(0, Default::default()),
    );
    for (config, model) in configs.iter().zip(together) {
        let (model, alone): (LinearRegressionModel, _) = (model.unwrap(), fit(config, &data));
        assert_eq!(estimates(&model), estimates(&alone));
    }
    // A scalar column keeps working beside.
    let single = DataFrame::from_columns(vec![
        ("features", Column::f64(vec![1.0, 2.0, 4.0])),
        ("label", Column::f64(vec![1.0, 2.0, 3.0])),
    ]);
    assert_eq!(fit(&configs[4], &single.unwrap()).coefficients().len(), 1);
}
