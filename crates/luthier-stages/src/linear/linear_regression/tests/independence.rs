//! A fit does not depend on the fits beside it, whatever the data; and the lasso's path is walked as it should be.

use ndarray::{Array1, Array2};
use proptest::prelude::*;

use super::data::Rows;
use super::laws::violation;
use crate::linear::linear_regression::lasso_path::LassoPath;
use crate::linear::linear_regression::scaling::About;
use crate::linear::linear_regression::solve::{
    FitError, FitOptions, Outcome, Solver, fit_factor, fit_normal_equations, spread,
};
use crate::linear::linear_regression::unit::UnitSystem;

/// Few rows of many features or many rows of few, with copies and sums of other features and constants.
fn rows() -> impl Strategy<Value = Rows> {
    (2..25usize, 1..14usize).prop_flat_map(|(n, d)| {
        let values = prop::collection::vec(-1.0..1.0f64, n * (d + 1)).no_shrink();
        let kinds = prop::collection::vec(0..8u8, d);
        (values, kinds).prop_map(move |(values, kinds)| {
            let mut x = Array2::from_shape_fn((n, d), |(i, j)| values[i * (d + 1) + j]);
            for (j, kind) in kinds.iter().enumerate().skip(1) {
                let sum = &x.column(j - 1) + &x.column(j / 2);
                match kind {
                    0 => x.column_mut(j).assign(&(sum * 0.5)),
                    1 => x.column_mut(j).fill(3.0),
                    2 => x.column_mut(j).mapv_inplace(|v| 1e3 * v + 50.0),
                    _ => {}
                }
            }
            let y = Array1::from_shape_fn(n, |i| 2.0 * x[[i, 0]] + values[i * (d + 1) + d]);
            Rows::new(x, y)
        })
    })
}

/// Strengths from none to more than any coefficient survives, twice one of them, by every mixture.
fn grid(standardization: bool, solver: Solver) -> Vec<FitOptions> {
    let mut grid = Vec::new();
    for reg_param in [0.03, 0.0, 1e6, 1e-5, 0.4, 0.03, 0.1] {
        for elastic_net_param in [1.0, 0.0, 0.3, 1e-3] {
            let fit_intercept = grid.len() % 5 != 0;
            let new = FitOptions {
                reg_param,
                elastic_net_param,
                standardization,
                solver,
                fit_intercept,
                ..FitOptions::default()
            };
            grid.push(new);
        }
    }
    grid
}

fn bits(outcome: &Result<Outcome, FitError>) -> Vec<u64> {
    match outcome {
        Ok(Outcome::Fitted(fit)) => {
            let numbers = fit.coefficients.iter().chain(&fit.objective_history).chain([&fit.intercept]);
            numbers.map(|v| v.to_bits()).collect()
        }
        Ok(Outcome::NeedsFactor { condition }) => vec![condition.to_bits()],
        Err(error) => error.to_string().bytes().map(u64::from).collect(),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(150))]

    #[test]
    fn any_subset_in_any_order_gives_the_bits_of_each_alone(
        rows in rows(),
        standardization: bool,
        normal: bool,
        order in Just((0..28).collect::<Vec<usize>>()).prop_shuffle(),
        taken in 1..29usize,
    ) {
        let solver = if normal { Solver::Normal } else { Solver::Auto };
        let all = grid(standardization, solver);
        let some: Vec<FitOptions> = order.iter().take(taken).map(|&i| all[i].clone()).collect();
        let (moments, factor) = (rows.moments(), rows.factor(7));
        let by_moments = |o: &[FitOptions]| fit_normal_equations(&moments, o).outcomes;
        let by_factor = |o: &[FitOptions]| fit_factor(&factor, o).outcomes;
        for (alone, shared) in some.iter().zip(by_moments(&some)) {
            prop_assert_eq!(bits(&shared), bits(&by_moments(std::slice::from_ref(alone))[0]), "{:?}", alone);
        }
        for (alone, shared) in some.iter().zip(by_factor(&some)) {
            prop_assert_eq!(bits(&shared), bits(&by_factor(std::slice::from_ref(alone))[0]), "{:?}", alone);
        }
    }

    #[test]
    fn a_lasso_is_optimal_wherever_it_lies_on_its_path(
        rows in rows(), strengths in prop::collection::vec(-6.0..1.0f64, 12), standardization: bool
    ) {
        let label = rows.y.std(0.0);
        let fits: Vec<FitOptions> = strengths
            .iter()
            .map(|s| FitOptions { reg_param: label * 10f64.powf(*s), elastic_net_param: 1.0, standardization, ..FitOptions::default() })
            .collect();
        for options in &fits {
            let fit = rows.fit(options);
            let violation = violation(&rows, options, &fit);
            prop_assert!(violation < 1e-12, "{:e} {:?} {:?}", violation, options, fit);
        }
    }
}

/// Correlated features, of which some come, go and come back along the path.
fn correlated(d: usize) -> Rows {
    let noise = |i: usize, j: usize| ((i * 31 + j * 17 + i * i * (j + 3)) as f64).sin();
    let x = Array2::from_shape_fn((80, d), |(i, j)| {
        noise(i, j) + 0.8 * noise(i, (j + 1) % d) + 0.6 * noise(i, (j + 7) % d)
    });
    let y =
        Array1::from_shape_fn(80, |i| (0..40).map(|j| x[[i, j]] * noise(j, 3)).sum::<f64>() + noise(i, 77));
    Rows::new(x, y)
}

#[test]
fn features_come_and_go_along_the_path() {
    let rows = correlated(40);
    let grid: Vec<FitOptions> = (0..120)
        .map(|i| FitOptions {
            reg_param: 4.0 * 0.94f64.powi(i),
            elastic_net_param: 1.0,
            ..FitOptions::default()
        })
        .collect();
    let moments = rows.moments();
    let system = UnitSystem::new(&moments, &spread(&moments.totals()), About::Mean);
    let mut path = LassoPath::new(&system, &Array1::ones(40));
    assert!((0..60).all(|i| path.at(0.7f64.powi(i)).is_some()), "the path is lost");
    assert!(path.at(0.1).is_none(), "it walks down only");
    let outcomes = fit_normal_equations(&moments, &grid).outcomes;
    let mut left = 0;
    let mut before: Vec<bool> = vec![false; 40];
    for (options, outcome) in grid.iter().zip(outcomes) {
        let Ok(Outcome::Fitted(fit)) = outcome else { panic!("{outcome:?}") };
        let violation = violation(&rows, options, &fit);
        assert!(violation < 1e-13, "{violation:e} {options:?}");
        let here: Vec<bool> = fit.coefficients.iter().map(|b| *b != 0.0).collect();
        left += before.iter().zip(&here).filter(|(before, here)| **before && !**here).count();
        before = here;
    }
    assert!(left > 3, "{left} features left");
    assert!(before.iter().all(|here| *here));
}

#[test]
fn a_lasso_of_many_features_goes_without_a_path() {
    let rows = correlated(300);
    let grid: Vec<FitOptions> = [0.05, 3.0, 0.5, 50.0]
        .map(|reg_param| FitOptions { reg_param, elastic_net_param: 1.0, ..FitOptions::default() })
        .to_vec();
    let outcomes = fit_normal_equations(&rows.moments(), &grid).outcomes;
    for (options, outcome) in grid.iter().zip(outcomes) {
        let alone = fit_normal_equations(&rows.moments(), std::slice::from_ref(options)).outcomes;
        assert_eq!(bits(&outcome), bits(&alone[0]));
        let violation = violation(&rows, options, &rows.fit(options));
        assert!(violation < 1e-12, "{violation:e} {options:?}");
    }
}
