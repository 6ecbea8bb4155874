//! `luthier inspect`

use anyhow::Result;
use luthier::core::{DynModel, Value};
use luthier::report::{Align, table};
use serde_json::{Map, Value as Json, json};

use crate::args::InspectArgs;
use crate::data::{FEATURES, Inputs};
use crate::model_file::{self, ModelFile};
use crate::output::print;

/// Lines of a table, and columns of a matrix, that are shown; `--json` has all.
const LINES: usize = 50;
const COLUMNS: usize = 8;

pub(crate) fn run(args: &InspectArgs) -> Result<()> {
    let file = model_file::load(&args.model)?;
    print(&if args.json { format!("{:#}\n", to_json(&file)?) } else { to_text(&file)? })
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
        text.push_str(&format!("{} features: {}\n", inputs.num_features, inputs.features.join(", ")));
        let roles = [("label", &inputs.label), ("weight", &inputs.weight), ("fold", &inputs.fold)];
        for (role, column) in roles {
            if let Some(column) = column {
                text.push_str(&format!("{role}: {column}\n"));
            }
        }
        text.push('\n');
    }
    for (index, (name, model)) in file.pipeline.stages().enumerate() {
        let values = model.values();
        text.push_str(&format!("stage {}: {name} ({})\n", index + 1, model.type_name()));
        let params = values.iter().map(|(name, value)| vec![format!("  {name}"), value.to_string()]);
        let columns = [("  parameter", Align::Left), ("value", Align::Left)];
        text.push_str(&table(&columns, &params.collect::<Vec<_>>()));
        // What a stage learned of another vector has no names of the file's columns.
        let reads_features = values.iter().any(|(_, value)| *value == Value::from(FEATURES));
        let names = file
            .inputs
            .as_ref()
            .filter(|inputs| reads_features && inputs.features.len() == inputs.num_features);
        text.push_str(&state(&model.state()?, names.map(|inputs| inputs.features.as_slice())));
        text.push('\n');
    }
    Ok(text)
}

/// Numbers one by one, then vectors of one length side by side, then matrices.
fn state(state: &Json, names: Option<&[String]>) -> String {
    let Some(entries) = state.as_object() else { return format!("  {state}\n") };
    let mut text = String::new();
    let mut lengths: Vec<usize> = Vec::new();
    for (name, value) in entries {
        match value {
            Json::Array(items) if is_matrix(items) => {}
            Json::Array(items) if items.iter().all(is_scalar) && !items.is_empty() => {
                if !lengths.contains(&items.len()) {
                    lengths.push(items.len());
                }
            }
            value => text.push_str(&format!("  {name} = {}\n", cell(value))),
        }
    }
    for length in lengths {
        let vectors = entries.iter().filter_map(|(name, value)| match value {
            Json::Array(items)
                if items.len() == length && !is_matrix(items) && items.iter().all(is_scalar) =>
            {
                Some((name.as_str(), items))
            }
            _ => None,
        });
        let vectors: Vec<_> = vectors.collect();
        let header: Vec<String> = vectors.iter().map(|(name, _)| (*name).to_owned()).collect();
        let rows = (0..length).map(|row| vectors.iter().map(|(_, v)| cell(&v[row])).collect());
        text.push_str(&numbered(&header, rows.collect(), names));
    }
    for (name, value) in entries {
        let Json::Array(rows) = value else { continue };
        if is_matrix(rows) {
            let width = rows.iter().filter_map(Json::as_array).map(Vec::len).max().unwrap_or(0);
            let header: Vec<String> = (0..width.min(COLUMNS)).map(|column| format!("[{column}]")).collect();
            let row = |row: &Json| -> Vec<String> {
                row.as_array().into_iter().flatten().take(COLUMNS).map(cell).collect()
            };
            let more = if width > COLUMNS { format!(", the first {COLUMNS} columns") } else { String::new() };
            text.push_str(&format!("  {name}: {} x {width}{more}\n", rows.len()));
            text.push_str(&numbered(&header, rows.iter().map(row).collect(), names));
        }
    }
    text
}

/// A table whose lines are named by the features where there are as many, else numbered.
fn numbered(header: &[String], mut rows: Vec<Vec<String>>, names: Option<&[String]>) -> String {
    let names = names.filter(|names| names.len() == rows.len());
    let left_out = rows.len().saturating_sub(LINES);
    rows.truncate(LINES);
    for (index, row) in rows.iter_mut().enumerate() {
        let name = names.and_then(|names| names.get(index)).cloned().unwrap_or_else(|| index.to_string());
        row.insert(0, format!("  {name}"));
    }
    let mut columns = vec![(if names.is_some() { "  feature" } else { "  index" }, Align::Left)];
    columns.extend(header.iter().map(|name| (name.as_str(), Align::Right)));
    let mut text = table(&columns, &rows);
    if left_out > 0 {
        text.push_str(&format!("  … {left_out} more\n"));
    }
    text
}

fn is_matrix(items: &[Json]) -> bool {
    !items.is_empty() && items.iter().all(|row| row.as_array().is_some_and(|row| row.iter().all(is_scalar)))
}

fn is_scalar(value: &Json) -> bool {
    !value.is_array() && !value.is_object()
}

fn cell(value: &Json) -> String {
    match value {
        Json::String(text) => text.clone(),
        Json::Null => "none".to_owned(),
        other => other.to_string(),
    }
}
