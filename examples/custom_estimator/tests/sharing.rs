//! Stages of a third party cost a search what built-in ones do: counts, and the long way as a check.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test may fail")]

mod common;

use common::{assert_close, frame, metrics, scaled_ridge, search, splitters};
use luthier_core::{EstimatorExt, Work};
use luthier_tune::{Search, Sharing};

const ROWS: usize = 211;

fn work_of(search: &Search) -> (Work, Vec<f64>) {
    let tuned = search.fit(&frame(ROWS, 5, 2)).unwrap();
    assert!(tuned.result.candidates.iter().all(|c| c.folds.iter().all(|f| f.error.is_none())));
    (tuned.result.work, metrics(&tuned.result))
}

#[test]
fn each_row_is_read_once_and_each_group_decomposed_once() {
    for splitter in splitters() {
        let folds = splitter.split(&frame(ROWS, 5, 2), 0).unwrap().evaluated.len() as u64;
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
        let folds = splitter.split(&frame(ROWS, 5, 2), 0).unwrap().evaluated.len() as u64;
        let grid = luthier_tune::ParamGrid::new().add(acme::Ridge::REG_PARAM, (0..16).map(f64::from));
        let (work, _) = work_of(&search(acme::Ridge::new(), grid).splitter(splitter));
        assert_eq!((work.rows_read, work.factorisations), (ROWS as u64, folds + 1));
    }
}

#[test]
fn the_long_way_gives_the_same_metrics() {
    for behind_log1p in [false, true] {
        for splitter in splitters() {
            let split = splitter.split(&frame(ROWS, 5, 2), 0).unwrap();
            let (folds, sizes) = (split.evaluated.len() as u64, split.folds.sizes());
            let (pipeline, grid) = scaled_ridge(behind_log1p);
            let search = search(pipeline, grid).splitter(splitter);
            let (_, short) = work_of(&search);
            let (alone, long) = work_of(&search.sharing(Sharing::Off));
            assert_close(&short, &long);
            assert_eq!(alone.factorisations, 16 * folds + 1);
            // Two stages read the training rows and the score the others; two stages read all rows again.
            let read: usize = split.evaluated.iter().map(|&fold| 2 * ROWS - sizes[fold as usize]).sum();
            assert_eq!(alone.rows_read, (16 * read + 2 * ROWS) as u64);
            assert_eq!((alone.lifted, alone.reused_fits), (0, 0), "the long way takes no short cut");
        }
    }
}

#[test]
fn behind_a_stage_that_is_not_affine_the_transformed_rows_are_read() {
    for splitter in splitters() {
        let (pipeline, grid) = scaled_ridge(true);
        let folds = splitter.split(&frame(ROWS, 5, 2), 0).unwrap().evaluated.len() as u64;
        let search = search(pipeline, grid).splitter(splitter);
        let (work, _) = work_of(&search);
        // The transformer is the same for all folds: one pass behind it for all of them, and one for the refit.
        assert_eq!((work.passes, work.rows_read), (2, 2 * ROWS as u64));
        assert_eq!((work.factorisations, work.fits), (4 * folds + 1, 20 * folds + 2));
        let plan = search.explain(&frame(ROWS, 5, 2)).unwrap();
        assert!(plan.contains("then 1 pass over the rows for all folds"), "{plan}");
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
