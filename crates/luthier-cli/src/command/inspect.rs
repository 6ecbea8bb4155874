//! `luthier inspect`

use anyhow::Result;
use luthier::core::{DynModel, json as documents};
use luthier::report::{Align, table};
use serde_json::{Map, Value as Json, json};

use super::feature_names::FeatureNames;
use crate::args::InspectArgs;
use crate::data::Inputs;
use crate::model_file::{self, ModelFile};
use crate::output::print;
use crate::remarks;

/// Lines of a table, and columns of a matrix, that are shown; `--json` has all.
const LINES: usize = 50;
const COLUMNS: usize = 8;

pub(crate) fn run(args: &InspectArgs) -> Result<()> {
    let file = model_file::load(&args.model)?;
    print(&if args.json {
        format!("{}\n", documents::to_string_pretty(&to_json(&file)?))
    } else {
        to_text(&file)?
    })
}

fn to_json(file: &ModelFile) -> Result<Json> {
    let stage = |(name, model): (&str, &std::sync::Arc<dyn DynModel>)| -> Result<Json> {
        let params = model.values().into_iter().map(|(name, value)| (name.to_owned(), value.to_json()));
        Ok(json!({
            "name": name,
            "type": model.type_name(),
            "params": params.collect::<Map<_, _>>(),
            "state": model.state()?,
        }))
    };
    let inputs = file.inputs.as_ref().map(Inputs::to_json).transpose()?;
    Ok(json!({
        "type": "pipeline",
        "stages": file.pipeline.stages().map(stage).collect::<Result<Vec<_>>>()?,
        "inputs": inputs,
    }))
}

fn to_text(file: &ModelFile) -> Result<String> {
    let mut text = String::new();
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
        text.push('\n');
    }
    let mut names = FeatureNames::of(file.inputs.as_ref());
    for (name, model) in file.pipeline.leaves() {
        let values = model.values();
        text.push_str(&format!("stage {name} ({})\n", model.type_name()));
        let params = values.iter().map(|(name, value)| vec![(*name).to_owned(), value.to_string()]);
        let columns = [("parameter", Align::Left), ("value", Align::Left)];
        text.push_str(&indented(&table(&columns, &params.collect::<Vec<_>>())));
        let features = names.in_front_of(model.as_ref());
        names.go_through(model.as_ref());
        let mut learned = Map::new();
        for (name, value) in model.state()?.as_object().into_iter().flatten() {
            match value {
                Json::Object(inner) => {
                    learned.extend(inner.iter().map(|(key, value)| (format!("{name}.{key}"), value.clone())));
                }
                // Parameters that the model keeps are shown above.
                value if values.iter().any(|(key, v)| key == name && v.to_json() == *value) => {}
                value => {
                    learned.insert(name.clone(), value.clone());
                }
            }
        }
        text.push_str(&indented(&state(&learned, features.as_deref())));
        if let Some(remark) = remarks::of_stage(model) {
            text.push_str(&format!("  note: it {remark}\n"));
        }
        text.push('\n');
    }
    Ok(text)
}

fn indented(text: &str) -> String {
    text.lines().map(|line| format!("  {line}\n")).collect()
}

/// Numbers one by one, then vectors of one length side by side, then matrices.
fn state(entries: &Map<String, Json>, features: Option<&[String]>) -> String {
    let mut text = String::new();
    let title = if features.is_some() { "feature" } else { "index" };
    // Each class has an intercept.
    let classes = entries.get("intercepts").and_then(Json::as_array).map(Vec::len);
    let is_vector = |items: &[Json]| !items.is_empty() && items.iter().all(is_scalar);
    let mut tables: Vec<(usize, &str)> = Vec::new();
    for (name, value) in entries {
        match value {
            Json::Array(items) if is_matrix(items) => {}
            Json::Array(items) if is_vector(items) => {
                let table = (items.len(), part(name));
                if !tables.contains(&table) {
                    tables.push(table);
                }
            }
            value => text.push_str(&format!("{name} = {}\n", cell(value))),
        }
    }
    for (length, of) in tables {
        let vectors = entries.iter().filter_map(|(name, value)| match value {
            Json::Array(items) if (items.len(), part(name)) == (length, of) && is_vector(items) => {
                Some((name.clone(), items))
            }
            _ => None,
        });
        let (header, vectors): (Vec<String>, Vec<_>) = vectors.unzip();
        let rows = (0..length).map(|row| vectors.iter().filter_map(|v| v.get(row)).map(cell).collect());
        // Of the stage itself; a part of its state, such as a summary, may be as long by chance.
        let by_feature = of.is_empty() && classes != Some(length);
        let lines = if by_feature { line_names(length, entries, features) } else { None };
        text.push_str(&numbered(title, &header, rows.collect(), lines.as_deref()));
    }
    for (name, value) in entries {
        let Json::Array(rows) = value else { continue };
        if is_matrix(rows) {
            let rows = by_feature(rows, features, classes);
            let width = rows.iter().map(Vec::len).max().unwrap_or(0);
            let labels =
                entries.get("labels").and_then(Json::as_array).filter(|labels| labels.len() == width);
            let class = |column: usize| match labels.and_then(|labels| labels.get(column)) {
                Some(label) => cell(label),
                None => format!("[{column}]"),
            };
            let header: Vec<String> = (0..width.min(COLUMNS)).map(class).collect();
            let shown = rows.iter().map(|row| row.iter().take(COLUMNS).map(|value| cell(value)).collect());
            let more = if width > COLUMNS { format!(", the first {COLUMNS} columns") } else { String::new() };
            text.push_str(&format!("{name}: {} x {width}{more}\n", rows.len()));
            text.push_str(&numbered(title, &header, shown.collect(), features));
        }
    }
    text
}

/// The lines of a matrix: features, also where they are its columns, as in coefficients of several classes.
fn by_feature<'a>(
    rows: &'a [Json],
    features: Option<&[String]>,
    classes: Option<usize>,
) -> Vec<Vec<&'a Json>> {
    let rows: Vec<Vec<&Json>> =
        rows.iter().filter_map(Json::as_array).map(|row| row.iter().collect()).collect();
    let across = |features: &[String]| {
        let are_classes = rows.len() != features.len() || classes == Some(rows.len());
        are_classes && rows.iter().all(|row| row.len() == features.len())
    };
    match features.filter(|features| across(features)) {
        Some(features) => {
            (0..features.len()).map(|j| rows.iter().filter_map(|row| row.get(j).copied()).collect()).collect()
        }
        None => rows,
    }
}

/// The part of the state that an entry is in: `summary` of `summary.r2`; empty for the state itself.
fn part(name: &str) -> &str {
    name.split_once('.').map_or("", |(part, _)| part)
}

/// Names of a vector's values: the features, or numbers, and behind them the intercept where there is one value more
/// than coefficients, as standard errors have it.
fn line_names(
    length: usize,
    entries: &Map<String, Json>,
    features: Option<&[String]>,
) -> Option<Vec<String>> {
    let coefficients = entries.get("coefficients").and_then(Json::as_array).map(Vec::len);
    if coefficients.is_none_or(|n| n + 1 != length) || !entries.contains_key("intercept") {
        return features.map(<[String]>::to_vec);
    }
    let mut names = match features {
        Some(features) => features.to_vec(),
        None => (0..length - 1).map(|index| index.to_string()).collect(),
    };
    names.push("intercept".to_owned());
    Some(names)
}

/// A table whose lines are named where there are as many names, else numbered.
fn numbered(title: &str, header: &[String], mut rows: Vec<Vec<String>>, names: Option<&[String]>) -> String {
    let names = names.filter(|names| names.len() == rows.len());
    let left_out = rows.len().saturating_sub(LINES);
    rows.truncate(LINES);
    for (index, row) in rows.iter_mut().enumerate() {
        let name = names.and_then(|names| names.get(index)).cloned().unwrap_or_else(|| index.to_string());
        row.insert(0, name);
    }
    let mut columns = vec![(if names.is_some() { title } else { "index" }, Align::Left)];
    columns.extend(header.iter().map(|name| (name.as_str(), Align::Right)));
    let mut text = table(&columns, &rows);
    if left_out > 0 {
        text.push_str(&format!("… {left_out} more\n"));
    }
    text
}

fn is_matrix(items: &[Json]) -> bool {
    !items.is_empty() && items.iter().all(|row| row.as_array().is_some_and(|row| row.iter().all(is_scalar)))
}

fn is_scalar(value: &Json) -> bool {
    !value.is_array() && !value.is_object()
}

/// Six digits are for reading; `--json` has all.
fn cell(value: &Json) -> String {
    match value {
        Json::String(text) => text.clone(),
        Json::Null => "none".to_owned(),
        Json::Number(number) => match number.as_f64().filter(|_| number.is_f64()) {
            Some(x) if x != 0.0 && !(1e-4..1e9).contains(&x.abs()) => format!("{x:.5e}"),
            Some(x) => {
                let whole = if x == 0.0 { 1.0 } else { x.abs().log10().floor() + 1.0 };
                format!("{x:.*}", (6.0 - whole).clamp(1.0, 9.0) as usize)
            }
            None => number.to_string(),
        },
        other => other.to_string(),
    }
}
