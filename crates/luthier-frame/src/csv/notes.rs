//! Notes on files that could be read.

use std::fmt;

use crate::place::escaped;

/// Something unexpected about a CSV file, with advice.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum CsvNote {
    /// A column is text although most of its values are numbers, or all are.
    Text {
        /// The column.
        column: String,
        /// The line of the first cell that makes it text.
        line: u64,
        /// The text of that cell.
        cell: String,
        /// Why the column is text.
        reason: TextReason,
        /// The cells that were given to mean a missing value.
        null_values: Option<Vec<String>>,
    },
    /// Some cells of a column that is declared as timestamps do not say a point in time completely.
    Incomplete {
        /// The column.
        column: String,
        /// The line of the first such cell.
        line: u64,
        /// The text of that cell.
        cell: String,
        /// How many cells there are.
        cells: u64,
        /// What they lack.
        lacks: Lack,
    },
    /// The delimiter was detected from the first lines.
    Delimiter {
        /// The delimiter.
        found: char,
    },
    /// The first column has no name, or the header has one cell less than the other lines: the column holds row names.
    RowNames,
    /// Some columns have the same name as a column before them and were renamed.
    Renamed {
        /// For each of these columns its name in the file and the new name.
        columns: Vec<(String, String)>,
    },
    /// There is only one column, and its header contains a character that may be the delimiter.
    OneColumn {
        /// The possible delimiter.
        candidate: char,
    },
}

/// Why a column is text although its values look like numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum TextReason {
    /// A few cells are not numbers.
    NoNumber {
        /// How many are not.
        cells: u64,
        /// How many are.
        numbers: u64,
    },
    /// A number begins with a zero, as codes do.
    LeadingZero,
    /// An integer does not fit into 64 bits.
    TooLarge,
    /// All values of the column are quoted, and other values of the file are not.
    Quoted,
}

/// What a cell lacks to be a point in time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Lack {
    /// It is a date alone, which is read as midnight.
    TimeOfDay,
    /// It has no offset from UTC, although other cells of the column have one; it is read as UTC.
    Offset,
}

/// The cell as messages show it.
fn shown(cell: &str) -> String {
    const SHOWN: usize = 40;
    let cut: String = cell.chars().take(SHOWN).collect();
    let dots = if cut.len() < cell.len() { "…" } else { "" };
    format!("`{}{dots}`", escaped(&cut))
}

impl CsvNote {
    /// Why a column is text, and what to write to change that; to be shown after the place of the cell.
    pub fn why(&self) -> Option<String> {
        let Self::Text { cell, reason, .. } = self else { return None };
        Some(self.with_remedy(reason.of(&shown(cell))))
    }

    fn with_remedy(&self, why: String) -> String {
        match self.remedy() {
            Some(remedy) => format!("{why}; {remedy}"),
            None => why,
        }
    }
}

impl TextReason {
    fn of(self, cell: &str) -> String {
        match self {
            Self::NoNumber { cells: 1, .. } => format!("{cell} is not a number"),
            Self::NoNumber { cells, .. } => {
                format!("{cells} values are not numbers, the first of them is {cell}")
            }
            Self::LeadingZero => format!("{cell} begins with a zero, as codes do"),
            Self::TooLarge => format!("{cell} does not fit into 64 bits"),
            Self::Quoted => format!("its values are quoted, such as {cell}"),
        }
    }
}

impl fmt::Display for CsvNote {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text { column, line, cell, reason, .. } => {
                let cell = format!("{} in line {line}", shown(cell));
                let why = self.with_remedy(reason.of(&cell));
                write!(f, "column `{}` is text: {why}", escaped(column))
            }
            Self::Incomplete { column, line, cell, cells, lacks } => {
                let (lack, read) = match lacks {
                    Lack::TimeOfDay => ("no time of day", "midnight"),
                    Lack::Offset => ("no offset from UTC, although others have one", "UTC"),
                };
                let (some, are) = if *cells == 1 {
                    ("1 cell has".to_owned(), "is")
                } else {
                    (format!("{cells} cells have"), "are")
                };
                write!(
                    f,
                    "column `{}` holds timestamps, but {some} {lack}, and {are} read as {read}; the first is {} in line {line}",
                    escaped(column),
                    shown(cell)
                )
            }
            Self::Delimiter { found } => write!(f, "the delimiter was detected as {found:?}"),
            Self::RowNames => f.write_str("the first column has no name and is treated as row names"),
            Self::Renamed { columns } => {
                const SHOWN: usize = 3;
                f.write_str("several columns have the same name: ")?;
                for (at, (name, new)) in columns.iter().take(SHOWN).enumerate() {
                    let separator = if at == 0 { "" } else { ", " };
                    write!(f, "{separator}another `{}` is renamed to `{}`", escaped(name), escaped(new))?;
                }
                match columns.len().saturating_sub(SHOWN) {
                    0 => Ok(()),
                    more => write!(f, ", and {more} more are renamed in the same way"),
                }
            }
            Self::OneColumn { candidate } => write!(
                f,
                "the file has only one column, and its name contains {candidate:?}; if that is the delimiter, write \
                 `delimiter = {candidate:?}`"
            ),
        }
    }
}

impl CsvNote {
    /// What to write so that a column that is text is read as numbers.
    fn remedy(&self) -> Option<String> {
        let Self::Text { column, cell, reason, null_values, .. } = self else { return None };
        let declare =
            |what: &str| format!("{what}, write `types = {{ {:?} = \"number\" }}`", escaped(column));
        Some(match reason {
            TextReason::NoNumber { .. } => match other_signs(cell) {
                Some(hint) => hint.to_owned(),
                None => if_missing(cell, null_values.as_deref()),
            },
            TextReason::TooLarge => declare("to read it as rounded numbers"),
            TextReason::LeadingZero | TextReason::Quoted => declare("to read it as numbers"),
        })
    }
}

/// What to write if a cell stands for a missing value, as those that were given do.
pub(crate) fn if_missing(cell: &str, given: Option<&[String]>) -> String {
    let known = given.map_or_else(|| vec!["", "NA", "?"], |given| given.iter().map(String::as_str).collect());
    let mut listed: Vec<String> = Vec::new();
    for text in std::iter::once("").chain(known).chain([cell.trim()]) {
        let text = format!("{:?}", escaped(text));
        if !listed.contains(&text) {
            listed.push(text);
        }
    }
    format!(
        "if it stands for a missing value, write `null_values = [{}]` with all that stand for one: the list replaces the default, and \
         applies to columns of text too",
        listed.join(", ")
    )
}

/// What to write if a cell is a number with other separators.
pub(crate) fn other_signs(cell: &str) -> Option<&'static str> {
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let unsigned = cell.trim().trim_start_matches(['+', '-']);
    let (comma, point) = (unsigned.find(','), unsigned.find('.'));
    let digits_and = |sign: char| {
        unsigned.contains(sign) && unsigned.split(sign).all(|group| digits(&group.replace('.', "")))
    };
    if digits_and('\'') {
        return Some("if the apostrophe separates thousands, write `thousands = \"'\"`");
    }
    if digits_and(' ') || digits_and('\u{a0}') || digits_and('\u{202f}') {
        return Some("if the space separates thousands, write `thousands = \" \"`");
    }
    let plain: String = unsigned.chars().filter(|c| !matches!(c, ',' | '.')).collect();
    if !digits(&plain) {
        return None;
    }
    Some(match (comma, point) {
        (Some(comma), Some(point)) if comma < point => {
            "if the comma separates thousands, write `thousands = \",\"`"
        }
        (Some(_), Some(_)) => {
            "if the comma is the decimal separator, write `decimal = \",\"` and `thousands = \".\"`"
        }
        (Some(_), None) => {
            "if the comma is the decimal separator, write `decimal = \",\"`; if it separates thousands, `thousands = \",\"`"
        }
        // Not a date such as 26.01.2020.
        (None, Some(_)) if unsigned.split('.').skip(1).all(|group| group.len() == 3) => {
            "if the full stop separates thousands, write `decimal = \",\"` and `thousands = \".\"`"
        }
        (None, _) => return None,
    })
}
