//! Executors by name.

use std::sync::Arc;

use luthier_core::Value;
use luthier_core::params::ParamInfo;

use super::{Executor, NamedExecutor};
use crate::Result;
use crate::named::configured;

type Create = fn(&[(String, Value)]) -> Result<Arc<dyn Executor>>;

/// How to make an executor.
#[derive(Debug, Clone, Copy)]
pub struct ExecutorEntry {
    /// The registered name.
    pub name: &'static str,
    /// The module that registers it.
    pub module: &'static str,
    /// Its parameters.
    pub params: fn() -> &'static [ParamInfo],
    /// What it does: the first line of its documentation.
    pub doc: &'static str,
    create: Create,
}

impl ExecutorEntry {
    /// The entry of an executor.
    pub const fn new<E: NamedExecutor>(module: &'static str, doc: &'static str) -> Self {
        Self {
            name: E::NAME,
            module,
            params: E::param_infos,
            doc,
            create: |params| Ok(Arc::new(configured::<E>("executor", E::NAME, params)?)),
        }
    }

    /// An executor with these parameters, and defaults for all others.
    ///
    /// # Errors
    /// An unknown parameter, a wrong type, a value out of range, a required parameter that is not set.
    pub fn create(&self, params: &[(String, Value)]) -> Result<Arc<dyn Executor>> {
        (self.create)(params)
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
