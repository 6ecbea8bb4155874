//! A CSV file after a first pass: its columns, the number of its rows, and where they are.

use std::collections::{HashMap, HashSet};
use std::fmt;
use std::path::Path;
use std::sync::Arc;

use super::CsvOptions;
use super::header::{Header, part_name};
use super::input::Input;
use super::lines::Lines;
use super::notes::CsvNote;
use super::records::{Position, Records};
use super::scan::CsvScan;
use super::text::Text;
use super::tokens::Tokens;
use super::types::{Cells, Inference, Kind};
use crate::partition::Part;
use crate::place::{Locate, RowPlace, RowPosition};
use crate::schema::spelling_name;
use crate::{ColumnType, DataFrame, Error, Field, Partition, Result, Schema};

/// Bytes of text between two marks from which rows can be read.
const MARK_EVERY: u64 = 1 << 20;

/// A CSV file whose columns, types and number of rows are known; the rows are read when they are needed.
///
/// [`DataFrame::scan_csv`] and [`DataFrame::read_csv`] are enough for most uses; this type also has notes on the file.
///
/// ```
/// # use luthier_frame::{CsvFile, CsvOptions};
/// # let directory = tempfile::tempdir()?;
/// # let path = directory.path().join("data.csv");
/// std::fs::write(&path, "age,ward\n41,a\n40+,b\n37,a\n")?;
/// let file = CsvFile::open(&path, &CsvOptions::new())?;
/// assert_eq!(file.frame().schema().to_string(), "age: utf8, ward: utf8");
/// let note = file.notes()[0].to_string();
/// assert!(note.starts_with("column `age` is text: `40+` in line 3 is not a number"), "{note}");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
pub struct CsvFile {
    frame: DataFrame,
    notes: Vec<CsvNote>,
}

impl CsvFile {
    /// Reads through a file once to find the types of its columns and the number of its rows. `-` is standard
    /// input. Files compressed with gzip or zstd are recognised by their first bytes.
    ///
    /// At most about a megabyte of the file is in memory at a time. Input that can be read only once, such as a pipe, is kept:
    /// up to 64 MB in memory, the rest in a temporary file.
    ///
    /// # Errors
    /// As [`DataFrame::read_csv`]; values that are not of a declared type are reported only when they are read.
    pub fn open(path: impl AsRef<Path>, options: &CsvOptions) -> Result<Self> {
        let encoding = options.check()?;
        let input = Input::open(path.as_ref(), options.max_bytes)?;
        let text = Arc::new(Text::new(input, encoding, options.max_bytes)?);
        let Header { tokens, names, rows: start, mut notes } = Header::read(&text, options)?;
        let cells = Cells::new(options);
        let declared = Declared::new(options, &names).map_err(|error| error.in_file(text.input().path()))?;
        let pass = Pass::over(&text, tokens, &cells, &declared, start)
            .map_err(|error| header_is_comment(error, &names))?;
        let mut columns = declared.columns(&names, &pass, &cells, &mut notes);
        columns.extend(spellings(options, &names));
        let schema = Schema::new(columns.iter().map(|column| column.field.clone()).collect())?;
        let Pass { lines, marks, rows, .. } = pass;
        let data = Arc::new(CsvData { text, tokens, width: names.len(), cells, columns, lines, marks });
        let partition = Partition::new([Part::Csv(CsvScan::new(data, rows))]);
        let frame = DataFrame::from_parts(schema, vec![partition]).repartition(options.partitions)?;
        Ok(Self { frame, notes })
    }

    /// The rows, which are read in batches when they are needed.
    pub fn frame(&self) -> &DataFrame {
        &self.frame
    }

    /// Notes on the file: columns that are text because of a few cells, dates where timestamps are declared, a detected
    /// delimiter, row names.
    pub fn notes(&self) -> &[CsvNote] {
        &self.notes
    }
}

/// A column of the frame and the columns of the file it comes from: one, or as many as a vector is wide.
#[derive(Debug, Clone)]
pub(super) struct CsvColumn {
    pub(super) field: Field,
    pub(super) kind: Kind,
    pub(super) sources: Vec<usize>,
    /// Whether no cell has a value.
    pub(super) is_empty: bool,
}

/// What is needed to read rows.
pub(super) struct CsvData {
    pub(super) text: Arc<Text>,
    pub(super) tokens: Tokens,
    /// Cells in a row.
    pub(super) width: usize,
    pub(super) cells: Cells,
    pub(super) columns: Vec<CsvColumn>,
    lines: Lines,
    marks: Vec<(usize, Position)>,
}

impl CsvData {
    /// Reads from a row on; returns also how many rows have to be skipped first.
    pub(super) fn records_from(&self, row: usize) -> Result<(Records, usize)> {
        let mark = self.marks.partition_point(|&(first, _)| first <= row).saturating_sub(1);
        let (first, position) = self.marks.get(mark).copied().unwrap_or((0, Position::START));
        let records = Records::new(Arc::clone(&self.text), self.tokens, Some(self.width), position)?;
        Ok((records, row.saturating_sub(first)))
    }

    pub(super) fn path(&self) -> &Path {
        self.text.input().path()
    }
}

impl fmt::Debug for CsvData {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CsvData").field("path", &self.path()).finish_non_exhaustive()
    }
}

impl Locate for CsvData {
    fn place(&self, row: usize) -> Option<RowPlace> {
        Some(RowPlace::new(self.path(), RowPosition::Line(self.lines.line(row)?)))
    }
}

/// What the options declare about the columns of the file.
struct Declared {
    /// The columns of the schema, which come first to claim their sources.
    fields: Vec<(Field, Vec<usize>)>,
    /// For each other column of the file its kind, if it is declared.
    kinds: Vec<Option<Kind>>,
    claimed: Vec<bool>,
}

impl Declared {
    fn new(options: &CsvOptions, names: &[String]) -> Result<Self> {
        let positions: HashMap<&str, usize> =
            names.iter().enumerate().map(|(position, name)| (name.as_str(), position)).collect();
        let position = |name: &str| {
            let known = || names.iter().map(String::as_str);
            positions.get(name).copied().ok_or_else(|| Error::unknown_column(name, known()))
        };
        let mut claimed = vec![false; names.len()];
        let mut fields = Vec::new();
        for field in options.schema.iter().flat_map(|schema| schema.fields()) {
            let sources = match field.column_type() {
                ColumnType::AnyVector | ColumnType::Opaque(_) => {
                    let (column, found) = (field.name().to_owned(), field.column_type());
                    let expected = "a vector of known width in the schema".to_owned();
                    return Err(Error::ColumnType { column, expected, found });
                }
                ColumnType::Vector { width } => (0..width)
                    .map(|index| position(&part_name(field.name(), index)))
                    .collect::<Result<_>>()?,
                _ => vec![position(field.name())?],
            };
            sources.iter().for_each(|&source| claimed[source] = true);
            fields.push((field.clone(), sources));
        }
        let mut kinds = vec![None; names.len()];
        if let Some(typed) = &options.typed {
            kinds.fill(Some(Kind::Spelt));
            typed.iter().filter_map(|name| positions.get(name.as_str())).for_each(|&at| kinds[at] = None);
        }
        for (name, column_type) in &options.types {
            if let Some(&at) = positions.get(name.as_str())
                && kinds[at] != Some(Kind::Spelt)
            {
                kinds[at] = Some(Kind::Of(*column_type));
            }
        }
        Ok(Self { fields, kinds, claimed })
    }

    /// Whether the type of a column, and whether values are missing, is known without its values.
    fn is_known(&self, position: usize) -> bool {
        self.kinds.get(position) == Some(&Some(Kind::Spelt)) && self.claimed.get(position) == Some(&false)
    }

    /// The columns of the frame, where they come first in the file.
    fn columns(
        self,
        names: &[String],
        pass: &Pass,
        cells: &Cells,
        notes: &mut Vec<CsvNote>,
    ) -> Vec<CsvColumn> {
        let mut columns = Vec::with_capacity(names.len());
        let has_null = |kind: Kind, sources: &[usize]| {
            let null = |&source: &usize| {
                let Some(inference) = pass.inferred.get(source) else { return false };
                match kind {
                    Kind::Of(ColumnType::Utf8 | ColumnType::List) => inference.null_texts,
                    _ => inference.nulls,
                }
            };
            match kind {
                Kind::Spelt => false,
                Kind::Of(ColumnType::Vector { .. }) => pass.null_vectors(sources),
                _ => sources.iter().any(null),
            }
        };
        for (field, sources) in self.fields {
            let kind = Kind::Of(field.column_type());
            let nullable = has_null(kind, &sources);
            if let [source] = sources[..] {
                notes.extend(pass.inferred[source].notes_as(kind, field.name()));
            }
            columns.push(CsvColumn { field: field.with_nullable(nullable), kind, sources, is_empty: false });
        }
        for (position, name) in names.iter().enumerate().filter(|&(position, _)| !self.claimed[position]) {
            let inference = &pass.inferred[position];
            let kind = match self.kinds[position] {
                Some(declared) => {
                    notes.extend(inference.notes_as(declared, name));
                    inference.widened(declared)
                }
                None => {
                    notes.extend(inference.note(name, pass.quotes_tell, cells));
                    inference.kind(pass.quotes_tell)
                }
            };
            let sources = vec![position];
            let field = Field::new(name, kind.column_type())
                .with_nullable(has_null(kind, &sources))
                .with_spelling(kind == Kind::Spelt);
            let is_empty = kind != Kind::Spelt && inference.is_empty();
            columns.push(CsvColumn { field, kind, sources, is_empty });
        }
        columns.sort_by_key(|column| column.sources.first().copied());
        columns
    }
}

/// The columns for which the original cells are kept in addition to the values.
fn spellings(options: &CsvOptions, names: &[String]) -> Vec<CsvColumn> {
    let wanted: HashSet<&str> = options.spelt.iter().map(String::as_str).collect();
    let is_wanted = |(_, name): &(usize, &String)| wanted.contains(name.as_str());
    let of = |(position, name): (usize, &String)| CsvColumn {
        field: Field::new(spelling_name(name), ColumnType::Utf8).with_spelling_of(name),
        kind: Kind::Spelt,
        sources: vec![position],
        is_empty: false,
    };
    names.iter().enumerate().filter(is_wanted).map(of).collect()
}

/// What one pass over the rows has found.
struct Pass {
    inferred: Vec<Inference>,
    /// Whether some values are quoted and others not.
    quotes_tell: bool,
    lines: Lines,
    marks: Vec<(usize, Position)>,
    rows: usize,
    /// The columns of the schema's vectors, each with whether some row has none of its numbers.
    vectors: Vec<(Vec<usize>, bool)>,
}

impl Pass {
    fn over(
        text: &Arc<Text>,
        tokens: Tokens,
        cells: &Cells,
        declared: &Declared,
        start: Position,
    ) -> Result<Self> {
        let width = declared.kinds.len();
        let is_vector = |(field, _): &&(Field, Vec<usize>)| field.column_type().is_vector();
        let vectors = declared.fields.iter().filter(is_vector);
        let mut pass = Self {
            inferred: vec![Inference::default(); width],
            quotes_tell: false,
            lines: Lines::default(),
            marks: vec![(0, start)],
            rows: 0,
            vectors: vectors.map(|(_, sources)| (sources.clone(), false)).collect(),
        };
        let known: Vec<bool> = (0..width).map(|position| declared.is_known(position)).collect();
        let mut records = Records::new(Arc::clone(text), tokens, Some(width), start)?;
        let mut last_mark = start.offset;
        loop {
            let position = records.position();
            if position.offset - last_mark >= MARK_EVERY {
                pass.marks.push((pass.rows, position));
                last_mark = position.offset;
            }
            if !records.advance().map_err(|error| first_line_is_odd(error, pass.rows, start))? {
                break;
            }
            pass.lines.push(records.line());
            pass.rows += 1;
            for ((inference, cell), &known) in pass.inferred.iter_mut().zip(records.cells()).zip(&known) {
                if known {
                    pass.quotes_tell |= !cell.quoted && !cell.raw.is_empty();
                } else {
                    inference.see(&cell, cells, tokens.delimiter);
                }
            }
            for (sources, missing) in pass.vectors.iter_mut().filter(|(_, missing)| !missing) {
                let is_null = |&source: &usize| records.cell(source).is_some_and(|cell| cells.is_null(&cell));
                *missing = sources.iter().all(is_null);
            }
        }
        pass.quotes_tell |= pass.inferred.iter().any(Inference::has_unquoted);
        Ok(pass)
    }

    fn null_vectors(&self, sources: &[usize]) -> bool {
        self.vectors.iter().any(|(of, missing)| of == sources && *missing)
    }
}

/// An error for rows that do not fit a header that looks like a comment.
fn header_is_comment(error: Error, names: &[String]) -> Error {
    let first = names.first().filter(|name| name.starts_with('#'));
    match (error, first) {
        (Error::CsvFields { path, line, expected, found, .. }, Some(first)) => {
            let hint = format!(
                "the line `{first}` is used as the header; if it is a comment, write `comment = \"#\"`"
            );
            Error::CsvFields { path, line, expected, found, hint: Some(hint) }
        }
        (other, _) => other,
    }
}

/// An error for a first row that does not fit the first line, which may not be a header.
fn first_line_is_odd(error: Error, rows: usize, start: Position) -> Error {
    match error {
        Error::CsvFields { path, line, expected, found, .. } if rows == 0 => {
            let hint = format!(
                "the header, before line {}, has {expected}: if it is not a header, write `skip_lines = 1`, or \
                 `header = false` if it is a row; if another character separates the cells, write it as in `delimiter = \";\"`",
                start.line
            );
            Error::CsvFields { path, line, expected, found, hint: Some(hint) }
        }
        other => other,
    }
}
