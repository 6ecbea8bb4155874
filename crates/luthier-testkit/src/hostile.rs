//! Frames with the defects that users' frames may have.

use luthier_core::frame::{Column, ColumnType, DataFrame, Field};

/// A frame, its defect, and the column concerned.
#[derive(Debug, Clone)]
pub(crate) struct Hostile {
    pub(crate) what: String,
    pub(crate) column: Option<String>,
    pub(crate) frame: DataFrame,
}

/// Variants of a good frame: no rows, one row, constant columns, and in each column in turn a NaN, an infinity, numbers
/// whose squares overflow, nulls, and strings that were not seen before.
pub(crate) fn hostile(good: &DataFrame) -> Vec<Hostile> {
    let mut frames = Vec::new();
    let mut add = |what: &str, column: Option<&Field>, frame: luthier_core::frame::Result<DataFrame>| {
        if let Ok(frame) = frame {
            let what = match column {
                Some(field) => format!("{what} in column `{}`", field.name()),
                None => what.to_owned(),
            };
            frames.push(Hostile { what, column: column.map(|field| field.name().to_owned()), frame });
        }
    };
    let rows = good.num_rows();
    add("no rows", None, good.slice(0, 0));
    add("one row", None, good.slice(0, 1));
    let same = vec![good.head(1); rows.min(8)];
    add("the same row again and again", None, DataFrame::concat(&same));
    for field in good.schema().fields() {
        for (what, value) in
            [("NaN", f64::NAN), ("an infinity", f64::INFINITY), ("1e200", 1e200), ("1e-200", 1e-200)]
        {
            add(what, Some(field), with_number(good, field, value));
        }
        add("null", Some(field), with_null(good, field));
        add("a text never seen before", Some(field), with_text(good, field));
    }
    frames
}

/// The frame with one column replaced.
pub(crate) fn replaced(
    good: &DataFrame,
    field: &Field,
    column: Column,
) -> luthier_core::frame::Result<DataFrame> {
    let names: Vec<&str> = good.schema().names().collect();
    let field = Field::new(field.name(), column.column_type()).with_metadata(field.metadata().clone());
    good.drop(&[field.name()])?.with_field(field, column)?.select(&names)
}

fn with_number(good: &DataFrame, field: &Field, value: f64) -> luthier_core::frame::Result<DataFrame> {
    let middle = good.num_rows() / 2;
    let column = match field.column_type() {
        ColumnType::F64 => {
            let mut numbers = good.column_f64(field.name())?;
            numbers[middle] = value;
            Column::f64(numbers)
        }
        ColumnType::Vector { width } if width > 0 => {
            let mut vectors = good.vectors(field.name())?;
            vectors[[middle, width / 2]] = value;
            Column::vector(vectors)
        }
        found => return Err(not(field, found)),
    };
    replaced(good, field, column)
}

fn with_null(good: &DataFrame, field: &Field) -> luthier_core::frame::Result<DataFrame> {
    let middle = good.num_rows() / 2;
    let column = match field.column_type() {
        ColumnType::F64 => {
            let numbers = good.column_f64(field.name())?.into_iter().enumerate();
            Column::f64_nullable(numbers.map(|(i, x)| (i != middle).then_some(x)).collect())
        }
        ColumnType::I64 => {
            let numbers = good.column_i64(field.name())?.into_iter().enumerate();
            Column::i64_nullable(numbers.map(|(i, x)| (i != middle).then_some(x)).collect())
        }
        ColumnType::Utf8 => {
            let texts = good.column_utf8(field.name())?.into_iter().enumerate();
            Column::utf8_nullable(texts.map(|(i, text)| (i != middle).then_some(text)))
        }
        found => return Err(not(field, found)),
    };
    replaced(good, field, column)
}

fn with_text(good: &DataFrame, field: &Field) -> luthier_core::frame::Result<DataFrame> {
    match field.column_type() {
        ColumnType::Utf8 => {
            let mut texts = good.column_utf8(field.name())?;
            let middle = texts.len() / 2;
            texts[middle] = "never seen before".to_owned();
            replaced(good, field, Column::utf8(texts))
        }
        found => Err(not(field, found)),
    }
}

fn not(field: &Field, found: ColumnType) -> luthier_core::frame::Error {
    luthier_core::frame::Error::ColumnType {
        column: field.name().to_owned(),
        expected: "a type that can hold it".to_owned(),
        found,
    }
}

/// 120 rows with the columns that the built-in parts need: `features` (4 numbers of different sizes), `x`, `label`, `class`
/// (0, 1 or 2), `binary` (0 or 1), `weight`, `prediction`, `color` (text). It contains no random numbers.
pub fn sample_frame() -> DataFrame {
    let n = 120;
    let wave = |i: usize, a: f64| (a * (i as f64 + 0.5)).sin();
    let numbers = |f: &dyn Fn(usize) -> f64| Column::f64((0..n).map(f).collect());
    let features = ndarray::Array2::from_shape_fn((n, 4), |(i, j)| {
        [1.0, 10.0, 0.1, 3.0][j] * (wave(i, [0.7, 1.3, 2.9, 0.37][j]) + [0.0, 5.0, -2.0, 1.0][j])
    });
    let label = |i: usize| 2.0 * wave(i, 0.7) - wave(i, 1.3) + 0.2 * wave(i, 7.7);
    let columns = vec![
        ("features", Column::vector(features)),
        ("x", numbers(&|i| 3.0 + wave(i, 1.7))),
        ("label", numbers(&label)),
        ("class", numbers(&|i| f64::from(u8::from(label(i) > -0.7)) + f64::from(u8::from(label(i) > 0.8)))),
        ("binary", numbers(&|i| f64::from(u8::from(label(i) > 0.0)))),
        ("weight", numbers(&|i| 0.5 + (i % 3) as f64)),
        ("prediction", numbers(&|i| label(i) + 0.4 * wave(i, 5.1))),
        ("color", Column::utf8((0..n).map(|i| ["red", "green", "blue", "red"][i % 4]))),
    ];
    match DataFrame::from_columns(columns).and_then(|frame| frame.repartition(3)) {
        Ok(frame) => frame,
        Err(error) => unreachable!("the sample frame: {error}"),
    }
}
