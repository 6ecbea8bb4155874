use std::fmt;

use super::{ParamInfo, Value};

/// What the columns are for that a parameter names, as `#[param(column = label)]` declares it.
///
/// Everything that has to know what a column is goes by this role, never by the name of the parameter: the defaults that a
/// configuration's `[data]` gives, the columns that a column transformer sets in the stages of its parts, the columns that
/// rows to predict must have, and the check that no feature is made of a label.
///
/// A stage whose inputs and outputs are lists of one length makes each output from the input at the same position; any
/// other stage makes all of its outputs from all of its inputs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum ColumnRole {
    /// The part computes from it: features, or whatever a transformer maps.
    Input,
    /// A stage appends it.
    Output,
    /// What is to be predicted; read to fit and to score, and no feature.
    Label,
    /// How much a row weighs; read to fit and to score, and no feature.
    Weight,
    /// Which fold a row belongs to; read to split, and no feature.
    Fold,
    /// Predictions: a stage appends them, an evaluator reads them.
    Prediction,
    /// Scores of the classes before they become probabilities: a stage appends them, an evaluator reads them.
    RawPrediction,
    /// Probabilities of the classes: a stage appends them, an evaluator reads them.
    Probability,
    /// Anything else that is read to fit or to score, and is no feature.
    Auxiliary,
}

impl ColumnRole {
    /// All roles.
    pub const ALL: [Self; 9] = [
        Self::Input,
        Self::Output,
        Self::Label,
        Self::Weight,
        Self::Fold,
        Self::Prediction,
        Self::RawPrediction,
        Self::Probability,
        Self::Auxiliary,
    ];

    /// The name, as in `#[param(column = raw_prediction)]`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Input => "input",
            Self::Output => "output",
            Self::Label => "label",
            Self::Weight => "weight",
            Self::Fold => "fold",
            Self::Prediction => "prediction",
            Self::RawPrediction => "raw_prediction",
            Self::Probability => "probability",
            Self::Auxiliary => "auxiliary",
        }
    }

    /// Whether a stage appends such a column; all others it reads.
    #[must_use]
    pub fn is_appended(self) -> bool {
        matches!(self, Self::Output | Self::Prediction | Self::RawPrediction | Self::Probability)
    }

    /// Whether such a column is read to fit, to score or to split only, so that it cannot be a feature and rows to
    /// predict need not have it.
    #[must_use]
    pub fn is_no_feature(self) -> bool {
        matches!(self, Self::Label | Self::Weight | Self::Fold | Self::Auxiliary)
    }

    /// The columns with a role that parameters name, in the order in which they name them.
    pub(crate) fn columns_of(
        infos: &'static [ParamInfo],
        values: impl IntoIterator<Item = (&'static str, Value)>,
        wanted: impl Fn(Self) -> bool,
    ) -> Vec<String> {
        let role = |name: &str| infos.iter().find(|info| info.name == name)?.column;
        let of_role = values.into_iter().filter(|(name, _)| role(name).is_some_and(&wanted));
        of_role.flat_map(|(_, value)| names(value)).collect()
    }
}

/// The names in the value of a parameter that names columns.
fn names(value: Value) -> Vec<String> {
    match value {
        Value::Str(name) => vec![name],
        Value::List(items) => items.into_iter().flat_map(names).collect(),
        _ => Vec::new(),
    }
}

impl fmt::Display for ColumnRole {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
