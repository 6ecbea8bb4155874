//! A fitted stage that rows are looked at through.

use std::collections::BTreeSet;
use std::sync::Arc;

use luthier_frame::{DataFrame, RecordBatch, Schema};

use crate::affine::Affine;
use crate::stage::{DynModel, LineageStep, catch_panic};
use crate::{Error, Result};

#[derive(Debug, Clone)]
pub(super) struct Link {
    pub(super) model: Arc<dyn DynModel>,
    pub(super) schema: Schema,
    pub(super) step: Arc<LineageStep>,
    pub(super) affine: Option<Arc<Affine>>,
}

impl Link {
    pub(super) fn new(model: Arc<dyn DynModel>, before: &Schema) -> Result<Self> {
        let schema = model.transform_schema(before)?;
        let affine = catch_panic(model.type_name(), || Ok(model.affine()))?;
        let step = LineageStep::new(before, &schema, affine.as_ref().map(|map| map.columns.clone()));
        Ok(Self { model, schema, step: Arc::new(step), affine: affine.map(Arc::new) })
    }

    /// Transforms rows that begin at `first_row` of the frame.
    fn apply(&self, batch: RecordBatch, first_row: usize) -> Result<RecordBatch> {
        let rows = batch.num_rows();
        let data = DataFrame::from_batches(vec![batch])?;
        let out = self.model.transform(&data).map_err(|e| e.in_rows_from(first_row))?;
        let mut batches =
            out.partitions().first().map(|p| p.batches(None)).transpose()?.into_iter().flatten();
        match (batches.next().transpose()?, batches.next()) {
            (Some(batch), None) if batch.num_rows() == rows => Ok(batch),
            _ => Err(Error::invalid(format!(
                "`{}` changed the number or grouping of the rows; a transformer keeps them",
                self.model.type_name()
            ))),
        }
    }
}

/// Applies those of the links whose outputs are among the columns asked for or lead to them.
pub(super) fn apply_all(
    links: &[Link],
    needed: &[bool],
    batch: RecordBatch,
    first_row: usize,
) -> Result<RecordBatch> {
    links
        .iter()
        .zip(needed)
        .filter(|(_, needed)| **needed)
        .try_fold(batch, |batch, (link, _)| link.apply(batch, first_row))
}

/// What has to be read and applied to see some columns behind a chain.
#[derive(Debug)]
pub(super) struct Demand {
    /// Columns in front of the chain; `None` for all of them.
    pub(super) columns: Option<BTreeSet<String>>,
    /// For each link, whether it has to be applied.
    pub(super) links: Vec<bool>,
}

impl Demand {
    pub(super) fn of(columns: &[String], links: &[Link]) -> Self {
        Self::extend(Some(columns.iter().cloned().collect()), links)
    }

    pub(super) fn extend(mut columns: Option<BTreeSet<String>>, links: &[Link]) -> Self {
        let mut needed = vec![false; links.len()];
        for (link, needed) in links.iter().zip(&mut needed).rev() {
            let outputs = link.step.outputs();
            *needed = columns.as_ref().is_none_or(|columns| outputs.iter().any(|out| columns.contains(out)));
            if !*needed {
                continue;
            }
            columns = match (columns, link.step.affine_columns()) {
                (Some(mut columns), Some(map)) if *outputs == [map.output.as_str()] => {
                    columns.retain(|column| !outputs.contains(column));
                    columns.extend(map.inputs.iter().cloned());
                    Some(columns)
                }
                // What a stage that does more than an affine map reads is its own affair.
                _ => None,
            };
        }
        Self { columns, links: needed }
    }
}
