//! `test` of `[data]`.

use std::path::{Path, PathBuf};

use anyhow::{Result, bail};
use luthier::core::Value;
use luthier::frame::Schema;

use super::table::Item;
use super::{DataConfig, Place};

/// Which rows no search sees.
#[derive(Debug)]
pub(crate) struct TestConfig {
    pub(crate) rows: TestRows,
    pub(crate) place: Place,
}

#[derive(Debug)]
pub(crate) enum TestRows {
    /// About this share of the rows.
    Share(f64),
    /// A column of the table that says so, or another file.
    Named {
        name: String,
        /// The name as a file.
        path: PathBuf,
    },
}

impl TestConfig {
    pub(super) fn parse(item: Item<'_>, directory: &Path) -> Result<Self> {
        let place = item.key.place.clone();
        let value = item.into_value()?;
        let share = match &value {
            Value::Float(share) => Some(*share),
            Value::Int(share) => Some(*share as f64),
            _ => None,
        };
        let rows = match (value, share) {
            (_, Some(share)) if share > 0.0 && share < 1.0 => TestRows::Share(share),
            (Value::Str(name), _) if !name.is_empty() => {
                let path = directory.join(&name);
                TestRows::Named { name, path }
            }
            (value, _) => bail!(
                "{place}: `test` is {value}, expected a share of the rows between 0 and 1, such as 0.2, the name of a column, or a file"
            ),
        };
        Ok(Self { rows, place })
    }
}

impl DataConfig {
    /// The column that says which rows are test rows.
    pub(crate) fn test_column(&self, schema: &Schema) -> Option<&str> {
        match &self.test.as_ref()?.rows {
            TestRows::Named { name, .. } => schema.field(name).map(|_| name.as_str()),
            TestRows::Share(_) => None,
        }
    }
}
