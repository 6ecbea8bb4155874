//! Sequences of fitted stages.

use std::collections::HashMap;

use arrow_select::{concat::concat, filter::filter_record_batch};
use luthier_frame::arrow_array::BooleanArray;
use luthier_frame::arrow_schema::ArrowError;
use luthier_frame::{ArrayRef, DataFrame, MappedRows, RecordBatch, Schema};
use rayon::prelude::*;

use super::{Batch, BoundStage};
use crate::{Error, Result};

/// The position of each column in a batch.
#[derive(Debug, Clone, Default)]
pub(crate) struct Places<'a> {
    of: HashMap<&'a str, usize>,
}

impl<'a> Places<'a> {
    pub(crate) fn new(names: impl IntoIterator<Item = &'a str>) -> Self {
        Self { of: names.into_iter().enumerate().map(|(place, name)| (name, place)).collect() }
    }

    pub(crate) fn find(&self, name: &str) -> Option<usize> {
        self.of.get(name).copied()
    }

    /// The places of these columns.
    pub(crate) fn find_all<'n>(&self, names: impl IntoIterator<Item = &'n str>) -> Result<Vec<usize>> {
        let absent = |name: &str| Error::invalid(format!("the column `{name}` does not exist"));
        names.into_iter().map(|name| self.find(name).ok_or_else(|| absent(name))).collect()
    }

    fn append(&mut self, names: impl IntoIterator<Item = &'a str>) {
        for name in names {
            self.of.insert(name, self.of.len());
        }
    }
}

/// Stages that rows pass through, with the positions of the columns that each of them reads.
#[derive(Debug, Clone, Default)]
pub(crate) struct Chain {
    stages: Vec<(BoundStage, Vec<usize>)>,
}

impl Chain {
    /// `places` are the positions before the stages, and become those after them.
    pub(crate) fn new<'a>(
        stages: impl IntoIterator<Item = &'a BoundStage>,
        places: &mut Places<'a>,
    ) -> Result<Self> {
        let stages = stages.into_iter().map(|stage| {
            let reads = places.find_all(stage.signature.inputs.names())?;
            places.append(stage.signature.outputs.iter().map(|field| field.name()));
            Ok((stage.clone(), reads))
        });
        Ok(Self { stages: stages.collect::<Result<_>>()? })
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.stages.is_empty()
    }

    /// The rows with the columns that the stages append; `None` if all rows are dropped.
    pub(crate) fn run(&self, batch: Batch) -> Result<Option<Batch>> {
        self.stages.iter().try_fold(Some(batch), |batch, (stage, reads)| match batch {
            Some(batch) => stage.apply(batch, reads),
            None => Ok(None),
        })
    }
}

/// The number of rows that pass through the stages at once: few enough to stay in a cache, enough to be worth a task.
const CHUNK_ROWS: usize = 4096;

/// A frame with the columns that `run` appends to its batches; `schema` is that of the result. The partitions stay the same.
pub(crate) fn through_frame<E: From<luthier_frame::Error> + From<Error> + Send>(
    data: &DataFrame,
    schema: Schema,
    run: impl Fn(Batch) -> Result<Option<Batch>, E> + Sync,
) -> Result<DataFrame, E> {
    let appended = schema.len() - data.schema().len();
    data.map_rows(schema, |batch, first_row| through_batch(batch, first_row, appended, &run))
}

/// The columns of a batch and those that are appended to it, chunk by chunk in parallel, with a mask of the remaining rows
/// if some are dropped; `None` if no row remains.
fn through_batch<E: From<Error> + Send>(
    batch: &RecordBatch,
    first_row: usize,
    appended: usize,
    run: &(impl Fn(Batch) -> Result<Option<Batch>, E> + Sync),
) -> Result<Option<MappedRows>, E> {
    let (rows, width) = (batch.num_rows(), batch.num_columns());
    let starts: Vec<usize> = (0..rows).step_by(CHUNK_ROWS).collect();
    let chunks = starts.into_par_iter().map(|start| {
        let len = CHUNK_ROWS.min(rows - start);
        if len == rows {
            return run(Batch::new(batch.columns(), rows, first_row));
        }
        let slices: Vec<ArrayRef> = batch.columns().iter().map(|array| array.slice(start, len)).collect();
        run(Batch::new(&slices, len, first_row + start))
    });
    // All chunks run, so that the first error is that of the first row.
    let chunks = chunks.collect::<Vec<_>>().into_iter().collect::<Result<Vec<_>, E>>()?;
    let chunks: Vec<Batch> = chunks.into_iter().flatten().collect();
    if chunks.is_empty() {
        return Ok(None);
    }
    let mut kept = vec![false; rows];
    let mut parts: Vec<Vec<ArrayRef>> = vec![Vec::with_capacity(chunks.len()); appended];
    for chunk in chunks {
        for i in 0..chunk.rows {
            if let Some(kept) = kept.get_mut(chunk.origin.number(i) - first_row) {
                *kept = true;
            }
        }
        for (part, column) in parts.iter_mut().zip(chunk.columns.into_iter().skip(width)) {
            part.push(column.into_array());
        }
    }
    let kept = Some(kept).filter(|kept| kept.contains(&false));
    let mut columns = match &kept {
        None => batch.columns().to_vec(),
        Some(kept) => {
            filter_record_batch(batch, &BooleanArray::from(kept.clone())).map_err(arrow)?.columns().to_vec()
        }
    };
    for mut part in parts {
        columns.push(match (part.len(), part.pop()) {
            (1, Some(only)) => only,
            (_, last) => {
                part.extend(last);
                concat(&part.iter().map(|array| array.as_ref()).collect::<Vec<_>>()).map_err(arrow)?
            }
        });
    }
    Ok(Some((columns, kept)))
}

fn arrow(error: ArrowError) -> Error {
    luthier_frame::Error::from(error).into()
}
