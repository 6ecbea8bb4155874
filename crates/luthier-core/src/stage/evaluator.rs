//! Scoring predictions.

use std::fmt::Debug;

use luthier_frame::{DataFrame, Schema};

use super::EvaluationPlan;
use super::guard::panic_to_error;
use crate::dataset::Dataset;
use crate::describe::Note;
use crate::params::{ColumnRole, ParamInfo, Params, Value};
use crate::summary::Need;
use crate::{Error, Result};

/// Turns predictions into one number.
///
/// # Contract
/// - `evaluate` is a pure function of the parameters and the rows.
/// - `evaluate_many` returns what `evaluate` returns for each dataset, in the same order. The datasets are sibling candidates:
///   the same rows seen through different models, so an evaluator that reads rows can read them once for all of them
///   (see [`Dataset::aggregate_many`]).
/// - `plan` declares the summaries with which it needs no rows (the metrics of a linear model then cost no pass), and those
///   for which it reads rows, so that several evaluators share a pass.
/// - NaN means "not defined on these rows": the fold is left out of a candidate's mean. `notes` says why for these rows,
///   `defined_for` says what rows must have in general.
///
/// ```
/// use luthier_core::frame::{Column, DataFrame, Schema};
/// use luthier_core::{Dataset, Evaluator, Params};
///
/// /// The largest absolute error.
/// #[derive(Debug, Clone, Params)]
/// struct MaxError {}
///
/// impl Evaluator for MaxError {
///     const NAME: &'static str = "acme.max_error";
///
///     fn evaluate(&self, predictions: &Dataset) -> anyhow::Result<f64> {
///         let mut largest = f64::NAN; // not defined without rows
///         predictions.for_each_tile(&["label", "prediction"], |tile| {
///             let (labels, predictions) = (tile.numbers("label")?, tile.numbers("prediction")?);
///             for (y, p) in labels.iter().zip(predictions.iter()) {
///                 largest = (y - p).abs().max(largest);
///             }
///             Ok(())
///         })?;
///         Ok(largest)
///     }
///
///     fn check_schema(&self, schema: &Schema) -> anyhow::Result<()> {
///         schema.require("label")?;
///         schema.require("prediction")?;
///         Ok(())
///     }
///
///     fn metric(&self) -> String {
///         "max_error".to_owned()
///     }
///
///     fn is_larger_better(&self) -> bool {
///         false
///     }
/// }
///
/// let scored = DataFrame::from_columns(vec![
///     ("label", Column::f64(vec![1.0, 2.0, 4.0])),
///     ("prediction", Column::f64(vec![1.5, 2.0, 3.0])),
/// ])?;
/// assert_eq!(MaxError::new().evaluate_frame(&scored)?, 1.0);
/// # Ok::<(), anyhow::Error>(())
/// ```
pub trait Evaluator: Params {
    /// The registered name.
    const NAME: &'static str;

    /// The metric of these predictions.
    ///
    /// # Errors
    /// If a column is missing or holds values that cannot be scored.
    fn evaluate(&self, predictions: &Dataset) -> anyhow::Result<f64>;

    /// The metric of each sibling.
    fn evaluate_many(&self, predictions: &[Dataset]) -> Vec<anyhow::Result<f64>> {
        predictions.iter().map(|data| self.evaluate(data)).collect()
    }

    /// Checks that the columns it reads exist and have the right types.
    ///
    /// # Errors
    /// The first column that does not.
    fn check_schema(&self, schema: &Schema) -> anyhow::Result<()>;

    /// Declares what `evaluate` will request, for a schema that was accepted.
    fn plan(&self, _schema: &Schema) -> EvaluationPlan {
        EvaluationPlan::opaque()
    }

    /// Notes on `metric`, the metric of these predictions: why it is not defined, or how labels were mapped to classes. It is
    /// called after [`evaluate`](Self::evaluate), so that the summaries are available.
    fn notes(&self, _predictions: &Dataset, _metric: f64) -> Vec<Note> {
        Vec::new()
    }

    /// Name of the metric, such as `"rmse"`.
    fn metric(&self) -> String;

    /// Whether a larger metric is a better one.
    fn is_larger_better(&self) -> bool;

    /// What rows must have for the metric to be defined, such as "two rows with different labels". It is part of messages about
    /// a missing (NaN) metric.
    fn defined_for(&self) -> Option<String> {
        None
    }

    /// The column of class labels of an evaluator for classification: a search names the classes that are missing from the
    /// training rows of a fold.
    fn class_col(&self) -> Option<String> {
        None
    }

    /// Whether the metric is undefined if the model was fitted without rows of a class that is scored. This holds for metrics
    /// of probabilities, because the model has none for that class. A search then leaves the fold out of the means.
    fn needs_every_class(&self) -> bool {
        false
    }

    /// The metric of a frame that contains the predictions, for example the result of `transform` of a model.
    ///
    /// # Errors
    /// A column that is missing or of the wrong type, or values that cannot be scored.
    fn evaluate_frame(&self, predictions: &DataFrame) -> Result<f64> {
        (self as &dyn DynEvaluator).evaluate_frame(predictions)
    }
}

/// The object-safe counterpart of [`Evaluator`], implemented for every evaluator. It counts the metrics
/// ([`evaluations`](crate::Work::evaluations)), so that evaluators need not.
pub trait DynEvaluator: Debug + Send + Sync {
    /// See [`Evaluator::NAME`].
    fn type_name(&self) -> &'static str;
    /// See [`Evaluator::evaluate`].
    ///
    /// # Errors
    /// Those of the evaluator, named, and its panic.
    fn evaluate(&self, predictions: &Dataset) -> Result<f64>;
    /// See [`Evaluator::evaluate_many`].
    fn evaluate_many(&self, predictions: &[Dataset]) -> Vec<Result<f64>>;
    /// See [`Evaluator::check_schema`].
    ///
    /// # Errors
    /// The first column that does not fit, an invalid parameter, or a panic, including one in
    /// [`plan`](Evaluator::plan).
    fn check_schema(&self, schema: &Schema) -> Result<()>;
    /// See [`Evaluator::plan`]; opaque if it panics, which `check_schema` reports.
    fn plan(&self, schema: &Schema) -> EvaluationPlan;
    /// See [`Evaluator::notes`]; none if it panics.
    fn notes(&self, predictions: &Dataset, metric: f64) -> Vec<Note>;
    /// See [`Evaluator::metric`].
    fn metric(&self) -> String;
    /// See [`Evaluator::is_larger_better`].
    fn is_larger_better(&self) -> bool;
    /// See [`Evaluator::defined_for`].
    fn defined_for(&self) -> Option<String>;
    /// See [`Evaluator::class_col`].
    fn class_col(&self) -> Option<String>;
    /// See [`Evaluator::needs_every_class`].
    fn needs_every_class(&self) -> bool;
    /// Sets a parameter by name.
    ///
    /// # Errors
    /// An unknown name, a wrong type, a value out of range.
    fn set_value(&mut self, name: &str, value: &Value) -> Result<()>;
    /// The value of a parameter.
    ///
    /// # Errors
    /// An unknown name, or one that is not set.
    fn get_value(&self, name: &str) -> Result<Value>;
    /// Its parameters, in order of declaration.
    fn param_infos(&self) -> &'static [ParamInfo];
    /// All parameters that have a value.
    fn values(&self) -> Vec<(&'static str, Value)>;
    /// A copy.
    fn clone_box(&self) -> Box<dyn DynEvaluator>;
}

impl dyn DynEvaluator + '_ {
    /// The columns of a role that its parameters name; see [`Params::columns_of`].
    pub fn columns_of(&self, role: ColumnRole) -> Vec<String> {
        ColumnRole::columns_of(self.param_infos(), |name| self.get_value(name).ok(), |other| other == role)
    }
}

/// Runs an author's code; its errors and its panic become errors of the evaluator.
fn guarded<T>(evaluator: &str, f: impl FnOnce() -> anyhow::Result<T>) -> Result<T> {
    panic_to_error(evaluator, f)?.map_err(|error| Error::from_evaluator(evaluator, error))
}

impl<E: Evaluator> DynEvaluator for E {
    fn type_name(&self) -> &'static str {
        E::NAME
    }

    fn evaluate(&self, predictions: &Dataset) -> Result<f64> {
        predictions.work().evaluations(1);
        guarded(E::NAME, || Evaluator::evaluate(self, predictions))
    }

    fn evaluate_many(&self, predictions: &[Dataset]) -> Vec<Result<f64>> {
        let together = guarded(E::NAME, || Ok(Evaluator::evaluate_many(self, predictions)));
        match together {
            Ok(metrics) if metrics.len() == predictions.len() => {
                predictions.iter().for_each(|data| data.work().evaluations(1));
                metrics.into_iter().map(|m| m.map_err(|e| Error::from_evaluator(E::NAME, e))).collect()
            }
            // One that panics must not make its siblings fail.
            _ => predictions.iter().map(|data| DynEvaluator::evaluate(self, data)).collect(),
        }
    }

    fn check_schema(&self, schema: &Schema) -> Result<()> {
        self.validate()?;
        guarded(E::NAME, || Evaluator::check_schema(self, schema))?;
        guarded(E::NAME, || Ok(Evaluator::plan(self, schema))).map(|_| ())
    }

    fn plan(&self, schema: &Schema) -> EvaluationPlan {
        guarded(E::NAME, || Ok(Evaluator::plan(self, schema))).unwrap_or_default()
    }

    fn notes(&self, predictions: &Dataset, metric: f64) -> Vec<Note> {
        guarded(E::NAME, || Ok(Evaluator::notes(self, predictions, metric))).unwrap_or_default()
    }

    fn metric(&self) -> String {
        Evaluator::metric(self)
    }

    fn is_larger_better(&self) -> bool {
        Evaluator::is_larger_better(self)
    }

    fn defined_for(&self) -> Option<String> {
        Evaluator::defined_for(self)
    }

    fn class_col(&self) -> Option<String> {
        Evaluator::class_col(self)
    }

    fn needs_every_class(&self) -> bool {
        Evaluator::needs_every_class(self)
    }

    fn set_value(&mut self, name: &str, value: &Value) -> Result<()> {
        Ok(Params::set_value(self, name, value)?)
    }

    fn get_value(&self, name: &str) -> Result<Value> {
        Ok(Params::get_value(self, name)?)
    }

    fn param_infos(&self) -> &'static [ParamInfo] {
        E::param_infos()
    }

    fn values(&self) -> Vec<(&'static str, Value)> {
        Params::values(self)
    }

    fn clone_box(&self) -> Box<dyn DynEvaluator> {
        Box::new(self.clone())
    }
}

impl dyn DynEvaluator {
    /// See [`Evaluator::evaluate_frame`].
    ///
    /// # Errors
    /// Those of `check_schema` and `evaluate`.
    pub fn evaluate_frame(&self, predictions: &DataFrame) -> Result<f64> {
        self.check_schema(predictions.schema())?;
        self.evaluate(&Dataset::new(predictions.clone()))
    }
}

impl Clone for Box<dyn DynEvaluator> {
    fn clone(&self) -> Self {
        self.clone_box()
    }
}

/// The metrics of sibling candidates by several evaluators, one list per evaluator. Their declared scans share one pass.
pub fn evaluate_all(evaluators: &[Box<dyn DynEvaluator>], predictions: &[Dataset]) -> Vec<Vec<Result<f64>>> {
    if let Some(first) = predictions.first() {
        let mut scanned: Vec<Need> = Vec::new();
        for plan in evaluators.iter().map(|evaluator| evaluator.plan(first.schema())) {
            for need in plan.scanned() {
                if !scanned.iter().any(|other| other.same(need)) {
                    scanned.push(need.clone());
                }
            }
        }
        Dataset::read_together(predictions, &scanned);
    }
    evaluators.iter().map(|evaluator| evaluator.evaluate_many(predictions)).collect()
}
