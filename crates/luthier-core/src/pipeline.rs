//! Stages in a row.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::de::Error as _;
use serde::ser::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use luthier_frame::{Field, Schema};

use crate::composite::assemble_children;
use crate::dataset::Dataset;
use crate::exchange::{self, set_all};
use crate::leak::LabelGuard;
use crate::params::{ParamError, ParamInfo, ParamMap, Params, StageHandle, Value};
use crate::pipeline_model::{PipelineModel, TYPE_NAME};
use crate::stage::{
    Children, DynEstimator, Estimator, FitContext, FittedChild, LineageStep, PipelineStage, PureTransformer,
    StagePlan, pure,
};
use crate::summary::Need;
use crate::{Error, Result, document};

/// Named stages, each fitted on the rows as the stages before it show them.
///
/// A pipeline is an estimator itself, so pipelines nest: the stage `pca` of a pipeline that is the stage
/// `features` of another one is addressed as `"features.pca"`. Without stages it is the identity.
///
/// Declared needs of all stages are answered together: where stages are affine, fitting the whole pipeline reads
/// the rows once.
///
/// It is built by [`of`](Self::of), which returns handles of the stages, by [`stage`](Self::stage) in a chain, or by
/// [`add`](Self::add) one stage after the other.
#[derive(Debug, Clone, Default)]
pub struct Pipeline {
    stages: Vec<PipelineStage>,
}

/// A stage that is not a pipeline, with its place and what it declares.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct PlannedStage {
    /// The schema behind it.
    pub schema: Schema,
    /// What it declares.
    pub plan: StagePlan,
    /// How requests go back through it.
    pub step: LineageStep,
}

impl PlannedStage {
    /// Asks a stage for its plan and checks it against the schema in front of it.
    ///
    /// # Errors
    /// Parameters or columns that do not fit.
    pub fn new(stage: &dyn DynEstimator, before: &Schema) -> Result<Self> {
        stage.validate()?;
        let outputs = stage.outputs(before)?;
        let plan = stage.plan(before)?;
        let step =
            LineageStep::new(&outputs, plan.affine_columns().cloned()).dropping_rows(plan.may_drop_rows());
        let schema = before.with_fields(outputs).map_err(|e| Error::from(e).in_stage(stage.type_name()))?;
        Ok(Self { schema, plan, step })
    }
}

impl Pipeline {
    /// A pipeline without stages.
    pub fn new() -> Self {
        Self::default()
    }

    /// Appends an estimator (or a pipeline); the handle gives typed addresses and finds the fitted model.
    pub fn add<E: Estimator>(&mut self, name: impl Into<String>, stage: E) -> StageHandle<E> {
        let name = name.into();
        self.add_dyn(name.clone(), Box::new(stage));
        StageHandle::new(name)
    }

    /// Appends a transformer that is not fitted.
    pub fn add_transformer<T: PureTransformer>(
        &mut self,
        name: impl Into<String>,
        stage: T,
    ) -> StageHandle<T> {
        let name = name.into();
        self.add_dyn(name.clone(), pure(stage));
        StageHandle::new(name)
    }

    /// Appends a stage of any type.
    pub fn add_dyn(&mut self, name: impl Into<String>, stage: Box<dyn DynEstimator>) {
        self.stages.push(PipelineStage::new(name, stage));
    }

    /// The stages in order.
    pub fn stages(&self) -> &[PipelineStage] {
        &self.stages
    }

    /// The stages with those in a row opened, by dotted name; see [`leaves`](DynEstimator#method.leaves).
    pub fn leaves(&self) -> Vec<(String, &dyn DynEstimator)> {
        (self as &dyn DynEstimator).leaves()
    }

    /// A copy with parameters set by dotted name; see [`with_params`](DynEstimator#method.with_params).
    ///
    /// # Errors
    /// An unknown stage or parameter, a wrong type, a value out of range; a stage that cannot be left out.
    pub fn with_params(&self, params: &ParamMap) -> Result<Self> {
        let mut copy = self.clone();
        set_all(&mut copy, params)?;
        Ok(copy)
    }

    /// Whether names are usable and unique, every stage's parameters are valid, and no feature is made of a label (see
    /// [`check_features`](Self::check_features)).
    ///
    /// # Errors
    /// The first stage that is not.
    pub fn check(&self) -> Result<()> {
        DynEstimator::validate(self)
    }

    /// Whether no stage that fits a label predicts from a column that is made of a label, a weight or a fold: of one that
    /// a stage names by a parameter of that [role](crate::params::ColumnRole), or of one of `no_features`, which says for more columns
    /// what each of them is ("the label").
    ///
    /// # Errors
    /// The first such column, and the stage that takes it.
    pub fn check_features(&self, no_features: &BTreeMap<String, String>) -> Result<()> {
        LabelGuard::default().and(no_features).check(self)
    }
}

/// Parameters are addressed by dotted name, `"stage.parameter"`; a pipeline has none of its own.
impl Params for Pipeline {
    fn param_infos() -> &'static [ParamInfo] {
        &[]
    }

    fn get_value(&self, name: &str) -> Result<Value, ParamError> {
        exchange::get_value(self, name).map_err(as_param_error)
    }

    fn set_value(&mut self, name: &str, value: &Value) -> Result<(), ParamError> {
        exchange::set_value(self, name, value).map_err(as_param_error)
    }

    /// That the stages themselves are valid is [`check`](Pipeline::check)ed by whoever holds the pipeline.
    fn validate(&self) -> Result<(), ParamError> {
        self.check_features(&BTreeMap::new()).map_err(as_param_error)
    }
}

fn as_param_error(error: Error) -> ParamError {
    match error {
        Error::Param(error) => *error,
        Error::Stage { stage, source } => {
            let param = match source.downcast_ref::<Error>() {
                Some(Error::Param(error)) => Some((**error).clone()),
                _ => source.downcast_ref().cloned(),
            };
            match param {
                Some(ParamError::InStage { stage: inner, source }) => {
                    ParamError::InStage { stage: format!("{stage}.{inner}"), source }
                }
                Some(source) => ParamError::InStage { stage, source: Box::new(source) },
                None => {
                    let source = ParamError::Invalid { message: format!("{source:#}") };
                    ParamError::InStage { stage, source: Box::new(source) }
                }
            }
        }
        other => ParamError::Invalid { message: other.to_string() },
    }
}

impl Estimator for Pipeline {
    const NAME: &'static str = TYPE_NAME;
    type Model = PipelineModel;

    fn fit(&self, data: &Dataset, ctx: &FitContext) -> anyhow::Result<PipelineModel> {
        let leaves = self.leaves();
        let mut schema = data.schema().clone();
        let mut steps = data.lineage();
        // What is asked of the rows as they are seen in front of each stage, by it and by later ones.
        let first = steps.len();
        let mut needs: Vec<Vec<Need>> = vec![Vec::new(); leaves.len()];
        for (name, leaf) in &leaves {
            let planned =
                PlannedStage::new(*leaf, &schema).map_err(|e| e.in_stage_of(name, leaf.type_name()))?;
            for need in planned.plan.needs() {
                let (depth, need) = LineageStep::pull_back_all(&steps, need);
                if let Some(needs) = depth.checked_sub(first).and_then(|place| needs.get_mut(place)) {
                    needs.push(need);
                }
            }
            steps.push(Arc::new(planned.step));
            schema = planned.schema;
        }
        let mut view = data.clone();
        let mut models = Vec::with_capacity(leaves.len());
        for ((name, leaf), needs) in leaves.into_iter().zip(needs) {
            // A request that fails here fails again, with the name of its stage, where it is used.
            view = view.prepare(&needs)?;
            let named = |e: Error| e.in_stage_of(&name, leaf.type_name());
            let model = match leaf.as_model() {
                Some(model) => model,
                None => leaf.fit(&view, &ctx.for_stage(&name)).map_err(named)?,
            };
            view = view.through_stage(&name, model.clone())?.held();
            models.push(model);
        }
        let children = assemble_children(&self.stages, &mut models.into_iter())?;
        Estimator::assemble(self, children, Some(data.schema()))
    }

    fn outputs(&self, schema: &Schema) -> anyhow::Result<Vec<Field>> {
        self.check()?;
        LabelGuard::of(schema).check(self)?;
        let (mut schema, mut appended) = (schema.clone(), Vec::new());
        for (name, leaf) in self.leaves() {
            let named = |e: Error| e.in_stage_of(&name, leaf.type_name());
            let outputs = leaf.outputs(&schema).map_err(named)?;
            schema = schema.with_fields(outputs.iter().cloned()).map_err(|e| named(e.into()))?;
            appended.extend(outputs);
        }
        Ok(appended)
    }

    fn children(&self) -> Children<'_, PipelineStage> {
        Children::in_a_row(&self.stages)
    }

    fn children_mut(&mut self) -> Option<&mut Vec<PipelineStage>> {
        Some(&mut self.stages)
    }

    fn assemble(
        &self,
        children: Vec<FittedChild>,
        columns: Option<&Schema>,
    ) -> anyhow::Result<PipelineModel> {
        let model = PipelineModel::new(children);
        Ok(match columns {
            Some(columns) => model.with_inputs(columns),
            None => model,
        })
    }
}

crate::register_estimator!(Pipeline: "Stages in a row, each fitted on the rows as the stages before it show them.");

impl Serialize for Pipeline {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        document::params(self).map_err(S::Error::custom)?.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Pipeline {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let document = serde_json::Value::deserialize(deserializer)?;
        let mut pipeline = Self::new();
        document::set_params(&mut pipeline, &document).map_err(D::Error::custom)?;
        Ok(pipeline)
    }
}
