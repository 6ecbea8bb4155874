//! The pipelines that are compared.

use std::sync::Arc;

use luthier::core::{DynEstimator, DynEvaluator, Value};
use luthier::prelude::*;
use luthier::tune::{Executor, FoldColumn, RepeatedKFold, RollingOrigin, Search, Splitter};
use serde::Deserialize;

use crate::hold_out::HoldOut;
use crate::spin::Spin;

/// What is fitted. Penalties count plain coefficients, so that no peer needs one more scaler.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Shape {
    /// Principal components (`pca`) and ridge regression (`lr`).
    PcaRidge,
    /// A standard scaler with mean (`scaler`) and ridge regression (`lr`).
    ScaledRidge,
    /// Ridge regression (`lr`).
    Ridge,
    /// Lasso (`lr`).
    Lasso,
    /// Logistic regression (`lr`), scored by the exact area under the roc.
    Logistic,
    /// Numeric columns put side by side (`assembler`) and regressed on (`lr`).
    Assembled,
    /// A stage that shares nothing (`spin`).
    Spin,
}

impl Shape {
    /// The pipeline.
    pub fn pipeline(self) -> Pipeline {
        let mut pipeline = Pipeline::new();
        let lr = LinearRegression::new().standardization(false);
        match self {
            Self::PcaRidge => {
                pipeline.add("pca", Pca::new().output_col("components"));
                pipeline.add("lr", lr.features_col("components"));
            }
            Self::ScaledRidge => {
                pipeline.add("scaler", StandardScaler::new().with_mean(true).output_col("scaled"));
                // The penalty then counts population deviations, as behind scikit-learn's scaler.
                pipeline.add("lr", lr.features_col("scaled").standardization(true));
            }
            Self::Ridge => {
                pipeline.add("lr", lr);
            }
            Self::Lasso => {
                pipeline.add("lr", lr.elastic_net_param(1.0));
            }
            Self::Logistic => {
                pipeline.add("lr", LogisticRegression::new().standardization(false));
            }
            Self::Assembled => {
                pipeline.add_transformer("assembler", VectorAssembler::new());
                pipeline.add("lr", lr);
            }
            Self::Spin => {
                pipeline.add("spin", Spin::new());
            }
        }
        pipeline
    }

    /// What scores it: the rmse, or of classes the area under the roc.
    pub fn evaluator(self) -> Box<dyn DynEvaluator> {
        match self {
            Self::Logistic => Box::new(BinaryClassificationEvaluator::new().num_bins(0)),
            _ => Box::new(RegressionEvaluator::new()),
        }
    }
}

/// The seed of every search.
pub const SEED: u64 = 0;

/// How rows are split, where not by the column `fold`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Scheme {
    /// Repeated cross-validation.
    RepeatedKFold {
        /// The folds of each repeat.
        folds: u32,
        /// The repeats.
        repeats: u32,
    },
    /// Training on the first rows and validating on those that follow, again and again.
    RollingOrigin {
        /// The training rows of the first round.
        initial: u32,
        /// The validation rows of each round.
        horizon: u32,
    },
}

impl Scheme {
    /// The splitter.
    pub fn splitter(self) -> Arc<dyn Splitter> {
        match self {
            Self::RepeatedKFold { folds, repeats } => {
                Arc::new(RepeatedKFold::new().num_folds(folds).num_repeats(repeats))
            }
            Self::RollingOrigin { initial, horizon } => {
                Arc::new(RollingOrigin::new().initial(initial).horizon(horizon))
            }
        }
    }
}

/// What to try: grids one after the other, each with parameters by dotted name and their values, the last varying
/// fastest.
pub type Grids = Vec<serde_json::Map<String, serde_json::Value>>;

/// Rows, what is fitted on them and what is tried.
#[derive(Debug, Clone)]
pub struct Workload {
    /// What is fitted.
    pub shape: Shape,
    /// Columns `features` and `label`, or those of the grid; `fold`.
    pub frame: DataFrame,
    /// What is tried.
    pub grids: Grids,
    /// Whether fold 0 alone is scored.
    pub hold_out: bool,
}

impl Workload {
    /// The search, on rayon's threads with `Parallelism::Auto` until told otherwise.
    ///
    /// # Errors
    /// Values that are not in lists.
    pub fn search(&self, grids: Option<&Grids>) -> anyhow::Result<Search> {
        let splitter: Arc<dyn Splitter> = match self.hold_out {
            true => Arc::new(HoldOut::new("fold")),
            false => Arc::new(FoldColumn::new().fold_col("fold")),
        };
        let grid = grid(grids.unwrap_or(&self.grids))?;
        let estimator: Box<dyn DynEstimator> = Box::new(self.shape.pipeline());
        Ok(Search::new(estimator, grid, self.shape.evaluator(), splitter)
            .seed(SEED)
            .executor(Arc::new(Rayon::new()))
            .parallelism(Parallelism::Auto))
    }

    /// The pipeline of each candidate.
    ///
    /// # Errors
    /// A grid that does not fit the pipeline.
    pub fn candidates(&self, grids: Option<&Grids>) -> anyhow::Result<Vec<Pipeline>> {
        let candidates = grid(grids.unwrap_or(&self.grids))?.build()?;
        candidates.iter().map(|params| Ok(self.shape.pipeline().with_params(params)?)).collect()
    }

    /// The rows outside and inside of fold 0, each in as many partitions as the frame.
    ///
    /// # Errors
    /// A frame without the column `fold`.
    pub fn split(&self) -> anyhow::Result<(DataFrame, DataFrame)> {
        let partitions = self.frame.num_partitions();
        let held_out: Vec<bool> = self.frame.column_i64("fold")?.into_iter().map(|fold| fold == 0).collect();
        let trained: Vec<bool> = held_out.iter().map(|held_out| !held_out).collect();
        let rows = |mask: &[bool]| self.frame.filter(mask)?.collect()?.coalesce(1)?.repartition(partitions);
        Ok((rows(&trained)?, rows(&held_out)?))
    }
}

fn grid(grids: &Grids) -> anyhow::Result<ParamGrid> {
    let product = |axes: &serde_json::Map<String, serde_json::Value>| {
        axes.iter().try_fold(ParamGrid::new(), |grid, (name, values)| match Value::from_json(values) {
            Value::List(values) => Ok(grid.add_by_name(name, values)),
            other => Err(anyhow::anyhow!("the values of `{name}` are {other}, expected a list")),
        })
    };
    let mut products = grids.iter().map(product);
    let first = products.next().unwrap_or_else(|| Ok(ParamGrid::new()))?;
    products.try_fold(first, |all, next| Ok(all.union(next?)))
}

/// The executor of a name.
///
/// # Errors
/// Another name than `rayon`, `serial` or `thread_pool`.
pub fn executor(name: &str) -> anyhow::Result<Arc<dyn Executor>> {
    Ok(match name {
        "rayon" => Arc::new(Rayon::new()),
        "serial" => Arc::new(Serial::new()),
        "thread_pool" => Arc::new(ThreadPool::new()),
        other => anyhow::bail!("no executor `{other}`: use rayon, serial or thread_pool"),
    })
}
