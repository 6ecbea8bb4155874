//! Nearly dependent features: the optimum to eight digits, and no false word of convergence.
//!
//! Objectives are those of Newton's method with 60 digits (mpmath) on the same rows.

use luthier_core::NoteKind;
use luthier_stages::{Family, LogisticRegression, LogisticRegressionModel};
use ndarray::Array2;

use crate::frames::*;
use crate::problems::Rows;

/// `x0 = sin i`, `x1 = x0 + distance · cos 2i`, and labels that need both.
fn near(distance: f64) -> Rows {
    let x = Array2::from_shape_fn((60, 2), |(i, j)| {
        let i = i as f64;
        if j == 0 { i.sin() } else { i.sin() + distance * (2.0 * i).cos() }
    });
    let label = |i: f64| i.sin() + 1.5 * (2.0 * i).cos() + 2.0 * (3.0 * i * i).sin() > 0.0;
    Rows { x, y: (0..60).map(|i| f64::from(u8::from(label(i as f64)))).collect(), w: vec![1.0; 60] }
}

/// A sum of products to twice the digits.
pub(crate) fn exact_score(x: impl Iterator<Item = (f64, f64)>, intercept: f64) -> f64 {
    let (mut high, mut low) = (intercept, 0.0);
    for (a, b) in x {
        let product = a * b;
        let sum = high + product;
        let back = sum - high;
        low += (high - (sum - back)) + (product - back) + a.mul_add(b, -product);
        high = sum;
    }
    high + low
}

/// The mean loss of a binomial or multinomial model with the penalty `½ λ Σ β²`.
fn objective(rows: &Rows, model: &LogisticRegressionModel, lambda: f64) -> f64 {
    let beta = model.coefficient_matrix();
    let mut loss = 0.0;
    for (x, y) in rows.x.outer_iter().zip(&rows.y) {
        let score =
            |k: usize| exact_score(x.iter().copied().zip(beta.row(k).to_vec()), model.intercepts()[k]);
        let margin = match beta.nrows() {
            1 => score(0) * (2.0 * y - 1.0),
            _ => {
                // Both scores are large: their difference is taken feature by feature.
                let own = *y as usize;
                let difference = &beta.row(own) - &beta.row(1 - own);
                let c = model.intercepts()[own] - model.intercepts()[1 - own];
                exact_score(x.iter().copied().zip(difference.to_vec()), c)
            }
        };
        loss += (-margin).exp().ln_1p();
    }
    loss / rows.y.len() as f64 + 0.5 * lambda * beta.iter().map(|b| b * b).sum::<f64>()
}

/// Distance, `λ`, and the least objective.
const OPTIMA: [(f64, f64, f64); 14] = [
    (1e-4, 0.0, 0.547_529_341_632_647_1),
    (1e-4, 1e-12, 0.547_721_055_263_770_4),
    (1e-4, 1e-6, 0.629_354_696_467_215_1),
    (1e-6, 0.0, 0.547_529_341_636_566_7),
    (1e-6, 1e-12, 0.625_534_278_523_566),
    (1e-6, 1e-6, 0.629_401_708_153_477_4),
    (1e-8, 0.0, 0.547_529_341_688_866_5),
    (1e-8, 1e-18, 0.562_587_418_917_909_1),
    (1e-8, 1e-12, 0.629_401_120_302_993_8),
    (1e-8, 1e-6, 0.629_401_775_077_965_5),
    (1e-9, 0.0, 0.547_529_340_643_235_6),
    (1e-9, 1e-18, 0.625_534_338_149_051_7),
    (1e-10, 0.0, 0.547_529_350_484_285_7),
    (1e-10, 1e-18, 0.629_360_794_752_340_1),
];

#[test]
fn nearly_dependent_features_are_fitted_to_eight_digits() {
    for (distance, lambda, optimum) in OPTIMA {
        let rows = near(distance);
        let data = frame(rows.x.clone(), rows.y.clone(), None);
        for tol in [1e-3, 1e-6, 1e-9, 1e-12] {
            let e = LogisticRegression::new().reg_param(lambda).standardization(false).tol(tol);
            let model = fit(&e, &data);
            let found = objective(&rows, &model, lambda);
            let summary = model.summary();
            assert!((found / optimum - 1.0).abs() < 1e-8, "{distance} {lambda} {tol}: {found} {summary:?}");
            // Beyond a distance of 1e-8 rounding leaves more of the gradient than the tolerance allows.
            let told = summary.notes.iter().any(|note| note.kind == NoteKind::NotConverged);
            assert_eq!(summary.converged, !told);
            assert!(
                summary.converged || tol < 1e-6 || distance < 1e-8,
                "{distance} {lambda} {tol}: {summary:?}"
            );
            let told = summary.objective_history.last().unwrap();
            // What the fit itself sums up has the rounding of scores as large as the coefficients.
            let accuracy = 1e-8_f64.max(4e-16 / distance);
            assert!((told / optimum - 1.0).abs() < accuracy, "{distance} {lambda} {tol}: {told}");
        }
        if lambda == 0.0 {
            let model = fit(&LogisticRegression::new().family(Family::Multinomial), &data);
            let found = objective(&rows, &model, 0.0);
            assert!((found / optimum - 1.0).abs() < 1e-8, "{distance}: {found} {:?}", model.summary());
        }
    }
}
