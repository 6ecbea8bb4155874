//! Compares values of columns.

use luthier_core::frame::arrow_array::{Array, BooleanArray};
use luthier_core::frame::{Column, ColumnType, DataFrame, numbers, vectors};

/// All values of a column in the order of rows.
#[derive(Debug, Clone)]
pub(crate) enum Values {
    /// Numbers, booleans, and concatenated vectors; null is NaN.
    Numbers(Vec<f64>),
    /// Anything else, as text.
    Texts(Vec<String>),
}

/// The values of some columns.
pub(crate) fn values(data: &DataFrame, columns: &[String]) -> Result<Vec<Values>, String> {
    columns.iter().map(|column| values_of(data, column)).collect()
}

fn values_of(data: &DataFrame, column: &str) -> Result<Values, String> {
    let text = |error: luthier_core::frame::Error| error.to_string();
    let index = data.schema().require_index(column).map_err(text)?;
    let column_type = data.schema().require(column).map_err(text)?.column_type();
    let (mut found, mut texts) = (Vec::new(), Vec::new());
    for partition in data.partitions() {
        for batch in partition.batches(Some(&[index])).map_err(text)? {
            let batch = batch.map_err(text)?;
            let array = batch.column(0).as_ref();
            if let Some(rows) = vectors(array) {
                found.extend(rows.iter());
            } else if let Some(numbers) = numbers(array) {
                found.extend(numbers.iter());
            } else if let Some(truths) = array.as_any().downcast_ref::<BooleanArray>() {
                found.extend(truths.iter().map(|t| t.map_or(f64::NAN, |t| f64::from(u8::from(t)))));
            } else {
                let frame = DataFrame::from_batches(vec![batch.clone()]).map_err(text)?;
                for row in 0..batch.num_rows() {
                    let one = frame.slice(row, 1).map_err(text)?;
                    texts.push(match (array.is_null(row), column_type) {
                        (true, _) => "null".to_owned(),
                        (false, ColumnType::Utf8) => one.column_utf8(column).map_err(text)?.concat(),
                        _ => one.to_string(),
                    });
                }
            }
        }
    }
    Ok(if texts.is_empty() { Values::Numbers(found) } else { Values::Texts(texts) })
}

/// Where two columns differ by more than `tolerance` times their largest number; 0 requires the same bits.
pub(crate) fn difference(a: &[Values], b: &[Values], tolerance: f64) -> Option<String> {
    if a.len() != b.len() {
        return Some(format!("{} columns and {}", a.len(), b.len()));
    }
    a.iter().zip(b).find_map(|(a, b)| match (a, b) {
        (Values::Texts(a), Values::Texts(b)) => (a != b).then(|| "texts differ".to_owned()),
        (Values::Numbers(a), Values::Numbers(b)) if a.len() != b.len() => {
            Some(format!("{} numbers and {}", a.len(), b.len()))
        }
        (Values::Numbers(a), Values::Numbers(b)) => {
            let finite = a.iter().filter(|x| x.is_finite());
            let scale = finite.fold(0.0, |largest: f64, x| largest.max(x.abs()));
            let same = |a: f64, b: f64| {
                a.to_bits() == b.to_bits()
                    || (a.is_nan() && b.is_nan())
                    || (tolerance > 0.0 && (a == b || (a - b).abs() <= tolerance * scale))
            };
            let i = a.iter().zip(b).position(|(a, b)| !same(*a, *b))?;
            Some(format!("{:?} and {:?} at position {i}", a[i], b[i]))
        }
        // A column without rows has no kind.
        (Values::Numbers(a), Values::Texts(b)) | (Values::Texts(b), Values::Numbers(a))
            if a.is_empty() && b.is_empty() =>
        {
            None
        }
        _ => Some("numbers and texts".to_owned()),
    })
}

/// The same for documents: numbers may differ by `tolerance` times the largest number next to them.
pub(crate) fn documents_agree(a: &serde_json::Value, b: &serde_json::Value, tolerance: f64) -> bool {
    use serde_json::Value::{Array, Number, Object};
    fn largest(value: &serde_json::Value) -> f64 {
        match value {
            Number(x) => x.as_f64().unwrap_or(0.0).abs(),
            Array(items) => items.iter().map(largest).fold(0.0, f64::max),
            Object(items) => items.values().map(largest).fold(0.0, f64::max),
            _ => 0.0,
        }
    }
    fn agree(a: &serde_json::Value, b: &serde_json::Value, allowed: f64) -> bool {
        match (a, b) {
            (Number(a), Number(b)) => {
                a == b || matches!((a.as_f64(), b.as_f64()), (Some(a), Some(b)) if (a - b).abs() <= allowed)
            }
            (Array(a), Array(b)) => a.len() == b.len() && a.iter().zip(b).all(|(a, b)| agree(a, b, allowed)),
            (Object(a), Object(b)) => {
                a.len() == b.len()
                    && a.iter().all(|(key, a)| b.get(key).is_some_and(|b| agree(a, b, allowed)))
            }
            (a, b) => a == b,
        }
    }
    agree(a, b, tolerance * largest(a))
}

/// A column of a frame, to be put into another.
pub(crate) fn column(data: &DataFrame, name: &str) -> Result<Column, String> {
    let text = |error: luthier_core::frame::Error| error.to_string();
    let one = data.select(&[name]).and_then(|frame| frame.collect()).map_err(text)?;
    let frame = one.repartition(1).map_err(text)?;
    let mut arrays = Vec::new();
    for batch in frame.partitions().iter().flat_map(|p| p.batches(None)).flatten() {
        arrays.push(batch.map_err(text)?.column(0).clone());
    }
    let arrays: Vec<&dyn Array> = arrays.iter().map(|array| array.as_ref()).collect();
    let array = arrow_select::concat::concat(&arrays).map_err(|error| error.to_string())?;
    Column::from_array(array).map_err(text)
}
