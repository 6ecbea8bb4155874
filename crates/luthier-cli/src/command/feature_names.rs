//! The names of the features of each stage of a model.

use luthier::core::DynModel;
use luthier::frame::{ColumnType, Field, Schema};

use crate::model_file::ModelFile;
use crate::prepare::FEATURES;

/// Features beyond this number are not named one by one.
const MOST_NAMED: usize = 1 << 20;

/// The columns that a stage sees, as far as the model knows them.
#[derive(Debug, Default)]
pub(crate) struct FeatureNames {
    schema: Schema,
    /// The columns of the file that the model reads, with their types.
    read: Schema,
}

impl FeatureNames {
    /// In front of the first stage.
    pub(crate) fn of(file: &ModelFile) -> Self {
        let read = file.pipeline.inputs().cloned().unwrap_or_default();
        let Some(inputs) = file.inputs.as_ref().filter(|inputs| !inputs.features.is_empty()) else {
            return Self { schema: Schema::default(), read };
        };
        let width = inputs.num_features;
        // A file may claim any width.
        let named = width == inputs.features.len() || width <= MOST_NAMED;
        let field = Field::new(FEATURES, ColumnType::vector(named.then_some(width)));
        let field = match inputs.features.len() == width {
            true => field.with_feature_names(&inputs.features),
            false => field,
        };
        Self { schema: Schema::default().with_field(field).unwrap_or_default(), read }
    }

    /// The names of the features of a column in front of the next stage, if they have any.
    pub(crate) fn of_column(&self, column: &str) -> Option<Vec<String>> {
        let field = self.schema.field(column)?;
        field.feature_names().filter(|_| field.has_feature_names())
    }

    /// Continues behind a stage. Columns of the file whose type is not known are taken for numbers: for names that will do.
    pub(crate) fn go_through(&mut self, model: &dyn DynModel) {
        let mut schema = self.schema.clone();
        for column in model.transformer().inputs() {
            let known = self.read.field(&column).cloned();
            let field = known.unwrap_or_else(|| Field::new(column, ColumnType::F64));
            schema = schema.with_field(field).unwrap_or(schema);
        }
        if let Ok(behind) = model.transform_schema(&schema) {
            self.schema = behind;
        }
    }
}
