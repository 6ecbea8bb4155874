//! A fitted stage that rows are looked at through.

use std::collections::BTreeSet;
use std::sync::Arc;

use luthier_frame::{Column, DataFrame, RecordBatch, Schema, numbers};

use super::origin::Origin;
use crate::affine::Affine;
use crate::stage::{DynModel, LineageStep, catch_panic};
use crate::{Error, Result};

#[derive(Debug, Clone)]
pub(super) struct Link {
    pub(super) model: Arc<dyn DynModel>,
    pub(super) schema: Schema,
    pub(super) step: Arc<LineageStep>,
    pub(super) affine: Option<Arc<Affine>>,
    inputs: Option<Vec<String>>,
    drops_rows: bool,
    /// The stage's name in its pipeline, for errors.
    name: Option<Arc<str>>,
}

/// Numbers the rows where a stage may leave some out. No stage names it.
const ROW: &str = "\u{0}row";

impl Link {
    pub(super) fn new(model: Arc<dyn DynModel>, before: &Schema) -> Result<Self> {
        let schema = model.transform_schema(before)?;
        let (affine, inputs, drops_rows) = catch_panic(model.type_name(), || {
            Ok((model.affine(), model.input_columns(), model.drops_rows()))
        })?;
        let affine = affine.filter(|_| !drops_rows);
        let step = LineageStep::new(before, &schema, affine.as_ref().map(|map| map.columns.clone()))
            .dropping_rows(drops_rows);
        Ok(Self {
            model,
            schema,
            step: Arc::new(step),
            affine: affine.map(Arc::new),
            inputs,
            drops_rows,
            name: None,
        })
    }

    pub(super) fn named(self, name: &str) -> Self {
        Self { name: Some(name.into()), ..self }
    }

    /// Transforms rows; `None` if all are left out.
    fn apply(&self, rows: View) -> Result<Option<View>> {
        let View { batch, origin } = rows;
        let count = batch.num_rows();
        let mut data = DataFrame::from_batches(vec![batch])?;
        if self.drops_rows {
            data = data.with_column(ROW, Column::i64((0..count as i64).collect()))?;
        }
        let named = |e: Error| match &self.name {
            Some(name) => e.in_stage_of(name, self.model.type_name()),
            None => e,
        };
        let out = self.model.transform(&data).map_err(|e| named(e.with_rows(&|i| origin.number(i))))?;
        let mut batches =
            out.partitions().first().map(|p| p.batches(None)).transpose()?.into_iter().flatten();
        match (batches.next().transpose()?, batches.next()) {
            (Some(batch), None) if !self.drops_rows && batch.num_rows() == count => {
                Ok(Some(View { batch, origin }))
            }
            (batch, None) if self.drops_rows => batch.map(|batch| self.renumbered(batch, origin)).transpose(),
            _ => Err(Error::invalid(format!(
                "`{}` changed the number or grouping of the rows; a transformer keeps them or says by \
                 `drops_rows` that it does not",
                self.model.type_name()
            ))),
        }
    }

    /// The rows that were not left out, without their numbers.
    fn renumbered(&self, batch: RecordBatch, origin: Origin) -> Result<View> {
        let lost = || {
            let name = self.model.type_name();
            Error::invalid(format!("`{name}` lost columns; a transformer keeps those that are there"))
        };
        let row = batch.schema_ref().index_of(ROW).map_err(|_| lost())?;
        let numbers = numbers(batch.column(row).as_ref()).ok_or_else(lost)?.into_owned();
        let others: Vec<usize> = (0..batch.num_columns()).filter(|&column| column != row).collect();
        let origin = origin.keep(numbers.iter().map(|&position| position as usize));
        let batch = batch.project(&others).map_err(|_| lost())?;
        Ok(View { batch, origin })
    }
}

/// Rows and where they come from.
#[derive(Debug, Clone)]
pub(super) struct View {
    pub(super) batch: RecordBatch,
    pub(super) origin: Origin,
}

/// Applies those of the links whose outputs are among the columns asked for or lead to them, or that leave rows out.
pub(super) fn apply_all(links: &[Link], needed: &[bool], rows: View) -> Result<Option<View>> {
    let mut needed = links.iter().zip(needed).filter(|(_, needed)| **needed);
    needed.try_fold(Some(rows), |rows, (link, _)| rows.map_or(Ok(None), |rows| link.apply(rows)))
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
            *needed = link.drops_rows
                || columns.as_ref().is_none_or(|columns| outputs.iter().any(|out| columns.contains(out)));
            if !*needed {
                continue;
            }
            let inputs = match (&link.inputs, link.step.affine_columns()) {
                (Some(inputs), _) => Some(inputs),
                (None, Some(map)) if *outputs == [map.output.as_str()] => Some(&map.inputs),
                // What a stage that does more than an affine map reads is its own affair.
                (None, _) => None,
            };
            columns = columns.zip(inputs).map(|(mut columns, inputs)| {
                columns.retain(|column| !outputs.contains(column));
                columns.extend(inputs.iter().cloned());
                columns
            });
        }
        Self { columns, links: needed }
    }
}
