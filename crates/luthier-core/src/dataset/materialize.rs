//! Rows of a view taken out of it.

use std::sync::Arc;

use luthier_frame::{DataFrame, Schema};
use rayon::prelude::*;

use super::reader::{Branch, Reader, Source};
use super::tile::Tile;
use super::{Dataset, Rows};
use crate::{Error, Result};

/// Rows of a partition: many enough to be worth a task, few enough that a fit has work for every core.
const PARTITION_ROWS: usize = 1 << 14;

impl Dataset {
    /// The selected rows of some columns as a dataset of their own, in memory and behind no stage: for a fit that passes
    /// over them many times. Errors still call rows as the frame does.
    ///
    /// It is cut into partitions of about 16,384 rows, whatever the partitions of the frame, so that a pass keeps every
    /// core busy. What is in memory and wanted whole is shared, not copied. A frame that is scanned stays where it is:
    /// then this is the same view, and every pass reads the file.
    ///
    /// # Errors
    /// If a column is missing or rows cannot be read; no column or the same one twice.
    pub fn materialize(&self, columns: &[&str]) -> Result<Self> {
        some(columns)?;
        if !self.source.frame.is_in_memory() {
            return Ok(self.clone());
        }
        let (frame, numbers) = match self.rows == Rows::All && self.links.is_empty() {
            true => (self.source.frame.select(columns)?, self.source.numbers.clone()),
            false => {
                let (frame, numbers) = self.gather(columns, Some(PARTITION_ROWS))?;
                (frame, Some(numbers))
            }
        };
        let partitions = frame.num_rows().div_ceil(PARTITION_ROWS).max(1);
        let source = Source::new(frame.repartition(partitions)?);
        let source = match numbers {
            Some(numbers) => source.with_numbers(numbers),
            None => source,
        };
        let own = Self::from_source(source).counted_by(Arc::clone(&self.work));
        Ok(if self.sharing { own } else { own.without_sharing() })
    }

    /// The selected rows of some columns as a frame of one partition.
    ///
    /// # Errors
    /// Those of [`for_each_tile`](Self::for_each_tile); no column or the same one twice.
    pub fn collect(&self, columns: &[&str]) -> Result<DataFrame> {
        Ok(self.gather(columns, None)?.0.coalesce(1)?)
    }

    /// The selected rows, a batch for every tile of so many rows, and what they are called.
    fn gather(&self, columns: &[&str], tile_rows: Option<usize>) -> Result<(DataFrame, Arc<[usize]>)> {
        some(columns)?;
        let fields: Vec<_> =
            columns.iter().map(|column| Ok(self.schema().require(column)?.clone())).collect::<Result<_>>()?;
        let schema = Schema::new(fields)?;
        let names: Vec<String> = schema.names().map(str::to_owned).collect();
        let branch = Branch { links: &[], columns: &names };
        let mut reader = Reader::new(&self.source, &self.links, vec![branch], self.one_group(), &self.work);
        if let Some(rows) = tile_rows {
            reader = reader.with_tile_rows(rows);
        }
        self.work.passes(1);
        let parts = (0..self.source.frame.num_partitions()).into_par_iter().map(|partition| {
            let (mut frames, mut numbers) = (Vec::new(), Vec::new());
            reader.for_each_chunk(partition, |chunk| {
                chunk.for_each_tile(0, 0, |tile| {
                    frames.push(frame_of(tile, &schema)?);
                    numbers.extend((0..tile.len()).map(|i| tile.row(i)));
                    Ok(())
                })
            })?;
            Ok((frames, numbers))
        });
        let (mut frames, mut numbers) = (vec![DataFrame::empty(schema.clone())], Vec::new());
        for part in parts.collect::<Vec<Result<_>>>() {
            let (more, of_more) = part?;
            frames.extend(more);
            numbers.extend(of_more);
        }
        Ok((DataFrame::concat(&frames)?, numbers.into()))
    }
}

fn some(columns: &[&str]) -> Result<()> {
    match columns {
        [] => Err(Error::invalid("nothing to take out: name at least one column")),
        _ => Ok(()),
    }
}

fn frame_of(tile: &Tile<'_>, schema: &Schema) -> Result<DataFrame> {
    let columns = schema.fields().iter().map(|field| Ok((field.clone(), tile.column(field.name())?)));
    Ok(DataFrame::from_fields(columns.collect::<Result<_>>()?)?)
}
