//! Results as a table.

use luthier_core::Value;
use luthier_core::frame::{Column, DataFrame};

use super::{CandidateResult, FoldResult, SearchResult};
use crate::Result;

impl SearchResult {
    /// One row per candidate and round:
    ///
    /// | column | |
    /// |---|---|
    /// | `candidate`, `rank` | the position of the candidate and its rank |
    /// | `pipeline` | the name of its pipeline, if several compete |
    /// | one per parameter, such as `lr.reg_param` | the value, null where the candidate does not set it: a number if all values are numbers, otherwise text |
    /// | `round` | the number of the round |
    /// | `outcome` | `scored`, `failed`, `pruned` or `cancelled` |
    /// | the metric, and the secondary metrics | null where it is missing |
    /// | `fit_seconds`, `score_seconds` | times, with equal shares of what was done for several candidates |
    /// | `reused_fits` | the number of its stages that were fitted for another candidate already |
    /// | `seed` | the seed of the search |
    /// | `error` | why it failed or why the metric is undefined |
    ///
    /// # Errors
    /// If a parameter has the name of another column.
    pub fn to_frame(&self) -> Result<DataFrame> {
        let cells = || self.candidates.iter().flat_map(|one| one.folds.iter().map(move |fold| (one, fold)));
        let integers = |of: &dyn Fn(&CandidateResult, &FoldResult) -> i64| {
            Column::i64(cells().map(|(one, fold)| of(one, fold)).collect())
        };
        let floats = |of: &dyn Fn(&FoldResult) -> f64| {
            let numbers = cells().map(|(_, fold)| Some(of(fold)).filter(|metric| !metric.is_nan()));
            Column::f64_nullable(numbers.collect())
        };
        let mut columns = vec![
            ("candidate".to_owned(), integers(&|one, _| one.index as i64)),
            ("rank".to_owned(), integers(&|one, _| one.rank as i64)),
        ];
        if self.pipelines.len() > 1 {
            let names: Vec<&str> =
                cells().map(|(one, _)| self.pipeline_of(one).unwrap_or_default()).collect();
            columns.push(("pipeline".to_owned(), Column::utf8(names)));
        }
        for name in self.param_names() {
            let values: Vec<Option<&Value>> = cells().map(|(one, _)| one.params.get(name)).collect();
            columns.push((name.to_owned(), column_of(&values)));
        }
        columns.push(("round".to_owned(), integers(&|_, fold| i64::from(fold.fold))));
        let outcomes: Vec<&str> = cells().map(|(_, fold)| fold.outcome.name()).collect();
        columns.push(("outcome".to_owned(), Column::utf8(outcomes)));
        columns.push((self.metric.clone(), floats(&|fold| fold.metric)));
        for (place, also) in self.also.iter().enumerate() {
            let metric = |fold: &FoldResult| fold.also.get(place).map_or(f64::NAN, |also| also.metric);
            columns.push((also.name.clone(), floats(&metric)));
        }
        columns.push(("fit_seconds".to_owned(), floats(&|fold| fold.fit_seconds)));
        columns.push(("score_seconds".to_owned(), floats(&|fold| fold.score_seconds)));
        columns.push(("reused_fits".to_owned(), integers(&|_, fold| i64::from(fold.reused_fits))));
        let seed = i64::try_from(self.seed).unwrap_or(i64::MAX);
        columns.push(("seed".to_owned(), integers(&|_, _| seed)));
        let why = |fold: &FoldResult| {
            let error = fold.error.as_ref().map(|error| error.message.clone());
            error.or_else(|| fold.undefined.clone())
        };
        let errors: Vec<Option<String>> = cells().map(|(_, fold)| why(fold)).collect();
        columns.push(("error".to_owned(), Column::utf8_nullable(errors)));
        let columns = columns.iter().map(|(name, column)| (name.as_str(), column.clone())).collect();
        Ok(DataFrame::from_columns(columns)?)
    }

    /// The names of the parameters that candidates set, in the order in which they first occur.
    pub fn param_names(&self) -> Vec<&str> {
        let mut names: Vec<&str> = Vec::new();
        for (name, _) in self.candidates.iter().flat_map(|candidate| candidate.params.iter()) {
            if !names.contains(&name) {
                names.push(name);
            }
        }
        names
    }
}

fn column_of(values: &[Option<&Value>]) -> Column {
    let number = |value: &&Value| match value {
        Value::Int(v) => Some(*v as f64),
        Value::Float(v) => Some(*v),
        _ => None,
    };
    let known = || values.iter().flatten();
    if known().all(|value| matches!(value, Value::Int(_))) {
        let integer = |value: &Option<&Value>| match value {
            Some(Value::Int(v)) => Some(*v),
            _ => None,
        };
        return Column::i64_nullable(values.iter().map(integer).collect());
    }
    if known().all(|value| number(value).is_some()) {
        return Column::f64_nullable(values.iter().map(|value| value.as_ref().and_then(number)).collect());
    }
    Column::utf8_nullable(values.iter().map(|value| value.map(ToString::to_string)))
}
