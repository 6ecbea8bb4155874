//! Searches: what is searched, and by which parts.

mod cross_validator;
mod driver;
mod procedure;
mod selection;
mod train_validation_split;
mod tuned_model;

use std::any::Any;
use std::cmp::Ordering;
use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use luthier_core::frame::{DataFrame, Schema};
use luthier_core::{CancelToken, DynEstimator, DynEvaluator, DynModel, ParamMap};

pub use self::cross_validator::CrossValidator;
pub use self::procedure::{Nested, ProcedureRound, ProcedureScore};
pub use self::selection::Selection;
pub use self::train_validation_split::TrainValidationSplit;
pub use self::tuned_model::TunedModel;
use crate::executor::{Executor, Serial, ThreadPool};
use crate::grid::ParamGrid;
use crate::journal::{Sole, expect_program};
use crate::memory_budget::MemoryBudget;
use crate::named::name_of;
use crate::observer::{Observer, Observers, OnEvent, SearchEvent};
use crate::parallelism::Parallelism;
use crate::plan::{AskedToScore, Forecast, Tree};
use crate::result::SearchResult;
use crate::shards::Joined;
use crate::splitter::Splitter;
use crate::strategy::{Candidate, Grid, Strategy};
use crate::watch;
use crate::{Error, Result};

/// Whether candidates and folds share common work.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Sharing {
    /// Work that candidates and folds have in common is done once.
    #[default]
    On,
    /// Nothing is shared, as an independent check: every candidate is fitted alone on every fold, and its rows are passed
    /// through every stage and scored one by one.
    Off,
}

/// A competing pipeline, or another estimator, with its own candidates.
#[derive(Debug, Clone)]
pub(crate) struct Contender {
    name: Option<String>,
    estimator: Box<dyn DynEstimator>,
    grid: ParamGrid,
}

impl Contender {
    fn new(estimator: Box<dyn DynEstimator>, grid: ParamGrid) -> Self {
        Self { name: None, estimator, grid }
    }
}

impl Contender {
    pub(crate) fn estimator(&self) -> &dyn DynEstimator {
        self.estimator.as_ref()
    }

    pub(crate) fn grid(&self) -> &ParamGrid {
        &self.grid
    }
}

/// A search over the candidates of a grid: the engine behind [`CrossValidator`](crate::CrossValidator) and
/// [`TrainValidationSplit`](crate::TrainValidationSplit), for parts whose types are known only when the program runs.
///
/// ```
#[doc = include_str!("../example_parts.txt")]
/// use std::sync::Arc;
/// use luthier_tune::{KFold, ParamGrid, Parallelism, Search, SearchEvent};
///
/// let grid = ParamGrid::new().add_by_name("reg_param", [0.01, 0.1, 1.0]);
/// let splitter = Arc::new(KFold::new().num_folds(5));
/// let search = Search::new(Box::new(Ridge::new()), grid, Box::new(Error::new()), splitter)
///     .parallelism(Parallelism::fixed(4)?)
///     .on_event(|event| {
///         if let SearchEvent::UnitFinished { done, total, .. } = event {
///             println!("{done} of {total} units");
///         }
///     });
/// println!("{}", search.explain(&data)?);
/// let tuned = search.fit(&data)?;
/// assert_eq!(tuned.result.candidates.len(), 3);
/// # Ok::<(), anyhow::Error>(())
/// ```
///
/// Several pipelines compete if [`or`](Self::or) adds others:
///
/// ```
#[doc = include_str!("../example_parts.txt")]
/// use std::sync::Arc;
/// use luthier_tune::{KFold, ParamGrid, Search};
///
/// let weak = ParamGrid::new().add_by_name("reg_param", [0.01, 0.1]);
/// let search = Search::new(Box::new(Ridge::new()), weak, Box::new(Error::new()), Arc::new(KFold::new()))
///     .named("weak")
///     .or(Box::new(Ridge::new()), ParamGrid::new().add_by_name("reg_param", [10.0]))
///     .named("strong");
/// let tuned = search.fit(&data)?;
/// let of: Vec<_> = tuned.result.candidates.iter().map(|candidate| tuned.result.pipeline_of(candidate)).collect();
/// assert_eq!(of, [Some("weak"), Some("weak"), Some("strong")]);
/// # Ok::<(), anyhow::Error>(())
/// ```
#[derive(Clone)]
pub struct Search {
    /// The competing pipelines, at least one.
    pub(crate) pipelines: Vec<Contender>,
    /// The first one ranks the candidates.
    pub(crate) evaluators: Vec<Box<dyn DynEvaluator>>,
    pub(crate) splitter: Arc<dyn Splitter>,
    pub(crate) executor: Arc<dyn Executor>,
    pub(crate) parallelism: Parallelism,
    pub(crate) memory_budget: MemoryBudget,
    pub(crate) seed: u64,
    pub(crate) sharing: Sharing,
    pub(crate) collect_sub_models: bool,
    pub(crate) nested: Nested,
    pub(crate) strategy: Arc<dyn Strategy>,
    pub(crate) selection: Selection,
    pub(crate) max_fits: Option<u64>,
    /// The largest number of rounds whose validation rows are predicted.
    pub(crate) out_of_fold: usize,
    pub(crate) test: Option<DataFrame>,
    /// Of the running search: cancelled by somebody, or because time is over.
    pub(crate) cancel: CancelToken,
    /// Of the last fit: cancelled by somebody.
    pub(crate) refit_token: CancelToken,
    pub(crate) grace: Duration,
    pub(crate) max_time: Option<Duration>,
    pub(crate) max_fit_time: Option<Duration>,
    pub(crate) max_failures: Option<u64>,
    /// The folder of the journal.
    pub(crate) journal: Option<PathBuf>,
    /// Whether other processes may write to the journal.
    pub(crate) sole: Sole,
    /// The name of this process among those that write to the journal.
    pub(crate) worker: Option<String>,
    /// What identifies the data in the journal.
    pub(crate) data_fingerprint: Option<String>,
    /// The data, if they are in shards.
    pub(crate) joined: Option<Arc<Joined>>,
    pub(crate) observers: Observers,
}

impl fmt::Debug for Search {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Search")
            .field("pipelines", &self.pipelines)
            .field("evaluators", &self.evaluators)
            .field("splitter", &self.splitter)
            .field("strategy", &self.strategy)
            .field("executor", &self.executor)
            .field("parallelism", &self.parallelism)
            .field("memory_budget", &self.memory_budget)
            .field("seed", &self.seed)
            .field("sharing", &self.sharing)
            .finish_non_exhaustive()
    }
}

/// The models of the folds, `[fold][candidate]`; `None` where a candidate failed.
pub type SubModels = Vec<Vec<Option<Arc<dyn DynModel>>>>;

/// The best model of a search, and how it was found.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Tuned {
    /// The best candidate, fitted on all rows.
    pub model: Arc<dyn DynModel>,
    /// Every candidate's metrics, times and errors.
    pub result: SearchResult,
    /// The models of the folds, if `collect_sub_models` was set.
    pub sub_models: Option<SubModels>,
    /// The predictions of the best candidate for rows that it was not fitted on, if these were asked for: see
    /// [`Session::out_of_fold`](crate::Session::out_of_fold). The work and the time that they take are not among those of the result.
    pub out_of_fold: Option<DataFrame>,
}

impl Search {
    /// Creates a search on a thread pool, one unit at a time, with seed 0.
    pub fn new(
        estimator: Box<dyn DynEstimator>,
        grid: ParamGrid,
        evaluator: Box<dyn DynEvaluator>,
        splitter: Arc<dyn Splitter>,
    ) -> Self {
        Self {
            pipelines: vec![Contender::new(estimator, grid)],
            evaluators: vec![evaluator],
            splitter,
            executor: Arc::new(ThreadPool::new()),
            parallelism: Parallelism::default(),
            memory_budget: MemoryBudget::default(),
            seed: 0,
            sharing: Sharing::On,
            collect_sub_models: false,
            nested: Nested::default(),
            strategy: Arc::new(Grid::new()),
            selection: Selection::default(),
            max_fits: None,
            out_of_fold: 0,
            test: None,
            cancel: CancelToken::never(),
            refit_token: CancelToken::never(),
            grace: watch::GRACE,
            max_time: None,
            max_fit_time: None,
            max_failures: None,
            journal: None,
            sole: Sole::Alone,
            worker: None,
            data_fingerprint: None,
            joined: None,
            observers: Observers::default(),
        }
    }

    /// Adds another pipeline, or another estimator, with its own candidates. Stages that it shares with the others (same
    /// name, type and parameters) are fitted once.
    pub fn or(mut self, estimator: Box<dyn DynEstimator>, grid: impl Into<ParamGrid>) -> Self {
        self.pipelines.push(Contender::new(estimator, grid.into()));
        self
    }

    /// Names the pipeline that was added last, for results and messages. A pipeline without a name is identified by its
    /// position, from 0.
    pub fn named(mut self, name: impl Into<String>) -> Self {
        if let Some(last) = self.pipelines.last_mut() {
            last.name = Some(name.into());
        }
        self
    }

    /// Also scores every candidate with another evaluator. The first evaluator ranks the candidates; if this one fails, only
    /// its metric is missing.
    pub fn also(mut self, evaluator: Box<dyn DynEvaluator>) -> Self {
        self.evaluators.push(evaluator);
        self
    }

    /// The executor that runs the units of work (default: a [`ThreadPool`]).
    pub fn executor(mut self, executor: Arc<dyn Executor>) -> Self {
        self.executor = executor;
        self
    }

    /// The largest number of units that run at the same time (default: 1).
    pub fn parallelism(mut self, parallelism: Parallelism) -> Self {
        self.parallelism = parallelism;
        self
    }

    /// The memory that the search may use for the summaries and models that it keeps. If it is short, rows are read again.
    pub fn memory_budget(mut self, memory_budget: MemoryBudget) -> Self {
        self.memory_budget = memory_budget;
        self
    }

    /// How rows are divided into folds.
    pub fn splitter(mut self, splitter: Arc<dyn Splitter>) -> Self {
        self.splitter = splitter;
        self
    }

    /// Seed for the folds and for any randomness in stages.
    pub fn seed(mut self, seed: u64) -> Self {
        self.seed = seed;
        self
    }

    /// Whether common work of candidates and folds is done once.
    pub fn sharing(mut self, sharing: Sharing) -> Self {
        self.sharing = sharing;
        self
    }

    /// Keeps the models of all folds and candidates.
    pub fn collect_sub_models(mut self, collect: bool) -> Self {
        self.collect_sub_models = collect;
        self
    }

    /// Whether the procedure by which the best candidate is chosen is scored as well, by nested cross-validation (default:
    /// [`Nested::Off`]).
    pub fn nested(mut self, nested: Nested) -> Self {
        self.nested = nested;
        self
    }

    /// Which candidates are scored on which rounds (default: [`Grid`], all on all).
    pub fn strategy(mut self, strategy: Arc<dyn Strategy>) -> Self {
        self.strategy = strategy;
        self
    }

    /// The rule by which one of the candidates is chosen (default: [`Selection::Best`]).
    pub fn selection(mut self, selection: Selection) -> Self {
        self.selection = selection;
        self
    }

    /// The largest number of pairs of a candidate and a round that are scored (default: no limit). A search over a grid
    /// that needs more is an error before anything is fitted; a strategy that depends on scores ends there.
    pub fn max_fits(mut self, max_fits: u64) -> Self {
        self.max_fits = Some(max_fits);
        self
    }

    /// Also predicts every validation row with the best candidate fitted on the training rows of its round (default: no). If that
    /// fails, a note of the result says why.
    pub fn out_of_fold(self, out_of_fold: bool) -> Self {
        self.out_of_fold_within(if out_of_fold { usize::MAX } else { 0 })
    }

    /// As [`out_of_fold`](Self::out_of_fold), unless there are more rounds than these: each takes another fit.
    pub fn out_of_fold_within(mut self, rounds: usize) -> Self {
        self.out_of_fold = rounds;
        self
    }

    /// Rows that the search does not see: the model that is fitted last is scored on them once, by all evaluators (see
    /// [`SearchResult::test`]).
    pub fn test(mut self, rows: DataFrame) -> Self {
        self.test = Some(rows);
        self
    }

    /// A token by which the search can be cancelled, from any thread: it ends within one pass over the rows of the units that
    /// are running, with [`Error::Cancelled`], which holds everything that was scored.
    ///
    /// A search that can be cancelled runs on a thread of its own, unless it is called on a thread of a rayon pool. So it also
    /// ends if a part of it does not return: see [`grace`](Self::grace).
    pub fn cancel_token(mut self, token: CancelToken) -> Self {
        self.cancel = token.clone();
        self.refit_token = token;
        self
    }

    /// The longest time that scoring may take (default: no limit). Then the search ends as if it were cancelled, but the best of
    /// the candidates that are scored on the most rounds is fitted on all rows, which takes its own time. Without any score,
    /// the error is [`Error::Cancelled`].
    pub fn max_time(mut self, limit: Duration) -> Self {
        self.max_time = Some(limit);
        self
    }

    /// The longest time that a unit may take to fit and score (default: no limit). A unit that takes longer fails, and its
    /// candidates with it; the others go on.
    pub fn max_fit_time(mut self, limit: Duration) -> Self {
        self.max_fit_time = Some(limit);
        self
    }

    /// The number of pairs of a candidate and a round that may fail (default: no limit). If more do, the search ends with
    /// [`Error::TooManyFailures`], which holds everything that was scored.
    pub fn max_failures(mut self, limit: u64) -> Self {
        self.max_failures = Some(limit);
        self
    }

    /// Keeps every score in a folder as soon as it is known, and looks there first: a search that was interrupted, in whatever way,
    /// goes on where it was when it is run again, and its result is the same as if it had never been interrupted (apart from times
    /// and the work that was done).
    ///
    /// Scores are found by what they depend on: the data, the rows of the round, the configuration of the candidate, the
    /// evaluators, the seed and the program. So a search with more candidates finds those of a smaller one. Only one process
    /// writes to a folder at a time, unless it [`joins`](Self::join) others.
    pub fn journal(mut self, folder: impl Into<PathBuf>) -> Self {
        expect_program();
        self.journal = Some(folder.into());
        self
    }

    /// Works on the same search as other processes that have the same [`journal`](Self::journal) and join: each score is computed by one of
    /// them, that of a process that dies by another one, and all have the same result. The folder may be on another machine, if
    /// its file system has locks.
    pub fn join(mut self, join: bool) -> Self {
        self.sole = if join { Sole::Joined } else { Sole::Alone };
        self
    }

    /// [`Joins`](Self::join) others as a process of this name, whose death somebody [reports](crate::report_death). Cells that such a process was
    /// computing are tried alone by another one, and are failures if two more die at them.
    pub fn worker(mut self, name: impl Into<String>) -> Self {
        self.sole = Sole::Watched;
        self.worker = Some(name.into());
        self
    }

    /// What identifies the data in the [`journal`](Self::journal), such as a hash of the files and of how they are read. By default it
    /// is a hash of all values, for which all rows are read.
    pub fn data_fingerprint(mut self, fingerprint: impl Into<String>) -> Self {
        self.data_fingerprint = Some(fingerprint.into());
        self
    }

    /// How long a part of the search, such as an executor or a stage, may go on after the search was cancelled (default: 5 s).
    /// Then the search ends with [`Error::NotReturned`], which names the part; its thread is left behind.
    pub fn grace(mut self, grace: Duration) -> Self {
        self.grace = grace;
        self
    }

    /// Adds an observer, which follows the search while it runs.
    pub fn observe(mut self, observer: Arc<dyn Observer>) -> Self {
        self.observers.add(observer);
        self
    }

    /// Calls a function with everything that happens while the search runs, on the thread where it happens: see [`Observer`].
    pub fn on_event(self, f: impl Fn(&SearchEvent) + Send + Sync + 'static) -> Self {
        self.observe(Arc::new(OnEvent(f)))
    }

    /// A note if the executor cannot provide `parallelism`.
    pub(crate) fn executor_note(&self) -> Option<String> {
        let executor: &dyn Any = self.executor.as_ref();
        match self.parallelism {
            Parallelism::Fixed(n) if n.get() > 1 && executor.is::<Serial>() => Some(format!(
                "the executor `serial` runs one unit at a time, although parallelism is {n}: use `thread_pool`"
            )),
            _ => None,
        }
    }

    /// The registered name of the estimator, for events.
    pub(crate) fn estimator_name(&self) -> &'static str {
        self.pipelines.first().map_or("", |first| first.estimator.type_name())
    }

    /// The names of the competing pipelines, in order.
    pub(crate) fn pipeline_names(&self) -> Vec<String> {
        let name = |(place, one): (usize, &Contender)| one.name.clone().unwrap_or_else(|| place.to_string());
        self.pipelines.iter().enumerate().map(name).collect()
    }

    /// The name of the metric that ranks the candidates.
    pub fn metric(&self) -> String {
        self.metrics().into_iter().next().unwrap_or_default()
    }

    pub(crate) fn metrics(&self) -> Vec<String> {
        metric_names(&self.evaluators)
    }

    pub(crate) fn limit(&self, units: usize, forecast: &Forecast) -> std::num::NonZeroUsize {
        self.parallelism.limit(self.executor.as_ref(), units, forecast.units_that_fit())
    }

    pub(crate) fn is_larger_better(&self) -> bool {
        self.evaluators.first().is_some_and(|first| first.is_larger_better())
    }

    /// The name of the strategy in messages and results, without quotes.
    pub(crate) fn strategy_name(&self) -> String {
        name_of(self.strategy.as_ref()).replace('`', "")
    }

    /// The tree of some candidates.
    pub(crate) fn tree_of(
        &self,
        schema: &Schema,
        candidates: &[Candidate],
        estimators: &[Arc<dyn DynEstimator>],
    ) -> Result<Tree> {
        let mut tree = Tree::new(schema);
        self.add_to(&mut tree, candidates, estimators)?;
        Ok(tree)
    }

    /// Checks candidates and adds them to a tree.
    pub(crate) fn add_to(
        &self,
        tree: &mut Tree,
        candidates: &[Candidate],
        estimators: &[Arc<dyn DynEstimator>],
    ) -> Result<()> {
        // Whether stages suit each other is only known for the combination.
        let may_not_fit = |place: usize| {
            candidates.get(place).is_some_and(|one| self.changes_stages(one.pipeline, &one.params))
        };
        let asked = |schema: &Schema| AskedToScore::of(&self.evaluators, schema);
        let first = tree.paths.len();
        tree.add(estimators, candidates, may_not_fit, asked).map_err(|error| match error.candidate_index() {
            Some(index) => {
                let place = index.checked_sub(first).and_then(|place| candidates.get(place));
                self.in_pipeline(error, place.map_or(0, |one| one.pipeline))
            }
            None => error,
        })
    }

    fn pipeline(&self, pipeline: usize) -> Result<&Contender> {
        let count = self.pipelines.len();
        let unknown =
            || Error::invalid(format!("there is no pipeline {pipeline}: there are {count}, numbered from 0"));
        self.pipelines.get(pipeline).ok_or_else(unknown)
    }

    /// Adds the name of the pipeline to an error about a candidate, if several compete.
    pub(crate) fn in_pipeline(&self, error: Error, pipeline: usize) -> Error {
        match self.pipeline_names().get(pipeline) {
            Some(name) if self.pipelines.len() > 1 => error.in_pipeline(name),
            _ => error,
        }
    }

    /// Whether parameters exchange or omit stages.
    pub(crate) fn changes_stages(&self, pipeline: usize, params: &ParamMap) -> bool {
        let root = self.pipelines.get(pipeline);
        root.is_some_and(|one| params.iter().any(|(path, _)| one.estimator.changes_stages(path)))
    }

    /// The parameters without those that do not matter for stages that they exchange or omit.
    pub(crate) fn relevant(&self, pipeline: usize, params: &ParamMap, index: usize) -> Result<ParamMap> {
        let root = &self.pipeline(pipeline)?.estimator;
        if !self.changes_stages(pipeline, params) {
            return Ok(params.clone());
        }
        let relevant = root.relevant(params);
        relevant.map_err(|e| self.in_pipeline(Error::candidate(index, params, e), pipeline))
    }

    /// A pipeline with these parameters.
    pub(crate) fn configured(
        &self,
        pipeline: usize,
        params: &ParamMap,
        index: usize,
    ) -> Result<Arc<dyn DynEstimator>> {
        let estimator = self.pipeline(pipeline)?.estimator.with_params(params);
        let estimator = estimator.map_err(|e| self.in_pipeline(Error::candidate(index, params, e), pipeline));
        Ok(Arc::from(estimator?))
    }
}

/// The distinct names of the metrics of evaluators: a number is appended to one that another metric has.
pub fn metric_names(evaluators: &[Box<dyn DynEvaluator>]) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    for evaluator in evaluators {
        let name = evaluator.metric();
        let numbered = (2..).map(|n| format!("{name}_{n}"));
        let mut free = [name.clone()].into_iter().chain(numbered).filter(|name| !names.contains(name));
        let free = free.next().unwrap_or(name);
        names.push(free);
    }
    names
}

/// Whether one configuration makes a simpler model than another.
pub(crate) fn is_simpler(one: &dyn DynEstimator, other: &dyn DynEstimator) -> bool {
    one.compare_complexity(other) == Some(Ordering::Less)
}
