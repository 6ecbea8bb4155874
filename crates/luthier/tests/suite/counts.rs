//! What a search costs: rows read, decompositions, fits. Counts do not depend on the machine.

use luthier::core::Work;
use luthier::prelude::*;

use crate::data::{metric, pca_and_regression, scaler_pca_and_regression, scene};

const K: [usize; 4] = [15, 30, 45, 75];
const REG_PARAM: [f64; 4] = [0.001, 0.003, 0.01, 0.03];
const RMSE: RegressionMetric = RegressionMetric::Rmse;

fn split(k: &[usize], reg_param: &[f64], of: RegressionMetric) -> TrainValidationSplit<Pipeline> {
    let (pipeline, grid) = pca_and_regression(k, reg_param);
    TrainValidationSplit::new(pipeline, grid, metric(of)).train_ratio(0.8).seed(7)
}

fn cross_validation(
    (pipeline, grid): (Pipeline, ParamGrid),
    of: RegressionMetric,
) -> CrossValidator<Pipeline> {
    CrossValidator::new(pipeline, grid, metric(of)).seed(7)
}

/// What a refit of PCA and regression adds: both decompose, neither reads.
const REFIT: u64 = 2;

#[test]
fn the_scene_reads_each_row_once_and_decomposes_once_a_fold() {
    let data = scene(10_000, 100, 2);
    let tuned = split(&K, &REG_PARAM, RMSE).fit(&data).unwrap();
    let work = tuned.result().work;
    assert_eq!(work.rows_read, 10_000);
    assert_eq!((work.passes, work.summaries), (1, 1));
    // One eigendecomposition for all k, one factorisation for all reg_param of each k.
    assert_eq!(work.factorisations, 1 + 4 + REFIT);
    assert_eq!(work.fits, 4 + 16 + REFIT);
    assert_eq!(work.reused_fits, 12);
    assert_eq!((work.evaluations, work.evaluations_without_rows), (16, 16));
    assert_eq!(work.guarded, 0);
}

#[test]
fn factorisations_grow_with_k_and_not_with_reg_param() {
    let data = scene(500, 20, 2);
    let factorisations = |k: &[usize], reg_param: &[f64]| {
        let search = cross_validation(pca_and_regression(k, reg_param), RMSE);
        search.fit(&data).unwrap().result().work.factorisations
    };
    let (folds, eigen) = (3, 1);
    assert_eq!(factorisations(&[5], &[0.1]), folds * (eigen + 1) + REFIT);
    assert_eq!(factorisations(&[5], &[0.0, 0.1, 1.0, 10.0]), folds * (eigen + 1) + REFIT);
    assert_eq!(factorisations(&[5, 10, 15], &[0.1]), folds * (eigen + 3) + REFIT);
    assert_eq!(factorisations(&[5, 10, 15], &[0.0, 0.1]), folds * (eigen + 3) + REFIT);
}

#[test]
fn folds_cost_no_rows_and_neither_do_metrics_but_mae() {
    let data = scene(500, 20, 2);
    for of in [RMSE, RegressionMetric::Mse, RegressionMetric::R2, RegressionMetric::Var] {
        for num_folds in [2, 3, 7] {
            let search = cross_validation(pca_and_regression(&[5, 10], &[0.0, 0.1]), of);
            let work = search.num_folds(num_folds).fit(&data).unwrap().result().work;
            let folds = u64::from(num_folds);
            assert_eq!((work.rows_read, work.passes), (500, 1), "{of:?}, {num_folds} folds");
            assert_eq!(work.evaluations_without_rows, 4 * folds);
            assert_eq!(work.fits, (2 + 4) * folds + 2);
            assert_eq!(work.reused_fits, 2 * folds);
        }
    }
}

#[test]
fn a_scaler_in_front_costs_neither_rows_nor_decompositions() {
    let data = scene(500, 20, 2);
    let search = cross_validation(scaler_pca_and_regression(&[5, 10], &[0.0, 0.1]), RMSE);
    let work = search.fit(&data).unwrap().result().work;
    assert_eq!((work.rows_read, work.passes), (500, 1));
    assert_eq!(work.factorisations, 3 * (1 + 2) + REFIT);
    assert_eq!(work.fits, 3 * (1 + 2 + 4) + 3);
}

/// An absolute error needs the rows: each unit (a fold and a `k`) reads its validation rows once for all
/// `reg_param`.
#[test]
fn mae_reads_validation_rows_once_for_siblings() {
    let data = scene(500, 20, 2);
    let rows_read = |k: &[usize], reg_param: &[f64]| {
        let search = cross_validation(pca_and_regression(k, reg_param), RegressionMetric::Mae);
        search.fit(&data).unwrap().result().work.rows_read
    };
    let (summaries, validation) = (500, 500);
    assert_eq!(rows_read(&[5], &[0.1]), summaries + validation);
    assert_eq!(rows_read(&[5], &[0.0, 0.1, 1.0, 10.0]), summaries + validation);
    assert_eq!(rows_read(&[5, 10, 15], &[0.0, 0.1]), summaries + 3 * validation);
}

#[test]
fn an_assembler_in_front_changes_nothing() {
    let data = crate::data::diabetes_columns();
    let features = crate::data::diabetes_features();
    let mut pipeline = Pipeline::new();
    pipeline.add_transformer("assembler", VectorAssembler::new().input_cols(features));
    let pca = pipeline.add("pca", Pca::new().output_col("components"));
    pipeline.add("lr", LinearRegression::new().features_col("components"));
    let grid = ParamGrid::new().add(pca.at(Pca::K), [2, 4]);
    let work = cross_validation((pipeline, grid), RMSE).fit(&data).unwrap().result().work;
    assert_eq!((work.rows_read, work.passes, work.factorisations), (442, 1, 3 * (1 + 2) + REFIT));
}

#[test]
fn without_sharing_every_candidate_pays_for_itself() {
    let data = scene(200, 10, 2);
    let search = split(&[2, 4], &[0.0, 0.1], RMSE);
    let off: Work = search.sharing(Sharing::Off).fit(&data).unwrap().result().work;
    // Each of 4 candidates: the training rows for PCA and again for the regression, then the validation rows.
    let (training, validation) = (160, 40);
    let refit = 2 * 200;
    assert_eq!(off.rows_read, 4 * (2 * training + validation) + refit);
    assert_eq!(off.factorisations, 4 * 2 + REFIT);
    assert_eq!(off.fits, 4 * 2 + 2);
    assert_eq!((off.reused_fits, off.lifted, off.evaluations_without_rows), (0, 0, 0));
}

/// What a plan says beforehand is what is done afterwards, as long as nothing has to be guarded.
#[test]
fn the_plan_foretells_the_work() {
    let data = scene(500, 20, 2);
    for of in [RMSE, RegressionMetric::R2, RegressionMetric::Mae] {
        for sharing in [Sharing::On, Sharing::Off] {
            let grids =
                [pca_and_regression(&[5, 10], &[0.0, 0.1]), scaler_pca_and_regression(&[5], &[0.0, 0.1])];
            for (pipeline, grid) in grids {
                let in_folds =
                    CrossValidator::new(pipeline.clone(), grid.clone(), metric(of)).sharing(sharing);
                let in_two = TrainValidationSplit::new(pipeline, grid, metric(of)).sharing(sharing);
                let results = [
                    in_folds.fit(&data).unwrap().result().clone(),
                    in_two.fit(&data).unwrap().result().clone(),
                ];
                for result in results {
                    let (planned, done) = (result.forecast.work, result.work);
                    let counts = |work: Work| {
                        [work.rows_read, work.passes, work.fits, work.reused_fits, work.evaluations]
                    };
                    assert_eq!(counts(planned), counts(done), "{of:?} {sharing:?}");
                    assert!(!result.forecast.is_approximate);
                    let kept = if sharing == Sharing::On { 8 * 21 * 21 } else { 0 };
                    assert!(result.forecast.summary_bytes >= kept);
                }
            }
        }
    }
}

/// With memory for few summaries rows are read more often; what comes out is the same up to rounding.
#[test]
fn little_memory_costs_passes() {
    let data = scene(600, 6, 2);
    let (pipeline, grid) = pca_and_regression(&[2, 4], &[0.0, 0.1]);
    let search = |budget| {
        let search = CrossValidator::new(pipeline.clone(), grid.clone(), metric(RMSE)).num_folds(150);
        search.memory_budget(budget).fit(&data).unwrap().result().clone()
    };
    let roomy = search(MemoryBudget::Auto);
    let tight = search(MemoryBudget::Bytes(20 * 8 * 7 * 7));
    assert_eq!((roomy.work.rows_read, roomy.forecast.is_approximate), (600, false));
    assert!(tight.work.rows_read > 1200 && tight.work.rows_read <= tight.forecast.work.rows_read);
    assert!(tight.forecast.is_approximate && tight.forecast.summary_bytes < roomy.forecast.summary_bytes / 5);
    assert_eq!(roomy.work.fits, tight.work.fits);
    for (a, b) in roomy.candidates.iter().zip(&tight.candidates) {
        assert!((a.mean - b.mean).abs() < 1e-12 * a.mean, "{} {}", a.mean, b.mean);
    }
}

#[test]
fn summaries_are_lifted_through_a_chain_as_often_as_it_is_long() {
    let data = scene(200, 5, 1);
    let lifted = |stages: usize| {
        let mut pipeline = Pipeline::new();
        let name = |i: usize| if i == 0 { "features".to_owned() } else { format!("scaled{i}") };
        for i in 0..stages {
            let scaler = StandardScaler::new().input_col(name(i)).output_col(name(i + 1));
            pipeline.add(format!("s{i}"), scaler.with_mean(true));
        }
        let regression = LinearRegression::new().features_col(name(stages));
        let regression = pipeline.add("regression", regression);
        let grid = ParamGrid::new().add(regression.at(LinearRegression::REG_PARAM), [0.0, 0.1]);
        let tuned = cross_validation((pipeline, grid), RMSE).fit(&data).unwrap();
        let work = tuned.result().work;
        assert_eq!((work.rows_read, work.passes), (200, 1));
        work.lifted
    };
    let (short, long) = (lifted(64), lifted(128));
    assert!(long <= short * 11 / 5, "{short} with 64 stages, {long} with 128");
}
