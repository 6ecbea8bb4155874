//! Splitters by name.

use std::sync::Arc;

use super::{NamedSplitter, Splitter};
use crate::named::{PartEntry, configured, describe};

/// How to create a splitter.
pub type SplitterEntry = PartEntry<dyn Splitter>;

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
