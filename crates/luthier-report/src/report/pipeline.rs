//! Pipelines: their stages with their parameters, and the columns that flow.

use luthier_tune::core::frame::{ColumnType, Field, Schema};
use luthier_tune::core::{ColumnRole, DynEstimator, Value};
use serde::Serialize;
use serde_json::{Map, Value as Json};

/// The largest number of feature names that are written for a column.
const FEATURES: usize = 200;

#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct Pipeline {
    name: String,
    stages: Vec<Stage>,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
struct Stage {
    name: String,
    #[serde(rename = "type")]
    type_name: &'static str,
    params: Map<String, Json>,
    /// The parameters that differ from their defaults.
    changed: Vec<&'static str>,
    /// The parameters that candidates set.
    searched: Vec<String>,
    inputs: Vec<Flow>,
    outputs: Vec<Flow>,
}

/// A column on its way.
#[derive(Debug, Clone, PartialEq, Serialize)]
struct Flow {
    name: String,
    #[serde(rename = "type")]
    type_name: String,
    width: Option<usize>,
    features: Vec<String>,
}

impl Flow {
    fn of(field: &Field) -> Self {
        let width = match field.column_type() {
            ColumnType::Vector { width } => Some(width),
            _ => None,
        };
        let features = field.feature_names().filter(|_| field.has_feature_names()).unwrap_or_default();
        Self {
            name: field.name().to_owned(),
            type_name: field.column_type().to_string(),
            width: width.filter(|width| *width > 0),
            features: features.into_iter().take(FEATURES).collect(),
        }
    }
}

impl Pipeline {
    /// `searched` are the dotted names of the parameters that candidates set.
    pub(super) fn of(name: &str, pipeline: &dyn DynEstimator, schema: &Schema, searched: &[&str]) -> Self {
        let mut schema = schema.clone();
        let mut stages = Vec::new();
        for (name, stage) in pipeline.leaves() {
            let behind = stage.transform_schema(&schema).unwrap_or_else(|_| schema.clone());
            let is_new = |field: &&Field| schema.field(field.name()).is_none();
            let outputs = behind.fields().iter().filter(is_new).map(Flow::of).collect();
            let read = [ColumnRole::Input, ColumnRole::Label, ColumnRole::Weight];
            let read = read.into_iter().flat_map(|role| stage.columns_of(role));
            let inputs = read.filter_map(|column| schema.field(&column).map(Flow::of)).collect();
            let values = stage.values();
            let default = |name: &str| {
                let info = stage.param_infos().iter().find(|info| info.name == name)?;
                Some(info.default_value().unwrap_or(Value::Null))
            };
            let changed = values.iter().filter(|(name, value)| default(name).as_ref() != Some(value));
            let prefix = format!("{name}.");
            stages.push(Stage {
                type_name: stage.type_name(),
                changed: changed.map(|(name, _)| *name).collect(),
                params: values.iter().map(|(name, value)| ((*name).to_owned(), value.to_json())).collect(),
                searched: searched
                    .iter()
                    .filter_map(|path| path.strip_prefix(&prefix))
                    .map(str::to_owned)
                    .collect(),
                inputs,
                outputs,
                name,
            });
            schema = behind;
        }
        Self { name: name.to_owned(), stages }
    }
}
