//! Two parts of one name: a program of its own, since one such pair spoils every look-up.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use luthier_core::frame::{Field, Schema};
use luthier_core::registry::{self, EvaluatorEntry, StageEntry};
use luthier_core::{Error, Outputs, Params, PureTransformer, Tile, Transformer};

/// A stage that does nothing.
#[derive(Debug, Clone, Params)]
struct Same {}

impl Transformer for Same {
    fn inputs(&self) -> Vec<String> {
        Vec::new()
    }

    fn outputs(&self, _schema: &Schema) -> anyhow::Result<Vec<Field>> {
        Ok(Vec::new())
    }

    fn apply(&self, _rows: &Tile<'_>, _out: &mut Outputs) -> anyhow::Result<()> {
        Ok(())
    }
}

impl PureTransformer for Same {
    const NAME: &'static str = "acme.same";
}

luthier_core::register_transformer!(Same: "Nothing.");

#[test]
fn names_are_found_or_explained_and_never_ambiguous() {
    let entry = registry::find::<StageEntry>("acme.same").unwrap();
    assert_eq!((entry.module, entry.doc, entry.create().type_name()), ("registry", "Nothing.", "acme.same"));
    assert!(registry::find::<StageEntry>("pipeline").is_ok());
    let error = registry::find::<StageEntry>("acme.sane").unwrap_err();
    assert!(matches!(&error, Error::UnknownType { kind: "stage", .. }));
    let message = error.to_string();
    for part in ["`acme.sane`", "did you mean `acme.same`", "pipeline", "Cargo.toml", "use the_crate as _;"] {
        assert!(message.contains(part), "{message}");
    }
    assert!(registry::find::<EvaluatorEntry>("acme.same").is_err());

    // The same part again is the same part.
    registry::register(StageEntry::transformer::<Same>("registry", "Nothing."));
    assert!(registry::find::<StageEntry>("acme.same").is_ok());
    registry::register(StageEntry::transformer::<Same>("elsewhere::stages", "Another."));
    let error = registry::find::<StageEntry>("acme.same").unwrap_err();
    assert!(matches!(&error, Error::DuplicateType { .. }));
    let message = error.to_string();
    for part in ["acme.same", "`registry`", "`elsewhere::stages`"] {
        assert!(message.contains(part), "{message}");
    }
}
