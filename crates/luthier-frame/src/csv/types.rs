use crate::ColumnType;
use crate::csv::tokens::Cell;

/// What the cells of a column have been so far: the narrowest type that holds them all.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Inference {
    found: Option<ColumnType>,
    quoted_empty: bool,
}

impl Inference {
    pub(crate) fn see(&mut self, cell: &Cell<'_>, null_values: &[String]) {
        if self.found == Some(ColumnType::Utf8) || is_null(cell, null_values) {
            return;
        }
        if cell.quoted && cell.text.is_empty() {
            self.quoted_empty = true;
            return;
        }
        self.found = Some(match self.found {
            None | Some(ColumnType::I64) if parse_i64(&cell.text).is_some() => ColumnType::I64,
            None | Some(ColumnType::I64 | ColumnType::F64) if parse_f64(&cell.text).is_some() => {
                ColumnType::F64
            }
            None | Some(ColumnType::Bool) if parse_bool(&cell.text).is_some() => ColumnType::Bool,
            _ => ColumnType::Utf8,
        });
    }

    /// A column without values is text if it has empty strings, else `f64`.
    pub(crate) fn column_type(self) -> ColumnType {
        self.found.unwrap_or(if self.quoted_empty { ColumnType::Utf8 } else { ColumnType::F64 })
    }
}

/// Whether a cell stands for a missing value. A quoted one is text.
pub(crate) fn is_null(cell: &Cell<'_>, null_values: &[String]) -> bool {
    !cell.quoted && null_values.iter().any(|null| *null == cell.text)
}

/// As [`is_null`] for what is not text: many programs quote all cells, so `""` is missing too.
pub(crate) fn is_null_number(cell: &Cell<'_>, null_values: &[String]) -> bool {
    is_null(cell, null_values) || (cell.text.is_empty() && null_values.iter().any(String::is_empty))
}

pub(crate) fn parse_f64(text: &str) -> Option<f64> {
    text.trim().parse().ok()
}

pub(crate) fn parse_i64(text: &str) -> Option<i64> {
    text.trim().parse().ok()
}

pub(crate) fn parse_bool(text: &str) -> Option<bool> {
    match text.trim() {
        "true" | "True" | "TRUE" => Some(true),
        "false" | "False" | "FALSE" => Some(false),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn infer(cells: &[&str]) -> ColumnType {
        let mut inference = Inference::default();
        for text in cells {
            let quoted = text.starts_with('"');
            let text = text.trim_matches('"').into();
            inference.see(&Cell { text, quoted, line: 1 }, &[String::new()]);
        }
        inference.column_type()
    }

    #[test]
    fn the_narrowest_type_that_holds_all_cells() {
        assert_eq!(infer(&["1", "", "-2"]), ColumnType::I64);
        assert_eq!(infer(&["1", "2.5"]), ColumnType::F64);
        assert_eq!(infer(&["1", "NaN", "inf", "-1e-3"]), ColumnType::F64);
        assert_eq!(infer(&["9223372036854775808"]), ColumnType::F64);
        assert_eq!(infer(&["true", "", "FALSE"]), ColumnType::Bool);
        assert_eq!(infer(&["true", "1"]), ColumnType::Utf8);
        assert_eq!(infer(&["1", "true"]), ColumnType::Utf8);
        assert_eq!(infer(&["1.5", "x", "2"]), ColumnType::Utf8);
        assert_eq!(infer(&["", ""]), ColumnType::F64);
        assert_eq!(infer(&["\"\"", ""]), ColumnType::Utf8);
        assert_eq!(infer(&["\"\"", "\"1\""]), ColumnType::I64);
    }
}
