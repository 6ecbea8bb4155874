//! Stages of a third party cost a search what built-in ones do: counts, and the long way as a check.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test may fail")]

mod common;

use std::sync::Arc;

use common::{assert_close, frame, metrics, scaled_ridge, search, splitters};
use luthier_core::{EstimatorExt, Work};
use luthier_tune::{KFold, ParamGrid, Search, Sharing, Splitter};

const ROWS: usize = 211;

fn work_of(search: &Search) -> (Work, Vec<f64>) {
    let tuned = search.fit(&frame(ROWS, 5, 2)).unwrap();
    assert!(tuned.result.candidates.iter().all(|c| c.folds.iter().all(|f| f.error.is_none())));
    (tuned.result.work, metrics(&tuned.result))
}

#[test]
fn each_row_is_read_once_and_each_group_decomposed_once() {
    for splitter in splitters() {
        let folds = splitter.split(&frame(ROWS, 5, 2), 0).unwrap().rounds().len() as u64;
        let (pipeline, grid) = scaled_ridge(false);
        let search = search(pipeline, grid).splitter(splitter);
        let (work, _) = work_of(&search);
        assert_eq!((work.rows_read, work.passes), (ROWS as u64, 1), "the refit included: {work:?}");
        // One for each of the scaler's configurations, whatever the number of penalties; one for the refit.
        assert_eq!(work.factorisations, 4 * folds + 1);
        assert_eq!(work.fits, (4 + 16) * folds + 2);
        assert_eq!(work.reused_fits, 12 * folds);
        assert_eq!(work.evaluations, 16 * folds, "also of an evaluator that counts nothing itself");
        assert_eq!(work.guarded, 0);
    }
}

#[test]
fn penalties_alone_share_one_decomposition_per_fold() {
    for splitter in splitters() {
        let folds = splitter.split(&frame(ROWS, 5, 2), 0).unwrap().rounds().len() as u64;
        let grid = ParamGrid::new().add(acme::Ridge::REG_PARAM, (0..16).map(f64::from));
        let (work, _) = work_of(&search(acme::Ridge::new(), grid).splitter(splitter));
        assert_eq!((work.rows_read, work.factorisations), (ROWS as u64, folds + 1));
    }
}

#[test]
fn the_long_way_gives_the_same_metrics() {
    for behind_log1p in [false, true] {
        for splitter in splitters() {
            let split = splitter.split(&frame(ROWS, 5, 2), 0).unwrap();
            let (folds, sizes) = (split.rounds().len() as u64, split.blocks().sizes());
            let (pipeline, grid) = scaled_ridge(behind_log1p);
            let search = search(pipeline, grid).splitter(splitter);
            let (_, short) = work_of(&search);
            let (alone, long) = work_of(&search.sharing(Sharing::Off));
            assert_close(&short, &long);
            assert_eq!(alone.factorisations, 16 * folds + 1);
            // Two stages read the training rows and the score the others; two stages read all rows again.
            let read: usize = (0..split.rounds().len()).map(|fold| 2 * ROWS - sizes[fold]).sum();
            assert_eq!(alone.rows_read, (16 * read + 2 * ROWS) as u64);
            assert_eq!((alone.lifted, alone.reused_fits), (0, 0), "the long way takes no short cut");
        }
    }
}

#[test]
fn behind_a_stage_that_is_not_affine_the_transformed_rows_are_read() {
    for splitter in splitters() {
        let (pipeline, grid) = scaled_ridge(true);
        let folds = splitter.split(&frame(ROWS, 5, 2), 0).unwrap().rounds().len() as u64;
        let search = search(pipeline, grid).splitter(splitter);
        let (work, _) = work_of(&search);
        // The transformer is the same for all folds: one pass behind it for all of them, and one for the refit.
        assert_eq!((work.passes, work.rows_read), (2, 2 * ROWS as u64));
        assert_eq!((work.factorisations, work.fits), (4 * folds + 1, 20 * folds + 2));
        let plan = search.explain(&frame(ROWS, 5, 2)).unwrap();
        assert!(plan.contains("then 1 pass over the rows for all folds"), "{plan}");
    }
}

/// Leaving a row out has a closed form: `e_i / (1 − h_ii)` of the fit on all rows, with its penalty times `n` that of
/// the others times `n − 1`.
#[test]
fn a_row_left_out_is_predicted_with_its_press_residual() {
    let n = 60;
    let data = frame(n, 2, 2);
    let (x, y) = (data.vectors("features").unwrap(), data.column_f64("label").unwrap());
    let mean = |values: &[f64]| values.iter().sum::<f64>() / n as f64;
    let about_mean = |values: Vec<f64>| -> Vec<f64> {
        let mean = mean(&values);
        values.iter().map(|v| v - mean).collect()
    };
    let (a, b, t) = (about_mean(x.column(0).to_vec()), about_mean(x.column(1).to_vec()), about_mean(y));
    let dot = |u: &[f64], v: &[f64]| u.iter().zip(v).map(|(u, v)| u * v).sum::<f64>();
    for reg_param in [0.0, 0.01, 1.0] {
        let penalty = reg_param * (n as f64 - 1.0);
        let (aa, ab, bb) = (dot(&a, &a) + penalty, dot(&a, &b), dot(&b, &b) + penalty);
        let solve = |u: f64, v: f64| {
            let determinant = aa * bb - ab * ab;
            ((bb * u - ab * v) / determinant, (aa * v - ab * u) / determinant)
        };
        let (wa, wb) = solve(dot(&a, &t), dot(&b, &t));
        let expected: Vec<f64> = (0..n)
            .map(|i| {
                let (ha, hb) = solve(a[i], b[i]);
                let leverage = 1.0 / n as f64 + a[i] * ha + b[i] * hb;
                ((t[i] - wa * a[i] - wb * b[i]) / (1.0 - leverage)).abs()
            })
            .collect();
        let evaluator = Box::new(acme::MaxError::new());
        let ridge = Box::new(acme::Ridge::new().reg_param(reg_param));
        let each_row = KFold::new().num_folds(n as u32);
        let fold_of = each_row.split(&data, 0).unwrap().blocks().assignment().to_vec();
        let found = Search::new(ridge, ParamGrid::new(), evaluator, Arc::new(each_row)).fit(&data).unwrap();
        let folds = &found.result.candidates[0].folds;
        let average = mean(&expected);
        for (fold, expected) in fold_of.into_iter().zip(expected) {
            let found = folds[fold as usize].metric;
            assert!((found - expected).abs() <= 1e-9 * expected.max(average), "{found} is not {expected}");
        }
    }
}

#[test]
fn ridge_satisfies_its_normal_equations() {
    let frame = frame(ROWS, 5, 2);
    let (x, y) = (frame.vectors("features").unwrap(), frame.column_f64("label").unwrap());
    for reg_param in [0.0, 0.3, 100.0] {
        let model = acme::Ridge::new().reg_param(reg_param).fit_frame(&frame).unwrap();
        let residuals: Vec<f64> = x
            .outer_iter()
            .zip(&y)
            .map(|(row, y)| y - model.intercept() - row.dot(model.coefficients()))
            .collect();
        assert!(residuals.iter().sum::<f64>().abs() < 1e-9);
        for (column, w) in x.columns().into_iter().zip(model.coefficients()) {
            let gradient: f64 = column.iter().zip(&residuals).map(|(x, r)| x * r).sum::<f64>() / ROWS as f64;
            assert!((gradient - reg_param * w).abs() < 1e-9, "{gradient} is not {reg_param} · {w}");
        }
    }
}
