//! The rows that `test` of `[data]` keeps from the search.

use std::collections::BTreeSet;

use anyhow::{Result, anyhow, bail};
use luthier::core::params::closest;
use luthier::core::{ColumnRole, DynEstimator, Pipeline};
use luthier::frame::arrow_array::Array;
use luthier::frame::{ColumnType, DataFrame, Field, Schema, numbers};
use luthier::tune::hold_out;

use super::{Inputs, MISSING_LABEL, MISSING_VALUE, check_values};
use crate::build::{self, texts_in};
use crate::config::{Config, SearchConfig, TestConfig, TestRows};
use crate::data::{DataSource, Format, Reading};
use crate::failure::unusable;

/// The rows of the frame for the search, and the test rows among them, if it has any.
pub(super) fn set_aside(config: &Config, frame: &DataFrame) -> Result<(DataFrame, Option<DataSource>)> {
    let data = &config.data;
    let Some(TestConfig { rows, place }) = &data.test else { return Ok((frame.clone(), None)) };
    let test = match (rows, data.test_column(frame.schema())) {
        (TestRows::Share(share), _) => {
            let default = SearchConfig::cross_validation(&data.place);
            let search = config.search.as_ref().unwrap_or(&default);
            let splitter = build::splitter(search, data)?;
            let test = hold_out::test_rows(splitter.as_ref(), frame, *share, config.seed);
            test.map_err(|e| config.located(e)).map_err(|e| place.error(e))?
        }
        (TestRows::Named { name, path }, column) => {
            let file = DataSource::new(path.clone()).exists();
            match (column, file) {
                (Some(column), false) => by_column(&data.source, frame, column)
                    .and_then(|test| both_sides(test, column))
                    .map_err(|e| place.error(e))?,
                (None, true) => return Ok((frame.clone(), None)),
                (Some(_), true) => {
                    let what = anyhow!(
                        "`test` is {name:?}, which is a column of {} and also a file: write \"./{name}\" for the file, or rename one of them",
                        data.source.name()
                    );
                    return Err(place.error(what));
                }
                (None, false) => {
                    let near = closest(name, frame.schema().names());
                    let near =
                        near.map(|near| format!(", did you mean the column `{near}`?")).unwrap_or_default();
                    let what = anyhow!(
                        "`test` is {name:?}, but {} has no such column, and there is no file {}{near}",
                        data.source.name(),
                        path.display()
                    );
                    return Err(place.error(what));
                }
            }
        }
    };
    let search: Vec<bool> = test.iter().map(|is_test| !is_test).collect();
    let test = data.source.with_rows(frame.filter(&test)?);
    Ok((frame.filter(&search)?, Some(test)))
}

/// The rows in which a column is true or 1.
fn by_column(source: &DataSource, frame: &DataFrame, column: &str) -> Result<Vec<bool>> {
    let schema = frame.schema();
    let index = schema.require_index(column)?;
    let found = schema.require(column)?.column_type();
    if !found.is_numeric() {
        bail!(
            "`test` names the column `{column}`, which is {found}: expected true for a test row and false for another one, or 1 and 0"
        );
    }
    let mut test = Vec::with_capacity(frame.num_rows());
    for partition in frame.partitions() {
        for batch in partition.batches(Some(&[index]))? {
            let batch = batch?;
            let array = batch.column(0);
            for (at, value) in numbers(array.as_ref()).unwrap_or_default().iter().enumerate() {
                let row = test.len();
                test.push(match *value {
                    0.0 => false,
                    1.0 => true,
                    _ if array.is_null(at) || value.is_nan() => {
                        let advice = format!("drop such rows with `drop_nulls = [{column:?}]` under [data]");
                        return Err(unusable(&source.place_of(row), column, None, &advice));
                    }
                    other => bail!(
                        "{}: column `{column}` is {other}, expected 1 for a test row or 0 for another one",
                        source.place_of(row)
                    ),
                });
            }
        }
    }
    Ok(test)
}

fn both_sides(test: Vec<bool>, column: &str) -> Result<Vec<bool>> {
    let rows = test.len();
    match test.iter().filter(|is_test| **is_test).count() {
        0 => {
            bail!("column `{column}` says that none of the {rows} rows is a test row, expected at least one")
        }
        all if all == rows => {
            bail!("column `{column}` says that all {rows} rows are test rows: none is left for the search")
        }
        _ => Ok(test),
    }
}

/// Reads the file of test rows, if there is one: like the data, with the same types of the columns that are read.
pub(super) fn of_file(config: &Config, inputs: &Inputs, schema: &Schema) -> Result<Option<DataSource>> {
    let data = &config.data;
    let Some(TestConfig { rows: TestRows::Named { path, .. }, place }) = &data.test else { return Ok(None) };
    if data.test_column(schema).is_some() {
        return Ok(None);
    }
    let read = columns_read(config, inputs, schema)?;
    // The extension of the file goes before the format of the data.
    let given = Reading { format: Format::of(path), ..Reading::default() };
    let reading = data.source.saved_reading().for_model(given, |name| read.contains(name));
    let source = DataSource::new(path.clone()).with_reading(reading);
    source.readable().map_err(|e| place.error(e))?;
    let frame = source.read()?;
    let checked = read.iter().filter_map(|name| schema.field(name)).try_for_each(|field| {
        same_column(field, frame.schema(), &source, &data.source).map_err(|e| place.error(e))
    });
    checked?;
    if frame.num_rows() == 0 {
        bail!("{}: the file has no rows, expected test rows", source.name());
    }
    let label = data.label.as_ref().map(|label| label.name.as_str());
    let selected = data.selection.apply(&frame, label, Some(&source.name()))?;
    Ok(Some(source.with_rows(selected)))
}

/// The columns of the data that are read for fitting, predicting and scoring, or select rows.
fn columns_read(config: &Config, inputs: &Inputs, schema: &Schema) -> Result<BTreeSet<String>> {
    let data = &config.data;
    let roles = [&data.label, &data.weight].into_iter().flatten().map(|key| key.name.clone());
    let condition = data.selection.condition.iter().flat_map(|(condition, _)| condition.columns());
    let selection =
        condition.map(str::to_owned).chain(data.selection.drop_nulls.iter().map(|(name, _)| name.clone()));
    let mut read: BTreeSet<String> = roles.chain(selection).chain(inputs.features.iter().cloned()).collect();
    let of_pipeline = |pipeline: &Pipeline| {
        let pipeline: &dyn DynEstimator = pipeline;
        let roles = ColumnRole::ALL.into_iter().filter(|role| !role.is_appended());
        roles.flat_map(|role| pipeline.columns_of(role)).collect::<Vec<_>>()
    };
    let pipelines = build::pipelines(config)?;
    for (pipeline, config) in pipelines.iter().zip(&config.pipelines) {
        read.extend(of_pipeline(pipeline));
        for (key, axis) in config.grids.iter().flat_map(|grid| &grid.axes) {
            for value in axis.values().iter().filter(|value| !texts_in(value).is_empty()) {
                let mut other = pipeline.clone();
                // The parameter of a stage that the grid exchanges is checked with the candidate.
                if DynEstimator::set_value(&mut other, &key.name, value).is_ok() {
                    read.extend(of_pipeline(&other));
                }
            }
        }
    }
    let (first, others) = build::evaluators(config, &pipelines)?;
    for evaluator in std::iter::once(&first).chain(&others) {
        let roles = ColumnRole::ALL.into_iter().filter(|role| !role.is_appended());
        read.extend(roles.flat_map(|role| evaluator.columns_of(role)));
    }
    read.retain(|name| schema.field(name).is_some());
    Ok(read)
}

/// Checks that the test rows have a column, of the type that it has in the data.
fn same_column(field: &Field, test: &Schema, source: &DataSource, data: &DataSource) -> Result<()> {
    let (name, expected) = (field.name(), field.column_type());
    let Some(found) = test.field(name).map(Field::column_type) else {
        let near = closest(name, test.names());
        let near = near.map(|near| format!(", did you mean `{near}`?")).unwrap_or_default();
        bail!("{}: the test rows have no column `{name}`, which the search reads{near}", source.name());
    };
    let is_number = |of: ColumnType| matches!(of, ColumnType::I64 | ColumnType::F64);
    if found == expected || is_number(found) && is_number(expected) {
        return Ok(());
    }
    let why = source.text_among_numbers(name).map(|why| format!(" ({why})")).unwrap_or_default();
    bail!(
        "{}: column `{name}` of the test rows is {found}, expected {expected}, as in {}{why}",
        source.name(),
        data.name()
    )
}

/// Checks what fits and metrics would stumble over after the search.
pub(super) fn check(config: &Config, inputs: &Inputs, source: &DataSource) -> Result<()> {
    let frame = source.scan()?;
    let data = &config.data;
    let pipelines = build::pipelines(config)?;
    let (first, others) = build::evaluators(config, &pipelines)?;
    let labels = std::iter::once(&first).chain(&others).flat_map(|one| one.columns_of(ColumnRole::Label));
    let labels: BTreeSet<String> = labels.chain(data.label.iter().map(|label| label.name.clone())).collect();
    for label in labels.iter().filter(|label| frame.schema().field(label).is_some()) {
        check_values(source, &frame, label, MISSING_LABEL)?;
    }
    if let Some(weight) = &data.weight {
        let advice = format!("drop such rows with `drop_nulls = [{:?}]` under [data]", weight.name);
        check_values(source, &frame, &weight.name, &advice)?;
    }
    inputs.assemble(&frame, source, MISSING_VALUE).map(drop)
}
