//! Stages and evaluators by name, for configuration files and for loading saved models.
//!
//! A crate registers its parts where it defines them, with [`register_estimator!`](crate::register_estimator),
//! [`register_transformer!`](crate::register_transformer) and
//! [`register_evaluator!`](crate::register_evaluator). The linker drops a crate that a program only lists in its
//! `Cargo.toml`. Therefore the program mentions it with `use the_crate as _;`, or registers its parts explicitly with
//! [`register`].

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use serde::de::DeserializeOwned;

use crate::error::LINKING_ADVICE;
use crate::params::ParamInfo;
use crate::stage::{DynEstimator, DynEvaluator, DynModel, Estimator, Evaluator, PureTransformer};
use crate::{Error, Result, json};

/// How to create a stage, and how to load its fitted models.
#[derive(Debug, Clone, Copy)]
pub struct StageEntry {
    /// The registered name.
    pub name: &'static str,
    /// The module that registers it.
    pub module: &'static str,
    /// Its parameters.
    pub params: fn() -> &'static [ParamInfo],
    /// What it does: the first line of its documentation.
    pub doc: &'static str,
    create: fn() -> Box<dyn DynEstimator>,
    load: fn(&serde_json::Value, &serde_json::Value) -> Result<Arc<dyn DynModel>>,
}

impl StageEntry {
    /// The entry of an estimator.
    pub const fn estimator<E: Estimator + Default + DeserializeOwned>(
        module: &'static str,
        doc: &'static str,
    ) -> Self {
        Self {
            name: E::NAME,
            module,
            params: E::param_infos,
            doc,
            create: || Box::new(E::default()),
            load: |params, state| {
                let estimator: E = json::from_value(params)?;
                let model = crate::stage::fitted(estimator, json::from_value(state)?);
                model.check_state()?;
                Ok(model)
            },
        }
    }

    /// The entry of a transformer that is not fitted.
    pub const fn transformer<T: PureTransformer + Default + DeserializeOwned>(
        module: &'static str,
        doc: &'static str,
    ) -> Self {
        Self {
            name: T::NAME,
            module,
            params: T::param_infos,
            doc,
            create: || crate::stage::pure(T::default()),
            load: |params, _| {
                let transformer: T = json::from_value(params)?;
                // It is used as it is, unlike the parameters by which a model was fitted.
                transformer.validate()?;
                let stage = crate::stage::pure(transformer);
                let model =
                    stage.as_model().ok_or_else(|| Error::invalid("a transformer is its own model"))?;
                model.check_state()?;
                Ok(model)
            },
        }
    }

    /// A stage with default parameters.
    pub fn create(&self) -> Box<dyn DynEstimator> {
        (self.create)()
    }

    /// A saved model of this stage.
    ///
    /// # Errors
    /// If this version did not write the parameters or the state.
    pub fn load(&self, params: &serde_json::Value, state: &serde_json::Value) -> Result<Arc<dyn DynModel>> {
        (self.load)(params, state)
            .map_err(|e| Error::Load { what: format!("a saved `{}`", self.name), reason: e.to_string() })
    }
}

/// How to create an evaluator.
#[derive(Debug, Clone, Copy)]
pub struct EvaluatorEntry {
    /// The registered name.
    pub name: &'static str,
    /// The module that registers it.
    pub module: &'static str,
    /// Its parameters.
    pub params: fn() -> &'static [ParamInfo],
    /// What it does: the first line of its documentation.
    pub doc: &'static str,
    create: fn() -> Box<dyn DynEvaluator>,
}

impl EvaluatorEntry {
    /// The entry of an evaluator.
    pub const fn new<E: Evaluator + Default>(module: &'static str, doc: &'static str) -> Self {
        Self { name: E::NAME, module, params: E::param_infos, doc, create: || Box::new(E::default()) }
    }

    /// An evaluator with default parameters.
    pub fn create(&self) -> Box<dyn DynEvaluator> {
        (self.create)()
    }
}

static CLOSED: AtomicBool = AtomicBool::new(false);

/// Declares that the users of this program cannot link other crates, so that messages about unknown names do not advise it.
pub fn close() {
    CLOSED.store(true, Ordering::Relaxed);
}

/// Advice for the author of the program, to be added to messages about unknown names; empty if the registry is
/// [closed](close).
pub fn linking_advice() -> &'static str {
    if CLOSED.load(Ordering::Relaxed) { "" } else { LINKING_ADVICE }
}

/// A kind of part that is registered by name.
pub trait Entry: Copy + Send + Sync + 'static {
    /// "stage", "evaluator", …
    const KIND: &'static str;
    /// The registered name.
    fn name(&self) -> &'static str;
    /// The module that registers it.
    fn module(&self) -> &'static str;
    /// The entries that linked crates submitted.
    fn submitted() -> Vec<Self>;
    /// The entries that the program registered itself.
    fn explicit() -> &'static RwLock<Vec<Self>>;
}

/// Implements [`Entry`] for a type with public fields `name` and `module`, collected by `inventory`.
#[macro_export]
macro_rules! registry_of {
    ($entry:ty, $kind:literal) => {
        $crate::inventory::collect!($entry);
        impl $crate::registry::Entry for $entry {
            const KIND: &'static str = $kind;
            fn name(&self) -> &'static str {
                self.name
            }
            fn module(&self) -> &'static str {
                self.module
            }
            fn submitted() -> ::std::vec::Vec<Self> {
                $crate::inventory::iter::<$entry>.into_iter().copied().collect()
            }
            fn explicit() -> &'static ::std::sync::RwLock<::std::vec::Vec<Self>> {
                static EXPLICIT: ::std::sync::RwLock<::std::vec::Vec<$entry>> =
                    ::std::sync::RwLock::new(::std::vec::Vec::new());
                &EXPLICIT
            }
        }
    };
}

registry_of!(StageEntry, "stage");
registry_of!(EvaluatorEntry, "evaluator");

/// Registers a part explicitly, for programs that link its crate but not its registration. Registering the same
/// part again changes nothing.
pub fn register<T: Entry>(entry: T) {
    let mut explicit = T::explicit().write().unwrap_or_else(PoisonError::into_inner);
    if !explicit.iter().any(|have| have.name() == entry.name() && have.module() == entry.module()) {
        explicit.push(entry);
    }
}

/// All registered parts of a kind, by name.
///
/// # Errors
/// Two parts with the same name.
pub fn entries<T: Entry>() -> Result<BTreeMap<&'static str, T>> {
    let mut all = BTreeMap::<&'static str, T>::new();
    let explicit = T::explicit().read().unwrap_or_else(PoisonError::into_inner).clone();
    for entry in T::submitted().into_iter().chain(explicit) {
        match all.insert(entry.name(), entry) {
            Some(first) if first.module() != entry.module() => {
                return Err(Error::DuplicateType {
                    kind: T::KIND,
                    name: entry.name().to_owned(),
                    first: first.module().to_owned(),
                    second: entry.module().to_owned(),
                });
            }
            _ => {}
        }
    }
    Ok(all)
}

/// The registered part of this name.
///
/// # Errors
/// An unknown name; the error lists the known names, the most similar one, and how to link a crate.
pub fn find<T: Entry>(name: &str) -> Result<T> {
    let all = entries::<T>()?;
    all.get(name).copied().ok_or_else(|| Error::UnknownType {
        kind: T::KIND,
        name: name.to_owned(),
        known: all.keys().map(|&known| known.to_owned()).collect(),
        linkable: !CLOSED.load(Ordering::Relaxed),
    })
}

/// Registers estimators by their `NAME`: `register_estimator!(Ridge: "Linear regression with an L2 penalty.");`
#[macro_export]
macro_rules! register_estimator {
    ($type:ty: $doc:literal) => {
        $crate::inventory::submit! {
            $crate::registry::StageEntry::estimator::<$type>(::core::module_path!(), $doc)
        }
    };
}

/// Registers a transformer that is not fitted by its `NAME`.
#[macro_export]
macro_rules! register_transformer {
    ($type:ty: $doc:literal) => {
        $crate::inventory::submit! {
            $crate::registry::StageEntry::transformer::<$type>(::core::module_path!(), $doc)
        }
    };
}

/// Registers an evaluator by its `NAME`.
#[macro_export]
macro_rules! register_evaluator {
    ($type:ty: $doc:literal) => {
        $crate::inventory::submit! {
            $crate::registry::EvaluatorEntry::new::<$type>(::core::module_path!(), $doc)
        }
    };
}
