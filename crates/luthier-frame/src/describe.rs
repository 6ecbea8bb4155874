use std::collections::HashSet;
use std::fmt;

use arrow_array::cast::AsArray;
use arrow_array::{Array, ArrayRef};

use crate::display::short_number;
use crate::text_table::{Align, boxed_table};
use crate::{ColumnType, DataFrame, Result, numbers};

/// Statistics of the columns of a frame, from [`DataFrame::describe`]; displayed as a table.
#[derive(Debug, Clone, PartialEq)]
pub struct Description {
    columns: Vec<ColumnDescription>,
}

/// Statistics of one column.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct ColumnDescription {
    /// The name of the column.
    pub name: String,
    /// The type of the column.
    pub column_type: ColumnType,
    /// The number of rows with a value, including NaN.
    pub count: usize,
    /// The number of rows without a value.
    pub nulls: usize,
    /// The number of distinct values of a text or boolean column.
    pub distinct: Option<usize>,
    /// Statistics of a numeric column.
    pub numbers: Option<NumberDescription>,
}

/// Statistics of the numbers of a column. NaN is counted and otherwise ignored; without any number
/// the statistics are NaN.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub struct NumberDescription {
    /// Values that are NaN.
    pub nans: usize,
    /// Σx / n.
    pub mean: f64,
    /// Sample standard deviation, √(Σ(x − mean)² / (n − 1)); NaN for one value.
    pub std: f64,
    /// The smallest value.
    pub min: f64,
    /// First quartile: exact, linear between the two nearest ranks, at position (n − 1) · ¼ from 0.
    pub q25: f64,
    /// Median, likewise.
    pub median: f64,
    /// Third quartile, likewise.
    pub q75: f64,
    /// The largest value.
    pub max: f64,
}

impl Description {
    /// The columns, in the order of the frame.
    pub fn columns(&self) -> &[ColumnDescription] {
        &self.columns
    }

    /// The column of this name.
    pub fn column(&self, name: &str) -> Option<&ColumnDescription> {
        self.columns.iter().find(|column| column.name == name)
    }
}

impl DataFrame {
    /// Statistics of every column: the counts of values and nulls; for numbers, the mean, standard deviation, extremes and
    /// quartiles; for text and booleans, the number of distinct values.
    ///
    /// Columns are read one after the other, so the numbers of only one column are in memory at a time.
    ///
    /// # Errors
    /// Any error of the files that are read.
    pub fn describe(&self) -> Result<Description> {
        let fields = self.schema().fields().iter().enumerate();
        let columns = fields.map(|(index, field)| {
            let mut seen = Seen::default();
            for partition in self.partitions() {
                for batch in partition.batches(Some(&[index]))? {
                    seen.see(field.column_type(), batch?.column(0))?;
                }
            }
            Ok(seen.finish(field.name(), field.column_type()))
        });
        Ok(Description { columns: columns.collect::<Result<_>>()? })
    }
}

#[derive(Debug, Default)]
struct Seen {
    count: usize,
    nulls: usize,
    numbers: Vec<f64>,
    texts: HashSet<String>,
}

impl Seen {
    fn see(&mut self, column_type: ColumnType, array: &ArrayRef) -> Result<()> {
        self.nulls += array.null_count();
        self.count += array.len() - array.null_count();
        match column_type {
            ColumnType::F64 | ColumnType::I64 => {
                let values = numbers(array.as_ref()).unwrap_or_default();
                let valid = (0..array.len()).filter(|&row| array.is_valid(row));
                self.numbers.extend(valid.filter_map(|row| values.get(row)));
            }
            ColumnType::Bool => {
                self.texts.extend(array.as_boolean().iter().flatten().map(|value| value.to_string()));
            }
            ColumnType::Utf8 => {
                let array = arrow_cast::cast(array, &arrow_schema::DataType::LargeUtf8)?;
                for text in array.as_string::<i64>().iter().flatten() {
                    if !self.texts.contains(text) {
                        self.texts.insert(text.to_owned());
                    }
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn finish(self, name: &str, column_type: ColumnType) -> ColumnDescription {
        let has_distinct = matches!(column_type, ColumnType::Bool | ColumnType::Utf8);
        ColumnDescription {
            name: name.to_owned(),
            column_type,
            count: self.count,
            nulls: self.nulls,
            distinct: has_distinct.then_some(self.texts.len()),
            numbers: (column_type.is_numeric() && !has_distinct).then(|| NumberDescription::of(self.numbers)),
        }
    }
}

impl NumberDescription {
    fn of(mut values: Vec<f64>) -> Self {
        let all = values.len();
        values.retain(|value| !value.is_nan());
        let nans = all - values.len();
        values.sort_unstable_by(f64::total_cmp);
        let (mean, std) = mean_and_std(&values);
        let quantile = |q| quantile(&values, q);
        Self {
            nans,
            mean,
            std,
            min: quantile(0.0),
            q25: quantile(0.25),
            median: quantile(0.5),
            q75: quantile(0.75),
            max: quantile(1.0),
        }
    }
}

/// Two passes: the second corrects the rounding of the first mean.
fn mean_and_std(values: &[f64]) -> (f64, f64) {
    let n = values.len() as f64;
    let rough = values.iter().sum::<f64>() / n;
    if !rough.is_finite() {
        return (rough, f64::NAN);
    }
    let shift = values.iter().map(|value| value - rough).sum::<f64>() / n;
    let mean = rough + shift;
    let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
    (mean, if values.len() < 2 { f64::NAN } else { (squares / (n - 1.0)).sqrt() })
}

/// The `q` quantile of sorted values. (Those of `ndarray-stats` take the square of the rows for a column of one value, so
/// they are only compared with in tests.)
fn quantile(sorted: &[f64], q: f64) -> f64 {
    let position = sorted.len().saturating_sub(1) as f64 * q;
    let below = position.floor();
    match (sorted.get(below as usize), sorted.get(position.ceil() as usize)) {
        (Some(&low), Some(&high)) if low == high => low,
        (Some(&low), Some(&high)) => low + (high - low) * (position - below),
        _ => f64::NAN,
    }
}

impl fmt::Display for Description {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let header = [
            "column", "type", "count", "nulls", "nan", "distinct", "mean", "std", "min", "25%", "50%", "75%",
            "max",
        ];
        let header = header.map(|name| vec![name.to_owned()]).to_vec();
        let mut alignment = vec![Align::Left; 2];
        alignment.resize(header.len(), Align::Right);
        let rows: Vec<Vec<String>> = self.columns.iter().map(cells).collect();
        boxed_table(f, &header, &alignment, &rows)
    }
}

fn cells(column: &ColumnDescription) -> Vec<String> {
    let mut cells = vec![
        column.name.clone(),
        column.column_type.to_string(),
        column.count.to_string(),
        column.nulls.to_string(),
        column.numbers.map_or(String::new(), |numbers| numbers.nans.to_string()),
        column.distinct.map_or(String::new(), |distinct| distinct.to_string()),
    ];
    match column.numbers {
        Some(n) => {
            cells.extend([n.mean, n.std, n.min, n.q25, n.median, n.q75, n.max].map(short_number));
        }
        None => cells.resize(13, String::new()),
    }
    cells
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statistics_of_a_few_numbers() {
        // Python: statistics.quantiles(n=4, method='inclusive'); mean and deviation in exact fractions.
        let n = NumberDescription::of(vec![7.0, 1.5, f64::NAN, -2.0, 3.25, 10.0, 4.0]);
        assert_eq!((n.min, n.q25, n.median, n.q75, n.max), (-2.0, 1.9375, 3.625, 6.25, 10.0));
        assert_eq!(n.nans, 1);
        assert!((n.mean - 3.958_333_333_333_333_5).abs() < 1e-15);
        assert!((n.std - 4.190_515_083_693_969).abs() < 1e-14, "{}", n.std);
    }

    #[test]
    fn statistics_are_those_of_another_implementation() {
        use ndarray::{Array1, Axis};
        use ndarray_stats::interpolate::Linear;
        use ndarray_stats::{MaybeNan, QuantileExt, SummaryStatisticsExt};

        let mut state = 7u64;
        let mut random = || {
            state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
            (state >> 11) as f64 / (1u64 << 53) as f64
        };
        for (n, centre, spread) in [(2, 0.0, 1.0), (101, 1e6, 10.0), (1000, -3.0, 1e-3)] {
            let values: Vec<f64> = (0..n).map(|_| centre + spread * random()).collect();
            let found = NumberDescription::of(values.clone());
            let values = Array1::from(values);
            let quantile = |q: f64| {
                let q = *q.try_as_not_nan().unwrap();
                values.clone().quantile_axis_skipnan_mut(Axis(0), q, &Linear).unwrap().into_scalar()
            };
            let quartiles = [found.q25, found.median, found.q75];
            for (found, q) in quartiles.into_iter().zip([0.25, 0.5, 0.75]) {
                assert!((found - quantile(q)).abs() <= 4.0 * f64::EPSILON * found.abs(), "{q} of {n}");
            }
            assert_eq!((found.min, found.max), (*values.min().unwrap(), *values.max().unwrap()));
            let count = f64::from(n);
            let std = (values.central_moment(2).unwrap() * count / (count - 1.0)).sqrt();
            assert!(
                (found.mean - values.mean().unwrap()).abs() <= 1e-15 * count.sqrt() * centre.abs().max(1.0)
            );
            assert!((found.std - std).abs() <= 1e-9 * std, "{} is not {std}", found.std);
        }
    }

    #[test]
    fn a_large_mean_does_not_drown_the_deviation() {
        let n = NumberDescription::of(vec![1e9 + 4.0, 1e9 + 7.0, 1e9 + 13.0, 1e9 + 16.0]);
        assert!((n.std - 30f64.sqrt()).abs() < 1e-12);
    }

    #[test]
    fn none_one_and_infinite_values() {
        let none = NumberDescription::of(vec![]);
        assert!(none.mean.is_nan() && none.std.is_nan() && none.median.is_nan());
        let one = NumberDescription::of(vec![2.0]);
        assert_eq!((one.mean, one.min, one.median, one.max), (2.0, 2.0, 2.0, 2.0));
        assert!(one.std.is_nan());
        let infinite = NumberDescription::of(vec![f64::INFINITY, f64::INFINITY, 1.0]);
        assert_eq!(
            (infinite.mean, infinite.median, infinite.max),
            (f64::INFINITY, f64::INFINITY, f64::INFINITY)
        );
    }
}
