//! `luthier tune`

use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use anstyle::{AnsiColor, Style};
use anyhow::{Result, anyhow, bail};
use luthier::core::{CancelReason, ColumnRole, DynEstimator, Pipeline};
use luthier::frame::{Column, DataFrame};
use luthier::report::{Align, EventLines, Progress, leaderboard_within, table};
use luthier::tune::{Error, Observer, Search, SearchEvent, SearchResult, Selection, Shards};

use crate::args::TuneArgs;
use crate::config::{Config, SearchConfig};
use crate::data::{DataSource, writable, write};
use crate::failure::Interrupted;
use crate::output::{
    check_target, is_standard, make_folder, note, print, print_styled, recover, terminal_width,
    write_together,
};
use crate::results::Seconds;
use crate::shards::{self, Data, Keeps};
use crate::test_score::TestScore;
use crate::{build, interrupt, isolate, journal, model_file, results, search_report, unread};

/// Candidates that are shown; all of them are in `results.csv`.
const SHOWN: usize = 20;

/// With more folds than these, predictions for a report alone would take longer than the search.
const MOST_PREDICTED: usize = 200;

pub(crate) fn run(args: &TuneArgs) -> Result<()> {
    let mut config = Config::read(&args.config)?;
    if config.pipelines.len() == 1 && config.grids().next().is_none() {
        note(
            "the configuration has no [grid], so the pipeline as written is the only candidate; to try several values of a parameter, write `\"stage.parameter\" = [value, …]` under [grid]",
        );
    }
    let search = |config: &Config, has_rows: bool| -> Result<Search> {
        let search = configured(config, args.executor.as_deref())?;
        let search = match &args.out {
            Some(directory) => search.journal(directory.join(journal::FOLDER)).join(args.join),
            None => search,
        };
        let search = search.out_of_fold_within(match (&args.out_of_fold, &args.out) {
            (Some(_), _) => usize::MAX,
            // The report shows them as well.
            (None, Some(_)) if has_rows => MOST_PREDICTED,
            _ => 0,
        });
        let search = args.max_seconds.into_iter().fold(search, Search::max_time);
        let search = args.max_fit_seconds.into_iter().fold(search, Search::max_fit_time);
        let search = args.max_failures.into_iter().fold(search, Search::max_failures);
        Ok(match args.parallelism {
            Some(parallelism) => search.parallelism(parallelism),
            None => search,
        })
    };
    // Errors that do not need the rows are reported before they are read.
    search(&config, true)?;
    if let Some(directory) =
        args.out.as_ref().filter(|directory| directory.is_dir() && isolate::worker().is_none())
    {
        recover(directory)?;
    }
    let known = known_shards(args)?;
    let mut paths = config.paths(&args.config);
    for file in args.summaries.iter().chain(&args.append) {
        paths = paths.data(file);
    }
    if let Some(file) = &args.out_of_fold {
        paths = paths.output("--out-of-fold", file)?;
        writable(file)?;
    }
    if let Some(directory) = &args.out {
        paths.outputs_in("--out", directory, &results::FILES)?;
    }

    let Data { raw, frame, mut shards, inputs, test, files: data_files, load } = match known {
        Some(known) => shards::of_summaries(&mut config, &args.config, known, &args.append)?,
        None => {
            let kept = args.out.as_deref().map(|folder| Keeps::In { folder, fresh: args.fresh });
            shards::of_configuration(&mut config, &args.config, kept.unwrap_or(Keeps::Nothing))?
        }
    };
    let start = Instant::now();
    if let (Some(file), true) = (&args.out_of_fold, frame.is_absent()) {
        bail!(
            "--out-of-fold {}: predictions need the rows of {}, of which only summaries are known",
            file.display(),
            shards.absent().join(", ")
        );
    }
    let search = search(&config, !frame.is_absent())?;
    check_evaluator(&config, &args.config)?;
    if args.explain {
        let plan = search.plan_shards(&mut shards).map_err(|e| config.located(e))?;
        let mut plan = plan.to_string();
        if let Some(test) = &test {
            plan.push_str(&format!(
                "\ntest rows: {} of {}; the search does not see them, and the best candidate is scored on them at the end\n",
                test.scan()?.num_rows(),
                test.name()
            ));
        }
        return print(&plan);
    }
    if let Some(directory) = &args.out {
        make_folder(directory)?;
        results::FILES.iter().try_for_each(|name| check_target(&directory.join(name)))?;
    }
    let progress = (!args.quiet && !args.json).then(|| Arc::new(Progress::new(search.metric())));
    let parallelism = config.search.as_ref().map(|search| search.parallelism).unwrap_or_default();
    let parallelism = args.parallelism.unwrap_or(parallelism);
    let isolates = args.isolate || config.search.as_ref().is_some_and(|search| search.isolate);
    if let (true, Some(name)) = (isolates, once_only(&config)) {
        bail!("isolate: {name} can be read only once, but each process for fits reads the rows: name a file");
    }
    let worker = isolate::worker();
    if let (Some(directory), true, None) = (&args.out, args.fresh, &worker) {
        journal::remove(&directory.join(journal::FOLDER))?;
    }
    let recalled = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&recalled);
    let plan = Arc::new(OnceLock::new());
    let known = Arc::clone(&plan);
    let grows = !args.append.is_empty();
    let token = interrupt::token()?;
    let search = search.cancel_token(token.clone()).on_event(move |event| match event {
        SearchEvent::Planned { plan, .. } => drop(known.set(Arc::clone(plan))),
        SearchEvent::Journal { remarks } => {
            // Where rows are added, other data are no news.
            let is_news = |about: &&String| !grows || !about.ends_with("they are kept, but not used");
            remarks.iter().filter(is_news).for_each(|about| note(about));
        }
        SearchEvent::Recalled { cells } => {
            counted.fetch_add(*cells, Relaxed);
            let verb = if *cells == 1 { "score is" } else { "scores are" };
            note(&format!("{cells} {verb} known from the journal"));
        }
        _ => {}
    });
    let search = match &progress {
        Some(progress) => search.observe(Arc::clone(progress) as Arc<dyn Observer>),
        None if args.json => search.observe(Arc::new(EventLines::new(std::io::stdout()))),
        None => search,
    };
    if let Some(worker) = worker {
        return worker.work(search, &mut shards);
    }
    let shared = match isolates {
        true => {
            note(&format!("fits run in processes of their own, {parallelism} at a time"));
            Some(isolate::run(args.out.as_deref(), parallelism, &token)?)
        }
        false => None,
    };
    // What the processes have left because the time was over is not scored here either.
    let time = args.max_seconds.or_else(|| config.search.as_ref().and_then(|search| search.max_time));
    let search = match time.filter(|time| shared.is_some() && start.elapsed() >= *time) {
        Some(_) => search.max_time(Duration::from_nanos(1)),
        None => search,
    };
    let search = match &shared {
        Some(shared) if args.out.is_none() => search.journal(shared.journal()),
        _ => search,
    };
    let tuned = search.fit_shards(&mut shards);
    progress.iter().for_each(|progress| progress.clear());
    let seconds = Seconds { load, search: start.elapsed().as_secs_f64() };
    let tested = match (&tuned, &test) {
        (Ok(tuned), Some(test)) => Some(TestScore::of(&tuned.model, test, &inputs, &config)),
        _ => None,
    };
    let test = tested.as_ref().and_then(|tested| tested.as_ref().ok());
    // A search that ends without a model may still have results.
    let result = tuned.as_ref().map_or_else(Error::result, |tuned| Some(&tuned.result));
    // The program's time includes checks and preparation.
    let timed = |result: &SearchResult| SearchResult { search_seconds: seconds.search, ..result.clone() };
    let result = result.map(|result| with_places(timed(result), &config.data.source));
    if let Some(result) = &result {
        // This comes first, because later steps may fail. Without any score, the error alone says why.
        if args.json {
            print(&results::line(result, seconds.load, test)?)?;
        } else if !matches!(tuned, Err(Error::AllFailed { .. })) {
            let chosen = result.best_candidate().map(|best| [best.rank.to_string(), best.index.to_string()]);
            print_styled(&report(result, seconds, test, recalled.load(Relaxed)), |number, line| {
                let mut words = line.split_whitespace();
                let is_chosen = number > 1
                    && number < SHOWN + 2
                    && chosen.as_ref().is_some_and(|chosen| chosen.iter().all(|of| words.next() == Some(of)));
                match number {
                    0 => Style::new().bold(),
                    1 => Style::new().dimmed(),
                    _ if is_chosen => AnsiColor::Green.on_default().bold(),
                    _ if line.starts_with("best: ") || line.starts_with("chosen: ") => Style::new().bold(),
                    _ => Style::new(),
                }
            })?;
        }
        result.executor_note.iter().for_each(|text| note(text));
        result.notes.iter().for_each(|about| note(&about.to_string()));
        test.into_iter().for_each(|test| test.tell_notes(&result.notes));
    }
    if let Ok(tuned) = &tuned {
        unread::tell(&tuned.model, &config.evaluators);
    }
    let rows = tuned.as_ref().ok().and_then(|tuned| tuned.out_of_fold.as_ref());
    let held_out = rows.map(|rows| with_places_of_rows(rows, &frame)).transpose()?;
    let written = match (&args.out, &result) {
        (Some(directory), Some(result)) => {
            let mut files = results::files(result, seconds.load, test)?;
            let summaries = (!shards.is_unknown()).then(|| shards.to_bytes()).transpose()?;
            let parts = search_report::Parts {
                config: &config,
                config_file: &args.config,
                files: &data_files,
                plan: plan.get().map(Arc::as_ref),
                raw: &raw,
                frame: &frame,
                result,
                tuned: tuned.as_ref().ok(),
                load_seconds: load,
                recalled: recalled.load(Relaxed),
                test,
                held_out: held_out.as_ref(),
            };
            // What was found is worth more than its picture.
            match parts.report().and_then(|report| Ok(report.to_html()?)) {
                Ok(page) => files.push((results::REPORT, page)),
                Err(error) => note(&format!("the report could not be made: {error:#}")),
            }
            if let Ok(tuned) = &tuned {
                let name = result.best_candidate().and_then(|best| config.pipeline_name(best.pipeline));
                let model = model_file::document(tuned.model.as_ref(), name, &inputs, &config)?;
                files.push((results::MODEL, results::text(&model)?));
            }
            let mut files: Vec<(&str, Vec<u8>)> =
                files.into_iter().map(|(name, text)| (name, text.into_bytes())).collect();
            files.extend(summaries.map(|summaries| (shards::FILE, summaries)));
            // What an earlier search left does not belong to these results.
            let is_left = |name: &&str| {
                !files.iter().any(|(written, _)| written == name) && directory.join(name).exists()
            };
            let left: Vec<&str> =
                [results::MODEL, results::REPORT, shards::FILE].into_iter().filter(is_left).collect();
            write_together(directory, &files, &left)?;
            // What was saved while rows were read is among these files.
            let _ = std::fs::remove_file(shards::begun(directory));
            for name in left {
                let file = directory.join(name);
                note(&format!("removed {}: it belonged to an earlier search", file.display()));
            }
            what_was_written(directory, &files)
        }
        _ => Vec::new(),
    };
    if tuned.is_err() {
        written.iter().for_each(|line| note(line));
    }
    tuned.map_err(|error| match error {
        Error::Cancelled { reason: CancelReason::Requested, .. } => {
            let again = if args.out.is_some() { "; run the same command to go on from there" } else { "" };
            Interrupted(format!("{error}{again}")).into()
        }
        error => config.located(error),
    })?;
    if let (Some(file), None) = (&args.out_of_fold, &held_out) {
        bail!("{} was not written: see the note on predictions for held-out rows", file.display());
    }
    if let (Some(file), Some(rows)) = (&args.out_of_fold, &held_out) {
        write(rows, file)?;
        let (rows, file) = (rows.num_rows(), file.display());
        said(args, &format!("wrote the predictions for {rows} held-out rows to {file}"))?;
    }
    written.iter().try_for_each(|line| said(args, line))?;
    // The model is there, whatever the test rows are like.
    match tested.transpose()?.and_then(|tested| tested.error()) {
        Some(error) => Err(error),
        None => Ok(()),
    }
}

/// The name of the data, if they can be read only once.
fn once_only(config: &Config) -> Option<String> {
    let source = &config.data.source;
    (is_standard(&source.path) || source.path.exists() && !source.path.is_file() && !source.path.is_dir())
        .then(|| source.name())
}

/// The search that a configuration asks for.
pub(super) fn configured(config: &Config, executor: Option<&str>) -> Result<Search> {
    let default = SearchConfig::cross_validation(&config.data.place);
    build::search(config, config.search.as_ref().unwrap_or(&default), executor)
}

/// What is known of rows that are not read: the summaries that are named, or those of the folder to which rows are appended.
fn known_shards(args: &TuneArgs) -> Result<Option<Shards>> {
    if !args.summaries.is_empty() {
        return Ok(Some(shards::load(&args.summaries)?));
    }
    let Some(directory) = args.out.as_ref().filter(|_| !args.append.is_empty()) else { return Ok(None) };
    let file = directory.join(shards::FILE);
    if !file.exists() {
        bail!(
            "--append: {} does not exist, so nothing is known of earlier rows: run `luthier tune {} --out {}` first; a search that does not \
             follow from summaries has to read all rows, for which `path` in [data] can be a folder or a glob",
            file.display(),
            args.config.display(),
            directory.display()
        );
    }
    Ok(Some(Shards::load(file)?))
}

/// The lines about the files of a folder: the report has one of its own.
fn what_was_written(directory: &Path, files: &[(&str, Vec<u8>)]) -> Vec<String> {
    let others: Vec<&str> =
        files.iter().map(|(name, _)| *name).filter(|&name| name != results::REPORT).collect();
    let mut lines = Vec::new();
    if let Some((last, before)) = others.split_last() {
        lines.push(format!("wrote {} and {last} to {}", before.join(", "), directory.display()));
    }
    if others.len() < files.len() {
        lines.push(format!("report: {}", directory.join(results::REPORT).display()));
    }
    lines
}

/// Prints a line, or a note where standard output is for JSON.
fn said(args: &TuneArgs, line: &str) -> Result<()> {
    if args.json {
        note(line);
        return Ok(());
    }
    print(&format!("{line}\n"))
}

/// Checks that there is an evaluator where the default one cannot score the predictions.
///
/// # Errors
/// If not.
pub(super) fn check_evaluator(config: &Config, file: &Path) -> Result<()> {
    if config.evaluators.is_empty() && build::pipelines(config)?.iter().any(predicts_classes) {
        return Err(anyhow!(
            "{}: the configuration has no [evaluator], but the pipeline predicts classes: write `type = \
             \"binary_classification\"` or `\"multiclass_classification\"` under [evaluator]",
            file.display()
        ));
    }
    Ok(())
}

/// The result with the place of a row in its file where a failure tells the number of the row.
fn with_places(mut result: SearchResult, source: &DataSource) -> SearchResult {
    let mut changed: Vec<(String, String)> = Vec::new();
    let folds = result.candidates.iter_mut().flat_map(|candidate| &mut candidate.folds);
    let failures = folds.flat_map(|fold| {
        fold.error.iter_mut().chain(fold.also.iter_mut().filter_map(|metric| metric.error.as_mut()))
    });
    for failure in failures {
        let Some(row) = failure.row else { continue };
        let told = format!(", row {row}: ");
        if failure.message.contains(&told) {
            let placed = failure.message.replace(&told, &format!(" ({}): ", source.place_of(row)));
            changed.push((std::mem::replace(&mut failure.message, placed.clone()), placed));
        }
    }
    for note in &mut result.notes {
        if let Some((told, placed)) = changed.iter().find(|(told, _)| note.note.message.contains(told)) {
            note.note.message = note.note.message.replace(told, placed);
        }
    }
    result
}

/// Predictions with the places of their rows in their files, where these are known: rows that the search does not see are not
/// counted by `row`.
fn with_places_of_rows(predictions: &DataFrame, frame: &DataFrame) -> Result<DataFrame> {
    let numbers = predictions.column_i64("row")?;
    let place = |&row: &i64| frame.place_of_row(usize::try_from(row).ok()?).map(|place| place.to_string());
    let places: Vec<Option<String>> = numbers.iter().map(place).collect();
    match places.iter().any(Option::is_some) && predictions.schema().field("place").is_none() {
        true => Ok(predictions.with_column("place", Column::utf8_nullable(places))?),
        false => Ok(predictions.clone()),
    }
}

/// Whether a stage appends probabilities of classes.
fn predicts_classes(pipeline: &Pipeline) -> bool {
    let probabilities = |stage: &dyn DynEstimator| stage.columns_of(ColumnRole::Probability);
    pipeline.leaves().iter().any(|(_, stage)| !probabilities(*stage).is_empty())
}

fn report(result: &SearchResult, seconds: Seconds, test: Option<&TestScore>, recalled: usize) -> String {
    let mut text = leaderboard_within(result, SHOWN, terminal_width().unwrap_or(usize::MAX));
    if let Some(best) = result.best_candidate() {
        let direction = match (result.selection, result.larger_is_better) {
            (Selection::Best, true) => "largest".to_owned(),
            (Selection::Best, false) => "smallest".to_owned(),
            (selection, _) if best.rank == 1 => {
                format!("the best; none within reach is simpler: selection = {selection}")
            }
            (selection, _) => {
                format!("rank {}, the simplest within reach of the best: selection = {selection}", best.rank)
            }
        };
        let over = match (best.scored_folds, best.folds.len()) {
            (scored, all) if scored == all => String::new(),
            (scored, all) => format!(", mean over {scored} of {all} folds"),
        };
        text.push_str(&format!(
            "\n{}: candidate {}, {} = {} ({direction}{over})\n",
            if best.rank == 1 { "best" } else { "chosen" },
            best.index,
            result.metric,
            best.mean
        ));
        if let Some(pipeline) = result.pipeline_of(best) {
            text.push_str(&format!("  pipeline = {pipeline}\n"));
        }
        for (name, value) in best.params.iter() {
            text.push_str(&format!("  {name} = {value}\n"));
        }
        text.push_str(&confidence(result, best.index));
        text.push_str(&procedure(result, best.index));
        text.push_str(&test.map(|test| test.shown("search")).unwrap_or_default());
    }
    text.push('\n');
    text.push_str(&work(result, recalled));
    text.push_str(&format!("\ntime: {} to load, {} to search\n", time(seconds.load), time(seconds.search)));
    text
}

/// How sure it is that the candidate is the best of all.
fn confidence(result: &SearchResult, best: usize) -> String {
    let complete = result.candidates.iter().filter(|one| one.probability_best.is_some()).count();
    let Some(probability) = result.probability_best(best).filter(|_| complete > 1) else {
        return String::new();
    };
    let others = result.candidates.iter().filter(|other| other.index != best);
    let next =
        others.max_by(|a, b| a.probability_best.unwrap_or(0.0).total_cmp(&b.probability_best.unwrap_or(0.0)));
    let next = next.and_then(|next| Some((next.index, next.probability_best.filter(|p| *p >= 0.005)?)));
    let next = next.map(|(index, p)| format!("; candidate {index}: {:.0} %", 100.0 * p)).unwrap_or_default();
    let of = match complete == result.candidates.len() {
        true => format!("the {complete} candidates"),
        false => format!("the {complete} candidates that are scored on as many folds"),
    };
    format!(
        "probability that it is the best of {of}: {:.0} %{next}\n  (in view of how much {} varies between folds)\n",
        100.0 * probability,
        result.metric
    )
}

/// The score of the procedure that chose the best candidate, if it was computed.
fn procedure(result: &SearchResult, best: usize) -> String {
    let Some(score) = result.procedure.as_ref().filter(|score| !score.mean.is_nan()) else {
        return String::new();
    };
    let error = match score.std_error.is_nan() {
        true => String::new(),
        false if (1e-3..1e6).contains(&score.std_error) => format!(", standard error {:.4}", score.std_error),
        false => format!(", standard error {:.3e}", score.std_error),
    };
    let same = score.rounds.iter().filter(|round| round.candidate == Some(best)).count();
    let (scored, all) = (score.rounds.len(), result.candidates.first().map_or(0, |one| one.folds.len()));
    let over = if scored == all { String::new() } else { format!(" over {scored} of {all} folds") };
    format!(
        "score to expect on new rows: {} = {}{error}\n  (nested cross-validation{over}: for each fold, the best candidate was chosen \
         within its training rows and scored on it; it was candidate {best} in {same} of {scored} folds)\n",
        result.metric, score.mean,
    )
}

/// What the search did, next to what its plan expected; only the stages know what they derive and factorise.
fn work(result: &SearchResult, recalled: usize) -> String {
    let planned = result.forecast.work.entries();
    let guess = if result.forecast.is_approximate { "~" } else { "" };
    let rows = result.work.entries().into_iter().map(|(name, actual)| {
        let planned = planned.iter().find(|(other, n)| *other == name && *n > 0);
        let planned = match (planned, name) {
            (Some((_, n)), "rows_read" | "passes") => format!("{guess}{n}"),
            (Some((_, n)), _) => n.to_string(),
            (None, _) => String::new(),
        };
        vec![in_words(name), planned, actual.to_string()]
    });
    let columns = [("work", Align::Left), ("planned", Align::Right), ("done", Align::Right)];
    let mut text = table(&columns, &rows.collect::<Vec<_>>());
    if recalled > 0 {
        text.push_str(&format!("(without the work for {recalled} scores that an earlier run computed)\n"));
    }
    if result.work.guarded > 0 && result.work.rows_read > result.forecast.work.rows_read {
        text.push_str("(the plan cannot foresee which summaries are recomputed for accuracy)\n");
    }
    text
}

/// A counter of [`Work`](luthier::core::Work) for readers who do not know its name.
fn in_words(counter: &str) -> String {
    match counter {
        "lifted" => "summaries derived without rows".to_owned(),
        "guarded" => "recomputed for accuracy".to_owned(),
        other => other.replace('_', " "),
    }
}

fn time(seconds: f64) -> String {
    if seconds < 1.0 { format!("{:.1} ms", 1e3 * seconds) } else { format!("{seconds:.2} s") }
}
