//! The huber loss: its minimum, outliers, and about as many rows as features, where the scale may tend to zero.

use luthier_stages::{LinearRegression, LinearRegressionModel, Loss};
use ndarray::{Array1, Array2};
use proptest::prelude::*;

use crate::frames::fit;
use crate::problems::{Options, Rows};

const EPSILON: f64 = 1.35;

/// The objective as it is written, row by row.
fn objective(rows: &Rows, options: &Options, beta: &[f64], c: f64, sigma: f64) -> f64 {
    let (weight, mean) = rows.mean();
    let reduced = weight - rows.w.dot(&rows.w) / weight;
    let residuals = rows.x.dot(&ndarray::aview1(beta)) + c - &rows.y;
    let loss = residuals.iter().zip(&rows.w).map(|(r, w)| {
        let z = (r / sigma).abs();
        let h = if z <= EPSILON { z * z } else { 2.0 * EPSILON * z - EPSILON * EPSILON };
        w * (sigma + h * sigma)
    });
    let penalty = beta.iter().enumerate().map(|(j, beta)| {
        let x = rows.x.column(j).mapv(|x| x - mean[j]);
        let variance = (&rows.w * &x).dot(&x) / reduced;
        if options.standardization { variance * beta * beta } else { beta * beta }
    });
    loss.sum::<f64>() / (2.0 * weight) + 0.5 * options.reg_param * penalty.sum::<f64>()
}

fn at_its_minimum(rows: &Rows, options: &Options, model: &LinearRegressionModel) -> f64 {
    objective(rows, options, model.coefficients(), model.intercept(), model.scale())
}

fn huber(rows: &Rows, options: &Options) -> LinearRegressionModel {
    fit(&options.huber(), &rows.frame())
}

fn line(n: usize, slope: f64, noise: f64) -> Rows {
    let x = Array2::from_shape_fn((n, 1), |(i, _)| i as f64 / n as f64);
    let y = Array1::from_shape_fn(n, |i| 2.0 + slope * x[[i, 0]] + noise * ((i * 7919) as f64).sin());
    Rows::new(x, y)
}

#[test]
fn huge_outliers_do_not_matter() {
    for size in [1e3, 1e6, 1e9] {
        let mut rows = line(200, 3.0, 0.1);
        let clean = huber(&rows, &Options::default());
        for i in (0..200).step_by(10) {
            rows.y[i] += size * if i % 20 == 0 { 1.0 } else { 0.5 };
        }
        let model = huber(&rows, &Options::default());
        let (steps, history) = (model.summary().total_iterations, &model.summary().objective_history);
        assert!(steps < 60, "{steps} steps for {size:e}");
        assert!((model.coefficients()[0] - clean.coefficients()[0]).abs() < 0.05, "{size:e}: {model:?}");
        assert!(model.scale() < 0.2 && model.scale() > 0.05, "{model:?}");
        assert!(history.windows(2).all(|w| w[1] <= w[0] * (1.0 + 1e-12)));
    }
}

#[test]
fn exact_lines_and_degenerate_data_end_well() {
    let model = huber(&line(50, 3.0, 0.0), &Options::default());
    assert!((model.coefficients()[0] - 3.0).abs() < 1e-9 && model.scale() < 1e-9, "{model:?}");
    let mut constant = line(50, 0.0, 0.0);
    let model = huber(&constant, &Options::default());
    assert_eq!((model.coefficients()[0], model.intercept(), model.scale()), (0.0, 2.0, 1.0));
    constant.y = line(50, 1.0, 0.3).y;
    constant.x.fill(4.0);
    let model = huber(&constant, &Options::default());
    assert_eq!(model.coefficients()[0], 0.0);
    assert!(model.scale() > 0.0 && model.intercept().is_finite());
}

#[test]
fn no_steps_answer_with_least_squares() {
    let rows = line(50, 3.0, 0.4);
    let model = fit(&Options::default().huber().max_iter(0), &rows.frame());
    let squared = rows.fit(&Options::default());
    assert!((model.coefficients()[0] - squared.coefficients()[0]).abs() < 1e-12);
    assert_eq!((model.summary().total_iterations, model.summary().objective_history.len()), (0, 1));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]

    /// No small move of any parameter lowers the objective, and the history reports it.
    #[test]
    fn the_minimum_is_one(
        values in prop::collection::vec(-3.0..3.0f64, 40 * 4).no_shrink(),
        outliers in prop::collection::vec(-1e4..1e4f64, 5),
        weights in prop::collection::vec(0..4u8, 40).no_shrink(),
        exponent in -4..5i32,
        reg_param in prop::sample::select(vec![0.0, 0.1, 10.0]),
        fit_intercept: bool,
        standardization: bool,
    ) {
        let x = Array2::from_shape_fn((40, 2), |(i, j)| {
            values[i * 4 + j] * if j == 0 { 10f64.powi(exponent) } else { 1.0 } + f64::from(j as u8) * 100.0
        });
        let mut y = Array1::from_shape_fn(40, |i| 5.0 + values[i * 4] - 2.0 * values[i * 4 + 1] + values[i * 4 + 2]);
        for (i, v) in outliers.iter().enumerate() {
            y[i * 8] += v;
        }
        let rows = Rows { w: weights.iter().map(|w| f64::from(*w)).collect(), ..Rows::new(x, y) };
        prop_assume!(rows.w.iter().filter(|w| **w > 0.0).count() > 15);
        let options = Options { reg_param, fit_intercept, standardization, ..Options::default() };
        let model = huber(&rows, &options);
        let best = at_its_minimum(&rows, &options, &model);
        let last = *model.summary().objective_history.last().unwrap();
        prop_assert!((last / best - 1.0).abs() < 1e-9, "{last} {best}");
        prop_assert!(model.summary().total_iterations < 50);
        let (c, scale) = (model.intercept(), model.scale());
        let at = |beta: &[f64], c: f64, s: f64| objective(&rows, &options, beta, c, s);
        let (_, mean) = rows.mean();
        let slack = 1e-12 * (best + 1.0);
        for step in [1e-3, -1e-3, 1e-5, -1e-5] {
            for j in 0..2 {
                let mut beta = model.coefficients().to_vec();
                let unit = if j == 0 { 10f64.powi(exponent) } else { 1.0 };
                beta[j] += step / unit;
                // The intercept follows, so that the move is not along the offset of the feature.
                let c = if fit_intercept { c - step / unit * mean[j] } else { 0.0 };
                prop_assert!(at(&beta, c, scale) >= best - slack, "{best} {step} {j} {model:?} {mean:?}");
            }
            prop_assert!(at(model.coefficients(), c, scale * (1.0 + step)) >= best - slack);
            if fit_intercept {
                prop_assert!(at(model.coefficients(), c + step, scale) >= best - slack);
            }
        }
    }
}

fn few_rows(n: usize, p: usize) -> Rows {
    let x = Array2::from_shape_fn((n, p), |(i, j)| {
        let (i, j) = (i as f64, j as f64);
        ((i + 1.0) * (j + 2.0) * 0.7 + 0.3 * j * j).sin()
    });
    let beta = Array1::from_shape_fn(p, |j| (j as f64).cos());
    let outlier = |i: usize| if i.is_multiple_of(6) { 4.0 * (i as f64).cos() } else { 0.0 };
    let noise = Array1::from_shape_fn(n, |i| 0.1 * (5.0 * i as f64).sin() + outlier(i));
    let w = Array1::from_shape_fn(n, |i| 1.0 + (i % 3) as f64 / 2.0);
    Rows { w, ..Rows::new(x.clone(), x.dot(&beta) + noise) }
}

/// For each penalty, with an intercept and without.
type Minima = [[f64; 5]; 2];

/// Minima by an interior-point method (Clarabel through CVXPY), with `σ ≥ 1e-9`: with an intercept, then without, for
/// falling penalties.
#[test]
fn penalised_fits_of_few_rows_reach_the_minimum() {
    let expected: [((usize, usize), Minima); 4] = [
        (
            (12, 12),
            [
                [1.325155955, 7.304253741e-1, 4.002854880e-1, 3.498499724e-2, 3.498517922e-5],
                [1.330821553, 7.486749367e-1, 4.147126330e-1, 2.878429720e-1, 5.160274103e-3],
            ],
        ),
        (
            (5, 20),
            [
                [1.277216474, 3.435710554e-1, 6.871421113e-2, 6.871422222e-4, 6.996856317e-7],
                [1.286135758, 3.489664038e-1, 6.979328091e-2, 6.979329186e-4, 6.981882360e-7],
            ],
        ),
        (
            (20, 60),
            [
                [1.726961198, 9.815193295e-1, 3.917123872e-1, 7.045769526e-3, 7.045901375e-6],
                [1.726961803, 9.815296758e-1, 3.919859189e-1, 7.052823855e-3, 7.052976497e-6],
            ],
        ),
        (
            (14, 10),
            [
                [1.471173619, 9.538399684e-1, 5.791538464e-1, 4.586290887e-1, 4.561042838e-1],
                [1.475711151, 9.685440627e-1, 5.981124046e-1, 4.624060822e-1, 4.594175478e-1],
            ],
        ),
    ];
    for ((n, p), minima) in expected {
        let rows = few_rows(n, p);
        for (fit_intercept, minima) in [true, false].into_iter().zip(minima) {
            for (reg_param, expected) in [2.0, 0.5, 0.1, 1e-3, 1e-6].into_iter().zip(minima) {
                let options = Options { reg_param, fit_intercept, ..Options::default() };
                let model = huber(&rows, &options);
                let found = at_its_minimum(&rows, &options, &model);
                let told = *model.summary().objective_history.last().unwrap();
                let what =
                    format!("{n} x {p}, {fit_intercept}, {reg_param}: {found:e} {told:e} {expected:e}");
                assert!(model.summary().converged, "{what}");
                assert!((found - expected).abs() <= 1e-7 * expected + 2e-8, "{what}");
                assert!((found - told).abs() <= 1e-9 * expected, "{what}");
            }
        }
    }
}

/// Fewer rows than many features: the rows are fitted, not the products of all pairs of features.
#[test]
fn few_rows_of_many_features_are_interpolated_without_a_penalty() {
    let rows = few_rows(30, 700);
    let model = fit(&LinearRegression::new().loss(Loss::Huber), &rows.frame());
    assert!(model.summary().converged, "{:?}", model.summary());
    let fitted = rows.x.dot(&ndarray::aview1(model.coefficients())) + model.intercept();
    assert!(fitted.iter().zip(&rows.y).all(|(f, y)| (f - y).abs() < 1e-6), "{fitted} {}", rows.y);
}
