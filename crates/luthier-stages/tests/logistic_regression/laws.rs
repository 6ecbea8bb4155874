//! Laws that hold for any rows.

use luthier_core::{Dataset, Estimator, EstimatorExt, FitContext};
use luthier_stages::{Family, LogisticRegression};
use proptest::prelude::*;

use crate::frames::*;
use crate::problems::{Objective, Rows, rows};

fn estimator(objective: Objective) -> LogisticRegression {
    LogisticRegression::new()
        .weight_col("weight")
        .reg_param(objective.reg_param)
        .elastic_net_param(objective.alpha)
        .standardization(objective.standardization)
        .fit_intercept(objective.fit_intercept)
        .tol(1e-12)
        .max_iter(500)
}

fn objectives() -> impl Strategy<Value = Objective> {
    let reg_param = prop_oneof![Just(1e-3), Just(0.02), Just(0.2), Just(3.0)];
    let alpha = prop_oneof![Just(0.0), Just(0.4), Just(1.0)];
    (reg_param, alpha, any::<bool>(), any::<bool>()).prop_map(
        |(reg_param, alpha, standardization, fit_intercept)| Objective {
            reg_param,
            alpha,
            standardization,
            fit_intercept,
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    #[test]
    fn binomial_models_are_optimal(rows in rows(2), objective in objectives()) {
        let model = fit(&estimator(objective), &rows.frame());
        prop_assert!(model.summary().converged);
        let violation = objective.violation(&rows, &model, None);
        prop_assert!(violation < 1e-9, "{violation}");
        let (value, _) = objective.evaluate(&rows, &model);
        let last = model.summary().objective_history.last().unwrap();
        prop_assert!((value / last - 1.0).abs() < 1e-10, "{value} {last}");
    }

    #[test]
    fn multinomial_models_are_optimal(rows in rows(3), objective in objectives()) {
        let model = fit(&estimator(objective), &rows.frame());
        prop_assert!(model.summary().converged);
        let violation = objective.violation(&rows, &model, None);
        prop_assert!(violation < 1e-9, "{violation}");
        let shift: f64 = model.intercepts().iter().sum();
        prop_assert!(shift.abs() < 1e-9 * largest(model.intercepts()).max(1.0));
    }

    #[test]
    fn bounded_models_are_optimal(rows in rows(2), objective in objectives(), bound in 0.01..0.5_f64) {
        let objective = Objective { alpha: 0.0, ..objective };
        let d = rows.x.ncols();
        let (low, high) = (-bound, 0.5 * bound);
        let e = estimator(objective)
            .lower_bounds_on_coefficients(vec![vec![low; d]])
            .upper_bounds_on_coefficients(vec![vec![high; d]]);
        let model = fit(&e, &rows.frame());
        let violation = objective.violation(&rows, &model, Some((low, high)));
        prop_assert!(violation < 1e-8, "{violation}");
    }

    #[test]
    fn two_classes_are_fitted_alike_by_both_families(rows in rows(2)) {
        let base = LogisticRegression::new().weight_col("weight").tol(1e-13);
        let one = fit(&base, &rows.frame());
        prop_assume!(!one.summary().separated);
        let two = fit(&base.family(Family::Multinomial), &rows.frame());
        let difference = &two.coefficient_matrix().row(1) - &two.coefficient_matrix().row(0);
        let expected = one.coefficients().unwrap();
        assert_close(&difference, expected, 1e-7 * largest(expected).max(1e-3), &"coefficients");
        let intercept = two.intercepts()[1] - two.intercepts()[0];
        let size = 1e-7 * one.intercept().unwrap().abs().max(largest(expected)).max(1.0);
        assert_close([&intercept], one.intercepts(), 10.0 * size, &"intercept");
    }

    #[test]
    fn weights_are_repetitions(rows in rows(3), objective in objectives()) {
        // Deviations of the sample count rows, not weights: without standardization both are the same.
        let objective = Objective { standardization: false, ..objective };
        let counts: Vec<usize> = (0..rows.y.len()).map(|i| i % 3).collect();
        let weighted = Rows { w: counts.iter().map(|c| *c as f64).collect(), ..rows.clone() };
        let picked: Vec<usize> =
            counts.iter().enumerate().flat_map(|(i, c)| std::iter::repeat_n(i, *c)).collect();
        let repeated = Rows {
            x: rows.x.select(ndarray::Axis(0), &picked),
            y: picked.iter().map(|i| rows.y[*i]).collect(),
            w: vec![1.0; picked.len()],
        };
        let (a, b) = (fit(&estimator(objective), &weighted.frame()), fit(&estimator(objective), &repeated.frame()));
        let size = largest(&b.coefficient_matrix()).max(1e-3);
        let expected: Vec<f64> = b.coefficient_matrix().iter().copied().collect();
        assert_close(&a.coefficient_matrix(), &expected, 1e-6 * size, &objective);
    }

    #[test]
    fn units_and_origins_change_nothing(rows in rows(2), objective in objectives(), power in 0..7) {
        let objective = Objective { standardization: true, fit_intercept: true, ..objective };
        let (unit, origin) = (10.0_f64.powi(power - 3), 1e6);
        let moved = Rows { x: rows.x.mapv(|x| unit * x) + origin * unit, ..rows.clone() };
        let (a, b) = (fit(&estimator(objective), &rows.frame()), fit(&estimator(objective), &moved.frame()));
        let expected: Vec<f64> = a.coefficients().unwrap().iter().map(|b| b / unit).collect();
        // The moved rows are rounded to 1e-10 of their deviations.
        assert_close(b.coefficients().unwrap(), &expected, 1e-7 * largest(&expected).max(1e-3 / unit), &objective);
        prop_assert!((a.summary().log_loss / b.summary().log_loss - 1.0).abs() < 1e-8);
    }

    #[test]
    fn many_are_fitted_as_one_by_one(rows in rows(3), family in prop_oneof![Just(Family::Auto), Just(Family::Multinomial)]) {
        let objective = |reg_param, alpha, fit_intercept| {
            estimator(Objective { reg_param, alpha, standardization: true, fit_intercept }).family(family)
        };
        let mut configs: Vec<LogisticRegression> = Vec::new();
        for reg_param in [0.001, 0.01, 0.1, 1.0, 10.0] {
            for alpha in [0.0, 0.5] {
                configs.push(objective(reg_param, alpha, true));
                configs.push(objective(reg_param, alpha, false));
            }
        }
        configs.push(objective(0.1, 0.0, true).threshold(0.2));
        let data = Dataset::new(rows.frame());
        let together = LogisticRegression::fit_many(&configs, &data, &FitContext::new(0, Default::default()));
        for (config, model) in configs.iter().zip(together) {
            prop_assert_eq!(&config.fit_frame(&rows.frame()).unwrap(), &model.unwrap());
        }
    }
}
