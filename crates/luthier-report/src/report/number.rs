//! Numbers of a document.

use luthier_tune::core::json::float;
use serde::{Serialize, Serializer};

/// A float that is written like those of results: one that is not finite by its name.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Number(pub(crate) f64);

impl Serialize for Number {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        float::serialize(&self.0, serializer)
    }
}

pub(crate) fn numbers(values: impl IntoIterator<Item = f64>) -> Vec<Number> {
    values.into_iter().map(Number).collect()
}
