//! Certified values of the NIST Statistical Reference Datasets, on frames of several partitions.

use std::path::PathBuf;

use luthier_core::frame::DataFrame;
use luthier_stages::{LinearRegression, Solver};
use ndarray::{Array1, Array2, Axis};

use crate::frames::*;

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

/// Digits of the estimates and of their standard errors, whatever the partitioning; the intercept comes last.
fn check(name: &str, data: &DataFrame, fit_intercept: bool, expected: (&[f64], &[f64]), least: f64) {
    let mut short = Vec::new();
    for solver in [Solver::Auto, Solver::Qr] {
        for partitions in [1, 2, 3, 7] {
            let estimator = LinearRegression::new().fit_intercept(fit_intercept).solver(solver);
            let model = fit(&estimator, &data.repartition(partitions).unwrap());
            let mut found = model.coefficients().to_vec();
            found.extend(fit_intercept.then_some(model.intercept()));
            let errors = model.standard_errors().unwrap();
            let estimate_digits = digits(&found, expected.0);
            let perfect = expected.1.iter().all(|v| *v == 0.0);
            let error_digits = if perfect { -largest(errors).log10() } else { digits(errors, expected.1) };
            println!(
                "{name} {solver:?} in {partitions}: {estimate_digits:.2} digits, errors {error_digits:.2}, condition {:.1e}",
                model.summary().condition.unwrap()
            );
            let enough = if perfect { 6.0 } else { least - 2.0 };
            if estimate_digits < least || error_digits < enough {
                short.push((solver, partitions, estimate_digits, error_digits));
            }
        }
    }
    assert!(short.is_empty(), "{name}: {short:?}");
}

/// The sets of the reference folder, where there is one.
#[test]
fn certified_values_are_met() {
    let Some(folder) = std::env::var_os("LUTHIER_REFERENCE").map(|f| PathBuf::from(f).join("nist")) else {
        return;
    };
    let certified = read_json(&folder.join("certified.json"));
    for (name, least) in [
        ("norris", 11.0),
        ("longley", 11.0),
        ("wampler1", 10.0),
        ("wampler2", 10.0),
        ("wampler3", 10.0),
        ("filip", 7.4),
        ("noint1", 14.0),
    ] {
        let set = &certified[name];
        let fit_intercept = set["has_intercept"].as_bool().unwrap();
        let size = set["p"].as_u64().unwrap() as usize;
        let (header, table) = read_csv(&folder.join(format!("{name}.csv")));
        let x = if header.len() > 2 {
            table.select(Axis(1), &(1..header.len()).collect::<Vec<_>>())
        } else {
            powers(&table.column(1).to_owned(), size - usize::from(fit_intercept))
        };
        let read = |key: &str| {
            let values = set["exact_rational"][key].as_array().unwrap();
            let mut values: Vec<f64> = values.iter().map(|v| v.as_str().unwrap().parse().unwrap()).collect();
            values.rotate_left(usize::from(fit_intercept));
            values
        };
        let data = frame(x, table.column(0).to_vec(), None);
        check(name, &data, fit_intercept, (&read("beta"), &read("se")), least);
    }
}

fn wampler(deltas: &[f64; 21], scale: f64) -> DataFrame {
    let x = Array1::from_iter((0..21).map(f64::from));
    let y = (0..21).map(|i| (0..6).map(|k| (x[i] * scale).powi(k)).sum::<f64>() + deltas[i]);
    frame(powers(&x, 5), y.collect(), None)
}

#[test]
fn wampler_polynomials_are_recovered() {
    let mut deltas = [-2048.0; 21];
    (2..21).step_by(4).for_each(|i| deltas[i] = 2048.0);
    for (i, v) in [(0, 759.0), (2, 2048.0), (4, 2523.0), (6, 2048.0), (8, 1838.0), (10, 2048.0)] {
        (deltas[i], deltas[20 - i]) = (v, v);
    }
    let certified = [
        2363.55173469681,
        779.343524331583,
        101.47550755035,
        5.64566512170752,
        0.112324854679312,
        2152.3262467817,
    ];
    for (name, deltas, scale, errors) in [
        ("wampler1", [0.0; 21], 1.0_f64, [0.0; 6]),
        ("wampler2", [0.0; 21], 0.1, [0.0; 6]),
        ("wampler3", deltas, 1.0, certified),
    ] {
        let mut expected: Vec<f64> = (0..6).map(|k| scale.powi(k)).collect();
        expected.rotate_left(1);
        check(name, &wampler(&deltas, scale), true, (&expected, &errors), 10.0);
    }
}
