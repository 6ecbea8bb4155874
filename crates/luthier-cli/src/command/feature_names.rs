//! The names and the units of the features of each stage of a model.

use std::collections::HashMap;

use luthier::core::{AxisLabels, ColumnRole, Description, DynModel, Note, NoteKind};
use luthier::frame::{ColumnType, Field, Schema};

use crate::model_file::ModelFile;
use crate::prepare::FEATURES;

/// The columns that a stage sees, as far as the model knows them.
#[derive(Debug, Default)]
pub(crate) struct FeatureNames {
    schema: Schema,
    /// The columns of the file that the model reads, with their types.
    read: Schema,
    /// The features that a stage has scaled, by column and name: their unit, and the stage.
    units: HashMap<(String, String), (String, String)>,
}

impl FeatureNames {
    /// In front of the first stage.
    pub(crate) fn of(file: &ModelFile) -> Self {
        let read = file.pipeline.inputs().cloned().unwrap_or_default();
        let Some(inputs) = file.inputs.as_ref().filter(|inputs| !inputs.features.is_empty()) else {
            return Self { read, ..Self::default() };
        };
        let width = inputs.num_features;
        // A file may claim any width.
        let named = width == inputs.features.len() || width <= Field::MOST_NUMBERED;
        let field = Field::new(FEATURES, ColumnType::vector(named.then_some(width)));
        let field = match inputs.features.len() == width {
            true => field.with_feature_names(&inputs.features),
            false => field,
        };
        Self { schema: Schema::default().with_field(field).unwrap_or_default(), read, ..Self::default() }
    }

    /// The names of the features of a column in front of the next stage, if they have any.
    pub(crate) fn of_column(&self, column: &str) -> Option<Vec<String>> {
        let field = self.schema.field(column)?;
        field.feature_names().filter(|_| field.has_feature_names())
    }

    /// Continues behind a stage; returns the columns that it makes. Columns of the file whose type is not known are taken for numbers: for names that will do.
    pub(crate) fn go_through(&mut self, name: &str, model: &dyn DynModel) -> Vec<String> {
        let mut made = Vec::new();
        let mut schema = self.schema.clone();
        for column in model.transformer().inputs() {
            let known = self.read.field(&column).cloned();
            let field = known.unwrap_or_else(|| Field::new(column, ColumnType::F64));
            schema = schema.with_field(field).unwrap_or(schema);
        }
        if let Ok(behind) = model.transform_schema(&schema) {
            let (described, inputs) = (model.describe(), model.transformer().inputs());
            for field in behind.fields().iter().filter(|field| schema.field(field.name()).is_none()) {
                made.push(field.name().to_owned());
                let own = described.unit().map(|unit| (unit.to_owned(), name.to_owned()));
                if own.is_none() && self.units.is_empty() {
                    continue;
                }
                for feature in field.feature_names().unwrap_or_default() {
                    // A stage that does not scale passes on features with their names.
                    let before = || {
                        let of =
                            |column: &String| self.units.get(&(column.clone(), feature.clone())).cloned();
                        inputs.iter().find_map(of)
                    };
                    if let Some(unit) = own.clone().or_else(before) {
                        self.units.insert((field.name().to_owned(), feature), unit);
                    }
                }
            }
            self.schema = behind;
        }
        made
    }

    /// A column with its width, as `features [10]`.
    pub(crate) fn with_width(&self, column: &str) -> String {
        match self.schema.field(column).map(|field| field.column_type()) {
            Some(ColumnType::Vector { width }) if width > 0 => format!("{column} [{width}]"),
            _ => column.to_owned(),
        }
    }

    /// The description of a model, with a note on the units of its coefficients if it predicts from features that were scaled.
    pub(crate) fn describe(&self, model: &dyn DynModel) -> Description {
        let description = model.describe();
        if model.columns_of(ColumnRole::Prediction).is_empty() {
            return description;
        }
        let axes = description.vectors().iter().map(|vector| &vector.axis);
        let mut axes = axes.chain(description.matrices().iter().map(|matrix| &matrix.rows));
        let column = axes.find_map(|axis| match axis {
            AxisLabels::Features(column) | AxisLabels::FeaturesAndIntercept(column) => Some(column),
            _ => None,
        });
        let Some(column) = column.cloned() else { return description };
        let names = self.of_column(&column).unwrap_or_default();
        let mut scaled: Vec<(&(String, String), Vec<String>)> = Vec::new();
        for name in names {
            let Some(of) = self.units.get(&(column.clone(), name.clone())) else { continue };
            match scaled.iter_mut().find(|(other, _)| *other == of) {
                Some((_, names)) => names.push(name),
                None => scaled.push((of, vec![name])),
            }
        }
        let note = |((unit, stage), names): (&(String, String), Vec<String>)| {
            const SHOWN: usize = 8;
            let mut shown: Vec<String> = names.iter().take(SHOWN).map(|name| format!("`{name}`")).collect();
            if names.len() > SHOWN {
                shown.push(format!("{} more", names.len() - SHOWN));
            }
            let listed = match &shown[..] {
                [first @ .., last] if !first.is_empty() => {
                    format!("s of {} and {last} are", first.join(", "))
                }
                _ => format!(" of {} is", shown.concat()),
            };
            let message = format!(
                "the coefficient{listed} per {unit} of the feature, as stage `{stage}` scales it, and not per unit of its column"
            );
            Note::new(NoteKind::Other, message).about(names)
        };
        description.with_notes(scaled.into_iter().map(note))
    }
}
