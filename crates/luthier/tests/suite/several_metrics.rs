//! One search, several metrics: the first decides, the others are reported.

use luthier::prelude::*;
use luthier::tune::SearchResult;

use crate::data::{metric, pca_and_regression};

/// Labels of two classes, which are numbers as well.
fn scene(rows: usize, features: usize, partitions: usize) -> DataFrame {
    let frame = crate::data::scene(rows, features, partitions);
    let label = frame.column_f64("label").unwrap();
    let classes = label.iter().map(|y| f64::from(u8::from(*y > 0.0))).collect();
    frame.drop(&["label"]).unwrap().with_column("label", Column::f64(classes)).unwrap()
}

fn auc() -> BinaryClassificationEvaluator {
    BinaryClassificationEvaluator::new().raw_prediction_col("prediction").num_bins(0)
}

fn search(evaluator: impl Evaluator) -> CrossValidator<Pipeline> {
    let (pipeline, grid) = pca_and_regression(&[1, 2], &[0.0, 0.1, 1.0]);
    CrossValidator::new(pipeline, grid, evaluator).seed(3)
}

fn several() -> CrossValidator<Pipeline> {
    let average = auc().metric(BinaryMetric::AveragePrecision);
    search(metric(RegressionMetric::Rmse)).also(metric(RegressionMetric::Mae)).also(auc()).also(average)
}

fn deciding(result: &SearchResult) -> Vec<Vec<u64>> {
    let folds = result.candidates.iter().map(|c| c.folds.iter().map(|fold| fold.metric.to_bits()).collect());
    folds.collect()
}

fn also(result: &SearchResult, i: usize) -> Vec<Vec<u64>> {
    let of =
        |c: &luthier::tune::CandidateResult| c.folds.iter().map(|f| f.also[i].metric.to_bits()).collect();
    result.candidates.iter().map(of).collect()
}

#[test]
fn each_metric_is_what_a_search_by_it_alone_finds() {
    let data = scene(400, 6, 3);
    for sharing in [Sharing::On, Sharing::Off] {
        let fit =
            |search: CrossValidator<Pipeline>| search.sharing(sharing).fit(&data).unwrap().result().clone();
        let result = fit(several());
        let names: Vec<&str> = result.also.iter().map(|also| also.name.as_str()).collect();
        assert_eq!(
            (result.metric.as_str(), &names[..]),
            ("rmse", &["mae", "area_under_roc", "average_precision"][..])
        );
        assert_eq!(
            result.also.iter().map(|also| also.larger_is_better).collect::<Vec<_>>(),
            [false, true, true]
        );
        let alone = fit(search(metric(RegressionMetric::Rmse)));
        assert_eq!((deciding(&result), result.best), (deciding(&alone), alone.best));
        assert!(alone.also.is_empty() && alone.candidates.iter().all(|c| c.also.is_empty()));
        let mae = fit(search(metric(RegressionMetric::Mae)));
        let area = fit(search(auc()));
        for (i, other) in [&mae, &area].into_iter().enumerate() {
            assert_eq!(also(&result, i), deciding(other), "{}", other.metric);
            for (a, b) in result.candidates.iter().zip(&other.candidates) {
                assert_eq!((a.also[i].mean, a.also[i].std), (b.mean, b.std));
            }
        }
    }
}

#[test]
fn they_share_passes_and_the_plan_foretells_them() {
    let data = scene(500, 8, 2);
    for sharing in [Sharing::On, Sharing::Off] {
        let result = several().sharing(sharing).fit(&data).unwrap().result().clone();
        let (planned, done) = (result.forecast.work, result.work);
        assert_eq!((planned.rows_read, planned.passes), (done.rows_read, done.passes), "{sharing:?}");
        assert_eq!((planned.evaluations, done.evaluations), (6 * 3 * 4, 6 * 3 * 4));
        if sharing == Sharing::On {
            // The rows once for moments; for each k and fold those of the fold, once for mae and once for both areas.
            assert_eq!((done.passes, done.rows_read), (1 + 2 * 3 * 2, 500 + 500 * 2 * 2));
        }
    }
}

#[test]
fn they_are_the_same_on_every_executor() {
    let data = scene(300, 4, 3);
    let serial = several().fit(&data).unwrap().result().clone();
    let searches = [
        several().executor(ThreadPool::new()).parallelism(3).unwrap(),
        several().executor(Rayon::new()).parallelism(2).unwrap(),
    ];
    for search in searches {
        let other = search.fit(&data).unwrap().result().clone();
        assert!((0..3).all(|i| also(&serial, i) == also(&other, i)));
        assert_eq!(deciding(&serial), deciding(&other));
    }
}

#[test]
fn what_fails_besides_is_missing_with_its_error() {
    let data = scene(90, 3, 2);
    let bad = data.with_column("bad", Column::f64(vec![-1.0; 90])).unwrap();
    let never = MulticlassClassificationEvaluator::new()
        .metric(MulticlassMetric::RecallByLabel)
        .metric_label(1e6)
        .prediction_col("label");
    for sharing in [Sharing::On, Sharing::Off] {
        let alone = search(metric(RegressionMetric::Rmse)).sharing(sharing).fit(&bad).unwrap();
        let with_others = search(metric(RegressionMetric::Rmse))
            .also(never.clone())
            .also(metric(RegressionMetric::R2).weight_col("bad"))
            .also(auc())
            .sharing(sharing);
        let tuned = with_others.fit(&bad).unwrap();
        let (result, alone) = (tuned.result(), alone.result());
        assert_eq!((deciding(result), result.best), (deciding(alone), alone.best));
        for candidate in &result.candidates {
            for fold in &candidate.folds {
                assert_eq!(fold.error, None);
                let errors: Vec<&str> = fold.also.iter().map(|m| m.error.as_deref().unwrap_or("")).collect();
                assert!(errors[0].contains("no row has the label 1000000"), "{errors:?}");
                assert!(errors[1].contains("column `bad`, row"), "{errors:?}");
                assert!(errors[2].is_empty() && fold.also[2].metric.is_finite());
                assert!(fold.also[0].metric.is_nan() && fold.also[1].metric.is_nan());
            }
            assert!(candidate.also[0].mean.is_nan() && candidate.also[2].mean.is_finite());
        }
        let board = luthier::report::leaderboard(result, 3);
        assert!(board.contains("recall_by_label(1000000): evaluator `multiclass_classification`"), "{board}");
    }
}

#[test]
fn a_column_that_is_missing_is_an_error_before_any_fit() {
    let error =
        search(metric(RegressionMetric::Rmse)).also(auc().label_col("y")).fit(&scene(60, 2, 1)).unwrap_err();
    assert!(error.to_string().contains("`y`"), "{error}");
}

#[test]
fn metrics_of_one_name_are_numbered_and_a_failed_candidate_has_none() {
    let same = || metric(RegressionMetric::Rmse);
    let result = search(same()).also(same()).also(same()).fit(&scene(60, 3, 1)).unwrap().result().clone();
    assert_eq!(result.also.iter().map(|a| a.name.as_str()).collect::<Vec<_>>(), ["rmse_2", "rmse_3"]);
    assert!(search(same()).also(same()).explain(&scene(60, 3, 1)).unwrap().contains("rmse, also by rmse_2"));

    use crate::probe::{Constant, Mood};
    let grid = ParamGrid::new().add(Constant::MOOD, [Mood::Fails, Mood::Fine]);
    let search = CrossValidator::new(Constant::new(), grid, same()).also(auc());
    let result = search.fit(&scene(60, 2, 2)).unwrap().result().clone();
    assert_eq!(result.best, 1);
    for fold in &result.candidates[0].folds {
        assert_eq!(fold.also[0].error, fold.error);
        assert!(fold.error.is_some() && fold.also[0].metric.is_nan());
    }
    assert!(result.candidates[1].folds.iter().all(|fold| fold.also[0].error.is_none()));
}
