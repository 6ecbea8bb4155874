//! A fitted stage of a view.

use std::collections::BTreeSet;
use std::sync::Arc;

use luthier_frame::{ColumnType, Field, Schema};

use crate::Result;
use crate::affine::Affine;
use crate::rows::BoundStage;
use crate::stage::{DynModel, LineageStep, catch_panic};

#[derive(Debug, Clone)]
pub(super) struct Link {
    pub(super) stage: BoundStage,
    pub(super) schema: Schema,
    pub(super) step: Arc<LineageStep>,
    pub(super) affine: Option<Arc<Affine>>,
    /// Whether the source contains the columns that the stage appends.
    pub(super) is_held: bool,
}

impl Link {
    /// `name` is the stage's name in its pipeline, for errors.
    pub(super) fn new(model: Arc<dyn DynModel>, name: &str, before: &Schema) -> Result<Self> {
        let stage = BoundStage::new(model, name, before)?;
        let (outputs, drops_rows) = (&stage.signature.outputs, stage.signature.drops_rows);
        let schema = before.with_fields(outputs.iter().cloned())?;
        let model = &stage.model;
        let affine = catch_panic(model.type_name(), || Ok(model.transformer().affine()))?;
        let affine = affine.filter(|_| !drops_rows);
        let step = LineageStep::new(outputs, affine.as_ref().map(|map| map.columns.clone()));
        let step = Arc::new(step.dropping_rows(drops_rows));
        Ok(Self { stage, schema, step, affine: affine.map(Arc::new), is_held: false })
    }

    /// The same stage as an opaque one, which can only be applied to rows.
    pub(super) fn opaque(self) -> Self {
        let step = LineageStep::new(&self.stage.signature.outputs, None);
        let step = step.dropping_rows(self.stage.signature.drops_rows);
        Self { step: Arc::new(step), affine: None, ..self }
    }

    /// The approximate number of values that the stage appends to a row.
    pub(super) fn numbers(&self) -> usize {
        let of = |field: &Field| match field.column_type() {
            ColumnType::Vector { width } => width,
            _ => 1,
        };
        self.stage.signature.outputs.iter().map(of).sum()
    }

    pub(super) fn is_same(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.stage.model, &other.stage.model)
    }
}

/// What has to be read and applied to see some columns behind several stages.
#[derive(Debug)]
pub(super) struct Demand {
    /// Columns before the stages.
    pub(super) columns: BTreeSet<String>,
    /// For each stage, whether it has to be applied.
    pub(super) links: Vec<bool>,
}

impl Demand {
    /// A stage is applied if its outputs are requested or lead to requested columns, or if it drops rows.
    pub(super) fn of(mut columns: BTreeSet<String>, links: &[Link]) -> Self {
        let mut needed = vec![false; links.len()];
        for (link, needed) in links.iter().zip(&mut needed).rev().filter(|(link, _)| !link.is_held) {
            let signature = &link.stage.signature;
            let mut is_asked_for = false;
            signature.outputs.iter().for_each(|field| is_asked_for |= columns.remove(field.name()));
            *needed = is_asked_for || signature.drops_rows;
            if *needed {
                columns.extend(signature.inputs.names().map(str::to_owned));
            }
        }
        Self { columns, links: needed }
    }
}
