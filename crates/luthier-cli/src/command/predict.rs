//! `luthier predict`

use anyhow::{Context, Result};
use luthier::frame::DataFrame;

use crate::args::PredictArgs;
use crate::data::{DataSource, FEATURES, writable, write};
use crate::model_file::{self, ModelFile};
use crate::output::print;

pub(crate) fn run(args: &PredictArgs) -> Result<()> {
    writable(&args.out)?;
    let ModelFile { pipeline, inputs } = model_file::load(&args.model)?;
    let mut source = DataSource::new(args.data.clone());
    source.csv = args.csv.format()?;
    let frame = source.read()?;
    let assembled = match &inputs {
        Some(inputs) => inputs.assemble(&frame, &source)?,
        None => frame,
    };
    let in_file = |e| source.locate(anyhow::Error::from(e).context(args.data.display().to_string()));
    let predicted = pipeline.transform(&assembled).map_err(in_file)?;
    let predicted: DataFrame = match (&args.columns, &inputs) {
        (Some(columns), _) => {
            let columns: Vec<&str> = columns.iter().map(String::as_str).collect();
            predicted.select(&columns).context("--columns")?
        }
        // The parts are in the file already.
        (None, Some(inputs)) if !inputs.is_there_already() => predicted.drop(&[FEATURES])?,
        (None, _) => predicted,
    };
    write(&predicted, &args.out)?;
    print(&format!("wrote {} rows to {}\n", predicted.num_rows(), args.out.display()))
}
