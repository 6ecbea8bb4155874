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
/// - `evaluate_many` gives what `evaluate` gives for each, in the same order. The datasets are sibling candidates:
///   the same rows seen through different models, so an evaluator that reads rows reads them once for all
///   (see [`Dataset::aggregate_many`]).
/// - `plan` declares the summaries that may spare it the rows (a linear model's metrics then cost none) and those that
///   it reads rows for, so that several evaluators share a pass.
/// - NaN means "not defined on these rows": the fold is left out of a candidate's mean. `notes` says why of the rows at
///   hand, `defined_for` what any rows must have.
pub trait Evaluator: Params {
    /// The name it is registered by.
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

    /// Whether the columns it reads exist and have the right types.
    ///
    /// # Errors
    /// The first column that does not.
    fn check_schema(&self, schema: &Schema) -> anyhow::Result<()>;

    /// What `evaluate` will ask for, for a schema that was accepted.
    fn plan(&self, _schema: &Schema) -> EvaluationPlan {
        EvaluationPlan::opaque()
    }

    /// What should be known of `metric`, which is that of these predictions: why it is not defined, or how labels were
    /// taken for classes. It is asked after [`evaluate`](Self::evaluate), so that what was summarised is there.
    fn notes(&self, _predictions: &Dataset, _metric: f64) -> Vec<Note> {
        Vec::new()
    }

    /// Name of the metric, such as `"rmse"`.
    fn metric(&self) -> String;

    /// Whether a larger metric is a better one.
    fn is_larger_better(&self) -> bool;

    /// What rows must have for the metric to be defined, such as "two rows with different labels". Messages about a metric
    /// that is missing (NaN) say it.
    fn defined_for(&self) -> Option<String> {
        None
    }

    /// The column of class labels, for an evaluator that scores classes: a search names the classes that the training rows
    /// of a fold lack.
    fn class_col(&self) -> Option<String> {
        None
    }

    /// Whether the metric is not defined where a model was fitted without rows of a class that is scored, as is one of
    /// probabilities: the model has none for that class. A search then leaves the fold out of the means.
    fn needs_every_class(&self) -> bool {
        false
    }

    /// The metric of a frame that has the predictions already, for example what `transform` of a model returned.
    ///
    /// # Errors
    /// A column that is missing or of the wrong type, or values that cannot be scored.
    fn evaluate_frame(&self, predictions: &DataFrame) -> Result<f64> {
        (self as &dyn DynEvaluator).evaluate_frame(predictions)
    }
}

/// The object-safe mirror of [`Evaluator`], implemented for every evaluator. It counts the metrics
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
    /// The first column that does not fit, a parameter that is not valid, or a panic, also one of
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
        ColumnRole::columns_of(self.param_infos(), self.values(), |other| other == role)
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
            // One that panics must not take its siblings down.
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

/// The metrics of sibling candidates by several evaluators, a list for each evaluator: what these declare to scan is
/// read in one pass for all of them.
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
