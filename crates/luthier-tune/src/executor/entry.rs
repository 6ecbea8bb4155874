//! Executors by name.

use std::sync::Arc;

use super::{Executor, NamedExecutor};
use crate::named::{PartEntry, configured, describe};

/// How to create an executor.
pub type ExecutorEntry = PartEntry<dyn Executor>;

impl ExecutorEntry {
    /// The entry of an executor.
    pub const fn new<E: NamedExecutor>(module: &'static str, doc: &'static str) -> Self {
        Self {
            name: E::NAME,
            module,
            params: E::param_infos,
            doc,
            create: |params| Ok(Arc::new(configured::<E>("executor", E::NAME, params)?)),
            describe: |part| describe::<E>(E::NAME, part),
        }
    }
}

luthier_core::registry_of!(ExecutorEntry, "executor");

/// Registers an executor by its `NAME`: `register_executor!(Serial: "One task after the other.");`
#[macro_export]
macro_rules! register_executor {
    ($type:ty: $doc:literal) => {
        $crate::inventory::submit! {
            $crate::executor::ExecutorEntry::new::<$type>(::core::module_path!(), $doc)
        }
    };
}
