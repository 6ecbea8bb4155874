//! Fills missing values.

use luthier_core::frame::arrow_array::{Array, cast::AsArray};
use luthier_core::frame::{ArrayRef, Field, Schema};
use luthier_core::params::ParamError;
use luthier_core::{
    AxisLabels, Dataset, Description, Estimator, FitContext, OddCells, Outputs, ParamEnum, Params, Required,
    StagePlan, Tile, Transformer,
};
use ndarray::{Array2, Zip};
use serde::{Deserialize, Serialize};

use crate::columns;
use crate::summaries::{FeatureSpec, FeatureSummary, Missing, Quantiles, Spread};

/// The value with which an [`Imputer`] replaces missing values.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ParamEnum)]
#[non_exhaustive]
pub enum ImputerStrategy {
    /// The mean of the existing values.
    Mean,
    /// The median of the existing values; for an even number of values, the smaller of the two middle ones.
    Median,
    /// The most frequent value, or the smallest of several most frequent ones.
    Mode,
    /// `fill_value`.
    Constant,
}

/// Fills missing values of numeric and vector columns, feature by feature.
///
/// Null and `missing_value` count as missing. By default, these are null and NaN. With another `missing_value`, NaN is not
/// replaced, but ignored when fitting, as in Spark. Numeric inputs give `f64` columns, vectors give vectors.
/// When fitting, infinity is an error, and so is a feature without any value unless the strategy is `constant`.
///
/// ```
/// use luthier_core::frame::{Column, DataFrame};
/// use luthier_core::{EstimatorExt, Transformer};
/// use luthier_stages::{Imputer, ImputerStrategy};
///
/// let people = DataFrame::from_columns(vec![("age", Column::f64_nullable(vec![Some(20.0), None, Some(40.0)]))])?;
/// let model = Imputer::new()
///     .input_cols(["age"])
///     .output_cols(["age_filled"])
///     .indicator_cols(["age_missing"])
///     .strategy(ImputerStrategy::Mean)
///     .fit_frame(&people)?;
/// let out = model.transform(&people)?;
/// assert_eq!(out.column_f64("age_filled")?, [20.0, 30.0, 40.0]);
/// assert_eq!(out.column_f64("age_missing")?, [0.0, 1.0, 0.0]);
/// # Ok::<(), anyhow::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Params)]
#[params(check = "Self::check")]
pub struct Imputer {
    /// The numeric and vector columns to fill.
    #[param(column = input)]
    input_cols: Required<Vec<String>>,
    /// The columns to append, one per input.
    #[param(column = output)]
    output_cols: Required<Vec<String>>,
    /// Indicator columns to append, with 1 where a value was missing and 0 elsewhere: none, or one per input.
    #[param(default, column = output)]
    indicator_cols: Vec<String>,
    /// How the replacement for missing values is computed.
    #[param(default = ImputerStrategy::Mean)]
    strategy: ImputerStrategy,
    /// The value that counts as missing in addition to null.
    #[param(default = f64::NAN)]
    missing_value: f64,
    /// The replacement for missing values with the strategy `constant`.
    #[param(default = 0.0)]
    fill_value: f64,
    /// Largest error of the rank of a median, as a fraction of the rows. Up to about two thousand distinct values the median is
    /// exact. With 0 it is always exact, and all distinct values are kept in memory.
    #[param(default = 0.001, range = 0.0..=1.0)]
    relative_error: f64,
}

impl Imputer {
    fn check(&self) -> Result<(), String> {
        super::check_pairs(&self.input_cols, &self.output_cols)?;
        let inputs = self.input_cols.as_option().map_or(0, Vec::len);
        match self.indicator_cols.len() {
            0 => Ok(()),
            found if found == inputs || inputs == 0 => Ok(()),
            found => Err(format!(
                "`indicator_cols` has {found} columns, but `input_cols` has {inputs}: list one per input, or none"
            )),
        }
    }

    fn missing(&self) -> Missing {
        Missing { nulls: true, value: (!self.missing_value.is_nan()).then_some(self.missing_value) }
    }

    fn spec<O: Clone>(&self, options: O) -> Result<FeatureSpec<O>, ParamError> {
        Ok(FeatureSpec::new(self.input_cols.get()?, options).without(self.missing()))
    }

    fn quantiles(&self) -> Result<FeatureSpec<f64>, ParamError> {
        self.spec(if self.strategy == ImputerStrategy::Mode { 0.0 } else { self.relative_error })
    }

    /// The replacement for each feature of each column, if it has values.
    fn learned(&self, data: &Dataset) -> anyhow::Result<Vec<Vec<Option<f64>>>> {
        let inputs = self.input_cols.get()?.iter();
        Ok(match self.strategy {
            ImputerStrategy::Constant => {
                let width = |column| columns::width(data.schema(), column);
                let filled = inputs.map(|column| Ok(vec![Some(self.fill_value); width(column)?]));
                filled.collect::<luthier_core::Result<_>>()?
            }
            ImputerStrategy::Mean => {
                let summary = data.summarize::<FeatureSummary<Spread>>(&self.spec(())?)?;
                let mean = |feature: &Spread| Some(feature.mean()).filter(|_| feature.count() > 0);
                let means = inputs.map(|column| Ok(summary.require(column)?.iter().map(mean).collect()));
                means.collect::<luthier_core::Result<_>>()?
            }
            ImputerStrategy::Median | ImputerStrategy::Mode => {
                let summary = data.summarize::<FeatureSummary<Quantiles>>(&self.quantiles()?)?;
                let of = |feature: &Quantiles| match self.strategy {
                    ImputerStrategy::Mode => feature.mode(),
                    _ => feature.at(&[0.5])?.first().copied(),
                };
                let found = inputs.map(|column| Ok(summary.require(column)?.iter().map(of).collect()));
                found.collect::<luthier_core::Result<_>>()?
            }
        })
    }

    fn surrogates(
        &self,
        schema: &Schema,
        column: &str,
        learned: Vec<Option<f64>>,
    ) -> anyhow::Result<Vec<f64>> {
        let bad = |j, problem: &str| columns::bad_feature(schema, column, j, problem);
        let known = |(j, surrogate): (usize, Option<f64>)| match surrogate {
            Some(x) if x.is_finite() || self.strategy == ImputerStrategy::Constant => Ok(x),
            Some(_) => Err(bad(j, "its mean is outside the range of f64; scale the column first")),
            None => Err(bad(
                j,
                &format!(
                    "all of its values are missing, so it has no {}: leave the column out, or use the \
                     strategy `constant`",
                    self.strategy.as_str()
                ),
            )),
        };
        Ok(learned.into_iter().enumerate().map(known).collect::<Result<_, _>>()?)
    }
}

fn fields(
    schema: &Schema,
    inputs: &[String],
    outputs: &[String],
    indicators: &[String],
) -> anyhow::Result<Vec<Field>> {
    let filled = inputs.iter().zip(outputs).map(|(input, output)| columns::field_like(schema, input, output));
    let indicators = inputs.iter().zip(indicators).map(|(input, name)| indicator_field(schema, input, name));
    Ok(filled.chain(indicators).collect::<Result<_, _>>()?)
}

/// The field of an indicator, whose features are named `missing(…)`.
fn indicator_field(schema: &Schema, input: &str, name: &str) -> luthier_core::Result<Field> {
    let field = columns::field_like(schema, input, name)?;
    let missing = |names: Vec<String>| names.into_iter().map(|name| format!("missing({name})"));
    Ok(match field.feature_names().filter(|_| field.has_feature_names()) {
        Some(names) => field.with_feature_names(missing(names)),
        None => field,
    })
}

impl Estimator for Imputer {
    const NAME: &'static str = "imputer";
    type Model = ImputerModel;

    fn fit(&self, data: &Dataset, _ctx: &FitContext) -> anyhow::Result<ImputerModel> {
        let inputs = self.input_cols.get()?;
        Ok(ImputerModel {
            input_cols: inputs.clone(),
            output_cols: self.output_cols.get()?.clone(),
            indicator_cols: self.indicator_cols.clone(),
            missing_value: self.missing_value,
            surrogates: inputs
                .iter()
                .zip(self.learned(data)?)
                .map(|(column, learned)| self.surrogates(data.schema(), column, learned))
                .collect::<Result<_, _>>()?,
        })
    }

    fn outputs(&self, schema: &Schema) -> anyhow::Result<Vec<Field>> {
        fields(schema, self.input_cols.get()?, self.output_cols.get()?, &self.indicator_cols)
    }

    fn plan(&self, _schema: &Schema) -> StagePlan {
        let plan = StagePlan::opaque().grouped();
        match (self.strategy, self.spec(()), self.quantiles()) {
            (ImputerStrategy::Mean, Ok(spec), _) => plan.need::<FeatureSummary<Spread>>(spec),
            (ImputerStrategy::Median | ImputerStrategy::Mode, _, Ok(spec)) => {
                plan.need::<FeatureSummary<Quantiles>>(spec)
            }
            _ => plan,
        }
    }
}

/// Values learned by an [`Imputer`].
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ImputerModel {
    input_cols: Vec<String>,
    output_cols: Vec<String>,
    indicator_cols: Vec<String>,
    missing_value: f64,
    surrogates: Vec<Vec<f64>>,
}

impl ImputerModel {
    /// The replacements for missing values of each column, feature by feature.
    pub fn surrogates(&self) -> &[Vec<f64>] {
        &self.surrogates
    }
}

impl Transformer for ImputerModel {
    fn inputs(&self) -> Vec<String> {
        self.input_cols.clone()
    }

    fn outputs(&self, schema: &Schema) -> anyhow::Result<Vec<Field>> {
        for (input, surrogates) in self.input_cols.iter().zip(&self.surrogates) {
            columns::require_width(schema, input, surrogates.len())?;
        }
        fields(schema, &self.input_cols, &self.output_cols, &self.indicator_cols)
    }

    fn apply(&self, rows: &Tile<'_>, out: &mut Outputs) -> anyhow::Result<()> {
        let missing_value = self.missing_value;
        let mut indicators = Vec::new();
        for (input, surrogates) in self.input_cols.iter().zip(&self.surrogates) {
            let mut values = rows.vectors(input)?.into_owned();
            let mut missing = values.mapv(|x| x == missing_value || (x.is_nan() && missing_value.is_nan()));
            if !missing_value.is_nan() {
                mark_nulls(&rows.array(input)?, &mut missing);
            }
            let is_empty = |column: &ndarray::ArrayView1<'_, bool>| column.iter().all(|missing| *missing);
            for (j, _) in missing.columns().into_iter().enumerate().filter(|(_, column)| is_empty(column)) {
                let mut gaps = OddCells::new(feature_of(rows, input, j), "no value", "filled in").ordinary();
                (0..rows.len()).for_each(|i| gaps.push(rows.row(i), String::new));
                out.remark(gaps);
            }
            let surrogates = ndarray::aview1(surrogates);
            Zip::from(&mut values).and(&missing).and_broadcast(&surrogates).for_each(
                |x, &missing, surrogate| {
                    if missing {
                        *x = *surrogate;
                    }
                },
            );
            columns::write_like(rows, input, values, out)?;
            if !self.indicator_cols.is_empty() {
                indicators.push((input, missing.mapv(|missing| f64::from(u8::from(missing)))));
            }
        }
        indicators
            .into_iter()
            .try_for_each(|(input, missing)| Ok(columns::write_like(rows, input, missing, out)?))
    }

    fn takes_nulls(&self) -> bool {
        true
    }

    fn describe(&self) -> Description {
        let filled = self.input_cols.iter().zip(&self.surrogates);
        filled.fold(Description::new(), |said, (column, values)| match values[..] {
            [value] => said.fact(format!("filled in `{column}`"), value),
            _ => said.vector("filled in", AxisLabels::Features(column.clone()), values.iter().copied()),
        })
    }

    fn check_state(&self) -> anyhow::Result<()> {
        let (inputs, outputs) =
            (("input_cols", self.input_cols.len()), ("output_cols", self.output_cols.len()));
        columns::same_lengths([inputs, outputs, ("surrogates", self.surrogates.len())])?;
        match self.indicator_cols.len() {
            0 => Ok(()),
            indicators => columns::same_lengths([inputs, ("indicator_cols", indicators)]),
        }
    }
}

/// The name of a feature of a column: that of the column if it is a number.
fn feature_of(rows: &Tile<'_>, column: &str, position: usize) -> String {
    let field = rows.schema().field(column).filter(|field| field.has_feature_names());
    let name = field.and_then(|field| field.feature_names()?.into_iter().nth(position));
    name.unwrap_or_else(|| column.to_owned())
}

/// Marks nulls: rows, or numbers of a vector.
fn mark_nulls(array: &ArrayRef, marks: &mut Array2<bool>) {
    if let Some(valid) = array.nulls() {
        marks.outer_iter_mut().zip(valid).filter(|(_, valid)| !valid).for_each(|(mut row, _)| row.fill(true));
    }
    let inside = array.as_fixed_size_list_opt().and_then(|lists| lists.values().nulls());
    if let Some(inside) = inside {
        marks.iter_mut().zip(inside).for_each(|(mark, valid)| *mark |= !valid);
    }
}

luthier_core::register_estimator!(Imputer: "Fills missing values with the mean, the median, the mode or a constant.");
