//! The fitted model, its training summary, and its evaluation on rows.

use std::sync::OnceLock;

use luthier_core::frame::{DataFrame, Field, Schema};
use luthier_core::{Affine, Description, Outputs, Tile, Transformer, catch_panic};
use ndarray::{Array1, Array2, Axis};
use serde::{Deserialize, Serialize};

use super::evaluation::Evaluation;
use super::huber::HuberFit;
use super::solve::Fit;
use super::statistics::{Goodness, infer, two_sided_p};
use crate::columns;

/// A fitted [`LinearRegression`](crate::LinearRegression): `prediction = x · coefficients + intercept`.
///
/// A feature that is NaN gives a prediction that is NaN; null is an error.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LinearRegressionModel {
    features_col: String,
    label_col: String,
    prediction_col: String,
    weight_col: Option<String>,
    coefficients: Vec<f64>,
    intercept: f64,
    scale: f64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    standard_errors: Option<Vec<f64>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    t_values: Option<Vec<f64>>,
    #[serde(skip)]
    p_values: PValues,
    summary: TrainingSummary,
}

/// Computed when they are first asked for: a hundred incomplete beta functions cost more than a fit.
#[derive(Debug, Clone, Default)]
struct PValues(OnceLock<Vec<f64>>);

/// They follow from the t values.
impl PartialEq for PValues {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

/// How well the model fits the rows it was fitted on: everything that the moments tell.
///
/// What needs rows (mean absolute error, quantiles of the residuals) is in [`LinearRegressionModel::evaluate`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct TrainingSummary {
    /// Number of rows, whatever their weights.
    pub num_instances: u64,
    /// Rows less coefficients less intercept; weights do not count.
    pub degrees_of_freedom: i64,
    /// `1 − Σ w (y − ŷ)² / Σ w (y − ȳ)²`; without intercept about zero. NaN for a constant label.
    pub r2: f64,
    /// `r2` with both sums divided by their degrees of freedom.
    pub adjusted_r2: f64,
    /// `Σ w (y − ŷ)² / W`.
    pub mse: f64,
    /// Root of `mse`.
    pub rmse: f64,
    /// `Σ w (ŷ − ȳ)² / W`, as Spark defines it.
    pub explained_variance: f64,
    /// The objective at the start and after every iteration; `[0]` of a direct solution.
    pub objective_history: Vec<f64>,
    /// Iterations made; 0 of a direct solution.
    pub total_iterations: usize,
    /// Whether the tolerance was met within `max_iter` iterations; true of a direct solution.
    #[serde(default = "not_told")]
    pub converged: bool,
    /// Condition (largest over smallest eigenvalue) of the features' correlations, where it was computed.
    pub condition: Option<f64>,
}

/// Models that were saved before it was told.
fn not_told() -> bool {
    true
}

impl TrainingSummary {
    fn new(
        goodness: &Goodness,
        history: Vec<f64>,
        (total_iterations, converged): (usize, bool),
        condition: Option<f64>,
    ) -> Self {
        Self {
            num_instances: goodness.rows,
            degrees_of_freedom: goodness.degrees_of_freedom(),
            r2: goodness.r2(),
            adjusted_r2: goodness.adjusted_r2(),
            mse: goodness.mean_squared_error(),
            rmse: goodness.root_mean_squared_error(),
            explained_variance: goodness.explained_variance(),
            objective_history: history,
            total_iterations,
            converged,
            condition,
        }
    }
}

/// Names of the features, label, prediction and weight columns.
pub(super) type Columns = (String, String, String, Option<String>);

impl LinearRegressionModel {
    pub(super) fn of_squares(columns: Columns, fit: Fit, goodness: &Goodness) -> Self {
        let inference = fit
            .inverse_diagonal
            .as_ref()
            .and_then(|diagonal| infer(fit.coefficients.view(), fit.intercept, diagonal, goodness));
        let summary = TrainingSummary::new(
            goodness,
            fit.objective_history,
            (fit.iterations, fit.converged),
            fit.condition,
        );
        let (features_col, label_col, prediction_col, weight_col) = columns;
        Self {
            features_col,
            label_col,
            prediction_col,
            weight_col,
            coefficients: fit.coefficients.to_vec(),
            intercept: fit.intercept,
            scale: 1.0,
            standard_errors: inference.as_ref().map(|i| i.standard_errors.to_vec()),
            t_values: inference.map(|i| i.t_values.to_vec()),
            p_values: PValues::default(),
            summary,
        }
    }

    pub(super) fn of_huber(columns: Columns, fit: HuberFit, goodness: &Goodness) -> Self {
        let (features_col, label_col, prediction_col, weight_col) = columns;
        Self {
            features_col,
            label_col,
            prediction_col,
            weight_col,
            coefficients: fit.coefficients.to_vec(),
            intercept: fit.intercept,
            scale: fit.scale,
            standard_errors: None,
            t_values: None,
            p_values: PValues::default(),
            summary: TrainingSummary::new(
                goodness,
                fit.objective_history,
                (fit.iterations, fit.converged),
                None,
            ),
        }
    }

    pub(super) fn features_col(&self) -> &str {
        &self.features_col
    }

    /// One per feature.
    pub fn coefficients(&self) -> &[f64] {
        &self.coefficients
    }

    /// The constant term; 0 without `fit_intercept`.
    pub fn intercept(&self) -> f64 {
        self.intercept
    }

    /// The scale `σ` of the huber loss; 1 for squared error.
    pub fn scale(&self) -> f64 {
        self.scale
    }

    /// Standard errors of the coefficients, then of the intercept: of direct solutions of full rank, with a ridge
    /// penalty as in Spark, and with degrees of freedom left.
    pub fn standard_errors(&self) -> Option<&[f64]> {
        self.standard_errors.as_deref()
    }

    /// Estimates over their standard errors.
    pub fn t_values(&self) -> Option<&[f64]> {
        self.t_values.as_deref()
    }

    /// Two-sided p values of Student's t distribution.
    pub fn p_values(&self) -> Option<&[f64]> {
        let t_values = self.t_values.as_deref()?;
        let freedom = self.summary.degrees_of_freedom as f64;
        let compute = || t_values.iter().map(|t| two_sided_p(*t, freedom)).collect();
        Some(self.p_values.0.get_or_init(compute))
    }

    /// How well it fits the rows it was fitted on.
    pub fn summary(&self) -> &TrainingSummary {
        &self.summary
    }

    /// How well it predicts the rows of a frame that has the label (and the weight, if the model was fitted with
    /// one).
    ///
    /// # Errors
    /// A column that is missing or of the wrong type; a null, NaN or infinite value, with its row.
    pub fn evaluate(&self, data: &DataFrame) -> luthier_core::Result<Evaluation> {
        let predicted = catch_panic("linear_regression", || {
            let mut named = self.clone();
            named.prediction_col = "prediction of the evaluation".to_owned();
            Ok(named.transform(data)?.column_f64(&named.prediction_col)?)
        });
        let predictions = predicted?;
        Evaluation::new(
            data,
            &self.label_col,
            self.weight_col.as_deref(),
            predictions,
            self.coefficients.len(),
            self.summary.num_instances as i64
                - self.coefficients.len() as i64
                - self.summary.degrees_of_freedom,
        )
    }
}

impl Transformer for LinearRegressionModel {
    fn inputs(&self) -> Vec<String> {
        vec![self.features_col.clone()]
    }

    fn outputs(&self, schema: &Schema) -> anyhow::Result<Vec<Field>> {
        columns::require_width(schema, &self.features_col, self.coefficients.len())?;
        Ok(vec![Field::number(&self.prediction_col)])
    }

    fn apply(&self, rows: &Tile<'_>, out: &mut Outputs) -> anyhow::Result<()> {
        let predictions = rows.vectors(&self.features_col)?.dot(&ndarray::aview1(&self.coefficients));
        out.numbers((predictions + self.intercept).to_vec());
        Ok(())
    }

    fn affine(&self) -> Option<Affine> {
        let matrix: Array2<f64> = Array1::from(self.coefficients.clone()).insert_axis(Axis(1));
        Some(Affine::dense(
            self.features_col.clone(),
            self.prediction_col.clone(),
            matrix,
            ndarray::arr1(&[self.intercept]),
        ))
    }

    fn describe(&self) -> Description {
        super::describe::describe(self)
    }

    fn check_state(&self) -> anyhow::Result<()> {
        super::describe::check(self)
    }
}
