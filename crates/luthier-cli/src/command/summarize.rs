//! `luthier summarize`

use anyhow::{Context, Result, bail};
use luthier::core::memory::in_words;

use super::tune::{check_evaluator, configured};
use crate::args::SummarizeArgs;
use crate::config::Config;
use crate::output::{check_target, print};
use crate::shards::{self, Data, Keeps};

pub(crate) fn run(args: &SummarizeArgs) -> Result<()> {
    let mut config = Config::read(&args.config)?;
    if let Some(data) = &args.data {
        config.data.source.path.clone_from(data);
    }
    configured(&config, None)?;
    config.paths(&args.config).output("--out", &args.out)?;
    check_target(&args.out)?;
    let Data { mut shards, frame, .. } =
        shards::of_configuration(&mut config, &args.config, Keeps::Summaries)?;
    let search = configured(&config, None)?;
    check_evaluator(&config, &args.config)?;
    search.summarize(&mut shards).map_err(|error| config.located(error))?;
    if let Some(name) = shards.holding_rows() {
        bail!(
            "{name}: its summaries would hold the rows themselves, because a fold has fewer rows than there are features: use more rows, \
             fewer folds, or fewer features"
        );
    }
    shards.save(&args.out).with_context(|| format!("cannot write {}", args.out.display()))?;
    let bytes = std::fs::metadata(&args.out).map_or(0, |file| file.len());
    print(&format!(
        "wrote {} of summaries of {} rows to {}; it holds no row\n",
        in_words(bytes),
        frame.num_rows(),
        args.out.display()
    ))
}
