//! What a search returns: the best model, typed, all metrics, and the models of the folds.

use luthier::prelude::*;
use luthier::tune::EventKind;
use ndarray::Array2;

use crate::data::{assert_close, diabetes, metric, pca_and_regression, scene};
use crate::probe::Constant;

#[test]
fn the_best_model_is_typed_through_the_pipeline() {
    let mut pipeline = Pipeline::new();
    let pca = pipeline.add("pca", Pca::new().output_col("components"));
    let lr = pipeline.add("lr", LinearRegression::new().features_col("components"));
    let grid = ParamGrid::new().add(pca.at(Pca::K), [2, 6]);
    let tuned = CrossValidator::new(pipeline, grid, RegressionEvaluator::new()).fit(&diabetes()).unwrap();
    let best: &PipelineModel = tuned.best_model();
    assert_eq!(best.stage(&pca).unwrap().components().dim(), (10, 6));
    assert_eq!(best.stage(&lr).unwrap().coefficients().len(), 6);
    assert_eq!(tuned.result().best_candidate().unwrap().params.to_string(), "pca.k = 6");
    assert_eq!(tuned.avg_metrics().len(), 2);
    let stranger = luthier::core::StageHandle::<LinearRegression>::new("pca");
    let message = best.stage(&stranger).unwrap_err().to_string();
    assert!(message.contains("`pca` is not a `linear_regression`"), "{message}");
}

#[test]
fn transform_predicts_with_the_best_model() {
    let data = diabetes();
    let (pipeline, grid) = pca_and_regression(&[2, 6], &[0.0]);
    let tuned = CrossValidator::new(pipeline, grid, RegressionEvaluator::new()).fit(&data).unwrap();
    let predicted = tuned.transform(&data).unwrap();
    assert_eq!(predicted.num_rows(), data.num_rows());
    let names: Vec<&str> = predicted.schema().names().collect();
    assert_eq!(names[names.len() - 2..], ["components", "prediction"]);
    assert_eq!(
        predicted.column_f64("prediction").unwrap(),
        tuned.best_model().transform(&data).unwrap().column_f64("prediction").unwrap()
    );
    let unlabelled = data.drop(&["label"]).unwrap();
    assert_eq!(tuned.transform(&unlabelled).unwrap().num_rows(), 442);
}

#[test]
fn results_are_in_the_order_of_the_grid_and_ranks_in_that_of_the_metric() {
    let (pipeline, grid) = pca_and_regression(&[6, 2], &[10.0, 0.0]);
    let tuned = CrossValidator::new(pipeline, grid, RegressionEvaluator::new()).fit(&diabetes()).unwrap();
    let result = tuned.result();
    let params: Vec<String> = result.candidates.iter().map(|c| c.params.to_string()).collect();
    assert_eq!(params[0], "pca.k = 6, lr.reg_param = 10.0");
    assert_eq!(params[3], "pca.k = 2, lr.reg_param = 0.0");
    let board = result.leaderboard();
    assert!(board.windows(2).all(|pair| pair[0].mean <= pair[1].mean && pair[0].rank + 1 == pair[1].rank));
    assert_eq!(board[0].index, result.best);
    for candidate in &result.candidates {
        let folds: Vec<f64> = candidate.folds.iter().map(|fold| fold.metric).collect();
        let mean = folds.iter().sum::<f64>() / 3.0;
        let variance = folds.iter().map(|m| (m - mean).powi(2)).sum::<f64>() / 3.0;
        assert_close(candidate.mean, mean, 1e-15, "mean");
        assert_close(candidate.std, variance.sqrt(), 1e-12, "population deviation");
        assert_eq!(candidate.folds.iter().map(|fold| fold.fold).collect::<Vec<_>>(), [0, 1, 2]);
        assert!(candidate.folds.iter().all(|fold| fold.fit_seconds > 0.0 && fold.score_seconds >= 0.0));
    }
}

#[test]
fn larger_is_better_for_r2() {
    let (pipeline, grid) = pca_and_regression(&[2, 6], &[0.0]);
    let best = |of| {
        let search = CrossValidator::new(pipeline.clone(), grid.clone(), metric(of));
        let tuned = search.fit(&diabetes()).unwrap();
        (tuned.result().larger_is_better, tuned.result().best)
    };
    assert_eq!(best(RegressionMetric::Rmse), (false, 1));
    assert_eq!(best(RegressionMetric::R2), (true, 1));
}

#[test]
fn the_models_of_the_folds_are_kept_on_demand() {
    let data = diabetes();
    let (pipeline, grid) = pca_and_regression(&[2, 6], &[0.0, 1.0]);
    let search = CrossValidator::new(pipeline, grid, RegressionEvaluator::new()).fold_col("fold");
    let message = search.fit(&data).unwrap().sub_model(0, 0).unwrap_err().to_string();
    assert!(message.contains("collect_sub_models(true)"), "{message}");
    let folds = data.column_i64("fold").unwrap();
    for sharing in [Sharing::On, Sharing::Off] {
        let tuned = search.clone().sharing(sharing).collect_sub_models(true).fit(&data).unwrap();
        for fold in 0..3 {
            let held_out: Vec<bool> = folds.iter().map(|&f| f == fold as i64).collect();
            let held_out = data.filter(&held_out).unwrap();
            for (index, candidate) in tuned.result().candidates.iter().enumerate() {
                // Each scores the rows that it has not seen as the table says.
                let scored = tuned.sub_model(fold, index).unwrap().transform(&held_out).unwrap();
                let (label, prediction) =
                    (scored.column_f64("label").unwrap(), scored.column_f64("prediction").unwrap());
                let squares: f64 = label.iter().zip(&prediction).map(|(y, p)| (y - p).powi(2)).sum();
                let rmse = (squares / label.len() as f64).sqrt();
                assert_close(rmse, candidate.folds[fold].metric, 1e-9, "rmse of a sub-model");
            }
        }
        let message = tuned.sub_model(3, 0).unwrap_err().to_string();
        assert!(message.contains("no model on fold 3"), "{message}");
    }
}

#[test]
fn ties_go_to_the_first_and_nan_comes_last() {
    let data = DataFrame::from_ndarray(Array2::ones((12, 1)), vec![1.0; 12]).unwrap();
    let fit = |values: &[f64], of| {
        let grid = ParamGrid::new().add(Constant::VALUE, values.iter().copied());
        let tuned = CrossValidator::new(Constant::new(), grid, metric(of)).fit(&data).unwrap();
        let ranks: Vec<usize> = tuned.result().candidates.iter().map(|c| c.rank).collect();
        assert!(tuned.result().candidates.iter().flat_map(|c| &c.folds).all(|fold| fold.error.is_none()));
        (tuned.best_model().value, ranks)
    };
    // 0 and 2 are equally far from 1.
    assert_eq!(fit(&[3.0, 2.0, 0.0], RegressionMetric::Rmse), (2.0, vec![3, 1, 2]));
    assert_eq!(fit(&[f64::NAN, 3.0, 1.5], RegressionMetric::Rmse), (1.5, vec![3, 2, 1]));
    assert_eq!(fit(&[f64::NAN, 3.0, 1.5], RegressionMetric::Var), (3.0, vec![3, 1, 2]));
}

#[test]
fn a_metric_that_no_candidate_has_is_an_error_without_a_model() {
    // The label does not vary, so r2 is not defined.
    let data = DataFrame::from_ndarray(Array2::ones((12, 1)), vec![1.0; 12]).unwrap();
    let grid = ParamGrid::new().add(Constant::VALUE, [3.0, 1.5]);
    let search = CrossValidator::new(Constant::new(), grid, metric(RegressionMetric::R2));
    for sharing in [Sharing::On, Sharing::Off] {
        let error = search.clone().sharing(sharing).fit(&data).unwrap_err();
        let result = error.result().unwrap();
        assert!(result.best_candidate().is_none() && result.candidates.iter().all(|c| c.scored_folds == 0));
        assert_eq!(
            error.to_string(),
            "no candidate has a metric: r2 is not defined (NaN) on any of the 3 folds (4 rows each): \
             it needs at least two rows with different labels\n- folds 0-2: r2 is not defined: `label` is constant"
        );
    }
}

#[test]
fn a_mean_is_over_the_folds_that_have_the_metric_and_a_note_says_so() {
    // The label does not vary within fold 2.
    let fold = Column::i64((0..12).map(|row| row / 4).collect());
    let label: Vec<f64> = (0..12).map(|row| if row < 8 { f64::from(row) } else { 1.0 }).collect();
    let data =
        DataFrame::from_ndarray(Array2::ones((12, 1)), label).unwrap().with_column("fold", fold).unwrap();
    let grid = ParamGrid::new().add(Constant::VALUE, [3.0, 1.5]);
    let search = CrossValidator::new(Constant::new(), grid, metric(RegressionMetric::R2)).fold_col("fold");
    let also = search.clone().also(metric(RegressionMetric::Rmse));
    let tuned = also.fit(&data).unwrap();
    for candidate in &tuned.result().candidates {
        let scores: Vec<f64> = candidate.folds.iter().map(|fold| fold.metric).collect();
        assert!(scores[2].is_nan() && candidate.scored_folds == 2);
        assert_eq!(candidate.mean, (scores[0] + scores[1]) / 2.0);
        assert_eq!(candidate.also[0].scored_folds, 3);
    }
    let notes: Vec<String> = tuned.result().notes.iter().map(ToString::to_string).collect();
    assert_eq!(
        notes,
        ["fold 2: r2 is not defined: `label` is constant; the means are over the other 2 folds"]
    );
}

#[test]
fn seeds_of_fits_come_from_the_search_the_fold_and_the_stage() {
    let data = scene(30, 2, 2);
    let seeds = |seed: u64, grid: ParamGrid| -> Vec<u64> {
        let search = CrossValidator::new(Constant::new(), grid, RegressionEvaluator::new());
        let tuned = search.seed(seed).collect_sub_models(true).fit(&data).unwrap();
        let of_folds = (0..3).map(|fold| tuned.sub_model(fold, 0).unwrap().seed);
        of_folds.chain([tuned.best_model().seed]).collect()
    };
    let alone = seeds(5, ParamGrid::new());
    assert!((0..4).all(|i| (0..i).all(|j| alone[i] != alone[j])), "{alone:?}");
    assert_eq!(seeds(5, ParamGrid::new().add(Constant::VALUE, [0.0, 1.0])), alone);
    assert!(seeds(6, ParamGrid::new()).iter().all(|seed| !alone.contains(seed)));
}

#[test]
fn a_grid_without_values_has_one_candidate() {
    let tuned =
        TrainValidationSplit::new(LinearRegression::new(), ParamGrid::new(), RegressionEvaluator::new());
    let tuned = tuned.fit(&diabetes()).unwrap();
    assert_eq!(tuned.result().candidates.len(), 1);
    assert!(tuned.result().candidates[0].params.is_empty());
    assert_eq!(tuned.result().candidates[0].folds.len(), 1);
}

#[test]
fn events_cover_summaries_units_and_the_refit() {
    let (pipeline, grid) = pca_and_regression(&[2, 6], &[0.0, 1.0]);
    let tuned = CrossValidator::new(pipeline, grid, RegressionEvaluator::new()).fit(&diabetes()).unwrap();
    let events = &tuned.result().events;
    let count = |kind| events.iter().filter(|event| event.kind == kind).count();
    assert_eq!(count(EventKind::Summarise), 1);
    assert_eq!(count(EventKind::Unit), 3 * (1 + 2));
    assert_eq!(count(EventKind::Refit), 1);
    assert!(
        events.iter().all(|e| 0.0 <= e.start && e.start <= e.end && e.end <= tuned.result().search_seconds)
    );
}

#[test]
fn explain_tells_before_anything_is_fitted() {
    let (pipeline, grid) = pca_and_regression(&[2, 6], &[0.0, 1.0]);
    let search = CrossValidator::new(pipeline, grid, RegressionEvaluator::new());
    let text = search.explain(&diabetes()).unwrap();
    for part in ["4 candidates", "3 folds", "pca", "lr", "rmse", "read once"] {
        assert!(text.contains(part), "no {part:?} in\n{text}");
    }
}
