//! Digits: types, weights, offsets, nearly perfect fits, and what they cost.

use std::sync::Arc;

use luthier_core::frame::arrow_array::{ArrayRef, Float32Array};
use luthier_core::frame::{Column, DataFrame};
use luthier_core::{Dataset, Estimator, FitContext, Work, WorkCounter};
use luthier_stages::{LinearRegression, LinearRegressionModel, Solver};
use ndarray::{Array2, Axis};

use crate::frames::*;

/// Deterministic values in −1..1 that look random.
fn noise(i: usize, j: usize) -> f64 {
    let x = ((i * 7919 + j * 104_729 + i * j * 31) as f64 * 0.618_033_988_749).fract();
    2.0 * x - 1.0
}

fn counted(estimator: &LinearRegression, data: &DataFrame) -> (LinearRegressionModel, Work) {
    let work = Arc::new(WorkCounter::default());
    let ctx = FitContext::new(0, Arc::clone(&work));
    let model = estimator.fit(&Dataset::new(data.clone()).counted_by(Arc::clone(&work)), &ctx).unwrap();
    (model, work.snapshot())
}

#[test]
fn numeric_types_make_no_difference() {
    let x = Array2::from_shape_fn((30, 1), |(i, _)| (i % 7) as f64);
    let y: Vec<f64> = (0..30).map(|i| ((i * i) % 11) as f64).collect();
    let w: Vec<f64> = (0..30).map(|i| (i % 3) as f64).collect();
    let base = LinearRegression::new().weight_col("weight");
    let expected = fit(&base, &frame(x.clone(), y.clone(), Some(w.clone())));
    let whole = |v: &[f64]| Column::i64(v.iter().map(|v| *v as i64).collect());
    let single = |v: &[f64]| {
        let array: ArrayRef = Arc::new(v.iter().map(|v| *v as f32).collect::<Float32Array>());
        Column::from_array(array).unwrap()
    };
    let x = x.into_raw_vec_and_offset().0;
    for columns in [
        vec![("features", whole(&x)), ("label", whole(&y)), ("weight", whole(&w))],
        vec![("features", single(&x)), ("label", single(&y)), ("weight", single(&w))],
        vec![("features", Column::f64(x.clone())), ("label", whole(&y)), ("weight", single(&w))],
    ] {
        let model = fit(&base, &DataFrame::from_columns(columns).unwrap());
        assert_eq!(estimates(&model), estimates(&expected));
        assert_eq!(model.standard_errors(), expected.standard_errors());
    }
}

#[test]
fn a_weight_is_a_number_of_copies() {
    let x = Array2::from_shape_fn((40, 3), |(i, j)| noise(i, j) + 5.0 * j as f64);
    let y: Vec<f64> = (0..40).map(|i| noise(i, 0) - 2.0 * noise(i, 1) + noise(i, 9)).collect();
    let w: Vec<f64> = (0..40).map(|i| (i % 4) as f64).collect();
    let copies: Vec<usize> = (0..40).flat_map(|i| vec![i; i % 4]).collect();
    let repeated = frame(x.select(Axis(0), &copies), copies.iter().map(|&i| y[i]).collect(), None);
    let weighted = frame(x, y, Some(w));
    for solver in DIRECT {
        for (reg_param, elastic_net_param) in [(0.0, 0.0), (0.1, 0.0), (0.05, 0.5)] {
            for fit_intercept in [true, false] {
                let base = LinearRegression::new()
                    .solver(solver)
                    .reg_param(reg_param)
                    .elastic_net_param(elastic_net_param)
                    .fit_intercept(fit_intercept);
                let (a, b) = (fit(&base.clone().weight_col("weight"), &weighted), fit(&base, &repeated));
                assert_close(&estimates(&a), &estimates(&b), 1e-11, &base);
                let metrics = |m: &LinearRegressionModel| [m.summary().r2, m.summary().mse];
                assert_close(&metrics(&a), &metrics(&b), 1e-12, &base);
            }
        }
    }
}

/// `label = 3 x₀ − 2 x₁ + 10 + size · noise`, features of unit deviation.
fn nearly_linear(rows: usize, size: f64) -> DataFrame {
    let x = Array2::from_shape_fn((rows, 2), |(i, j)| noise(i, j));
    let y = (0..rows).map(|i| 3.0 * x[[i, 0]] - 2.0 * x[[i, 1]] + 10.0 + size * noise(i, 5)).collect();
    frame(x, y, None)
}

#[test]
fn ordinary_data_stay_on_moments() {
    // r2 = 0.9999 and lower.
    for size in [0.02, 0.1, 1.0, 30.0] {
        for (reg_param, elastic_net_param) in [(0.0, 0.0), (0.01, 0.0), (0.01, 0.5)] {
            let base = LinearRegression::new().reg_param(reg_param).elastic_net_param(elastic_net_param);
            let (model, work) = counted(&base, &nearly_linear(1000, size));
            assert_eq!((work.passes, work.guarded), (1, 0), "r2 {}", model.summary().r2);
        }
    }
}

#[test]
fn nearly_perfect_fits_know_their_errors() {
    let reference = counted(&LinearRegression::new(), &nearly_linear(500, 0.1)).0;
    for exponent in [-3, -5, -6, -7, -8, -9] {
        let size = 0.1 * 10f64.powi(exponent);
        let data = nearly_linear(500, size);
        let (model, work) = counted(&LinearRegression::new(), &data);
        if exponent < -4 {
            assert_eq!((work.passes, work.guarded), (2, 1), "{size:e}");
        }
        // Errors scale with the noise; labels are rounded to 1e-15.
        let scaled = |m: &LinearRegressionModel, by: f64| -> Vec<f64> {
            m.standard_errors().unwrap().iter().map(|s| s / by).chain([m.summary().rmse / by]).collect()
        };
        let tolerance = 1e-6_f64.max(1e-14 / size);
        assert_relative(&scaled(&model, size), &scaled(&reference, 0.1), tolerance, &size);
        // The normal equations alone do not.
        let (_, work) = counted(&LinearRegression::new().solver(Solver::Normal), &data);
        assert_eq!((work.passes, work.guarded), (1, 0));
    }
    let perfect = counted(&LinearRegression::new(), &nearly_linear(500, 0.0)).0;
    assert!(perfect.summary().rmse < 1e-13 && perfect.summary().r2 <= 1.0);
    assert!(largest(perfect.standard_errors().unwrap()) < 1e-14, "{:?}", perfect.standard_errors());
}

#[test]
fn offsets_without_intercept_keep_their_digits() {
    // The offset, which is in the label too, makes the coefficients sum up to one.
    let rows = 200;
    let x = Array2::from_shape_fn((rows, 2), |(i, j)| noise(i, j));
    let base = LinearRegression::new().fit_intercept(false).reg_param(1e-3).tol(1e-9);
    for (solver, elastic_net_param) in [
        (Solver::Auto, 0.5),
        (Solver::Auto, 1.0),
        (Solver::Qr, 1.0),
        (Solver::LBfgs, 0.0),
        (Solver::LBfgs, 0.5),
    ] {
        let base = base.clone().solver(solver).elastic_net_param(elastic_net_param);
        let offset = 1e5;
        let far = x.mapv(|v| v + offset);
        let label = (0..rows).map(|i| 3.0 * far[[i, 0]] - 2.0 * far[[i, 1]] + 0.1 * noise(i, 5)).collect();
        let (model, _) = counted(&base, &frame(far, label, None));
        let sum: f64 = model.coefficients().iter().sum();
        assert!((sum - 1.0).abs() < 1e-5, "{model:?}");
        assert!((model.coefficients()[0] - 3.0).abs() < 0.05, "{solver:?} {:?}", model.coefficients());
    }
}
