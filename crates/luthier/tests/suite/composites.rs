//! Stages of other crates that are made of stages are handled as pipelines are.

use luthier::core::persist;
use luthier::core::{
    Children, Dataset, Description, DynEstimator, FitContext, FittedChild, Note, NoteKind, Outputs,
    PipelineStage, Tile,
};
use luthier::frame::{Field, Schema};
use luthier::prelude::*;
use luthier::tune::Search;
use serde::{Deserialize, Serialize};

use crate::data::{metric, scene};
use crate::sharing::cross_validation;

const RMSE: RegressionMetric = RegressionMetric::Rmse;

/// A scaler and components of what it gives, as one stage.
#[derive(Debug, Clone, Params)]
struct Prepare {
    /// What it is for; nothing depends on it.
    #[param(default = "tests")]
    purpose: String,
    #[param(skip)]
    row: Row,
}

#[derive(Debug, Clone)]
struct Row(Pipeline);

fn scaler_and_components() -> Pipeline {
    Pipeline::new()
        .stage("scaler", StandardScaler::new().output_col("scaled"))
        .stage("pca", Pca::new().k(2).input_col("scaled").output_col("components"))
}

impl Default for Row {
    fn default() -> Self {
        Self(scaler_and_components())
    }
}

impl Estimator for Prepare {
    const NAME: &'static str = "acme.prepare";
    type Model = PipelineModel;

    fn fit(&self, data: &Dataset, ctx: &FitContext) -> anyhow::Result<PipelineModel> {
        Estimator::fit(&self.row.0, data, ctx)
    }

    fn outputs(&self, schema: &Schema) -> anyhow::Result<Vec<Field>> {
        Estimator::outputs(&self.row.0, schema)
    }

    fn children(&self) -> Children<'_, PipelineStage> {
        Children::in_a_row(self.row.0.stages())
    }

    fn children_mut(&mut self) -> Option<&mut Vec<PipelineStage>> {
        Estimator::children_mut(&mut self.row.0)
    }

    fn assemble(
        &self,
        children: Vec<FittedChild>,
        columns: Option<&Schema>,
    ) -> anyhow::Result<PipelineModel> {
        Estimator::assemble(&self.row.0, children, columns)
    }
}

luthier::core::register_estimator!(Prepare: "A scaler and components of what it gives.");

/// A regression that is fitted in a way of this stage, not in a row.
#[derive(Debug, Clone, Params)]
struct Wrapped {
    #[param(skip)]
    part: Part,
}

#[derive(Debug, Clone)]
struct Part(Vec<PipelineStage>);

impl Default for Part {
    fn default() -> Self {
        Self(vec![PipelineStage::new("inner", Box::new(LinearRegression::new()))])
    }
}

#[derive(Debug, Serialize, Deserialize)]
struct WrappedModel {
    inner: PipelineModel,
}

impl Transformer for WrappedModel {
    fn inputs(&self) -> Vec<String> {
        self.inner.inputs().map(|columns| columns.names().map(str::to_owned).collect()).unwrap_or_default()
    }

    fn outputs(&self, schema: &Schema) -> anyhow::Result<Vec<Field>> {
        Transformer::outputs(&self.inner, schema)
    }

    fn apply(&self, rows: &Tile<'_>, out: &mut Outputs) -> anyhow::Result<()> {
        self.inner.apply(rows, out)
    }

    fn describe(&self) -> Description {
        Description::new().note(Note::new(NoteKind::Other, "wrapped"))
    }

    fn children(&self) -> Children<'_, FittedChild> {
        Children::parts(Transformer::children(&self.inner).all())
    }
}

impl Estimator for Wrapped {
    const NAME: &'static str = "acme.wrapped";
    type Model = WrappedModel;

    fn fit(&self, data: &Dataset, ctx: &FitContext) -> anyhow::Result<WrappedModel> {
        let mut fitted = Vec::new();
        for part in &self.part.0 {
            let model = part.stage().fit(data, &ctx.for_stage(part.name()))?;
            fitted.push((part.name().to_owned(), model));
        }
        Ok(WrappedModel { inner: PipelineModel::new(fitted).with_inputs(data.schema()) })
    }

    fn outputs(&self, schema: &Schema) -> anyhow::Result<Vec<Field>> {
        Ok(self.part.0.first().map(|part| part.stage().outputs(schema)).transpose()?.unwrap_or_default())
    }

    fn children(&self) -> Children<'_, PipelineStage> {
        Children::parts(&self.part.0)
    }

    fn children_mut(&mut self) -> Option<&mut Vec<PipelineStage>> {
        Some(&mut self.part.0)
    }
}

luthier::core::register_estimator!(Wrapped: "A regression in a coat.");

fn table(search: &Search, data: &DataFrame) -> Vec<(String, f64)> {
    let result = search.fit(data).unwrap().result;
    result.candidates.iter().map(|c| (c.params.to_string(), c.mean)).collect()
}

fn grid() -> ParamGrid {
    ParamGrid::new()
        .add_by_name("prepare.pca.k", [2, 3])
        .add_by_name("prepare.scaler.enabled", [true, false])
        .add_by_name("lr.reg_param", [0.0, 0.1])
}

#[test]
fn a_row_of_another_type_is_searched_as_a_nested_pipeline() {
    let data = scene(120, 6, 2);
    let regression = || LinearRegression::new().features_col("components");
    let nested = Pipeline::new().stage("prepare", scaler_and_components()).stage("lr", regression());
    let own = Pipeline::new().stage("prepare", Prepare::new()).stage("lr", regression());
    let [nested, own] = [nested, own].map(|pipeline| cross_validation(pipeline, grid(), metric(RMSE)));
    let (expected, found) = (nested.fit(&data).unwrap(), own.fit(&data).unwrap());
    assert_eq!(table(&own, &data), table(&nested, &data));
    assert_eq!(found.result.candidates.len(), 8);
    assert_eq!(found.result.work, expected.result.work, "what candidates have in common is done once");
    assert!(found.model.children().row().is_some());

    // The only stage of a search: its own parameters, and those of its stages.
    let grid = ParamGrid::new().add_by_name("purpose", ["a", "b"]).add_by_name("pca.k", [2, 3]);
    let candidates: Vec<_> = grid.build().unwrap();
    let root: &dyn DynEstimator = &Prepare::new();
    let set = root.with_params(&candidates[3]).unwrap();
    assert_eq!(set.get_value("purpose").unwrap(), "b".into());
    assert_eq!(set.leaves()[1].1.get_value("k").unwrap(), 3.into());
    let error = root.with_params(&[("pcs.k", 1)].into_iter().collect()).unwrap_err().to_string();
    assert!(
        error.contains("the stage `pcs` does not exist") && error.contains("did you mean `pca`"),
        "{error}"
    );
}

#[test]
fn it_is_saved_and_loaded_with_its_stages() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("stage.json");
    let root: &dyn DynEstimator = &Prepare::new();
    let set = root.with_params(&[("pca.k", 4)].into_iter().collect()).unwrap();
    persist::save_estimator(&path, set.as_ref()).unwrap();
    let loaded = persist::load_estimator(&path).unwrap();
    assert_eq!(loaded.configuration(), set.configuration());
    assert_eq!(loaded.leaves()[1].1.get_value("k").unwrap(), 4.into());

    let data = scene(60, 6, 1);
    let pipeline = Pipeline::new()
        .stage("prepare", Prepare::new())
        .stage("lr", Wrapped::new().with_features("components"));
    let model = pipeline.fit_frame(&data).unwrap();
    model.save(&path).unwrap();
    let loaded = PipelineModel::load(&path).unwrap();
    let predictions =
        |model: &PipelineModel| model.transform(&data).unwrap().column_f64("prediction").unwrap();
    assert_eq!(predictions(&loaded), predictions(&model));
    assert!(
        loaded.stage_by_name("prepare.pca").unwrap().downcast_ref::<luthier::stages::PcaModel>().is_some()
    );
    let names: Vec<_> = loaded.parts().into_iter().map(|(name, _)| name).collect();
    assert_eq!(names, ["prepare.scaler", "prepare.pca", "lr", "lr.inner"]);
    let notes: Vec<_> = loaded.notes().iter().map(ToString::to_string).collect();
    assert_eq!(notes, ["stage `lr`: wrapped"]);
}

impl Wrapped {
    fn with_features(self, column: &str) -> Self {
        let root: &dyn DynEstimator = &self;
        let set = root.with_params(&[("inner.features_col", column)].into_iter().collect()).unwrap();
        set.as_any().downcast_ref::<Self>().unwrap().clone()
    }
}

#[test]
fn parts_that_are_not_in_a_row_are_addressed_told_apart_and_checked() {
    let data = scene(90, 4, 2);
    let values = [0.0, 0.5, 5.0];
    let plain = Pipeline::new().stage("lr", LinearRegression::new());
    let wrapped = Pipeline::new().stage("lr", Wrapped::new());
    let plain = cross_validation(plain, ParamGrid::new().add_by_name("lr.reg_param", values), metric(RMSE));
    let wrapped =
        cross_validation(wrapped, ParamGrid::new().add_by_name("lr.inner.reg_param", values), metric(RMSE));
    let (expected, found) = (table(&plain, &data), table(&wrapped, &data));
    for ((_, expected), (params, found)) in expected.iter().zip(&found) {
        assert!((expected - found).abs() < 1e-9 * expected, "{params}: {found}, not {expected}");
    }
    assert!(found[0].1 != found[1].1 && found[1].1 != found[2].1, "{found:?}");

    // The label of a part is no feature of it.
    let leak = Pipeline::new()
        .stage("assemble", VectorAssembler::new().input_cols(["features", "label"]).output_col("all"))
        .stage("lr", Wrapped::new().with_features("all"));
    let error = leak.check().unwrap_err().to_string();
    assert!(error.contains("`label`") && error.contains("cannot be a feature"), "{error}");

    // What is wrong inside is told by its dotted name.
    let error = plain_error(&Wrapped::new(), "inner.reg_param");
    assert!(error.contains("`inner`") && error.contains("`reg_param` = -1"), "{error}");
}

fn plain_error(root: &dyn DynEstimator, path: &str) -> String {
    root.with_params(&[(path, -1.0)].into_iter().collect()).unwrap_err().to_string()
}
