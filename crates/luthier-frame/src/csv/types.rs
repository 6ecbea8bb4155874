//! The type of the cells of a column.

use super::numbers::{NumberFormat, Whole, has_leading_zero, parse_bool, whole};
use super::tokens::Cell;
use super::{CsvOptions, NULL_VALUES};
use crate::ColumnType;
use crate::csv::notes::{CsvNote, Lack, TextReason, other_signs};
use crate::text::{parse_date, parse_timestamp};

/// How the cells of a file are written.
#[derive(Debug, Clone)]
pub(crate) struct Cells {
    pub(crate) numbers: NumberFormat,
    null_values: Option<Vec<String>>,
}

impl Cells {
    pub(crate) fn new(options: &CsvOptions) -> Self {
        Self { numbers: NumberFormat::new(options), null_values: options.null_values.clone() }
    }

    /// The cells that were given to mean a missing value.
    pub(crate) fn given_nulls(&self) -> Option<&[String]> {
        self.null_values.as_deref()
    }

    /// Whether a cell is a missing value in a column of text. A quoted one is text.
    pub(crate) fn is_null_text(&self, cell: &Cell<'_>) -> bool {
        !cell.quoted
            && match &self.null_values {
                None => cell.raw.is_empty(),
                Some(values) => values.iter().any(|value| value == cell.raw),
            }
    }

    /// Whether a cell is a missing value in any other column. Quotes are ignored, because programs that quote all cells
    /// quote these too.
    pub(crate) fn is_null(&self, cell: &Cell<'_>) -> bool {
        let text = cell.inside().trim();
        match &self.null_values {
            None => match text.as_bytes().first() {
                None => true,
                Some(b'0'..=b'9') => false,
                Some(_) => text.len() <= 4 && NULL_VALUES.contains(&text),
            },
            Some(values) => values.iter().any(|value| value.trim() == text || value == cell.inside()),
        }
    }
}

/// The type in which a column is stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A column type, integers as `i64`.
    Of(ColumnType),
    /// Integers, some of which are beyond `i64`.
    U64,
    /// Text as it is in the file, including quotes.
    Spelt,
}

impl Kind {
    pub(crate) fn column_type(self) -> ColumnType {
        match self {
            Self::Of(column_type) => column_type,
            Self::U64 => ColumnType::I64,
            Self::Spelt => ColumnType::Utf8,
        }
    }
}

/// A cell and its line, for a note.
#[derive(Debug, Clone)]
struct Example {
    line: u64,
    text: String,
}

/// Remembers the first of some cells.
fn first(of: &mut Option<Example>, cell: &Cell<'_>) {
    if of.is_none() {
        *of = Some(Example { line: cell.line, text: cell.text().into_owned() });
    }
}

/// Counts of the kinds of cells in a column so far.
#[derive(Debug, Clone, Default)]
pub(crate) struct Inference {
    floats: u64,
    integers: u64,
    bools: u64,
    others: u64,
    /// How many of the others are dates, times without an offset from UTC, and times with one.
    dates: u64,
    times: u64,
    instants: u64,
    /// How many of the others are numbers with other separators.
    grouped: u64,
    /// Values with quotes that they do not need, and values without quotes.
    quoted: u64,
    unquoted: u64,
    quoted_empty: bool,
    negative: bool,
    /// Missing values of a column of text, and of one of anything else.
    pub(crate) null_texts: bool,
    pub(crate) nulls: bool,
    first_date: Option<Example>,
    first_time: Option<Example>,
    first_other: Option<Example>,
    first_code: Option<Example>,
    /// An integer beyond `i64`, and one beyond `u64` as well.
    first_u64: Option<Example>,
    first_large: Option<Example>,
    first_quoted: Option<Example>,
}

impl Inference {
    pub(crate) fn see(&mut self, cell: &Cell<'_>, cells: &Cells, delimiter: u8) {
        if cells.is_null(cell) {
            self.nulls = true;
            self.null_texts |= cells.is_null_text(cell);
            self.quoted_empty |= cell.quoted && cell.inside().trim().is_empty();
            return;
        }
        self.null_texts |= cells.is_null_text(cell);
        if !cell.quoted {
            self.unquoted += 1;
        } else if !cell.inside().bytes().any(|byte| byte == delimiter) {
            self.quoted += 1;
            first(&mut self.first_quoted, cell);
        }
        if self.number(cell, cells) {
            return;
        }
        if parse_bool(cell.inside()).is_some() {
            self.bools += 1;
        } else {
            self.others += 1;
            self.grouped += u64::from(other_signs(cell.inside()).is_some());
            let text = cell.inside().trim();
            match parse_timestamp(text) {
                Some((_, None)) => {
                    self.times += 1;
                    first(&mut self.first_time, cell);
                }
                Some((_, Some(_))) => self.instants += 1,
                None if parse_date(text).is_some() => {
                    self.dates += 1;
                    first(&mut self.first_date, cell);
                }
                None => {}
            }
        }
        first(&mut self.first_other, cell);
    }

    /// Counts a cell that is a number.
    fn number(&mut self, cell: &Cell<'_>, cells: &Cells) -> bool {
        let text = cell.inside().trim_start();
        let may_begin =
            |&byte: &u8| matches!(byte, b'0'..=b'9' | b'+' | b'-' | b'.' | b',' | b'i' | b'I' | b'n' | b'N');
        if !text.as_bytes().first().is_some_and(may_begin) {
            return false;
        }
        let Some(plain) = cells.numbers.plain(text) else { return false };
        match whole(&plain) {
            Some(size) => {
                self.integers += 1;
                self.negative |= plain.starts_with('-');
                match size {
                    Whole::I64 => {}
                    Whole::U64 => first(&mut self.first_u64, cell),
                    Whole::Large => first(&mut self.first_large, cell),
                }
            }
            None if plain.parse::<f64>().is_ok() => self.floats += 1,
            None => return false,
        }
        if has_leading_zero(&plain) {
            first(&mut self.first_code, cell);
        }
        true
    }

    /// Whether no cell has a value, not even an empty string.
    pub(crate) fn is_empty(&self) -> bool {
        self.floats + self.integers + self.bools + self.others == 0 && !self.quoted_empty
    }

    /// Whether there are values without quotes.
    pub(crate) fn has_unquoted(&self) -> bool {
        self.unquoted > 0
    }

    /// A declared type, widened to hold integers beyond `i64` if there are any.
    pub(crate) fn widened(&self, declared: Kind) -> Kind {
        let is_unsigned = self.first_u64.is_some() && !self.negative;
        if declared == Kind::Of(ColumnType::I64) && is_unsigned { Kind::U64 } else { declared }
    }

    /// The type of the column; `quotes_tell` says whether some values of the file are quoted and others not. A column
    /// without values is text if it has empty strings, otherwise `f64`.
    pub(crate) fn kind(&self, quotes_tell: bool) -> Kind {
        let numbers = self.integers + self.floats;
        let is_text = self.others > 0 || self.is_quoted(quotes_tell) || self.reason(quotes_tell).is_some();
        Kind::Of(match () {
            () if numbers + self.bools + self.others == 0 => {
                if self.quoted_empty {
                    ColumnType::Utf8
                } else {
                    ColumnType::F64
                }
            }
            () if self.others > 0 && numbers + self.bools == 0 && self.dates == self.others => {
                ColumnType::Date
            }
            () if self.others > 0
                && numbers + self.bools == 0
                && [self.times, self.instants].contains(&self.others) =>
            {
                ColumnType::Timestamp
            }
            () if is_text => ColumnType::Utf8,
            () if self.bools > 0 => ColumnType::Bool,
            () if self.floats > 0 => ColumnType::F64,
            () if self.first_u64.is_some() => return Kind::U64,
            () => ColumnType::I64,
        })
    }

    fn is_quoted(&self, quotes_tell: bool) -> bool {
        quotes_tell && self.quoted > 0 && self.unquoted == 0
    }

    /// Why a column is text although its values, or nearly all of them, are numbers.
    fn reason(&self, quotes_tell: bool) -> Option<(TextReason, &Example)> {
        let (numbers, others) = (self.integers + self.floats, self.bools + self.others);
        if others > 0 {
            let few = numbers + self.grouped > others - self.grouped || self.others == 0 && numbers > 0;
            return few
                .then_some((TextReason::NoNumber { cells: others, numbers }, self.first_other.as_ref()?));
        }
        if self.is_quoted(quotes_tell) {
            return Some((TextReason::Quoted, self.first_quoted.as_ref()?));
        }
        if let Some(code) = &self.first_code {
            return Some((TextReason::LeadingZero, code));
        }
        let together = self.first_u64.as_ref().filter(|_| self.negative);
        let large = self.first_large.as_ref().or(together);
        large.filter(|_| self.floats == 0).map(|large| (TextReason::TooLarge, large))
    }

    /// Notes on cells of a column of declared type that say less than the type holds.
    pub(crate) fn notes_as(&self, declared: Kind, column: &str) -> Vec<CsvNote> {
        if declared != Kind::Of(ColumnType::Timestamp) {
            return Vec::new();
        }
        let note = |first: &Option<Example>, cells: u64, lacks: Lack| {
            let Example { line, text } = first.clone()?;
            Some(CsvNote::Incomplete { column: column.to_owned(), line, cell: text, cells, lacks })
        };
        let mixed = self.first_time.clone().filter(|_| self.instants > 0);
        let dates = note(&self.first_date, self.dates, Lack::TimeOfDay);
        dates.into_iter().chain(note(&mixed, self.times, Lack::Offset)).collect()
    }

    /// A note on a column that is text because of a few cells or because of how they are written.
    pub(crate) fn note(&self, column: &str, quotes_tell: bool, cells: &Cells) -> Option<CsvNote> {
        if self.kind(quotes_tell) != Kind::Of(ColumnType::Utf8) {
            return None;
        }
        let (reason, Example { line, text }) = self.reason(quotes_tell)?;
        let null_values = cells.null_values.clone();
        Some(CsvNote::Text {
            column: column.to_owned(),
            line: *line,
            cell: text.clone(),
            reason,
            null_values,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::csv::tokens::{Found, Record, Tokens};

    /// The type of a column with these cells, beside cells that are not quoted.
    fn infer(options: &CsvOptions, cells: &[&str]) -> (Kind, Option<String>) {
        let (mut inference, mut record) = (Inference::default(), Record::default());
        let rules = Cells::new(options);
        for (row, text) in cells.iter().enumerate() {
            let tokens = Tokens { delimiter: b';', comment: None };
            assert_eq!(
                tokens.next(&format!("{text};"), 0, row as u64 + 2, true, &mut record),
                Ok(Found::Record)
            );
            record.cells(&format!("{text};")).take(1).for_each(|cell| inference.see(&cell, &rules, b';'));
        }
        (inference.kind(true), inference.note("x", true, &rules).map(|note| note.to_string()))
    }

    #[track_caller]
    fn check(cells: &[&str], expected: ColumnType) {
        assert_eq!(infer(&CsvOptions::new(), cells).0, Kind::Of(expected), "{cells:?}");
    }

    #[test]
    fn the_narrowest_type_that_holds_all_cells() {
        check(&["1", "", "-2"], ColumnType::I64);
        check(&["1", "2.5"], ColumnType::F64);
        check(&["1", "NaN", "inf", "-1e-3"], ColumnType::F64);
        check(&["true", "", "FALSE"], ColumnType::Bool);
        check(&["true", "1"], ColumnType::Utf8);
        check(&["1", "true"], ColumnType::Utf8);
        check(&["1.5", "x", "2"], ColumnType::Utf8);
        check(&["", ""], ColumnType::F64);
        check(&["\"\"", ""], ColumnType::Utf8);
        check(&["NA", "?"], ColumnType::F64);
        check(&["1", " NA ", "\"n/a\"", "-", "\"\"", " ?"], ColumnType::I64);
        check(&["0", "0.5", "-0"], ColumnType::F64);
    }

    #[test]
    fn dates_and_times_are_what_all_cells_are() {
        check(&["2024-02-29", "", " 1999-12-31 ", "NA"], ColumnType::Date);
        check(&["\"2024-02-29\"", "\"1999-12-31\""], ColumnType::Date);
        check(&["2024-02-29T12:30", "2024-02-29 12:30:00.5"], ColumnType::Timestamp);
        check(&["2024-02-29T12:30Z", "2024-02-29T12:30+05:30"], ColumnType::Timestamp);
        // With and without an offset, and with and without a time, cannot be compared.
        check(&["2024-02-29T12:30Z", "2024-02-29T12:30"], ColumnType::Utf8);
        check(&["2024-02-29T12:30", "2024-02-29"], ColumnType::Utf8);
        check(&["2024-02-29", "2023-02-29"], ColumnType::Utf8);
        check(&["2024-02-29", "29.02.2024"], ColumnType::Utf8);
        check(&["2024-02-29", "20240229"], ColumnType::Utf8);
    }

    #[test]
    fn codes_stay_text() {
        check(&["1", "007"], ColumnType::Utf8);
        check(&["001.1", "250.0"], ColumnType::Utf8);
        check(&["\"1\"", "\"2\"", "NA"], ColumnType::Utf8);
        check(&["\"TRUE\"", "\"FALSE\""], ColumnType::Utf8);
        check(&["1", "18446744073709551616"], ColumnType::Utf8);
        // Quotes that a cell needs, and those of some cells only, say nothing.
        check(&["\"1\"", "2"], ColumnType::I64);
        let comma = CsvOptions::new().decimal(',').thousands(';');
        assert_eq!(infer(&comma, &["\"1;234,5\""]).0, Kind::Of(ColumnType::F64));
        assert_eq!(infer(&CsvOptions::new(), &["1", "18446744073709551615"]).0, Kind::U64);
        check(&["-1", "18446744073709551615"], ColumnType::Utf8);
        check(&["1.5", "18446744073709551616"], ColumnType::F64);
    }

    #[test]
    fn a_column_that_is_text_for_a_few_cells_is_noted() {
        let note = |cells: &[&str]| infer(&CsvOptions::new(), cells).1.unwrap_or_default();
        assert_eq!(
            note(&["1", "x", "2", "3", "y"]),
            "column `x` is text: 2 values are not numbers, the first of them is `x` in line 3; if it stands for a missing \
             value, write `null_values = [\"\", \"NA\", \"?\", \"x\"]` with all that stand for one: the list replaces the \
             default, and applies to columns of text too"
        );
        // What was given is listed, and nothing twice.
        let given = CsvOptions::new().null_values(["", "n.a.", "x"]);
        let told = infer(&given, &["1", "y", "2", "3"]).1.unwrap_or_default();
        assert!(told.contains("write `null_values = [\"\", \"n.a.\", \"x\", \"y\"]` with all"), "{told}");
        let told = infer(&CsvOptions::new().null_values([""]), &["1", "NA", "2", "3"]).1.unwrap_or_default();
        assert!(told.contains("write `null_values = [\"\", \"NA\"]` with all"), "{told}");
        // A date is no number with separators.
        assert_eq!(
            (note(&["26.01.2020", "27.01.2020"]), note(&["10.000,20"]).is_empty()),
            (String::new(), false)
        );
        assert!(note(&["1.234.567"]).ends_with("write `decimal = \",\"` and `thousands = \".\"`"));
        assert!(
            note(&["1,5", "2"])
                .ends_with("write `decimal = \",\"`; if it separates thousands, `thousands = \",\"`")
        );
        assert!(note(&["1.234,5"]).ends_with("write `decimal = \",\"` and `thousands = \".\"`"));
        assert!(
            note(&["1", "02"])
                .contains("`02` in line 3 begins with a zero, as codes do; to read it as numbers")
        );
        assert!(note(&["\"1\"", "\"2\""]).contains("its values are quoted, such as `1` in line 2"));
        assert!(note(&["1", "2", "\u{1b}[1m"]).contains("`\\u{1b}[1m`"));
        assert_eq!((note(&["a", "b", "3"]), note(&["1", "2"])), (String::new(), String::new()));
    }
}
