//! Numbers whose squares overflow or vanish: right, or refused, never zeros.

use luthier_core::Dataset;
use luthier_core::frame::DataFrame;
use luthier_core::{Estimator, EstimatorExt, FitContext, Pipeline, Transformer};
use luthier_stages::{LinearRegression, LinearRegressionModel, Loss, StandardScaler};
use ndarray::Array2;

use crate::frames::*;

fn data(x_scale: f64, y_scale: f64, w_scale: f64) -> DataFrame {
    let x = Array2::from_shape_fn((20, 2), |(i, j)| x_scale * (((i * (5 + j)) % 13) as f64 + j as f64));
    let y = (0..20).map(|i| y_scale * (((i * 3) % 7) as f64 + 0.1 * (i % 5) as f64)).collect();
    frame(x, y, Some((0..20).map(|i| w_scale * (1 + i % 3) as f64).collect()))
}

fn expected() -> LinearRegressionModel {
    fit(&LinearRegression::new().weight_col("weight"), &data(1.0, 1.0, 1.0))
}

#[test]
fn a_fit_is_right_or_refused() {
    for exponent in [-300, -200, -170, -155, -150, -140, -100, 100, 140, 150, 155, 170, 200, 300] {
        let scale = 10f64.powi(exponent);
        for (x, y, w) in [(scale, 1.0, 1.0), (1.0, scale, 1.0), (1.0, 1.0, scale)] {
            for loss in [Loss::SquaredError, Loss::Huber] {
                let estimator = LinearRegression::new().weight_col("weight").loss(loss);
                let reference = fit(&estimator, &data(1.0, 1.0, 1.0));
                match estimator.fit_frame(&data(x, y, w)) {
                    Ok(model) => {
                        let back: Vec<f64> = model.coefficients().iter().map(|b| b * x / y).collect();
                        assert_relative(&back, reference.coefficients(), 1e-7, &(x, y, w, loss));
                        assert_relative(
                            &[model.intercept() / y],
                            &[reference.intercept()],
                            1e-7,
                            &(x, y, w, loss),
                        );
                    }
                    Err(error) => {
                        let message = format!("{error:#}");
                        assert!(
                            message.contains("too") && message.contains("f64"),
                            "{x:e} {y:e} {w:e}: {message}"
                        );
                        assert!(exponent.abs() >= 140, "{message}");
                    }
                }
            }
        }
    }
}

/// The remedy that the messages name: a scaler in front takes any size.
#[test]
fn a_scaler_takes_any_size() {
    for scale in [1e-300, 1e-170, 1e-150, 1e150, 1e170, 1e300] {
        let mut pipeline = Pipeline::new();
        pipeline.add("scaler", StandardScaler::new().with_mean(true));
        pipeline.add("lr", LinearRegression::new().features_col("scaled_features").weight_col("weight"));
        let data = data(scale, 1.0, 1.0);
        let model = pipeline.fit_frame(&data).unwrap();
        let found = model.transform(&data).unwrap().column_f64("prediction").unwrap();
        let plain = self::data(1.0, 1.0, 1.0);
        let wanted = expected().transform(&plain).unwrap().column_f64("prediction").unwrap();
        assert_close(&found, &wanted, 1e-9, &scale);
    }
}

#[test]
fn principal_components_are_right_or_refused() {
    use luthier_stages::Pca;
    let ctx = || FitContext::new(0, Default::default());
    let of = |scale: f64| Pca::new().k(2).fit(&Dataset::new(data(scale, 1.0, 1.0)), &ctx());
    let reference = of(1.0).unwrap();
    for exponent in [-300, -170, -150, -100, 100, 150, 170, 300] {
        match of(10f64.powi(exponent)) {
            Ok(model) => {
                let gap = &model.components() - &reference.components();
                assert!(gap.iter().all(|v| v.abs() < 1e-9), "{exponent}");
            }
            Err(error) => assert!(format!("{error:#}").contains("f64") && exponent.abs() >= 140, "{error:#}"),
        }
    }
}
