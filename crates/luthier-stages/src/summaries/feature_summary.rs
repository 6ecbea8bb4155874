//! Statistics of single features.

use std::fmt::Debug;

use luthier_core::frame::{Schema, first_null_row};
use luthier_core::{Affine, AffineColumns, Error, Result, SparseTile, Summary, Tile};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::by_column::ByColumn;
use crate::columns;

/// A statistic of some numbers that can be merged; a [`FeatureSummary`] has one per feature.
///
/// # Contract
/// That of a [`Summary`]: values in portions of any size, merged in any grouping, give the same result up to
/// rounding or a bound that the statistic documents.
pub trait FeatureStatistic: Clone + Debug + Serialize + DeserializeOwned + Send + Sync + 'static {
    /// Its options.
    type Options: Clone + Debug + PartialEq + Send + Sync + 'static + Serialize + DeserializeOwned;

    /// Name of the summary, for plans and errors.
    const NAME: &'static str;

    /// The statistic of no values.
    fn empty(options: &Self::Options) -> Self;

    /// Adds values, none of which is NaN.
    fn take_in(&mut self, values: &[f64]);

    /// Adds zeros, of which sparse vectors have many.
    fn take_in_zeros(&mut self, count: u64);

    /// Adds the statistic of other values.
    fn merge(&mut self, other: &Self);

    /// About how many bytes of memory it takes.
    fn bytes(&self) -> usize {
        size_of::<Self>()
    }
}

/// The values that are ignored in addition to NaN.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct Missing {
    /// Whether nulls are ignored; otherwise they are errors.
    pub nulls: bool,
    /// A value that counts as missing.
    pub value: Option<f64>,
}

/// The columns of a [`FeatureSummary`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FeatureSpec<O> {
    /// Numeric and vector columns, without duplicates.
    pub columns: Vec<String>,
    /// The values that the statistics ignore.
    pub missing: Missing,
    /// The options of the statistic.
    pub options: O,
}

impl<O: Clone> FeatureSpec<O> {
    /// A statistic of the features of these columns that ignores NaN; duplicate names are ignored.
    pub fn new<S: Into<String>>(columns: impl IntoIterator<Item = S>, options: O) -> Self {
        Self { columns: columns::unique(columns), missing: Missing::default(), options }
    }

    /// The same spec, ignoring further values.
    pub fn without(self, missing: Missing) -> Self {
        Self { missing, ..self }
    }

    fn of_columns<'a>(&self, columns: impl IntoIterator<Item = &'a String>) -> Self {
        Self::new(columns, self.options.clone()).without(self.missing)
    }
}

/// One [`FeatureStatistic`] for each feature of numeric and vector columns.
///
/// NaN is ignored; an infinite value is an error that names column and row, and so is a null unless the spec
/// ignores nulls. Requests for several columns share a pass, and are carried through assemblers without reading rows.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(bound = "")]
pub struct FeatureSummary<S: FeatureStatistic> {
    rows: u64,
    columns: ByColumn<Vec<S>>,
}

impl<S: FeatureStatistic> FeatureSummary<S> {
    /// Number of rows, including those whose values are ignored.
    pub fn rows(&self) -> u64 {
        self.rows
    }

    /// The statistics of a column's features.
    ///
    /// # Errors
    /// If the column is not in the spec.
    pub fn of(&self, column: &str) -> Result<&[S]> {
        self.columns.of(column).map(Vec::as_slice)
    }

    /// The statistics of a column's features.
    ///
    /// # Errors
    /// If the column is not in the spec, or there were no rows.
    pub fn require(&self, column: &str) -> Result<&[S]> {
        match self.rows {
            0 => Err(Error::invalid("no rows to fit: at least one row is needed")),
            _ => self.of(column),
        }
    }

    fn select(&self, columns: &[String]) -> Option<Self> {
        Some(Self { rows: self.rows, columns: self.columns.select(columns)? })
    }
}

impl<S: FeatureStatistic> Summary for FeatureSummary<S> {
    type Spec = FeatureSpec<S::Options>;
    const NAME: &'static str = S::NAME;

    fn columns(spec: &Self::Spec) -> Vec<String> {
        spec.columns.clone()
    }

    fn empty(spec: &Self::Spec, schema: &Schema) -> Result<Self> {
        let features = |column: &String| {
            let width = columns::width(schema, column)?;
            Ok((column.clone(), vec![S::empty(&spec.options); width]))
        };
        let columns = spec.columns.iter().map(features).collect::<Result<_>>()?;
        Ok(Self { rows: 0, columns: ByColumn::new(columns) })
    }

    fn update(&mut self, spec: &Self::Spec, tile: &Tile<'_>) -> Result<()> {
        self.rows += tile.len() as u64;
        let mut present = Vec::with_capacity(tile.len());
        for (column, features) in self.columns.iter_mut() {
            if let Some(rows) = tile.sparse(column) {
                check_sparse(tile, column, &rows, spec.missing)?;
                take_in_sparse(features, &rows, spec.missing);
                continue;
            }
            let values = tile.vectors(column)?;
            check(tile, column, values.view(), spec.missing)?;
            for (feature, values) in features.iter_mut().zip(values.columns()) {
                present.clear();
                present.extend(values.iter().filter(|x| !x.is_nan() && spec.missing.value != Some(**x)));
                feature.take_in(&present);
            }
        }
        Ok(())
    }

    fn merge(&mut self, other: &Self) -> Result<()> {
        fn shape<S>(of: &ByColumn<Vec<S>>) -> impl Iterator<Item = (&String, usize)> {
            of.iter().map(|(name, features)| (name, features.len()))
        }
        if !shape(&self.columns).eq(shape(&other.columns)) {
            return Err(Error::invalid(format!("{} of different columns cannot be merged", S::NAME)));
        }
        self.rows += other.rows;
        let features = self.columns.iter_mut().flat_map(|(_, features)| features);
        let others = other.columns.iter().flat_map(|(_, features)| features);
        features.zip(others).for_each(|(feature, other)| feature.merge(other));
        Ok(())
    }

    fn bytes(&self) -> usize {
        self.columns.iter().flat_map(|(_, features)| features).map(S::bytes).sum()
    }

    fn union(a: &Self::Spec, b: &Self::Spec) -> Option<Self::Spec> {
        let same = a.missing == b.missing && a.options == b.options;
        same.then(|| a.of_columns(a.columns.iter().chain(&b.columns)))
    }

    fn project(&self, from: &Self::Spec, to: &Self::Spec) -> Option<Self> {
        let same = from.missing == to.missing && from.options == to.options;
        if same { self.select(&to.columns) } else { None }
    }

    // Several inputs are concatenated, as by an assembler; a map of one input may be anything.
    fn pull_back(spec: &Self::Spec, map: &AffineColumns) -> Option<Self::Spec> {
        if !spec.columns.contains(&map.output) {
            return Some(spec.clone());
        }
        let columns = spec.columns.iter().flat_map(|column| match *column == map.output {
            true => map.inputs.as_slice(),
            false => std::slice::from_ref(column),
        });
        (map.inputs.len() > 1).then(|| spec.of_columns(columns))
    }

    fn lift(&self, to: &Self::Spec, map: &Affine) -> Result<Option<Self>> {
        if !map.is_concatenation() {
            return Ok(None);
        }
        let columns = to.columns.iter().map(|column| {
            if *column != map.columns.output {
                return Ok((column.clone(), self.of(column)?.to_vec()));
            }
            let inputs = map.columns.inputs.iter().map(|input| self.of(input));
            Ok((column.clone(), inputs.collect::<Result<Vec<_>>>()?.concat()))
        });
        let columns = columns.collect::<Result<_>>()?;
        Ok(Some(Self { rows: self.rows, columns: ByColumn::new(columns) }))
    }
}

/// Adds the stored values of each feature, then its zeros.
fn take_in_sparse<S: FeatureStatistic>(features: &mut [S], rows: &SparseTile<'_>, missing: Missing) {
    let mut held: Vec<(u32, f64)> = Vec::new();
    for i in 0..rows.len() {
        let (indices, values) = rows.row(i);
        held.extend(indices.iter().copied().zip(values.iter().copied()));
    }
    held.sort_by_key(|(feature, _)| *feature);
    let mut zeros = vec![rows.len() as u64; features.len()];
    for of_feature in held.chunk_by(|a, b| a.0 == b.0) {
        let Some(j) = of_feature.first().map(|(j, _)| *j as usize).filter(|j| *j < features.len()) else {
            continue;
        };
        let is_there = |x: &f64| !x.is_nan() && missing.value != Some(*x);
        let values: Vec<f64> = of_feature.iter().map(|(_, x)| *x).filter(is_there).collect();
        features[j].take_in(&values);
        zeros[j] -= of_feature.len() as u64;
    }
    if missing.value != Some(0.0) {
        features.iter_mut().zip(zeros).for_each(|(feature, zeros)| feature.take_in_zeros(zeros));
    }
}

/// The first held value that is infinite, as an error; sparse vectors are read so where none is null.
fn check_sparse(tile: &Tile<'_>, column: &str, rows: &SparseTile<'_>, missing: Missing) -> Result<()> {
    for i in 0..rows.len() {
        let (indices, values) = rows.row(i);
        let infinite = |x: &f64| x.is_infinite() && missing.value != Some(*x);
        if let Some(at) = values.iter().position(infinite) {
            return Err(tile.bad_feature(column, i, indices[at] as usize, values[at], FINITE));
        }
    }
    Ok(())
}

const FINITE: &str = "a finite number or NaN";

/// The first value that is infinite, or null where it must not be, as an error.
fn check(
    tile: &Tile<'_>,
    column: &str,
    values: ndarray::ArrayView2<'_, f64>,
    missing: Missing,
) -> Result<()> {
    let is_bad = |x: &f64| !x.is_finite() && missing.value != Some(*x);
    if !values.iter().any(is_bad) {
        return Ok(());
    }
    // NaN also represents null here, so the array has to be checked.
    let null = if missing.nulls { None } else { first_null_row(tile.array(column)?.as_ref()) };
    let infinite = values.outer_iter().enumerate().find_map(|(i, row)| {
        let j = row.iter().position(|x| is_bad(x) && !x.is_nan())?;
        Some((i, j, row[j]))
    });
    match (null, infinite) {
        (Some(null), infinite) if infinite.is_none_or(|(i, ..)| null <= i) => {
            let expected = "a value in every row; drop or fill missing values first";
            Err(tile.bad_value_of(column, null, "null", expected))
        }
        (_, Some((i, _, x))) if values.ncols() == 1 => {
            Err(tile.bad_value_of(column, i, x.to_string(), FINITE))
        }
        (_, Some((i, j, x))) => Err(tile.bad_feature(column, i, j, x, FINITE)),
        (_, None) => Ok(()),
    }
}
