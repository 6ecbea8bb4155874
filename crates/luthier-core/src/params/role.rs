use std::fmt;

use super::{ParamInfo, Value};

/// The role of the columns that a parameter names, declared by `#[param(column = label)]`.
///
/// The role, never the name of the parameter, determines which parameters get the defaults of `[data]` in a configuration,
/// which columns a column transformer sets in its stages, which columns rows to predict must have, and which columns must
/// not become features.
///
/// If the inputs and outputs of a stage are lists of equal length, each output is assumed to be computed from the input at
/// the same position; otherwise all outputs from all inputs.
///
/// ```
/// use luthier_core::params::{ColumnRole, Params};
///
/// /// Counts rows per class.
/// #[derive(Debug, Clone, Params)]
/// struct ClassCounts {
///     /// Column of class labels.
///     #[param(default = "label", column = label)]
///     label_col: String,
/// }
///
/// assert_eq!(ClassCounts::new().label_col("species").columns_of(ColumnRole::Label), ["species"]);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum ColumnRole {
    /// The part computes from it: features, or the input of a transformer.
    Input,
    /// A stage appends it.
    Output,
    /// The value to predict; read for fitting and scoring, never a feature.
    Label,
    /// The weight of a row; read for fitting and scoring, never a feature.
    Weight,
    /// The fold of a row; read for splitting, never a feature.
    Fold,
    /// Predictions: a stage appends them, an evaluator reads them.
    Prediction,
    /// Scores of the classes before they become probabilities: a stage appends them, an evaluator reads them.
    RawPrediction,
    /// Probabilities of the classes: a stage appends them, an evaluator reads them.
    Probability,
    /// Anything else that is read for fitting or scoring and is never a feature.
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

    /// Whether a stage appends columns of this role; it reads columns of all other roles.
    #[must_use]
    pub fn is_appended(self) -> bool {
        matches!(self, Self::Output | Self::Prediction | Self::RawPrediction | Self::Probability)
    }

    /// Whether columns of this role are only read for fitting, scoring or splitting, so that they cannot be features and rows
    /// to predict need not have them.
    #[must_use]
    pub fn is_no_feature(self) -> bool {
        matches!(self, Self::Label | Self::Weight | Self::Fold | Self::Auxiliary)
    }

    /// The columns of a role that the parameters name, in the order of the parameters. No other values are looked up.
    pub(crate) fn columns_of(
        infos: &'static [ParamInfo],
        value: impl Fn(&'static str) -> Option<Value>,
        wanted: impl Fn(Self) -> bool,
    ) -> Vec<String> {
        let of_role = infos.iter().filter(|info| info.column.is_some_and(&wanted));
        of_role.filter_map(|info| value(info.name)).flat_map(names).collect()
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
