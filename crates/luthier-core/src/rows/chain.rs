//! Fitted stages one after the other.

use std::collections::HashMap;

use luthier_frame::arrow_array::Array;
use luthier_frame::{ArrayRef, DataFrame, Schema};
use rayon::prelude::*;

use super::{Batch, BoundStage};
use crate::{Error, Result};

/// Where in a batch each column stands.
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
        let absent = |name: &str| Error::invalid(format!("there is no column `{name}`"));
        names.into_iter().map(|name| self.find(name).ok_or_else(|| absent(name))).collect()
    }

    fn append(&mut self, names: impl IntoIterator<Item = &'a str>) {
        for name in names {
            self.of.insert(name, self.of.len());
        }
    }
}

/// Stages that rows go through, with the places of what each of them reads.
#[derive(Debug, Clone, Default)]
pub(crate) struct Chain {
    stages: Vec<(BoundStage, Vec<usize>)>,
}

impl Chain {
    /// `places` are those in front of the stages, and become those behind them.
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

    /// The rows with what the stages append; `None` if all of them are left out.
    pub(crate) fn run(&self, batch: Batch) -> Result<Option<Batch>> {
        self.stages.iter().try_fold(Some(batch), |batch, (stage, reads)| match batch {
            Some(batch) => stage.apply(batch, reads),
            None => Ok(None),
        })
    }
}

/// Rows of a frame that go through the stages at once: few enough to stay in a cache, enough to be worth a task.
const CHUNK_ROWS: usize = 4096;

/// A frame with the columns that `run` appends to its batches; `schema` is that of the result. Partitions stay.
pub(crate) fn through_frame<E: From<luthier_frame::Error> + From<Error> + Send>(
    data: &DataFrame,
    schema: Schema,
    run: impl Fn(Batch) -> Result<Option<Batch>, E> + Sync,
) -> Result<DataFrame, E> {
    let starts = data.partitions().iter().scan(0, |next, partition| {
        let start = *next;
        *next += partition.num_rows();
        Some(start)
    });
    let starts: Vec<usize> = starts.collect();
    let partitions = data.partitions().par_iter().zip(starts).map(|(partition, mut first_row)| {
        let mut batches = Vec::new();
        for batch in partition.batches(None)? {
            let batch = batch?;
            batches.extend(through_batch(batch.columns(), batch.num_rows(), first_row, &run)?);
            first_row += batch.num_rows();
        }
        Ok(batches)
    });
    // All of them, so that the first error is that of the first row.
    let partitions = partitions.collect::<Vec<Result<_, E>>>().into_iter().collect::<Result<_, E>>()?;
    Ok(DataFrame::from_arrays(schema, partitions)?)
}

/// One batch, chunk by chunk in parallel, with its columns as they are unless rows are left out.
fn through_batch<E: From<Error> + Send>(
    arrays: &[ArrayRef],
    rows: usize,
    first_row: usize,
    run: &(impl Fn(Batch) -> Result<Option<Batch>, E> + Sync),
) -> Result<Option<(Vec<ArrayRef>, usize)>, E> {
    let starts: Vec<usize> = (0..rows).step_by(CHUNK_ROWS).collect();
    let chunks = starts.into_par_iter().map(|start| {
        let len = CHUNK_ROWS.min(rows - start);
        let slices: Vec<ArrayRef> = arrays.iter().map(|array| array.slice(start, len)).collect();
        run(Batch::new(&slices, len, first_row + start))
    });
    let chunks = chunks.collect::<Vec<_>>().into_iter().collect::<Result<Vec<_>, E>>()?;
    let mut chunks: Vec<Batch> = chunks.into_iter().flatten().collect();
    let left: usize = chunks.iter().map(|chunk| chunk.rows).sum();
    let Some(columns) = chunks.first().map(|chunk| chunk.columns.len()) else { return Ok(None) };
    let kept = if left == rows { arrays } else { &[] };
    let mut whole = kept.to_vec();
    let mut parts: Vec<Vec<ArrayRef>> = vec![Vec::with_capacity(chunks.len()); columns - kept.len()];
    for chunk in &mut chunks {
        for (part, column) in parts.iter_mut().zip(chunk.columns.drain(..).skip(kept.len())) {
            part.push(column.into_array());
        }
    }
    for mut part in parts {
        whole.push(match (part.len(), part.pop()) {
            (1, Some(only)) => only,
            (_, last) => {
                part.extend(last);
                let parts: Vec<&dyn Array> = part.iter().map(|array| array.as_ref()).collect();
                let joined = arrow_select::concat::concat(&parts);
                joined.map_err(|e| Error::invalid(e.to_string()))?
            }
        });
    }
    Ok(Some((whole, left)))
}
