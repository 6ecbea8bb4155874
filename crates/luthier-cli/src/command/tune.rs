//! `luthier tune`

use std::io::IsTerminal;
use std::time::Instant;

use anyhow::{Context, Result, anyhow};
use indicatif::{ProgressBar, ProgressStyle};
use luthier::report::leaderboard;
use luthier::tune::{Error, Search, SearchResult};

use crate::args::TuneArgs;
use crate::config::Config;
use crate::output::print;
use crate::results::Seconds;
use crate::{build, data, model_file, results};

/// Candidates that are shown; all of them are in `results.csv`.
const SHOWN: usize = 20;

pub(crate) fn run(args: &TuneArgs) -> Result<()> {
    let config = Config::read(&args.config)?;
    let file = args.config.display();
    if config.grids.is_empty() {
        return Err(anyhow!(
            "{file}: there is no [grid], so there are no candidates: write `\"stage.parameter\" = [value, …]` under \
             [grid], or use `luthier fit`"
        ));
    }
    let missing =
        || anyhow!("{file}: there is no [search]: write `method = \"cross_validator\"` under [search]");
    let search =
        build::search(&config, config.search.as_ref().ok_or_else(missing)?, args.executor.as_deref())?;
    let search = match args.parallelism {
        Some(parallelism) => search.parallelism(parallelism),
        None => search,
    };

    let start = Instant::now();
    let frame = config.data.source.read()?;
    let load = start.elapsed().as_secs_f64();

    let start = Instant::now();
    let data::Prepared { frame, inputs } = data::prepare(&config, &frame)?;
    if args.explain {
        return print(&search.explain(&frame).map_err(|e| config.located(e))?);
    }
    if let Some(directory) = &args.out {
        std::fs::create_dir_all(directory).with_context(|| directory.display().to_string())?;
    }
    let (search, bar) = with_progress(search);
    let tuned = search.fit(&frame);
    bar.finish_and_clear();
    let seconds = Seconds { load, search: start.elapsed().as_secs_f64() };
    // A search whose last step fails has results all the same.
    let result = match &tuned {
        Ok(tuned) => Some(&tuned.result),
        Err(Error::Refit { result, .. }) => Some(result.as_ref()),
        Err(_) => None,
    };
    if let (Some(directory), Some(result)) = (&args.out, result) {
        results::write(directory, result, seconds)?;
        let model = directory.join("model.json");
        match &tuned {
            Ok(tuned) => model_file::save(&model, tuned.model.as_ref(), &inputs)?,
            // One of an earlier search does not belong to these results.
            Err(_) if model.exists() => {
                std::fs::remove_file(&model).with_context(|| model.display().to_string())?;
            }
            Err(_) => {}
        }
    }
    if let Some(result) = result {
        print(&report(result, seconds))?;
    }
    tuned.map_err(|e| config.located(e))?;
    match &args.out {
        Some(directory) => print(&format!(
            "wrote results.csv, results.json, model.json and events.json to {}\n",
            directory.display()
        )),
        None => Ok(()),
    }
}

/// Shows on a terminal how far the search is.
fn with_progress(search: Search) -> (Search, ProgressBar) {
    if !std::io::stderr().is_terminal() {
        return (search, ProgressBar::hidden());
    }
    let bar = ProgressBar::new(0);
    if let Ok(style) = ProgressStyle::with_template("{bar:40} {pos}/{len} units, {elapsed}, {eta} left") {
        bar.set_style(style);
    }
    let shown = bar.clone();
    let search = search.on_progress(move |progress| {
        shown.set_length(progress.total as u64);
        shown.set_position(progress.done as u64);
    });
    (search, bar)
}

fn report(result: &SearchResult, seconds: Seconds) -> String {
    let mut text = leaderboard(result, SHOWN);
    if let Some(best) = result.best_candidate() {
        let direction = if result.larger_is_better { "largest" } else { "smallest" };
        text.push_str(&format!(
            "\nbest: candidate {}, {} = {} ({direction})\n",
            best.index, result.metric, best.mean
        ));
        for (name, value) in best.params.iter() {
            text.push_str(&format!("  {name} = {value}\n"));
        }
    }
    let work = result.work.entries().into_iter().map(|(name, n)| in_words(name, n));
    text.push_str(&format!("work: {}\n", work.collect::<Vec<_>>().join(", ")));
    text.push_str(&format!("time: {} to load, {} to search\n", time(seconds.load), time(seconds.search)));
    text
}

/// A counter of [`Work`](luthier::core::Work) for readers who do not know its name.
fn in_words(counter: &str, n: u64) -> String {
    let (one, many) = match counter {
        "rows_read" => ("row read", "rows read"),
        "passes" => ("pass", "passes"),
        "summaries" => ("summary", "summaries"),
        "lifted" => ("derived without rows", "derived without rows"),
        "guarded" => ("recomputed for accuracy", "recomputed for accuracy"),
        "factorisations" => ("factorisation", "factorisations"),
        "fits" => ("fit", "fits"),
        "reused_fits" => ("fit reused", "fits reused"),
        "evaluations" => ("evaluation", "evaluations"),
        "evaluations_without_rows" => ("of them without rows", "of them without rows"),
        other => return format!("{n} {}", other.replace('_', " ")),
    };
    format!("{n} {}", if n == 1 { one } else { many })
}

fn time(seconds: f64) -> String {
    if seconds < 1.0 { format!("{:.1} ms", 1e3 * seconds) } else { format!("{seconds:.2} s") }
}

#[cfg(test)]
mod tests {
    use luthier::core::Work;

    use super::in_words;

    #[test]
    fn every_counter_has_words() {
        let words =
            |n| Work::default().entries().into_iter().map(|(name, _)| in_words(name, n)).collect::<Vec<_>>();
        assert_eq!(
            words(1).join(", "),
            "1 row read, 1 pass, 1 summary, 1 derived without rows, 1 recomputed for accuracy, 1 factorisation, \
             1 fit, 1 fit reused, 1 evaluation, 1 of them without rows"
        );
        assert!(words(2).join(", ").starts_with("2 rows read, 2 passes, 2 summaries, 2 derived"));
    }
}
