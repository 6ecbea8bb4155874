//! Sequences of stages.

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
    Children, DynEstimator, Estimator, FitContext, FittedChild, Landings, LineageStep, PipelineStage,
    PureTransformer, StagePlan, pure,
};
use crate::summary::Need;
use crate::{Error, Result, document};

/// A sequence of named stages. Each stage is fitted on the output of the stages before it.
///
/// A pipeline is itself an estimator, so pipelines can be nested: the stage `pca` of a pipeline that is the stage
/// `features` of another one has the address `"features.pca"`. A pipeline without stages is the identity.
///
/// The declared needs of all stages are answered together: if the stages are affine, fitting the whole pipeline reads
/// the rows once.
///
/// A pipeline is built with [`of`](Self::of), which returns handles of the stages, with a chain of calls to
/// [`stage`](Self::stage), or with [`add`](Self::add), one stage after the other.
///
/// ```
/// use luthier_core::frame::{Column, DataFrame};
/// use luthier_core::{EstimatorExt, Pipeline};
/// # use luthier_core::frame::{Field, Schema};
/// # use luthier_core::{Outputs, Params, PureTransformer, Tile, Transformer};
/// # /// Scales a column.
/// # #[derive(Debug, Clone, Params)]
/// # struct Scale {
/// #     /// The column to scale.
/// #     #[param(default = "x", column = input)]
/// #     input_col: String,
/// #     /// The column to append.
/// #     #[param(default = "y", column = output)]
/// #     output_col: String,
/// #     /// The factor.
/// #     #[param(default = 2.0)]
/// #     factor: f64,
/// # }
/// # impl Transformer for Scale {
/// #     fn inputs(&self) -> Vec<String> { vec![self.input_col.clone()] }
/// #     fn outputs(&self, _: &Schema) -> anyhow::Result<Vec<Field>> { Ok(vec![Field::number(&self.output_col)]) }
/// #     fn apply(&self, rows: &Tile<'_>, out: &mut Outputs) -> anyhow::Result<()> {
/// #         out.numbers(rows.numbers(&self.input_col)?.iter().map(|x| self.factor * x).collect());
/// #         Ok(())
/// #     }
/// # }
/// # impl PureTransformer for Scale { const NAME: &'static str = "acme.scale"; }
///
/// let mut pipeline = Pipeline::new();
/// pipeline.add_transformer("double", Scale::new().factor(2.0).output_col("doubled"));
/// pipeline.add_transformer("triple", Scale::new().factor(3.0).input_col("doubled").output_col("result"));
///
/// let data = DataFrame::from_columns(vec![("x", Column::f64(vec![1.0, 2.0]))])?;
/// let model = pipeline.fit_frame(&data)?;
/// assert_eq!(model.transform(&data)?.column_f64("result")?, [6.0, 12.0]);
/// # Ok::<(), luthier_core::Error>(())
/// ```
#[derive(Debug, Clone, Default)]
pub struct Pipeline {
    stages: Vec<PipelineStage>,
}

/// What a stage declares behind a schema: the columns that it appends, and its plan.
#[derive(Debug, Clone)]
pub struct Declarations {
    outputs: Vec<Field>,
    plan: StagePlan,
}

impl Declarations {
    /// Asks a stage.
    ///
    /// # Errors
    /// Parameters or columns that do not fit.
    pub fn of(stage: &dyn DynEstimator, before: &Schema) -> Result<Self> {
        stage.validate()?;
        Ok(Self { outputs: stage.outputs(before)?, plan: stage.plan(before)? })
    }
}

/// A stage that is not a pipeline, with its position and its declarations.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct PlannedStage {
    /// The schema behind it.
    pub schema: Schema,
    /// Its declarations.
    pub plan: StagePlan,
    /// How requests are pulled back through it.
    pub step: LineageStep,
    /// The columns that it appends.
    outputs: Vec<Field>,
}

impl PlannedStage {
    /// Asks a stage for its plan and checks it against the schema before it.
    ///
    /// # Errors
    /// Parameters or columns that do not fit.
    pub fn new(stage: &dyn DynEstimator, before: &Schema) -> Result<Self> {
        Self::with(Declarations::of(stage, before)?, stage, before)
    }

    /// A stage with its declarations behind a schema.
    ///
    /// # Errors
    /// A column that exists already.
    pub fn with(declared: Declarations, stage: &dyn DynEstimator, before: &Schema) -> Result<Self> {
        let Declarations { outputs, plan } = declared;
        let step =
            LineageStep::new(&outputs, plan.affine_columns().cloned()).dropping_rows(plan.may_drop_rows());
        let schema = before
            .with_fields(outputs.iter().cloned())
            .map_err(|e| stage.cannot_append(e).in_stage(stage.type_name()))?;
        Ok(Self { schema, plan, step, outputs })
    }

    /// Whether these are its declarations. Behind the same schema, a stage with equal declarations is planned alike.
    pub fn declares(&self, other: &Declarations) -> bool {
        self.outputs == other.outputs && self.plan.same(&other.plan)
    }
}

impl Pipeline {
    /// A pipeline without stages.
    pub fn new() -> Self {
        Self::default()
    }

    /// Appends an estimator (or a pipeline). The handle provides typed addresses and finds the fitted model.
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

    /// Checks that names are valid and unique, that the parameters of every stage are valid, and that no feature is computed
    /// from a label (see [`check_features`](Self::check_features)).
    ///
    /// # Errors
    /// The first violation.
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
        let mut landings = Landings::default();
        for (name, leaf) in &leaves {
            let planned =
                PlannedStage::new(*leaf, &schema).map_err(|e| e.in_stage_of(name, leaf.type_name()))?;
            for need in planned.plan.needs() {
                let (depth, need) = landings.pull_back(&steps, |depth| depth, need);
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
            schema = schema.with_fields(outputs.iter().cloned()).map_err(|e| named(leaf.cannot_append(e)))?;
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

crate::register_estimator!(Pipeline: "A sequence of stages, each fitted on the output of the stages before it.");

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
