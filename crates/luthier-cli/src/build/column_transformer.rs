//! A stage of type `column_transformer`: the pipeline that a [`ColumnTransformer`] writes.

use anyhow::{Result, anyhow};
use luthier::core::params::ParamInfo;
use luthier::core::registry::{self, StageEntry};
use luthier::core::{ColumnRole, Pipeline, Value};
use luthier::stages::ColumnTransformer;

use super::pipeline_of;
use crate::config::{COLUMN_TRANSFORMER, DataConfig, Key, StageConfig, stage_place};

/// The pipeline.
///
/// # Errors
/// With the line of the stage, the part, or the stage in it.
pub(crate) fn pipeline(config: &StageConfig, data: &DataConfig) -> Result<Pipeline> {
    let mut transformer = ColumnTransformer::new().passthrough(texts(config, "passthrough"));
    if let Some(name) = texts(config, "output_col").pop() {
        transformer = transformer.output_col(name);
    }
    for part in &config.stages {
        refuse_wired(&part.stages)?;
        let stages = pipeline_of(&part.stages, data)?;
        transformer = transformer.columns(&part.name.name, texts(part, "columns"), stages);
    }
    transformer.build().map_err(|error| {
        let inner = error.part().and_then(|name| stage_place(&config.stages, name));
        let place = inner.unwrap_or(&config.name.place).clone();
        place.error(anyhow::Error::from(error).context(format!("stage `{}`", config.name.name)))
    })
}

/// The texts of a parameter that holds one or several.
fn texts(config: &StageConfig, name: &str) -> Vec<String> {
    let value = config.part.params.iter().find(|(key, _)| key.name == name).map(|(_, value)| value);
    value.map(texts_in).unwrap_or_default()
}

/// Refuses columns that are given to a stage of a part, which the transformer would overwrite.
fn refuse_wired(stages: &[StageConfig]) -> Result<()> {
    stages.iter().try_for_each(|stage| {
        let type_name = &stage.part.type_name;
        if type_name.name == COLUMN_TRANSFORMER {
            return Err(anyhow!(
                "{}: stage `{}`: a {COLUMN_TRANSFORMER} cannot be inside a part of another one, which sets the columns \
                 of its stages: make it a stage before that one",
                type_name.place,
                stage.name.name
            ));
        }
        let infos = registry::find::<StageEntry>(&type_name.name).map_or(&[][..], |entry| (entry.params)());
        // Indicators are wanted where some are named.
        let is_set = |info: &ParamInfo| match info.column {
            Some(ColumnRole::Output) => info.default_value().is_none_or(|value| value != Value::List(Vec::new())),
            role => role == Some(ColumnRole::Input),
        };
        let is_wired = |key: &Key| infos.iter().any(|info| info.name == key.name && is_set(info));
        match stage.part.params.iter().find(|(key, _)| is_wired(key)) {
            Some((Key { name, place }, _)) => Err(anyhow!(
                "{place}: stage `{}`: `{name}` is set by the {COLUMN_TRANSFORMER} around it: leave it out",
                stage.name.name
            )),
            None => refuse_wired(&stage.stages),
        }
    })
}

/// The texts of a value that is one or a list of them.
pub(crate) fn texts_in(value: &Value) -> Vec<String> {
    match value {
        Value::Str(text) => vec![text.clone()],
        Value::List(items) => items.iter().flat_map(texts_in).collect(),
        _ => Vec::new(),
    }
}
