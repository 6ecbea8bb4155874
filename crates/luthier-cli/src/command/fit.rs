//! `luthier fit`

use std::sync::Arc;

use anyhow::{Result, anyhow, bail};
use luthier::core::{Dataset, DynEstimator, FitContext, WorkCounter};

use super::tune::check_evaluator;
use crate::args::FitArgs;
use crate::config::Config;
use crate::output::{check_target, notes, print};
use crate::test_score::TestScore;
use crate::{build, model_file, prepare, unread};

pub(crate) fn run(args: &FitArgs) -> Result<()> {
    let mut config = Config::read(&args.config)?;
    if let [_, second, ..] = &config.pipelines[..] {
        bail!(
            "{}: `luthier fit` fits one pipeline, but the configuration has {}: use `luthier tune`, or keep only one",
            second.name.as_ref().map_or(&config.data.place, |name| &name.place),
            config.pipelines.len()
        );
    }
    if let Some(grid) = config.grids().next() {
        bail!(
            "{}: `luthier fit` fits one pipeline and takes no [grid]: use `luthier tune`, or set the parameters \
             in the stages",
            grid.place
        );
    }
    check_target(&args.model)?;
    config.paths(&args.config).output("--model", &args.model)?;
    // Errors that do not need the rows are reported before they are read.
    build::pipelines(&config)?;
    let frame = config.read_data()?;
    let prepare::Prepared { frame, inputs, test } = prepare::prepare(&mut config, &frame)?;
    if test.is_some() {
        check_evaluator(&config, &args.config)?;
    }
    let pipeline = build::pipelines(&config)?.pop().ok_or_else(|| anyhow!("there is no pipeline"))?;
    let pipeline: &dyn DynEstimator = &pipeline;
    pipeline.transform_schema(frame.schema()).map_err(|e| config.located_core(e))?;
    let work = Arc::new(WorkCounter::default());
    let data = Dataset::new(frame).counted_by(Arc::clone(&work));
    let model = pipeline
        .fit(&data, &FitContext::new(config.seed, Arc::clone(&work)))
        .map_err(|e| config.located_core(e))?;
    notes(&model);
    unread::tell(&model, &config.evaluators);
    let document = model_file::document(model.as_ref(), config.pipeline_name(0), &inputs, &config)?;
    model_file::save(&args.model, &document)?;
    print(&format!("fitted on {} rows, wrote {}\n", data.num_rows(), args.model.display()))?;
    let Some(test) = test else { return Ok(()) };
    let tested = TestScore::of(&model, &test, &inputs, &config)?;
    print(&tested.shown("fit"))?;
    tested.tell_notes(&[]);
    tested.error().map_or(Ok(()), Err)
}
