//! Operations that derive a frame from frames. Buffers are shared, and the order of rows never changes.

use std::collections::HashSet;
use std::sync::Arc;

use arrow_array::{ArrayRef, BooleanArray, RecordBatch};

use crate::partition::{BatchMaker, Loaded, Part, record_batch};
use crate::predicate::is_missing;
use crate::view::View;
use crate::{Column, DataFrame, Error, Field, Partition, Result, Schema};

/// The columns of some rows and, if some rows were left out, a mask of the remaining ones.
pub type MappedRows = (Vec<ArrayRef>, Option<Vec<bool>>);

impl DataFrame {
    /// These columns, in this order.
    ///
    /// # Errors
    /// [`Error::UnknownColumn`], or [`Error::DuplicateColumn`] for a duplicate name.
    pub fn select(&self, columns: &[&str]) -> Result<Self> {
        let positions: Vec<usize> =
            columns.iter().map(|name| self.schema().require_index(name)).collect::<Result<_>>()?;
        self.project(&positions)
    }

    /// All columns but these.
    ///
    /// # Errors
    /// [`Error::UnknownColumn`].
    pub fn drop(&self, columns: &[&str]) -> Result<Self> {
        let dropped = columns.iter().map(|name| self.schema().require_index(name));
        let dropped = dropped.collect::<Result<HashSet<usize>>>()?;
        let kept = (0..self.schema().len()).filter(|position| !dropped.contains(position));
        self.project(&kept.collect::<Vec<_>>())
    }

    /// The same frame with the column `from` renamed to `to`.
    ///
    /// # Errors
    /// [`Error::UnknownColumn`], or [`Error::DuplicateColumn`] if `to` is another column.
    pub fn rename(&self, from: &str, to: &str) -> Result<Self> {
        let renamed = self.schema().require_index(from)?;
        let mut fields = self.schema().fields().to_vec();
        fields[renamed] = fields[renamed].clone().with_name(to);
        self.arranged(fields.into_iter().enumerate().map(|(index, field)| (field, index)).collect())
    }

    fn project(&self, positions: &[usize]) -> Result<Self> {
        let fields = self.schema().fields();
        self.arranged(positions.iter().map(|&index| (fields[index].clone(), index)).collect())
    }

    pub(crate) fn arranged(&self, columns: Vec<(Field, usize)>) -> Result<Self> {
        let schema = Schema::new(columns.iter().map(|(field, _)| field.clone()).collect())?;
        let partitions: Result<Vec<Partition>> =
            self.partitions().iter().map(|partition| partition.project(&columns)).collect();
        Ok(Self::from_parts(schema, partitions?))
    }

    /// Replaces the values of columns by their original cells in the CSV file, if these were kept
    /// ([`CsvOptions::keep_spelling`](crate::CsvOptions::keep_spelling)); other columns are unchanged.
    ///
    /// # Errors
    /// None are expected: all columns are those of the frame.
    pub fn as_spelt(&self) -> Result<Self> {
        let schema = self.schema();
        let own = schema.fields().iter().enumerate().filter(|(_, field)| field.spelling_of().is_none());
        let spelt = |(at, field): (usize, &Field)| match schema.spelling_of(field.name()) {
            Some(spelling) => {
                Ok((spelling.clone().with_name(field.name()), schema.require_index(spelling.name())?))
            }
            None => Ok((field.clone(), at)),
        };
        self.arranged(own.map(spelt).collect::<Result<_>>()?)
    }

    /// Appends a column; its values are divided among the partitions without a copy.
    ///
    /// A scanned frame is loaded into memory.
    ///
    /// # Errors
    /// [`Error::DuplicateColumn`]; [`Error::Length`] unless there is one value per row.
    pub fn with_column(&self, name: &str, column: Column) -> Result<Self> {
        self.with_field(column.field(name), column)
    }

    /// As [`with_column`](Self::with_column), with the name and metadata of `field`, whose type must be that of the column.
    ///
    /// # Errors
    /// As `with_column`; [`Error::ColumnType`].
    pub fn with_field(&self, field: Field, column: Column) -> Result<Self> {
        self.with_fields([(field, column)])
    }

    /// As [`with_field`](Self::with_field), for several columns at once.
    ///
    /// # Errors
    /// As `with_field`.
    pub fn with_fields(&self, columns: impl IntoIterator<Item = (Field, Column)>) -> Result<Self> {
        let (mut fields, mut appended) = (Vec::new(), Vec::new());
        for (field, column) in columns {
            if column.len() != self.num_rows() {
                let what = field.name().to_owned();
                return Err(Error::Length { what, expected: self.num_rows(), found: column.len() });
            }
            fields.push(column.check(field)?);
            appended.push(column);
        }
        let schema = self.schema().with_fields(fields)?;
        let mut row = 0;
        self.map_batches(schema.clone(), |Loaded { batch, origin }| {
            let values = appended.iter().map(|column| column.array().slice(row, batch.num_rows()));
            let arrays: Vec<ArrayRef> = batch.columns().iter().cloned().chain(values).collect();
            row += batch.num_rows();
            Ok(Loaded { batch: record_batch(schema.fields(), arrays, batch.num_rows())?, origin })
        })
    }

    /// The rows at which `mask` is true. The number of partitions stays the same; some may become empty.
    ///
    /// A scanned frame stays a scan: rows are left out when they are read.
    ///
    /// # Errors
    /// [`Error::Length`] unless the mask has one value per row.
    pub fn filter(&self, mask: &[bool]) -> Result<Self> {
        if mask.len() != self.num_rows() {
            let what = "mask".to_owned();
            return Err(Error::Length { what, expected: self.num_rows(), found: mask.len() });
        }
        let mut rest = mask;
        let mut partitions = Vec::with_capacity(self.num_partitions());
        for partition in self.partitions() {
            let mut parts = Vec::with_capacity(partition.parts().len());
            for part in partition.parts() {
                let (here, after) = rest.split_at(part.num_rows().min(rest.len()));
                rest = after;
                parts.push(match part {
                    _ if !here.contains(&false) => part.clone(),
                    Part::Batch(Loaded { batch, origin }) => {
                        let mask = BooleanArray::from(here.to_vec());
                        let batch = arrow_select::filter::filter_record_batch(batch, &mask)?;
                        let origin = origin.as_ref().map(|origin| origin.keep(here));
                        Part::Batch(Loaded { batch, origin })
                    }
                    _ => Part::View(View::of(part, self.schema().fields()).keep(here)),
                });
            }
            partitions.push(Partition::new(parts));
        }
        Ok(Self::from_parts(self.schema().clone(), partitions))
    }

    /// The rows that have a value in each of these columns: no null, and no NaN in numbers and vectors.
    ///
    /// ```
    /// # use luthier_frame::{Column, DataFrame};
    /// let frame = DataFrame::from_columns(vec![
    ///     ("x", Column::f64(vec![1.0, f64::NAN, 3.0, 4.0])),
    ///     ("y", Column::f64_nullable(vec![Some(1.0), Some(2.0), None, Some(4.0)])),
    /// ])?;
    /// assert_eq!(frame.drop_nulls(&["x", "y"])?.column_f64("x")?, [1.0, 4.0]);
    /// assert_eq!(frame.drop_nulls(&["x"])?.num_rows(), 3);
    /// # Ok::<(), luthier_frame::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::UnknownColumn`].
    pub fn drop_nulls(&self, columns: &[&str]) -> Result<Self> {
        let positions: Vec<usize> =
            columns.iter().map(|name| self.schema().require_index(name)).collect::<Result<_>>()?;
        let mut mask = Vec::with_capacity(self.num_rows());
        for partition in self.partitions() {
            for batch in partition.batches(Some(&positions))? {
                let batch = batch?;
                let first = mask.len();
                mask.resize(first + batch.num_rows(), true);
                for array in batch.columns() {
                    for (kept, missing) in mask[first..].iter_mut().zip(is_missing(array)) {
                        *kept &= !missing;
                    }
                }
            }
        }
        self.filter(&mask)
    }

    /// Appends a column that has the same value, that of `value`, in all rows.
    pub(crate) fn with_constant(&self, field: Field, value: &ArrayRef) -> Result<Self> {
        let schema = self.schema().with_field(field.clone())?;
        let mut partitions = Vec::with_capacity(self.num_partitions());
        for partition in self.partitions() {
            let with = |part| {
                Part::View(
                    View::of(part, self.schema().fields()).with_constant(field.clone(), Arc::clone(value)),
                )
            };
            let constant = Partition::new(partition.parts().iter().map(with));
            partitions.push(if partition.is_in_memory() { constant.load()? } else { constant });
        }
        Ok(Self::from_parts(schema, partitions))
    }

    /// A frame of other columns for the same rows. `map` receives each batch with the number of its first row and returns the
    /// columns of `schema`. It may leave rows out: then it returns a mask of the remaining rows and columns for these, or `None`
    /// if no row remains. The number of partitions stays the same.
    ///
    /// # Errors
    /// Those of `map`; [`Error::SchemaMismatch`] for another number of columns; [`Error::ColumnType`] for one of another
    /// type.
    pub fn map_rows<E: From<Error>>(
        &self,
        schema: Schema,
        mut map: impl FnMut(&RecordBatch, usize) -> Result<Option<MappedRows>, E>,
    ) -> Result<Self, E> {
        let mut maker = BatchMaker::new(&schema);
        let mut row = 0;
        self.map_batches(schema.clone(), |Loaded { batch, origin }| {
            let mapped = map(&batch, row)?;
            row += batch.num_rows();
            let Some((arrays, kept)) = mapped else {
                return Ok(Loaded { batch: RecordBatch::new_empty(batch.schema()), origin });
            };
            let (rows, origin) = match kept {
                Some(kept) => {
                    let rows = kept.iter().filter(|kept| **kept).count();
                    (rows, origin.map(|origin| origin.keep(&kept)))
                }
                None => (batch.num_rows(), origin),
            };
            Ok(Loaded { batch: maker.make(arrays, rows)?, origin })
        })
    }

    fn map_batches<E: From<Error>>(
        &self,
        schema: Schema,
        mut map: impl FnMut(Loaded) -> Result<Loaded, E>,
    ) -> Result<Self, E> {
        let mut partitions = Vec::with_capacity(self.num_partitions());
        for partition in self.partitions() {
            let mut parts = Vec::with_capacity(partition.parts().len());
            for part in partition.parts() {
                let mut done = 0;
                let origin = part.origin();
                for batch in part.batches(None, None)? {
                    let batch = batch?;
                    let origin = origin.as_ref().map(|origin| origin.skip(done));
                    done += batch.num_rows();
                    parts.push(Part::Batch(map(Loaded { batch, origin })?));
                }
            }
            partitions.push(Partition::new(parts));
        }
        Ok(Self::from_parts(schema, partitions))
    }

    /// The rows `offset..offset + len`. Partitions without such rows are left out.
    ///
    /// # Errors
    /// [`Error::OutOfRange`] if the frame has fewer rows.
    pub fn slice(&self, offset: usize, len: usize) -> Result<Self> {
        let rows = self.num_rows();
        if offset.checked_add(len).is_none_or(|end| end > rows) {
            return Err(Error::OutOfRange { offset, len, rows });
        }
        Ok(self.cut(offset, len))
    }

    /// The first `n` rows, or all if there are fewer.
    pub fn head(&self, n: usize) -> Self {
        self.cut(0, n)
    }

    fn cut(&self, offset: usize, len: usize) -> Self {
        let partitions =
            self.slices(offset, len).into_iter().map(Partition::new).filter(|part| part.num_rows() > 0);
        Self::from_parts(self.schema().clone(), partitions.collect())
    }

    /// The rows `offset..offset + len`, partition by partition.
    fn slices(&self, offset: usize, len: usize) -> Vec<Vec<Part>> {
        let (mut start, end) = (0, offset.saturating_add(len));
        let mut slices = Vec::new();
        for partition in self.partitions() {
            let stop = start + partition.num_rows();
            let (from, to) = (offset.clamp(start, stop), end.clamp(start, stop));
            slices.push(partition.slice(from - start, to - from));
            start = stop;
        }
        slices
    }

    /// The rows of these frames, one frame after the other, with their partitions.
    ///
    /// The frames must have the same columns; the first frame determines their order.
    ///
    /// # Errors
    /// No frame; [`Error::SchemaMismatch`] if names or types differ.
    pub fn concat(frames: &[Self]) -> Result<Self> {
        let Some(first) = frames.first() else {
            return Err(Error::Argument {
                argument: "the list of frames",
                found: "empty".to_owned(),
                expected: "at least one frame",
            });
        };
        let names: Vec<&str> = first.schema().names().collect();
        let mut fields = first.schema().fields().to_vec();
        let mut partitions = Vec::new();
        for frame in frames {
            let mismatch = || Error::SchemaMismatch {
                expected: first.schema().to_string(),
                found: frame.schema().to_string(),
            };
            if frame.schema().len() != names.len() {
                return Err(mismatch());
            }
            let frame = frame.select(&names).map_err(|_| mismatch())?;
            for (field, other) in fields.iter_mut().zip(frame.schema().fields()) {
                if field.column_type() != other.column_type() {
                    return Err(mismatch());
                }
                *field = field.clone().with_nullable(field.nullable() || other.nullable());
            }
            partitions.extend(frame.partitions().iter().cloned());
        }
        Ok(Self::from_parts(Schema::new(fields)?, partitions))
    }

    /// The same rows in `n` partitions whose sizes differ by at most one row. With fewer rows than `n`, some
    /// partitions are empty.
    ///
    /// Batches are sliced, not copied, and a scanned row group may be read by several partitions.
    ///
    /// # Errors
    /// [`Error::Argument`] if `n` is 0.
    pub fn repartition(&self, n: usize) -> Result<Self> {
        let n = positive_partitions(n)?;
        let rows = self.num_rows() as u128;
        let bound = |index: usize| (rows * index as u128 / n as u128) as usize;
        let partitions = (0..n).map(|index| {
            let (start, end) = (bound(index), bound(index + 1));
            Partition::new(self.slices(start, end - start).into_iter().flatten())
        });
        Ok(Self::from_parts(self.schema().clone(), partitions.collect()))
    }

    /// Merges neighbouring partitions until there are at most `n`; no batch is cut.
    ///
    /// # Errors
    /// [`Error::Argument`] if `n` is 0.
    pub fn coalesce(&self, n: usize) -> Result<Self> {
        let (n, count) = (positive_partitions(n)?, self.num_partitions());
        if n >= count {
            return Ok(self.clone());
        }
        let partitions = (0..n).map(|group| {
            let members = &self.partitions()[group * count / n..(group + 1) * count / n];
            Partition::new(members.iter().flat_map(Partition::parts).cloned())
        });
        Ok(Self::from_parts(self.schema().clone(), partitions.collect()))
    }

    /// The same frame with all rows in memory.
    ///
    /// # Errors
    /// Any error of the files that are read.
    pub fn collect(&self) -> Result<Self> {
        let partitions: Result<Vec<Partition>> = self.partitions().iter().map(Partition::load).collect();
        Ok(Self::from_parts(self.schema().clone(), partitions?))
    }
}

fn positive_partitions(n: usize) -> Result<usize> {
    if n == 0 {
        return Err(Error::Argument {
            argument: "the number of partitions",
            found: "0".to_owned(),
            expected: "at least 1",
        });
    }
    Ok(n)
}
