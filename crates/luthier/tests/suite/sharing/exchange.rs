//! Stages that the grid exchanges or leaves out share what their candidates have in common.

use std::sync::Arc;

use luthier::core::params::StageHandle;
use luthier::core::{DynEstimator, Work};
use luthier::prelude::*;
use luthier::tune::{Error, KFold, Search};

use super::{compare, cross_validation};
use crate::data::{metric, scene};

const RMSE: RegressionMetric = RegressionMetric::Rmse;

/// A scaler, components of what it gives, and a regression on them.
fn chain() -> (Pipeline, StageHandle<Pca>, StageHandle<LinearRegression>) {
    let (pipeline, (_, pca, lr)) = Pipeline::of((
        ("scaler", StandardScaler::new().output_col("scaled")),
        ("pca", Pca::new().input_col("scaled").output_col("components")),
        ("lr", LinearRegression::new().features_col("components")),
    ));
    (pipeline, pca, lr)
}

fn table(search: &Search, data: &DataFrame) -> Vec<(String, f64)> {
    let result = search.fit(data).unwrap().result;
    result.candidates.iter().map(|c| (c.params.to_string(), c.mean)).collect()
}

#[test]
fn a_stage_is_left_out_by_some_candidates() {
    let data = scene(120, 6, 2);
    let (pipeline, pca, lr) = chain();
    let grid = ParamGrid::new()
        .add(pca.enabled(), [true, false])
        .add(pca.at(Pca::K), [2, 3])
        .add(lr.at(LinearRegression::REG_PARAM), [0.0, 0.1]);
    let search = cross_validation(pipeline, grid, metric(RMSE));
    compare(&search, &data, 1e-9, "a stage is left out").unwrap();

    // The parameters of a stage that is not there do not multiply candidates.
    let found = table(&search, &data);
    let params: Vec<&str> = found.iter().map(|(params, _)| params.as_str()).collect();
    assert_eq!(
        params,
        [
            "pca.enabled = true, pca.k = 2, lr.reg_param = 0.0",
            "pca.enabled = true, pca.k = 2, lr.reg_param = 0.1",
            "pca.enabled = true, pca.k = 3, lr.reg_param = 0.0",
            "pca.enabled = true, pca.k = 3, lr.reg_param = 0.1",
            "pca.enabled = false, lr.reg_param = 0.0",
            "pca.enabled = false, lr.reg_param = 0.1",
        ]
    );

    // Without it the regression reads what the components were made of.
    let without = Pipeline::new()
        .stage("scaler", StandardScaler::new().output_col("scaled"))
        .stage("lr", LinearRegression::new().features_col("scaled"));
    let grid = ParamGrid::new().add_by_name("lr.reg_param", [0.0, 0.1]);
    let expected = table(&cross_validation(without, grid, metric(RMSE)), &data);
    assert_eq!([found[4].1, found[5].1], [expected[0].1, expected[1].1]);

    // On each fold one scaler, two PCAs, and regressions on three inputs; and the refit.
    let tuned = search.fit(&data).unwrap();
    let refit = if tuned.result.best < 4 { 3 } else { 2 };
    assert_eq!(tuned.result.work.fits, 3 * (1 + 2 + 6) + refit);
    assert_eq!(tuned.result.work.rows_read, 120);
    let (planned, done) = (tuned.result.forecast.work, tuned.result.work);
    assert_eq!((planned.rows_read, planned.passes), (done.rows_read, done.passes));
    assert_eq!(planned.reused_fits, done.reused_fits);
}

#[test]
fn the_models_of_folds_are_those_of_their_candidate() {
    let data = scene(90, 5, 2);
    let (pipeline, pca, _) = chain();
    let grid = ParamGrid::new().add(pca.enabled(), [true, false]).add(pca.at(Pca::K), [2]);
    for sharing in [Sharing::On, Sharing::Off] {
        let search = CrossValidator::new(pipeline.clone(), grid.clone(), RegressionEvaluator::new());
        let tuned = search.sharing(sharing).collect_sub_models(true).fit(&data).unwrap();
        let names = |candidate| -> Vec<String> {
            let model = tuned.sub_model(1, candidate).unwrap();
            model.stages().map(|(name, _)| name.to_owned()).collect()
        };
        assert_eq!(names(0), ["scaler", "pca", "lr"]);
        assert_eq!(names(1), ["scaler", "lr"]);
    }
}

#[test]
fn a_stage_is_exchanged_for_one_of_another_type() {
    let data = scene(120, 6, 2);
    let (pipeline, (front, lr)) = Pipeline::of((
        ("front", StandardScaler::new().output_col("front")),
        ("lr", LinearRegression::new().features_col("front")),
    ));
    let grid = ParamGrid::new()
        .add(front.stage_type(), ["standard_scaler", "pca"])
        .add(front.at(StandardScaler::WITH_MEAN), [true, false])
        .add(StageHandle::<Pca>::new("front").at(Pca::K), [2, 4])
        .add(lr.at(LinearRegression::REG_PARAM), [0.1]);
    let search = cross_validation(pipeline, grid, metric(RMSE));
    compare(&search, &data, 1e-9, "a stage is exchanged").unwrap();
    let found = table(&search, &data);
    let params: Vec<&str> = found.iter().map(|(params, _)| params.as_str()).collect();
    assert_eq!(
        params,
        [
            "front.type = standard_scaler, front.with_mean = true, lr.reg_param = 0.1",
            "front.type = standard_scaler, front.with_mean = false, lr.reg_param = 0.1",
            "front.type = pca, front.k = 2, lr.reg_param = 0.1",
            "front.type = pca, front.k = 4, lr.reg_param = 0.1",
        ]
    );
    let pca = Pipeline::new()
        .stage("front", Pca::new().output_col("front"))
        .stage("lr", LinearRegression::new().features_col("front").reg_param(0.1));
    let expected =
        table(&cross_validation(pca, ParamGrid::new().add_by_name("front.k", [2, 4]), metric(RMSE)), &data);
    assert_eq!([found[2].1, found[3].1], [expected[0].1, expected[1].1]);
}

#[test]
fn what_cannot_be_exchanged_or_left_out_says_why() {
    let data = scene(60, 3, 1);
    let error = |pipeline: Pipeline, grid: ParamGrid| {
        let search = CrossValidator::new(pipeline, grid, RegressionEvaluator::new());
        search.fit(&data).unwrap_err().to_string()
    };
    let (pipeline, _, _) = chain();
    let grid = ParamGrid::new().add_by_name("pca.type", ["pcb"]);
    let message = error(pipeline.clone(), grid);
    assert!(message.contains("stage `pca`") && message.contains("did you mean `pca`?"), "{message}");
    let grid = ParamGrid::new().add_by_name("pca.type", ["standard_scaler"]).add_by_name("pca.k", [2]);
    let message = error(pipeline.clone(), grid);
    assert!(message.contains("`pca.k` matters for no candidate"), "{message}");
    let grid = ParamGrid::new().add_by_name("pca.enabled", [1]);
    assert!(error(pipeline, grid).contains("`pca.enabled` is 1, expected true or false"));

    let two = Pipeline::new()
        .stage("both", VectorAssembler::new().input_cols(["features", "features"]).output_col("both"))
        .stage("lr", LinearRegression::new().features_col("both"));
    let message = error(two, ParamGrid::new().add_by_name("both.enabled", [false]));
    assert!(message.contains("`both` cannot be left out: stage `lr` reads the column `both`"), "{message}");
}

/// Two scalers side by side, of which the first or the second varies, and a regression on both.
fn side_by_side(first: bool) -> Search {
    let (varies, fixed) = (StandardScaler::new().output_col("a"), MinMaxScaler::new().output_col("b"));
    let pipeline = match first {
        true => Pipeline::new().stage("varies", varies).stage("fixed", fixed),
        false => Pipeline::new().stage("fixed", fixed).stage("varies", varies),
    };
    let pipeline = pipeline
        .stage("both", VectorAssembler::new().input_cols(["a", "b"]).output_col("both"))
        .stage("lr", LinearRegression::new().features_col("both").reg_param(0.1));
    let grid = ParamGrid::new()
        .add_by_name("varies.with_mean", [true, false])
        .add_by_name("varies.with_std", [true, false]);
    let estimator: Box<dyn DynEstimator> = Box::new(pipeline);
    Search::new(estimator, grid, Box::new(RegressionEvaluator::new()), Arc::new(KFold::new()))
}

#[test]
fn the_order_of_independent_stages_does_not_decide_what_is_shared() {
    let data = scene(120, 4, 2);
    let run = |first: bool| -> (Work, Vec<f64>, Vec<usize>) {
        let search = side_by_side(first).collect_sub_models(true);
        compare(&search, &data, 1e-9, "side by side").unwrap();
        let tuned = search.fit(&data).unwrap();
        let model = PipelineModel::from(tuned.sub_models.unwrap()[0][0].clone().unwrap());
        let names: Vec<&str> = model.stages().map(|(name, _)| name).collect();
        let place = |name: &str| names.iter().position(|other| *other == name).unwrap();
        let means = tuned.result.candidates.iter().map(|c| c.mean).collect();
        (tuned.result.work, means, vec![place("varies"), place("fixed")])
    };
    let ((first, first_means, order), (last, last_means, other)) = (run(true), run(false));
    // On each fold one scaler that is fixed, four that vary, four regressions; and the refit.
    assert_eq!(first.fits, 3 * (1 + 4 + 4) + 3);
    assert_eq!(
        (first.fits, first.reused_fits, first.rows_read),
        (last.fits, last.reused_fits, last.rows_read)
    );
    assert_eq!(first_means, last_means);
    // Models are put together as declared.
    assert_eq!((order, other), (vec![0, 1], vec![1, 0]));
}

#[test]
fn pipelines_compete_and_share_the_stages_that_they_have_in_common() {
    let data = scene(120, 6, 2);
    let (pipeline, pca, lr) = chain();
    let other = Pipeline::new()
        .stage("scaler", StandardScaler::new().output_col("scaled"))
        .stage("ridge", LinearRegression::new().features_col("scaled"));
    let grid = ParamGrid::new().add(pca.at(Pca::K), [2, 3]).add(lr.at(LinearRegression::REG_PARAM), [0.1]);
    let ridge = ParamGrid::new().add_by_name("ridge.reg_param", [0.0, 0.1, 1.0]);
    let search = cross_validation(pipeline.clone(), grid.clone(), metric(RMSE));
    let search = search.or(Box::new(other.clone()), ridge.clone());
    compare(&search, &data, 1e-9, "two pipelines").unwrap();
    let result = search.fit(&data).unwrap().result;
    let of: Vec<usize> = result.candidates.iter().map(|c| c.pipeline).collect();
    assert_eq!(of, [0, 0, 1, 1, 1]);
    let alone = table(&cross_validation(other.clone(), ridge.clone(), metric(RMSE)), &data);
    let together: Vec<f64> = result.candidates[2..].iter().map(|c| c.mean).collect();
    assert_eq!(together, alone.iter().map(|(_, mean)| *mean).collect::<Vec<_>>());
    // On each fold one scaler for both, two PCAs, two regressions, three ridges.
    let refit = if result.best < 2 { 3 } else { 2 };
    assert_eq!((result.work.fits, result.work.rows_read), (3 * (1 + 2 + 2 + 3) + refit, 120));
    assert!(luthier::report::leaderboard(&result, 5).contains("candidate  pipeline"));

    // The same typed.
    let typed = CrossValidator::new(pipeline, grid, metric(RMSE)).or(other, ridge).fit(&data).unwrap();
    assert_eq!(typed.avg_metrics(), result.candidates.iter().map(|c| c.mean).collect::<Vec<_>>());
}

#[test]
fn all_candidates_may_contradict_themselves_but_not_silently() {
    let (pipeline, _, lr) = chain();
    let grid = ParamGrid::new()
        .add_by_name("pca.k", [2])
        .add(lr.at(LinearRegression::LOSS), [Loss::Huber])
        .add(lr.at(LinearRegression::ELASTIC_NET_PARAM), [0.5])
        .add(lr.at(LinearRegression::REG_PARAM), [0.5]);
    let search = CrossValidator::new(pipeline, grid, RegressionEvaluator::new());
    assert!(matches!(search.fit(&scene(60, 3, 1)).unwrap_err(), Error::Candidate { candidate: 0, .. }));
}
