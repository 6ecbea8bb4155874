//! The search: check, plan, split, summarise, run units level by level, rank, refit.

use std::fmt;
use std::sync::Arc;

use luthier_core::frame::{DataFrame, Schema};
use luthier_core::{Dataset, DynEstimator, DynEvaluator, DynModel, ParamMap, WorkCounter};

use crate::executor::{Executor, Serial};
use crate::explain::Explanation;
use crate::forecast::{Forecast, Outlook};
use crate::grid::ParamGrid;
use crate::memory_budget::MemoryBudget;
use crate::parallelism::Parallelism;
use crate::plan::{AskedToScore, BaseNeed, Tree, configure};
use crate::result::SearchResult;
use crate::run::Run;
use crate::splitter::{Split, Splitter};
use crate::{Error, Result};

/// Whether candidates and folds share what they have in common.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Sharing {
    /// What is common is computed once.
    #[default]
    On,
    /// The long way, as an independent check: every candidate is fitted alone on every fold, and rows are passed
    /// through every stage and scored one by one.
    Off,
}

/// How far a search is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    /// Units that are done.
    pub done: usize,
    /// Units in all.
    pub total: usize,
}

type OnProgress = Arc<dyn Fn(Progress) + Send + Sync>;

/// A search over the candidates of a grid: the engine behind [`CrossValidator`](crate::CrossValidator) and
/// [`TrainValidationSplit`](crate::TrainValidationSplit), for any splitter and any executor.
#[derive(Clone)]
pub struct Search {
    pub(crate) estimator: Box<dyn DynEstimator>,
    pub(crate) grid: ParamGrid,
    /// The first decides.
    pub(crate) evaluators: Vec<Box<dyn DynEvaluator>>,
    pub(crate) splitter: Arc<dyn Splitter>,
    pub(crate) executor: Arc<dyn Executor>,
    pub(crate) parallelism: Parallelism,
    pub(crate) memory_budget: MemoryBudget,
    pub(crate) seed: u64,
    pub(crate) sharing: Sharing,
    pub(crate) collect_sub_models: bool,
    pub(crate) on_progress: Option<OnProgress>,
}

impl fmt::Debug for Search {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Search")
            .field("estimator", &self.estimator)
            .field("grid", &self.grid)
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

/// The best model and how it was found.
#[derive(Debug, Clone)]
pub struct Tuned {
    /// The best candidate, fitted on all rows.
    pub model: Arc<dyn DynModel>,
    /// Every candidate's metrics, times and errors.
    pub result: SearchResult,
    /// The models of the folds, where they were to be kept.
    pub sub_models: Option<SubModels>,
}

/// What is known once everything is checked and before anything is fitted.
pub(crate) struct Prepared {
    pub(crate) params: Vec<ParamMap>,
    pub(crate) configured: Arc<Vec<Box<dyn DynEstimator>>>,
    pub(crate) tree: Arc<Tree>,
    pub(crate) base_needs: Vec<BaseNeed>,
}

impl Search {
    /// A search with Spark's defaults: serial, one unit at a time, seed 0.
    pub fn new(
        estimator: Box<dyn DynEstimator>,
        grid: ParamGrid,
        evaluator: Box<dyn DynEvaluator>,
        splitter: Arc<dyn Splitter>,
    ) -> Self {
        Self {
            estimator,
            grid,
            evaluators: vec![evaluator],
            splitter,
            executor: Arc::new(Serial::new()),
            parallelism: Parallelism::default(),
            memory_budget: MemoryBudget::default(),
            seed: 0,
            sharing: Sharing::On,
            collect_sub_models: false,
            on_progress: None,
        }
    }

    /// Scores every candidate by another evaluator too; the first one decides. Where this one fails, its metric is
    /// missing.
    pub fn also(mut self, evaluator: Box<dyn DynEvaluator>) -> Self {
        self.evaluators.push(evaluator);
        self
    }

    /// Who runs the units.
    pub fn executor(mut self, executor: Arc<dyn Executor>) -> Self {
        self.executor = executor;
        self
    }

    /// How many units are in flight at most.
    pub fn parallelism(mut self, parallelism: Parallelism) -> Self {
        self.parallelism = parallelism;
        self
    }

    /// How much memory what is kept may take; rows are read again where it is short.
    pub fn memory_budget(mut self, memory_budget: MemoryBudget) -> Self {
        self.memory_budget = memory_budget;
        self
    }

    /// How rows are divided.
    pub fn splitter(mut self, splitter: Arc<dyn Splitter>) -> Self {
        self.splitter = splitter;
        self
    }

    /// Decides folds and whatever stages draw at random.
    pub fn seed(mut self, seed: u64) -> Self {
        self.seed = seed;
        self
    }

    /// Whether what is common is computed once.
    pub fn sharing(mut self, sharing: Sharing) -> Self {
        self.sharing = sharing;
        self
    }

    /// Keeps the models of all folds and candidates.
    pub fn collect_sub_models(mut self, collect: bool) -> Self {
        self.collect_sub_models = collect;
        self
    }

    /// Is called as units finish, on whatever thread they run.
    pub fn on_progress(mut self, f: impl Fn(Progress) + Send + Sync + 'static) -> Self {
        self.on_progress = Some(Arc::new(f));
        self
    }

    /// Checks every candidate against the schema and says what the search will do, without doing it.
    ///
    /// # Errors
    /// Those of [`fit`](Self::fit) that come before any work.
    pub fn explain(&self, data: &DataFrame) -> Result<String> {
        let prepared = self.prepare(data.schema())?;
        let split = self.split(data)?;
        let forecast = self.forecast(&prepared, &split, data);
        Ok(Explanation {
            tree: &prepared.tree,
            base_needs: &prepared.base_needs,
            candidates: prepared.params.len(),
            split: &split,
            frame: data,
            metrics: self.metrics(),
            sharing: self.sharing,
            executor: self.executor.as_ref(),
            limit: self.limit(usize::MAX, &forecast).get(),
            parallelism: &self.parallelism,
            memory_budget: self.memory_budget,
            forecast,
        }
        .to_string())
    }

    /// Runs the search and fits the best candidate on all rows.
    ///
    /// A candidate that fails while it is fitted or scored is a row with its error.
    ///
    /// # Errors
    /// Before any fit: a name, type, range, column or fold that does not fit, for any candidate; rows that no
    /// candidate can use. After: if every candidate failed, if the executor broke its contract, or if the best
    /// candidate cannot be fitted on all rows.
    pub fn fit(&self, data: &DataFrame) -> Result<Tuned> {
        let prepared = self.prepare(data.schema())?;
        let split = self.split(data)?;
        let forecast = self.forecast(&prepared, &split, data);
        let work = Arc::new(WorkCounter::default());
        let base = Dataset::with_folds(data.clone(), split.folds.clone())?.counted_by(Arc::clone(&work));
        Run::new(self, prepared, split.evaluated, forecast, work).complete(base)
    }

    fn prepare(&self, schema: &Schema) -> Result<Prepared> {
        let params = self.grid.build()?;
        self.splitter.check_schema(schema).map_err(|e| Error::splitter(self.splitter.as_ref(), e))?;
        let configured = params
            .iter()
            .enumerate()
            .map(|(index, params)| {
                configure(self.estimator.as_ref(), params).map_err(|e| Error::candidate(index, params, e))
            })
            .collect::<Result<Vec<_>>>()?;
        let asked = |schema: &Schema| AskedToScore::of(&self.evaluators, schema);
        let (tree, base_needs) = Tree::new(&configured, &params, schema, asked)?;
        Ok(Prepared { params, configured: Arc::new(configured), tree: Arc::new(tree), base_needs })
    }

    fn split(&self, data: &DataFrame) -> Result<Split> {
        if data.num_rows() == 0 {
            return Err(Error::invalid("the frame has no rows"));
        }
        self.splitter.split(data, self.seed).map_err(|e| Error::splitter(self.splitter.as_ref(), e))
    }

    fn forecast(&self, prepared: &Prepared, split: &Split, data: &DataFrame) -> Forecast {
        let outlook = Outlook {
            tree: &prepared.tree,
            base_needs: &prepared.base_needs,
            split,
            frame: data,
            evaluators: self.evaluators.len(),
            sharing: self.sharing,
            memory_budget: self.memory_budget,
        };
        outlook.forecast()
    }

    /// Names of the metrics, each another: the first decides.
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
