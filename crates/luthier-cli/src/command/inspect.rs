//! `luthier inspect`

use anyhow::Result;
use luthier::core::{AxisLabels, Description, DynModel, Matrix, Value, json as documents};
use luthier::report::{Align, table, table_within};
use serde_json::{Map, Value as Json, json};

use super::feature_names::FeatureNames;
use crate::args::InspectArgs;
use crate::model_file::{self, ModelFile};
use crate::output::{line_width, print};
use crate::prepare::Inputs;

/// The largest number of lines of a table, and of columns of a matrix, that are shown; `--json` shows all.
const LINES: usize = 50;
const COLUMNS: usize = 8;

pub(crate) fn run(args: &InspectArgs) -> Result<()> {
    let file = model_file::load(&args.model)?;
    print(&if args.json {
        format!("{}\n", documents::to_string_pretty(&to_json(&file)?)?)
    } else {
        to_text(&file)?
    })
}

fn to_json(file: &ModelFile) -> Result<Json> {
    let mut names = FeatureNames::of(file);
    let stage = |(name, model): (&str, &std::sync::Arc<dyn DynModel>)| -> Result<Json> {
        let params = model.values().into_iter().map(|(name, value)| (name.to_owned(), value.to_json()));
        let description = names.describe(model.as_ref()).to_json(&|column| names.of_column(column));
        names.go_through(name, model.as_ref());
        Ok(json!({
            "name": name,
            "type": model.type_name(),
            "params": params.collect::<Map<_, _>>(),
            "state": model.state()?,
            "description": description,
        }))
    };
    let inputs = file.inputs.as_ref().map(Inputs::to_json).transpose()?;
    let mut document = json!({
        "type": "pipeline",
        "stages": file.pipeline.stages().map(stage).collect::<Result<Vec<_>>>()?,
        "inputs": inputs,
        "evaluators": documents::to_value(&file.evaluators)?,
        "reading": documents::to_value(&file.reading)?,
    });
    if let Some(name) = &file.name {
        document["name"] = name.as_str().into();
    }
    Ok(document)
}

fn to_text(file: &ModelFile) -> Result<String> {
    let mut text = file.name.as_ref().map(|name| format!("pipeline: {name}\n")).unwrap_or_default();
    if let Some(inputs) = &file.inputs {
        if !inputs.features.is_empty() {
            text.push_str(&format!("{} features: {}\n", inputs.num_features, inputs.features.join(", ")));
        }
        let roles = [("label", &inputs.label), ("weight", &inputs.weight), ("fold", &inputs.fold)];
        for (role, column) in roles {
            if let Some(column) = column {
                text.push_str(&format!("{role}: {column}\n"));
            }
        }
        let read = file.reading.reading.settings()?;
        if !read.is_empty() {
            text.push_str(&format!("data read with {}\n", read.join(", ")));
        }
        for evaluator in &file.evaluators {
            let params: String =
                evaluator.params().map(|(name, value)| format!(", {name} = {value}")).collect();
            text.push_str(&format!("evaluator: {}{params}\n", evaluator.type_name));
        }
        text.push('\n');
    }
    text.push_str(&drawing(file));
    let mut names = FeatureNames::of(file);
    for (name, model) in file.pipeline.parts() {
        let values = model.values();
        text.push_str(&format!("stage {name} ({})\n", model.type_name()));
        let params = values.iter().map(|(name, value)| vec![(*name).to_owned(), value.to_string()]);
        let columns = [("parameter", Align::Left), ("value", Align::Left)];
        let width = line_width().saturating_sub(2);
        text.push_str(&indented(&table_within(&columns, &params.collect::<Vec<_>>(), width)));
        let said = Some(names.describe(model.as_ref())).filter(|description| !description.is_empty());
        let description = match said {
            Some(description) => description,
            None => of_state(model.as_ref())?,
        };
        text.push_str(&indented(&described(&description, &|column| names.of_column(column))));
        names.go_through(&name, model.as_ref());
        text.push('\n');
    }
    Ok(text)
}

/// The pipeline from top to bottom: each stage with the columns that it reads and those that it makes, with their widths.
fn drawing(file: &ModelFile) -> String {
    let mut names = FeatureNames::of(file);
    let mut rows = Vec::new();
    for (name, model) in file.pipeline.parts() {
        let inputs: Vec<String> =
            model.transformer().inputs().iter().map(|column| names.with_width(column)).collect();
        let makes = names.go_through(&name, model.as_ref());
        let makes: Vec<String> = makes.iter().map(|column| names.with_width(column)).collect();
        let flow = match makes.is_empty() {
            true => inputs.join(", "),
            false => format!("{} → {}", inputs.join(", "), makes.join(", ")),
        };
        rows.push(vec![name, model.type_name().to_owned(), flow]);
    }
    let columns = [("stage", Align::Left), ("type", Align::Left), ("columns", Align::Left)];
    let width = line_width().saturating_sub(2);
    let text = table_within(&columns, &rows, width);
    // The lines of the header have no mark.
    let mut stages = rows.iter().map(|row| row[0].as_str()).peekable();
    let lines = text.lines().enumerate().map(|(place, line)| {
        let starts = place > 1 && stages.next_if(|stage| line.starts_with(*stage)).is_some();
        let mark = if place < 2 {
            " "
        } else if starts {
            "▼"
        } else {
            "│"
        };
        format!("{mark} {line}\n")
    });
    format!("{}\n", lines.collect::<String>())
}

fn indented(text: &str) -> String {
    text.lines().map(|line| format!("  {line}\n")).collect()
}

/// A description of the state of a model that has no description of its own: single values, and the lengths of lists.
fn of_state(model: &dyn DynModel) -> Result<Description> {
    let values = model.values();
    let state = model.state()?;
    let learned = state
        .as_object()
        .into_iter()
        .flatten()
        .filter(|(name, value)| !values.iter().any(|(key, v)| key == name && v.to_json() == **value));
    Ok(learned.fold(Description::new(), |said, (name, value)| match value {
        Json::Array(items) => said.fact(name, format!("a list of {}", items.len())),
        Json::Object(entries) => said.fact(name, format!("a table of {}", entries.len())),
        value => said.fact(name, Value::from_json(value)),
    }))
}

type Names<'a> = &'a dyn Fn(&str) -> Option<Vec<String>>;

/// Facts one by one, then vectors of one axis side by side, then matrices, then notes.
fn described(description: &Description, names: Names<'_>) -> String {
    let mut text: String =
        description.facts().iter().map(|(name, value)| format!("{name} = {}\n", cell(value))).collect();
    let mut tables: Vec<(&AxisLabels, usize)> = Vec::new();
    for vector in description.vectors() {
        let of = (&vector.axis, vector.values.len());
        if !tables.contains(&of) {
            tables.push(of);
        }
    }
    for (axis, len) in tables {
        let vectors = description.vectors().iter().filter(|v| (&v.axis, v.values.len()) == (axis, len));
        let vectors: Vec<_> = vectors.collect();
        let header: Vec<String> = vectors.iter().map(|vector| vector.name.clone()).collect();
        let row = |i: usize| vectors.iter().filter_map(|v| v.values.get(i)).map(|x| number(*x)).collect();
        text.push_str(&lines(axis, &header, (0..len).map(row).collect(), names));
    }
    for matrix in description.matrices() {
        text.push_str(&matrix_lines(matrix, names));
    }
    for note in description.notes() {
        text.push_str(&format!("note: {note}\n"));
    }
    text
}

fn matrix_lines(matrix: &Matrix, names: Names<'_>) -> String {
    let (height, width) = matrix.values.dim();
    let mut header = matrix.columns.names(width, names);
    header.truncate(COLUMNS);
    let more = if width > COLUMNS { format!(", the first {COLUMNS} columns") } else { String::new() };
    let rows = matrix.values.outer_iter();
    let rows = rows.map(|row| row.iter().take(COLUMNS).map(|x| number(*x)).collect()).collect();
    format!("{}: {height} x {width}{more}\n{}", matrix.name, lines(&matrix.rows, &header, rows, names))
}

/// A table with one line per entry of an axis.
fn lines(axis: &AxisLabels, header: &[String], mut rows: Vec<Vec<String>>, names: Names<'_>) -> String {
    let left_out = rows.len().saturating_sub(LINES);
    let of_lines = axis.names(rows.len(), names);
    rows.truncate(LINES);
    for (row, name) in rows.iter_mut().zip(of_lines) {
        row.insert(0, name);
    }
    let mut columns = vec![(axis.of(), Align::Left)];
    columns.extend(header.iter().map(|name| (name.as_str(), Align::Right)));
    let mut text = table(&columns, &rows);
    if left_out > 0 {
        text.push_str(&format!("… {left_out} more\n"));
    }
    text
}

fn cell(value: &Value) -> String {
    match value {
        Value::Null => "none".to_owned(),
        Value::Float(x) => number(*x),
        other => other.to_string(),
    }
}

/// Six digits, for reading; `--json` has all.
fn number(x: f64) -> String {
    if !x.is_finite() {
        return Value::Float(x).to_string();
    }
    if x != 0.0 && !(1e-4..1e9).contains(&x.abs()) {
        return format!("{x:.5e}");
    }
    let whole = if x == 0.0 { 1.0 } else { x.abs().log10().floor() + 1.0 };
    // -0 is shown as 0.
    format!("{:.*}", (6.0 - whole).clamp(1.0, 9.0) as usize, x + 0.0)
}
