//! Values of a summary for each of its columns.

use std::collections::HashMap;
use std::sync::OnceLock;

use luthier_core::{Error, Result};
use serde::{Deserialize, Serialize};

/// One value per column, in their order and by name.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct ByColumn<T> {
    entries: Vec<(String, T)>,
    #[serde(skip)]
    places: OnceLock<HashMap<String, usize>>,
}

impl<T> ByColumn<T> {
    pub(crate) fn new(entries: Vec<(String, T)>) -> Self {
        Self { entries, places: OnceLock::new() }
    }

    /// # Errors
    /// If the column does not exist.
    pub(crate) fn of(&self, column: &str) -> Result<&T> {
        let places = || self.entries.iter().enumerate().map(|(i, (name, _))| (name.clone(), i)).collect();
        let place = self.places.get_or_init(places).get(column);
        let entry = place.and_then(|&place| self.entries.get(place));
        entry
            .map(|(_, found)| found)
            .ok_or_else(|| Error::invalid(format!("the summary does not include the column `{column}`")))
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (&String, &T)> {
        self.entries.iter().map(|(name, of)| (name, of))
    }

    pub(crate) fn iter_mut(&mut self) -> impl Iterator<Item = (&String, &mut T)> {
        self.entries.iter_mut().map(|(name, of)| (&*name, of))
    }

    /// The values of some of the columns; `None` if one does not exist.
    pub(crate) fn select(&self, columns: &[String]) -> Option<Self>
    where
        T: Clone,
    {
        let of = |column: &String| Some((column.clone(), self.of(column).ok()?.clone()));
        Some(Self::new(columns.iter().map(of).collect::<Option<_>>()?))
    }
}
