//! The distinct values of a column and the place of each row among them.

use std::cmp::Ordering;

use arrow_array::{Array, ArrayRef, UInt32Array};
use arrow_ord::ord::make_comparator;
use arrow_ord::sort::{SortOptions, sort_to_indices};
use arrow_schema::DataType;
use arrow_select::concat::concat;
use arrow_select::take::take;

use crate::{ColumnType, DataFrame, Error, Result, numbers, text::texts};

/// The distinct values of a column in ascending order, and for each row the place of its value among them.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Ranks {
    /// For each row the place of its value; `None` for null and NaN.
    pub of_row: Vec<Option<u32>>,
    /// The distinct values: numbers by size, text by Unicode code points, `false` before `true`, dates and times in order.
    pub distinct: ArrayRef,
}

impl Ranks {
    /// The distinct values as text.
    ///
    /// # Errors
    /// An unknown time zone.
    pub fn names(&self) -> Result<Vec<String>> {
        Ok(texts(self.distinct.as_ref())?.into_iter().flatten().collect())
    }
}

impl DataFrame {
    /// The ranks of a column of numbers, booleans, text, dates or timestamps. They do not depend on partitions; -0 is 0.
    ///
    /// ```
    /// use luthier_frame::{Column, DataFrame};
    ///
    /// let frame = DataFrame::from_columns(vec![("day", Column::utf8(["wed", "fri", "wed"]))])?;
    /// let ranks = frame.ranks("day")?;
    /// assert_eq!(ranks.of_row, [Some(1), Some(0), Some(1)]);
    /// assert_eq!(ranks.names()?, ["fri", "wed"]);
    /// # Ok::<(), luthier_frame::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::UnknownColumn`]; [`Error::ColumnType`] for a column of lists, vectors or opaque values.
    pub fn ranks(&self, column: &str) -> Result<Ranks> {
        let index = self.schema().require_index(column)?;
        let found = self.schema().require(column)?.column_type();
        if matches!(
            found,
            ColumnType::List | ColumnType::Vector { .. } | ColumnType::AnyVector | ColumnType::Opaque(_)
        ) {
            let expected = "numbers, booleans, text, dates or timestamps".to_owned();
            return Err(Error::ColumnType { column: column.to_owned(), expected, found });
        }
        let mut arrays: Vec<ArrayRef> = Vec::new();
        for partition in self.partitions() {
            for batch in partition.batches(Some(&[index]))? {
                let batch = batch?;
                arrays.extend(batch.columns().first().map(comparable));
            }
        }
        let types: Vec<&DataType> = arrays.iter().map(|array| array.data_type()).collect();
        if let Some(common) = types.first().filter(|first| types.iter().any(|other| other != *first)) {
            // Batches of a dictionary and of plain text, or of integers of several widths.
            let common = if found == ColumnType::Utf8 { DataType::LargeUtf8 } else { (*common).clone() };
            arrays = arrays.iter().map(|array| arrow_cast::cast(array, &common)).collect::<Result<_, _>>()?;
        }
        if arrays.is_empty() {
            return Ok(Ranks {
                of_row: Vec::new(),
                distinct: arrow_array::new_empty_array(&DataType::Int64),
            });
        }
        let all = concat(&arrays.iter().map(|array| array.as_ref()).collect::<Vec<_>>())?;
        of(&all)
    }
}

/// Numbers that compare as they should: NaN is null, and -0 is 0.
fn comparable(array: &ArrayRef) -> ArrayRef {
    if !array.data_type().is_floating() {
        return match array.data_type() {
            DataType::Dictionary(_, values) => {
                arrow_cast::cast(array, values).unwrap_or_else(|_| array.clone())
            }
            _ => array.clone(),
        };
    }
    let numbers = numbers(array.as_ref()).unwrap_or_default();
    let values = numbers
        .iter()
        .enumerate()
        .map(|(row, x)| Some(x + 0.0).filter(|x| !x.is_nan() && !array.is_null(row)));
    std::sync::Arc::new(values.collect::<arrow_array::Float64Array>())
}

fn of(all: &ArrayRef) -> Result<Ranks> {
    let options = SortOptions { descending: false, nulls_first: false };
    let order = sort_to_indices(all, Some(options), None)?;
    let compare = make_comparator(all.as_ref(), all.as_ref(), options)?;
    let mut of_row = vec![None; all.len()];
    let mut firsts: Vec<u32> = Vec::new();
    for &row in order.values() {
        if all.is_null(row as usize) {
            break;
        }
        let is_new =
            firsts.last().is_none_or(|&last| compare(last as usize, row as usize) != Ordering::Equal);
        if is_new {
            firsts.push(row);
        }
        if let Some(rank) = of_row.get_mut(row as usize) {
            *rank = u32::try_from(firsts.len() - 1).ok();
        }
    }
    let distinct = take(all.as_ref(), &UInt32Array::from(firsts), None)?;
    Ok(Ranks { of_row, distinct })
}
