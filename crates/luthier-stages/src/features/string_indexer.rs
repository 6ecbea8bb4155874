//! Maps categories to indices.

use std::cmp::Ordering;
use std::collections::HashMap;

use luthier_core::frame::{ColumnType, Field, Schema};
use luthier_core::params::ParamError;
use luthier_core::{
    Dataset, Description, Estimator, FitContext, OddCells, Outputs, ParamEnum, Params, Required, StagePlan,
    Tile, Transformer,
};
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::HandleInvalid;
use crate::categories::{UNKNOWN, UNSEEN_CATEGORY, for_each_text, of_other_kind, require_categories};
use crate::columns::{same_lengths, some_of};
use crate::summaries::{CategoryCounts, CategorySpec};

/// The order of the categories.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ParamEnum)]
#[non_exhaustive]
pub enum StringOrderType {
    /// The most frequent first, alphabetically among equally frequent ones.
    FrequencyDesc,
    /// The least frequent first, alphabetically among equally frequent ones.
    FrequencyAsc,
    /// Reverse alphabetical order.
    AlphabetDesc,
    /// Alphabetical order.
    AlphabetAsc,
}

/// Maps the categories of each column to indices `0.0, 1.0, …`, by default the most frequent first.
///
/// The categories are those of the fitted rows. Numbers and booleans are converted to strings, as in Spark: `2` for an
/// integer, `2.0` for a float. Unlike in Spark, a model that was fitted on one of them recognises the other, because a column
/// of a file becomes floats as soon as one number has a fraction.
///
/// Null, NaN and categories not seen when fitting are invalid values, see `handle_invalid`; `keep` gives them the index
/// after the last one, with the category `__unknown`. Null and NaN are ignored when fitting. The output columns carry their
/// categories.
///
/// ```
/// use luthier_core::frame::{Column, DataFrame};
/// use luthier_core::{EstimatorExt, Transformer};
/// use luthier_stages::StringIndexer;
///
/// let data = DataFrame::from_columns(vec![("color", Column::utf8(["red", "blue", "red"]))])?;
/// let model = StringIndexer::new().input_cols(["color"]).output_cols(["index"]).fit_frame(&data)?;
/// assert_eq!(model.labels()[0], ["red", "blue"]); // the most frequent first
/// assert_eq!(model.transform(&data)?.column_f64("index")?, [0.0, 1.0, 0.0]);
/// # Ok::<(), anyhow::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Params)]
#[params(check = "Self::check")]
pub struct StringIndexer {
    /// The columns of text, numbers or booleans to index.
    #[param(column = input)]
    input_cols: Required<Vec<String>>,
    /// The columns of indices (`f64`) to append, one per input.
    #[param(column = output)]
    output_cols: Required<Vec<String>>,
    /// Order in which categories get their indices.
    #[param(default = StringOrderType::FrequencyDesc)]
    string_order_type: StringOrderType,
    /// How invalid values are handled when transforming.
    #[param(default = HandleInvalid::Error)]
    handle_invalid: HandleInvalid,
}

impl StringIndexer {
    fn check(&self) -> Result<(), String> {
        super::check_pairs(&self.input_cols, &self.output_cols)
    }

    fn spec(&self) -> Result<CategorySpec, ParamError> {
        Ok(CategorySpec::new(self.input_cols.get()?))
    }

    fn labels(&self, counts: &HashMap<String, u64>) -> Vec<String> {
        let mut labels: Vec<(&String, u64)> = counts.iter().map(|(label, &count)| (label, count)).collect();
        let order = |a: &(&String, u64), b: &(&String, u64)| -> Ordering {
            match self.string_order_type {
                StringOrderType::FrequencyDesc => b.1.cmp(&a.1).then(a.0.cmp(b.0)),
                StringOrderType::FrequencyAsc => a.1.cmp(&b.1).then(a.0.cmp(b.0)),
                StringOrderType::AlphabetDesc => b.0.cmp(a.0),
                StringOrderType::AlphabetAsc => a.0.cmp(b.0),
            }
        };
        labels.sort_unstable_by(order);
        labels.into_iter().map(|(label, _)| label.clone()).collect()
    }
}

impl Estimator for StringIndexer {
    const NAME: &'static str = "string_indexer";
    type Model = StringIndexerModel;

    fn fit(&self, data: &Dataset, _ctx: &FitContext) -> anyhow::Result<StringIndexerModel> {
        let counts = data.summarize::<CategoryCounts>(&self.spec()?)?;
        let inputs = self.input_cols.get()?;
        let labels = inputs.iter().map(|column| Ok(self.labels(counts.of(column)?)));
        let labels = labels.collect::<luthier_core::Result<_>>()?;
        let outputs = self.output_cols.get()?;
        Ok(State {
            input_cols: inputs.clone(),
            output_cols: outputs.clone(),
            handle_invalid: self.handle_invalid,
            labels,
        }
        .into())
    }

    fn outputs(&self, schema: &Schema) -> anyhow::Result<Vec<Field>> {
        self.input_cols
            .get()?
            .iter()
            .zip(self.output_cols.get()?)
            .map(|(input, output)| {
                require_categories(schema, input)?;
                // The categories are only known after fitting.
                let field = Field::number(output).with_categories::<&str>([]);
                Ok(field.with_feature_names_of(schema.require(input)?))
            })
            .collect()
    }

    fn plan(&self, _schema: &Schema) -> StagePlan {
        let plan = StagePlan::opaque().grouped().drops_rows(self.handle_invalid == HandleInvalid::Skip);
        match self.spec() {
            Ok(spec) => plan.need::<CategoryCounts>(spec),
            Err(_) => plan,
        }
    }
}

/// Categories learned by a [`StringIndexer`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(from = "State", into = "State")]
pub struct StringIndexerModel {
    state: State,
    indices: Vec<HashMap<String, f64>>,
    /// The output columns with their categories.
    fields: Vec<Field>,
}

/// How a [`StringIndexerModel`] is saved.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct State {
    input_cols: Vec<String>,
    output_cols: Vec<String>,
    handle_invalid: HandleInvalid,
    labels: Vec<Vec<String>>,
}

impl From<State> for StringIndexerModel {
    fn from(state: State) -> Self {
        let index = |labels: &Vec<String>| {
            (0..).zip(labels).map(|(i, label)| (label.clone(), f64::from(i))).collect()
        };
        let field = |(name, labels): (&String, &Vec<String>)| {
            let unknown = (state.handle_invalid == HandleInvalid::Keep).then_some(UNKNOWN);
            Field::number(name).with_categories(labels.iter().map(String::as_str).chain(unknown))
        };
        let indices = state.labels.iter().map(index).collect();
        let fields = state.output_cols.iter().zip(&state.labels).map(field).collect();
        Self { state, indices, fields }
    }
}

impl From<StringIndexerModel> for State {
    fn from(model: StringIndexerModel) -> Self {
        model.state
    }
}

impl StringIndexerModel {
    /// The categories of each column, in the order of their indices.
    pub fn labels(&self) -> &[Vec<String>] {
        &self.state.labels
    }

    /// The indices of a column's rows, NaN where the row is to be dropped, and the categories that are unknown.
    fn indices(
        &self,
        rows: &Tile<'_>,
        column: &str,
        indices: &HashMap<String, f64>,
    ) -> luthier_core::Result<(Vec<f64>, OddCells)> {
        let found = rows.schema().require(column)?.column_type();
        let is_number = matches!(found, ColumnType::F64 | ColumnType::I64);
        let of_number = |text: &str| indices.get(&of_other_kind(text)?);
        let index_of = |text: &str| {
            indices.get(text).or_else(|| if is_number { of_number(text) } else { None }).copied()
        };
        let outcome = match self.state.handle_invalid {
            HandleInvalid::Skip => "left out, with the row",
            _ => "counted as the category `__unknown`",
        };
        let mut unseen = OddCells::new(column, UNSEEN_CATEGORY, outcome);
        let mut found = Vec::with_capacity(rows.len());
        for_each_text(rows.array(column)?.as_ref(), |i, text| {
            let index = text.as_ref().and_then(|text| index_of(text));
            if let (None, Some(text)) = (index, &text) {
                unseen.push(rows.row(i), || text.to_string());
            }
            found.push(match (index, self.state.handle_invalid) {
                (Some(index), _) => index,
                (None, HandleInvalid::Keep) => indices.len() as f64,
                (None, HandleInvalid::Skip) => f64::NAN,
                (None, HandleInvalid::Error) => {
                    let text = text.map_or("null or NaN".to_owned(), |text| format!("`{text}`"));
                    let expected = "a category that was seen when fitting (in a search, in the other folds); set \
                                    `handle_invalid` to `skip` or `keep` to accept others";
                    return Err(rows.bad_value_of(column, i, text, expected));
                }
            });
            Ok(())
        })?;
        Ok((found, unseen))
    }
}

impl Transformer for StringIndexerModel {
    fn inputs(&self) -> Vec<String> {
        self.state.input_cols.clone()
    }

    fn outputs(&self, schema: &Schema) -> anyhow::Result<Vec<Field>> {
        let field = |(input, field): (&String, &Field)| {
            require_categories(schema, input)?;
            Ok(field.clone().with_feature_names_of(schema.require(input)?))
        };
        self.state.input_cols.iter().zip(&self.fields).map(field).collect()
    }

    fn apply(&self, rows: &Tile<'_>, out: &mut Outputs) -> anyhow::Result<()> {
        let columns = self.state.input_cols.par_iter().zip(&self.indices);
        let columns: Vec<_> = columns.map(|(column, indices)| self.indices(rows, column, indices)).collect();
        // Reports the error of the first column, whichever is found first.
        let columns = columns.into_iter().collect::<Result<Vec<_>, _>>()?;
        if self.drops_rows() {
            out.keep(
                (0..rows.len()).map(|i| columns.iter().all(|(column, _)| !column[i].is_nan())).collect(),
            );
        }
        for (column, unseen) in columns {
            out.numbers(column);
            out.remark(unseen);
        }
        Ok(())
    }

    fn takes_nulls(&self) -> bool {
        true
    }

    fn drops_rows(&self) -> bool {
        self.state.handle_invalid == HandleInvalid::Skip
    }

    fn describe(&self) -> Description {
        let labels = self.state.input_cols.iter().zip(&self.state.labels);
        labels.fold(Description::new(), |said, (column, labels)| {
            said.fact(format!("labels of `{column}`"), some_of(labels))
        })
    }

    fn check_state(&self) -> anyhow::Result<()> {
        let inputs = ("input_cols", self.state.input_cols.len());
        let outputs = ("output_cols", self.state.output_cols.len());
        same_lengths([inputs, outputs, ("labels", self.state.labels.len())])
    }
}

luthier_core::register_estimator!(StringIndexer: "Maps categories to indices.");
