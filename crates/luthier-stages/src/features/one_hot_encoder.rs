//! Encodes a category as a vector with a single one.

use luthier_core::frame::{Column, ColumnType, Field, Schema, SparseBuilder};
use luthier_core::params::ParamError;
use luthier_core::{
    Dataset, Description, Error, Estimator, FitContext, OddCells, Outputs, ParamEnum, Params, Required,
    StagePlan, Tile, Transformer,
};
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use crate::categories::UNKNOWN;
use crate::columns;
use crate::columns::some_of;
use crate::summaries::{Extremes, FeatureSpec, FeatureSummary, Missing};

/// A larger number of categories is certainly a mistake.
const MOST_CATEGORIES: f64 = 1e7;

/// How a remark calls an index that the fitted rows did not have.
const UNSEEN_INDEX: &str = "an index that was not seen when fitting";

/// How a [`OneHotEncoder`] handles values that are not the index of a category.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ParamEnum)]
#[non_exhaustive]
pub enum UnseenIndex {
    /// They are an error.
    Error,
    /// They form an additional category after the others.
    Keep,
}

/// Maps indices `0, 1, …` to sparse vectors with a one at the index and zeros elsewhere.
///
/// If the column carries categories, like one appended by a [`StringIndexer`](crate::StringIndexer), these determine the
/// width; otherwise it is the largest index of the fitted rows plus one. With
/// `drop_last` the last category is all zeros, so that vectors and an intercept are not collinear. Null, NaN, fractions,
/// negative numbers and indices beyond the last are errors, or with `handle_invalid = keep` an additional category, which is
/// then the last. Features are named by column and category: `color=red`; more than 100,000 of a column without categories are
/// not named.
///
/// ```
/// use luthier_core::frame::{Column, DataFrame};
/// use luthier_core::{EstimatorExt, Transformer};
/// use luthier_stages::OneHotEncoder;
///
/// let data = DataFrame::from_columns(vec![("color", Column::f64(vec![0.0, 2.0, 1.0]))])?;
/// let encoder = OneHotEncoder::new().input_cols(["color"]).output_cols(["color_vector"]).drop_last(false);
/// let out = encoder.fit_frame(&data)?.transform(&data)?;
/// assert_eq!(out.vectors("color_vector")?.row(1).to_vec(), [0.0, 0.0, 1.0]);
/// # Ok::<(), anyhow::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Params)]
#[params(check = "Self::check")]
pub struct OneHotEncoder {
    /// The numeric columns of indices.
    #[param(column = input)]
    input_cols: Required<Vec<String>>,
    /// The vector columns to append, one per input.
    #[param(column = output)]
    output_cols: Required<Vec<String>>,
    /// Whether the last category is all zeros.
    #[param(default = true)]
    drop_last: bool,
    /// How values that are not the index of a category are handled.
    #[param(default = UnseenIndex::Error)]
    handle_invalid: UnseenIndex,
}

impl OneHotEncoder {
    fn check(&self) -> Result<(), String> {
        super::check_pairs(&self.input_cols, &self.output_cols)
    }

    /// The largest index of each of the columns that do not carry their categories.
    fn spec(&self, schema: &Schema) -> Result<FeatureSpec<()>, ParamError> {
        let carries =
            |column: &String| schema.field(column).is_some_and(|field| field.categories().is_some());
        let columns = self.input_cols.get()?.iter().filter(|column| !carries(column));
        Ok(FeatureSpec::new(columns, ()).without(Missing { nulls: true, value: None }))
    }

    fn categories(
        &self,
        data: &Dataset,
        column: &str,
        largest: Option<&FeatureSummary<Extremes>>,
    ) -> anyhow::Result<Categories> {
        let field = data.schema().require(column)?;
        let name = field.feature_names().and_then(|names| names.into_iter().next());
        let name = name.unwrap_or_else(|| column.to_owned());
        if let Some(labels) = field.categories() {
            return Ok(Categories { name, size: labels.len(), labels: Some(labels) });
        }
        let features = largest.map(|largest| largest.require(column)).transpose()?;
        let largest = features.and_then(<[_]>::first).map_or(f64::NAN, Extremes::max);
        if largest >= MOST_CATEGORIES {
            return Err(Error::invalid(format!(
                "column `{column}` contains {largest}, which would give as many categories: index it with a \
                 `string_indexer` first"
            ))
            .into());
        }
        // Without any index, or with only negative numbers, there is no category.
        Ok(Categories { name, size: if largest >= 0.0 { largest as usize + 1 } else { 0 }, labels: None })
    }
}

impl Estimator for OneHotEncoder {
    const NAME: &'static str = "one_hot_encoder";
    type Model = OneHotEncoderModel;

    fn fit(&self, data: &Dataset, _ctx: &FitContext) -> anyhow::Result<OneHotEncoderModel> {
        let inputs = self.input_cols.get()?;
        let spec = self.spec(data.schema())?;
        let largest = match spec.columns.is_empty() {
            true => None,
            false => Some(data.summarize::<FeatureSummary<Extremes>>(&spec)?),
        };
        let state = State {
            input_cols: inputs.clone(),
            output_cols: self.output_cols.get()?.clone(),
            drop_last: self.drop_last,
            handle_invalid: self.handle_invalid,
            categories: inputs
                .iter()
                .map(|column| self.categories(data, column, largest.as_deref()))
                .collect::<Result<_, _>>()?,
        };
        state.try_into().map_err(|message: String| Error::invalid(message).into())
    }

    fn outputs(&self, schema: &Schema) -> anyhow::Result<Vec<Field>> {
        let (inputs, outputs) = (self.input_cols.get()?, self.output_cols.get()?);
        inputs.iter().try_for_each(|column| columns::require_numeric(schema, column))?;
        let field = |output| Field::new(output, ColumnType::AnyVector).with_sparse(true);
        Ok(outputs.iter().map(field).collect())
    }

    fn plan(&self, schema: &Schema) -> StagePlan {
        let plan = StagePlan::opaque().grouped();
        match self.spec(schema) {
            Ok(spec) if !spec.columns.is_empty() => plan.need::<FeatureSummary<Extremes>>(spec),
            _ => plan,
        }
    }
}

/// The categories of one column.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Categories {
    /// The name from which those of the features are derived.
    name: String,
    size: usize,
    labels: Option<Vec<String>>,
}

/// Categories learned by a [`OneHotEncoder`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "State", into = "State")]
pub struct OneHotEncoderModel {
    state: State,
    /// The output columns with names of their features.
    fields: Vec<Field>,
}

/// How a [`OneHotEncoderModel`] is saved.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct State {
    input_cols: Vec<String>,
    output_cols: Vec<String>,
    drop_last: bool,
    handle_invalid: UnseenIndex,
    categories: Vec<Categories>,
}

impl State {
    fn width(&self, categories: &Categories) -> usize {
        let size = categories.size + usize::from(self.handle_invalid == UnseenIndex::Keep);
        size.saturating_sub(usize::from(self.drop_last))
    }

    /// What a category of this number is called; those behind the last are unknown.
    fn label(&self, categories: &Categories, i: usize) -> String {
        match &categories.labels {
            Some(labels) if i < labels.len() => labels[i].clone(),
            None if i < categories.size => i.to_string(),
            _ => UNKNOWN.to_owned(),
        }
    }

    /// The category whose indicators are all zero, if there is one.
    fn baseline(&self, categories: &Categories) -> Option<String> {
        let last =
            (categories.size + usize::from(self.handle_invalid == UnseenIndex::Keep)).checked_sub(1)?;
        self.drop_last.then(|| self.label(categories, last))
    }

    fn check(&self) -> Result<(), String> {
        let inputs = ("input_cols", self.input_cols.len());
        let outputs = ("output_cols", self.output_cols.len());
        columns::same_lengths([inputs, outputs, ("categories", self.categories.len())])
            .map_err(|e| e.to_string())?;
        let mut all = 0.0;
        for Categories { name, size, labels } in &self.categories {
            if let Some(labels) = labels.as_ref().filter(|labels| labels.len() != *size) {
                return Err(format!("`{name}` has {size} categories but {} labels", labels.len()));
            }
            all += *size as f64;
        }
        match all > MOST_CATEGORIES {
            true => Err(format!("the encoder has {all:e} categories, expected at most {MOST_CATEGORIES:e}")),
            false => Ok(()),
        }
    }
}

impl TryFrom<State> for OneHotEncoderModel {
    type Error = String;

    /// Sizes are checked before names are generated, because a file may claim any size.
    fn try_from(state: State) -> Result<Self, String> {
        state.check()?;
        let field = |(output, categories): (&String, &Categories)| {
            let width = state.width(categories);
            let field = Field::new(output, ColumnType::Vector { width }).with_sparse(true);
            match categories.labels.is_none() && width > Field::MOST_NUMBERED {
                true => field,
                false => field.with_feature_names(
                    (0..width).map(|i| format!("{}={}", categories.name, state.label(categories, i))),
                ),
            }
        };
        let fields = state.output_cols.iter().zip(&state.categories).map(field).collect();
        Ok(Self { state, fields })
    }
}

impl From<OneHotEncoderModel> for State {
    fn from(model: OneHotEncoderModel) -> Self {
        model.state
    }
}

impl OneHotEncoderModel {
    /// The number of categories of each column, without the one of `handle_invalid`.
    pub fn category_sizes(&self) -> Vec<usize> {
        self.state.categories.iter().map(|categories| categories.size).collect()
    }

    /// The vectors of a column's rows, and the indices that are unknown.
    fn encode(
        &self,
        rows: &Tile<'_>,
        column: &str,
        categories: &Categories,
    ) -> luthier_core::Result<(Column, OddCells)> {
        let width = self.state.width(categories);
        let outcome = match self.state.drop_last {
            true => "encoded as zeros",
            false => "counted as the category `__unknown`",
        };
        let mut unseen = OddCells::new(column, UNSEEN_INDEX, outcome);
        let mut out = SparseBuilder::new(width);
        for (i, &x) in rows.numbers(column)?.iter().enumerate() {
            let is_index = x >= 0.0 && x < categories.size as f64 && x.fract() == 0.0;
            let index = match self.state.handle_invalid {
                _ if is_index => x as usize,
                UnseenIndex::Keep => {
                    if !x.is_nan() {
                        unseen.push(rows.row(i), || x.to_string());
                    }
                    categories.size
                }
                UnseenIndex::Error => {
                    let found = if x.is_nan() { "null or NaN".to_owned() } else { x.to_string() };
                    let expected = "the index of a category that was seen when fitting; set `handle_invalid` to \
                                    `keep` to accept others";
                    return Err(rows.bad_value_of(column, i, found, expected));
                }
            };
            if index < width {
                out.push(index, 1.0);
            }
            out.end_row();
        }
        Ok((Column::sparse(out), unseen))
    }
}

impl Transformer for OneHotEncoderModel {
    fn inputs(&self) -> Vec<String> {
        self.state.input_cols.clone()
    }

    fn outputs(&self, schema: &Schema) -> anyhow::Result<Vec<Field>> {
        self.state.input_cols.iter().try_for_each(|column| columns::require_numeric(schema, column))?;
        Ok(self.fields.clone())
    }

    fn apply(&self, rows: &Tile<'_>, out: &mut Outputs) -> anyhow::Result<()> {
        let columns = self.state.input_cols.par_iter().zip(&self.state.categories);
        let columns: Vec<_> =
            columns.map(|(column, categories)| self.encode(rows, column, categories)).collect();
        // Reports the error of the first column, whichever is found first.
        for column in columns {
            let (column, unseen) = column?;
            out.column(column);
            out.remark(unseen);
        }
        Ok(())
    }

    fn takes_nulls(&self) -> bool {
        true
    }

    fn describe(&self) -> Description {
        let categories = self.state.input_cols.iter().zip(&self.state.categories);
        categories.fold(Description::new(), |said, (column, categories)| {
            let labels = categories.labels.as_deref().map(some_of);
            let baseline =
                self.state.baseline(categories).map(|label| format!("{label}, which has no indicator"));
            said.fact(format!("categories of `{column}`"), categories.size)
                .fact_if(format!("labels of `{column}`"), labels)
                .fact_if(format!("baseline of `{}`", categories.name), baseline)
        })
    }
}

luthier_core::register_estimator!(
    OneHotEncoder: "Maps indices to sparse vectors with a one at the index."
);
