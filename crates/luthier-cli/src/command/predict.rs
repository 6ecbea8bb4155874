//! `luthier predict`

use std::collections::HashSet;

use anyhow::{Context, Result};
use luthier::core::{ColumnRole, Error};
use luthier::frame::{Field, Schema};

use crate::args::PredictArgs;
use crate::data::{Format, is_broken_pipe, writable, writer};
use crate::failure;
use crate::model_file::{self, ModelFile, Shown, Taken, left_out};
use crate::output::{is_standard, note, print};
use crate::paths::Paths;

pub(crate) fn run(args: &PredictArgs) -> Result<()> {
    let format = writable(&args.out)?;
    Paths::default().input("the model", &args.model).data(&args.data).output("--out", &args.out)?;
    let model = model_file::load(&args.model)?;
    let model = ModelFile { pipeline: model.pipeline.for_prediction(), ..model };
    let source = model.source(&args.data, args.read.reading());
    let source = if format == Format::Csv { model.spelt(source) } else { source };
    let taken = if args.columns.is_some() { Taken::LeftOut } else { Taken::Refused };
    let shown = model.show(&source, taken)?;
    let columns = match &args.columns {
        Some(columns) => {
            let field = |name: &String| Ok(shown.rows.schema().require(name)?.clone());
            columns.iter().map(field).collect::<Result<Vec<_>>>().context("--columns")?
        }
        None => predictions(&model, &shown)?,
    };
    // Columns of the file are written as they are spelt in it, where that is known.
    let spelt = |field: &Field| shown.rows.schema().spelling_of(field.name()).unwrap_or(field).clone();
    let read: Vec<Field> = columns.iter().map(spelt).collect();
    let written = read.iter().zip(&columns).map(|(read, column)| read.clone().with_name(column.name()));
    let mut writer = writer(&args.out, &Schema::new(written.collect()).context("--columns")?)?;
    let schema = Schema::new(read)?;
    let mut rows = 0;
    let names: Vec<&str> = schema.names().collect();
    // A failure of the output is not an error of the rows.
    let mut failed = None;
    let written = shown.rows.for_each_tile(&names, |tile| {
        rows += tile.len();
        writer.write(&tile.to_record_batch(&schema)?).map_err(|error| {
            failed = Some(error);
            Error::invalid("the output cannot be written")
        })
    });
    match failed {
        Some(error) if is_broken_pipe(&error) => return Ok(()),
        Some(error) => return Err(failure::of_frame("write", error)),
        None => {}
    }
    written.map_err(|e| shown.in_file(e, &model, &source))?;
    match writer.finish() {
        Err(error) if is_broken_pipe(&error) => return Ok(()),
        finished => finished.map_err(|e| failure::of_frame("write", e))?,
    }
    shown.note_remarks(&source);
    let left_out = left_out(rows, shown.read);
    match is_standard(&args.out) {
        false => print(&format!("wrote {rows} rows to {}{left_out}\n", args.out.display())),
        true if left_out.is_empty() => Ok(()),
        true => {
            note(&format!("wrote {rows} rows{left_out}"));
            Ok(())
        }
    }
}

/// The columns of the file followed by the predictions, without the raw scores.
fn predictions(model: &ModelFile, shown: &Shown) -> Result<Vec<Field>> {
    let stages = model.pipeline.leaves();
    let scores: HashSet<String> =
        stages.iter().flat_map(|(_, stage)| stage.columns_of(ColumnRole::RawPrediction)).collect();
    let predictions = model.pipeline.predictions(&shown.assembled)?;
    let predictions = predictions.into_iter().filter(|field| !scores.contains(field.name()));
    let own = shown.columns.fields().iter().filter(|field| field.spelling_of().is_none());
    Ok(own.cloned().chain(predictions).collect())
}
