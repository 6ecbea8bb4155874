//! A running search.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use luthier_core::frame::Schema;
use luthier_core::{
    Dataset, DynEstimator, DynEvaluator, DynModel, FailedNeed, FitContext, Need, ParamMap, PipelineModel,
    Round, Rows, TrainingSets, WorkCounter,
};

use crate::events::{Clock, Event, EventKind};
use crate::executor::{Job, TaskResult, verify};
use crate::failure::Failure;
use crate::forecast::Forecast;
use crate::missing_classes::MissingClasses;
use crate::notes::{EvaluationNotes, FitNotes, failed, missing_metrics, numbered, reasons_by_fold};
use crate::plan::Level;
use crate::procedure::Nesting;
use crate::result::{CandidateResult, FoldMetric, FoldResult, SearchResult, SecondaryMetric, rank};
use crate::search::{Prepared, Progress, Rounds, Search, Sharing, SubModels, Tuned};
use crate::splitter::Split;
use crate::unit::{Fitted, Metric, Record, Unit, Units};
use crate::{Error, Result};

/// What is known of one candidate on one fold.
#[derive(Debug, Clone, Default)]
struct Cell {
    metric: Option<f64>,
    also: Vec<FoldMetric>,
    error: Option<Failure>,
    undefined: Option<String>,
    fit_seconds: f64,
    score_seconds: f64,
}

/// A view and the requests on it.
type Asked = (Dataset, Vec<Need>);

pub(crate) struct Run<'a> {
    search: &'a Search,
    prepared: Prepared,
    split: Split,
    /// The number of rounds that count for the candidates; those after them are of nested cross-validation.
    plain: usize,
    nesting: Option<Nesting>,
    folds: Vec<u32>,
    /// The candidates that can be fitted.
    candidates: Vec<usize>,
    forecast: Forecast,
    work: Arc<WorkCounter>,
    clock: Arc<Clock>,
    ctx: FitContext,
    events: Vec<Event>,
    cells: HashMap<(u32, usize), Cell>,
    /// Fitted stages by fold and node.
    nodes: HashMap<(u32, usize), Fitted>,
    /// Fitted candidates by fold, if each was fitted alone.
    whole: HashMap<(u32, usize), Fitted>,
    /// The frame as seen behind a node, with what was computed there, by fold.
    views: HashMap<(u32, usize), Result<Dataset, Failure>>,
    /// The names of the metrics.
    metrics: Vec<String>,
    /// The classes missing from the training rows of folds.
    classes: Vec<MissingClasses>,
    /// The notes of models on their fits.
    notes: FitNotes,
    /// The notes of evaluators on metrics.
    evaluation_notes: EvaluationNotes,
    progress: Progress,
}

impl<'a> Run<'a> {
    pub(crate) fn new(
        search: &'a Search,
        prepared: Prepared,
        rounds: Rounds,
        work: Arc<WorkCounter>,
    ) -> Self {
        let Rounds { split, plain, nesting, forecast } = rounds;
        let (folds, candidates) =
            ((0..split.rounds().len() as u32).collect(), prepared.tree.valid().collect());
        let ctx = FitContext::new(search.seed, Arc::clone(&work));
        Self {
            search,
            prepared,
            split,
            plain,
            nesting,
            folds,
            candidates,
            forecast,
            work,
            clock: Arc::new(Clock::start()),
            ctx,
            events: Vec::new(),
            cells: HashMap::new(),
            nodes: HashMap::new(),
            whole: HashMap::new(),
            views: HashMap::new(),
            metrics: search.metrics(),
            classes: Vec::new(),
            notes: FitNotes::default(),
            evaluation_notes: EvaluationNotes::default(),
            progress: Progress { done: 0, total: 0 },
        }
    }

    pub(crate) fn complete(mut self, base: Dataset, classes: Vec<MissingClasses>) -> Result<Tuned> {
        self.classes = classes;
        self.progress.total = self.units_in_all();
        match self.search.sharing {
            Sharing::On => {
                let whole = self.run_shared(&base)?;
                self.finish(&whole)
            }
            Sharing::Off => {
                let base = base.without_sharing();
                let (folds, candidates) = (self.folds.clone(), self.candidates.clone());
                self.run_alone(&base, &folds, &candidates)?;
                self.finish(&base)
            }
        }
    }

    /// The candidates that are fitted by themselves: all of them if nothing is shared, otherwise those without a fitted
    /// stage.
    fn alone(&self) -> Vec<usize> {
        let tree = &self.prepared.tree;
        let candidates = self.candidates.iter().copied();
        match self.search.sharing {
            Sharing::On => candidates.filter(|&candidate| tree.last_fitted(candidate).is_none()).collect(),
            Sharing::Off => candidates.collect(),
        }
    }

    fn units_in_all(&self) -> usize {
        let groups = || self.prepared.tree.levels.iter().map(|level| level.groups.len()).sum::<usize>();
        let shared = if self.search.sharing == Sharing::On { groups() } else { 0 };
        (shared + self.alone().len()) * self.folds.len()
    }

    /// Computes the summaries that all folds and candidates request of the frame itself and behind stages that are not
    /// fitted, in one pass each; then runs the units, some folds at a time. Returns the view of all rows.
    fn run_shared(&mut self, base: &Dataset) -> Result<Dataset> {
        let (nodes, views): (Vec<Option<usize>>, Vec<_>) = self.common_views(base).into_iter().unzip();
        let folds = self.folds.clone();
        let candidates = self.candidates.clone();
        let alone = self.alone();
        let budget = self.forecast.budget;
        let split = self.split.clone();
        let read = || TrainingSets::read(views, split.merges(), budget);
        let (sets, failed) = self.timed_pass(None, &folds, &candidates, read)?;
        self.refuse_if_hopeless(failed.into_iter().next().unwrap_or_default())?;
        sets.for_each_wave(|rounds, views| {
            let folds: Vec<u32> = rounds.map(|round| round as u32).collect();
            let folds = &folds[..];
            let mut views = nodes.iter().zip(views);
            let base = views.next().map_or_else(|| base.clone(), |(_, view)| view);
            for (node, view) in views.filter_map(|(node, view)| Some(((*node)?, view))) {
                self.views.extend(folds.iter().map(|&fold| ((fold, node), Ok(view.clone()))));
            }
            self.run_levels(&base, folds)?;
            self.run_alone(&base, folds, &alone)?;
            self.views.clear();
            if !self.search.collect_sub_models {
                self.nodes.clear();
            }
            Ok::<(), Error>(())
        })?;
        Ok(sets.whole().into_iter().next().unwrap_or_else(|| base.clone()))
    }

    /// The frame and the views behind transformers only, which are the same for all folds, with the requests on
    /// them.
    fn common_views(&self, base: &Dataset) -> Vec<(Option<usize>, Asked)> {
        let tree = &self.prepared.tree;
        let needs = self.prepared.base_needs.iter().map(|base| base.need.clone()).collect();
        let mut behind: HashMap<usize, Dataset> = HashMap::new();
        let mut views = vec![(None, (base.clone(), needs))];
        for (index, node) in tree.nodes.iter().enumerate() {
            let before = match node.parent {
                None => Some(base),
                Some(parent) => behind.get(&parent),
            };
            let Some((before, model)) = before.zip(node.stage.as_model()) else { continue };
            // A stage that does not fit fails its candidates where they use it.
            let Ok(view) = before.through_stage(&node.name, model) else { continue };
            if !node.needs.is_empty() {
                views.push((Some(index), (view.clone(), node.needs.clone())));
            }
            behind.insert(index, view);
        }
        views
    }

    /// Rows that no candidate can use are an error of the search; others fail the candidates that use them.
    fn refuse_if_hopeless(&self, failed: Vec<FailedNeed>) -> Result<()> {
        let covers = |failed: &Need, need: &Need| failed.union(need).is_some_and(|union| union.same(failed));
        let hit = |candidate: usize| {
            self.prepared.base_needs.iter().any(|base| {
                base.is_vital()
                    && base.candidates.binary_search(&candidate).is_ok()
                    && failed.iter().any(|(need, _)| covers(need, &base.need))
            })
        };
        if failed.is_empty() || !self.candidates.iter().all(|&candidate| hit(candidate)) {
            return Ok(());
        }
        let stage_of = |failed: &Need| {
            let mut vital = self.prepared.base_needs.iter().filter(|base| base.is_vital());
            vital.find(|base| covers(failed, &base.need)).map(|base| base.stage.clone())
        };
        let named = |(need, error): FailedNeed| Some(error.in_stage(&stage_of(&need)?).into());
        failed.into_iter().find_map(named).map_or(Ok(()), Err)
    }

    /// Runs a pass over rows, records it, and divides its time between the cells that need it.
    fn timed_pass<T>(
        &mut self,
        fold: Option<u32>,
        folds: &[u32],
        candidates: &[usize],
        pass: impl FnOnce() -> T,
    ) -> T {
        let start = self.clock.seconds();
        let result = pass();
        let share = (self.clock.seconds() - start) / (folds.len() * candidates.len()).max(1) as f64;
        for &fold in folds {
            for &candidate in candidates {
                self.cells.entry((fold, candidate)).or_default().fit_seconds += share;
            }
        }
        self.record(EventKind::Summarise, "rows", fold, candidates, start);
        result
    }

    /// Records what this thread did since `start`.
    fn record(&mut self, kind: EventKind, stage: &str, fold: Option<u32>, candidates: &[usize], start: f64) {
        self.events.push(Event {
            kind,
            stage: stage.to_owned(),
            unit: None,
            fold,
            candidates: candidates.to_vec(),
            worker: self.clock.worker(),
            start,
            end: self.clock.seconds(),
        });
    }

    fn run_levels(&mut self, base: &Dataset, folds: &[u32]) -> Result<()> {
        let tree = Arc::clone(&self.prepared.tree);
        let fitted = |level: &&Level| !level.groups.is_empty();
        let last = tree.levels.iter().rfind(fitted).map(|level| level.depth);
        for level in tree.levels.iter().filter(fitted) {
            let mut units = Vec::new();
            for &fold in folds {
                for group in &level.groups {
                    let mut candidates: Vec<usize> =
                        group.iter().flat_map(|&node| tree.nodes[node].candidates.iter().copied()).collect();
                    candidates.sort_unstable();
                    let parent = group.first().and_then(|&node| tree.nodes[node].parent);
                    match self.view(base, fold, parent) {
                        Ok(view) => units.push(Unit {
                            fold,
                            group: group.clone(),
                            scored: tree.scored_by(group),
                            candidates,
                            train: view.select(self.round(fold).train),
                            validation: view.select(self.round(fold).validate),
                        }),
                        Err(error) => {
                            candidates.iter().for_each(|&candidate| self.fail(fold, candidate, &error));
                            self.progress.done += 1;
                        }
                    }
                }
            }
            self.work.reused_fits((tree.reused(level) * folds.len()) as u64);
            self.run_units(level.name.clone(), units, last != Some(level.depth))?;
        }
        Ok(())
    }

    /// These candidates, each by itself on every fold.
    fn run_alone(&mut self, base: &Dataset, folds: &[u32], candidates: &[usize]) -> Result<()> {
        if candidates.is_empty() {
            return Ok(());
        }
        let unit = |(fold, candidate): (u32, usize)| Unit {
            fold,
            group: Vec::new(),
            scored: vec![candidate],
            candidates: vec![candidate],
            train: base.select(self.round(fold).train),
            validation: base.select(self.round(fold).validate),
        };
        let cells = folds.iter().flat_map(|&fold| candidates.iter().map(move |&c| (fold, c)));
        let units: Vec<Unit> = cells.map(unit).collect();
        self.run_units(self.search.estimator_name().to_owned(), units, false)
    }

    /// The training and validation rows of a round.
    fn round(&self, round: u32) -> Round {
        let nothing = || Round::new(Rows::blocks([]), Rows::blocks([]));
        self.split.rounds().get(round as usize).cloned().unwrap_or_else(nothing)
    }

    /// The frame as seen behind a node on one fold, with the requests of later stages on it.
    fn view(&mut self, base: &Dataset, fold: u32, node: Option<usize>) -> Result<Dataset, Failure> {
        let Some(node) = node else { return Ok(base.clone()) };
        if let Some(view) = self.views.get(&(fold, node)) {
            return view.clone();
        }
        let view = self.make_view(base, fold, node);
        self.views.insert((fold, node), view.clone());
        view
    }

    fn make_view(&mut self, base: &Dataset, fold: u32, node: usize) -> Result<Dataset, Failure> {
        let tree = Arc::clone(&self.prepared.tree);
        let Some(this) = tree.nodes.get(node) else { return Err("a stage is missing".into()) };
        let model = self.model_of(fold, node)?;
        let before = self.view(base, fold, this.parent)?;
        let view = before.through_stage(&this.name, model)?.held();
        let round = self.round(fold);
        let view = view.carry(&this.passing, &[round.train, round.validate]);
        if this.needs.is_empty() {
            return Ok(view);
        }
        let (budget, rounds) = (self.forecast.budget, self.split.merges().only(fold as usize));
        let pass = || -> luthier_core::Result<Dataset> {
            // A request that fails here fails the unit that makes it.
            let (sets, _failed) =
                TrainingSets::read(vec![(view.clone(), this.needs.clone())], &rounds, budget)?;
            let mut prepared = None;
            sets.for_each_wave::<luthier_core::Error>(|_, mut views| {
                prepared = views.pop();
                Ok(())
            })?;
            Ok(prepared.unwrap_or(view))
        };
        self.timed_pass(Some(fold), &[fold], &this.candidates, pass)
            .map_err(|error| error.in_stage(&this.name).into())
    }

    fn model_of(&self, fold: u32, node: usize) -> Fitted {
        match self.prepared.tree.nodes.get(node).and_then(|node| node.stage.as_model()) {
            Some(model) => Ok(model),
            None => match self.nodes.get(&(fold, node)) {
                Some(fitted) => fitted.clone(),
                None => Err("an earlier stage was not fitted".into()),
            },
        }
    }

    fn run_units(&mut self, stage: String, units: Vec<Unit>, keep_models: bool) -> Result<()> {
        let search = self.search;
        let job = Units::new(
            stage,
            units,
            Arc::clone(&self.prepared.tree),
            Arc::clone(&self.prepared.configured),
            search.evaluators.clone(),
            self.ctx.clone(),
            Arc::clone(&self.clock),
        );
        let job = Arc::new(job.with_notes(search.sharing == Sharing::On));
        let limit = search.limit(job.len(), &self.forecast);
        let (before, finished) = (self.progress, AtomicUsize::new(0));
        let observe = |_: usize, _: &TaskResult| {
            let done = before.done + finished.fetch_add(1, Relaxed) + 1;
            if let Some(f) = &search.on_progress {
                f(Progress { done, total: before.total });
            }
        };
        let as_job = Arc::clone(&job) as Arc<dyn Job>;
        let results = verify::run_observed(search.executor.as_ref(), as_job, limit, &observe)?;
        self.progress.done += job.len();
        for (index, result) in results.into_iter().enumerate() {
            let result = result.unwrap_or_else(|| Err("the unit was cancelled".to_owned()));
            self.take(&job, index, result, keep_models || search.collect_sub_models);
        }
        Ok(())
    }

    /// Writes the results of a unit into its cells.
    fn take(&mut self, job: &Units, index: usize, result: TaskResult, keep_models: bool) {
        let Some(unit) = job.units.get(index) else { return };
        let record = result.and_then(|bytes| {
            serde_json::from_slice::<Record>(&bytes).map_err(|e| format!("the unit's record is damaged: {e}"))
        });
        let record = match record {
            Ok(record) => record,
            Err(error) => {
                let error = Failure::from(error);
                unit.candidates.iter().for_each(|&candidate| self.fail(unit.fold, candidate, &error));
                return;
            }
        };
        let share = unit.candidates.len().max(1) as f64;
        for &candidate in &unit.candidates {
            let cell = self.cells.entry((unit.fold, candidate)).or_default();
            cell.fit_seconds += record.fit_seconds / share;
            cell.score_seconds += record.score_seconds / share;
        }
        for score in record.scores {
            let notes = score.metrics.iter().flat_map(|metric| metric.notes.iter().cloned());
            if self.is_plain(unit.fold) {
                self.evaluation_notes.add(unit.fold, notes);
            }
            let mut metrics = score.metrics.into_iter();
            let deciding = metrics.next();
            let cell = self.cells.entry((unit.fold, score.candidate)).or_default();
            cell.also = metrics.map(Metric::into_fold_metric).collect();
            match deciding {
                Some(Metric { error: Some(error), .. }) => self.fail(unit.fold, score.candidate, &error),
                deciding => {
                    cell.undefined = deciding.as_ref().and_then(Metric::undefined);
                    cell.metric = deciding.map(|metric| metric.value());
                }
            }
        }
        if self.is_plain(unit.fold) {
            record.stages.iter().for_each(|stage| self.notes.count(stage));
            self.notes.add(record.notes);
        }
        self.events.push(record.event);
        if keep_models {
            let models = job.take_models(index);
            if unit.group.is_empty() {
                let fold = unit.fold;
                self.whole.extend(unit.candidates.iter().zip(models).map(|(&c, model)| ((fold, c), model)));
            } else {
                let fold = unit.fold;
                self.nodes.extend(unit.group.iter().zip(models).map(|(&n, model)| ((fold, n), model)));
            }
        }
    }

    /// Whether a round counts for the candidates.
    fn is_plain(&self, round: u32) -> bool {
        (round as usize) < self.plain
    }

    /// Only the first error of a cell is kept.
    fn fail(&mut self, fold: u32, candidate: usize, error: &Failure) {
        let cell = self.cells.entry((fold, candidate)).or_default();
        cell.error.get_or_insert_with(|| error.clone());
    }

    fn finish(mut self, base: &Dataset) -> Result<Tuned> {
        let sub_models = self.search.collect_sub_models.then(|| self.sub_models(base.schema()));
        let mut result = self.table();
        let defined_for: Vec<_> = self.search.evaluators.iter().map(|e| e.defined_for()).collect();
        result.notes = self.classes.iter().flat_map(|classes| classes.notes(self.plain)).collect();
        result.notes.extend(std::mem::take(&mut self.evaluation_notes).finish(self.plain));
        result.notes.extend(missing_metrics(&result, &defined_for));
        let mut said = std::mem::take(&mut self.notes);
        let best = result.best;
        let refitted = match result.best_candidate() {
            Some(_) => {
                let start = self.clock.seconds();
                let refitted = self.refit(base, best);
                self.record(EventKind::Refit, self.search.estimator_name(), None, &[best], start);
                if let Ok(model) = &refitted {
                    said.add_model(PipelineModel::from(Arc::clone(model)).notes());
                }
                Some(refitted)
            }
            None => None,
        };
        result.notes.extend(said.finish());
        result.search_seconds = self.clock.seconds();
        result.work = self.work.snapshot();
        result.events = std::mem::take(&mut self.events);
        match refitted {
            Some(Ok(model)) => {
                result.notes.extend(failed(&result));
                Ok(Tuned { model, result, sub_models })
            }
            Some(Err(source)) => Err(Error::Refit { result: Box::new(result), source: Box::new(source) }),
            None => Err(self.without_best(result, defined_for.into_iter().next().flatten())),
        }
    }

    /// The error of a search in which no candidate has a mean.
    fn without_best(&self, result: SearchResult, defined_for: Option<String>) -> Error {
        let reasons = result.failures();
        if !reasons.is_empty() {
            return Error::AllFailed { result: Box::new(result), reasons };
        }
        let sizes = || (0..self.plain).map(|round| self.split.num_validation_rows(round));
        let rows = match (sizes().min().unwrap_or(0), sizes().max().unwrap_or(0)) {
            (1, 1) => "1 row each".to_owned(),
            (least, most) if least == most => format!("{least} rows each"),
            (least, most) => format!("{least} to {most} rows each"),
        };
        let folds = match self.plain {
            1 => format!("the fold ({rows})"),
            n => format!("any of the {n} folds ({rows})"),
        };
        let needs = defined_for.map(|needed| format!(": it needs {needed}")).unwrap_or_default();
        let mut reason = format!("{} is not defined (NaN) on {folds}{needs}", result.metric);
        for (message, folds) in reasons_by_fold(&result, 0, &(0..self.plain).collect::<Vec<_>>()) {
            reason.push_str(&format!("\n- {}: {message}", numbered("fold", &folds)));
        }
        Error::NoMetric { result: Box::new(result), reason }
    }

    /// The candidates with their metrics, ranked.
    fn table(&self) -> SearchResult {
        let evaluators = &self.search.evaluators;
        let larger_is_better = evaluators.first().is_some_and(|first| first.is_larger_better());
        let mut metrics = self.metrics.iter().cloned();
        let metric = metrics.next().unwrap_or_default();
        let others = metrics.zip(evaluators.iter().skip(1));
        let also = others
            .map(|(name, other)| SecondaryMetric { name, larger_is_better: other.is_larger_better() })
            .collect();
        let row = |(index, params): (usize, &ParamMap)| CandidateResult {
            index,
            pipeline: self.prepared.pipelines.get(index).copied().unwrap_or(0),
            params: params.clone(),
            mean: f64::NAN,
            std: f64::NAN,
            scored_folds: 0,
            rank: 0,
            folds: self.folds.iter().take(self.plain).map(|&fold| self.fold_result(fold, index)).collect(),
            also: Vec::new(),
        };
        let mut candidates: Vec<CandidateResult> = self.prepared.params.iter().enumerate().map(row).collect();
        let best = rank(&mut candidates, larger_is_better);
        let overlap = self.split.overlap(self.plain);
        let cell = |round: usize, candidate: usize| {
            let result = self.fold_result(round as u32, candidate);
            (result.metric, result.error.is_some())
        };
        let procedure = self.nesting.as_ref().map(|n| n.score(&candidates, larger_is_better, overlap, cell));
        SearchResult {
            metric,
            larger_is_better,
            also,
            best,
            pipelines: self.search.pipeline_names(),
            candidates,
            notes: Vec::new(),
            procedure,
            overlap,
            executor_note: self.search.executor_note(),
            search_seconds: 0.0,
            work: self.work.snapshot(),
            forecast: self.forecast,
            events: Vec::new(),
        }
    }

    fn failure(&self, fold: u32, candidate: usize) -> Option<Failure> {
        if let Some(invalid) = self.prepared.tree.invalid.get(&candidate) {
            return Some(invalid.clone());
        }
        let missing = || "the candidate was not scored on this fold".into();
        match self.cells.get(&(fold, candidate)) {
            Some(cell) => cell.error.clone().or_else(|| cell.metric.is_none().then(missing)),
            None => Some(missing()),
        }
    }

    fn fold_result(&self, fold: u32, candidate: usize) -> FoldResult {
        let cell = self.cells.get(&(fold, candidate)).cloned().unwrap_or_default();
        let failed = self.failure(fold, candidate);
        let deciding = FoldMetric {
            metric: cell.metric.filter(|_| failed.is_none()).unwrap_or(f64::NAN),
            error: failed.clone(),
            undefined: cell.undefined,
        };
        let missing = FoldMetric { metric: f64::NAN, error: failed, undefined: None };
        let others = cell.also.into_iter().chain(std::iter::repeat(missing));
        let all = std::iter::once(deciding).chain(others).zip(&self.search.evaluators).zip(&self.metrics);
        let mut all = all.map(|((metric, evaluator), name)| {
            match self.lacking_class(fold, &metric, evaluator.as_ref()) {
                Some(why) => FoldMetric {
                    undefined: Some(format!("{name} is not defined: {why}")),
                    ..FoldMetric::default()
                },
                None => metric,
            }
        });
        let FoldMetric { metric, error, undefined } = all.next().unwrap_or_default();
        let (fit_seconds, score_seconds) = (cell.fit_seconds, cell.score_seconds);
        FoldResult { fold, metric, fit_seconds, score_seconds, error, undefined, also: all.collect() }
    }

    /// Why a metric is missing, if the reason is that the training rows of the fold lack a class.
    fn lacking_class(&self, fold: u32, metric: &FoldMetric, evaluator: &dyn DynEvaluator) -> Option<String> {
        let label = evaluator.class_col().filter(|_| evaluator.needs_every_class());
        let needed =
            || label.and_then(|label| self.classes.iter().find_map(|classes| classes.on(fold, &label)));
        match &metric.error {
            None => needed(),
            // For example, probabilities of classes that differ from those of the labels.
            Some(failure) if failure.part.as_deref() == Some(evaluator.type_name()) => needed(),
            Some(failure) => self.classes.iter().find_map(|classes| classes.excuse(fold, failure)),
        }
    }

    fn refit(&self, base: &Dataset, best: usize) -> Result<Arc<dyn DynModel>, luthier_core::Error> {
        let no_best = || luthier_core::Error::invalid("there is no candidate to refit");
        let root = self.prepared.configured.get(best).ok_or_else(no_best)?;
        root.fit(&base.select(Rows::all()), &root_context(root.as_ref(), &self.ctx))
    }

    fn sub_models(&self, columns: &Schema) -> SubModels {
        let model = |fold: u32, candidate: usize| match self.whole.get(&(fold, candidate)) {
            Some(fitted) => fitted.clone().ok(),
            None => {
                let path = self.prepared.tree.paths.get(candidate)?;
                let root = self.prepared.configured.get(candidate)?;
                // In the order of declaration, which need not be that of the path.
                let node_of = |name: &str| {
                    path.iter().copied().find(|&node| self.prepared.tree.nodes[node].name == name)
                };
                let models = root
                    .leaves()
                    .into_iter()
                    .map(|(name, _)| node_of(&name).and_then(|node| self.model_of(fold, node).ok()));
                let models = models.collect::<Option<Vec<_>>>()?;
                root.assemble_leaves(&mut models.into_iter(), Some(columns)).ok()
            }
        };
        let candidates = || 0..self.prepared.params.len();
        self.folds
            .iter()
            .take(self.plain)
            .map(|&fold| candidates().map(|c| model(fold, c)).collect())
            .collect()
    }
}

/// The context of a whole estimator: stages in a row are named by whoever fits them.
pub(crate) fn root_context(root: &dyn DynEstimator, ctx: &FitContext) -> FitContext {
    if root.children().row().is_some() { ctx.clone() } else { ctx.for_stage(root.type_name()) }
}
