//! Categories as indices.

use std::cmp::Ordering;
use std::collections::HashMap;

use luthier_core::frame::{Column, ColumnType, DataFrame, Field, Schema};
use luthier_core::params::ParamError;
use luthier_core::{
    Dataset, Description, Error, Estimator, FitContext, ParamEnum, Params, Required, StagePlan, Transformer,
};
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::HandleInvalid;
use super::categories::{for_each_text, of_other_kind, require_categories};
use super::handle_invalid::UNKNOWN;
use crate::columns::{same_lengths, some_of};
use crate::summaries::{CategoryCounts, CategorySpec};

/// Which category gets index 0, which 1, ….
#[derive(Debug, Clone, Copy, PartialEq, Eq, ParamEnum)]
pub enum StringOrderType {
    /// The most frequent first, alphabetically among equally frequent ones.
    FrequencyDesc,
    /// The least frequent first, alphabetically among equally frequent ones.
    FrequencyAsc,
    /// Alphabetically, the last one first.
    AlphabetDesc,
    /// Alphabetically.
    AlphabetAsc,
}

/// Maps the categories of each column to indices `0.0, 1.0, …`, by default the most frequent first.
///
/// Categories are those of the fitted rows. Numbers and truth values are categories by their text, as in Spark: `2` of
/// an integer, `2.0` of a float. Unlike Spark, a model fitted on one of them finds the category of the other: a column of
/// a file is of floats as soon as one number has a fraction.
///
/// Null, NaN and categories not seen when fitting are invalid values, see `handle_invalid`; `keep` gives them the index
/// behind the last one, the category `__unknown`. Null and NaN are left out when fitting. The output columns carry their
/// categories.
#[derive(Debug, Clone, PartialEq, Params)]
#[params(check = "Self::check")]
pub struct StringIndexer {
    /// The columns of text, numbers or truth values to index.
    #[param(column = input)]
    input_cols: Required<Vec<String>>,
    /// The columns of indices (`f64`) to append, one for each input.
    #[param(column = output)]
    output_cols: Required<Vec<String>>,
    /// Which category gets index 0.
    #[param(default = StringOrderType::FrequencyDesc)]
    string_order_type: StringOrderType,
    /// What is done with invalid values when transforming.
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

    fn transform_schema(&self, schema: &Schema) -> anyhow::Result<Schema> {
        let (inputs, outputs) = (self.input_cols.get()?, self.output_cols.get()?);
        inputs.iter().zip(outputs).try_fold(schema.clone(), |appended, (input, output)| {
            require_categories(schema, input)?;
            // Which categories there are only fitting tells.
            let field = Field::new(output, ColumnType::F64).with_categories::<&str>([]);
            Ok(appended.with_field(field.with_feature_names_of(schema.require(input)?))?)
        })
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
            Field::new(name, ColumnType::F64)
                .with_categories(labels.iter().map(String::as_str).chain(unknown))
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

    /// The indices of a column's rows; NaN where the row is to be left out.
    fn indices(
        &self,
        data: &DataFrame,
        column: &str,
        indices: &HashMap<String, f64>,
    ) -> luthier_core::Result<Vec<f64>> {
        require_categories(data.schema(), column)?;
        let position = data.schema().require_index(column)?;
        let is_number = data.schema().require(column)?.column_type();
        let is_number = matches!(is_number, ColumnType::F64 | ColumnType::I64);
        let of_number = |text: &str| indices.get(&of_other_kind(text)?);
        let index_of = |text: &str| {
            indices.get(text).or_else(|| if is_number { of_number(text) } else { None }).copied()
        };
        let mut found = Vec::with_capacity(data.num_rows());
        for partition in data.partitions() {
            for batch in partition.batches(None)? {
                let first_row = found.len();
                for_each_text(batch?.column(position).as_ref(), |i, text| {
                    let index = text.as_ref().and_then(|text| index_of(text));
                    found.push(match (index, self.state.handle_invalid) {
                        (Some(index), _) => index,
                        (None, HandleInvalid::Keep) => indices.len() as f64,
                        (None, HandleInvalid::Skip) => f64::NAN,
                        (None, HandleInvalid::Error) => {
                            return Err(Error::BadValue {
                                column: column.to_owned(),
                                row: first_row + i,
                                found: text.map_or("null or NaN".to_owned(), |text| format!("`{text}`")),
                                expected: "a category that was there when fitting, in a search in the other folds: set \
                                           `handle_invalid` to `skip` or `keep` for rows with others",
                            });
                        }
                    });
                    Ok(())
                })?;
            }
        }
        Ok(found)
    }

    fn fields<'a>(&'a self, schema: &'a Schema) -> impl Iterator<Item = luthier_core::Result<Field>> + 'a {
        let inputs = self.state.input_cols.iter();
        inputs
            .zip(&self.fields)
            .map(|(input, field)| Ok(field.clone().with_feature_names_of(schema.require(input)?)))
    }
}

impl Transformer for StringIndexerModel {
    fn transform(&self, data: &DataFrame) -> anyhow::Result<DataFrame> {
        let data = data.collect()?;
        let columns = self.state.input_cols.par_iter().zip(&self.indices);
        let columns: Vec<_> = columns.map(|(column, indices)| self.indices(&data, column, indices)).collect();
        // The first column with an error is named, not the first to find one.
        let mut columns = columns.into_iter().collect::<Result<Vec<_>, _>>()?;
        let mut out = data.clone();
        if self.drops_rows() {
            let kept: Vec<bool> =
                (0..data.num_rows()).map(|i| columns.iter().all(|column| !column[i].is_nan())).collect();
            if kept.contains(&false) {
                out = data.filter(&kept)?.collect()?;
                for column in &mut columns {
                    let mut kept = kept.iter();
                    column.retain(|_| kept.next().copied().unwrap_or(true));
                }
            }
        }
        for (field, column) in self.fields(data.schema()).zip(columns) {
            out = out.with_field(field?, Column::f64(column))?;
        }
        Ok(out)
    }

    fn transform_schema(&self, schema: &Schema) -> anyhow::Result<Schema> {
        self.state.input_cols.iter().try_for_each(|column| require_categories(schema, column))?;
        self.fields(schema).try_fold(schema.clone(), |appended, field| Ok(appended.with_field(field?)?))
    }

    fn input_columns(&self) -> Option<Vec<String>> {
        Some(self.state.input_cols.clone())
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
