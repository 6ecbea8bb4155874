//! Counts of categories.

use std::collections::HashMap;

use luthier_core::frame::Schema;
use luthier_core::{Error, Result, Summary, Tile};
use serde::{Deserialize, Serialize};

use super::by_column::ByColumn;
use crate::categories::{for_each_text, require_categories};
use crate::columns;

/// The columns of [`CategoryCounts`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CategorySpec {
    /// Columns of text, numbers or booleans, without duplicates.
    pub columns: Vec<String>,
}

impl CategorySpec {
    /// The categories of these columns; duplicate names are ignored.
    pub fn new<S: Into<String>>(columns: impl IntoIterator<Item = S>) -> Self {
        Self { columns: columns::unique(columns) }
    }
}

/// The number of rows of each category, by column; nulls and NaN are ignored.
///
/// Numbers are converted to strings. Merging is exact.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct CategoryCounts {
    columns: ByColumn<HashMap<String, u64>>,
}

impl CategoryCounts {
    /// The categories of a column and their numbers of rows, in no particular order.
    ///
    /// # Errors
    /// If the column is not in the spec.
    pub fn of(&self, column: &str) -> Result<&HashMap<String, u64>> {
        self.columns.of(column)
    }
}

impl Summary for CategoryCounts {
    type Spec = CategorySpec;
    const NAME: &'static str = "category_counts";

    fn columns(spec: &CategorySpec) -> Vec<String> {
        spec.columns.clone()
    }

    fn empty(spec: &CategorySpec, schema: &Schema) -> Result<Self> {
        let counts = |column: &String| {
            require_categories(schema, column)?;
            Ok((column.clone(), HashMap::new()))
        };
        let columns = spec.columns.iter().map(counts).collect::<Result<_>>()?;
        Ok(Self { columns: ByColumn::new(columns) })
    }

    fn update(&mut self, _spec: &CategorySpec, tile: &Tile<'_>) -> Result<()> {
        self.columns.iter_mut().try_for_each(|(column, counts)| {
            for_each_text(tile.array(column)?.as_ref(), |_, text| {
                let Some(text) = text else { return Ok(()) };
                match counts.get_mut(text.as_ref()) {
                    Some(count) => *count += 1,
                    None => {
                        counts.insert(text.into_owned(), 1);
                    }
                }
                Ok(())
            })
        })
    }

    fn merge(&mut self, other: &Self) -> Result<()> {
        if !self.columns.iter().map(|(name, _)| name).eq(other.columns.iter().map(|(name, _)| name)) {
            return Err(Error::invalid("categories of different columns cannot be merged"));
        }
        for ((_, counts), (_, others)) in self.columns.iter_mut().zip(other.columns.iter()) {
            for (category, count) in others {
                match counts.get_mut(category) {
                    Some(have) => *have += count,
                    None => {
                        counts.insert(category.clone(), *count);
                    }
                }
            }
        }
        Ok(())
    }

    // The number of categories is only known from the rows; some thousands are assumed.
    fn bytes(&self) -> usize {
        self.columns.iter().map(|(_, counts)| 64 * counts.len().max(4096)).sum()
    }

    fn union(a: &CategorySpec, b: &CategorySpec) -> Option<CategorySpec> {
        Some(CategorySpec::new(a.columns.iter().chain(&b.columns)))
    }

    fn project(&self, _from: &CategorySpec, to: &CategorySpec) -> Option<Self> {
        Some(Self { columns: self.columns.select(&to.columns)? })
    }
}
