//! What the features of each stage of a model are called.

use luthier::core::DynModel;
use luthier::frame::{ColumnType, Field, Schema};

use crate::data::{FEATURES, Inputs};

/// Parameters that name the column a stage learned from.
const INPUTS: [&str; 2] = ["features_col", "input_col"];

/// The columns in front of a stage, as far as the model tells.
#[derive(Debug, Default)]
pub(crate) struct FeatureNames {
    schema: Schema,
}

impl FeatureNames {
    /// In front of the first stage.
    pub(crate) fn of(inputs: Option<&Inputs>) -> Self {
        let Some(inputs) = inputs.filter(|inputs| !inputs.features.is_empty()) else {
            return Self::default();
        };
        let field = Field::new(FEATURES, ColumnType::Vector { width: inputs.num_features });
        let field = match inputs.features.len() == inputs.num_features {
            true => field.with_feature_names(&inputs.features),
            false => field,
        };
        Self { schema: Schema::default().with_field(field).unwrap_or_default() }
    }

    /// The names of the features that the next stage learned from, if they have any.
    pub(crate) fn in_front_of(&self, model: &dyn DynModel) -> Option<Vec<String>> {
        let values = model.values();
        let column = values.iter().find(|(name, _)| INPUTS.contains(name))?.1.to_json();
        let field = self.schema.field(column.as_str()?)?;
        field.feature_names().filter(|_| field.has_feature_names())
    }

    /// Goes on behind a stage. What columns of the file it takes are numbers or text; for names either does.
    pub(crate) fn go_through(&mut self, model: &dyn DynModel) {
        let mut schema = self.schema.clone();
        for column in model.transformer().inputs() {
            schema = schema.with_field(Field::new(column, ColumnType::F64)).unwrap_or(schema);
        }
        if let Ok(behind) = model.transform_schema(&schema) {
            self.schema = behind;
        }
    }
}
