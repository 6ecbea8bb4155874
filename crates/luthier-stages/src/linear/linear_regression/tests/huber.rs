use ndarray::{Array1, Array2};
use proptest::prelude::*;

use super::data::Rows;
use crate::linear::linear_regression::huber::HuberOptions;
use crate::linear::linear_regression::solve::FitOptions;

fn tight() -> HuberOptions {
    HuberOptions {
        reg_param: 0.0,
        fit_intercept: true,
        standardization: true,
        epsilon: 1.35,
        tol: 1e-7,
        max_iter: 100,
    }
}

/// The objective as it is written, row by row.
fn objective(rows: &Rows, options: &HuberOptions, beta: &Array1<f64>, c: f64, sigma: f64) -> f64 {
    let weight = rows.w.sum();
    let (_, mean) = rows.mean();
    let reduced = weight - rows.w.dot(&rows.w) / weight;
    let loss: f64 = (rows.x.dot(beta) + c - &rows.y)
        .iter()
        .zip(&rows.w)
        .map(|(r, w)| {
            let z = (r / sigma).abs();
            let e = options.epsilon;
            let h = if z <= e { z * z } else { 2.0 * e * z - e * e };
            w * (sigma + h * sigma)
        })
        .sum();
    let penalty: f64 = (0..beta.len())
        .map(|j| {
            let variance: f64 =
                rows.x.column(j).iter().zip(&rows.w).map(|(x, w)| w * (x - mean[j]).powi(2)).sum::<f64>()
                    / reduced;
            if options.standardization { variance * beta[j].powi(2) } else { beta[j].powi(2) }
        })
        .sum();
    loss / (2.0 * weight) + 0.5 * options.reg_param * penalty
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
        let clean = rows.huber(&tight());
        for i in (0..200).step_by(10) {
            rows.y[i] += size * if i % 20 == 0 { 1.0 } else { 0.5 };
        }
        let fit = rows.huber(&tight());
        assert!(fit.iterations < 60, "{} steps for {size:e}", fit.iterations);
        assert!((fit.coefficients[0] - clean.coefficients[0]).abs() < 0.05, "{size:e}: {fit:?}");
        assert!(fit.scale < 0.2 && fit.scale > 0.05, "{fit:?}");
        assert!(fit.objective_history.windows(2).all(|w| w[1] <= w[0] * (1.0 + 1e-12)));
    }
}

#[test]
fn exact_lines_and_degenerate_data_end_well() {
    let fit = line(50, 3.0, 0.0).huber(&tight());
    assert!((fit.coefficients[0] - 3.0).abs() < 1e-9 && fit.scale < 1e-9, "{fit:?}");
    let mut constant = line(50, 0.0, 0.0);
    let fit = constant.huber(&tight());
    assert_eq!((fit.coefficients[0], fit.intercept, fit.scale), (0.0, 2.0, 1.0));
    constant.y = line(50, 1.0, 0.3).y;
    constant.x.fill(4.0);
    let fit = constant.huber(&tight());
    assert_eq!(fit.coefficients[0], 0.0);
    assert!(fit.scale > 0.0 && fit.intercept.is_finite());
}

#[test]
fn no_steps_answer_with_least_squares() {
    let rows = line(50, 3.0, 0.4);
    let fit = rows.huber(&HuberOptions { max_iter: 0, ..tight() });
    let squared = rows.fit(&FitOptions::default());
    assert!((fit.coefficients[0] - squared.coefficients[0]).abs() < 1e-12);
    assert_eq!((fit.iterations, fit.objective_history.len()), (0, 1));
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
        let options = HuberOptions { reg_param, fit_intercept, standardization, ..tight() };
        let fit = rows.huber(&options);
        let at = |beta: &Array1<f64>, c: f64, s: f64| objective(&rows, &options, beta, c, s);
        let best = at(&fit.coefficients, fit.intercept, fit.scale);
        let last = fit.objective_history[fit.objective_history.len() - 1];
        prop_assert!((last / best - 1.0).abs() < 1e-9, "{last} {best}");
        prop_assert!(fit.iterations < 50);
        let (_, mean) = rows.mean();
        let slack = 1e-12 * (best + 1.0);
        for step in [1e-3, -1e-3, 1e-5, -1e-5] {
            for j in 0..2 {
                let mut beta = fit.coefficients.clone();
                let unit = if j == 0 { 10f64.powi(exponent) } else { 1.0 };
                beta[j] += step / unit;
                // The intercept follows, so that the move is not along the offset of the feature.
                let c = if fit_intercept { fit.intercept - step / unit * mean[j] } else { 0.0 };
                prop_assert!(at(&beta, c, fit.scale) >= best - slack, "{} {best} {step} {j} {fit:?} {:?}", at(&beta, c, fit.scale), mean);
            }
            prop_assert!(at(&fit.coefficients, fit.intercept, fit.scale * (1.0 + step)) >= best - slack);
            if fit_intercept {
                prop_assert!(at(&fit.coefficients, fit.intercept + step, fit.scale) >= best - slack);
            }
        }
    }
}
