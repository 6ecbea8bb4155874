//! `luthier evaluate`

use std::collections::HashSet;
use std::path::Path;

use anyhow::{Context, Result, bail};
use luthier::core::params::closest;
use luthier::core::registry::{self, EvaluatorEntry};
use luthier::core::{ColumnRole, Dataset, DynEvaluator, Error, Value};
use luthier::frame::{ColumnType, DataFrame, Field, Schema};
use luthier::report::{Align, table};
use luthier::stages::{BinaryCurve, BinaryScoresSpec, CalibrationCurve, CalibrationSpec};

use super::class_report;
use crate::args::EvaluateArgs;
use crate::data::{DataSource, MissingLabel, write};
use crate::failure;
use crate::model_file::{self, ModelFile, SavedEvaluator, Taken, left_out};
use crate::output::{make_folder, note, print};
use crate::paths::Paths;
use crate::scores::{Score, left, score};

/// Bins of the calibration curve.
const CALIBRATION_BINS: usize = 10;

/// The evaluator whose curves can be written.
const BINARY: &str = "binary_classification";

/// The evaluator whose classes are reported one by one.
const MULTICLASS: &str = "multiclass_classification";

/// The files of curves.
const CURVES: [&str; 4] = ["roc.csv", "pr.csv", "thresholds.csv", "calibration.csv"];

pub(crate) fn run(args: &EvaluateArgs) -> Result<()> {
    let model = model_file::load(&args.model)?;
    let source = labelled(args, &model, model.source(&args.data, args.read.reading()))?;
    let shown = model.show(&source, Taken::LeftOut)?;
    let (predicted, read) = (shown.rows.clone(), shown.read);
    let names = match &args.evaluator {
        Some(name) => vec![name.as_str()],
        None => {
            let of_model = model.evaluators.iter().map(|evaluator| evaluator.type_name.as_str());
            let mut seen = HashSet::new();
            let all = of_model.chain(suited(&model, predicted.schema()));
            all.filter(|name| seen.insert(*name)).collect()
        }
    };
    if args.curves.is_some() && !names.contains(&BINARY) {
        bail!(
            "--curves: curves are defined for two classes only, with the evaluator {BINARY}, not {}",
            names.join(", ")
        );
    }
    if let Some(folder) = &args.curves {
        let inputs = Paths::default().input("the model", &args.model).data(&args.data);
        inputs.outputs_in("--curves", folder, &CURVES)?;
    }
    let entries = names.into_iter().map(registry::find::<EvaluatorEntry>).collect::<Result<Vec<_>, _>>();
    let label = args.label.clone().or_else(|| fitted_to(&model));
    let weight = fitted_with(&model).filter(|weight| {
        predicted.schema().field(weight).is_some() || {
            note(&format!(
                "the model was fitted with the weights in `{weight}`, a column that {} does not have: every row has weight 1",
                args.data.display()
            ));
            false
        }
    });
    let evaluators =
        evaluators(args, &model.evaluators, predicted.schema(), &entries.context("--evaluator")?, |role| {
            match role {
                ColumnRole::Label => label.clone(),
                ColumnRole::Weight => weight.clone(),
                // The columns that the last predicting stage appends, whatever their names.
                role if role.is_appended() => last(&model, role),
                _ => None,
            }
        })?;
    let labels: Vec<String> =
        label.iter().cloned().chain(model.inputs.as_ref().and_then(|inputs| inputs.label.clone())).collect();
    let in_file =
        |e: Error| bad_label(&e, &labels, &source).unwrap_or_else(|| shown.in_file(e, &model, &source));
    if let Some(label) =
        evaluators.first().and_then(|evaluator| column(evaluator.as_ref(), ColumnRole::Label))
    {
        let schema = predicted.schema();
        if schema.field(&label).is_none() {
            bail!("{}", no_labels(args, &model, schema, &label));
        }
    }
    let data = predicted;
    let mut text = scores_table(score(&evaluators, &data), &in_file)?;
    if args.metric.is_empty() {
        let of_classes = evaluators.iter().find(|evaluator| evaluator.type_name() == MULTICLASS);
        if let Some(confusion) = of_classes.and_then(|evaluator| class_report::of(evaluator.as_ref(), &data))
        {
            text.push_str(&confusion);
        }
    }
    let rows = left(&data).map_err(in_file)?;
    shown.note_remarks(&source);
    text.push_str(&format!("\n{rows} rows of {}{}\n", source.name(), left_out(rows, read)));
    let binary = evaluators.iter().find(|evaluator| evaluator.type_name() == BINARY);
    if let (Some(folder), Some(evaluator)) = (&args.curves, binary) {
        write_curves(folder, evaluator.as_ref(), &data).map_err(|e| source.locate(e))?;
        let files = "roc.csv, pr.csv, thresholds.csv and calibration.csv";
        text.push_str(&format!("wrote {files} to {}\n", folder.display()));
    }
    print(&text)
}

/// The metrics in a table, followed by the reasons why some are missing.
///
/// # Errors
/// The first error, if there is no metric at all.
fn scores_table(scores: Vec<Score>, in_file: &dyn Fn(Error) -> anyhow::Error) -> Result<String> {
    let all_failed = scores.iter().all(|score| score.value.is_err());
    let (mut rows, mut reasons, mut notes) = (Vec::new(), Vec::<(String, Vec<String>)>::new(), Vec::new());
    for Score { metric, larger_is_better, value, notes: told } in scores {
        let better = if larger_is_better { "larger" } else { "smaller" };
        let shown = match value {
            // -0 is shown as 0.
            Ok(value) => (value + 0.0).to_string(),
            Err(error) => {
                let error = in_file(error);
                if all_failed {
                    return Err(error);
                }
                let reason = failure::message(&error);
                match reasons.iter_mut().find(|(other, _)| *other == reason) {
                    Some((_, metrics)) => metrics.push(metric.clone()),
                    None => reasons.push((reason, vec![metric.clone()])),
                }
                "missing".to_owned()
            }
        };
        rows.push(vec![metric, shown, better.to_owned()]);
        for note in told {
            if !notes.contains(&note.message) {
                notes.push(note.message);
            }
        }
    }
    let columns = [("metric", Align::Left), ("value", Align::Right), ("better", Align::Left)];
    let mut text = table(&columns, &rows);
    notes.extend(reasons.into_iter().map(|(reason, metrics)| format!("{}: {reason}", metrics.join(", "))));
    for (i, note) in notes.iter().enumerate() {
        text.push_str(&format!("{}note: {note}\n", if i == 0 { "\n" } else { "" }));
    }
    Ok(text)
}

/// The rows that have a label, if the others are to be dropped; otherwise all rows: the evaluators report missing labels.
fn labelled(args: &EvaluateArgs, model: &ModelFile, source: DataSource) -> Result<DataSource> {
    let inputs = model.inputs.as_ref();
    let label = args.label.clone().or_else(|| inputs?.label.clone());
    let missing = args.missing_label.or_else(|| Some(inputs?.missing_label)).unwrap_or_default();
    let frame = source.scan()?;
    let Some(label) = label.filter(|label| frame.schema().field(label).is_some()) else { return Ok(source) };
    if missing == MissingLabel::Drop {
        return Ok(source.with_rows(missing.apply(frame, &label, None)?));
    }
    Ok(source)
}

/// The error for a label that is missing or not finite, with advice.
fn bad_label(error: &Error, labels: &[String], source: &DataSource) -> Option<anyhow::Error> {
    let (column, row) = (error.column()?, error.row()?);
    let found = match failure::found(error)? {
        "null" | "null or NaN" => None,
        found if found.parse().is_ok_and(|value: f64| !value.is_finite()) => Some(found),
        _ => return None,
    };
    let advice = "drop such rows with --missing-label drop";
    let is_label = labels.iter().any(|label| label == column);
    is_label.then(|| failure::unusable(&source.place_of(row), column, found, advice))
}

/// The label column on which the model was fitted: that of its last stage that has one, or that of the configuration.
fn fitted_to(model: &ModelFile) -> Option<String> {
    last(model, ColumnRole::Label).or_else(|| model.inputs.as_ref()?.label.clone())
}

/// The weights that the model was fitted with, likewise.
fn fitted_with(model: &ModelFile) -> Option<String> {
    last(model, ColumnRole::Weight).or_else(|| model.inputs.as_ref()?.weight.clone())
}

/// The column of a role of the last stage that has one.
fn last(model: &ModelFile, role: ColumnRole) -> Option<String> {
    model.pipeline.leaves().into_iter().rev().find_map(|(_, stage)| stage.columns_of(role).into_iter().next())
}

/// The message for rows without labels. The label column may be computed from another one.
fn no_labels(args: &EvaluateArgs, model: &ModelFile, there: &Schema, label: &str) -> String {
    let made_of = model.inputs.as_ref().and_then(|inputs| inputs.label.as_deref());
    let made_of = made_of.filter(|made_of| *made_of != label && there.field(made_of).is_none());
    let missing = made_of.filter(|_| args.label.is_none()).unwrap_or(label);
    let whose = if args.label.is_some() { "" } else { ", the label that the model was fitted to" };
    let near =
        closest(missing, there.names()).map(|near| format!(" (did you mean `{near}`?)")).unwrap_or_default();
    format!(
        "{}: the file has no column `{missing}`{near}{whose}: `luthier evaluate` needs the label of every row, in this column or in \
         another one that --label names; `luthier predict` needs none",
        args.data.display()
    )
}

/// The evaluators for what a model appends: probabilities are those of two classes or more.
fn suited(model: &ModelFile, predicted: &Schema) -> Vec<&'static str> {
    let probability = last(model, ColumnRole::Probability);
    match probability.and_then(|column| predicted.field(&column)).map(Field::column_type) {
        Some(ColumnType::Vector { width: 2 }) => vec![BINARY, MULTICLASS],
        Some(ColumnType::Vector { .. }) => vec![MULTICLASS],
        _ => vec!["regression"],
    }
}

/// The evaluators with each requested metric, or with all their metrics, that of the configuration first; a metric that
/// several know is computed by the first. Parameters that the command line does not give are those of the configuration.
fn evaluators(
    args: &EvaluateArgs,
    saved: &[SavedEvaluator],
    predicted: &Schema,
    entries: &[EvaluatorEntry],
    columns: impl Fn(ColumnRole) -> Option<String>,
) -> Result<Vec<Box<dyn DynEvaluator>>> {
    let takes = |entry: &EvaluatorEntry, name: &str| (entry.params)().iter().any(|info| info.name == name);
    let mut configured = Vec::new();
    for (place, entry) in entries.iter().enumerate() {
        let mut evaluator = entry.create();
        for info in (entry.params)() {
            if let Some(column) = info.column.and_then(&columns) {
                evaluator.set_value(info.name, &Value::from(column))?;
            }
        }
        let of_model = saved.iter().find(|saved| saved.type_name == entry.name);
        for (name, value) in of_model.into_iter().flat_map(SavedEvaluator::params) {
            let role = (entry.params)().iter().find(|info| info.name == name).and_then(|info| info.column);
            let is_there = |column: &Value| predicted.field(&column.to_string()).is_some();
            let applies = match role {
                Some(ColumnRole::Label) => args.label.is_none(),
                // Rows may come without weights.
                Some(ColumnRole::Weight) => is_there(&value),
                _ => true,
            };
            if !applies {
                continue;
            }
            evaluator.set_value(name, &value).context("`evaluators` of the model")?;
        }
        for setting in &args.set {
            let Some((name, value)) = setting.split_once('=') else {
                bail!("--set {setting}: expected NAME=VALUE, such as weight_col=weight");
            };
            // If none of them knows it, the first one reports it.
            let known = entries.iter().any(|entry| takes(entry, name));
            if takes(entry, name) || !known && place == 0 {
                let value = if value.is_empty() { Value::Null } else { value_of(value) };
                evaluator.set_value(name, &value).with_context(|| format!("--set {setting}"))?;
            }
        }
        configured.push((entry, evaluator));
    }
    let choices = |entry: &EvaluatorEntry| {
        let metric = (entry.params)().iter().find(|info| info.name == "metric");
        metric.map(|info| (info.choices)().iter().map(|name| (*name).to_owned()).collect::<Vec<_>>())
    };
    let with = |evaluator: &dyn DynEvaluator, metric: &str| {
        let mut evaluator = evaluator.clone_box();
        evaluator.set_value("metric", &Value::from(metric)).context("--metric")?;
        Ok(evaluator)
    };
    if !args.metric.is_empty() {
        let one = |metric: &String| {
            let knows =
                |entry: &EvaluatorEntry| choices(entry).is_some_and(|choices| choices.contains(metric));
            let found = configured.iter().find(|(entry, _)| knows(entry)).or(configured.last());
            match found {
                Some((entry, _)) if choices(entry).is_none() => {
                    bail!("--metric: `{}` has only one metric: leave the option out", entry.name)
                }
                Some((_, evaluator)) => with(evaluator.as_ref(), metric),
                None => bail!(
                    "--metric: no evaluator suits the columns that the model appends: name one with --evaluator"
                ),
            }
        };
        return args.metric.iter().map(one).collect();
    }
    let mut all: Vec<Box<dyn DynEvaluator>> = Vec::new();
    for (entry, evaluator) in &configured {
        let Some(choices) = choices(entry) else {
            all.push(evaluator.clone());
            continue;
        };
        for metric in choices {
            let one = with(evaluator.as_ref(), &metric)?;
            if !all.iter().any(|other| other.metric() == one.metric()) {
                all.push(one);
            }
        }
    }
    let decided =
        saved.first().and_then(|saved| configured.iter().find(|(entry, _)| entry.name == saved.type_name));
    if let Some((_, evaluator)) = decided {
        all.sort_by_key(|other| other.metric() != evaluator.metric());
    }
    Ok(all)
}

/// A value as in a configuration, except that strings need no quotes.
fn value_of(text: &str) -> Value {
    let document = toml::from_str::<toml::Table>(&format!("value = {text}")).ok();
    let value = document.and_then(|table| table.get("value").map(|value| serde_json::to_value(value).ok()));
    value.flatten().map_or_else(|| Value::from(text), |json| Value::from_json(&json))
}

/// The column of a role that an evaluator reads.
pub(super) fn column(evaluator: &dyn DynEvaluator, role: ColumnRole) -> Option<String> {
    evaluator.columns_of(role).into_iter().next()
}

fn write_curves(folder: &Path, evaluator: &dyn DynEvaluator, data: &Dataset) -> Result<()> {
    make_folder(folder)?;
    let of = |role| column(evaluator, role);
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
