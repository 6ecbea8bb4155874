//! Features and weights far from one: the same model in other units.

use luthier_core::EstimatorExt;
use luthier_stages::{Family, LogisticRegression};

use crate::frames::*;

/// A power of two changes no digits, so that everything must be the same to the last bit.
#[test]
fn units_of_features_may_be_tiny_or_huge() {
    let iris = read("iris.csv");
    let (x, y) = (iris.vectors("features").unwrap(), iris.column_f64("label").unwrap());
    let binary: Vec<f64> = y.iter().map(|y| f64::from(u8::from(*y == 1.0))).collect();
    for (reg_param, alpha, intercept) in
        [(0.0, 0.0, true), (0.1, 0.0, true), (0.05, 0.5, true), (0.1, 0.0, false)]
    {
        for (labels, family) in [(&binary, Family::Binomial), (&y, Family::Multinomial)] {
            let e = LogisticRegression::new()
                .reg_param(reg_param)
                .elastic_net_param(alpha)
                .fit_intercept(intercept)
                .family(family)
                .max_iter(15);
            let expected = fit(&e, &frame(x.clone(), labels.clone(), None));
            for exponent in [-565, -1000, 565, 1000] {
                let unit = 2.0_f64.powi(exponent);
                let found = fit(&e, &frame(x.mapv(|x| x * unit), labels.clone(), None));
                let back = found.coefficient_matrix().mapv(|b| b * unit);
                assert_eq!(back, expected.coefficient_matrix(), "{exponent} {e:?}");
                assert_eq!(found.intercepts(), expected.intercepts());
                assert_eq!(found.summary().objective_history, expected.summary().objective_history);
                if let (Some(a), Some(b)) = (&found.summary().inference, &expected.summary().inference) {
                    assert_eq!(a.p_values, b.p_values, "{exponent}");
                }
            }
        }
    }
}

#[test]
fn units_of_weights_change_the_likelihood_alone() {
    let data = read("iris_binary.csv");
    let (x, y) = (data.vectors("features").unwrap(), data.column_f64("label").unwrap());
    let y: Vec<f64> = y.iter().enumerate().map(|(i, y)| if i % 9 == 0 { 1.0 - y } else { *y }).collect();
    let w: Vec<f64> = (0..100).map(|i| 0.5 + (i % 3) as f64).collect();
    let e = LogisticRegression::new().weight_col("weight");
    let expected = fit(&e, &frame(x.clone(), y.clone(), Some(w.clone())));
    for exponent in [-664, 664, 1000] {
        let unit = 2.0_f64.powi(exponent);
        let found = fit(&e, &frame(x.clone(), y.clone(), Some(w.iter().map(|w| w * unit).collect())));
        assert_eq!(found.coefficients().unwrap(), expected.coefficients().unwrap());
        let (a, b) = (found.summary(), expected.summary());
        assert_eq!((a.log_loss, a.accuracy, a.deviance), (b.log_loss, b.accuracy, b.deviance * unit));
        assert_eq!(a.null_deviance, b.null_deviance * unit);
        let errors = |summary: &luthier_stages::LogisticTrainingSummary, by: f64| -> Vec<f64> {
            summary.inference.as_ref().unwrap().standard_errors.iter().map(|e| e * by).collect()
        };
        assert_close(&errors(a, unit.sqrt()), &errors(b, 1.0), 1e-12, &exponent);
    }
}

/// Without standardization the penalty is in the data's units, and what it asks for may be no double.
#[test]
fn a_penalty_that_no_double_holds_is_an_error() {
    let data = read("iris_binary.csv");
    let x = data.vectors("features").unwrap().mapv(|x| x * 1e-170);
    let data = frame(x, data.column_f64("label").unwrap(), None);
    let e = LogisticRegression::new().reg_param(0.1).standardization(false);
    let message = e.fit_frame(&data).unwrap_err().to_string();
    assert!(
        message.contains("penalty on feature `features") && message.contains("standardization"),
        "{message}"
    );
    assert!(fit(&LogisticRegression::new().reg_param(0.1), &data).coefficients().unwrap()[0].is_normal());
}
