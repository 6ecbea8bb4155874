//! Missing values filled in.

use luthier_core::frame::{Column, DataFrame, Field, Schema};
use luthier_core::params::ParamError;
use luthier_core::{
    AxisLabels, Dataset, Description, Error, Estimator, FitContext, ParamEnum, Params, Required, StagePlan,
    Transformer,
};
use serde::{Deserialize, Serialize};

use crate::columns;
use crate::summaries::{FeatureSpec, FeatureSummary, Missing, Quantiles, Spread};

/// What an [`Imputer`] puts in place of missing values.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ParamEnum)]
pub enum ImputerStrategy {
    /// The mean of the values that are there.
    Mean,
    /// Their median: of an even number of values the lower of the two in the middle.
    Median,
    /// The value that occurs most often, the least of several.
    Mode,
    /// `fill_value`.
    Constant,
}

/// Fills missing values of numeric and vector columns, feature by feature.
///
/// Missing are nulls and `missing_value`. With the default, NaN, that is null and NaN; with another one NaN stays where
/// it is, but never counts when fitting, as in Spark. Output columns are `f64` for numeric inputs and vectors for
/// vectors. A feature without any value is an error when fitting, unless the strategy is `constant`; so is infinity.
#[derive(Debug, Clone, PartialEq, Params)]
#[params(check = "Self::check")]
pub struct Imputer {
    /// The numeric and vector columns to fill.
    #[param(column = input)]
    input_cols: Required<Vec<String>>,
    /// The columns to append, one for each input.
    #[param(column = output)]
    output_cols: Required<Vec<String>>,
    /// Columns to append with 1 where a value was missing and 0 elsewhere: none, or one for each input.
    #[param(default, column = output)]
    indicator_cols: Vec<String>,
    /// What missing values become.
    #[param(default = ImputerStrategy::Mean)]
    strategy: ImputerStrategy,
    /// The value that stands for a missing one, besides null.
    #[param(default = f64::NAN)]
    missing_value: f64,
    /// What missing values become with the strategy `constant`.
    #[param(default = 0.0)]
    fill_value: f64,
    /// How far the rank of a median may be off, as a share of the rows. Up to some two thousand distinct values it is
    /// exact, and always with 0, which keeps all distinct values in memory.
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
                "`indicator_cols` has {found} columns, `input_cols` has {inputs}: name one for each, or none"
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

    /// What each feature of a column is filled with.
    fn surrogates(&self, data: &Dataset, column: &str) -> anyhow::Result<Vec<f64>> {
        let surrogates: Vec<Option<f64>> = match self.strategy {
            ImputerStrategy::Constant => {
                vec![Some(self.fill_value); columns::width(data.schema(), column)?]
            }
            ImputerStrategy::Mean => {
                let summary = data.summarize::<FeatureSummary<Spread>>(&self.spec(())?)?;
                let mean = |feature: &Spread| Some(feature.mean()).filter(|_| feature.count() > 0);
                summary.require(column)?.iter().map(mean).collect()
            }
            ImputerStrategy::Median => {
                let summary = data.summarize::<FeatureSummary<Quantiles>>(&self.quantiles()?)?;
                let median = |feature: &Quantiles| feature.at(&[0.5])?.first().copied();
                summary.require(column)?.iter().map(median).collect()
            }
            ImputerStrategy::Mode => {
                let summary = data.summarize::<FeatureSummary<Quantiles>>(&self.quantiles()?)?;
                summary.require(column)?.iter().map(Quantiles::mode).collect()
            }
        };
        let known = |(j, surrogate): (usize, Option<f64>)| match surrogate {
            Some(x) if x.is_finite() || self.strategy == ImputerStrategy::Constant => Ok(x),
            Some(_) => Err(Error::invalid(format!(
                "the mean of feature {j} of column `{column}` is beyond the range of f64: scale the column first"
            ))),
            None => Err(Error::invalid(format!(
                "all values of feature {j} of column `{column}` are missing, so there is no {} to fill in: leave the \
                 column out, or use the strategy `constant`",
                self.strategy.as_str()
            ))),
        };
        Ok(surrogates.into_iter().enumerate().map(known).collect::<Result<_, _>>()?)
    }

    fn append(&self, schema: &Schema) -> anyhow::Result<Schema> {
        append_all(schema, self.input_cols.get()?, self.output_cols.get()?, &self.indicator_cols)
    }
}

fn append_all(
    schema: &Schema,
    inputs: &[String],
    outputs: &[String],
    indicators: &[String],
) -> anyhow::Result<Schema> {
    let filled = inputs.iter().zip(outputs).map(|(input, output)| columns::field_like(schema, input, output));
    let indicators = inputs.iter().zip(indicators).map(|(input, name)| indicator_field(schema, input, name));
    let mut fields = filled.chain(indicators);
    fields.try_fold(schema.clone(), |appended, field| Ok(appended.with_field(field?)?))
}

/// Its features are called `missing(…)`.
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
                .map(|column| self.surrogates(data, column))
                .collect::<Result<_, _>>()?,
        })
    }

    fn transform_schema(&self, schema: &Schema) -> anyhow::Result<Schema> {
        self.append(schema)
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
    /// What missing values of each column become, feature by feature.
    pub fn surrogates(&self) -> &[Vec<f64>] {
        &self.surrogates
    }
}

impl Transformer for ImputerModel {
    fn transform(&self, data: &DataFrame) -> anyhow::Result<DataFrame> {
        let data = data.collect()?;
        let mut filled = data.clone();
        let mut indicators = Vec::new();
        for ((input, output), surrogates) in
            self.input_cols.iter().zip(&self.output_cols).zip(&self.surrogates)
        {
            columns::require_width(data.schema(), input, surrogates.len())?;
            let is_vector = data.schema().require(input)?.column_type().is_vector();
            let (mut rows, nulls) = columns::rows_and_nulls(&data, input, surrogates.len())?;
            let missing_value = self.missing_value;
            let is_missing =
                |x: f64, null: bool| null || x == missing_value || (x.is_nan() && missing_value.is_nan());
            let missing = ndarray::Zip::from(&rows).and(&nulls).map_collect(|&x, &null| is_missing(x, null));
            for (mut row, missing) in rows.outer_iter_mut().zip(missing.outer_iter()) {
                for ((x, missing), surrogate) in row.iter_mut().zip(missing).zip(surrogates) {
                    if *missing {
                        *x = *surrogate;
                    }
                }
            }
            let column = |rows: ndarray::Array2<f64>| match is_vector {
                true => Column::vector(rows),
                false => Column::f64(rows.into_raw_vec_and_offset().0),
            };
            filled = filled.with_field(columns::field_like(data.schema(), input, output)?, column(rows))?;
            indicators.push(column(missing.mapv(|missing| f64::from(u8::from(missing)))));
        }
        for ((input, name), column) in self.input_cols.iter().zip(&self.indicator_cols).zip(indicators) {
            filled = filled.with_field(indicator_field(data.schema(), input, name)?, column)?;
        }
        Ok(filled)
    }

    fn input_columns(&self) -> Option<Vec<String>> {
        Some(self.input_cols.clone())
    }

    fn transform_schema(&self, schema: &Schema) -> anyhow::Result<Schema> {
        for (input, surrogates) in self.input_cols.iter().zip(&self.surrogates) {
            columns::require_width(schema, input, surrogates.len())?;
        }
        append_all(schema, &self.input_cols, &self.output_cols, &self.indicator_cols)
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

luthier_core::register_estimator!(Imputer: "Fills missing values by mean, median, mode or a constant.");
