//! A fitted stage of a view.

use std::collections::BTreeSet;
use std::sync::Arc;

use luthier_frame::{ColumnType, Field, Schema};

use super::reader::Source;
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
        Ok(Self { stage, schema, step, affine: affine.map(Arc::new) })
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
pub(super) struct Demand<'a> {
    /// Columns before the stages.
    pub(super) columns: BTreeSet<String>,
    /// The stages that have to be applied, in order.
    pub(super) links: Vec<&'a Link>,
}

impl<'a> Demand<'a> {
    /// A stage is applied if its outputs are requested or lead to requested columns and the source does not hold them, or if
    /// it drops rows. There are `before` stages before these.
    pub(super) fn of(
        mut columns: BTreeSet<String>,
        links: &'a [Arc<Link>],
        before: usize,
        source: &Source,
    ) -> Self {
        let mut needed = Vec::new();
        for (place, link) in links.iter().enumerate().rev() {
            if before + place < source.held && columns.iter().all(|column| source.has(column)) {
                break;
            }
            let signature = &link.stage.signature;
            let mut is_asked_for = false;
            for field in signature.outputs.iter().filter(|field| !source.has(field.name())) {
                is_asked_for |= columns.remove(field.name());
            }
            if is_asked_for || signature.drops_rows {
                columns.extend(signature.inputs.names().map(str::to_owned));
                needed.push(&**link);
            }
        }
        needed.reverse();
        Self { columns, links: needed }
    }
}
