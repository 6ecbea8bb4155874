//! One split into training and validation rows.

use std::marker::PhantomData;
use std::sync::Arc;

use luthier_core::{Estimator, Evaluator};

use crate::grid::ParamGrid;
use crate::search::Search;
use crate::splitter::TrainRatio;

/// Fits every candidate of a grid on a random share of the rows, scores it on the others, and fits the best on all
/// rows: Spark's `TrainValidationSplit`.
///
/// | parameter | default | |
/// |---|---|---|
/// | `train_ratio` | 0.75 | share of the rows to fit on, between 0 and 1 |
/// | `parallelism` | 1 | how many units are in flight at most |
/// | `memory_budget` | a quarter of the free memory | how much what is kept may take |
/// | `seed` | 0 | decides the split and whatever stages draw |
/// | `collect_sub_models` | false | keeps the models of all candidates |
#[derive(Debug, Clone)]
pub struct TrainValidationSplit<E: Estimator> {
    pub(crate) search: Search,
    estimator: PhantomData<fn() -> E>,
}

impl<E: Estimator> TrainValidationSplit<E> {
    /// A split with the defaults, on the calling thread.
    pub fn new(estimator: E, grid: ParamGrid, evaluator: impl Evaluator) -> Self {
        let splitter = Arc::new(TrainRatio::default());
        let search = Search::new(Box::new(estimator), grid, Box::new(evaluator), splitter);
        Self { search, estimator: PhantomData }
    }

    /// Share of the rows to fit on.
    pub fn train_ratio(mut self, train_ratio: f64) -> Self {
        self.search = self.search.splitter(Arc::new(TrainRatio::new().train_ratio(train_ratio)));
        self
    }
}

crate::tuned_model::search_options!(TrainValidationSplit);
