//! One split into training and validation rows.

use std::marker::PhantomData;
use std::sync::Arc;

use luthier_core::{Estimator, Evaluator};

use super::Search;
use crate::grid::ParamGrid;
use crate::splitter::TrainRatio;

/// Fits every candidate of a grid on a random share of the rows, scores it on the others, and fits the best on all
/// rows: Spark's `TrainValidationSplit`.
///
/// | parameter | default | |
/// |---|---|---|
/// | `train_ratio` | 0.75 | share of the rows to fit on, between 0 and 1 |
/// | `splitter` | none | any other [`Splitter`](crate::Splitter) |
/// | `executor` | `ThreadPool` | runs the units of work |
/// | `parallelism` | 1 | the largest number of units that run at the same time |
/// | `memory_budget` | a quarter of the free memory | memory for the summaries and models that the search keeps |
/// | `seed` | 0 | seed for the split and for any randomness in stages |
/// | `collect_sub_models` | false | keeps the models of all candidates |
///
/// ```
#[doc = include_str!("../example_parts.txt")]
/// use luthier_tune::{ParamGrid, TrainValidationSplit};
///
/// let grid = ParamGrid::new().add(Ridge::REG_PARAM, [0.01, 0.1, 1.0]);
/// let search = TrainValidationSplit::new(Ridge::new(), grid, Error::new()).train_ratio(0.8).seed(7);
/// let tuned = search.fit(&data)?;
/// assert_eq!(tuned.avg_metrics().len(), 3);
/// println!("{}", tuned.result().leaderboard()[0].params);
/// # Ok::<(), anyhow::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct TrainValidationSplit<E: Estimator> {
    pub(crate) search: Search,
    estimator: PhantomData<fn() -> E>,
}

impl<E: Estimator> TrainValidationSplit<E> {
    /// A split with the defaults. The candidates are a [`ParamGrid`] or a list of
    /// [`ParamMap`](luthier_core::ParamMap)s.
    pub fn new(estimator: E, grid: impl Into<ParamGrid>, evaluator: impl Evaluator) -> Self {
        let splitter = Arc::new(TrainRatio::default());
        let search = Search::new(Box::new(estimator), grid.into(), Box::new(evaluator), splitter);
        Self { search, estimator: PhantomData }
    }

    /// Share of the rows to fit on.
    pub fn train_ratio(mut self, train_ratio: f64) -> Self {
        self.search = self.search.splitter(Arc::new(TrainRatio::new().train_ratio(train_ratio)));
        self
    }
}

super::tuned_model::search_options!(TrainValidationSplit);
