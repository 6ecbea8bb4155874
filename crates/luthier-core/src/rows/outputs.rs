//! The columns that a stage writes for some rows.

use std::sync::Arc;

use luthier_frame::{Column, ColumnType, Field};
use ndarray::Array2;

use super::{Batch, Held, OddCells, Tile};
use crate::{Error, Result};

/// Receives the columns that a stage appends, in the order of [`Transformer::outputs`](crate::Transformer::outputs), with
/// one value per row of the [`Tile`](crate::Tile). [`Transformer`](crate::Transformer) has an example.
#[derive(Debug, Default)]
pub struct Outputs {
    columns: Vec<Written>,
    kept: Option<Vec<bool>>,
    pub(super) remarks: Vec<OddCells>,
}

#[derive(Debug)]
struct Written {
    held: Held,
    column_type: ColumnType,
    sparse: bool,
    nulls: bool,
}

impl Outputs {
    /// Appends a column of numbers.
    pub fn numbers(&mut self, values: Vec<f64>) {
        self.push(Held::numbers(values), ColumnType::F64);
    }

    /// Appends a column of vectors, one per row of the matrix.
    pub fn vectors(&mut self, rows: Array2<f64>) {
        let column_type = ColumnType::Vector { width: rows.ncols() };
        self.push(Held::vectors(rows), column_type);
    }

    /// Appends a column of any type: text, integers, sparse vectors.
    pub fn column(&mut self, column: Column) {
        let field = column.field("");
        self.columns.push(Written {
            held: Held::array(Arc::clone(column.array())),
            column_type: column.column_type(),
            sparse: field.is_sparse(),
            nulls: field.nullable(),
        });
    }

    /// Keeps only the rows at which the mask is true. A stage that does so must return true from
    /// [`drops_rows`](crate::Transformer::drops_rows); it writes values either for all rows or only for those that it keeps.
    pub fn keep(&mut self, mask: Vec<bool>) {
        self.kept = Some(mask);
    }

    /// Remarks on cells that the stage accepts although they are unlike those on which it was fitted. Whoever passes rows through
    /// the stage may collect these ([`Remarks`](crate::Remarks)); the outputs are the same.
    pub fn remark(&mut self, odd: OddCells) {
        if !odd.is_empty() {
            self.remarks.push(odd);
        }
    }

    /// The values of a column of predictions that are not finite, with the inputs that are to blame.
    pub(super) fn not_finite(&self, column: &str, rows: &Tile<'_>, fields: &[Field]) -> Option<OddCells> {
        let place = fields.iter().position(|field| field.name() == column)?;
        let values = self.columns.get(place)?.held.numeric()?;
        if values.nrows() != rows.len() || values.iter().all(|x| x.is_finite()) {
            return None;
        }
        let is_odd = |i: usize| values.row(i).iter().any(|x| !x.is_finite());
        let mut rows_of = (0..rows.len()).filter(|&i| is_odd(i)).peekable();
        let causes = rows_of.peek().map(|&i| rows.not_finite_in(i)).unwrap_or_default();
        let outcome = if causes.is_empty() {
            "it is too large for a number"
        } else {
            "correct or fill the cells from which it is computed, or leave the row out; gaps are filled if the model was fitted with an \
             `imputer` before this stage"
        };
        let mut odd = OddCells::new(column, "a value that is not finite", outcome);
        for i in rows_of {
            odd.push(rows.row(i), || {
                values.row(i).iter().find(|x| !x.is_finite()).map_or_else(String::new, f64::to_string)
            });
        }
        Some(if causes.is_empty() { odd } else { odd.because(format!("because {causes}")) })
    }

    fn push(&mut self, held: Held, column_type: ColumnType) {
        self.columns.push(Written { held, column_type, sparse: false, nulls: false });
    }

    /// Appends the columns to the rows after checking them against the declared fields; `None` if no row is kept.
    pub(crate) fn append_to(self, batch: Batch, fields: &[Field], drops_rows: bool) -> Result<Option<Batch>> {
        let rows = batch.rows;
        let kept = match self.kept {
            Some(kept) if kept.len() != rows => {
                return Err(Error::invalid(format!(
                    "its mask of the rows to keep has {} values for {rows} rows",
                    kept.len()
                )));
            }
            Some(kept) if kept.contains(&false) => Some(kept),
            _ => None,
        };
        if kept.is_some() && !drops_rows {
            return Err(Error::invalid("it drops rows, but its `drops_rows` returns false"));
        }
        let mut batch = match &kept {
            None => batch,
            Some(kept) if !kept.contains(&true) => return Ok(None),
            Some(kept) => batch.filter(kept)?,
        };
        if self.columns.len() != fields.len() {
            return Err(Error::invalid(format!(
                "it wrote {} columns, but its `outputs` declares {}",
                self.columns.len(),
                fields.len()
            )));
        }
        for (field, written) in fields.iter().zip(self.columns) {
            written.check(field)?;
            batch.columns.push(Arc::new(match (written.held.len(), &kept) {
                (found, _) if found == batch.rows => written.held,
                (found, Some(kept)) if found == rows => written.held.filter(kept)?,
                (found, _) => {
                    return Err(Error::invalid(format!(
                        "it wrote {found} values of column `{}` for {rows} rows",
                        field.name()
                    )));
                }
            }));
        }
        Ok(Some(batch))
    }
}

impl Written {
    fn check(&self, field: &Field) -> Result<()> {
        let name = field.name();
        if self.column_type != field.column_type() || self.sparse != field.is_sparse() {
            let shown = |sparse: bool, of: ColumnType| format!("{}{of}", if sparse { "sparse " } else { "" });
            return Err(Error::invalid(format!(
                "it wrote {} to column `{name}`, but its `outputs` declares {}",
                shown(self.sparse, self.column_type),
                shown(field.is_sparse(), field.column_type())
            )));
        }
        if self.nulls && !field.nullable() {
            return Err(Error::invalid(format!(
                "it wrote nulls to column `{name}`, which its `outputs` does not declare as nullable"
            )));
        }
        Ok(())
    }
}
