//! K-fold cross-validation.

use std::marker::PhantomData;
use std::sync::Arc;

use luthier_core::{Estimator, Evaluator};

use super::Search;
use crate::grid::ParamGrid;
use crate::splitter::{FoldColumn, KFold};

/// Scores every candidate of a grid on each of `num_folds` folds in turn, after fitting it on the others, and fits
/// the best by mean metric on all rows: Spark's `CrossValidator`.
///
/// | parameter | default | |
/// |---|---|---|
/// | `num_folds` | 3 | at least 2; the sizes of the folds differ by at most 1 |
/// | `fold_col` | none | a column with the fold of each row, instead of random folds |
/// | `splitter` | none | any other [`Splitter`](crate::Splitter) |
/// | `executor` | `ThreadPool` | runs the units of work |
/// | `parallelism` | 1 | the largest number of units that run at the same time |
/// | `memory_budget` | a quarter of the free memory | memory for the summaries and models that the search keeps |
/// | `seed` | 0 | seed for the folds and for any randomness in stages |
/// | `collect_sub_models` | false | keeps the models of all folds and candidates |
///
/// Work that candidates and folds have in common is done once. Unlike Spark's, folds do not change when the frame is
/// repartitioned, a candidate that fails is a row with its error, and NaN never wins.
///
/// ```
#[doc = include_str!("../example_parts.txt")]
/// use luthier_tune::{CrossValidator, ParamGrid};
///
/// let grid = ParamGrid::new().add(Ridge::REG_PARAM, [0.01, 0.1, 1.0]);
/// let search = CrossValidator::new(Ridge::new(), grid, Error::new()).num_folds(5).seed(7).parallelism(4)?;
/// let tuned = search.fit(&data)?;
/// assert_eq!(tuned.avg_metrics().len(), 3);
/// println!("{}", tuned.result().leaderboard()[0].params);
/// # Ok::<(), anyhow::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct CrossValidator<E: Estimator> {
    pub(crate) search: Search,
    estimator: PhantomData<fn() -> E>,
}

impl<E: Estimator> CrossValidator<E> {
    /// A cross-validation with the defaults. The candidates are a [`ParamGrid`] or a list of
    /// [`ParamMap`](luthier_core::ParamMap)s.
    pub fn new(estimator: E, grid: impl Into<ParamGrid>, evaluator: impl Evaluator) -> Self {
        let splitter = Arc::new(KFold::default());
        let search = Search::new(Box::new(estimator), grid.into(), Box::new(evaluator), splitter);
        Self { search, estimator: PhantomData }
    }

    /// Number of random folds.
    pub fn num_folds(mut self, num_folds: u32) -> Self {
        self.search = self.search.splitter(Arc::new(KFold::new().num_folds(num_folds)));
        self
    }

    /// The column that holds the fold of each row: see [`FoldColumn`].
    pub fn fold_col(mut self, fold_col: &str) -> Self {
        self.search = self.search.splitter(Arc::new(FoldColumn::new().fold_col(fold_col)));
        self
    }
}

super::tuned_model::search_options!(CrossValidator);
