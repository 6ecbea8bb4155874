//! The result of tuning an estimator.

use std::marker::PhantomData;
use std::path::Path;
use std::sync::Arc;

use luthier_core::frame::DataFrame;
use luthier_core::{DynModel, Estimator, Evaluator, persist};

use super::Tuned;
use crate::result::SearchResult;
use crate::{Error, Result};

/// The best model of a search, with its type, and how it was found.
#[derive(Debug, Clone)]
pub struct TunedModel<E: Estimator> {
    tuned: Tuned,
    best: PhantomData<fn() -> E>,
}

impl<E: Estimator> TunedModel<E> {
    /// The search's outcome for an estimator of type `E`.
    ///
    /// # Errors
    /// If the model is of another type.
    pub(crate) fn new(tuned: Tuned) -> Result<Self> {
        let typed = Self { tuned, best: PhantomData };
        typed.best().map(|_| ())?;
        Ok(typed)
    }

    fn best(&self) -> Result<&E::Model> {
        let other = || Error::invalid(format!("the best model is not a model of `{}`", E::NAME));
        self.tuned.model.downcast_ref::<E::Model>().ok_or_else(other)
    }

    /// The best candidate, fitted on all rows.
    #[allow(clippy::missing_panics_doc, reason = "the type was checked when this was made")]
    pub fn best_model(&self) -> &E::Model {
        match self.best() {
            Ok(model) => model,
            Err(_) => unreachable!("the type was checked when this was made"),
        }
    }

    /// Every candidate's metrics, times and errors.
    pub fn result(&self) -> &SearchResult {
        &self.tuned.result
    }

    /// The mean metric of every candidate, in the order of the grid.
    pub fn avg_metrics(&self) -> Vec<f64> {
        self.tuned.result.candidates.iter().map(|candidate| candidate.mean).collect()
    }

    /// The predictions of the best candidate for rows that it was not fitted on, if `out_of_fold(true)` was set: see
    /// [`Session::out_of_fold`](crate::Session::out_of_fold).
    pub fn out_of_fold(&self) -> Option<&DataFrame> {
        self.tuned.out_of_fold.as_ref()
    }

    /// The model of a candidate on a fold.
    ///
    /// # Errors
    /// If sub-models were not collected, the fold or candidate does not exist, or it failed.
    pub fn sub_model(&self, fold: usize, candidate: usize) -> Result<&E::Model> {
        let Some(all) = &self.tuned.sub_models else {
            return Err(Error::invalid(
                "sub-models were not collected: call `collect_sub_models(true)` before `fit`",
            ));
        };
        let model = all.get(fold).and_then(|fold| fold.get(candidate)).and_then(Option::as_ref);
        let none = || Error::invalid(format!("candidate {candidate} has no model on fold {fold}"));
        model.and_then(|model| model.downcast_ref::<E::Model>()).ok_or_else(none)
    }

    /// The best model without its type.
    pub fn model(&self) -> &Arc<dyn DynModel> {
        &self.tuned.model
    }

    /// Passes a frame through the best model.
    ///
    /// # Errors
    /// Those of the model.
    pub fn transform(&self, data: &DataFrame) -> Result<DataFrame> {
        Ok(self.tuned.model.transform(data)?)
    }

    /// The metric of the best model on the rows of a frame, such as a test set.
    ///
    /// # Errors
    /// Those of the model, and of the evaluator.
    pub fn evaluate_frame(&self, data: &DataFrame, evaluator: &impl Evaluator) -> Result<f64> {
        Ok(evaluator.evaluate_frame(&self.transform(data)?)?)
    }

    /// Saves the best model, with all floats bit for bit.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub fn save(&self, path: impl AsRef<Path>) -> Result<()> {
        Ok(persist::save_model(path.as_ref(), self.tuned.model.as_ref())?)
    }
}

/// The options and methods that every kind of search has.
macro_rules! search_options {
    ($search:ident) => {
        impl<E: Estimator> $search<E> {
            /// Also scores every candidate by another evaluator: its metrics are in
            /// [`SearchResult::also`](crate::SearchResult). The first evaluator decides; where this one fails, only its
            /// metric is missing.
            pub fn also(mut self, evaluator: impl luthier_core::Evaluator) -> Self {
                self.search = self.search.also(Box::new(evaluator));
                self
            }

            /// Lets another estimator of the same type, such as another pipeline, compete with candidates of its own.
            /// Stages that both have, by name, type and parameters, are fitted once.
            pub fn or(mut self, estimator: E, grid: impl Into<$crate::ParamGrid>) -> Self {
                self.search = self.search.or(Box::new(estimator), grid);
                self
            }

            /// Names the estimator that was added last, for results and messages. An estimator without a name is identified by
            /// its position, from 0.
            pub fn named(mut self, name: impl Into<String>) -> Self {
                self.search = self.search.named(name);
                self
            }

            /// Divides the rows with any splitter, including your own.
            pub fn splitter(mut self, splitter: impl $crate::Splitter) -> Self {
                self.search = self.search.splitter(Arc::new(splitter));
                self
            }

            /// The executor that runs the units of work; by default [`ThreadPool`](crate::executor::ThreadPool).
            pub fn executor(mut self, executor: impl $crate::executor::Executor) -> Self {
                self.search = self.search.executor(Arc::new(executor));
                self
            }

            /// The largest number of units that run at the same time: a number, or
            /// [`Parallelism::Auto`](crate::Parallelism::Auto).
            ///
            /// # Errors
            /// Zero.
            pub fn parallelism(
                mut self,
                parallelism: impl TryInto<$crate::Parallelism, Error: Into<$crate::Error>>,
            ) -> $crate::Result<Self> {
                let parallelism = parallelism.try_into().map_err(Into::into)?;
                self.search = self.search.parallelism(parallelism);
                Ok(self)
            }

            /// The memory that summaries and models kept by the search may take; by default a quarter of the free memory.
            /// If it does not suffice, rows are read more often.
            pub fn memory_budget(mut self, memory_budget: $crate::MemoryBudget) -> Self {
                self.search = self.search.memory_budget(memory_budget);
                self
            }

            /// Seed for the folds and for any randomness in stages.
            pub fn seed(mut self, seed: u64) -> Self {
                self.search = self.search.seed(seed);
                self
            }

            /// Whether work that candidates and folds have in common is done once.
            pub fn sharing(mut self, sharing: $crate::Sharing) -> Self {
                self.search = self.search.sharing(sharing);
                self
            }

            /// Whether the procedure by which the best candidate is chosen is scored as well, by nested cross-validation.
            pub fn nested(mut self, nested: $crate::Nested) -> Self {
                self.search = self.search.nested(nested);
                self
            }

            /// Which candidates are scored on which rounds; by default all on all: see [`strategy`](crate::strategy).
            pub fn strategy(mut self, strategy: impl $crate::Strategy) -> Self {
                self.search = self.search.strategy(Arc::new(strategy));
                self
            }

            /// The rule by which one of the candidates is chosen; by default the best mean.
            pub fn selection(mut self, selection: $crate::Selection) -> Self {
                self.search = self.search.selection(selection);
                self
            }

            /// The largest number of pairs of a candidate and a round that are scored: see
            /// [`Search::max_fits`](crate::Search::max_fits).
            pub fn max_fits(mut self, max_fits: u64) -> Self {
                self.search = self.search.max_fits(max_fits);
                self
            }

            /// Also predicts every validation row with the best candidate fitted on the training rows of its round.
            pub fn out_of_fold(mut self, out_of_fold: bool) -> Self {
                self.search = self.search.out_of_fold(out_of_fold);
                self
            }

            /// Keeps every score in a folder, and looks there first: see [`Search::journal`](crate::Search::journal).
            pub fn journal(mut self, folder: impl Into<std::path::PathBuf>) -> Self {
                self.search = self.search.journal(folder);
                self
            }

            /// Works on the same search as other processes: see [`Search::join`](crate::Search::join).
            pub fn join(mut self, join: bool) -> Self {
                self.search = self.search.join(join);
                self
            }

            /// What identifies the data in the journal: see [`Search::data_fingerprint`](crate::Search::data_fingerprint).
            pub fn data_fingerprint(mut self, fingerprint: impl Into<String>) -> Self {
                self.search = self.search.data_fingerprint(fingerprint);
                self
            }

            /// Rows that the search does not see: the model that is fitted last is scored on them once, by all evaluators (see
            /// [`SearchResult::test`](crate::SearchResult)).
            pub fn test(mut self, rows: luthier_core::frame::DataFrame) -> Self {
                self.search = self.search.test(rows);
                self
            }

            /// A token by which the search can be cancelled: see [`Search::cancel_token`](crate::Search::cancel_token).
            pub fn cancel_token(mut self, token: luthier_core::CancelToken) -> Self {
                self.search = self.search.cancel_token(token);
                self
            }

            /// The longest time that scoring may take: see [`Search::max_time`](crate::Search::max_time).
            pub fn max_time(mut self, limit: std::time::Duration) -> Self {
                self.search = self.search.max_time(limit);
                self
            }

            /// The longest time that a unit may take: see [`Search::max_fit_time`](crate::Search::max_fit_time).
            pub fn max_fit_time(mut self, limit: std::time::Duration) -> Self {
                self.search = self.search.max_fit_time(limit);
                self
            }

            /// The number of pairs of a candidate and a round that may fail: see
            /// [`Search::max_failures`](crate::Search::max_failures).
            pub fn max_failures(mut self, limit: u64) -> Self {
                self.search = self.search.max_failures(limit);
                self
            }

            /// How long a part may go on after the search was cancelled: see [`Search::grace`](crate::Search::grace).
            pub fn grace(mut self, grace: std::time::Duration) -> Self {
                self.search = self.search.grace(grace);
                self
            }

            /// Adds an observer, which follows the search while it runs.
            pub fn observe(mut self, observer: impl $crate::Observer) -> Self {
                self.search = self.search.observe(Arc::new(observer));
                self
            }

            /// Checks every candidate and starts a session, which scores candidates as it is asked.
            ///
            /// # Errors
            /// See [`Search::session`](crate::Search::session).
            pub fn session(&self, data: &luthier_core::frame::DataFrame) -> $crate::Result<$crate::Session> {
                self.search.session(data)
            }

            /// Keeps the models of all folds and candidates.
            pub fn collect_sub_models(mut self, collect: bool) -> Self {
                self.search = self.search.collect_sub_models(collect);
                self
            }

            /// Calls a function with everything that happens while the search runs: see
            /// [`Search::on_event`](crate::Search::on_event).
            pub fn on_event(
                mut self,
                observer: impl Fn(&$crate::SearchEvent) + Send + Sync + 'static,
            ) -> Self {
                self.search = self.search.on_event(observer);
                self
            }

            /// Checks every candidate and returns the plan of the search, without running it.
            ///
            /// # Errors
            /// See [`Search::explain`](crate::Search::explain).
            pub fn explain(&self, data: &luthier_core::frame::DataFrame) -> $crate::Result<String> {
                self.search.explain(data)
            }

            /// Checks every candidate and returns the plan of the search as a value.
            ///
            /// # Errors
            /// See [`Search::plan`](crate::Search::plan).
            pub fn plan(&self, data: &luthier_core::frame::DataFrame) -> $crate::Result<$crate::Plan> {
                self.search.plan(data)
            }

            /// Runs the search and fits the best candidate on all rows.
            ///
            /// # Errors
            /// See [`Search::fit`](crate::Search::fit).
            pub fn fit(
                &self,
                data: &luthier_core::frame::DataFrame,
            ) -> $crate::Result<$crate::TunedModel<E>> {
                $crate::TunedModel::new(self.search.fit(data)?)
            }

            /// Runs the search over shards and fits the best candidate on all rows; what is computed is kept with the shards.
            ///
            /// # Errors
            /// See [`Search::fit_shards`](crate::Search::fit_shards).
            pub fn fit_shards(&self, shards: &mut $crate::Shards) -> $crate::Result<$crate::TunedModel<E>> {
                $crate::TunedModel::new(self.search.fit_shards(shards)?)
            }

            /// Computes what the search needs to know of shards.
            ///
            /// # Errors
            /// See [`Search::summarize`](crate::Search::summarize).
            pub fn summarize(&self, shards: &mut $crate::Shards) -> $crate::Result<()> {
                self.search.summarize(shards)
            }
        }
    };
}
pub(crate) use search_options;
