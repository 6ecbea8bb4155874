//! An opened Parquet file. The sizes that it claims are checked before memory is allocated for them.

use std::collections::HashSet;
use std::fmt;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

use arrow_schema::{DataType, TimeUnit};
use bytes::Bytes;
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{
    ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReader, ParquetRecordBatchReaderBuilder,
};
use parquet::basic::Type;
use parquet::column::page::PageReader;
use parquet::errors::ParquetError;
use parquet::file::metadata::{ColumnChunkMetaData, ParquetMetaData, RowGroupMetaData};
use parquet::file::reader::{ChunkReader, Length};
use parquet::file::serialized_reader::SerializedPageReader;

use super::delta;
use super::guard::{damaged, guarded};
use super::thrift::{footer_is_plausible, page_claims};
use crate::normalize::{Intake, first_unequal, intake, list_width};
use crate::place::{Locate, RowPlace, RowPosition};
use crate::sparse::{MAX_WIDTH, sparse_width};
use crate::{ColumnType, Error, Field, Opaque, Result};

/// Claims of up to this many bytes or values are harmless.
pub(super) const HARMLESS: u64 = 1 << 20;

/// An opened Parquet file: its metadata, and a stamp that shows whether it is still the same file.
pub(super) struct ParquetFile {
    pub(super) path: PathBuf,
    pub(super) metadata: ArrowReaderMetadata,
    stamp: Stamp,
    chunks: Arc<[Chunk]>,
    /// The columns of row groups whose lengths have been checked.
    lengths: Mutex<HashSet<(usize, usize)>>,
}

type Stamp = (u64, Option<SystemTime>);

impl fmt::Debug for ParquetFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ParquetFile").field("path", &self.path).finish_non_exhaustive()
    }
}

impl ParquetFile {
    pub(super) fn open(path: &Path) -> Result<Self> {
        let (mut file, stamp) = open(path)?;
        check_footer(&mut file, stamp.0, path)?;
        guarded(path, || {
            let load = || {
                let options = ArrowReaderOptions::new();
                with_microseconds(ArrowReaderMetadata::load(&file, options)?)
            };
            let metadata = load().map_err(|cause| unreadable(path, cause))?;
            let chunks = Chunk::of_all(metadata.metadata());
            let file = Self { path: path.to_owned(), metadata, stamp, chunks, lengths: Mutex::default() };
            file.check_rows()?;
            Ok(file)
        })
    }

    /// The bytes of the file.
    pub(super) fn bytes(&self) -> Result<CheckedFile> {
        let (file, stamp) = open(&self.path)?;
        if stamp != self.stamp {
            return Err(Error::FileChanged { path: self.path.clone() });
        }
        Ok(CheckedFile { file, len: stamp.0, chunks: Arc::clone(&self.chunks) })
    }

    pub(super) fn reader(
        &self,
        row_groups: Vec<usize>,
        roots: impl IntoIterator<Item = usize>,
        (offset, rows): (usize, usize),
        batch_rows: usize,
    ) -> Result<ParquetRecordBatchReader> {
        let bytes = self.bytes()?;
        let mask = ProjectionMask::roots(self.metadata.parquet_schema(), roots);
        self.check_lengths(&row_groups, &mask)?;
        let mut builder = ParquetRecordBatchReaderBuilder::new_with_metadata(bytes, self.metadata.clone())
            .with_row_groups(row_groups)
            .with_projection(mask)
            .with_batch_size(batch_rows.min(rows).max(1))
            .with_limit(rows);
        if offset > 0 {
            builder = builder.with_offset(offset);
        }
        builder.build().map_err(|cause| unreadable(&self.path, cause))
    }

    /// Checks the lengths of texts that pages claim, once for each column of a row group.
    fn check_lengths(&self, row_groups: &[usize], mask: &ProjectionMask) -> Result<()> {
        let file = Arc::new(self.bytes()?);
        let metadata = self.metadata.metadata();
        for &row_group in row_groups {
            let Some(group) = metadata.row_groups().get(row_group) else { continue };
            let rows = usize::try_from(group.num_rows()).unwrap_or(0);
            for (leaf, chunk) in group.columns().iter().enumerate() {
                let place = (row_group, leaf);
                let is_checked =
                    || self.lengths.lock().unwrap_or_else(PoisonError::into_inner).contains(&place);
                if mask.leaf_included(leaf) && !is_checked() {
                    delta::check(&file, chunk, rows).map_err(|cause| unreadable(&self.path, cause))?;
                    self.lengths.lock().unwrap_or_else(PoisonError::into_inner).insert(place);
                }
            }
        }
        Ok(())
    }

    /// The types of the file's columns at `roots`. Some lists are read to find their length.
    pub(super) fn fields(&self, roots: &[usize]) -> Result<Vec<Field>> {
        let schema = self.metadata.schema();
        roots
            .iter()
            .map(|&root| {
                let field = schema.field(root);
                let column_type = match intake(field.data_type()) {
                    Intake::Keep(column_type) | Intake::Cast(_, column_type) => column_type,
                    Intake::List => self.list_type(root)?,
                };
                self.check_width(root, column_type)?;
                let metadata = field.metadata().clone().into_iter().collect();
                Ok(Field::new(field.name(), column_type)
                    .with_nullable(field.is_nullable() || *field.data_type() == DataType::Null)
                    .with_metadata(metadata)
                    .with_sparse(sparse_width(field.data_type()).is_some()))
            })
            .collect()
    }

    /// Vectors, if all lists of floats have the same length; lists may be null.
    fn list_type(&self, root: usize) -> Result<ColumnType> {
        let (values, rows) = (self.num_values(root), self.num_rows());
        let row_groups: Vec<usize> = (0..self.metadata.metadata().num_row_groups()).collect();
        let mut width = None;
        for batch in guarded(&self.path, || self.reader(row_groups, [root], (0, rows), 1024))? {
            let batch = batch.map_err(|cause| unreadable(&self.path, cause.into()))?;
            let Some(lists) = batch.columns().first() else { continue };
            let Some(first) = width.or_else(|| list_width(lists.as_ref())) else { continue };
            if first_unequal(lists.as_ref(), first).is_some() {
                return Ok(ColumnType::Opaque(Opaque::UnequalLists));
            }
            // If the number of values is as expected, lists of other lengths are unlikely.
            if first.checked_mul(rows) == Some(values) {
                return Ok(ColumnType::Vector { width: first });
            }
            width = Some(first);
        }
        Ok(ColumnType::Vector { width: width.unwrap_or(0) })
    }

    pub(super) fn num_rows(&self) -> usize {
        usize::try_from(self.metadata.metadata().file_metadata().num_rows()).unwrap_or(0)
    }

    /// The number of values at the leaves of a column, including nulls.
    fn num_values(&self, root: usize) -> usize {
        let metadata = self.metadata.metadata();
        let schema = metadata.file_metadata().schema_descr();
        let leaves = (0..schema.num_columns()).filter(|&leaf| schema.get_column_root_idx(leaf) == root);
        let values = |leaf: usize| {
            let chunks = metadata.row_groups().iter().map(move |group| group.column(leaf));
            chunks.map(|chunk| usize::try_from(chunk.num_values()).unwrap_or(0)).sum::<usize>()
        };
        leaves.map(values).max().unwrap_or(0)
    }

    /// Rejects vectors that are wider than the number of values in the file.
    fn check_width(&self, root: usize, column_type: ColumnType) -> Result<()> {
        let ColumnType::Vector { width } = column_type else { return Ok(()) };
        let field = self.metadata.schema().field(root);
        let refuse = |expected: String| {
            let name = field.name();
            let what = format!("column `{name}` claims vectors of {width} numbers, {expected}");
            Err(unreadable(&self.path, damaged(what)))
        };
        if sparse_width(field.data_type()).is_some() {
            return if width > MAX_WIDTH { refuse(format!("expected at most {MAX_WIDTH}")) } else { Ok(()) };
        }
        match self.num_values(root) {
            values if width > values && width > 1 << 16 => refuse(format!("but has only {values} in all")),
            _ => Ok(()),
        }
    }

    /// Checks that each row group has the rows that it claims, as far as possible without reading its values.
    fn check_rows(&self) -> Result<()> {
        let mut rows: u64 = 0;
        for (number, group) in self.metadata.metadata().row_groups().iter().enumerate() {
            let claimed = group.num_rows();
            let refuse = |found: i64| Err(unreadable(&self.path, wrong_rows(number, claimed, found)));
            let flat = group.columns().iter().filter(|chunk| chunk.column_descr().max_rep_level() == 0);
            if let Some(chunk) = flat.clone().find(|chunk| chunk.num_values() != claimed) {
                return refuse(chunk.num_values());
            }
            rows = rows.saturating_add(u64::try_from(claimed).unwrap_or(u64::MAX));
            if rows > self.stamp.0.max(HARMLESS)
                && let Some(chunk) = flat.min_by_key(|chunk| chunk.compressed_size())
            {
                // This many rows in so few bytes are possible, but are counted to be sure.
                let found = self.count_values(group, chunk)?;
                if found != claimed {
                    return refuse(found);
                }
            }
        }
        Ok(())
    }

    /// The number of values in the pages of a column, according to their headers.
    fn count_values(&self, group: &RowGroupMetaData, chunk: &ColumnChunkMetaData) -> Result<i64> {
        let file = Arc::new(self.bytes()?);
        let count = || {
            let rows = usize::try_from(group.num_rows())?;
            let mut pages = SerializedPageReader::new(file, chunk, rows, None)?;
            let mut values: i64 = 0;
            while let Some(page) = pages.peek_next_page()? {
                if !page.is_dict {
                    values = values.saturating_add(i64::try_from(page.num_levels.unwrap_or(0))?);
                }
                pages.skip_next_page()?;
            }
            Ok(values)
        };
        count().map_err(|cause| unreadable(&self.path, cause))
    }
}

pub(super) fn wrong_rows(row_group: usize, claimed: i64, found: i64) -> ParquetError {
    damaged(format!("row group {row_group} claims {claimed} rows, but has {found}"))
}

pub(super) fn unreadable(path: &Path, cause: ParquetError) -> Error {
    Error::ParquetRead { path: path.to_owned(), cause: Box::new(cause) }
}

fn open(path: &Path) -> Result<(File, Stamp)> {
    let io = |cause| Error::Io { path: path.to_owned(), cause };
    let file = File::open(path).map_err(io)?;
    let metadata = file.metadata().map_err(io)?;
    if metadata.is_dir() {
        return Err(io(io::Error::from(io::ErrorKind::IsADirectory)));
    }
    Ok((file, (metadata.len(), metadata.modified().ok())))
}

/// Rejects a footer that claims more than it can hold; the decoder reports everything else that is wrong with it.
fn check_footer(file: &mut File, len: u64, path: &Path) -> Result<()> {
    let io = |cause| Error::Io { path: path.to_owned(), cause };
    let mut tail = [0; 8];
    let Some(end) = len.checked_sub(8) else { return Ok(()) };
    file.seek(SeekFrom::Start(end)).and_then(|_| file.read_exact(&mut tail)).map_err(io)?;
    let [size @ .., b'P', b'A', b'R', b'1'] = tail else { return Ok(()) };
    let size = u32::from_le_bytes(size);
    let Some(start) = end.checked_sub(size.into()) else { return Ok(()) };
    let mut footer = vec![0; size as usize];
    file.seek(SeekFrom::Start(start)).and_then(|_| file.read_exact(&mut footer)).map_err(io)?;
    file.rewind().map_err(io)?;
    if footer_is_plausible(&footer) {
        return Ok(());
    }
    Err(unreadable(path, damaged("its footer claims more than it can hold".to_owned())))
}

/// Reads times of 96 bits as microseconds: as nanoseconds, the default, years after 2262 would overflow.
fn with_microseconds(metadata: ArrowReaderMetadata) -> parquet::errors::Result<ArrowReaderMetadata> {
    let columns = metadata.metadata().file_metadata().schema_descr();
    let root = |leaf: usize| columns.get_column_root_idx(leaf);
    let is_single = |leaf: usize| {
        columns.column(leaf).physical_type() == Type::INT96 && columns.column(leaf).path().parts().len() == 1
    };
    let roots: Vec<usize> = (0..columns.num_columns()).filter(|&leaf| is_single(leaf)).map(root).collect();
    if roots.is_empty() {
        return Ok(metadata);
    }
    let fields = metadata.schema().fields().iter().enumerate().map(|(at, field)| match field.data_type() {
        DataType::Timestamp(TimeUnit::Nanosecond, zone) if roots.contains(&at) => {
            let data_type = DataType::Timestamp(TimeUnit::Microsecond, zone.clone());
            Arc::new(field.as_ref().clone().with_data_type(data_type))
        }
        _ => Arc::clone(field),
    });
    let schema = arrow_schema::Schema::new_with_metadata(
        fields.collect::<arrow_schema::Fields>(),
        metadata.schema().metadata().clone(),
    );
    let options = ArrowReaderOptions::new().with_schema(Arc::new(schema));
    ArrowReaderMetadata::try_new(Arc::clone(metadata.metadata()), options)
}

/// The place of a column's pages in one row group, and the limits for their claims.
#[derive(Debug)]
struct Chunk {
    place: Range<u64>,
    unpacked: u64,
    values: u64,
    /// Whether it says that it has pages whose lengths are checked.
    has_lengths: bool,
}

impl Chunk {
    /// All chunks, ordered by place. Chunks at impossible places are left out: reading them is an error anyway.
    fn of_all(metadata: &ParquetMetaData) -> Arc<[Self]> {
        let of = |chunk: &ColumnChunkMetaData| {
            let start = chunk.dictionary_page_offset().unwrap_or_else(|| chunk.data_page_offset());
            let start = u64::try_from(start).ok()?;
            Some(Self {
                place: start..start.checked_add(u64::try_from(chunk.compressed_size()).ok()?)?,
                unpacked: u64::try_from(chunk.uncompressed_size()).ok()?,
                values: u64::try_from(chunk.num_values()).ok()?,
                has_lengths: chunk.encodings().any(delta::has_lengths),
            })
        };
        let groups = metadata.row_groups().iter();
        let mut chunks: Vec<Self> = groups.flat_map(|group| group.columns().iter().filter_map(of)).collect();
        chunks.sort_by_key(|chunk| chunk.place.start);
        chunks.into()
    }
}

/// A file in which the header of each page is checked before the page is decoded.
#[derive(Debug)]
pub(super) struct CheckedFile {
    file: File,
    len: u64,
    chunks: Arc<[Chunk]>,
}

impl Length for CheckedFile {
    fn len(&self) -> u64 {
        self.len
    }
}

impl ChunkReader for CheckedFile {
    type T = CheckedRead;

    fn get_read(&self, start: u64) -> parquet::errors::Result<CheckedRead> {
        let at = self.chunks.partition_point(|chunk| chunk.place.start <= start);
        let chunk = at.checked_sub(1).and_then(|at| self.chunks.get(at));
        let limits = chunk.filter(|chunk| chunk.place.contains(&start)).map(|chunk| Limits {
            unpacked: chunk.unpacked.max(self.len).max(HARMLESS),
            values: chunk.values.max(self.len).max(HARMLESS),
            has_lengths: chunk.has_lengths,
        });
        Ok(CheckedRead { inner: self.file.get_read(start)?, limits })
    }

    fn get_bytes(&self, start: u64, length: usize) -> parquet::errors::Result<Bytes> {
        if start.checked_add(length as u64).is_none_or(|end| end > self.len) {
            return Err(damaged(format!("{length} bytes at {start} are beyond its end")));
        }
        self.file.get_bytes(start, length)
    }
}

#[derive(Debug, Clone, Copy)]
struct Limits {
    unpacked: u64,
    values: u64,
    has_lengths: bool,
}

/// Reads from the header of a page on.
#[derive(Debug)]
pub(super) struct CheckedRead {
    inner: BufReader<File>,
    /// Present until the first byte is read. A decoder that already knows the header does not read it.
    limits: Option<Limits>,
}

impl Read for CheckedRead {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if let Some(limits) = self.limits.take()
            && let Some(claims) = page_claims(self.inner.fill_buf()?)
        {
            let dictionary = claims.dictionary && claims.values > claims.unpacked.max(HARMLESS);
            if claims.unpacked > limits.unpacked || claims.values > limits.values || dictionary {
                let what = format!("a page claims {} values in {} bytes", claims.values, claims.unpacked);
                return Err(io::Error::other(damaged(what)));
            }
            if delta::NUMBERS.contains(&claims.encoding) && !limits.has_lengths {
                let what = "a page has an encoding that its column does not list".to_owned();
                return Err(io::Error::other(damaged(what)));
            }
        }
        self.inner.read(buffer)
    }
}

impl Locate for ParquetFile {
    fn place(&self, mut row: usize) -> Option<RowPlace> {
        for (row_group, metadata) in self.metadata.metadata().row_groups().iter().enumerate() {
            let rows = usize::try_from(metadata.num_rows()).ok()?;
            if row < rows {
                return Some(RowPlace::new(&self.path, RowPosition::RowGroup { row_group, row }));
            }
            row -= rows;
        }
        None
    }
}
