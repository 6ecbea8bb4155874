//! Parts that a configuration can name.

use std::any::Any;
use std::fmt::Debug;
use std::sync::Arc;

use luthier_core::Value;
use luthier_core::params::{ParamInfo, Params};
use luthier_core::registry::{self, Entry};

use crate::{Error, Result};

type Create<T> = fn(&[(String, Value)]) -> Result<Arc<T>>;

/// How to create a part of a kind, such as `dyn Executor`, from its parameters.
#[derive(Debug)]
pub struct PartEntry<T: ?Sized> {
    /// The registered name.
    pub name: &'static str,
    /// The module that registers it.
    pub module: &'static str,
    /// Its parameters.
    pub params: fn() -> &'static [ParamInfo],
    /// What it does: the first line of its documentation.
    pub doc: &'static str,
    pub(crate) create: Create<T>,
    pub(crate) describe: fn(&T) -> Option<String>,
}

impl<T: ?Sized> Clone for PartEntry<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T: ?Sized> Copy for PartEntry<T> {}

impl<T: ?Sized> PartEntry<T> {
    /// A part with these parameters, and defaults for all others.
    ///
    /// # Errors
    /// An unknown parameter, a wrong type, a value out of range, a required parameter that is not set.
    pub fn create(&self, params: &[(String, Value)]) -> Result<Arc<T>> {
        (self.create)(params)
    }
}

/// The name of a part in messages: its registered name and parameters, otherwise its type.
pub(crate) fn name_of<T: ?Sized + Debug>(part: &T) -> String
where
    PartEntry<T>: Entry,
{
    let entries = registry::entries::<PartEntry<T>>().unwrap_or_default();
    let named = entries.into_values().find_map(|entry| (entry.describe)(part));
    named.unwrap_or_else(|| type_in_words(part))
}

/// A part with these parameters over its defaults, validated.
pub(crate) fn configured<P: Params + Default>(
    kind: &'static str,
    name: &'static str,
    params: &[(String, Value)],
) -> Result<P> {
    let mut part = P::default();
    params
        .iter()
        .try_for_each(|(param, value)| part.set_value(param, value))
        .and_then(|()| part.validate())
        .map_err(|source| Error::Configuration { kind, name, source: source.into() })?;
    Ok(part)
}

/// The name of a part of type `P` in messages: `` `k_fold` (num_folds = 3) ``; `None` for a part of another type.
pub(crate) fn describe<P: Params>(name: &str, part: &dyn Any) -> Option<String> {
    let values = part.downcast_ref::<P>()?.values();
    let given = values.iter().filter(|(_, value)| !value.is_null());
    let params: Vec<String> = given.map(|(param, value)| format!("{param} = {value}")).collect();
    Some(if params.is_empty() { format!("`{name}`") } else { format!("`{name}` ({})", params.join(", ")) })
}

/// The name in messages of a part whose type is not registered: the first word of its `Debug` form, which is the type.
pub(crate) fn type_in_words(part: &(impl Debug + ?Sized)) -> String {
    let text = format!("{part:?}");
    let end = text.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(text.len());
    format!("`{}`", if end == 0 { text.as_str() } else { &text[..end] })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{FoldColumn, KFold, Serial};

    #[test]
    fn parts_are_named_as_a_configuration_names_them() {
        assert_eq!(describe::<KFold>("k_fold", &KFold::new()).as_deref(), Some("`k_fold` (num_folds = 3)"));
        let by_column = FoldColumn::new().fold_col("day");
        assert_eq!(describe::<FoldColumn>("f", &by_column).as_deref(), Some("`f` (fold_col = day)"));
        assert_eq!(describe::<Serial>("serial", &Serial::new()).as_deref(), Some("`serial`"));
        assert_eq!(describe::<KFold>("k_fold", &Serial::new()), None);
        assert_eq!(type_in_words(&KFold::new()), "`KFold`");
        assert_eq!(type_in_words("?"), "`\"?\"`");
    }
}
