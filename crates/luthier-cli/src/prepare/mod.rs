//! From a file to a frame with the vector column `features`.

pub(crate) mod expand;
mod inputs;
mod test_rows;

pub(crate) use inputs::{FEATURES, Inputs, is_usable};

use std::collections::HashSet;

use anyhow::{Result, bail};
use luthier::frame::arrow_array::Array;
use luthier::frame::{ColumnType, DataFrame, Field, numbers};

use crate::build;
use crate::config::Config;
use crate::data::DataSource;
use crate::failure::unusable;
use crate::output::note;
use crate::roles::Roles;

/// The rows of a configuration, ready for its stages.
#[derive(Debug)]
pub(crate) struct Prepared {
    pub(crate) frame: DataFrame,
    pub(crate) inputs: Inputs,
    /// The rows that `test` of `[data]` keeps from the search, checked but without the vector.
    pub(crate) test: Option<DataSource>,
}

/// Checks the roles of the columns, assembles the selected ones, and replaces the globs and `categories` of the
/// configuration by names of columns.
pub(crate) fn prepare(config: &mut Config, frame: &DataFrame) -> Result<Prepared> {
    let label = config.data.label.as_ref().filter(|label| frame.schema().field(&label.name).is_some());
    let frame = config.data.selection.apply(frame, label.map(|label| label.name.as_str()), None)?;
    config.data.source = config.data.source.with_rows(frame.clone());
    let (frame, test) = test_rows::set_aside(config, &frame)?;
    let frame = &frame;
    if test.is_some() {
        config.data.source = config.data.source.with_rows(frame.clone());
    }
    let roles = Roles::new(config, frame.schema())?;
    expand::categories(config, &roles, frame.schema())?;
    let selected = Inputs::select(&config.data, &roles, frame.schema());
    let (inputs, passed_over) = selected.inspect_err(|error| {
        let (told, source) = (format!("{error:#}"), &config.data.source);
        let is_news =
            |column: &str| source.text_among_numbers(column).is_some_and(|why| !told.contains(&why));
        source.note_texts(|column| roles.of(column).is_none() && is_news(column));
    })?;
    expand::stages(config, &roles, frame.schema(), &inputs)?;
    for pipeline in build::pipelines(config)? {
        pipeline.check_features(roles.all()).map_err(|e| config.located_core(e))?;
    }
    let whole = &*config;
    let config = &config.data;
    if !passed_over.is_empty() {
        let is_text = passed_over.iter().any(|field| field.column_type() == ColumnType::Utf8);
        let remedy =
            if is_text { "; `categories` under [data] names those whose values are categories" } else { "" };
        note(&format!(
            "these columns are neither numbers nor vectors and are not used as features: {}{remedy}",
            passed_over.iter().map(Field::to_string).collect::<Vec<_>>().join(", ")
        ));
        let passed_over: HashSet<&str> = passed_over.iter().map(Field::name).collect();
        config.source.note_texts(|name| passed_over.contains(name));
    }
    if frame.num_rows() == 0 {
        bail!("{}: the file has no rows", config.source.path.display());
    }
    if let Some(label) = &config.label {
        check_values(&config.source, frame, &label.name, MISSING_LABEL)?;
    }
    for column in [&config.weight, &config.fold].into_iter().flatten() {
        let advice = format!("drop such rows with `drop_nulls = [{:?}]` under [data]", column.name);
        check_values(&config.source, frame, &column.name, &advice)?;
    }
    let assembled = inputs.assemble(frame, &config.source, MISSING_VALUE)?;
    let test = match test {
        Some(test) => Some(test),
        None => test_rows::of_file(whole, &inputs, frame.schema())?,
    };
    if let Some(test) = &test {
        test_rows::check(whole, &inputs, test)?;
    }
    Ok(Prepared { frame: assembled, inputs, test })
}

/// Advice for rows without a feature.
const MISSING_VALUE: &str = "drop the row or fill the value; with `features = []` in a configuration, stages such as an imputer \
                             read the columns themselves";

/// Advice for rows without a label.
const MISSING_LABEL: &str = "drop such rows with `missing_label = \"drop\"` under [data]";

/// Rejects the first value of a column that is missing or not finite; `advice` is for missing values. Those of absent rows were checked when they
/// were summarised.
fn check_values(source: &DataSource, frame: &DataFrame, column: &str, advice: &str) -> Result<()> {
    if frame.is_absent() {
        return Ok(());
    }
    let index = frame.schema().require_index(column)?;
    let mut row = 0;
    for partition in frame.partitions() {
        for batch in partition.batches(Some(&[index]))? {
            let batch = batch?;
            let array = batch.column(0);
            let values = numbers(array.as_ref()).unwrap_or_default();
            let is_bad =
                |at: &usize| array.is_null(*at) || values.get(*at).is_some_and(|value| !value.is_finite());
            if let Some(at) = (0..array.len()).find(is_bad) {
                let found = values.get(at).filter(|_| array.is_valid(at)).map(f64::to_string);
                return Err(unusable(&source.place_of(row + at), column, found.as_deref(), advice));
            }
            row += array.len();
        }
    }
    Ok(())
}
