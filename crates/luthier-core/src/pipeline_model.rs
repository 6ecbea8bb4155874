//! A fitted pipeline.

use std::path::Path;
use std::sync::Arc;

use luthier_frame::{DataFrame, Schema};
use serde::de::Error as _;
use serde::ser::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::params::StageHandle;
use crate::stage::{DynModel, Estimator, Transformer};
use crate::{Error, Result, persist};

/// Fitted stages in a row.
#[derive(Debug, Clone)]
pub struct PipelineModel {
    stages: Vec<(String, Arc<dyn DynModel>)>,
}

impl PipelineModel {
    /// A pipeline of these fitted stages.
    pub fn new(stages: Vec<(String, Arc<dyn DynModel>)>) -> Self {
        Self { stages }
    }

    /// The stages in order, by name.
    pub fn stages(&self) -> impl Iterator<Item = (&str, &Arc<dyn DynModel>)> {
        self.stages.iter().map(|(name, model)| (name.as_str(), model))
    }

    /// The model that a stage was fitted to, by the handle that adding the stage gave.
    ///
    /// # Errors
    /// If there is no such stage or it is of another type.
    pub fn stage<E: Estimator>(&self, handle: &StageHandle<E>) -> Result<&E::Model> {
        self.stage_by_name(handle.name())?
            .downcast_ref::<E::Model>()
            .ok_or_else(|| Error::invalid(format!("the stage `{}` is not a `{}`", handle.name(), E::NAME)))
    }

    /// The model of a stage by dotted name.
    ///
    /// # Errors
    /// If there is no such stage.
    pub fn stage_by_name(&self, path: &str) -> Result<&(dyn DynModel + 'static)> {
        let find = |name: &str| self.stages.iter().find(|(stage, _)| stage == name).map(|(_, model)| model);
        let inner = || {
            let (name, rest) = path.split_once('.')?;
            Some((find(name)?.downcast_ref::<Self>()?, rest))
        };
        match (find(path), inner()) {
            (Some(model), _) => Ok(model.as_ref()),
            (None, Some((inner, rest))) => inner.stage_by_name(rest),
            (None, None) => {
                let names: Vec<_> = self.stages.iter().map(|(name, _)| format!("`{name}`")).collect();
                Err(Error::invalid(format!(
                    "there is no stage `{path}`; the stages are {}",
                    names.join(", ")
                )))
            }
        }
    }

    /// Passes a frame through all stages.
    ///
    /// # Errors
    /// A column that is missing or of the wrong type, or a value a stage cannot use; the stage is named.
    pub fn transform(&self, data: &DataFrame) -> Result<DataFrame> {
        self.stages.iter().try_fold(data.clone(), |data, (name, model)| {
            model.transform(&data).map_err(|e| e.in_stage_of(name, model.type_name()))
        })
    }

    /// The schema behind all stages.
    ///
    /// # Errors
    /// A column that is missing or of the wrong type; the stage is named.
    pub fn transform_schema(&self, schema: &Schema) -> Result<Schema> {
        self.stages.iter().try_fold(schema.clone(), |schema, (name, model)| {
            model.transform_schema(&schema).map_err(|e| e.in_stage_of(name, model.type_name()))
        })
    }

    /// Writes the model to a JSON file, with all floats bit for bit.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub fn save(&self, path: impl AsRef<Path>) -> Result<()> {
        persist::write(path.as_ref(), persist::pipeline_model_document(self)?)
    }

    /// Reads a model that [`save`](Self::save) wrote.
    ///
    /// # Errors
    /// A file that cannot be read, another format version, a stage whose crate is not linked.
    pub fn load(path: impl AsRef<Path>) -> Result<Self> {
        let model = persist::load_model(path.as_ref())?;
        match model.downcast_ref::<Self>() {
            Some(pipeline) => Ok(pipeline.clone()),
            None => Ok(Self::new(vec![(model.type_name().to_owned(), model)])),
        }
    }
}

impl Transformer for PipelineModel {
    fn transform(&self, data: &DataFrame) -> anyhow::Result<DataFrame> {
        Ok(Self::transform(self, data)?)
    }

    fn transform_schema(&self, schema: &Schema) -> anyhow::Result<Schema> {
        Ok(Self::transform_schema(self, schema)?)
    }

    fn drops_rows(&self) -> bool {
        self.stages.iter().any(|(_, model)| model.drops_rows())
    }
}

impl Serialize for PipelineModel {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        persist::stages_document(self).map_err(S::Error::custom)?.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for PipelineModel {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let document = serde_json::Value::deserialize(deserializer)?;
        persist::stages_from_document(&document).map_err(D::Error::custom)
    }
}
