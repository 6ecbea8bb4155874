//! Which rows of the data a pipeline is fitted on: `where`, `drop_nulls` and `missing_label` of `[data]`.

use anyhow::{Result, bail};
use luthier::frame::{DataFrame, Predicate};
use serde::{Deserialize, Serialize};

use crate::output::note;
use crate::place::Place;

/// What is done with rows that have no label.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum MissingLabel {
    /// They are an error.
    #[default]
    Error,
    /// They are left out.
    Drop,
}

impl MissingLabel {
    /// `error` or `drop`.
    ///
    /// # Errors
    /// Any other name.
    pub(crate) fn parse(name: &str) -> Result<Self> {
        match name {
            "error" => Ok(Self::Error),
            "drop" => Ok(Self::Drop),
            other => bail!("missing_label is {other:?}, expected \"error\" or \"drop\""),
        }
    }

    /// The rows that have a label, where the others are to be left out; it is told how many are not there.
    ///
    /// # Errors
    /// A column that does not exist; a file that cannot be read.
    pub(crate) fn apply(self, frame: DataFrame, label: &str) -> Result<DataFrame> {
        if self == Self::Error {
            return Ok(frame);
        }
        let labelled = frame.drop_nulls(&[label])?;
        tell(&frame, &labelled, &format!("that have no label `{label}`"));
        Ok(labelled)
    }
}

/// The rows that are used.
#[derive(Debug, Default)]
pub(crate) struct Selection {
    /// The condition that they meet.
    pub(crate) condition: Option<(Predicate, Place)>,
    /// Columns in which they have values.
    pub(crate) drop_nulls: Vec<(String, Place)>,
    /// What is done with those that have no label.
    pub(crate) missing_label: MissingLabel,
}

impl Selection {
    /// The rows that are used of a frame; it is told how many are not.
    ///
    /// # Errors
    /// A column that does not exist, or a value that cannot be compared with its column, with the line of the
    /// configuration; no rows that are left.
    pub(crate) fn apply(&self, frame: &DataFrame, label: Option<&str>) -> Result<DataFrame> {
        let mut selected = frame.clone();
        if let Some((condition, place)) = &self.condition {
            let met = selected.filter_by(condition).map_err(|e| place.error(e))?;
            tell(&selected, &met, &format!("that do not meet `where = {:?}`", condition.to_string()));
            selected = met;
        }
        for (column, place) in &self.drop_nulls {
            selected.schema().require(column).map_err(|e| place.error(e))?;
        }
        if !self.drop_nulls.is_empty() {
            let columns: Vec<&str> = self.drop_nulls.iter().map(|(column, _)| column.as_str()).collect();
            let whole = selected.drop_nulls(&columns)?;
            tell(&selected, &whole, &format!("without a value in {}", columns.join(", ")));
            selected = whole;
        }
        if let Some(label) = label {
            selected = self.missing_label.apply(selected, label)?;
        }
        if selected.num_rows() == 0 && frame.num_rows() > 0 {
            bail!(
                "none of the {} rows is left: see `where`, `drop_nulls` and `missing_label`",
                frame.num_rows()
            );
        }
        Ok(selected)
    }
}

fn tell(before: &DataFrame, after: &DataFrame, which: &str) {
    let (all, left) = (before.num_rows(), after.num_rows());
    if left < all {
        note(&format!("{} of {all} rows are left out {which}", all - left));
    }
}
