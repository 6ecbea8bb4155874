//! Collects values from the rows of a view without summaries.

use luthier_frame::{DataFrame, Schema};
use rayon::prelude::*;

use super::Dataset;
use super::reader::{Branch, Reader};
use crate::rows::Tile;
use crate::{Error, Result};

/// Rows of a stretch: enough to be worth a task, few enough that a frame with one partition has work for every core.
const STRETCH_ROWS: usize = 1 << 14;

impl Dataset {
    /// Calls `add` for the selected rows, tile by tile in the order of the frame, and returns the resulting states. Stretches
    /// of rows are read in parallel, each with its own state. `start` creates a state from the number of selected rows before
    /// the stretch, which includes rows that a stage drops.
    ///
    /// Rows in memory are cut into stretches of about 16,384, whatever their partitions; each partition of a file is one
    /// stretch.
    ///
    /// # Errors
    /// If a column is missing or rows cannot be read; the error of `add` for the first row that has one.
    pub fn gather<T: Send>(
        &self,
        columns: &[&str],
        start: impl Fn(usize) -> T + Sync,
        add: impl Fn(&mut T, &Tile<'_>) -> Result<()> + Sync,
    ) -> Result<Vec<T>> {
        let columns: Vec<String> = columns.iter().map(|&column| column.to_owned()).collect();
        for column in &columns {
            self.schema().require(column)?;
        }
        let stretches = self.source.in_stretches(STRETCH_ROWS)?;
        let branch = Branch { links: &[], columns: &columns };
        let reader = Reader::new(&stretches, &self.links, vec![branch], self.one_group(), &self.meter)?;
        self.meter.work.passes(1);
        let before = stretches.selected_before(&self.rows);
        let states = before.into_par_iter().enumerate().map(|(partition, before)| {
            let mut state = start(before);
            reader
                .for_each_chunk(partition, |chunk| chunk.for_each_tile(0, 0, |tile| add(&mut state, tile)))?;
            Ok(state)
        });
        // All stretches run, so that the first error is that of the first row.
        states.collect::<Vec<Result<T>>>().into_iter().collect()
    }

    /// The selected rows of some columns as a frame of one partition.
    ///
    /// # Errors
    /// If a column is missing or rows cannot be read; no column or the same one twice.
    pub fn collect(&self, columns: &[&str]) -> Result<DataFrame> {
        if columns.is_empty() {
            return Err(Error::invalid("no columns to collect: name at least one column"));
        }
        let fields: Vec<_> =
            columns.iter().map(|column| Ok(self.schema().require(column)?.clone())).collect::<Result<_>>()?;
        let schema = Schema::new(fields)?;
        let frames = self.gather(
            columns,
            |_| Vec::new(),
            |frames, tile| {
                frames.push(frame_of(tile, &schema)?);
                Ok(())
            },
        )?;
        let frames: Vec<DataFrame> =
            [DataFrame::empty(schema.clone())].into_iter().chain(frames.into_iter().flatten()).collect();
        Ok(DataFrame::concat(&frames)?.coalesce(1)?)
    }
}

fn frame_of(tile: &Tile<'_>, schema: &Schema) -> Result<DataFrame> {
    let columns = schema.fields().iter().map(|field| Ok((field.clone(), tile.column(field.name())?)));
    Ok(DataFrame::from_fields(columns.collect::<Result<_>>()?)?)
}
