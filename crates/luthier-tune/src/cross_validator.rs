//! K-fold cross-validation.

use std::marker::PhantomData;
use std::sync::Arc;

use luthier_core::{Estimator, Evaluator};

use crate::grid::ParamGrid;
use crate::search::Search;
use crate::splitter::{FoldColumn, KFold};

/// Scores every candidate of a grid on each of `num_folds` folds in turn, after fitting it on the others, and fits
/// the best by mean metric on all rows: Spark's `CrossValidator`.
///
/// | parameter | default | |
/// |---|---|---|
/// | `num_folds` | 3 | at least 2; folds are as equal in size as can be |
/// | `fold_col` | none | an integer column with the fold of each row, instead of random folds |
/// | `parallelism` | 1 | how many units are in flight at most |
/// | `memory_budget` | a quarter of the free memory | how much what is kept may take |
/// | `seed` | 0 | decides folds and whatever stages draw |
/// | `collect_sub_models` | false | keeps the models of all folds and candidates |
///
/// What candidates and folds have in common is computed once. Unlike Spark's, folds do not change when the frame
/// is repartitioned, a candidate that fails is a row with its error, and NaN never wins.
#[derive(Debug, Clone)]
pub struct CrossValidator<E: Estimator> {
    pub(crate) search: Search,
    estimator: PhantomData<fn() -> E>,
}

impl<E: Estimator> CrossValidator<E> {
    /// A cross-validation with the defaults, on the calling thread.
    pub fn new(estimator: E, grid: ParamGrid, evaluator: impl Evaluator) -> Self {
        let splitter = Arc::new(KFold::default());
        let search = Search::new(Box::new(estimator), grid, Box::new(evaluator), splitter);
        Self { search, estimator: PhantomData }
    }

    /// Number of random folds.
    pub fn num_folds(mut self, num_folds: u32) -> Self {
        self.search = self.search.splitter(Arc::new(KFold::new().num_folds(num_folds)));
        self
    }

    /// The integer column that holds the fold of each row, from 0.
    pub fn fold_col(mut self, fold_col: &str) -> Self {
        self.search = self.search.splitter(Arc::new(FoldColumn::new().fold_col(fold_col)));
        self
    }
}

crate::tuned_model::search_options!(CrossValidator);
