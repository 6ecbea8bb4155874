//! Laws that hold for any data: optimality conditions, independence of the grid, agreement of the routes.

use std::sync::Arc;

use luthier_core::{Dataset, Estimator, FitContext, Work, WorkCounter};
use luthier_stages::{LinearRegression, Solver};
use ndarray::{Array1, Array2};
use proptest::prelude::*;

use crate::frames::{fit, read};
use crate::problems::{Options, Rows, bits, violation};

const SOLVERS: [Solver; 4] = [Solver::Auto, Solver::Normal, Solver::Qr, Solver::LBfgs];

/// Correlated features with outlandish scales and offsets, weights with zeros.
fn data() -> impl Strategy<Value = Rows> {
    let features = 4;
    let rows = 30;
    (
        prop::collection::vec(-1.0..1.0f64, rows * (features + 1)).no_shrink(),
        prop::collection::vec(0..4u8, rows).no_shrink(),
        prop::collection::vec(-8..=8i32, features + 1),
        prop::collection::vec(prop::sample::select(vec![0.0, 1.0, 1e3, 1e6]), features + 1),
    )
        .prop_map(move |(values, weights, exponents, offsets)| {
            let at = |i: usize, j: usize| values[i * (features + 1) + j];
            let x = Array2::from_shape_fn((rows, features), |(i, j)| {
                let shared = if j > 0 { 0.7 * at(i, j - 1) } else { 0.0 };
                (at(i, j) + shared + offsets[j]) * 10f64.powi(exponents[j])
            });
            let y = Array1::from_shape_fn(rows, |i| {
                let signal: f64 = (0..features).map(|j| at(i, j) * (j as f64 - 1.2)).sum();
                (signal + 0.3 * at(i, features) + offsets[features]) * 10f64.powi(exponents[features])
            });
            let mut rows = Rows::new(x, y);
            rows.w = weights.iter().map(|w| f64::from(*w) * 0.5).collect();
            rows.w[0] = 1.0;
            rows.w[1] = 1.0;
            rows
        })
}

/// A penalty relative to what the label's scale makes useful.
fn penalties() -> impl Strategy<Value = (f64, f64, bool)> {
    (
        prop::sample::select(vec![0.0, 1e-6, 1e-3, 0.05, 0.3, 1.0, 30.0]),
        prop::sample::select(vec![0.0, 0.01, 0.5, 1.0]),
        any::<bool>(),
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn optimality_conditions_hold(
        rows in data(), (strength, alpha, standardization) in penalties(), fit_intercept: bool, which in 0..4usize
    ) {
        let solver = SOLVERS[which];
        let reg_param = strength * rows.label_scale();
        let options = Options { reg_param, alpha, fit_intercept, standardization, solver };
        // Far from zero and without intercept, features are copies of each other to the Gram matrix, and `normal`
        // was told to do with it.
        let (weight, mean) = rows.mean();
        let far = |j: &usize| mean[*j].powi(2) > 1e4 * rows.x.column(*j).var(0.0);
        if solver == Solver::Normal && alpha > 0.0 && !fit_intercept && (0..4).filter(far).count() > 1 {
            return Ok(());
        }
        let model = rows.fit(&options);
        let violation = violation(&rows, &options, &model);
        // What the rounding of the fitted values leaves, in units of the label.
        let norm = |v: Array1<f64>| ((&rows.w * &v).dot(&v) / weight).sqrt();
        let origin = |j: usize| if fit_intercept { mean[j] } else { 0.0 };
        let beta = model.coefficients();
        let size: f64 = (0..4).map(|j| norm((&rows.x.column(j) - origin(j)) * beta[j])).sum();
        let rounding = 32.0 * f64::EPSILON * size / norm(&rows.y - origin(4));
        prop_assert!(violation < 1e-12 + rounding, "{violation:e} {options:?} {model:?}");
        let (iterations, history) = (model.summary().total_iterations, &model.summary().objective_history);
        prop_assert!(iterations <= if alpha > 0.0 { 60 } else { 100 }, "{iterations} iterations");
        prop_assert!(history.windows(2).all(|w| w[1] <= w[0] + 1e-10 * history[0]), "{history:?}");
    }

    #[test]
    fn a_grid_gives_the_bits_of_each_alone(rows in data(), fit_intercept: bool) {
        let scale = rows.label_scale();
        let mut grid = Vec::new();
        for strength in [0.3, 0.0, 1e-4, 0.07, 2.0] {
            for (alpha, standardization, solver) in [
                (0.0, true, Solver::Auto), (0.5, true, Solver::Auto), (0.0, false, Solver::Normal),
                (1.0, false, Solver::Normal), (0.0, true, Solver::LBfgs), (0.5, true, Solver::LBfgs),
                (0.5, true, Solver::Qr), (0.0, false, Solver::Qr),
            ] {
                grid.push(Options { reg_param: strength * scale, alpha, standardization, solver, fit_intercept });
            }
        }
        for (options, shared) in grid.iter().zip(rows.fit_many(&grid)) {
            prop_assert_eq!(bits(&shared), bits(&rows.fit(options)));
        }
    }

    #[test]
    fn the_factor_answers_as_the_moments_do(
        rows in data(), (strength, _, standardization) in penalties(), fit_intercept: bool
    ) {
        let reg_param = strength * rows.label_scale();
        let options = Options { reg_param, standardization, fit_intercept, solver: Solver::Normal, alpha: 0.0 };
        let (a, b) = (rows.fit(&options), rows.fit(&Options { solver: Solver::Qr, ..options }));
        if a.summary().condition.unwrap() > 1e3 {
            return Ok(());
        }
        // In units: what each feature contributes to the prediction, over the label's deviation.
        let (weight, mean) = rows.mean();
        let origin = |j: usize| if fit_intercept { mean[j] } else { 0.0 };
        let norm = |v: Array1<f64>| ((&rows.w * &v).dot(&v) / weight).sqrt();
        let label = norm(&rows.y - origin(4));
        for j in 0..4 {
            let unit = norm(&rows.x.column(j) - origin(j)) / label;
            prop_assert!((a.coefficients()[j] - b.coefficients()[j]).abs() * unit < 1e-9);
        }
        let (Some(p), Some(q)) = (a.standard_errors(), b.standard_errors()) else { return Ok(()) };
        // The two means differ by rounding, which weighs as much as they exceed the residuals.
        let means = a.coefficients().iter().zip(&mean).map(|(b, m)| (b * m).abs()).sum::<f64>();
        let size = a.intercept().abs() + mean[4].abs() + means;
        let slack = 1e-7 + 64.0 * f64::EPSILON * size / a.summary().rmse;
        for (p, q) in p.iter().zip(q) {
            prop_assert!((p / q - 1.0).abs() < slack, "{p} {q} {slack:e}");
        }
    }
}

fn work(configs: &[LinearRegression], data: Dataset) -> Work {
    let work = Arc::new(WorkCounter::default());
    let data = data.counted_by(Arc::clone(&work));
    let models = LinearRegression::fit_many(configs, &data, &FitContext::new(0, Arc::clone(&work)));
    assert!(models.iter().all(Result::is_ok));
    work.snapshot()
}

#[test]
fn one_decomposition_serves_every_ridge() {
    let grid: Vec<LinearRegression> =
        [0.0, 0.01, 0.1, 1.0, 10.0].map(|r| LinearRegression::new().reg_param(r)).into();
    let data = || Dataset::new(read("diabetes.csv"));
    assert_eq!(work(&grid, data()).factorisations, 1);
    let raw: Vec<LinearRegression> =
        grid.iter().cloned().chain(grid.iter().cloned().map(|r| r.standardization(false))).collect();
    // One more in the scale of the penalty, and eigenvalues alone for its condition, whatever else is in the grid.
    assert_eq!(work(&raw, data()).factorisations, 3);
}

#[test]
fn no_iterations_answer_with_the_mean() {
    let data = read("diabetes.csv");
    let label = data.column_f64("label").unwrap();
    let mean = label.iter().sum::<f64>() / label.len() as f64;
    for (solver, alpha) in [(Solver::LBfgs, 0.0), (Solver::LBfgs, 0.5), (Solver::Normal, 1.0)] {
        let estimator = LinearRegression::new().reg_param(0.1).elastic_net_param(alpha).solver(solver);
        let model = fit(&estimator.clone().max_iter(0), &data);
        assert!(model.coefficients().iter().all(|b| *b == 0.0));
        assert!((model.intercept() - mean).abs() < 1e-12 * mean);
        assert_eq!((model.summary().total_iterations, model.summary().objective_history.len()), (0, 1));
        let few = fit(&estimator.max_iter(3), &data);
        let (iterations, history) = (few.summary().total_iterations, &few.summary().objective_history);
        assert!(iterations <= 3 && history.len() == iterations + 1, "{history:?}");
        assert!(history[iterations] < history[0]);
    }
}

#[test]
fn duplicates_and_wide_data_end_well() {
    let n = 20;
    let noise = |i: usize, j: usize| ((i * 31 + j * 17 + i * i * j) as f64).sin();
    // 60 features of 20 rows, the last 30 copies of the first.
    let x = Array2::from_shape_fn((n, 60), |(i, j)| noise(i, j % 30 + 1));
    let y = Array1::from_shape_fn(n, |i| 3.0 * noise(i, 1) - noise(i, 2) + 0.1 * noise(i, 77));
    let rows = Rows::new(x, y);
    for solver in SOLVERS {
        for (reg_param, alpha) in [(0.0, 0.0), (0.1, 0.0), (0.01, 0.5), (0.01, 1.0), (1e-7, 1.0), (1e9, 1.0)]
        {
            let options = Options { reg_param, alpha, solver, ..Options::default() };
            let model = rows.fit(&options);
            let violation = violation(&rows, &options, &model);
            let iterations = model.summary().total_iterations;
            assert!(violation < 1e-10, "{violation:e} {options:?} after {iterations} iterations");
            if alpha == 0.0 {
                for j in 0..30 {
                    let (a, b) = (model.coefficients()[j], model.coefficients()[j + 30]);
                    assert!((a - b).abs() < 1e-8 * (1.0 + a.abs()), "{a} {b}");
                }
            }
            if reg_param == 0.0 {
                assert!(model.standard_errors().is_none());
            }
        }
    }
}

#[test]
fn ill_conditioned_data_ask_for_the_factor() {
    let x = Array2::from_shape_fn((50, 2), |(i, j)| {
        (i as f64).sin() + if j == 1 { 1e-4 * (i as f64).cos() } else { 0.0 }
    });
    let y = Array1::from_shape_fn(50, |i| (i as f64 * 0.3).cos());
    let data = Rows::new(x, y).frame();
    let plain = LinearRegression::new();
    assert!(work(std::slice::from_ref(&plain), Dataset::new(data.clone())).guarded > 0);
    assert!(fit(&plain, &data).summary().condition.unwrap() > 1e7);
    // A penalty mends it.
    assert_eq!(work(&[plain.reg_param(10.0)], Dataset::new(data)).guarded, 0);
}

#[test]
fn constant_labels_and_single_rows_have_a_defined_answer() {
    let constant =
        Rows::new(Array2::from_shape_fn((3, 2), |(i, j)| (i * i + j) as f64), Array1::from_elem(3, 0.1));
    for solver in SOLVERS {
        let model = constant.fit(&Options { reg_param: 1.0, solver, ..Options::default() });
        assert_eq!((model.coefficients(), model.intercept()), (&[0.0, 0.0][..], 0.1));
        assert_eq!(model.summary().objective_history, [0.0]);
        let plain = constant.fit(&Options { fit_intercept: false, solver, ..Options::default() });
        assert!(plain.coefficients().iter().any(|b| *b != 0.0));
    }
    let single = Rows::new(Array2::ones((1, 2)), Array1::ones(1));
    assert_eq!(single.fit(&Options::default()).intercept(), 1.0);
}

#[test]
fn orthogonal_features_are_fitted_one_by_one() {
    let n = 64;
    let wave = |i: usize, k: usize| (std::f64::consts::TAU * ((i * (k + 1)) % n) as f64 / n as f64).cos();
    let x = Array2::from_shape_fn((n, 6), |(i, k)| 10f64.powi(k as i32 - 3) * wave(i, k));
    let y = Array1::from_shape_fn(n, |i| {
        (0..6).map(|k| (k as f64 - 2.5) * wave(i, k)).sum::<f64>() + (i as f64).sin()
    });
    let rows = Rows::new(x, y);
    for reg_param in [0.0, 0.1, 10.0] {
        for standardization in [true, false] {
            let options = Options { reg_param, standardization, ..Options::default() };
            let (model, exact) =
                (rows.fit(&options), rows.fit(&Options { solver: Solver::Qr, ..options.clone() }));
            let violation = violation(&rows, &options, &model);
            assert!(violation < 1e-14, "{violation:e} {options:?}");
            let errors = model.standard_errors().unwrap().iter().zip(exact.standard_errors().unwrap());
            assert!(errors.into_iter().all(|(a, b)| (a / b - 1.0).abs() < 1e-12), "{options:?}");
            assert!((model.summary().condition.unwrap() - 1.0).abs() < 1e-12);
        }
    }
}
