//! Executors by name.

use std::any::Any;
use std::sync::Arc;

use luthier_core::Value;
use luthier_core::params::ParamInfo;

use super::{Executor, NamedExecutor};
use crate::Result;
use crate::named::{configured, describe, describe_unnamed};

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
    describe: fn(&dyn Any) -> Option<String>,
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
            describe: |part| describe::<E>(E::NAME, part),
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

/// How messages name an executor: by its registered name and parameters, else by its type.
pub(crate) fn name_of(executor: &dyn Executor) -> String {
    let entries = luthier_core::registry::entries::<ExecutorEntry>().unwrap_or_default();
    let named = entries.into_values().find_map(|entry| (entry.describe)(executor));
    named.unwrap_or_else(|| describe_unnamed(executor))
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
