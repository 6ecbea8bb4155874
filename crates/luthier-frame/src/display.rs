//! Frames as text.

use std::fmt;

use arrow_array::cast::AsArray;
use arrow_array::types::Int64Type;
use arrow_array::{Array, ArrayRef};

use crate::text_table::{Align, boxed_table};
use crate::{ColumnType, DataFrame, SparseRows, numbers, sparse_rows, texts};

/// The largest numbers of rows, columns and characters per cell that are shown.
const ROWS: usize = 10;
const COLUMNS: usize = 12;
const CHARACTERS: usize = 32;

/// Shows the shape, the first 10 rows of the first 12 columns with names and types, and how much is left out.
///
/// Numbers have 6 significant digits; long vectors are shown by their first two values and the last one.
impl fmt::Display for DataFrame {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (rows, columns) = (self.num_rows(), self.schema().len());
        writeln!(
            f,
            "{rows} {} × {columns} {}, {} {}",
            plural(rows, "row"),
            plural(columns, "column"),
            self.num_partitions(),
            plural(self.num_partitions(), "partition")
        )?;
        if columns == 0 {
            return Ok(());
        }
        let fields = &self.schema().fields()[..columns.min(COLUMNS)];
        let mut header: Vec<Vec<String>> =
            fields.iter().map(|field| vec![shorten(field.name()), field.column_type().to_string()]).collect();
        let mut alignment: Vec<Align> = fields
            .iter()
            .map(|field| if field.column_type().is_numeric() { Align::Right } else { Align::Left })
            .collect();
        let shown: Vec<usize> = (0..fields.len()).collect();
        let mut table_rows = Vec::new();
        for partition in self.head(ROWS).partitions() {
            let batches = match partition.batches(Some(&shown)) {
                Ok(batches) => batches,
                Err(error) => return writeln!(f, "(cannot be read: {error})"),
            };
            for batch in batches {
                let batch = match batch {
                    Ok(batch) => batch,
                    Err(error) => return writeln!(f, "(cannot be read: {error})"),
                };
                for row in 0..batch.num_rows() {
                    let cells = fields.iter().zip(batch.columns());
                    table_rows
                        .push(cells.map(|(field, array)| cell(field.column_type(), array, row)).collect());
                }
            }
        }
        if columns > fields.len() {
            header.push(vec!["…".to_owned(), format!("{} more", columns - fields.len())]);
            alignment.push(Align::Left);
            table_rows.iter_mut().for_each(|row: &mut Vec<String>| row.push("…".to_owned()));
        }
        boxed_table(f, &header, &alignment, &table_rows)?;
        if rows > ROWS {
            writeln!(f, "… {} more {}", rows - ROWS, plural(rows - ROWS, "row"))?;
        }
        Ok(())
    }
}

fn plural(count: usize, noun: &str) -> String {
    if count == 1 { noun.to_owned() } else { format!("{noun}s") }
}

fn cell(column_type: ColumnType, array: &ArrayRef, row: usize) -> String {
    if array.is_null(row) {
        return "null".to_owned();
    }
    let one = array.slice(row, 1);
    match column_type {
        ColumnType::F64 => first_number(&one),
        ColumnType::I64
        | ColumnType::Bool
        | ColumnType::Utf8
        | ColumnType::Date
        | ColumnType::Timestamp
        | ColumnType::Opaque(_) => match texts(one.as_ref()) {
            Ok(mut texts) => texts.pop().flatten().map(|text| shorten(&text)).unwrap_or_default(),
            Err(error) => error.to_string(),
        },
        ColumnType::List => shorten(&list(&one.as_list::<i32>().value(0))),
        ColumnType::Vector { .. } | ColumnType::AnyVector => {
            match (sparse_rows(one.as_ref()), one.as_fixed_size_list_opt()) {
                (Some(rows), _) => sparse(rows),
                (None, Some(lists)) => vector(lists.values()),
                (None, None) => String::new(),
            }
        }
    }
}

fn list(values: &ArrayRef) -> String {
    let number = |value: Option<i64>| value.map_or_else(|| "null".to_owned(), |value| value.to_string());
    format!("[{}]", values.as_primitive::<Int64Type>().iter().map(number).collect::<Vec<_>>().join(", "))
}

fn vector(values: &ArrayRef) -> String {
    let at = |position: usize| {
        if values.is_null(position) { "null".to_owned() } else { first_number(&values.slice(position, 1)) }
    };
    if values.len() <= 4 {
        return format!("[{}]", (0..values.len()).map(at).collect::<Vec<_>>().join(", "));
    }
    format!("[{}, {}, … {}]", at(0), at(1), at(values.len() - 1))
}

/// The stored numbers with their positions.
fn sparse(rows: SparseRows<'_>) -> String {
    let (indices, values) = rows.row(0);
    let held = indices.iter().zip(values).map(|(j, value)| format!("{j}: {}", short_number(*value)));
    let mut shown: Vec<String> = held.take(3).collect();
    if indices.len() > shown.len() {
        shown.push("…".to_owned());
    }
    format!("{{{}}}", shown.join(", "))
}

fn first_number(array: &ArrayRef) -> String {
    numbers(array.as_ref()).and_then(|values| values.first().copied().map(short_number)).unwrap_or_default()
}

/// A number with 6 significant digits, always recognisable as floating point.
pub(crate) fn short_number(value: f64) -> String {
    if !value.is_finite() {
        return format!("{value:?}");
    }
    let rounded: f64 = format!("{value:.5e}").parse().unwrap_or(value);
    format!("{rounded:?}")
}

/// Control characters made visible, long text cut.
fn shorten(text: &str) -> String {
    let mut shown = String::new();
    let mut left = CHARACTERS;
    for character in text.chars() {
        if left == 0 {
            shown.push('…');
            break;
        }
        left -= 1;
        if character.is_control() {
            shown.extend(character.escape_default());
        } else {
            shown.push(character);
        }
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_six_digits() {
        assert_eq!(short_number(0.038_075_906_433_424_1), "0.0380759");
        assert_eq!(short_number(151.0), "151.0");
        assert_eq!(short_number(-1.5e-12), "-1.5e-12");
        assert_eq!(short_number(123_456_789.0), "123457000.0");
        assert_eq!(short_number(f64::NEG_INFINITY), "-inf");
        assert_eq!(short_number(-0.0), "-0.0");
    }

    #[test]
    fn long_text_is_cut_and_control_characters_are_shown() {
        assert_eq!(shorten("a\nb"), "a\\nb");
        assert_eq!(shorten(&"x".repeat(40)).chars().count(), CHARACTERS + 1);
    }
}
