//! A stage of type `column_transformer`: the pipeline that a [`ColumnTransformer`] writes.

use anyhow::{Result, anyhow};
use luthier::core::{Pipeline, Value};
use luthier::stages::ColumnTransformer;

use crate::build::pipeline_of;
use crate::config::{COLUMN_TRANSFORMER, DataConfig, Key, StageConfig, stage_place};

/// What it sets in the stages of its parts.
const WIRED: [&str; 5] = ["input_col", "input_cols", "features_col", "output_col", "output_cols"];

/// The pipeline.
///
/// # Errors
/// With the line of the stage, the part, or the stage in it.
pub(crate) fn pipeline(config: &StageConfig, data: &DataConfig) -> Result<Pipeline> {
    let mut transformer = ColumnTransformer::new().passthrough(texts(config, "passthrough"));
    if let Some(name) = texts(config, "output_col").next() {
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
fn texts<'a>(config: &'a StageConfig, name: &str) -> impl Iterator<Item = &'a str> {
    let value = config.part.params.iter().find(|(key, _)| key.name == name).map(|(_, value)| value);
    let values = match value {
        Some(Value::List(values)) => values.as_slice(),
        Some(one) => std::slice::from_ref(one),
        None => &[],
    };
    values.iter().filter_map(|value| match value {
        Value::Str(text) => Some(text.as_str()),
        _ => None,
    })
}

/// Columns that are given to a stage of a part would be written over.
fn refuse_wired(stages: &[StageConfig]) -> Result<()> {
    stages.iter().try_for_each(|stage| {
        let type_name = &stage.part.type_name;
        if type_name.name == COLUMN_TRANSFORMER {
            return Err(anyhow!(
                "{}: stage `{}`: a {COLUMN_TRANSFORMER} cannot be in a part of another, which sets the columns of all \
                 stages: make it a stage in front",
                type_name.place,
                stage.name.name
            ));
        }
        match stage.part.params.iter().find(|(key, _)| WIRED.contains(&key.name.as_str())) {
            Some((Key { name, place }, _)) => Err(anyhow!(
                "{place}: stage `{}`: `{name}` is set by the {COLUMN_TRANSFORMER} around it: leave it out",
                stage.name.name
            )),
            None => refuse_wired(&stage.stages),
        }
    })
}
