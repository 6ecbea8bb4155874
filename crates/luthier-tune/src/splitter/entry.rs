//! Splitters by name.

use std::any::Any;
use std::sync::Arc;

use luthier_core::Value;
use luthier_core::params::ParamInfo;

use super::{NamedSplitter, Splitter};
use crate::Result;
use crate::named::{configured, describe, describe_unnamed};

type Create = fn(&[(String, Value)]) -> Result<Arc<dyn Splitter>>;

/// How to make a splitter.
#[derive(Debug, Clone, Copy)]
pub struct SplitterEntry {
    /// The registered name.
    pub name: &'static str,
    /// The module that registers it.
    pub module: &'static str,
    /// Its parameters.
    pub params: fn() -> &'static [ParamInfo],
    /// What it does: the first line of its documentation.
    pub doc: &'static str,
    create: Create,
    describe: fn(&dyn Any) -> Option<String>,
}

impl SplitterEntry {
    /// The entry of a splitter.
    pub const fn new<S: NamedSplitter>(module: &'static str, doc: &'static str) -> Self {
        Self {
            name: S::NAME,
            module,
            params: S::param_infos,
            doc,
            create: |params| Ok(Arc::new(configured::<S>("splitter", S::NAME, params)?)),
            describe: |part| describe::<S>(S::NAME, part),
        }
    }

    /// A splitter with these parameters, and defaults for all others.
    ///
    /// # Errors
    /// An unknown parameter, a wrong type, a value out of range, a required parameter that is not set.
    pub fn create(&self, params: &[(String, Value)]) -> Result<Arc<dyn Splitter>> {
        (self.create)(params)
    }
}

/// How messages name a splitter: by its registered name and parameters, else by its type.
pub(crate) fn name_of(splitter: &dyn Splitter) -> String {
    let entries = luthier_core::registry::entries::<SplitterEntry>().unwrap_or_default();
    let named = entries.into_values().find_map(|entry| (entry.describe)(splitter));
    named.unwrap_or_else(|| describe_unnamed(splitter))
}

luthier_core::registry_of!(SplitterEntry, "splitter");

/// Registers a splitter by its `NAME`: `register_splitter!(KFold: "k folds of equal size.");`
#[macro_export]
macro_rules! register_splitter {
    ($type:ty: $doc:literal) => {
        $crate::inventory::submit! {
            $crate::splitter::SplitterEntry::new::<$type>(::core::module_path!(), $doc)
        }
    };
}
