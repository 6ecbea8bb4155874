//! The fitted model, its training summary, and its evaluation on rows.

use std::sync::OnceLock;

use luthier_core::frame::{DataFrame, Field, Schema};
use luthier_core::{Affine, Description, Note, Outputs, Tile, Transformer, catch_panic};
use ndarray::{Array1, Array2, Axis};
use serde::{Deserialize, Serialize};

use super::evaluation::Evaluation;
use super::fit::Fit;
use super::statistics::{Goodness, infer, two_sided_p};
use crate::columns;

/// A fitted [`LinearRegression`](crate::LinearRegression): `prediction = x · coefficients + intercept`.
///
/// If a feature is NaN, so is the prediction; null is an error.
///
/// ```
/// use luthier_core::frame::DataFrame;
/// use luthier_core::{EstimatorExt, Transformer};
/// use luthier_stages::LinearRegression;
///
/// let x = ndarray::array![[1.0, 0.0], [2.0, 1.0], [4.0, 0.0], [7.0, 1.0], [8.0, 1.0]];
/// let data = DataFrame::from_ndarray(x, vec![1.0, 3.0, 2.0, 5.0, 9.0])?;
/// let model = LinearRegression::new().fit_frame(&data)?;
/// let predicted = model.transform(&data)?.column_f64("prediction")?;
/// assert_eq!(predicted.len(), 5);
/// // One of each coefficient, and of the intercept.
/// assert_eq!(model.p_values().map(<[f64]>::len), Some(3));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LinearRegressionModel {
    features_col: String,
    label_col: String,
    prediction_col: String,
    weight_col: Option<String>,
    coefficients: Vec<f64>,
    intercept: f64,
    #[serde(default = "with_intercept")]
    fit_intercept: bool,
    scale: f64,
    /// Whether it was fitted on sparse rows, of which no products of all pairs should be made to score it either.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    of_sparse_rows: bool,
    /// Whether a penalty determined the coefficients.
    #[serde(default)]
    penalised: bool,
    /// Features that are constant and have no coefficient.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    constant: Vec<usize>,
    /// Features that depend on others, so that there are several solutions.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    dependent: Vec<usize>,
    /// What the fit found about features, by name.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    notes: Vec<Note>,
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

/// How well the model fits its training rows: all statistics that follow from the moments.
///
/// Those that need the rows (mean absolute error, quantiles of the residuals) are in [`LinearRegressionModel::evaluate`].
///
/// ```
/// use luthier_core::EstimatorExt;
/// use luthier_core::frame::DataFrame;
/// use luthier_stages::LinearRegression;
///
/// let x = ndarray::array![[1.0], [2.0], [4.0], [7.0], [8.0]];
/// let data = DataFrame::from_ndarray(x, vec![1.0, 3.0, 2.0, 5.0, 9.0])?;
/// let model = LinearRegression::new().fit_frame(&data)?;
/// let summary = model.summary();
/// assert_eq!((summary.num_instances, summary.degrees_of_freedom), (5, 3));
/// assert!(summary.r2 > 0.7 && summary.adjusted_r2 < summary.r2);
/// // Of least squares without penalty and weights.
/// assert!(summary.aic.is_some() && summary.bic.is_some());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct TrainingSummary {
    /// Number of rows, whatever their weights.
    pub num_instances: u64,
    /// Rank of the features, without the intercept: less than the number of features if some are
    /// constant or depend on others. `None` for sparse rows, where it is not computed.
    #[serde(default)]
    pub rank: Option<usize>,
    /// Rows − rank − intercept; weights are ignored.
    pub degrees_of_freedom: i64,
    /// `1 − Σ w (y − ŷ)² / Σ w (y − ȳ)²`; without intercept about zero. NaN for a constant label.
    pub r2: f64,
    /// `r2` with both sums divided by their degrees of freedom.
    pub adjusted_r2: f64,
    /// `Σ w (y − ŷ)² / W`.
    pub mse: f64,
    /// Square root of `mse`.
    pub rmse: f64,
    /// `Σ w (ŷ − ȳ)² / W`, as Spark defines it.
    pub explained_variance: f64,
    /// The log-likelihood under normal errors, `−n/2 (ln 2π + ln(Σ(y − ŷ)²/n) + 1)`, for least squares
    /// without penalty and weights.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub log_likelihood: Option<f64>,
    /// Akaike's information criterion (AIC), `2p − 2 log_likelihood`, where `p` is the rank plus one each for the
    /// intercept and the variance of the errors, as in R and Spark; statsmodels does not count the variance.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub aic: Option<f64>,
    /// The Bayesian information criterion (BIC), `p ln n − 2 log_likelihood`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bic: Option<f64>,
    /// The objective at the start and after every iteration; `[0]` for a direct solution.
    pub objective_history: Vec<f64>,
    /// The number of iterations; 0 for a direct solution.
    pub total_iterations: usize,
    /// Whether the tolerance was reached within `max_iter` iterations; true for a direct solution.
    #[serde(default = "not_told")]
    pub converged: bool,
    /// Condition number (largest over smallest eigenvalue) of the features' correlation matrix, if it was computed.
    pub condition: Option<f64>,
}

/// Models that were saved before it was told.
fn with_intercept() -> bool {
    true
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
            rank: Some(goodness.rank),
            degrees_of_freedom: goodness.degrees_of_freedom(),
            r2: goodness.r2(),
            adjusted_r2: goodness.adjusted_r2(),
            mse: goodness.mean_squared_error(),
            rmse: goodness.root_mean_squared_error(),
            explained_variance: goodness.explained_variance(),
            log_likelihood: None,
            aic: None,
            bic: None,
            objective_history: history,
            total_iterations,
            converged,
            condition,
        }
    }
}

impl TrainingSummary {
    /// The same with the criteria of a least-squares fit.
    fn with_likelihood(self, goodness: &Goodness) -> Self {
        let log_likelihood = goodness.log_likelihood();
        let criterion = |price: f64| Some(price * goodness.parameters() - 2.0 * log_likelihood);
        Self {
            log_likelihood: Some(log_likelihood),
            aic: criterion(2.0),
            bic: criterion((goodness.rows as f64).ln()),
            ..self
        }
    }
}

/// Names of the features, label, prediction and weight columns.
pub(super) type Columns = (String, String, String, Option<String>);

impl LinearRegressionModel {
    pub(super) fn new(columns: Columns, fit: Fit, goodness: &Goodness, is_plain: bool) -> Self {
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
        // Weights have a likelihood of their own, and a penalty makes another problem.
        let summary = match is_plain && columns.3.is_none() {
            true => summary.with_likelihood(goodness),
            false => summary,
        };
        let (features_col, label_col, prediction_col, weight_col) = columns;
        Self {
            features_col,
            label_col,
            prediction_col,
            weight_col,
            coefficients: fit.coefficients.to_vec(),
            intercept: fit.intercept,
            fit_intercept: goodness.fit_intercept,
            scale: 1.0,
            of_sparse_rows: false,
            penalised: false,
            notes: Vec::new(),
            constant: fit.constant,
            dependent: fit.dependent,
            standard_errors: inference.as_ref().map(|i| i.standard_errors.to_vec()),
            t_values: inference.map(|i| i.t_values.to_vec()),
            p_values: PValues::default(),
            summary,
        }
    }

    /// The same with notes that call features by their names.
    pub(super) fn with_names_from(self, schema: &Schema) -> Self {
        let names = |features: &[usize]| {
            let field = schema.field(&self.features_col);
            crate::linear::feature_names(field, &self.features_col, features, self.coefficients.len())
        };
        let constant = (!self.constant.is_empty())
            .then(|| crate::linear::constant_features(&names(&self.constant), self.fit_intercept));
        let rank = self.summary.rank.unwrap_or(0);
        let dependent = (!self.dependent.is_empty())
            .then(|| crate::linear::dependent_features(&names(&self.dependent), rank, self.fit_intercept));
        Self { notes: constant.into_iter().chain(dependent).collect(), ..self }
    }

    pub(super) fn fits_intercept(&self) -> bool {
        self.fit_intercept
    }

    pub(super) fn notes_on_features(&self) -> &[Note] {
        &self.notes
    }

    /// The same of a fit with a penalty.
    pub(super) fn penalised(self, penalised: bool) -> Self {
        Self { penalised, ..self }
    }

    pub(super) fn is_penalised(&self) -> bool {
        self.penalised
    }

    /// The same of sparse rows, of which the rank is not known.
    pub(super) fn of_sparse_rows(mut self) -> Self {
        (self.of_sparse_rows, self.summary.rank) = (true, None);
        self
    }

    pub(super) fn is_of_sparse_rows(&self) -> bool {
        self.of_sparse_rows
    }

    pub(super) fn with_scale(self, scale: f64) -> Self {
        Self { scale, ..self }
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

    /// The scale `σ` of the Huber loss; 1 for squared error.
    pub fn scale(&self) -> f64 {
        self.scale
    }

    /// Positions of the features that are constant in the training rows and therefore have the coefficient 0.
    pub fn constant_features(&self) -> &[usize] {
        &self.constant
    }

    /// Positions of the features that depend linearly on each other in the training rows: their coefficients are the smallest
    /// of many that fit equally well. Empty if a penalty determines the coefficients.
    pub fn dependent_features(&self) -> &[usize] {
        &self.dependent
    }

    /// Standard errors of the coefficients, then of the intercept. They exist for direct solutions of full rank (with a ridge
    /// penalty as in Spark) if there are degrees of freedom left. NaN for a constant feature.
    pub fn standard_errors(&self) -> Option<&[f64]> {
        self.standard_errors.as_deref()
    }

    /// Estimates divided by their standard errors.
    pub fn t_values(&self) -> Option<&[f64]> {
        self.t_values.as_deref()
    }

    /// Two-sided p-values of Student's t distribution.
    pub fn p_values(&self) -> Option<&[f64]> {
        let t_values = self.t_values.as_deref()?;
        let freedom = self.summary.degrees_of_freedom as f64;
        let compute = || t_values.iter().map(|t| two_sided_p(*t, freedom)).collect();
        Some(self.p_values.0.get_or_init(compute))
    }

    /// How well it fits its training rows.
    pub fn summary(&self) -> &TrainingSummary {
        &self.summary
    }

    /// How well it predicts the rows of a frame that has the label column (and the weight column, if the model was fitted
    /// with one).
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
            self.summary.rank.unwrap_or(self.coefficients.len() - self.constant.len()),
            i64::from(self.fit_intercept),
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
        if let Some(rows) = rows.sparse(&self.features_col).filter(|_| self.of_sparse_rows) {
            let predict = |i: usize| {
                let (indices, values) = rows.row(i);
                let products = indices.iter().zip(values).map(|(&j, x)| x * self.coefficients[j as usize]);
                self.intercept + products.sum::<f64>()
            };
            out.numbers((0..rows.len()).map(predict).collect());
            return Ok(());
        }
        let predictions = rows.vectors(&self.features_col)?.dot(&ndarray::aview1(&self.coefficients));
        out.numbers((predictions + self.intercept).to_vec());
        Ok(())
    }

    fn affine(&self) -> Option<Affine> {
        if self.of_sparse_rows {
            return None;
        }
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

    fn notes(&self) -> Vec<Note> {
        super::describe::notes(self)
    }

    fn check_state(&self) -> anyhow::Result<()> {
        super::describe::check(self)
    }
}
