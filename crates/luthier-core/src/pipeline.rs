//! Stages in a row.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use serde::de::Error as _;
use serde::ser::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use luthier_frame::{Field, Schema};

use crate::dataset::Dataset;
use crate::exchange::Change;
use crate::leak::check_features;
use crate::params::{ParamError, ParamInfo, ParamMap, Params, StageHandle, Value, closest};
use crate::pipeline_model::PipelineModel;
use crate::stage::{
    DynEstimator, DynModel, Estimator, FitContext, LineageStep, PureTransformer, StagePlan, fitted, pure,
};
use crate::summary::Need;
use crate::{Error, Result, persist};

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

/// A stage and its name.
#[derive(Debug, Clone)]
pub struct PipelineStage {
    name: String,
    stage: Box<dyn DynEstimator>,
}

impl PipelineStage {
    /// Its name in the pipeline.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The stage.
    pub fn stage(&self) -> &dyn DynEstimator {
        self.stage.as_ref()
    }
}

/// A stage that is not a pipeline, with its place and what it declares.
#[derive(Debug, Clone)]
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
        self.stages.push(PipelineStage { name: name.into(), stage });
    }

    /// The stages in order.
    pub fn stages(&self) -> &[PipelineStage] {
        &self.stages
    }

    /// The stages with nested pipelines opened, by dotted name.
    pub fn leaves(&self) -> Vec<(String, &dyn DynEstimator)> {
        self.stages
            .iter()
            .flat_map(|stage| match stage.stage.as_any().downcast_ref::<Self>() {
                Some(inner) => inner
                    .leaves()
                    .into_iter()
                    .map(|(name, leaf)| (format!("{}.{name}", stage.name), leaf))
                    .collect(),
                None => vec![(stage.name.clone(), stage.stage.as_ref())],
            })
            .collect()
    }

    /// A copy with parameters set by dotted name.
    ///
    /// Every stage has two parameters besides its own: `type`, the registered name of the type that takes its place, and
    /// `enabled`, which is false for a stage that is left out. Whatever order the map has, types are set first, and stages are
    /// left out last.
    ///
    /// A stage that is exchanged keeps the columns that it reads and appends, and what was set of the parameters that both
    /// types have. Where a stage is left out, those behind it read what it would have read.
    ///
    /// # Errors
    /// An unknown stage or parameter, a wrong type, a value out of range; a stage that cannot be left out, because a later one
    /// reads a column that it makes from several.
    pub fn with_params(&self, params: &ParamMap) -> Result<Self> {
        let mut copy = self.clone();
        let mut entries: Vec<(&str, &Value)> = params.iter().collect();
        entries.sort_by_key(|(path, _)| self.set_order(path));
        entries.into_iter().try_for_each(|(name, value)| copy.set_param(name, value))?;
        Ok(copy)
    }

    /// When a parameter has to be set among others: the type of a stage before its parameters, and whether it is there at all
    /// behind them.
    pub fn set_order(&self, path: &str) -> u8 {
        match self.change(path) {
            Some((_, Change::Type)) => 0,
            None => 1,
            Some((_, Change::Enabled)) => 2,
        }
    }

    /// Puts another stage in a place, or takes the stage there out.
    pub(crate) fn put(&mut self, place: usize, stage: Option<Box<dyn DynEstimator>>) {
        match (stage, self.stages.get_mut(place)) {
            (Some(stage), Some(known)) => known.stage = stage,
            (None, Some(_)) => drop(self.stages.remove(place)),
            (_, None) => {}
        }
    }

    fn set_param(&mut self, path: &str, value: &Value) -> Result<()> {
        match self.change(path) {
            Some((stage, Change::Type)) => self.exchange(stage, value).map_err(|e| e.in_stage(stage)),
            Some((stage, Change::Enabled)) => self.leave_out(stage, value),
            None => self.set_plain(path, value),
        }
    }

    /// Sets a parameter of a stage.
    pub(crate) fn set_plain(&mut self, path: &str, value: &Value) -> Result<()> {
        let (stage, param) = self.locate(path)?;
        self.stages[stage].stage.set_value(param, value).map_err(|e| e.in_stage(&self.stages[stage].name))
    }

    /// The stage a dotted path begins with, and the rest of the path.
    fn locate<'p>(&self, path: &'p str) -> Result<(usize, &'p str)> {
        let names = || self.stages.iter().map(|stage| stage.name.as_str());
        let known = || names().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
        let Some((stage, param)) = path.split_once('.') else {
            return Err(Error::invalid(format!(
                "`{path}` names no stage: write `stage.parameter`; the stages are {}",
                known()
            )));
        };
        let index = names().position(|name| name == stage).ok_or_else(|| {
            let hint = match self.nested(stage) {
                Some(inner) => Some(format!("did you mean `{inner}.{param}`? ")),
                None => closest(stage, names()).map(|near| format!("did you mean `{near}`? ")),
            };
            let known = names().map(str::to_owned).collect();
            Error::UnknownStage { path: stage.to_owned(), known, hint: hint.unwrap_or_default() }
        })?;
        Ok((index, param))
    }

    /// The dotted name of a stage of a nested pipeline that is called so inside.
    fn nested(&self, name: &str) -> Option<String> {
        let mut leaves = self.leaves().into_iter().map(|(path, _)| path);
        leaves.find(|path| path.strip_suffix(name).is_some_and(|outer| outer.ends_with('.')))
    }

    /// Whether names are usable and unique, every stage's parameters are valid, and no feature is made of a label (see
    /// [`check_features`](Self::check_features)).
    ///
    /// # Errors
    /// The first stage that is not.
    pub fn check(&self) -> Result<()> {
        let mut names = HashSet::with_capacity(self.stages.len());
        for stage in &self.stages {
            if stage.name.is_empty() || stage.name.contains('.') {
                return Err(Error::invalid(format!(
                    "`{}` cannot name a stage: use a name without dots",
                    stage.name
                )));
            }
            if !names.insert(stage.name.as_str()) {
                return Err(Error::invalid(format!(
                    "two stages are named `{}`: names address parameters and must differ",
                    stage.name
                )));
            }
            stage.stage.validate().map_err(|e| e.in_stage(&stage.name))?;
        }
        self.check_features(&BTreeMap::new())
    }

    /// Whether no stage that fits a label predicts from a column that is made of a label, a weight or a fold: of one that
    /// a stage names by a parameter of that [role](crate::params::ColumnRole), or of one of `no_features`, which says for more columns
    /// what each of them is ("the label").
    ///
    /// # Errors
    /// The first such column, and the stage that takes it.
    pub fn check_features(&self, no_features: &BTreeMap<String, String>) -> Result<()> {
        check_features(&self.leaves(), no_features)
    }

    /// Puts fitted leaves, in order, back into the shape of this pipeline.
    ///
    /// # Errors
    /// If there are fewer models than leaves.
    pub fn assemble(&self, models: &mut dyn Iterator<Item = Arc<dyn DynModel>>) -> Result<PipelineModel> {
        let stages = self.stages.iter().map(|stage| {
            let model = match stage.stage.as_any().downcast_ref::<Self>() {
                Some(inner) => fitted(inner.clone(), inner.assemble(models)?),
                None => models.next().ok_or_else(|| Error::invalid("a stage has no fitted model"))?,
            };
            Ok((stage.name.clone(), model))
        });
        Ok(PipelineModel::new(stages.collect::<Result<_>>()?))
    }
}

/// Parameters are addressed by dotted name, `"stage.parameter"`; a pipeline has none of its own.
impl Params for Pipeline {
    fn param_infos() -> &'static [ParamInfo] {
        &[]
    }

    fn get_value(&self, name: &str) -> Result<Value, ParamError> {
        if let Some((path, change)) = self.change(name) {
            let type_name =
                || self.stage_at(path).map_or_else(String::new, |stage| stage.type_name().to_owned());
            return Ok(match change {
                Change::Type => Value::Str(type_name()),
                Change::Enabled => Value::Bool(true),
            });
        }
        let (stage, param) = self.locate(name).map_err(as_param_error)?;
        self.stages[stage].stage.get_value(param).map_err(as_param_error)
    }

    fn set_value(&mut self, name: &str, value: &Value) -> Result<(), ParamError> {
        self.set_param(name, value).map_err(as_param_error)
    }

    fn validate(&self) -> Result<(), ParamError> {
        self.check().map_err(as_param_error)
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
    const NAME: &'static str = "pipeline";
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
        Ok(self.assemble(&mut models.into_iter())?.with_inputs(data.schema()))
    }

    fn outputs(&self, schema: &Schema) -> anyhow::Result<Vec<Field>> {
        self.check()?;
        let (mut schema, mut appended) = (schema.clone(), Vec::new());
        for stage in &self.stages {
            let named = |e: Error| e.in_stage_of(&stage.name, stage.stage.type_name());
            let outputs = stage.stage.outputs(&schema).map_err(named)?;
            schema = schema.with_fields(outputs.iter().cloned()).map_err(|e| named(e.into()))?;
            appended.extend(outputs);
        }
        Ok(appended)
    }
}

crate::register_estimator!(Pipeline: "Stages in a row, each fitted on the rows as the stages before it show them.");

impl Serialize for Pipeline {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        persist::pipeline_document(self).map_err(S::Error::custom)?.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Pipeline {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let document = serde_json::Value::deserialize(deserializer)?;
        persist::pipeline_from_document(&document).map_err(D::Error::custom)
    }
}
