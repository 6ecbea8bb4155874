//! Several files as one data set.

use std::fs;
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

use arrow_array::ArrayRef;

use crate::{Column, ColumnType, CsvOptions, DataFrame, Error, Field, Result, Schema, parse_date};

/// A file format.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum FileFormat {
    /// Text with one line per row.
    Csv,
    /// Columns in row groups.
    Parquet,
}

impl FileFormat {
    /// The format of a file extension: `.csv`, `.tsv`, `.txt`, also followed by `.gz` or `.zst`; `.parquet`, `.pq`.
    pub fn of(path: &Path) -> Option<Self> {
        let name = path.file_name()?.to_str()?.to_ascii_lowercase();
        let packed = [".gz", ".zst"].iter().find_map(|ending| name.strip_suffix(ending));
        match packed.unwrap_or(&name).rsplit_once('.')?.1 {
            "csv" | "tsv" | "txt" => Some(Self::Csv),
            "parquet" | "pq" if packed.is_none() => Some(Self::Parquet),
            _ => None,
        }
    }
}

/// How files are read by [`DataFrame::scan`].
///
/// ```
/// use luthier_frame::{CsvOptions, DataFrame, FileFormat, ScanOptions};
///
/// # let directory = tempfile::tempdir()?;
/// # let path = directory.path().join("export.dat");
/// # std::fs::write(&path, "age;city\n41;Oslo\n37;Bergen\n")?;
/// let options = ScanOptions::new().format(FileFormat::Csv).csv(CsvOptions::new().delimiter(b';'));
/// let frame = DataFrame::scan(&path, &options)?;
/// assert_eq!(frame.num_rows(), 2);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, Default)]
pub struct ScanOptions {
    format: Option<FileFormat>,
    csv: CsvOptions,
}

impl ScanOptions {
    /// The defaults: the format is determined by the file extension, and CSV files are read as by [`CsvOptions::new`].
    pub fn new() -> Self {
        Self::default()
    }

    /// The format of all files, whatever their names.
    pub fn format(mut self, format: FileFormat) -> Self {
        self.format = Some(format);
        self
    }

    /// How CSV files are read.
    pub fn csv(mut self, csv: CsvOptions) -> Self {
        self.csv = csv;
        self
    }
}

impl DataFrame {
    /// One data set from a file, from a folder and its subfolders, or from all files that match a glob, such as
    /// `data/2024-*.parquet`; [`FileSet`] describes which files are included, and their order.
    ///
    /// The files are scanned, not loaded; CSV files are read through once to find the types of their columns.
    ///
    /// # Errors
    /// As [`FileSet::open`] and [`FileSet::read`].
    pub fn scan(path: impl AsRef<Path>, options: &ScanOptions) -> Result<Self> {
        let files = FileSet::open(path)?;
        let format = match options.format {
            Some(format) => format,
            None => files.format()?,
        };
        files.read(|path, types| match format {
            FileFormat::Csv => {
                let typed =
                    |csv: CsvOptions, field: &Field| csv.column_type(field.name(), field.column_type());
                Self::scan_csv(path, &types.iter().fold(options.csv.clone(), typed))
            }
            FileFormat::Parquet => Self::scan_parquet(path),
        })
    }
}

impl DataFrame {
    /// The same rows with types that can hold the values of other frames too: integers as floating-point numbers, and columns without
    /// values as any type. `None` if a column cannot be converted. `types` has the same columns in the same order.
    ///
    /// # Errors
    /// A file that cannot be read.
    pub fn widened(&self, types: &Schema) -> Result<Option<Self>> {
        let mut columns = Vec::with_capacity(types.len());
        for (index, (own, common)) in self.schema().fields().iter().zip(types.fields()).enumerate() {
            let wanted = common.column_type();
            let fits = match (own.column_type(), wanted) {
                (found, wanted) if found == wanted => true,
                (ColumnType::I64, ColumnType::F64) => true,
                _ => is_empty_column(self, own.name())?,
            };
            if !fits {
                return Ok(None);
            }
            columns.push((own.clone().with_type(wanted), index));
        }
        self.arranged(columns).map(Some)
    }
}

/// The value of a missing key, as Hive writes it.
const MISSING: &str = "__HIVE_DEFAULT_PARTITION__";

/// The deepest nesting of folders.
const DEEPEST: usize = 64;

/// The files of one data set, in the order of their names.
///
/// A folder includes the files of its subfolders, but not hidden files (`.name`) and files whose names begin
/// with an underscore, such as Spark's `_SUCCESS`. In a glob, `*` and `?` match parts of a name, `[ab]` matches one of
/// these letters, and `**` matches any folders.
///
/// Folders with names of the form `key=value`, in the style of Hive and Spark, are columns: `year=2024/month=5/part-0.parquet`
/// has the columns `year` and `month`. Such a column holds integers or dates if all values are integers or dates (a number
/// with a leading zero is text), otherwise text.
///
/// ```
/// use luthier_frame::{FileFormat, FileSet};
///
/// # let directory = tempfile::tempdir()?;
/// # let path = directory.path();
/// # for year in [2023, 2024] {
/// #     std::fs::create_dir(path.join(format!("year={year}")))?;
/// #     std::fs::write(path.join(format!("year={year}/part-0.csv")), "x\n1\n")?;
/// # }
/// let files = FileSet::open(path)?;
/// assert_eq!(files.paths().len(), 2);
/// assert_eq!(files.format()?, FileFormat::Csv);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
pub struct FileSet {
    root: PathBuf,
    files: Vec<DataFile>,
}

#[derive(Debug, Clone)]
struct DataFile {
    path: PathBuf,
    keys: Vec<(String, String)>,
}

impl FileSet {
    /// Finds the files. A path that exists is never treated as a glob.
    ///
    /// # Errors
    /// A file or folder that does not exist or cannot be read; a folder without such files; a glob that matches no file.
    pub fn open(path: impl AsRef<Path>) -> Result<Self> {
        let root = path.as_ref();
        let mut files = Vec::new();
        let is_pattern = root.to_string_lossy().contains(['*', '?', '[']);
        let problem = if root.is_dir() {
            collect(root, root, 0, &mut files)?;
            "the folder has no files, except hidden ones and those whose names begin with `_`"
        } else if is_pattern && !root.exists() {
            matches(root, &mut files)?;
            "no file matches this glob"
        } else {
            files.push(DataFile { path: root.to_owned(), keys: Vec::new() });
            ""
        };
        if files.is_empty() {
            return Err(Error::Files { path: root.to_owned(), problem: problem.to_owned() });
        }
        files.sort_by(|a, b| a.path.cmp(&b.path));
        files.dedup_by(|a, b| a.path == b.path);
        Ok(Self { root: root.to_owned(), files })
    }

    /// The files, in order; there is at least one.
    pub fn paths(&self) -> impl ExactSizeIterator<Item = &Path> {
        self.files.iter().map(|file| file.path.as_path())
    }

    /// The common format of all files according to their extensions.
    ///
    /// # Errors
    /// [`Error::Files`] for an unknown extension, or one of another format than the first.
    pub fn format(&self) -> Result<FileFormat> {
        let mut first: Option<(&Path, FileFormat)> = None;
        for path in self.paths() {
            let refuse = |problem: String| Err(Error::Files { path: path.to_owned(), problem });
            match (first, FileFormat::of(path)) {
                (_, None) => {
                    return refuse(
                        "the file extension is unknown, expected .csv, .tsv, .txt, .parquet or .pq \
                                   (or .csv.gz and the like)"
                            .to_owned(),
                    );
                }
                (None, Some(format)) => first = Some((path, format)),
                (Some((other, format)), Some(found)) if format != found => {
                    let other = other.display();
                    return refuse(format!(
                        "it has another format than {other}: select files of one format, for example with the glob `*.csv`"
                    ));
                }
                _ => {}
            }
        }
        first
            .map(|(_, format)| format)
            .ok_or_else(|| Error::Files { path: self.root.clone(), problem: "there are no files".to_owned() })
    }

    /// One frame of all files, one after the other, with the columns of their folders.
    ///
    /// `open` reads one file. If the files differ in the types of some columns, it is called again with these columns and types
    /// that can hold the values of all files; it may return the same frame as before. The order of the columns may differ between
    /// files. A column may have integers in some files and floating-point numbers in others.
    ///
    /// # Errors
    /// Those of `open`; [`Error::Files`] for a file whose columns differ from those of the first, in name or type.
    pub fn read(&self, mut open: impl FnMut(&Path, &[Field]) -> Result<DataFrame>) -> Result<DataFrame> {
        let mut frames = Vec::with_capacity(self.files.len());
        for file in &self.files {
            frames.push(open(&file.path, &[])?);
        }
        if let [one] = &frames[..] {
            return self.with_keys(one.clone(), 0, &self.key_types()?);
        }
        self.check_names(&frames)?;
        let types = common_types(&frames)?;
        for (file, frame) in self.files.iter().zip(&mut frames) {
            let differ = |field: &&Field| {
                frame.schema().field(field.name()).is_some_and(|own| own.column_type() != field.column_type())
            };
            let others: Vec<Field> = types.fields().iter().filter(differ).cloned().collect();
            if !others.is_empty() {
                *frame = open(&file.path, &others)?;
            }
        }
        let keys = self.key_types()?;
        let names: Vec<&str> = types.names().collect();
        let mut aligned = Vec::with_capacity(frames.len());
        for (number, frame) in frames.iter().enumerate() {
            let Some(conformed) = frame.select(&names)?.widened(&types)? else {
                return self.differ_in_type(&frames, &types);
            };
            aligned.push(self.with_keys(conformed, number, &keys)?);
        }
        DataFrame::concat(&aligned)
    }

    fn differs<T>(&self, number: usize, problem: String) -> Result<T> {
        let first = self.files[0].path.display();
        let problem = format!("{problem} as in {first}: all files of a data set must have the same columns");
        Err(Error::Files { path: self.files[number].path.clone(), problem })
    }

    fn check_names(&self, frames: &[DataFrame]) -> Result<()> {
        let first = frames[0].schema();
        for (number, frame) in frames.iter().enumerate() {
            let schema = frame.schema();
            if let Some(name) = first.names().find(|name| schema.field(name).is_none()) {
                return self.differs(number, format!("the column `{name}` is missing, expected one"));
            }
            if let Some(name) = schema.names().find(|name| first.field(name).is_none()) {
                return self.differs(number, format!("the file has a column `{name}`, expected none"));
            }
        }
        Ok(())
    }

    /// Names the first file with a column whose type cannot be reconciled with that in the first file.
    fn differ_in_type<T>(&self, frames: &[DataFrame], types: &Schema) -> Result<T> {
        let column_type = |frame: &DataFrame, name: &str| frame.schema().field(name).map(Field::column_type);
        for name in types.names() {
            let Some(expected) = column_type(&frames[0], name) else { continue };
            let found = frames.iter().map(|frame| column_type(frame, name));
            let other = |found: &Option<ColumnType>| {
                found.is_some_and(|found| found != expected && wider(found, expected) == ColumnType::Utf8)
            };
            if let Some((number, Some(found))) = found.enumerate().find(|(_, found)| other(found)) {
                return self.differs(number, format!("column `{name}` is {found}, expected {expected}"));
            }
        }
        let problem = "the types of columns differ between the files".to_owned();
        Err(Error::Files { path: self.root.clone(), problem })
    }

    /// A field for each key of the folders.
    fn key_types(&self) -> Result<Vec<Field>> {
        let names = |file: &DataFile| file.keys.iter().map(|(key, _)| key.clone()).collect::<Vec<_>>();
        let first = self.files.first().map(names).unwrap_or_default();
        if let Some(number) = self.files.iter().position(|file| names(file) != first) {
            let folders = |keys: &[String]| match keys {
                [] => "no folders `key=value`".to_owned(),
                keys => format!(
                    "the folders {}",
                    keys.iter().map(|key| format!("`{key}=…`")).collect::<Vec<_>>().join("/")
                ),
            };
            let found = folders(&names(&self.files[number]));
            return self.differs(number, format!("it is in {found}, expected {}", folders(&first)));
        }
        let field = |(at, name): (usize, &String)| {
            let values =
                self.files.iter().filter_map(|file| file.keys.get(at)).map(|(_, value)| value.as_str());
            let values: Vec<&str> = values.collect();
            Field::new(name, key_type(&values)).with_nullable(values.contains(&MISSING))
        };
        Ok(first.iter().enumerate().map(field).collect())
    }

    fn with_keys(&self, frame: DataFrame, number: usize, keys: &[Field]) -> Result<DataFrame> {
        let file = &self.files[number];
        let mut frame = frame;
        for (field, (_, value)) in keys.iter().zip(&file.keys) {
            let value = key_value(field.column_type(), value)?;
            frame = frame.with_constant(field.clone(), &value).map_err(|error| match error {
                Error::DuplicateColumn { column } => Error::Files {
                    path: file.path.clone(),
                    problem: format!("the file has a column `{column}`, which is also the name of its folder `{column}=…`: rename one of them"),
                },
                other => other,
            })?;
        }
        Ok(frame)
    }
}

/// Files of a folder and of those in it.
fn collect(root: &Path, folder: &Path, depth: usize, found: &mut Vec<DataFile>) -> Result<()> {
    let io = |cause| Error::Io { path: folder.to_owned(), cause };
    if depth > DEEPEST {
        let problem = format!("folders are nested more than {DEEPEST} levels deep");
        return Err(Error::Files { path: folder.to_owned(), problem });
    }
    for entry in fs::read_dir(folder).map_err(io)? {
        let path = entry.map_err(io)?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if name.starts_with('.') || (name.starts_with('_') && !name.contains('=')) {
            continue;
        }
        if path.is_dir() {
            collect(root, &path, depth + 1, found)?;
        } else {
            found.push(DataFile { keys: keys_below(root, &path), path });
        }
    }
    Ok(())
}

/// Files that match a glob, and those in folders that do.
fn matches(pattern: &Path, found: &mut Vec<DataFile>) -> Result<()> {
    let text = pattern.to_string_lossy();
    let refuse = |problem: String| Error::Files { path: pattern.to_owned(), problem };
    let options = glob::MatchOptions { require_literal_leading_dot: true, ..glob::MatchOptions::new() };
    let paths = glob::glob_with(&text, options)
        .map_err(|error| refuse(format!("this is not a valid glob: {}", error.msg)))?;
    // Only folders from the first wildcard on become columns.
    let is_literal = |part: &Component<'_>| !part.as_os_str().to_string_lossy().contains(['*', '?', '[']);
    let root: PathBuf = pattern.components().take_while(is_literal).collect();
    for path in paths {
        let path = path.map_err(|error| Error::Io { path: error.path().to_owned(), cause: error.into() })?;
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if path.is_dir() {
            collect(&root, &path, 0, found)?;
        } else if !name.starts_with('_') {
            found.push(DataFile { keys: keys_below(&root, &path), path });
        }
    }
    Ok(())
}

/// The folders `key=value` between a folder and a file.
fn keys_below(root: &Path, file: &Path) -> Vec<(String, String)> {
    let below = file.strip_prefix(root).unwrap_or(file).parent().unwrap_or(Path::new(""));
    let key = |part: Component<'_>| {
        let text = part.as_os_str().to_string_lossy().into_owned();
        let (key, value) = text.split_once('=').filter(|(key, _)| !key.is_empty())?;
        Some((unescaped(key), unescaped(value)))
    };
    below.components().filter_map(key).collect()
}

/// Resolves escapes such as `%20` in names of folders.
fn unescaped(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, after @ ..] = rest {
        let code = after.get(..2).and_then(|digits| std::str::from_utf8(digits).ok());
        match code.filter(|_| *first == b'%').and_then(|digits| u8::from_str_radix(digits, 16).ok()) {
            Some(byte) => {
                bytes.push(byte);
                rest = &after[2..];
            }
            None => {
                bytes.push(*first);
                rest = after;
            }
        }
    }
    String::from_utf8(bytes).unwrap_or_else(|_| text.to_owned())
}

fn key_type(values: &[&str]) -> ColumnType {
    let known = || values.iter().filter(|value| **value != MISSING);
    let is_whole = |value: &&&str| value.parse::<i64>().is_ok_and(|number| number.to_string() == ***value);
    match () {
        () if known().next().is_none() => ColumnType::Utf8,
        () if known().all(|value| is_whole(&value)) => ColumnType::I64,
        () if known().all(|value| parse_date(value).is_some()) => ColumnType::Date,
        () => ColumnType::Utf8,
    }
}

/// The value of a key as an array of one value.
fn key_value(column_type: ColumnType, value: &str) -> Result<ArrayRef> {
    let known = Some(value).filter(|value| *value != MISSING);
    let column = match column_type {
        ColumnType::I64 => Column::i64_nullable(vec![known.and_then(|value| value.parse().ok())]),
        ColumnType::Date => Column::date_nullable(vec![known.and_then(parse_date)]),
        _ => Column::utf8_nullable([known]),
    };
    Ok(Arc::clone(column.array()))
}

/// Types that can hold the values of all frames: text if there is nothing narrower.
fn common_types(frames: &[DataFrame]) -> Result<Schema> {
    let mut fields = Vec::new();
    for field in frames[0].schema().fields() {
        let mut common: Option<ColumnType> = None;
        for frame in frames {
            let found = frame.schema().require(field.name())?.column_type();
            if common == Some(found) || is_empty_column(frame, field.name())? {
                continue;
            }
            common = Some(match common {
                None => found,
                Some(before) => wider(before, found),
            });
        }
        fields.push(field.clone().with_type(common.unwrap_or(field.column_type())));
    }
    Schema::new(fields)
}

fn wider(a: ColumnType, b: ColumnType) -> ColumnType {
    match (a, b) {
        (a, b) if a == b => a,
        (ColumnType::I64, ColumnType::F64) | (ColumnType::F64, ColumnType::I64) => ColumnType::F64,
        (ColumnType::Date, ColumnType::Timestamp) | (ColumnType::Timestamp, ColumnType::Date) => {
            ColumnType::Timestamp
        }
        _ => ColumnType::Utf8,
    }
}

/// Whether a column is known to have no values without reading the file, so that its type has no meaning.
fn is_empty_column(frame: &DataFrame, name: &str) -> Result<bool> {
    let at = frame.schema().require_index(name)?;
    Ok(frame.partitions().iter().flat_map(|partition| partition.parts()).all(|part| part.is_empty_column(at)))
}
