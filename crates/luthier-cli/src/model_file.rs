//! The file of a fitted pipeline: the document of [`persist`] and the column selection under `inputs`.

use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, Result, anyhow, bail};
use luthier::core::params::closest;
use luthier::core::{Dataset, DynModel, Error, PipelineModel, Remark, Remarks, Value, json, persist};
use luthier::frame::{ColumnType, DataFrame, Error as FrameError, Schema, recover_folder};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::config::{Config, PartConfig};
use crate::data::{DataSource, Format, Reading, SavedReading};
use crate::failure;
use crate::output::note;
use crate::prepare::{FEATURES, Inputs};

/// A fitted pipeline and the columns on which it was fitted.
#[derive(Debug)]
pub(crate) struct ModelFile {
    pub(crate) pipeline: PipelineModel,
    /// The name of the pipeline in its configuration.
    pub(crate) name: Option<String>,
    /// `None` for a model that a program saved, not this one.
    pub(crate) inputs: Option<Inputs>,
    /// How its data were read; empty for a model that does not know.
    pub(crate) reading: SavedReading,
    /// The evaluators of the configuration. The first one ranked the candidates, if there were several.
    pub(crate) evaluators: Vec<SavedEvaluator>,
}

/// An evaluator as written in a configuration.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct SavedEvaluator {
    #[serde(rename = "type")]
    pub(crate) type_name: String,
    /// The parameters that were given.
    #[serde(flatten)]
    params: serde_json::Map<String, serde_json::Value>,
}

impl SavedEvaluator {
    fn of(config: &PartConfig) -> Self {
        let params = config.params.iter().map(|(key, value)| (key.name.clone(), value.to_json()));
        Self { type_name: config.type_name.name.clone(), params: params.collect() }
    }

    /// The parameters that were given.
    pub(crate) fn params(&self) -> impl Iterator<Item = (&str, Value)> {
        self.params.iter().map(|(name, value)| (name.as_str(), Value::from_json(value)))
    }
}

/// The rows of a file behind a fitted pipeline, read when they are needed.
#[derive(Debug)]
pub(crate) struct Shown {
    /// The rows behind all stages.
    pub(crate) rows: Dataset,
    /// The columns of the file.
    pub(crate) columns: Schema,
    /// The columns before the first stage: those of the file, and `features` if the program assembles it.
    pub(crate) assembled: Schema,
    /// The number of rows of the file; stages may leave some out.
    pub(crate) read: usize,
    remarks: Remarks,
}

/// What happens to a column of the file with the name of one that the model appends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Taken {
    /// It is an error.
    Refused,
    /// The column of the file is left out, which a note says.
    LeftOut,
}

impl Shown {
    /// Notes on what the stages have remarked on the rows so far.
    pub(crate) fn note_remarks(&self, source: &DataSource) {
        for remark in self.remarks.all() {
            note(&format!("{}: {remark}", source.place_of(remark.row)));
        }
        // One row may well have a gap.
        for Remark { stage, column, cells, .. } in self.remarks.of_all_rows(self.read.max(2)) {
            note(&format!(
                "{}: column `{column}` has no value in any of the {cells} rows: the stage `{stage}` fills all of them with what it learned \
                 when it was fitted",
                source.name()
            ));
        }
    }

    /// An error about the rows, as [`ModelFile::in_file`]; for a value that a stage before has computed, with its cause.
    pub(crate) fn in_file(&self, error: Error, model: &ModelFile, source: &DataSource) -> anyhow::Error {
        let remarks = self.remarks.all();
        let of_error = |remark: &&Remark| {
            error.column() == Some(remark.column.as_str()) && error.row() == Some(remark.row)
        };
        match (remarks.iter().find(of_error), error.part()) {
            (Some(Remark { stage, column, row, example, cause, outcome, .. }), Some(part)) => anyhow!(
                "{}: the stage `{part}` of the model cannot use `{column}` of the stage `{stage}`, which is {example} {cause}: {outcome}",
                source.place_of(*row)
            ),
            _ => model.in_file(error, source),
        }
    }
}

impl ModelFile {
    /// A file of rows for the model, read as `given`, otherwise like the data of the model.
    pub(crate) fn source(&self, path: &Path, given: Reading) -> DataSource {
        let reads = self.reads();
        let roles = self.inputs.iter().flat_map(|inputs| [&inputs.label, &inputs.weight, &inputs.fold]);
        let roles: Vec<&String> = roles.flatten().collect();
        let is_read = |name: &str| {
            reads.as_ref().is_none_or(|reads| reads.iter().any(|read| read == name))
                || roles.iter().any(|role| *role == name)
        };
        DataSource::new(path.to_owned()).with_reading(self.reading.for_model(given, is_read))
    }

    /// The same file for predictions in CSV: all of its cells are copied unchanged.
    pub(crate) fn spelt(&self, source: DataSource) -> DataSource {
        match self.reads() {
            Some(reads) => source.spelt_except(reads),
            None => source,
        }
    }

    /// The columns of a file from which predictions are computed, if they are known.
    fn reads(&self) -> Option<Vec<String>> {
        let of_stages = self.pipeline.inputs()?.names();
        let features = self.inputs.iter().flat_map(|inputs| inputs.features.iter().map(String::as_str));
        Some(of_stages.chain(features).map(str::to_owned).collect())
    }

    /// Notes on columns whose values mean less, or more, than those that the model was fitted on.
    fn note_types(&self, schema: &Schema, source: &DataSource) {
        let reads = self.reads().unwrap_or_default();
        for column in self.reading.columns.iter().filter(|column| reads.contains(&column.name)) {
            let (Some(found), Ok(fitted)) = (schema.field(&column.name), column.column_type.parse()) else {
                continue;
            };
            let found = found.column_type();
            let is_number = |of: ColumnType| matches!(of, ColumnType::I64 | ColumnType::F64);
            let taken = match (found, fitted) {
                (ColumnType::Date, ColumnType::Timestamp) => "every value is taken as midnight",
                (ColumnType::Timestamp, ColumnType::Date) => "its values also have a time of day",
                (ColumnType::Bool, fitted) if is_number(fitted) => "true is taken as 1 and false as 0",
                (found, ColumnType::Bool) if is_number(found) => "true was taken as 1 and false as 0",
                _ => continue,
            };
            note(&format!(
                "{}: column `{}` is {found}, but it was {fitted} when the model was fitted: {taken}",
                source.name(),
                column.name
            ));
        }
    }

    /// An error about the rows of a file, with its place; for a missing value, with what to do when predicting.
    pub(crate) fn in_file(&self, error: Error, source: &DataSource) -> anyhow::Error {
        let missing = match (failure::found(&error), error.feature().or(error.column()), error.row()) {
            (Some("null" | "null or NaN"), Some(column), Some(row)) => Some((column, row)),
            _ => None,
        };
        let is_read = |column: &str| self.reads().is_none_or(|reads| reads.iter().any(|read| read == column));
        match (missing.filter(|(column, _)| is_read(column)), error.part()) {
            (Some((column, row)), Some(stage)) => anyhow!(
                "{}: column `{column}` is missing, but the stage `{stage}` of the model needs a value: {FIT_AGAIN}",
                source.place_of(row)
            ),
            _ => source.in_file(error),
        }
    }

    /// The error for a column that the model needs and the file does not have, if the error is about one.
    fn lacking(
        &self,
        frame: &DataFrame,
        source: &DataSource,
        error: &anyhow::Error,
    ) -> Option<anyhow::Error> {
        let column = error.chain().find_map(unknown_column)?;
        let was_there = self.reading.columns.iter().any(|saved| saved.name == column);
        let features = self.inputs.iter().flat_map(|inputs| &inputs.features);
        if frame.schema().field(column).is_some()
            || !was_there && !features.into_iter().any(|name| name == column)
        {
            return None;
        }
        let near = closest(column, frame.schema().names());
        let there = || {
            const SHOWN: usize = 20;
            let names: Vec<_> = frame.schema().names().map(|name| format!("`{name}`")).collect();
            let more = if names.len() > SHOWN { ", …" } else { "" };
            format!(
                "; the file has: {}{more}",
                names.iter().take(SHOWN).cloned().collect::<Vec<_>>().join(", ")
            )
        };
        let near = near.map_or_else(there, |near| format!("; did you mean `{near}`?"));
        Some(anyhow!("{}: the file lacks the column `{column}`, which the model needs{near}", source.name()))
    }

    /// The rows of a file behind the stages. The file is not loaded.
    ///
    /// # Errors
    /// A column that is missing or of the wrong type; one that the model appends too, if these are refused.
    pub(crate) fn show(&self, source: &DataSource, taken: Taken) -> Result<Shown> {
        let mut frame = source.scan()?;
        self.note_types(frame.schema(), source);
        let remarks = Remarks::default();
        let (assembled, rows) = loop {
            let assembled = match &self.inputs {
                Some(inputs) => inputs.assemble(&frame, source, FIT_AGAIN),
                None => Ok(frame.clone()),
            };
            let assembled = assembled.map_err(|e| self.lacking(&frame, source, &e).unwrap_or(e))?;
            let error = match self.pipeline.stream_with(&assembled, &remarks) {
                Ok(rows) => break (assembled, rows),
                Err(error) => error,
            };
            let column = duplicate(&error).filter(|column| frame.schema().field(column).is_some());
            let Some(column) = column.map(str::to_owned) else {
                let error = source.in_file(error);
                return Err(self.lacking(&frame, source, &error).unwrap_or(error));
            };
            if taken == Taken::Refused {
                bail!(
                    "{}: the file has a column `{column}`, which the model appends: name the columns to write with --columns, and \
                     `{column}` among them is that of the model; or rename the column of the file",
                    source.name()
                );
            }
            note(&format!(
                "{}: the column `{column}` of the file is not used: the model appends its own",
                source.name()
            ));
            let others: Vec<&str> = frame.schema().names().filter(|name| *name != column).collect();
            frame = frame.select(&others)?;
        };
        Ok(Shown {
            rows,
            columns: frame.schema().clone(),
            assembled: assembled.schema().clone(),
            read: frame.num_rows(),
            remarks,
        })
    }
}

#[cfg(feature = "serve")]
impl ModelFile {
    /// The pipeline as one that reads the columns of the file: if the program assembled `features`, a stage is added that
    /// does so.
    ///
    /// # Errors
    /// If the types of the columns are not known.
    pub(crate) fn of_named_columns(self) -> Result<PipelineModel> {
        use luthier::frame::{ColumnType, Field};
        use luthier::prelude::{Pipeline, VectorAssembler};

        let pipeline = self.pipeline.for_prediction();
        let (Some(inputs), Some(columns)) = (self.inputs, pipeline.inputs()) else { return Ok(pipeline) };
        if !inputs.makes_features() || columns.field(FEATURES).is_none() {
            return Ok(pipeline);
        }
        if inputs.num_features != inputs.features.len() {
            bail!("some features are vectors of a width that the model does not know");
        }
        let mut assembler = Pipeline::new();
        assembler.add_transformer(
            FEATURES,
            VectorAssembler::new().input_cols(inputs.features.clone()).output_col(FEATURES),
        );
        let assembler = assembler.stages().first().and_then(|stage| stage.stage().as_model());
        let stages = assembler.map(|model| (FEATURES.to_owned(), model)).into_iter();
        let stages = stages.chain(pipeline.leaves().into_iter().map(|(name, model)| (name, model.clone())));
        let features = inputs.features.iter().map(|name| Field::new(name, ColumnType::F64));
        let others = columns.fields().iter().filter(|field| {
            field.name() != FEATURES && !inputs.features.iter().any(|name| name == field.name())
        });
        let columns = Schema::new(features.chain(others.cloned()).collect())?;
        Ok(PipelineModel::new(stages.collect()).with_inputs(&columns).for_prediction())
    }
}

/// What to do about rows that the model cannot take.
const FIT_AGAIN: &str = "fill it, or leave the row out; a model takes such rows if it was fitted with a stage for them: an `imputer` for \
                         numbers, `handle_invalid` = `keep` for categories, both of these for dates (`date_parts` keeps them, and an \
                         `imputer` behind it fills their parts), or `handle_invalid` = `skip` to leave them out";

/// The column that does not exist according to a cause.
fn unknown_column<'a>(cause: &'a (dyn std::error::Error + 'static)) -> Option<&'a str> {
    let frame = match cause.downcast_ref() {
        Some(Error::Frame(error)) => error.as_ref(),
        _ => cause.downcast_ref()?,
    };
    matches!(frame, FrameError::UnknownColumn { .. }).then(|| frame.column()).flatten()
}

/// The column of a schema that a stage would append again.
fn duplicate(error: &Error) -> Option<&str> {
    let cause = match error {
        Error::Frame(error) => error,
        Error::Stage { source, .. } => match source.chain().find_map(|cause| cause.downcast_ref())? {
            Error::Frame(error) => error,
            _ => return None,
        },
        _ => return None,
    };
    matches!(**cause, FrameError::DuplicateColumn { .. }).then(|| cause.column()).flatten()
}

/// A remark on rows that stages left out.
pub(crate) fn left_out(rows: usize, read: usize) -> String {
    match read - rows.min(read) {
        0 => String::new(),
        left_out => format!(" ({left_out} of {read} rows are left out: a stage skips invalid values)"),
    }
}

/// The document of the fitted pipeline of a configuration, with its name, the columns on which it was fitted, how its data
/// were read, how it is scored, and its checksum.
pub(crate) fn document(
    model: &dyn DynModel,
    name: Option<&str>,
    inputs: &Inputs,
    config: &Config,
) -> Result<serde_json::Value> {
    let mut document = persist::model_to_json(model)?;
    if let Some(entries) = document.as_object_mut() {
        entries.extend(name.map(|name| ("name".to_owned(), name.into())));
        entries.insert("inputs".to_owned(), inputs.to_json()?);
        entries.insert("reading".to_owned(), json::to_value(&config.data.source.saved_reading())?);
        let evaluators: Vec<_> = config.evaluators.iter().map(SavedEvaluator::of).collect();
        if !evaluators.is_empty() {
            entries.insert("evaluators".to_owned(), json::to_value(&evaluators)?);
        }
    }
    Ok(persist::with_checksum(document))
}

/// Writes a model document.
pub(crate) fn save(path: &Path, document: &serde_json::Value) -> Result<()> {
    json::write_file(path, document).map_err(|e| failure::of_core("write", path, e))
}

pub(crate) fn load(path: &Path) -> Result<ModelFile> {
    if let Some(folder) = path.parent().filter(|_| path.is_file()) {
        // A model beside the results of another search would be worse than none. Where nothing can be written, nothing was.
        let _ = recover_folder(folder);
    }
    let document = json::read_file(path).map_err(|e| match e {
        _ if Format::of(path).is_some() && path.is_file() => anyhow!(
            "{}: this is not a saved model, such as model.json, but a file of rows: `predict` and `evaluate` take the model \
             first, then the rows",
            path.display()
        ),
        Error::Load { reason, .. } => {
            anyhow!("{}: this is not a saved model, which is JSON: {reason}", path.display())
        }
        other => failure::of_core("read", path, other),
    })?;
    let load = || -> Result<ModelFile> {
        let model: Arc<dyn DynModel> = persist::model_from_json(&document)?;
        let inputs = document.get("inputs").filter(|inputs| !inputs.is_null());
        let inputs = inputs.map(Inputs::from_json).transpose()?;
        let name = document.get("name").and_then(|name| name.as_str()).map(str::to_owned);
        let (reading, evaluators) = (saved(&document, "reading")?, saved(&document, "evaluators")?);
        Ok(ModelFile { pipeline: model.into(), name, inputs, reading, evaluators })
    };
    load().with_context(|| path.display().to_string())
}

/// The value that the program saved with a model under a key, or the default.
fn saved<T: DeserializeOwned + Default>(document: &serde_json::Value, key: &str) -> Result<T> {
    let value = document.get(key).map(|value| json::from_value(value));
    Ok(value.transpose().with_context(|| format!("`{key}` of the model"))?.unwrap_or_default())
}
