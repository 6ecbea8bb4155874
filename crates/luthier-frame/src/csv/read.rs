use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow_array::builder::{BooleanBuilder, Float64Builder, Int64Builder, ListBuilder, StringBuilder};
use arrow_array::{ArrayRef, FixedSizeListArray};
use arrow_buffer::NullBufferBuilder;
use arrow_schema::DataType;

use crate::csv::CsvOptions;
use crate::csv::lines::Lines;
use crate::csv::tokens::{Cell, QuoteError, Tokens, line_ends};
use crate::csv::types::{Inference, is_null, is_null_number, parse_bool, parse_f64, parse_i64};
use crate::place::{Locate, RowOrigin, RowPlace, RowPosition};
use crate::{Column, ColumnType, DataFrame, Error, Field, Result};

impl DataFrame {
    /// Reads a CSV file into memory.
    ///
    /// Types not given by [`CsvOptions::schema`] are found from all values of a column: `i64`, else `f64`
    /// (`NaN`, `inf` and `-inf` are numbers), else `bool` (`true`, `false`), else `utf8`; a column without any
    /// value is `f64`. Numbers are read exactly. Empty lines are passed over, unless there is just one
    /// column, where they are missing values. A file with a header alone is a frame without rows.
    ///
    /// # Errors
    /// All with the file and the line: a file that cannot be read, is empty, or is not UTF-8; a name given
    /// twice; a line with fewer or more cells than the first; quotes that do not pair up; a value that is
    /// not of the type in the schema; a column of the schema that is not in the file.
    pub fn read_csv(path: impl AsRef<Path>, options: &CsvOptions) -> Result<Self> {
        let path = path.as_ref();
        options.check()?;
        let bytes = std::fs::read(path).map_err(|cause| Error::Io { path: path.to_owned(), cause })?;
        let text = std::str::from_utf8(&bytes).map_err(|error| {
            let before = String::from_utf8_lossy(&bytes[..error.valid_up_to()]);
            Error::CsvEncoding { path: path.to_owned(), line: 1 + line_ends(&before) }
        })?;
        Reader { path, options }.read(text)?.repartition(options.partitions)
    }
}

/// The lines of a file's rows.
#[derive(Debug)]
struct FileLines {
    path: PathBuf,
    lines: Lines,
}

impl Locate for FileLines {
    fn place(&self, row: usize) -> Option<RowPlace> {
        Some(RowPlace::new(&self.path, RowPosition::Line(self.lines.line(row)?)))
    }
}

#[derive(Debug, Clone, Copy)]
struct Reader<'a> {
    path: &'a Path,
    options: &'a CsvOptions,
}

/// A column of the frame and the columns of the file it comes from: one, or as many as a vector is wide.
#[derive(Debug)]
struct Target {
    field: Field,
    sources: Vec<usize>,
}

impl Reader<'_> {
    fn read(self, text: &str) -> Result<DataFrame> {
        let mut tokens = Tokens::new(text, self.options.delimiter);
        let mut cells = Vec::new();
        let start = tokens.clone();
        if !self.next(&mut tokens, &mut cells, None)? {
            return Err(Error::EmptyFile { path: self.path.to_owned() });
        }
        let names = self.names(&cells)?;
        let body = if self.options.has_header { tokens } else { start };

        let mut inferred = vec![Inference::default(); names.len()];
        let mut tokens = body.clone();
        while self.next(&mut tokens, &mut cells, Some(names.len()))? {
            for (inference, cell) in inferred.iter_mut().zip(&cells) {
                inference.see(cell, &self.options.null_values);
            }
        }

        let targets = self.targets(&names, &inferred)?;
        let mut builders: Vec<Builder> =
            targets.iter().map(|target| Builder::new(target.field.column_type())).collect();
        let mut tokens = body;
        let mut lines = Lines::default();
        while self.next(&mut tokens, &mut cells, Some(names.len()))? {
            lines.push(cells.first().map_or(1, |cell| cell.line));
            for (builder, target) in builders.iter_mut().zip(&targets) {
                builder
                    .push(target.sources.iter().map(|&source| &cells[source]), &self.options.null_values)
                    .map_err(|Refused { cell, expected }| Error::CsvValue {
                        path: self.path.to_owned(),
                        line: cell.line,
                        column: target.field.name().to_owned(),
                        found: cell.text.clone().into_owned(),
                        expected,
                    })?;
            }
        }
        let mut frame: Vec<(Field, Column)> = Vec::with_capacity(targets.len());
        for (builder, target) in builders.into_iter().zip(targets) {
            frame.push((target.field, Column::from_array(builder.finish()?)?));
        }
        let file = FileLines { path: self.path.to_owned(), lines };
        Ok(DataFrame::from_fields(frame)?.with_origin(&RowOrigin::new(Arc::new(file), 0)))
    }

    /// The next line that counts, with as many cells as expected.
    fn next<'t>(
        self,
        tokens: &mut Tokens<'t>,
        cells: &mut Vec<Cell<'t>>,
        expected: Option<usize>,
    ) -> Result<bool> {
        let unpaired =
            |QuoteError { line, problem }| Error::CsvQuote { path: self.path.to_owned(), line, problem };
        while tokens.next_record(cells).map_err(unpaired)? {
            let is_blank = cells.len() == 1 && cells[0].text.is_empty() && !cells[0].quoted;
            if is_blank && expected != Some(1) {
                continue;
            }
            let found = cells.len();
            return match expected {
                Some(expected) if expected != found => {
                    let line = cells.first().map_or(1, |cell| cell.line);
                    Err(Error::CsvFields { path: self.path.to_owned(), line, expected, found })
                }
                _ => Ok(true),
            };
        }
        Ok(false)
    }

    fn names(self, first: &[Cell<'_>]) -> Result<Vec<String>> {
        if self.options.has_header {
            let name = |cell: &Cell<'_>| if cell.quoted { &*cell.text } else { cell.text.trim() }.to_owned();
            let names: Vec<String> = first.iter().map(name).collect();
            for (index, name) in names.iter().enumerate() {
                if names[..index].contains(name) {
                    let (path, line) = (self.path.to_owned(), first[index].line);
                    return Err(Error::CsvDuplicateName { path, line, column: name.clone() });
                }
            }
            return Ok(names);
        }
        let Some(schema) = &self.options.schema else {
            return Ok((0..first.len()).map(|index| format!("column_{index}")).collect());
        };
        let names: Vec<String> = schema
            .fields()
            .iter()
            .flat_map(|field| match field.column_type() {
                ColumnType::Vector { width } => {
                    (0..width).map(|position| part_name(field.name(), position)).collect()
                }
                _ => vec![field.name().to_owned()],
            })
            .collect();
        if names.len() != first.len() {
            let (path, line) = (self.path.to_owned(), first.first().map_or(1, |cell| cell.line));
            return Err(Error::CsvFields { path, line, expected: names.len(), found: first.len() });
        }
        Ok(names)
    }

    /// The columns of the frame, where they come first in the file.
    fn targets(self, names: &[String], inferred: &[Inference]) -> Result<Vec<Target>> {
        let mut targets = Vec::new();
        let mut taken = vec![false; names.len()];
        for field in self.options.schema.iter().flat_map(|schema| schema.fields()) {
            if field.column_type() == ColumnType::AnyVector {
                let (column, found) = (field.name().to_owned(), field.column_type());
                let expected = "a vector of known width in the schema".to_owned();
                return Err(Error::ColumnType { column, expected, found });
            }
            let wanted: Vec<String> = match field.column_type() {
                ColumnType::Vector { width } => {
                    (0..width).map(|index| part_name(field.name(), index)).collect()
                }
                _ => vec![field.name().to_owned()],
            };
            let mut sources = Vec::with_capacity(wanted.len());
            for name in wanted {
                let source = names.iter().position(|known| *known == name).ok_or_else(|| {
                    Error::unknown_column(&name, names.iter().map(String::as_str)).in_file(self.path)
                })?;
                taken[source] = true;
                sources.push(source);
            }
            targets.push(Target { field: field.clone(), sources });
        }
        for (index, name) in names.iter().enumerate().filter(|&(index, _)| !taken[index]) {
            targets.push(Target {
                field: Field::new(name, inferred[index].column_type()),
                sources: vec![index],
            });
        }
        targets.sort_by_key(|target| target.sources.first().copied());
        Ok(targets)
    }
}

/// The name of one number of a vector column in a CSV file.
pub(crate) fn part_name(vector: &str, position: usize) -> String {
    format!("{vector}_{position}")
}

/// A cell that is not of the type of its column.
struct Refused<'c, 't> {
    cell: &'c Cell<'t>,
    expected: ColumnType,
}

enum Builder {
    F64(Float64Builder),
    I64(Int64Builder),
    Bool(BooleanBuilder),
    Utf8(StringBuilder),
    List(ListBuilder<Int64Builder>),
    Vector { width: usize, values: Float64Builder, rows: NullBufferBuilder },
}

impl Builder {
    fn new(column_type: ColumnType) -> Self {
        match column_type {
            ColumnType::F64 => Self::F64(Float64Builder::new()),
            ColumnType::I64 => Self::I64(Int64Builder::new()),
            ColumnType::Bool => Self::Bool(BooleanBuilder::new()),
            ColumnType::Utf8 => Self::Utf8(StringBuilder::new()),
            ColumnType::List => Self::List(ListBuilder::new(Int64Builder::new())),
            ColumnType::Vector { width } => {
                Self::Vector { width, values: Float64Builder::new(), rows: NullBufferBuilder::new(0) }
            }
            // Refused with the schema.
            ColumnType::AnyVector => Self::new(ColumnType::Vector { width: 0 }),
        }
    }

    /// Appends one value. A vector is null if all its cells are.
    fn push<'c, 't: 'c>(
        &mut self,
        mut cells: impl Iterator<Item = &'c Cell<'t>>,
        null_values: &[String],
    ) -> Result<(), Refused<'c, 't>> {
        if let Self::Vector { values, rows, .. } = self {
            let mut any = false;
            for cell in cells {
                let value = number(cell, null_values, parse_f64, ColumnType::F64)?;
                any |= value.is_some();
                values.append_option(value);
            }
            rows.append(any);
            return Ok(());
        }
        let Some(cell) = cells.next() else { return Ok(()) };
        match self {
            Self::F64(builder) => {
                builder.append_option(number(cell, null_values, parse_f64, ColumnType::F64)?);
            }
            Self::I64(builder) => {
                builder.append_option(number(cell, null_values, parse_i64, ColumnType::I64)?);
            }
            Self::Bool(builder) => {
                builder.append_option(number(cell, null_values, parse_bool, ColumnType::Bool)?);
            }
            Self::Utf8(builder) => {
                builder.append_option((!is_null(cell, null_values)).then_some(cell.text.as_ref()));
            }
            Self::List(builder) => {
                let list = list(cell, null_values)?;
                builder.values().append_slice(list.as_deref().unwrap_or_default());
                builder.append(list.is_some());
            }
            Self::Vector { .. } => {}
        }
        Ok(())
    }

    fn finish(self) -> Result<ArrayRef> {
        Ok(match self {
            Self::F64(mut builder) => Arc::new(builder.finish()),
            Self::I64(mut builder) => Arc::new(builder.finish()),
            Self::Bool(mut builder) => Arc::new(builder.finish()),
            Self::Utf8(mut builder) => Arc::new(builder.finish()),
            Self::List(mut builder) => Arc::new(builder.finish()),
            Self::Vector { width, mut values, mut rows } => {
                let item = Arc::new(arrow_schema::Field::new_list_field(DataType::Float64, true));
                let (width, length) = (i32::try_from(width).unwrap_or(i32::MAX), rows.len());
                let (values, nulls) = (Arc::new(values.finish()), rows.finish());
                Arc::new(FixedSizeListArray::try_new_with_length(item, width, values, nulls, length)?)
            }
        })
    }
}

fn number<'c, 't, T>(
    cell: &'c Cell<'t>,
    null_values: &[String],
    parse: impl Fn(&str) -> Option<T>,
    expected: ColumnType,
) -> Result<Option<T>, Refused<'c, 't>> {
    if is_null_number(cell, null_values) {
        return Ok(None);
    }
    parse(&cell.text).map(Some).ok_or(Refused { cell, expected })
}

/// Integers with spaces between them; an empty text in quotes is an empty list.
fn list<'c, 't>(cell: &'c Cell<'t>, null_values: &[String]) -> Result<Option<Vec<i64>>, Refused<'c, 't>> {
    if is_null(cell, null_values) {
        return Ok(None);
    }
    let refused = Refused { cell, expected: ColumnType::List };
    cell.text.split_whitespace().map(parse_i64).collect::<Option<_>>().map(Some).ok_or(refused)
}
