//! Notes on fits and scores.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The subject of a [`Note`]. Kinds that a later version adds are read as [`Other`](Self::Other).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum NoteKind {
    /// The fit stopped before it converged.
    NotConverged,
    /// All labels are of one class.
    OneClass,
    /// The classes are separated, so that the best coefficients are infinite.
    Separated,
    /// Some rows are separated, so that some of the best coefficients are infinite.
    QuasiSeparated,
    /// A column is constant.
    ConstantColumn,
    /// A column depends linearly on others.
    RankDeficient,
    /// A class has no rows.
    MissingClasses,
    /// How labels were mapped to classes.
    Labels,
    /// A metric is not defined on these rows.
    UndefinedMetric,
    /// Anything else.
    #[default]
    #[serde(other)]
    Other,
}

/// Something that the user of a model, a score or the result of a search should know, although it is not an error.
///
/// ```
/// use luthier_core::{Note, NoteKind};
///
/// let note = Note::new(NoteKind::ConstantColumn, "`age` is constant: its coefficient is 0").about(["age"]);
/// assert_eq!(note.to_string(), "`age` is constant: its coefficient is 0");
/// assert_eq!(note.in_stage("lr").in_stage("model").to_string(), "stage `model.lr`: `age` is constant: its coefficient is 0");
/// ```
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Note {
    /// The dotted name of the stage in its pipeline; `None` outside a pipeline.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stage: Option<String>,
    /// The kind of note.
    pub kind: NoteKind,
    /// The columns, features or classes concerned, by name; empty if the note is about the whole stage.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub subjects: Vec<String>,
    /// What was found and what to do, in whole sentences. It names the subjects.
    pub message: String,
}

impl Note {
    /// A note about a stage as a whole.
    pub fn new(kind: NoteKind, message: impl Into<String>) -> Self {
        Self { stage: None, kind, subjects: Vec::new(), message: message.into() }
    }

    /// The same note about these columns, features or classes.
    #[must_use]
    pub fn about<S: Into<String>>(self, subjects: impl IntoIterator<Item = S>) -> Self {
        Self { subjects: subjects.into_iter().map(Into::into).collect(), ..self }
    }

    /// The same note for a stage of this name; the name of an outer pipeline is prepended.
    #[must_use]
    pub fn in_stage(self, name: &str) -> Self {
        let stage = match self.stage {
            Some(inner) => format!("{name}.{inner}"),
            None => name.to_owned(),
        };
        Self { stage: Some(stage), ..self }
    }
}

/// The message, preceded by the stage if it is known.
impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.stage {
            Some(stage) => write!(f, "stage `{stage}`: {}", self.message),
            None => f.write_str(&self.message),
        }
    }
}
