//! `luthier evaluate`

use std::path::Path;

use anyhow::{Context, Result, bail};
use luthier::core::registry::{self, EvaluatorEntry};
use luthier::core::{ColumnRole, Dataset, DynEvaluator, Value, evaluate_all};
use luthier::frame::{ColumnType, DataFrame, Field, Schema};
use luthier::report::{Align, table};
use luthier::stages::{BinaryCurve, BinaryScoresSpec, CalibrationCurve, CalibrationSpec};

use crate::args::EvaluateArgs;
use crate::data::write;
use crate::model_file::{self, ModelFile, Shown, left_out};
use crate::output::{make_folder, print};

/// Bins of the calibration curve.
const CALIBRATION_BINS: usize = 10;

/// The evaluator whose curves can be written.
const BINARY: &str = "binary_classification";

pub(crate) fn run(args: &EvaluateArgs) -> Result<()> {
    let model = model_file::load(&args.model)?;
    let source = model.source(&args.data, args.read.reading());
    let Shown { rows: predicted, read, .. } = model.show(&source)?;
    let name = args.evaluator.as_deref().unwrap_or_else(|| suited(&model, predicted.schema()));
    if args.curves.is_some() && name != BINARY {
        bail!("--curves: there are curves of two classes alone, by the evaluator {BINARY}, not by {name}");
    }
    let entry = registry::find::<EvaluatorEntry>(name).context("--evaluator")?;
    let label = args.label.clone().or_else(|| fitted_to(&model));
    let evaluators = evaluators(args, &entry, |role| match role {
        ColumnRole::Label => label.clone(),
        // What the last stage that predicts appends, whatever it calls it.
        role if role.is_appended() => last(&model, role),
        _ => None,
    })?;
    let in_file = |e: luthier::core::Error| source.locate(anyhow::Error::from(e).context(source.name()));
    if let Some(label) =
        evaluators.first().and_then(|evaluator| column(evaluator.as_ref(), ColumnRole::Label))
    {
        let schema = predicted.schema();
        schema.require(&label).with_context(|| no_labels(args, &model, schema, &label))?;
    }
    for evaluator in &evaluators {
        evaluator.check_schema(predicted.schema()).map_err(in_file)?;
    }
    let values = evaluate_all(&evaluators, std::slice::from_ref(&predicted));
    let rows = evaluators.iter().zip(values.into_iter().flatten()).map(|(evaluator, value)| {
        let value = value.map_err(in_file)?;
        let better = if evaluator.is_larger_better() { "larger" } else { "smaller" };
        Ok(vec![evaluator.metric(), value.to_string(), better.to_owned()])
    });
    let columns = [("metric", Align::Left), ("value", Align::Right), ("better", Align::Left)];
    let mut text = table(&columns, &rows.collect::<Result<Vec<_>>>()?);
    let rows = left(&predicted).map_err(in_file)?;
    text.push_str(&format!("\n{rows} rows of {}{}\n", source.name(), left_out(rows, read)));
    if let (Some(folder), Some(evaluator)) = (&args.curves, evaluators.first()) {
        write_curves(folder, evaluator.as_ref(), &predicted).map_err(|e| source.locate(e))?;
        let files = "roc.csv, pr.csv, thresholds.csv and calibration.csv";
        text.push_str(&format!("wrote {files} to {}\n", folder.display()));
    }
    print(&text)
}

/// How many rows the stages leave.
fn left(predicted: &Dataset) -> luthier::core::Result<usize> {
    if !predicted.drops_rows() {
        return Ok(predicted.num_rows());
    }
    let mut rows = 0;
    predicted.for_each_tile(&[], |tile| {
        rows += tile.len();
        Ok(())
    })?;
    Ok(rows)
}

/// The labels that the model was fitted to: those of its last stage that has some, else those of the configuration.
fn fitted_to(model: &ModelFile) -> Option<String> {
    last(model, ColumnRole::Label).or_else(|| model.inputs.as_ref()?.label.clone())
}

/// The column of a role of the last stage that has one.
fn last(model: &ModelFile, role: ColumnRole) -> Option<String> {
    model.pipeline.leaves().into_iter().rev().find_map(|(_, stage)| stage.columns_of(role).into_iter().next())
}

/// What to say where the rows have no labels. Those may be made of another column.
fn no_labels(args: &EvaluateArgs, model: &ModelFile, there: &Schema, label: &str) -> String {
    let made_of = model.inputs.as_ref().and_then(|inputs| inputs.label.as_deref());
    let made_of = made_of.filter(|made_of| *made_of != label && there.field(made_of).is_none());
    let advice = match made_of.filter(|_| args.label.is_none()) {
        Some(made_of) => format!("there is no column `{made_of}`"),
        None => "name the column by --label".to_owned(),
    };
    format!("{}: rows are scored against their labels: {advice}", args.data.display())
}

/// The evaluator for what a model appends: probabilities are those of two classes or more.
fn suited(model: &ModelFile, predicted: &Schema) -> &'static str {
    let probability = last(model, ColumnRole::Probability);
    match probability.and_then(|column| predicted.field(&column)).map(Field::column_type) {
        Some(ColumnType::Vector { width: 2 }) => BINARY,
        Some(ColumnType::Vector { .. }) => "multiclass_classification",
        _ => "regression",
    }
}

/// The evaluator with each metric that was asked for, or with each that it knows.
fn evaluators(
    args: &EvaluateArgs,
    entry: &EvaluatorEntry,
    columns: impl Fn(ColumnRole) -> Option<String>,
) -> Result<Vec<Box<dyn DynEvaluator>>> {
    let mut evaluator = entry.create();
    let infos = (entry.params)();
    for info in infos {
        if let Some(column) = info.column.and_then(&columns) {
            evaluator.set_value(info.name, &Value::from(column))?;
        }
    }
    for setting in &args.set {
        let Some((name, value)) = setting.split_once('=') else {
            bail!("--set {setting}: expected NAME=VALUE, such as weight_col=weight");
        };
        evaluator.set_value(name, &value_of(value)).with_context(|| format!("--set {setting}"))?;
    }
    let metrics: Vec<String> = match infos.iter().find(|info| info.name == "metric") {
        Some(_) if !args.metric.is_empty() => args.metric.clone(),
        Some(info) => (info.choices)().iter().map(|name| (*name).to_owned()).collect(),
        None if !args.metric.is_empty() => bail!("--metric: `{}` has one metric alone", entry.name),
        None => return Ok(vec![evaluator]),
    };
    let with = |metric: &String| {
        let mut evaluator = evaluator.clone();
        evaluator.set_value("metric", &Value::from(metric.as_str())).context("--metric")?;
        Ok(evaluator)
    };
    metrics.iter().map(with).collect()
}

/// A value as in a configuration, where texts need no quotes.
fn value_of(text: &str) -> Value {
    let document = toml::from_str::<toml::Table>(&format!("value = {text}")).ok();
    let value = document.and_then(|table| table.get("value").map(|value| serde_json::to_value(value).ok()));
    value.flatten().map_or_else(|| Value::from(text), |json| Value::from_json(&json))
}

/// The column of a role that an evaluator reads.
fn column(evaluator: &dyn DynEvaluator, role: ColumnRole) -> Option<String> {
    evaluator.columns_of(role).into_iter().next()
}

fn write_curves(folder: &Path, evaluator: &dyn DynEvaluator, data: &Dataset) -> Result<()> {
    make_folder(folder)?;
    let of = |role| evaluator.columns_of(role).into_iter().next();
    let required = |role| of(role).with_context(|| format!("`{BINARY}` has no {role} column"));
    let (label_col, weight_col) = (required(ColumnRole::Label)?, of(ColumnRole::Weight));
    let probability_col = required(ColumnRole::Probability)?;
    let spec = BinaryScoresSpec {
        label_col: label_col.clone(),
        score_col: probability_col.clone(),
        weight_col: weight_col.clone(),
    };
    let curve = BinaryCurve::of(data, &spec)?;
    write(&points(["false_positive_rate", "true_positive_rate"], curve.roc())?, &folder.join("roc.csv"))?;
    write(&points(["recall", "precision"], curve.pr())?, &folder.join("pr.csv"))?;
    write(&curve.to_frame()?, &folder.join("thresholds.csv"))?;
    let spec = CalibrationSpec { label_col, probability_col, weight_col, num_bins: CALIBRATION_BINS };
    write(&CalibrationCurve::of(data, &spec)?.to_frame()?, &folder.join("calibration.csv"))
}

fn points(names: [&str; 2], points: Vec<(f64, f64)>) -> Result<DataFrame> {
    use luthier::frame::Column;
    let (x, y): (Vec<f64>, Vec<f64>) = points.into_iter().unzip();
    Ok(DataFrame::from_columns(vec![(names[0], Column::f64(x)), (names[1], Column::f64(y))])?)
}
