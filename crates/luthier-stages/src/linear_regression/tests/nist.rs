use std::path::PathBuf;

use ndarray::{Array1, Array2, Axis};
use serde_json::Value;

use super::data::{Rows, read_csv};
use crate::linear_regression::{FitOptions, Goodness, Solver, infer};

fn powers(x: &Array1<f64>, degree: usize) -> Array2<f64> {
    Array2::from_shape_fn((x.len(), degree), |(i, j)| x[i].powi(j as i32 + 1))
}

/// Decimal digits of the worst entry.
fn digits(found: &[f64], expected: &[f64]) -> f64 {
    assert_eq!(found.len(), expected.len());
    let each = found.iter().zip(expected).map(|(f, e)| match (f - e).abs() / e.abs() {
        0.0 => 16.0,
        error => -error.log10(),
    });
    each.fold(16.0, f64::min)
}

/// Coefficients and standard errors, the intercept last, and the residual digits left.
fn solve(rows: &Rows, fit_intercept: bool, solver: Solver) -> (Vec<f64>, Vec<f64>, f64) {
    let fit = rows.fit(&FitOptions { fit_intercept, solver, ..FitOptions::default() });
    let coefficients = fit.coefficients.view();
    let from_moments = Goodness::from_moments(&rows.moments(), coefficients, fit.intercept, fit_intercept);
    let goodness = if from_moments.residual.digits >= 11.0 {
        from_moments
    } else {
        Goodness::from_factor(&rows.factor(7), coefficients, fit.intercept, fit_intercept)
    };
    let missing = Array1::from_elem(rows.x.ncols() + usize::from(fit_intercept), f64::NAN);
    let inverse = fit.inverse_diagonal.as_ref().unwrap_or(&missing);
    let inference = infer(coefficients, fit.intercept, inverse, &goodness).unwrap();
    let estimates = fit.coefficients.iter().copied().chain(fit_intercept.then_some(fit.intercept));
    (estimates.collect(), inference.standard_errors.to_vec(), fit.condition.unwrap())
}

/// The sets of the reference folder, where there is one.
#[test]
fn certified_values_are_met() {
    let Some(folder) = std::env::var_os("LUTHIER_REFERENCE").map(|f| PathBuf::from(f).join("nist")) else {
        return;
    };
    let text = std::fs::read_to_string(folder.join("certified.json")).unwrap();
    let certified: Value = serde_json::from_str(&text).unwrap();
    let required = [
        ("norris", 11.0),
        ("longley", 11.0),
        ("wampler1", 9.0),
        ("wampler2", 9.0),
        ("wampler3", 9.0),
        ("filip", 7.0),
        ("noint1", 14.0),
    ];
    let mut short = Vec::new();
    for (name, least) in required {
        let set = &certified[name];
        let fit_intercept = set["has_intercept"].as_bool().unwrap();
        let size = set["p"].as_u64().unwrap() as usize;
        let (header, table) = read_csv(&folder.join(format!("{name}.csv")));
        let y = table.column(0).to_owned();
        let x = if header.len() > 2 {
            table.select(Axis(1), &(1..header.len()).collect::<Vec<_>>())
        } else {
            powers(&table.column(1).to_owned(), size - usize::from(fit_intercept))
        };
        let read = |key: &str| {
            let mut values: Vec<f64> = set["exact_rational"][key]
                .as_array()
                .unwrap()
                .iter()
                .map(|v| v.as_str().unwrap().parse().unwrap())
                .collect();
            values.rotate_left(usize::from(fit_intercept));
            values
        };
        let rows = Rows::new(x, y);
        for solver in [Solver::Auto, Solver::Qr, Solver::Normal] {
            let (estimates, errors, condition) = solve(&rows, fit_intercept, solver);
            let expected = read("se");
            let found = digits(&estimates, &read("beta"));
            let error_digits = if expected.iter().all(|v| *v == 0.0) {
                if errors.iter().all(|e| *e < 1e-6) { 16.0 } else { 0.0 }
            } else {
                digits(&errors, &expected)
            };
            eprintln!(
                "{name} {solver:?}: {found:.2} digits, errors {error_digits:.2}, condition {condition:.3e}"
            );
            if solver != Solver::Normal && !(found >= least && error_digits >= least - 2.0) {
                short.push((name, solver, found, error_digits));
            }
        }
    }
    assert!(short.is_empty(), "{short:?}");
}

fn wampler(deltas: &[f64; 21], scale: f64) -> Rows {
    let x = Array1::from_iter((0..21).map(f64::from));
    let y = Array1::from_shape_fn(21, |i| (0..6).map(|k| (x[i] * scale).powi(k)).sum::<f64>() + deltas[i]);
    Rows::new(powers(&x, 5), y)
}

#[test]
fn wampler_polynomials_are_recovered() {
    let mut deltas = [-2048.0; 21];
    (2..21).step_by(4).for_each(|i| deltas[i] = 2048.0);
    for (i, v) in [(0, 759.0), (2, 2048.0), (4, 2523.0), (6, 2048.0), (8, 1838.0), (10, 2048.0)] {
        (deltas[i], deltas[20 - i]) = (v, v);
    }
    for (deltas, scale) in [([0.0; 21], 1.0), ([0.0; 21], 0.1), (deltas, 1.0)] {
        let (estimates, errors, _) = solve(&wampler(&deltas, scale), true, Solver::Auto);
        let mut expected: Vec<f64> = (0..6).map(|k| scale.powi(k)).collect();
        expected.rotate_left(1);
        assert!(digits(&estimates, &expected) >= 9.0, "{estimates:?}");
        if deltas[0] == 0.0 {
            assert!(errors.iter().all(|e| *e < 1e-6), "{errors:?}");
        } else {
            let certified = [
                2363.55173469681,
                779.343524331583,
                101.47550755035,
                5.64566512170752,
                0.112324854679312,
                2152.3262467817,
            ];
            assert!(digits(&errors, &certified) >= 9.0, "{errors:?}");
        }
    }
}
