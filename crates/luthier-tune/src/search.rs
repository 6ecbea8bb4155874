//! The search: check, plan, split, summarise, run units level by level, rank, refit.

use std::any::Any;
use std::fmt;
use std::sync::Arc;

use luthier_core::frame::{DataFrame, Schema};
use luthier_core::{Dataset, DynEstimator, DynEvaluator, DynModel, ParamMap, WorkCounter};

use crate::executor::{Executor, Serial, ThreadPool};
use crate::explain::Explanation;
use crate::forecast::{CostEstimate, Forecast};
use crate::grid::ParamGrid;
use crate::memory_budget::MemoryBudget;
use crate::missing_classes::MissingClasses;
use crate::parallelism::Parallelism;
use crate::plan::{AskedToScore, BaseNeed, Tree, candidates};
use crate::procedure::{Nested, Nesting, nest};
use crate::result::SearchResult;
use crate::run::Run;
use crate::splitter::{Split, Splitter};
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

/// Progress of a running search.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Progress {
    /// The number of finished units.
    pub done: usize,
    /// The number of all units.
    pub total: usize,
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

type OnProgress = Arc<dyn Fn(Progress) + Send + Sync>;

/// A search over the candidates of a grid: the engine behind [`CrossValidator`](crate::CrossValidator) and
/// [`TrainValidationSplit`](crate::TrainValidationSplit), for parts whose types are known only when the program runs.
///
/// ```
#[doc = include_str!("example_parts.txt")]
/// use std::sync::Arc;
/// use luthier_tune::{KFold, ParamGrid, Parallelism, Search};
///
/// let grid = ParamGrid::new().add_by_name("reg_param", [0.01, 0.1, 1.0]);
/// let splitter = Arc::new(KFold::new().num_folds(5));
/// let search = Search::new(Box::new(Ridge::new()), grid, Box::new(Error::new()), splitter)
///     .parallelism(Parallelism::fixed(4)?)
///     .on_progress(|progress| println!("{} of {} units", progress.done, progress.total));
/// println!("{}", search.explain(&data)?);
/// let tuned = search.fit(&data)?;
/// assert_eq!(tuned.result.candidates.len(), 3);
/// # Ok::<(), anyhow::Error>(())
/// ```
///
/// Several pipelines compete if [`or`](Self::or) adds others:
///
/// ```
#[doc = include_str!("example_parts.txt")]
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
    pub(crate) on_progress: Option<OnProgress>,
}

impl fmt::Debug for Search {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Search")
            .field("pipelines", &self.pipelines)
            .field("evaluators", &self.evaluators)
            .field("splitter", &self.splitter)
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
}

/// The largest number of pairs of a candidate and a round for which [`Nested::Auto`] scores the procedure.
const MOST_NESTED_CELLS: usize = 20_000;

/// The rounds of a search.
pub(crate) struct Rounds {
    pub(crate) split: Split,
    /// The number of rounds of the splitter; those after them are of nested cross-validation.
    pub(crate) plain: usize,
    pub(crate) nesting: Option<Nesting>,
    pub(crate) forecast: Forecast,
}

/// What is known once everything is checked and before anything is fitted.
pub(crate) struct Prepared {
    pub(crate) params: Vec<ParamMap>,
    /// The position of the pipeline of each candidate.
    pub(crate) pipelines: Vec<usize>,
    pub(crate) configured: Arc<Vec<Box<dyn DynEstimator>>>,
    pub(crate) tree: Arc<Tree>,
    pub(crate) base_needs: Vec<BaseNeed>,
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
            on_progress: None,
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

    /// Calls `observer` whenever a unit finishes, on the thread that ran it.
    pub fn on_progress(mut self, f: impl Fn(Progress) + Send + Sync + 'static) -> Self {
        self.on_progress = Some(Arc::new(f));
        self
    }

    /// Checks every candidate against the schema and describes what the search will do, without doing it.
    ///
    /// # Errors
    /// Those of [`fit`](Self::fit) that come before any work.
    pub fn explain(&self, data: &DataFrame) -> Result<String> {
        let prepared = self.prepare(data.schema())?;
        let Rounds { split, plain, nesting, forecast } = self.rounds(&prepared, data)?;
        Ok(Explanation {
            tree: &prepared.tree,
            base_needs: &prepared.base_needs,
            candidates: prepared.params.len(),
            pipelines: self.pipelines_in_words(&prepared),
            split: &split,
            plain,
            nested: nesting.is_some(),
            frame: data,
            metrics: self.metrics(),
            sharing: self.sharing,
            executor: self.executor.as_ref(),
            limit: if self.executor_note().is_some() { 1 } else { self.limit(usize::MAX, &forecast).get() },
            parallelism: &self.parallelism,
            memory_budget: self.memory_budget,
            forecast,
            executor_note: self.executor_note(),
        }
        .to_string())
    }

    /// Runs the search and fits the best candidate on all rows.
    ///
    /// A candidate is a row with its error if its parameters contradict each other, if it fails while it is fitted or
    /// scored, or if it exchanges or omits stages so that the others do not suit the columns.
    ///
    /// # Errors
    /// Before any fit: a wrong name, type, range or column of any other candidate; no candidate that can be
    /// fitted; a summary that does not fit into memory; an invalid split; rows that no candidate can use. After:
    /// [`Error::AllFailed`] or [`Error::NoMetric`] if no candidate has a mean metric, [`Error::Executor`] if the executor
    /// violated its contract, [`Error::Refit`] if the best candidate cannot be fitted on all rows.
    pub fn fit(&self, data: &DataFrame) -> Result<Tuned> {
        let prepared = self.prepare(data.schema())?;
        let rounds = self.rounds(&prepared, data)?;
        let split = &rounds.split;
        let classes = self.missing_classes(data, &prepared, split);
        let work = Arc::new(WorkCounter::default());
        let base = Dataset::with_blocks(data.clone(), split.blocks().clone())?.counted_by(Arc::clone(&work));
        Run::new(self, prepared, rounds, work).complete(base, classes)
    }

    /// The classes missing from the training rows of folds, for each column of class labels.
    fn missing_classes(&self, data: &DataFrame, prepared: &Prepared, split: &Split) -> Vec<MissingClasses> {
        let mut labels: Vec<String> = self.evaluators.iter().filter_map(|e| e.class_col()).collect();
        labels.sort_unstable();
        labels.dedup();
        // All pipelines derive a label in the same way; otherwise it would not be the same label.
        let Some(stages) = prepared.tree.valid().next().and_then(|first| prepared.configured.get(first))
        else {
            return Vec::new();
        };
        labels.iter().map(|label| MissingClasses::of(data, split, label, stages.as_ref())).collect()
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

    fn prepare(&self, schema: &Schema) -> Result<Prepared> {
        self.splitter.check_schema(schema).map_err(|e| Error::splitter(self.splitter.as_ref(), e))?;
        let names = self.pipeline_names();
        if let Some(twice) = names.iter().enumerate().find(|(place, name)| names[..*place].contains(name)) {
            return Err(Error::invalid(format!("two pipelines of the search are named `{}`", twice.1)));
        }
        let named = |error: Error, place: usize| match names.get(place) {
            Some(name) if names.len() > 1 => error.in_pipeline(name),
            _ => error,
        };
        let (mut params, mut pipelines, mut configured) = (Vec::new(), Vec::new(), Vec::new());
        for (place, Contender { estimator: root, grid, .. }) in self.pipelines.iter().enumerate() {
            for map in candidates(root.as_ref(), grid, self.seed).map_err(|e| named(e, place))? {
                let estimator = root.with_params(&map);
                let estimator = estimator.map_err(|e| named(Error::candidate(params.len(), &map, e), place));
                configured.push(estimator?);
                params.push(map);
                pipelines.push(place);
            }
        }
        let asked = |schema: &Schema| AskedToScore::of(&self.evaluators, schema);
        // Whether stages suit each other is only known for the combination.
        let may_not_fit = |candidate: usize| {
            let root = pipelines.get(candidate).and_then(|place| self.pipelines.get(*place));
            let mut paths = params.get(candidate).into_iter().flat_map(|map: &ParamMap| map.iter());
            root.is_some_and(|one| paths.any(|(path, _)| one.estimator.changes_stages(path)))
        };
        let tree = Tree::new(&configured, &params, schema, may_not_fit, asked);
        let (tree, base_needs) = tree.map_err(|error| match error.candidate_index() {
            Some(candidate) => named(error, pipelines.get(candidate).copied().unwrap_or(0)),
            None => error,
        })?;
        Ok(Prepared { params, pipelines, configured: Arc::new(configured), tree: Arc::new(tree), base_needs })
    }

    /// The name and the number of candidates of each pipeline, if there are several.
    fn pipelines_in_words(&self, prepared: &Prepared) -> Vec<(String, usize)> {
        let of = |(place, name)| (name, prepared.pipelines.iter().filter(|other| **other == place).count());
        match self.pipelines.len() {
            1 => Vec::new(),
            _ => self.pipeline_names().into_iter().enumerate().map(of).collect(),
        }
    }

    fn split(&self, data: &DataFrame) -> Result<Split> {
        if data.num_rows() == 0 {
            return Err(Error::invalid("the frame has no rows"));
        }
        let named = |e| Error::splitter(self.splitter.as_ref(), e);
        let split = self.splitter.split(data, self.seed).map_err(named)?;
        split.check(data.num_rows()).map_err(|e| named(e.into()))?;
        Ok(split)
    }

    /// The split, with the rounds of nested cross-validation if the procedure is scored, and what they are expected to take.
    fn rounds(&self, prepared: &Prepared, data: &DataFrame) -> Result<Rounds> {
        let split = self.split(data)?;
        let plain = split.rounds().len();
        let forecast = self.forecast(prepared, &split, data)?;
        let nested = match self.nested {
            Nested::Off => None,
            Nested::On => nest(&split),
            Nested::Auto => {
                let from_summaries =
                    !forecast.is_approximate && forecast.work.rows_read <= data.num_rows() as u64;
                nest(&split).filter(|(nested, _)| {
                    let cells = nested.rounds().len().saturating_mul(prepared.params.len());
                    from_summaries && cells <= MOST_NESTED_CELLS
                })
            }
        };
        match nested {
            Some((split, nesting)) => {
                let forecast = self.forecast(prepared, &split, data)?;
                Ok(Rounds { split, plain, nesting: Some(nesting), forecast })
            }
            None => Ok(Rounds { split, plain, nesting: None, forecast }),
        }
    }

    fn forecast(&self, prepared: &Prepared, split: &Split, data: &DataFrame) -> Result<Forecast> {
        let estimate = CostEstimate {
            tree: &prepared.tree,
            base_needs: &prepared.base_needs,
            split,
            frame: data,
            evaluators: self.evaluators.len(),
            sharing: self.sharing,
            memory_budget: self.memory_budget,
        };
        estimate.require_memory()?;
        Ok(estimate.forecast())
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

    /// The distinct names of the metrics. The first one ranks the candidates.
    pub(crate) fn metrics(&self) -> Vec<String> {
        let mut names: Vec<String> = Vec::new();
        for evaluator in &self.evaluators {
            let name = evaluator.metric();
            let numbered = (2..).map(|n| format!("{name}_{n}"));
            let mut free = [name.clone()].into_iter().chain(numbered).filter(|name| !names.contains(name));
            let free = free.next().unwrap_or(name);
            names.push(free);
        }
        names
    }

    pub(crate) fn limit(&self, units: usize, forecast: &Forecast) -> std::num::NonZeroUsize {
        self.parallelism.limit(self.executor.as_ref(), units, forecast.units_that_fit())
    }
}
