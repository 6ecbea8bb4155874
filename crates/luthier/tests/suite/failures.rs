//! A candidate that fails or panics is a row with its error; the others finish.

use luthier::core::frame::{Field, Schema};
use luthier::core::{Dataset, DynEstimator, DynEvaluator, EvaluationPlan, Evaluator, FitContext, StagePlan};
use luthier::prelude::*;
use luthier::tune::{Error, Executor, SearchResult};

use crate::data::scene;
use crate::probe::{Constant, Mood};

fn search(moods: &[Mood]) -> CrossValidator<Constant> {
    let grid = ParamGrid::new().add(Constant::MOOD, moods.iter().copied());
    CrossValidator::new(Constant::new(), grid, RegressionEvaluator::new())
}

fn errors(result: &SearchResult, candidate: usize) -> Vec<Option<&str>> {
    result.candidates[candidate].folds.iter().map(|fold| fold.error.as_deref()).collect()
}

fn check(executor: impl Executor, sharing: Sharing) {
    let moods = [Mood::Fails, Mood::Panics, Mood::FailsOnFoldOne, Mood::Fine];
    let search = search(&moods).executor(executor).parallelism(3).unwrap().sharing(sharing);
    let tuned = search.fit(&scene(60, 2, 2)).unwrap();
    let result = tuned.result();
    assert_eq!(result.best, 3);
    assert!(errors(result, 0).iter().all(|e| e.is_some_and(|e| e.contains("it is in a bad mood"))));
    assert!(errors(result, 1).iter().all(|e| e.is_some_and(|e| e.contains("it is in a very bad mood"))));
    assert!(matches!(errors(result, 2)[..], [None, Some(e), None] if e.contains("not on fold 1")));
    assert_eq!(errors(result, 3), [None; 3]);
    assert!(result.candidates[..3].iter().all(|candidate| candidate.mean.is_nan()));
    assert!(result.candidates[2].folds[0].metric.is_finite());
    let ranks: Vec<usize> = result.candidates.iter().map(|candidate| candidate.rank).collect();
    assert_eq!(ranks, [2, 3, 4, 1]);
}

#[test]
fn others_finish_on_every_executor() {
    for sharing in [Sharing::On, Sharing::Off] {
        check(Serial::new(), sharing);
        check(Rayon::new(), sharing);
        check(ThreadPool::new(), sharing);
    }
}

#[test]
fn the_error_of_a_stage_names_the_stage() {
    let mut pipeline = Pipeline::new();
    let probe = pipeline.add("probe", Constant::new());
    let grid = ParamGrid::new().add(probe.at(Constant::MOOD), [Mood::Fine, Mood::Fails, Mood::Panics]);
    let tuned =
        CrossValidator::new(pipeline, grid, RegressionEvaluator::new()).fit(&scene(60, 2, 2)).unwrap();
    assert_eq!(errors(tuned.result(), 1)[0], Some("stage `probe`: it is in a bad mood"));
    let panicked = errors(tuned.result(), 2)[0].unwrap();
    assert!(panicked.contains("panicked: it is in a very bad mood"), "{panicked}");
}

#[test]
fn a_candidate_that_fails_in_an_early_stage_is_not_scored() {
    let mut pipeline = Pipeline::new();
    let first = pipeline.add("first", Constant::new());
    pipeline.add("scaler", StandardScaler::new());
    let grid = ParamGrid::new().add(first.at(Constant::MOOD), [Mood::Fails, Mood::Fine]);
    let tuned =
        CrossValidator::new(pipeline, grid, RegressionEvaluator::new()).fit(&scene(60, 2, 2)).unwrap();
    assert_eq!(errors(tuned.result(), 0), [Some("stage `first`: it is in a bad mood"); 3]);
    assert_eq!(errors(tuned.result(), 1), [None; 3]);
}

#[test]
fn if_all_fail_the_search_fails() {
    let error = search(&[Mood::Fails, Mood::Panics]).fit(&scene(60, 2, 2)).unwrap_err();
    let message = error.to_string();
    let Error::AllFailed { result, reasons } = error else { panic!("{message}") };
    assert_eq!(result.candidates.len(), 2);
    assert_eq!(
        reasons.iter().map(|reason| (reason.times, &reason.candidates[..])).collect::<Vec<_>>(),
        [(3, &[0][..]), (3, &[1][..]),]
    );
    assert!(
        message.starts_with("all 2 candidates failed:\n- candidate 0 on folds 0-2 (3 times): "),
        "{message}"
    );
    assert!(
        message.contains("it is in a bad mood") && message.contains("it is in a very bad mood"),
        "{message}"
    );
}

#[test]
fn if_the_refit_fails_the_table_is_kept() {
    let error = search(&[Mood::FailsOnAllRows]).fit(&scene(60, 2, 2)).unwrap_err();
    let Error::Refit { result, source } = error else { panic!("{error}") };
    assert_eq!(result.candidates.len(), 1);
    assert!(result.candidates[0].mean.is_finite());
    assert!(source.to_string().contains("not on all rows"), "{source}");
}

/// Panics when it is asked what it will need.
#[derive(Debug, Clone, Params)]
struct NoPlan {}

impl Estimator for NoPlan {
    const NAME: &'static str = "test.no_plan";
    type Model = PipelineModel;

    fn fit(&self, _data: &Dataset, _ctx: &FitContext) -> anyhow::Result<PipelineModel> {
        Ok(PipelineModel::new(Vec::new()))
    }

    fn outputs(&self, _schema: &Schema) -> anyhow::Result<Vec<Field>> {
        Ok(Vec::new())
    }

    fn plan(&self, _schema: &Schema) -> StagePlan {
        panic!("no plan")
    }
}

impl Evaluator for NoPlan {
    const NAME: &'static str = "test.no_needs";

    fn evaluate(&self, _predictions: &Dataset) -> anyhow::Result<f64> {
        Ok(0.0)
    }

    fn check_schema(&self, _schema: &Schema) -> anyhow::Result<()> {
        Ok(())
    }

    fn plan(&self, _schema: &Schema) -> EvaluationPlan {
        panic!("no needs")
    }

    fn metric(&self) -> String {
        "none".to_owned()
    }

    fn is_larger_better(&self) -> bool {
        false
    }
}

#[test]
fn a_panic_while_planning_names_the_part() {
    let data = scene(60, 2, 2);
    assert!(DynEstimator::plan(&NoPlan::new(), data.schema()).is_err());
    assert!(DynEvaluator::plan(&NoPlan::new(), data.schema()).is_opaque());
    let mut pipeline = Pipeline::new();
    pipeline.add("first", NoPlan::new());
    let grid = ParamGrid::new();
    let error =
        CrossValidator::new(pipeline, grid.clone(), RegressionEvaluator::new()).fit(&data).unwrap_err();
    assert!(error.to_string().contains("`first (test.no_plan)` panicked: no plan"), "{error}");
    let error = CrossValidator::new(Constant::new(), grid, NoPlan::new()).fit(&data).unwrap_err();
    assert!(error.to_string().contains("`test.no_needs` panicked: no needs"), "{error}");
}
