//! A fitted pipeline.

use std::path::Path;
use std::sync::Arc;

use luthier_frame::{Column, DataFrame, Field, Schema};
use serde::de::Error as _;
use serde::ser::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::dataset::Dataset;
use crate::describe::{Description, Note};
use crate::params::StageHandle;
use crate::predictor::Predictor;
use crate::reads::Reads;
use crate::rows::{BoundStage, Chain, Outputs, Places, Remarks, Tile, Watched, through_frame};
use crate::stage::{Children, DynModel, Estimator, Evaluator, FittedChild, Transformer};
use crate::{Error, Result, document, persist};

/// The registered name of pipelines.
pub(crate) const TYPE_NAME: &str = "pipeline";

/// A fitted pipeline: a sequence of fitted stages.
///
/// A stage whose output is only needed for fitting later stages, such as a `string_indexer` of labels, is skipped if its
/// input is missing: rows to predict need no label. (In Spark a `StringIndexerModel` skips any missing input.)
///
/// ```no_run
/// use luthier_core::PipelineModel;
/// use luthier_core::frame::{CsvOptions, DataFrame};
///
/// let model = PipelineModel::load("model.json")?;
/// println!("it reads {:?}", model.inputs().map(ToString::to_string));
///
/// let patients = DataFrame::read_csv("patients.csv", &CsvOptions::new())?;
/// let predictions = model.transform(&patients)?.column_f64("prediction")?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
pub struct PipelineModel {
    stages: Vec<FittedChild>,
    reads: Option<Reads>,
}

impl PipelineModel {
    /// A pipeline of these fitted stages.
    pub fn new(stages: Vec<(String, Arc<dyn DynModel>)>) -> Self {
        Self { stages, reads: None }
    }

    /// The same model with the columns that it reads: those of `columns` that its stages use.
    pub fn with_inputs(self, columns: &Schema) -> Self {
        Self { reads: Reads::of(&self.leaves(), columns), ..self }
    }

    /// The columns from which predictions are computed, with the types on which the model was fitted; `None` if they
    /// are not known. They do not include labels and weights, and columns that are only used to compute those.
    pub fn inputs(&self) -> Option<&Schema> {
        self.reads.as_ref().map(|reads| &reads.inputs)
    }

    /// The same model without the stages that are only needed for fitting, even if their inputs exist: an existing label may
    /// be one that was not seen when fitting.
    pub fn for_prediction(mut self) -> Self {
        if let Some(reads) = &mut self.reads {
            reads.predicts_only = true;
        }
        self
    }

    /// A predictor for rows with the columns on which the model was fitted. It returns the columns that the last fitted stage
    /// and the transformers behind it append.
    ///
    /// # Errors
    /// If the model does not know the columns on which it was fitted: pass them to [`predictor_for`](Self::predictor_for).
    pub fn predictor(&self) -> Result<Predictor> {
        let unknown = || {
            Error::invalid(
                "the model does not know the columns on which it was fitted: pass them to `predictor_for`",
            )
        };
        let inputs = self.inputs().ok_or_else(unknown)?;
        let outputs = self.predictions(inputs)?;
        let outputs: Vec<&str> = outputs.iter().map(Field::name).collect();
        self.predictor_for(inputs, &outputs)
    }

    /// A predictor for rows with these columns, which returns the given outputs.
    ///
    /// # Errors
    /// A column that is missing or of the wrong type; an output that does not exist.
    pub fn predictor_for(&self, inputs: &Schema, outputs: &[&str]) -> Result<Predictor> {
        let (stages, behind) = self.bind(inputs)?;
        Predictor::new(&stages, inputs, &behind, outputs)
    }

    /// The stages with those in a row opened, by dotted name.
    pub fn leaves(&self) -> Vec<(String, &Arc<dyn DynModel>)> {
        leaves_of(&self.stages)
    }

    /// The leaves, each followed by the parts that it is made of, by dotted name.
    pub fn parts(&self) -> Vec<(String, &Arc<dyn DynModel>)> {
        fn below<'a>(
            name: String,
            model: &'a Arc<dyn DynModel>,
            all: &mut Vec<(String, &'a Arc<dyn DynModel>)>,
        ) {
            let parts = model.children().own_parts();
            all.push((name.clone(), model));
            parts.iter().for_each(|(part, model)| below(format!("{name}.{part}"), model, all));
        }
        let mut all = Vec::new();
        self.leaves().into_iter().for_each(|(name, model)| below(name, model, &mut all));
        all
    }

    /// The notes of all stages, with their dotted names.
    pub fn notes(&self) -> Vec<Note> {
        let of_stage = |(name, model): (String, &Arc<dyn DynModel>)| {
            model.notes().into_iter().map(|note| note.in_stage(&name)).collect::<Vec<_>>()
        };
        self.leaves().into_iter().flat_map(of_stage).collect()
    }

    /// The stages that rows of this schema go through, with nested pipelines opened, and the schema behind them.
    pub(crate) fn bind(&self, schema: &Schema) -> Result<(Vec<BoundStage>, Schema)> {
        let (mut stages, mut schema) = (Vec::new(), schema.clone());
        for (place, (name, model)) in self.leaves().into_iter().enumerate() {
            if self.reads.as_ref().is_some_and(|reads| reads.leaves_out(place, model.as_ref(), &schema)) {
                continue;
            }
            let stage = BoundStage::new(Arc::clone(model), &name, &schema)?;
            let named = |e: luthier_frame::Error| Error::from(e).in_stage(&name);
            schema = schema.with_fields(stage.signature.outputs.iter().cloned()).map_err(named)?;
            stages.push(stage);
        }
        Ok((stages, schema))
    }

    /// The rows of a view as they are behind all stages, with the short cuts that they allow.
    pub(crate) fn show(&self, data: &Dataset) -> Result<Dataset> {
        self.view(data, Dataset::through_stage)
    }

    /// The rows of a frame behind all stages, computed when they are read, so that a file passes through batch by
    /// batch. Requests are answered from the rows, as for a transformed frame.
    ///
    /// # Errors
    /// A column that is missing or of the wrong type; the stage is named.
    pub fn stream(&self, data: &DataFrame) -> Result<Dataset> {
        self.view(&Dataset::new(data.clone()), Dataset::through_rows_of)
    }

    /// As [`stream`](Self::stream), and collects what the stages remark on the rows when they are read, such as categories that
    /// were not seen when fitting.
    ///
    /// # Errors
    /// As [`stream`](Self::stream).
    pub fn stream_with(&self, data: &DataFrame, remarks: &Remarks) -> Result<Dataset> {
        let through = |data: &Dataset, name: &str, model| {
            data.through_rows_of(name, Watched::of(model, data.lineage().len(), remarks))
        };
        self.view(&Dataset::new(data.clone()), through)
    }

    fn view(
        &self,
        data: &Dataset,
        through: impl Fn(&Dataset, &str, Arc<dyn DynModel>) -> Result<Dataset>,
    ) -> Result<Dataset> {
        self.leaves().into_iter().enumerate().try_fold(data.clone(), |data, (place, (name, model))| {
            match &self.reads {
                Some(reads) if reads.leaves_out(place, model.as_ref(), data.schema()) => Ok(data),
                _ => through(&data, &name, Arc::clone(model)),
            }
        })
    }

    /// The prediction columns: those that the last fitted stage and the transformers behind it append to rows with these
    /// columns.
    ///
    /// # Errors
    /// A column that is missing or of the wrong type; the stage is named.
    pub fn predictions(&self, columns: &Schema) -> Result<Vec<Field>> {
        let (stages, _) = self.bind(columns)?;
        let last_fitted = stages.iter().rposition(|stage| stage.model.is_fitted());
        let last = stages.get(last_fitted.unwrap_or(stages.len().saturating_sub(1))..).unwrap_or_default();
        Ok(last.iter().flat_map(|stage| stage.signature.outputs.iter().cloned()).collect())
    }

    /// The stages in order, by name.
    pub fn stages(&self) -> impl Iterator<Item = (&str, &Arc<dyn DynModel>)> {
        self.stages.iter().map(|(name, model)| (name.as_str(), model))
    }

    /// The fitted model of a stage, by the handle that was returned when the stage was added.
    ///
    /// # Errors
    /// If the stage does not exist or has another type.
    pub fn stage<E: Estimator>(&self, handle: &StageHandle<E>) -> Result<&E::Model> {
        self.stage_by_name(handle.name())?
            .downcast_ref::<E::Model>()
            .ok_or_else(|| Error::invalid(format!("the stage `{}` is not a `{}`", handle.name(), E::NAME)))
    }

    /// The model of a stage by dotted name.
    ///
    /// # Errors
    /// If the stage does not exist.
    pub fn stage_by_name(&self, path: &str) -> Result<&(dyn DynModel + 'static)> {
        find(&self.stages, path).map_err(|(missing, among)| {
            let leaves = self.leaves();
            let outer = leaves.iter().find_map(|(leaf, _)| leaf.strip_suffix(path)?.strip_suffix('.'));
            let hint = outer.map(|outer| {
                format!(
                    "it is in the pipeline `{outer}`: write `{outer}.{path}`, or `handle.within(\"{outer}\")` for its \
                     handle; "
                )
            });
            let known = among.iter().map(|(name, _)| name.clone()).collect();
            Error::UnknownStage { path: missing.to_owned(), known, hint: hint.unwrap_or_default() }
        })
    }

    /// Transforms a frame with all stages.
    ///
    /// # Errors
    /// A column that is missing or of the wrong type, or a value a stage cannot use; the stage is named.
    pub fn transform(&self, data: &DataFrame) -> Result<DataFrame> {
        let (stages, schema) = self.bind(data.schema())?;
        let mut places = Places::new(data.schema().names());
        let chain = Chain::new(&stages, &mut places)?;
        through_frame(data, schema, |batch| chain.run(batch))
    }

    /// The metric of the model on the rows of a frame, such as a test set.
    ///
    /// # Errors
    /// Those of [`transform`](Self::transform), and of the evaluator.
    pub fn evaluate_frame(&self, data: &DataFrame, evaluator: &impl Evaluator) -> Result<f64> {
        evaluator.evaluate_frame(&self.transform(data)?)
    }

    /// The schema behind all stages.
    ///
    /// # Errors
    /// A column that is missing or of the wrong type; the stage is named.
    pub fn transform_schema(&self, schema: &Schema) -> Result<Schema> {
        Ok(self.bind(schema)?.1)
    }

    /// Writes the model to a JSON file, with all floats bit for bit.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub fn save(&self, path: impl AsRef<Path>) -> Result<()> {
        persist::write_model(path.as_ref(), TYPE_NAME, self.document()?)
    }

    fn document(&self) -> Result<serde_json::Value> {
        document::fitted_stages(&self.stages, self.inputs())
    }

    /// Reads a model that [`save`](Self::save) wrote.
    ///
    /// # Errors
    /// A file that cannot be read, another format version, a stage whose crate is not linked.
    pub fn load(path: impl AsRef<Path>) -> Result<Self> {
        Ok(persist::load_model(path.as_ref())?.into())
    }
}

/// A pipeline as it is; another model as a pipeline of the stages that it has in a row, or as the only stage of one, called
/// after its type.
impl From<Arc<dyn DynModel>> for PipelineModel {
    fn from(model: Arc<dyn DynModel>) -> Self {
        match (model.downcast_ref::<Self>(), model.children().row()) {
            (Some(pipeline), _) => pipeline.clone(),
            (None, Some(stages)) => Self::new(stages.to_vec()),
            (None, None) => Self::new(vec![(model.type_name().to_owned(), model)]),
        }
    }
}

impl Dataset {
    /// The same rows seen through one more fitted stage, or through those that it has in a row.
    ///
    /// # Errors
    /// If the stage does not fit the schema.
    pub fn through(&self, model: Arc<dyn DynModel>) -> Result<Self> {
        PipelineModel::from(model).show(self)
    }
}

fn leaves_of(stages: &[FittedChild]) -> Vec<(String, &Arc<dyn DynModel>)> {
    let mut leaves = Vec::with_capacity(stages.len());
    for (name, model) in stages {
        match model.children().row() {
            Some(inner) => leaves
                .extend(leaves_of(inner).into_iter().map(|(leaf, model)| (format!("{name}.{leaf}"), model))),
            None => leaves.push((name.clone(), model)),
        }
    }
    leaves
}

/// The model of a stage by dotted name, at any depth; else what is missing, and among which stages.
fn find<'a, 'p>(
    stages: &'a [FittedChild],
    path: &'p str,
) -> Result<&'a (dyn DynModel + 'static), (&'p str, &'a [FittedChild])> {
    let called = |name: &str| stages.iter().find(|(stage, _)| stage == name).map(|(_, model)| model.as_ref());
    let below = || {
        let (name, rest) = path.split_once('.')?;
        let children = called(name)?.children();
        children.are_possible().then(|| (children.all(), rest))
    };
    match (called(path), below()) {
        (Some(model), _) => Ok(model),
        (None, Some((children, rest))) => find(children, rest),
        (None, None) => Err((path, stages)),
    }
}

/// Applies the stages one after the other. Views pass rows through the stages of a pipeline directly; this is for code that
/// does not know that the transformer is a pipeline.
impl Transformer for PipelineModel {
    /// If the model does not know what it reads, all columns that its stages read, including those of earlier stages.
    fn inputs(&self) -> Vec<String> {
        match &self.reads {
            Some(reads) => reads.inputs.names().map(str::to_owned).collect(),
            None => self.leaves().iter().flat_map(|(_, model)| model.transformer().inputs()).collect(),
        }
    }

    fn outputs(&self, schema: &Schema) -> anyhow::Result<Vec<Field>> {
        let (stages, _) = self.bind(schema)?;
        Ok(stages.iter().flat_map(|stage| stage.signature.outputs.iter().cloned()).collect())
    }

    fn apply(&self, rows: &Tile<'_>, out: &mut Outputs) -> anyhow::Result<()> {
        let (stages, _) = self.bind(rows.schema())?;
        let chain = Chain::new(&stages, &mut Places::new(rows.schema().names()))?;
        let Some(batch) = chain.run(rows.to_batch()?)? else {
            out.keep(vec![false; rows.len()]);
            return Ok(());
        };
        let mut left = (0..batch.rows).map(|i| batch.origin.number(i)).peekable();
        out.keep((0..rows.len()).map(|i| left.next_if_eq(&rows.row(i)).is_some()).collect());
        for column in batch.columns.into_iter().skip(rows.schema().len()) {
            out.column(Column::from_array(column.into_array())?);
        }
        Ok(())
    }

    fn transform(&self, data: &DataFrame) -> anyhow::Result<DataFrame> {
        Ok(Self::transform(self, data)?)
    }

    fn takes_nulls(&self) -> bool {
        true
    }

    fn drops_rows(&self) -> bool {
        self.stages.iter().any(|(_, model)| model.transformer().drops_rows())
    }

    fn describe(&self) -> Description {
        Description::new().with_notes(self.notes())
    }

    fn children(&self) -> Children<'_, FittedChild> {
        Children::in_a_row(&self.stages)
    }
}

impl Serialize for PipelineModel {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.document().map_err(S::Error::custom)?.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for PipelineModel {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let document = serde_json::Value::deserialize(deserializer)?;
        let (stages, inputs) = document::load_fitted_stages(&document).map_err(D::Error::custom)?;
        let model = Self::new(stages);
        Ok(match inputs {
            Some(inputs) => model.with_inputs(&inputs),
            None => model,
        })
    }
}
