//! The file of a fitted pipeline: the document of [`persist`] and the column selection under `inputs`.

use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, Result, anyhow, bail};
use luthier::core::{Dataset, DynModel, Error, PipelineModel, json, persist};
use luthier::frame::Schema;

use crate::data::{DataSource, FEATURES, Inputs, Reading, SavedReading};
use crate::failure;

/// A fitted pipeline and the columns it was fitted on.
#[derive(Debug)]
pub(crate) struct ModelFile {
    pub(crate) pipeline: PipelineModel,
    /// The name of the pipeline in its configuration.
    pub(crate) name: Option<String>,
    /// `None` for a model that a program saved, not this one.
    pub(crate) inputs: Option<Inputs>,
    /// How its data were read; empty for a model that does not know.
    pub(crate) reading: SavedReading,
}

/// The rows of a file as a fitted pipeline shows them, read when they are asked for.
#[derive(Debug)]
pub(crate) struct Shown {
    /// The rows behind all stages.
    pub(crate) rows: Dataset,
    /// The columns of the file.
    pub(crate) columns: Schema,
    /// The columns in front of the first stage: those of the file, and `features` where the program makes them.
    pub(crate) assembled: Schema,
    /// How many rows the file has: stages may leave some out.
    pub(crate) read: usize,
}

impl ModelFile {
    /// A file of rows for the model: read as `given`, else as the model's own data were.
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

    /// The same file for predictions in CSV: what only passes through keeps its spelling.
    pub(crate) fn spelt(&self, source: DataSource) -> DataSource {
        match self.reads() {
            Some(reads) => source.spelt_except(reads),
            None => source,
        }
    }

    /// The columns of a file that predictions are computed from, where that is known.
    fn reads(&self) -> Option<Vec<String>> {
        let of_stages = self.pipeline.inputs()?.names();
        let features = self.inputs.iter().flat_map(|inputs| inputs.features.iter().map(String::as_str));
        Some(of_stages.chain(features).map(str::to_owned).collect())
    }

    /// Shows the rows of a file behind the stages. The file is not loaded.
    pub(crate) fn show(&self, source: &DataSource) -> Result<Shown> {
        let frame = source.scan()?;
        let assembled = match &self.inputs {
            Some(inputs) => inputs.assemble(&frame, source)?,
            None => frame.clone(),
        };
        let in_file = |e| source.locate(anyhow::Error::from(e).context(source.name()));
        Ok(Shown {
            rows: self.pipeline.stream(&assembled).map_err(in_file)?,
            columns: frame.schema().clone(),
            assembled: assembled.schema().clone(),
            read: frame.num_rows(),
        })
    }
}

#[cfg(feature = "serve")]
impl ModelFile {
    /// The pipeline as one of the columns that the file names: where the program put them together as `features`, a stage
    /// in front does.
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
            bail!("some of the features are vectors, whose widths the model does not know");
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

/// Tells of rows that stages left out.
pub(crate) fn left_out(rows: usize, read: usize) -> String {
    match read - rows.min(read) {
        0 => String::new(),
        left_out => format!(" ({left_out} of {read} rows are left out: a stage skips invalid values)"),
    }
}

/// Writes a fitted pipeline with its name, the columns it was fitted on and how `source`, its data, was read.
pub(crate) fn save(
    path: &Path,
    model: &dyn DynModel,
    name: Option<&str>,
    inputs: &Inputs,
    source: &DataSource,
) -> Result<()> {
    let mut document = persist::model_to_json(model)?;
    if let Some(entries) = document.as_object_mut() {
        entries.extend(name.map(|name| ("name".to_owned(), name.into())));
        entries.insert("inputs".to_owned(), inputs.to_json()?);
        entries.insert("reading".to_owned(), json::to_value(&source.saved_reading())?);
    }
    json::write_file(path, &document).map_err(|e| failure::of_core("write", path, e))
}

pub(crate) fn load(path: &Path) -> Result<ModelFile> {
    let document = json::read_file(path).map_err(|e| match e {
        Error::Load { reason, .. } => {
            anyhow!("{}: this is not a saved model, which is JSON: {reason}", path.display())
        }
        other => failure::of_core("read", path, other),
    })?;
    let load = || -> Result<ModelFile> {
        let model: Arc<dyn DynModel> = persist::model_from_json(&document)?;
        let inputs = document.get("inputs").filter(|inputs| !inputs.is_null());
        let inputs = inputs.map(Inputs::from_json).transpose()?;
        let reading = document
            .get("reading")
            .map(|reading| json::from_value(reading).context("`reading` of the model"));
        let name = document.get("name").and_then(|name| name.as_str()).map(str::to_owned);
        let reading = reading.transpose()?.unwrap_or_default();
        Ok(ModelFile { pipeline: model.into(), name, inputs, reading })
    };
    load().with_context(|| path.display().to_string())
}
