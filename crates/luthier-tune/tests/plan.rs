//! Candidates that differ in one stage are planned each by what it declares.

#![allow(clippy::unwrap_used, clippy::panic, reason = "these are tests")]

use std::sync::Arc;

use luthier_core::frame::{Column, DataFrame, Field, Schema};
use luthier_core::{
    Dataset, Estimator, Evaluator, FitContext, Moments, MomentsSpec, Params, Pipeline, PipelineModel,
    StagePlan,
};
use luthier_tune::{KFold, ParamGrid, Search};

/// Declares what its parameters say.
#[derive(Debug, Clone, Params)]
struct Declares {
    /// Strength of the penalty.
    #[param(default = 0.0, range = 0.0..)]
    reg_param: f64,
    /// The name of the appended column; it has no role.
    #[param(default = "prediction")]
    appends: String,
    /// What it asks for; it has no role.
    #[param(default = "a")]
    asks: String,
}

impl Estimator for Declares {
    const NAME: &'static str = "test.declares";
    type Model = PipelineModel;

    fn fit(&self, _: &Dataset, _: &FitContext) -> anyhow::Result<PipelineModel> {
        Ok(PipelineModel::new(Vec::new()))
    }

    fn outputs(&self, _: &Schema) -> anyhow::Result<Vec<Field>> {
        Ok(vec![Field::number(&self.appends)])
    }

    fn plan(&self, _: &Schema) -> StagePlan {
        StagePlan::opaque().need::<Moments>(MomentsSpec::new([&self.asks]))
    }
}

/// Needs a prediction.
#[derive(Debug, Clone, Params)]
struct Scores {}

impl Evaluator for Scores {
    const NAME: &'static str = "test.scores";

    fn evaluate(&self, predictions: &Dataset) -> anyhow::Result<f64> {
        Ok(predictions.num_rows() as f64)
    }

    fn check_schema(&self, schema: &Schema) -> anyhow::Result<()> {
        schema.require("prediction").map(|_| ()).map_err(Into::into)
    }

    fn metric(&self) -> String {
        "rows".to_owned()
    }

    fn is_larger_better(&self) -> bool {
        true
    }
}

fn search(grid: ParamGrid) -> Search {
    let pipeline =
        Pipeline::new().stage("first", Declares::new().appends("x")).stage("last", Declares::new());
    Search::new(Box::new(pipeline), grid, Box::new(Scores::new()), Arc::new(KFold::new()))
}

fn data() -> DataFrame {
    let numbers = || Column::f64((0..12).map(f64::from).collect());
    DataFrame::from_columns(vec![("a", numbers()), ("b", numbers())]).unwrap()
}

fn error(grid: ParamGrid) -> String {
    search(grid).plan(&data()).unwrap_err().to_string()
}

#[test]
fn another_output_is_checked_after_many_that_are_alike() {
    let alike = ParamGrid::new().add_by_name("last.reg_param", (0..20).map(f64::from));
    assert_eq!(search(alike.clone()).plan(&data()).unwrap().nodes.len(), 1 + 20);

    let without = ParamGrid::new().add_by_name("last.reg_param", [0.5]).add_by_name("last.appends", ["y"]);
    let told = error(alike.clone().union(without));
    assert!(told.contains("candidate 20") && told.contains("prediction"), "{told}");

    let taken = ParamGrid::new().add_by_name("last.reg_param", [0.5]).add_by_name("last.appends", ["x"]);
    let told = error(alike.clone().union(taken));
    assert!(told.contains("candidate 20") && told.contains("stage `last`") && told.contains("`x`"), "{told}");
}

#[test]
fn another_request_is_planned_with_the_candidates_that_make_it() {
    let columns = |asks: &[&str]| {
        let asks = asks.iter().copied().map(str::to_owned);
        let grid =
            ParamGrid::new().add_by_name("last.reg_param", [0.0, 1.0, 2.0]).add_by_name("last.asks", asks);
        let summaries = search(grid).plan(&data()).unwrap().summaries;
        let mut columns: Vec<String> = summaries.into_iter().flat_map(|summary| summary.columns).collect();
        columns.sort();
        columns.dedup();
        columns
    };
    assert_eq!(columns(&["a"]), ["a"]);
    assert_eq!(columns(&["a", "b"]), ["a", "b"]);
    // Where the first stage makes the column, the request stays behind it, for each of the candidates.
    let behind = ParamGrid::new().add_by_name("last.reg_param", [0.0, 1.0]).add_by_name("last.asks", ["x"]);
    let plan = search(behind).plan(&data()).unwrap();
    let passes: Vec<usize> = plan.levels.iter().map(|level| level.passes_behind).collect();
    assert_eq!(passes, [1, 0]);
}

#[test]
fn a_value_out_of_range_is_found_wherever_it_comes() {
    let values = (0..20).map(f64::from).chain([-1.0]);
    let told = error(ParamGrid::new().add_by_name("last.reg_param", values));
    assert!(told.contains("candidate 20") && told.contains("reg_param"), "{told}");
}
