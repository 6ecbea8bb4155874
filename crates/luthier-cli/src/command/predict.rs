//! `luthier predict`

use anyhow::{Context, Result};
use luthier::frame::DataFrame;

use crate::args::PredictArgs;
use crate::data::{FEATURES, Format, writable, write};
use crate::model_file::{self, ModelFile, left_out};
use crate::output::{is_standard, print};
use crate::paths::Paths;

pub(crate) fn run(args: &PredictArgs) -> Result<()> {
    let format = writable(&args.out)?;
    Paths::default().input("the model", &args.model).data(&args.data).output("--out", &args.out)?;
    let model = model_file::load(&args.model)?;
    let model = ModelFile { pipeline: model.pipeline.for_prediction(), ..model };
    let source = model.source(&args.data, args.read.reading());
    let source = if format == Format::Csv { model.spelt(source) } else { source };
    let (predicted, read) = model.transform(&source)?;
    let predicted: DataFrame = match (&args.columns, &model.inputs) {
        (Some(columns), _) => {
            let columns: Vec<&str> = columns.iter().map(String::as_str).collect();
            predicted.select(&columns).context("--columns")?
        }
        // The parts are in the file already.
        (None, Some(inputs)) if inputs.makes_features() => predicted.drop(&[FEATURES])?,
        (None, _) => predicted,
    };
    write(&predicted, &args.out)?;
    let rows = predicted.num_rows();
    if is_standard(&args.out) {
        return Ok(());
    }
    print(&format!("wrote {rows} rows to {}{}\n", args.out.display(), left_out(rows, read)))
}
