//! Strategies by name.

use std::sync::Arc;

use super::{NamedStrategy, Strategy};
use crate::named::{PartEntry, configured, describe};

/// How to create a strategy.
pub type StrategyEntry = PartEntry<dyn Strategy>;

impl StrategyEntry {
    /// The entry of a strategy.
    pub const fn new<S: NamedStrategy>(module: &'static str, doc: &'static str) -> Self {
        Self {
            name: S::NAME,
            module,
            params: S::param_infos,
            doc,
            create: |params| Ok(Arc::new(configured::<S>("strategy", S::NAME, params)?)),
            describe: |part| describe::<S>(S::NAME, part),
        }
    }
}

luthier_core::registry_of!(StrategyEntry, "strategy");

/// Registers a strategy by its `NAME`: `register_strategy!(Racing: "Drops candidates that are worse.");`
#[macro_export]
macro_rules! register_strategy {
    ($type:ty: $doc:literal) => {
        $crate::inventory::submit! {
            $crate::strategy::StrategyEntry::new::<$type>(::core::module_path!(), $doc)
        }
    };
}
