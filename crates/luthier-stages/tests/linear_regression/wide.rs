//! Fewer rows than features: work on the rows, and solutions that satisfy their conditions.

use std::sync::Arc;

use luthier_core::frame::DataFrame;
use luthier_core::{Dataset, Estimator, FitContext, Transformer, WorkCounter};
use luthier_stages::{LinearRegression, LinearRegressionModel, Solver};
use ndarray::{Array1, Array2, Axis};

use crate::frames::*;

const ROWS: usize = 24;
const WIDTH: usize = 700;

fn data() -> (Array2<f64>, Array1<f64>, DataFrame) {
    let entry = |i: usize, j: usize| ((i * 7919 + j * 104_729 + i * j * 31) % 1000) as f64 / 500.0 - 1.0;
    let scale = |j: usize| [1.0, 10.0, 0.1][j % 3];
    let x = Array2::from_shape_fn((ROWS, WIDTH), |(i, j)| match j {
        4 => 2.5,
        j => scale(j) * (entry(i, j) + 3.0),
    });
    let y = Array1::from_shape_fn(ROWS, |i| x[[i, 0]] - 0.2 * x[[i, 1]] + 0.1 * entry(i, 9));
    let frame = frame(x.clone(), y.to_vec(), None);
    (x, y, frame)
}

/// `Σ (xβ + c − y) (x_j − x̄_j) / n`, which the penalty has to balance.
fn gradient(x: &Array2<f64>, y: &Array1<f64>, model: &LinearRegressionModel) -> Array1<f64> {
    let centre = match model.intercept() {
        0.0 => Array1::zeros(WIDTH),
        _ => x.mean_axis(Axis(0)).unwrap(),
    };
    let residual = x.dot(&ndarray::aview1(model.coefficients())) + model.intercept() - y;
    (x - &centre).t().dot(&residual) / ROWS as f64
}

fn deviations(x: &Array2<f64>) -> Array1<f64> {
    x.std_axis(Axis(0), 0.0)
}

#[test]
fn ridge_balances_its_gradient() {
    let (x, y, frame) = data();
    let s_y = y.std(0.0);
    for solver in [Solver::Auto, Solver::Normal, Solver::Qr] {
        for standardization in [true, false] {
            for fit_intercept in [true, false] {
                let base = LinearRegression::new().solver(solver).fit_intercept(fit_intercept);
                let model = fit(&base.reg_param(0.3).standardization(standardization), &frame);
                let scale = if standardization { deviations(&x) } else { Array1::ones(WIDTH) };
                let coefficients = ndarray::aview1(model.coefficients());
                let mut balance = gradient(&x, &y, &model) + &(&scale * &scale * coefficients * (0.3 / s_y));
                if standardization {
                    // A constant has no deviation and no coefficient.
                    balance.zip_mut_with(&scale, |b, s| *b = if *s > 1e-9 { *b } else { 0.0 });
                }
                let size = largest(&x.std_axis(Axis(0), 0.0).to_vec()) * s_y * 40.0;
                assert!(
                    largest(&balance.to_vec()) < 1e-11 * size,
                    "{solver:?} {standardization} {fit_intercept}"
                );
            }
        }
    }
}

#[test]
fn without_a_penalty_it_is_the_smallest_that_fits() {
    let (x, y, frame) = data();
    for standardization in [true, false] {
        let model = fit(&LinearRegression::new().standardization(standardization), &frame);
        let beta = ndarray::aview1(model.coefficients());
        let fitted = x.dot(&beta) + model.intercept();
        assert_close(&fitted.to_vec(), &y.to_vec(), 1e-9, &standardization);
        // The smallest lies in the span of the rows, in the measure asked for: s β = (x − x̄)/s ᵀ α.
        let scale = if standardization { deviations(&x) } else { Array1::ones(WIDTH) };
        let scale = scale.mapv(|s| if s > 1e-9 { s } else { 1.0 });
        let rows = (&x - &x.mean_axis(Axis(0)).unwrap()) / &scale;
        let q = &scale * &beta;
        let svd = luthier_core::linalg::thin_svd(rows.view()).unwrap();
        let axes = svd.v.slice(ndarray::s![.., ..ROWS - 1]);
        let outside = &q - &axes.dot(&axes.t().dot(&q));
        assert!(largest(&outside.to_vec()) < 1e-10 * largest(&q.to_vec()));
        assert_eq!(model.summary().rank, Some(ROWS - 1));
        assert!(!model.describe().notes().is_empty());
    }
}

#[test]
fn lassos_meet_their_conditions() {
    let (x, y, frame) = data();
    for (reg_param, alpha) in [(0.3, 1.0), (0.05, 1.0), (0.2, 0.5)] {
        for solver in [Solver::Auto, Solver::LBfgs] {
            let base = LinearRegression::new().reg_param(reg_param).elastic_net_param(alpha).solver(solver);
            let model = fit(&base.max_iter(1000), &frame);
            assert!(model.summary().converged, "{reg_param} {alpha}");
            let (ddof, n) = (if solver == Solver::LBfgs { 1.0 } else { 0.0 }, ROWS as f64);
            let (s, s_y) = (x.std_axis(Axis(0), ddof), y.std(ddof));
            let gradient = gradient(&x, &y, &model);
            let worst = (0..WIDTH).filter(|j| s[*j] > 1e-9).map(|j| {
                let (b, l1) = (model.coefficients()[j], reg_param * alpha * s[j]);
                let g = gradient[j] + reg_param * (1.0 - alpha) / s_y * s[j] * s[j] * b;
                let violation = if b == 0.0 { (g.abs() - l1).max(0.0) } else { (g + l1 * b.signum()).abs() };
                violation / (s[j] * s_y)
            });
            let worst = worst.fold(0.0, f64::max);
            assert!(worst < 1e-11 * n, "{reg_param} {alpha} {solver:?}: {worst:e}");
        }
    }
}

#[test]
fn rows_are_read_once_for_a_grid() {
    let (_, _, frame) = data();
    let work = Arc::new(WorkCounter::default());
    let data = Dataset::new(frame).counted_by(Arc::clone(&work));
    let configs: Vec<_> = [0.0, 0.1, 1.0].map(|r| LinearRegression::new().reg_param(r)).into();
    let models = LinearRegression::fit_many(&configs, &data, &FitContext::new(0, Arc::clone(&work)));
    assert!(models.iter().all(Result::is_ok));
    let work = work.snapshot();
    assert_eq!((work.rows_read, work.passes, work.factorisations, work.guarded), (ROWS as u64, 1, 1, 0));
}
