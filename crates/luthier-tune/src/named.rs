//! Parts that a configuration names.

use luthier_core::Value;
use luthier_core::params::Params;

use crate::{Error, Result};

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
