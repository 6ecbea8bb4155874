//! The delimiter, the names of the columns, and where the rows begin.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use super::CsvOptions;
use super::notes::CsvNote;
use super::records::{Position, Records};
use super::text::Text;
use super::tokens::Tokens;
use crate::{ColumnType, Error, Result};

/// What the first lines of a file show.
#[derive(Debug)]
pub(crate) struct Header {
    pub(crate) tokens: Tokens,
    /// The names of the file's columns.
    pub(crate) names: Vec<String>,
    /// Where the first row begins.
    pub(crate) rows: Position,
    pub(crate) notes: Vec<CsvNote>,
}

/// Delimiters that are tried if there is no comma.
const DELIMITERS: [u8; 3] = [b';', b'\t', b'|'];

/// The number of lines that must agree on a delimiter.
const LINES_TRIED: usize = 10;

impl Header {
    pub(crate) fn read(text: &Arc<Text>, options: &CsvOptions) -> Result<Self> {
        let mut notes = Vec::new();
        let start = {
            let mut records = Records::new(Arc::clone(text), tokens(options, b','), None, Position::START)?;
            records.skip_lines(options.skip_lines)?;
            records.position()
        };
        let tokens = match options.delimiter {
            Some(delimiter) => tokens(options, delimiter),
            None => found(text, options, start, &mut notes)?,
        };
        let path = text.input().path();
        let mut records = Records::new(Arc::clone(text), tokens, None, start)?;
        if !records.advance()? {
            return Err(Error::EmptyFile { path: path.to_owned() });
        }
        if !options.has_header {
            let count = records.cells().len();
            let names = match &options.schema {
                Some(schema) => schema_names(schema),
                None => (0..count).map(numbered).collect(),
            };
            if names.len() != count {
                let (line, expected) = (records.line(), names.len());
                let hint = Some("this is the number of columns in the schema".to_owned());
                return Err(Error::CsvFields { path: path.to_owned(), line, expected, found: count, hint });
            }
            return Ok(Self { tokens, names, rows: start, notes });
        }
        let name = |cell: super::tokens::Cell<'_>| {
            let text = cell.text();
            if cell.quoted { text.into_owned() } else { text.trim().to_owned() }
        };
        let mut names: Vec<String> = records.cells().map(name).collect();
        if let [only] = names.as_slice()
            && let Some(candidate) = [',', ';', '\t', '|', ' '].into_iter().find(|&c| only.contains(c))
        {
            notes.push(CsvNote::OneColumn { candidate });
        }
        let rows = records.position();
        let is_comment = names.first().is_some_and(|name| name.starts_with('#'));
        if records.advance()? && !names.is_empty() && !is_comment && records.cells().len() == names.len() + 1
        {
            let last_is_empty = records.cells().last().is_some_and(|cell| cell.raw.is_empty());
            if !last_is_empty {
                names.insert(0, String::new());
            }
        }
        if names.iter().filter(|name| name.is_empty()).count() > 1 {
            for (position, name) in names.iter_mut().enumerate().filter(|(_, name)| name.is_empty()) {
                *name = numbered(position);
            }
        }
        if names.first().is_some_and(String::is_empty) {
            notes.push(CsvNote::RowNames);
        }
        let renamed = tell_apart(&mut names);
        if !renamed.is_empty() {
            notes.push(CsvNote::Renamed { columns: renamed });
        }
        Ok(Self { tokens, names, rows, notes })
    }
}

/// Makes the names unique: of two columns `x`, the second is renamed to `x_2`. Returns the old and new names.
fn tell_apart(names: &mut [String]) -> Vec<(String, String)> {
    let given: HashSet<String> = names.iter().cloned().collect();
    let (mut seen, mut renamed) = (HashMap::<String, usize>::new(), Vec::new());
    if given.len() == names.len() {
        return renamed;
    }
    for name in names {
        let number = seen.entry(name.clone()).or_default();
        *number += 1;
        if *number == 1 {
            continue;
        }
        let free = loop {
            let candidate = format!("{name}_{number}");
            if !given.contains(&candidate) {
                break candidate;
            }
            *number += 1;
        };
        renamed.push((std::mem::replace(name, free.clone()), free));
    }
    renamed
}

/// The name of a column without a name.
fn numbered(position: usize) -> String {
    format!("column_{position}")
}

fn tokens(options: &CsvOptions, delimiter: u8) -> Tokens {
    Tokens { delimiter, comment: options.comment }
}

/// A tab according to the file extension, or a comma; if the first lines have no comma, the delimiter that cuts all of
/// them into the same number of cells.
fn found(
    text: &Arc<Text>,
    options: &CsvOptions,
    start: Position,
    notes: &mut Vec<CsvNote>,
) -> Result<Tokens> {
    let name = text.input().path().to_string_lossy().to_ascii_lowercase();
    let name = [".gz", ".zst"].iter().find_map(|packed| name.strip_suffix(packed)).unwrap_or(&name);
    let usual = tokens(options, if name.ends_with(".tsv") { b'\t' } else { b',' });
    // The number of cells of the first lines, if they agree. In files that R writes with row names, the header has one less.
    let cells = |tokens: Tokens, lines: usize| -> Option<usize> {
        let mut records = Records::new(Arc::clone(text), tokens, None, start).ok()?;
        let mut cells: Option<usize> = None;
        for line in 0..lines {
            if !records.advance().ok()? {
                break;
            }
            let found = records.cells().len();
            let has_row_names =
                line == 1 && options.has_header && found > 2 && cells.is_some_and(|cells| cells + 1 == found);
            if has_row_names {
                cells = Some(found);
            }
            if *cells.get_or_insert(found) != found {
                return None;
            }
        }
        cells
    };
    // Errors are reported when the file is read.
    if cells(usual, 1) != Some(1) {
        return Ok(usual);
    }
    let others = DELIMITERS.map(|delimiter| tokens(options, delimiter));
    let best = others.into_iter().find(|&other| cells(other, LINES_TRIED).is_some_and(|cells| cells > 1));
    Ok(match best {
        Some(best) => {
            notes.push(CsvNote::Delimiter { found: char::from(best.delimiter) });
            best
        }
        None => usual,
    })
}

/// The columns of a file whose rows have this schema.
fn schema_names(schema: &crate::Schema) -> Vec<String> {
    let of = |field: &crate::Field| match field.column_type() {
        ColumnType::Vector { width } => {
            (0..width).map(|position| part_name(field.name(), position)).collect()
        }
        _ => vec![field.name().to_owned()],
    };
    schema.fields().iter().flat_map(of).collect()
}

/// The name of one number of a vector column in a CSV file.
pub(crate) fn part_name(vector: &str, position: usize) -> String {
    format!("{vector}_{position}")
}
