//! A fit does not depend on the fits beside it, whatever the data; and the lasso's path is walked as it should be.

use luthier_stages::Solver;
use ndarray::{Array1, Array2};
use proptest::prelude::*;

use crate::problems::{Options, Rows, bits, violation};

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
fn grid(standardization: bool, solver: Solver) -> Vec<Options> {
    let mut grid = Vec::new();
    for reg_param in [0.03, 0.0, 1e6, 1e-5, 0.4, 0.03, 0.1] {
        for alpha in [1.0, 0.0, 0.3, 1e-3] {
            let fit_intercept = grid.len() % 5 != 0;
            grid.push(Options { reg_param, alpha, standardization, solver, fit_intercept });
        }
    }
    grid
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(150))]

    #[test]
    fn any_subset_in_any_order_gives_the_bits_of_each_alone(
        rows in rows(),
        standardization: bool,
        which in 0..3usize,
        order in Just((0..28).collect::<Vec<usize>>()).prop_shuffle(),
        taken in 1..29usize,
    ) {
        let solver = [Solver::Auto, Solver::Normal, Solver::Qr][which];
        let all = grid(standardization, solver);
        let some: Vec<Options> = order.iter().take(taken).map(|&i| all[i].clone()).collect();
        for (alone, shared) in some.iter().zip(rows.fit_many(&some)) {
            prop_assert_eq!(bits(&shared), bits(&rows.fit(alone)), "{:?}", alone);
        }
    }

    #[test]
    fn a_lasso_is_optimal_wherever_it_lies_on_its_path(
        rows in rows(), strengths in prop::collection::vec(-6.0..1.0f64, 12), standardization: bool
    ) {
        let label = rows.y.std(0.0);
        for strength in strengths {
            let reg_param = label * 10f64.powf(strength);
            let options = Options { reg_param, alpha: 1.0, standardization, ..Options::default() };
            let model = rows.fit(&options);
            let violation = violation(&rows, &options, &model);
            prop_assert!(violation < 1e-12, "{:e} {:?} {:?}", violation, options, model);
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
    let at = |i| Options { reg_param: 4.0 * 0.94f64.powi(i), alpha: 1.0, ..Options::default() };
    let grid: Vec<Options> = (0..120).map(at).collect();
    let mut left = 0;
    let mut before: Vec<bool> = vec![false; 40];
    for (options, model) in grid.iter().zip(rows.fit_many(&grid)) {
        let violation = violation(&rows, options, &model);
        assert!(violation < 1e-13, "{violation:e} {options:?}");
        // A fit on the path takes one step.
        assert_eq!(model.summary().total_iterations, 1, "{options:?}");
        let here: Vec<bool> = model.coefficients().iter().map(|b| *b != 0.0).collect();
        left += before.iter().zip(&here).filter(|(before, here)| **before && !**here).count();
        before = here;
    }
    assert!(left > 3, "{left} features left");
    assert!(before.iter().all(|here| *here));
}

#[test]
fn a_lasso_of_many_features_goes_without_a_path() {
    let rows = correlated(300);
    let at = |reg_param| Options { reg_param, alpha: 1.0, ..Options::default() };
    let grid = [0.05, 3.0, 0.5, 50.0].map(at);
    for (options, model) in grid.iter().zip(rows.fit_many(&grid)) {
        let alone = rows.fit(options);
        assert_eq!(bits(&model), bits(&alone));
        let violation = violation(&rows, options, &alone);
        assert!(violation < 1e-12, "{violation:e} {options:?}");
    }
}
