//! `luthier predict`

use anyhow::{Context, Result};
use luthier::frame::DataFrame;

use crate::args::PredictArgs;
use crate::data::{DataSource, FEATURES, writable, write};
use crate::model_file;
use crate::output::print;

pub(crate) fn run(args: &PredictArgs) -> Result<()> {
    writable(&args.out)?;
    let model = model_file::load(&args.model)?;
    let mut source = DataSource::new(args.data.clone());
    source.csv = args.csv.format()?;
    let predicted = model.transform(&source)?;
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
    print(&format!("wrote {} rows to {}\n", predicted.num_rows(), args.out.display()))
}
