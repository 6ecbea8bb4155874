//! The rows on which a pipeline is fitted: `where`, `drop_nulls` and `missing_label` of `[data]`.

use anyhow::{Result, bail};
use luthier::frame::{DataFrame, Predicate};
use serde::{Deserialize, Serialize};

use crate::output::note;
use crate::place::Place;

/// How rows without a label are treated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum MissingLabel {
    /// They are an error.
    #[default]
    Error,
    /// They are dropped.
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

    /// The rows that have a label, if the others are to be dropped; a note says how many were dropped, and of which file if it is
    /// not the only one.
    ///
    /// # Errors
    /// A column that does not exist; a file that cannot be read.
    pub(crate) fn apply(self, frame: DataFrame, label: &str, file: Option<&str>) -> Result<DataFrame> {
        if self == Self::Error {
            return Ok(frame);
        }
        let labelled = frame.drop_nulls(&[label])?;
        tell(&frame, &labelled, &format!("because they have no label `{label}`"), file);
        Ok(labelled)
    }
}

/// The rows that are used.
#[derive(Debug, Default)]
pub(crate) struct Selection {
    /// The condition that they satisfy.
    pub(crate) condition: Option<(Predicate, Place)>,
    /// Columns in which they have values.
    pub(crate) drop_nulls: Vec<(String, Place)>,
    /// How rows without a label are treated.
    pub(crate) missing_label: MissingLabel,
}

impl Selection {
    /// The rows of a frame that are used; notes say how many are left out, of which `file` if it is not the only one.
    ///
    /// # Errors
    /// A column that does not exist, or a value that cannot be compared with its column, with the line of the
    /// configuration; a selection without rows.
    pub(crate) fn apply(
        &self,
        frame: &DataFrame,
        label: Option<&str>,
        file: Option<&str>,
    ) -> Result<DataFrame> {
        if frame.is_absent() {
            // They were selected when they were summarised.
            return Ok(frame.clone());
        }
        let mut selected = frame.clone();
        if let Some((condition, place)) = &self.condition {
            let met = selected.filter_by(condition).map_err(|e| place.error(e))?;
            tell(
                &selected,
                &met,
                &format!("because they do not satisfy `where = {:?}`", condition.to_string()),
                file,
            );
            selected = met;
        }
        for (column, place) in &self.drop_nulls {
            selected.schema().require(column).map_err(|e| place.error(e))?;
        }
        if !self.drop_nulls.is_empty() {
            let columns: Vec<&str> = self.drop_nulls.iter().map(|(column, _)| column.as_str()).collect();
            selected = without_nulls(&selected, &columns, file)?;
        }
        if let Some(label) = label {
            selected = self.missing_label.apply(selected, label, file)?;
        }
        if selected.num_rows() == 0 && frame.num_rows() > 0 {
            let file = file.map(|file| format!("{file}: ")).unwrap_or_default();
            bail!(
                "{file}none of the {} rows is left: check `where`, `drop_nulls` and `missing_label`",
                frame.num_rows()
            );
        }
        Ok(selected)
    }
}

/// The rows that have values in all of these columns; a note says how many are left out.
///
/// # Errors
/// A column that does not exist; a file that cannot be read.
pub(crate) fn without_nulls(frame: &DataFrame, columns: &[&str], file: Option<&str>) -> Result<DataFrame> {
    let whole = frame.drop_nulls(columns)?;
    tell(frame, &whole, &format!("because they have no value in {}", columns.join(", ")), file);
    Ok(whole)
}

fn tell(before: &DataFrame, after: &DataFrame, which: &str, file: Option<&str>) {
    let (all, left) = (before.num_rows(), after.num_rows());
    if left < all {
        let file = file.map(|file| format!("{file}: ")).unwrap_or_default();
        note(&format!("{file}{} of {all} rows are left out {which}", all - left));
    }
}
