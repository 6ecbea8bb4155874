//! The huber loss on about as many rows as features, where the scale may tend to zero.

use luthier_stages::{LinearRegression, LinearRegressionModel, Loss};
use ndarray::{Array1, Array2};

use crate::frames::{fit, frame};

const EPSILON: f64 = 1.35;

fn rows(n: usize, p: usize) -> (Array2<f64>, Vec<f64>, Vec<f64>) {
    let x = Array2::from_shape_fn((n, p), |(i, j)| {
        let (i, j) = (i as f64, j as f64);
        ((i + 1.0) * (j + 2.0) * 0.7 + 0.3 * j * j).sin()
    });
    let beta = Array1::from_shape_fn(p, |j| (j as f64).cos());
    let outlier = |i: usize| if i.is_multiple_of(6) { 4.0 * (i as f64).cos() } else { 0.0 };
    let label =
        x.dot(&beta).into_iter().enumerate().map(|(i, y)| y + 0.1 * (5.0 * i as f64).sin() + outlier(i));
    let label = label.collect();
    (x, label, (0..n).map(|i| 1.0 + (i % 3) as f64 / 2.0).collect())
}

/// The objective as it is written.
fn objective(model: &LinearRegressionModel, (x, y, w): &(Array2<f64>, Vec<f64>, Vec<f64>), l2: f64) -> f64 {
    let total: f64 = w.iter().sum();
    let squares = w.iter().map(|w| w * w).sum::<f64>();
    let (beta, sigma) = (model.coefficients(), model.scale());
    let fitted = x.dot(&ndarray::aview1(beta)) + model.intercept();
    let mut loss = 0.0;
    for ((f, y), w) in fitted.iter().zip(y).zip(w) {
        let z = ((f - y) / sigma).abs();
        let h = if z <= EPSILON { z * z } else { 2.0 * EPSILON * z - EPSILON * EPSILON };
        loss += w * (sigma + h * sigma) / (2.0 * total);
    }
    for (x, beta) in x.columns().into_iter().zip(beta) {
        let mean = x.iter().zip(w).map(|(x, w)| w * x).sum::<f64>() / total;
        let variance = x.iter().zip(w).map(|(x, w)| w * (x - mean).powi(2)).sum::<f64>();
        loss += 0.5 * l2 * variance / (total - squares / total) * beta * beta;
    }
    loss
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
        let rows = rows(n, p);
        let data = frame(rows.0.clone(), rows.1.clone(), Some(rows.2.clone()));
        for (fit_intercept, minima) in [true, false].into_iter().zip(minima) {
            for (l2, expected) in [2.0, 0.5, 0.1, 1e-3, 1e-6].into_iter().zip(minima) {
                let huber = LinearRegression::new().weight_col("weight").loss(Loss::Huber);
                let model = fit(&huber.reg_param(l2).fit_intercept(fit_intercept), &data);
                let found = objective(&model, &rows, l2);
                let told = *model.summary().objective_history.last().unwrap();
                let what = format!("{n} x {p}, {fit_intercept}, {l2}: {found:e} {told:e} {expected:e}");
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
    let (x, y, w) = rows(30, 700);
    let model = fit(&LinearRegression::new().loss(Loss::Huber), &frame(x.clone(), y.clone(), Some(w)));
    assert!(model.summary().converged, "{:?}", model.summary());
    let fitted = x.dot(&ndarray::aview1(model.coefficients())) + model.intercept();
    assert!(fitted.iter().zip(&y).all(|(f, y)| (f - y).abs() < 1e-6), "{fitted} {y:?}");
}
