//! The fitted model, stage by stage.

use luthier_tune::core::frame::Schema;
use luthier_tune::core::{AxisLabels, Description, DynModel, PipelineModel, Value};
use serde::Serialize;

use super::number::{Number, numbers};

/// Tables are cut after this many rows.
const MOST_ROWS: usize = 1000;

/// Two-sided quantile of the normal distribution for 95 %.
const NORMAL_95: f64 = 1.959_963_984_540_054;

#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct Model {
    stages: Vec<Stage>,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
struct Stage {
    name: String,
    #[serde(rename = "type")]
    type_name: &'static str,
    facts: Vec<(String, String)>,
    tables: Vec<Table>,
    notes: Vec<String>,
}

/// Numbers for the entries of an axis, such as features.
#[derive(Debug, Clone, PartialEq, Serialize)]
struct Table {
    name: String,
    of: String,
    names: Vec<String>,
    columns: Vec<Column>,
    /// The number of rows that were left out.
    more: usize,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
struct Column {
    name: String,
    values: Vec<Number>,
}

impl Model {
    /// The stages of a model that was fitted on a frame with this schema.
    pub(super) fn of(model: &PipelineModel, schema: &Schema) -> Self {
        let mut schema = schema.clone();
        let mut stages = Vec::new();
        for (name, stage) in model.parts() {
            let names = |column: &str| {
                let field = schema.field(column)?;
                field.feature_names().filter(|_| field.has_feature_names())
            };
            stages.push(Stage::of(&name, stage.as_ref(), &names));
            schema = stage.transform_schema(&schema).unwrap_or(schema);
        }
        Self { stages }
    }
}

type Names<'a> = &'a dyn Fn(&str) -> Option<Vec<String>>;

impl Stage {
    fn of(name: &str, model: &dyn DynModel, names: Names<'_>) -> Self {
        let description = model.describe();
        let shown = |value: &Value| match value {
            Value::Null => "none".to_owned(),
            other => other.to_string(),
        };
        Self {
            name: name.to_owned(),
            type_name: model.type_name(),
            facts: description.facts().iter().map(|(name, value)| (name.clone(), shown(value))).collect(),
            tables: tables(&description, names),
            notes: description.notes().iter().map(ToString::to_string).collect(),
        }
    }
}

/// Vectors of one axis are columns of one table; a matrix is a table of its own.
fn tables(description: &Description, names: Names<'_>) -> Vec<Table> {
    let mut tables: Vec<(&AxisLabels, usize, Table)> = Vec::new();
    for vector in description.vectors() {
        let len = vector.values.len();
        let place = tables.iter().position(|(axis, length, _)| **axis == vector.axis && *length == len);
        let place = place.unwrap_or_else(|| {
            tables.push((&vector.axis, len, Table::new(&vector.name, &vector.axis, len, names)));
            tables.len() - 1
        });
        if let Some((_, _, table)) = tables.get_mut(place) {
            table.add(&vector.name, vector.values.iter().copied());
        }
    }
    let mut tables: Vec<Table> = tables.into_iter().map(|(_, _, table)| table.with_intervals()).collect();
    for matrix in description.matrices() {
        let (height, width) = matrix.values.dim();
        let mut table = Table::new(&matrix.name, &matrix.rows, height, names);
        for (name, column) in matrix.columns.names(width, names).into_iter().zip(matrix.values.columns()) {
            table.add(&name, column.iter().copied());
        }
        tables.push(table);
    }
    tables
}

impl Table {
    fn new(name: &str, axis: &AxisLabels, len: usize, names: Names<'_>) -> Self {
        let mut of_rows = axis.names(len, names);
        of_rows.truncate(MOST_ROWS);
        Self {
            name: name.to_owned(),
            of: axis.of().to_owned(),
            names: of_rows,
            columns: Vec::new(),
            more: len.saturating_sub(MOST_ROWS),
        }
    }

    fn add(&mut self, name: &str, values: impl Iterator<Item = f64>) {
        self.columns.push(Column { name: name.to_owned(), values: numbers(values.take(MOST_ROWS)) });
    }

    /// With the 95 % interval of estimates that have a standard error, where there are enough rows for the normal distribution to
    /// stand for t: `estimate ± 1.96 · standard_error`.
    fn with_intervals(mut self) -> Self {
        let of = |name: &str| self.columns.iter().find(|column| column.name == name);
        let (Some(estimate), Some(error)) = (of("coefficient"), of("standard_error")) else { return self };
        let bound = |sign: f64| {
            let pairs = estimate.values.iter().zip(&error.values);
            numbers(pairs.map(|(estimate, error)| estimate.0 + sign * NORMAL_95 * error.0))
        };
        let (low, high) = (bound(-1.0), bound(1.0));
        self.columns.push(Column { name: "low".to_owned(), values: low });
        self.columns.push(Column { name: "high".to_owned(), values: high });
        self
    }
}
