//! Numbers, vectors, matrices and notes of a fitted stage.

use ndarray::Array2;
use serde_json::{Map, Value as Json, json};

use super::Note;
use crate::params::Value;

/// A description of a fitted stage: facts by name, vectors and matrices with labelled axes, and notes.
///
/// It is returned by [`Transformer::describe`](crate::Transformer::describe) and shown by `luthier inspect` and reports.
///
/// ```
/// use luthier_core::{AxisLabels, Description};
///
/// let description = Description::new()
///     .fact("rows", 442)
///     .vector("coefficient", AxisLabels::Features("features".into()), [0.5, -1.0]);
/// let names = |_: &str| Some(vec!["age".to_owned(), "bmi".to_owned()]);
/// assert_eq!(description.vectors()[0].axis.names(2, &names), ["age", "bmi"]);
/// ```
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Description {
    facts: Vec<(String, Value)>,
    vectors: Vec<Vector>,
    matrices: Vec<Matrix>,
    notes: Vec<Note>,
    unit: Option<String>,
}

/// The meaning of the entries of a vector, or of the rows or columns of a matrix.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum AxisLabels {
    /// The features of this column, in their order.
    Features(String),
    /// The features of this column, followed by the intercept.
    FeaturesAndIntercept(String),
    /// Things with names, such as classes.
    Named {
        /// What each of them is: "class".
        of: String,
        /// Their names.
        names: Vec<String>,
    },
    /// Things that are numbered from 0; the text says what each of them is: "iteration".
    Numbered(String),
}

impl AxisLabels {
    /// Things with names: `AxisLabels::named("class", ["setosa", "virginica"])`.
    pub fn named<S: Into<String>>(of: impl Into<String>, names: impl IntoIterator<Item = S>) -> Self {
        Self::Named { of: of.into(), names: names.into_iter().map(Into::into).collect() }
    }

    /// What each entry is: `"feature"`, `"class"`.
    pub fn of(&self) -> &str {
        match self {
            Self::Features(_) | Self::FeaturesAndIntercept(_) => "feature",
            Self::Named { of, .. } | Self::Numbered(of) => of,
        }
    }

    /// A name for each of `len` entries; `features` returns the feature names of a column. Entries without a name are
    /// called by their number.
    pub fn names(&self, len: usize, features: &dyn Fn(&str) -> Option<Vec<String>>) -> Vec<String> {
        let of_features = |column: &str, width: usize| {
            features(column).filter(|names| names.len() == width).unwrap_or_default()
        };
        let mut names = match self {
            Self::Features(column) => of_features(column, len),
            Self::FeaturesAndIntercept(column) => {
                let width = len.saturating_sub(1);
                let mut names = of_features(column, width);
                names.extend((names.len()..width).map(|i| i.to_string()));
                names.push("intercept".to_owned());
                names
            }
            Self::Named { names, .. } => names.clone(),
            Self::Numbered(_) => Vec::new(),
        };
        names.truncate(len);
        names.extend((names.len()..len).map(|i| i.to_string()));
        names
    }
}

/// A number for each entry of an axis.
#[derive(Debug, Clone, PartialEq)]
pub struct Vector {
    /// The name of the numbers: "mean".
    pub name: String,
    /// What each number belongs to.
    pub axis: AxisLabels,
    /// The numbers.
    pub values: Vec<f64>,
}

/// A number for each pair of entries of two axes.
#[derive(Debug, Clone, PartialEq)]
pub struct Matrix {
    /// The name of the numbers: "coefficients".
    pub name: String,
    /// What each row belongs to.
    pub rows: AxisLabels,
    /// What each column belongs to.
    pub columns: AxisLabels,
    /// The numbers.
    pub values: Array2<f64>,
}

impl Description {
    /// An empty description.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a single value.
    #[must_use]
    pub fn fact(mut self, name: impl Into<String>, value: impl Into<Value>) -> Self {
        self.facts.push((name.into(), value.into()));
        self
    }

    /// Adds a single value, if it is not `None`.
    #[must_use]
    pub fn fact_if(self, name: impl Into<String>, value: Option<impl Into<Value>>) -> Self {
        match value {
            Some(value) => self.fact(name, value),
            None => self,
        }
    }

    /// Adds a number for each entry of an axis.
    #[must_use]
    pub fn vector(
        mut self,
        name: impl Into<String>,
        axis: AxisLabels,
        values: impl IntoIterator<Item = f64>,
    ) -> Self {
        self.vectors.push(Vector { name: name.into(), axis, values: values.into_iter().collect() });
        self
    }

    /// Adds a number for each pair of entries of two axes.
    #[must_use]
    pub fn matrix(
        mut self,
        name: impl Into<String>,
        rows: AxisLabels,
        columns: AxisLabels,
        values: Array2<f64>,
    ) -> Self {
        self.matrices.push(Matrix { name: name.into(), rows, columns, values });
        self
    }

    /// Adds a note.
    #[must_use]
    pub fn note(mut self, note: Note) -> Self {
        self.notes.push(note);
        self
    }

    /// Adds notes.
    #[must_use]
    pub fn with_notes(mut self, notes: impl IntoIterator<Item = Note>) -> Self {
        self.notes.extend(notes);
        self
    }

    /// Says in what the numbers are measured that the stage appends, if it changes the units of its features: "standard deviation".
    /// The coefficients of later models are then per standard deviation.
    #[must_use]
    pub fn in_units_of(self, unit: impl Into<String>) -> Self {
        Self { unit: Some(unit.into()), ..self }
    }

    /// Whether it is empty.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Single values by name, in order.
    pub fn facts(&self) -> &[(String, Value)] {
        &self.facts
    }

    /// The vectors, in order.
    pub fn vectors(&self) -> &[Vector] {
        &self.vectors
    }

    /// The matrices, in order.
    pub fn matrices(&self) -> &[Matrix] {
        &self.matrices
    }

    /// The notes on the fit. Those of a pipeline name their stages.
    pub fn notes(&self) -> &[Note] {
        &self.notes
    }

    /// In what the appended numbers are measured, if the stage changes the units of its features.
    pub fn unit(&self) -> Option<&str> {
        self.unit.as_deref()
    }

    /// The description as a JSON document: `facts` by name, `vectors` with `name`, `of`, `names` and `values`, `matrices` with
    /// `name`, `rows`, `columns` and `values`, `notes`, and `unit` or null. Numbers that are not finite are strings. `features` returns the
    /// feature names of a column.
    pub fn to_json(&self, features: &dyn Fn(&str) -> Option<Vec<String>>) -> Json {
        let number = |x: &f64| Value::Float(*x).to_json();
        let facts: Map<_, _> = self.facts.iter().map(|(name, v)| (name.clone(), v.to_json())).collect();
        let vector = |v: &Vector| {
            json!({
                "name": v.name,
                "of": v.axis.of(),
                "names": v.axis.names(v.values.len(), features),
                "values": v.values.iter().map(number).collect::<Vec<_>>(),
            })
        };
        let matrix = |m: &Matrix| {
            let axis = |axis: &AxisLabels, len| json!({"of": axis.of(), "names": axis.names(len, features)});
            let row = |row: ndarray::ArrayView1<'_, f64>| row.iter().map(number).collect::<Vec<_>>();
            json!({
                "name": m.name,
                "rows": axis(&m.rows, m.values.nrows()),
                "columns": axis(&m.columns, m.values.ncols()),
                "values": m.values.outer_iter().map(row).collect::<Vec<_>>(),
            })
        };
        let note = |note: &Note| json!({"kind": note.kind, "stage": note.stage, "subjects": note.subjects, "message": note.message});
        json!({
            "facts": facts,
            "vectors": self.vectors.iter().map(vector).collect::<Vec<_>>(),
            "matrices": self.matrices.iter().map(matrix).collect::<Vec<_>>(),
            "notes": self.notes.iter().map(note).collect::<Vec<_>>(),
            "unit": self.unit,
        })
    }
}
