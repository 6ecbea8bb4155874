//! Files and how they are read.

use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use anyhow::{Result, anyhow, bail};
use luthier::frame::{
    ContentHash, CsvFile, CsvNote, CsvOptions, DataFrame, Error, Field, FileFormat, FileSet,
};
use serde::{Deserialize, Serialize};

use super::{Reading, SavedReading};
use crate::failure;
use crate::output::{is_standard, note};
use crate::place::RowAt;

/// A file format.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Format {
    /// Text with one line per row.
    Csv,
    /// Columns in row groups.
    Parquet,
}

impl Format {
    /// `csv` or `parquet`.
    ///
    /// # Errors
    /// Any other name.
    pub(crate) fn parse(name: &str) -> Result<Self> {
        match name {
            "csv" => Ok(Self::Csv),
            "parquet" => Ok(Self::Parquet),
            other => bail!("unknown format `{other}`, expected csv or parquet"),
        }
    }

    /// The format according to the file extension, before that of a compression; standard input is text.
    pub(crate) fn of(path: &Path) -> Option<Self> {
        if is_standard(path) {
            return Some(Self::Csv);
        }
        let ending = |path: &Path| Some(path.extension()?.to_str()?.to_ascii_lowercase());
        let ending = match ending(path)?.as_str() {
            "gz" | "zst" => ending(Path::new(path.file_stem()?))?,
            other => other.to_owned(),
        };
        match ending.as_str() {
            "csv" | "tsv" | "txt" => Some(Self::Csv),
            "parquet" | "pq" => Some(Self::Parquet),
            _ => None,
        }
    }
}

/// The file extensions that [`DataSource::read`] knows.
const READABLE: &str = ".csv, .tsv, .txt, .parquet or .pq";

/// A file of rows, or several that are one data set.
#[derive(Debug, Clone)]
pub(crate) struct DataSource {
    /// The file, a folder of files, or a glob; `-` is standard input.
    pub(crate) path: PathBuf,
    /// How it is read.
    pub(crate) reading: Reading,
    /// The number of partitions; by default 1 for CSV and one per row group for Parquet.
    pub(crate) partitions: Option<usize>,
    /// Whether each file is a shard.
    pub(crate) shards: bool,
    /// The only columns that are parsed. The cells of all columns of a CSV file are kept as text.
    spelt_except: Option<Vec<String>>,
    opened: Arc<OnceLock<Opened>>,
}

/// What was read.
#[derive(Debug)]
struct Opened {
    frame: DataFrame,
    /// Notes, each with the file it is about.
    notes: Vec<(PathBuf, CsvNote)>,
}

impl DataSource {
    /// A file that is read with the defaults.
    pub(crate) fn new(path: PathBuf) -> Self {
        let (reading, opened) = (Reading::default(), Arc::default());
        Self { path, reading, partitions: None, shards: false, spelt_except: None, opened }
    }

    /// The same file, read in this way.
    pub(crate) fn with_reading(self, reading: Reading) -> Self {
        Self { reading, opened: Arc::default(), ..self }
    }

    /// The same file, but only these columns are parsed. The cells of a CSV file are kept as text; the cells of these columns
    /// are kept in addition to their values.
    pub(crate) fn spelt_except(self, columns: Vec<String>) -> Self {
        Self { spelt_except: Some(columns), opened: Arc::default(), ..self }
    }

    /// Whether the file can be opened and its format is known.
    ///
    /// # Errors
    /// If not.
    pub(crate) fn readable(&self) -> Result<()> {
        self.format()?;
        if is_standard(&self.path) {
            return Ok(());
        }
        let cannot = |e: &std::io::Error| failure::io("read", &self.path, e);
        if self.is_set() {
            return Ok(());
        }
        let metadata = std::fs::metadata(&self.path).map_err(|e| cannot(&e))?;
        // The writer of a pipe would notice that it is opened and closed.
        if metadata.is_file() {
            std::fs::File::open(&self.path).map(drop).map_err(|e| cannot(&e))?;
        }
        Ok(())
    }

    /// Reads all rows of a CSV file. A Parquet file is only opened; its row groups are read when they are needed.
    ///
    /// # Errors
    /// A file that cannot be read; with line and column where the format has them.
    pub(crate) fn read(&self) -> Result<DataFrame> {
        let frame = self.scan()?;
        match self.format()? {
            Format::Csv => {
                let unread = |e| failure::of_frame("read", e);
                // Loaded as one partition and cut afterwards, so that the file is read once and not once per partition.
                let loaded = frame.coalesce(1).and_then(|frame| frame.collect()).map_err(unread)?;
                // Shards are cut by file later, where a batch ends.
                match self.shards {
                    true => Ok(loaded),
                    false => Ok(loaded.repartition(frame.num_partitions())?),
                }
            }
            Format::Parquet => Ok(frame),
        }
    }

    /// Opens the file. Its rows are read when they are needed, and it is opened only once.
    ///
    /// # Errors
    /// As [`read`](Self::read).
    pub(crate) fn scan(&self) -> Result<DataFrame> {
        if let Some(opened) = self.opened.get() {
            return Ok(opened.frame.clone());
        }
        let unread = |e| failure::of_frame("read", e);
        let format = self.format()?;
        if format == Format::Parquet && is_standard(&self.path) {
            bail!("standard input cannot be Parquet: name a file, or pass CSV");
        }
        let options = self.reading.csv_options();
        let options = match &self.spelt_except {
            Some(columns) => options.as_spelt_except(columns).keep_spelling(columns),
            None => options,
        };
        let mut notes: Vec<(PathBuf, CsvNote)> = Vec::new();
        let open = |path: &Path, types: &[Field]| -> Result<DataFrame, Error> {
            match format {
                Format::Csv => {
                    let typed =
                        |csv: CsvOptions, field: &Field| csv.column_type(field.name(), field.column_type());
                    let file = CsvFile::open(path, &types.iter().fold(options.clone(), typed))?;
                    let tells =
                        |note: &&CsvNote| types.is_empty() || matches!(note, CsvNote::Incomplete { .. });
                    for note in file.notes().iter().filter(tells).map(|note| (path.to_owned(), note.clone()))
                    {
                        // A file of a set may be opened twice.
                        if !notes.contains(&note) {
                            notes.push(note);
                        }
                    }
                    Ok(file.frame().clone())
                }
                Format::Parquet => DataFrame::scan_parquet(path),
            }
        };
        let frame = FileSet::open(&self.path).and_then(|files| files.read(open)).map_err(unread)?;
        for (path, about) in notes.iter().filter(|(_, note)| !matches!(note, CsvNote::Text { .. })) {
            note(&format!("{}: {about}", shown(path)));
        }
        let frame = match self.partitions.filter(|_| !self.shards) {
            // Partitions beyond the number of rows would be empty.
            Some(partitions) => frame.repartition(partitions.min(frame.num_rows().max(1)))?,
            None => frame,
        };
        Ok(self.opened.get_or_init(|| Opened { frame, notes }).frame.clone())
    }

    /// How the file was read, for a model to keep.
    pub(crate) fn saved_reading(&self) -> SavedReading {
        let schema = self.opened.get().map(|opened| opened.frame.schema().clone());
        SavedReading::new(&self.reading, &schema.unwrap_or_default())
    }

    /// Whether there is such a file or folder; a glob may match nothing.
    pub(crate) fn exists(&self) -> bool {
        self.path.exists() || self.is_set()
    }

    /// Whether it is a folder or a glob, and so possibly several files.
    fn is_set(&self) -> bool {
        let is_pattern = self.path.to_string_lossy().contains(['*', '?', '[']);
        self.path.is_dir() || (is_pattern && !self.path.exists())
    }

    /// The same file, of which only these rows are used; errors count rows within them.
    pub(crate) fn with_rows(&self, frame: DataFrame) -> Self {
        let notes = self.opened.get().map(|opened| opened.notes.clone()).unwrap_or_default();
        Self { opened: Arc::new(OnceLock::from(Opened { frame, notes })), ..self.clone() }
    }

    /// The files, in the order in which they are read, with hashes of their contents. A pipe, which cannot be read again, has none;
    /// standard input is no file.
    ///
    /// # Errors
    /// If the folder or the pattern, or a file, cannot be read.
    pub(crate) fn hashed_files(&self) -> Result<Vec<(PathBuf, Option<ContentHash>)>> {
        if is_standard(&self.path) {
            return Ok(Vec::new());
        }
        let unread = |e| failure::of_frame("read", e);
        let hashed = |path: &Path| {
            let hash = path.is_file().then(|| ContentHash::of_file(path).map_err(unread)).transpose()?;
            Ok((path.to_owned(), hash))
        };
        FileSet::open(&self.path).map_err(unread)?.paths().map(hashed).collect()
    }

    /// The name of the file in messages.
    pub(crate) fn name(&self) -> String {
        shown(&self.path)
    }

    /// The format of the file.
    ///
    /// # Errors
    /// If neither an option nor the file extension determines it.
    pub(crate) fn format(&self) -> Result<Format> {
        if self.reading.format.is_none() && self.is_set() {
            let unread = |e| failure::of_frame("read", e);
            let files = FileSet::open(&self.path).map_err(unread)?;
            return Ok(match files.format().map_err(unread)? {
                FileFormat::Parquet => Format::Parquet,
                _ => Format::Csv,
            });
        }
        self.reading.format.or_else(|| Format::of(&self.path)).ok_or_else(|| {
            anyhow!(
                "{}: the file extension is unknown, expected {READABLE}: write the \
                 format, such as `format = \"csv\"`",
                self.path.display()
            )
        })
    }

    /// An error about the rows, with the name of the file, unless it names one itself, and the place of the row that it
    /// names.
    pub(crate) fn in_file(&self, error: luthier::core::Error) -> anyhow::Error {
        let is_named = matches!(&error, luthier::core::Error::Frame(error) if error.path().is_some());
        let error = anyhow::Error::from(error);
        self.locate(if is_named { error } else { error.context(self.name()) })
    }

    /// Adds the place of the row to an error that names one.
    pub(crate) fn locate(&self, error: impl Into<anyhow::Error>) -> anyhow::Error {
        let error = error.into();
        match self.row_place(&error) {
            Some(place) => error.context(place),
            None => error,
        }
    }

    /// The place of the row that an error names.
    pub(crate) fn row_place(&self, error: &anyhow::Error) -> Option<RowAt> {
        let row = || error.chain().find_map(row_of);
        let numbered = row().map(|row| RowAt { place: self.place_of(row), row: Some(row) });
        numbered.or_else(|| {
            let place = self.text_among_numbers(error.chain().find_map(text_column_of)?)?;
            Some(RowAt { place, row: None })
        })
    }

    /// Where a column is text because of a few cells, and what to do about it.
    pub(crate) fn text_among_numbers(&self, column: &str) -> Option<String> {
        self.opened.get()?.notes.iter().find_map(|(path, note)| match note {
            CsvNote::Text { column: of, line, .. } if of == column => {
                Some(format!("{}:{line}: {}", shown(path), note.why()?))
            }
            _ => None,
        })
    }

    /// Notes why these columns are text although most of their values are numbers.
    pub(crate) fn note_texts(&self, is_concerned: impl Fn(&str) -> bool) {
        for (path, about) in self.opened.get().into_iter().flat_map(|opened| &opened.notes) {
            if let CsvNote::Text { column, .. } = about
                && is_concerned(column)
            {
                note(&format!("{}: {about}", shown(path)));
            }
        }
    }

    /// How an error names a row, counted from 0: `data.csv:17`, or `data.parquet, row group 0, row 15`.
    pub(crate) fn place_of(&self, row: usize) -> String {
        let place = self.opened.get().and_then(|opened| opened.frame.place_of_row(row));
        place.map_or_else(|| format!("{}, row {row}", self.name()), |place| place.to_string())
    }
}

/// The name of a file in messages.
fn shown(path: &Path) -> String {
    if is_standard(path) { "standard input".to_owned() } else { path.display().to_string() }
}

/// The row that an error names.
fn row_of(error: &(dyn std::error::Error + 'static)) -> Option<usize> {
    if let Some(luthier::tune::Error::AllFailed { reasons, .. }) = error.downcast_ref() {
        return reasons.first()?.failure.row;
    }
    match error.downcast_ref::<luthier::core::Error>() {
        Some(error) => error.row(),
        None => error.downcast_ref::<luthier::frame::Error>()?.row(),
    }
}

/// The column that is text according to an error.
fn text_column_of<'a>(error: &'a (dyn std::error::Error + 'static)) -> Option<&'a str> {
    match error.downcast_ref()? {
        luthier::core::Error::ColumnType { column, found, .. } if found == "utf8" => Some(column),
        _ => None,
    }
}

/// The column and the place of a value that is missing; `place_of` places a row.
pub(crate) fn null_of<'a>(error: &'a Error, place_of: &dyn Fn(usize) -> String) -> Option<(&'a str, String)> {
    match error {
        Error::Null { column, row } => Some((column, place_of(*row))),
        Error::InFile { cause, .. } => null_of(cause, place_of),
        Error::InRow { place, cause } => null_of(cause, &|_| place.to_string()),
        _ => None,
    }
}
