//! The estimator: parameters and their checks, and the grouping of configurations.

use luthier_core::frame::{Field, Schema};
use luthier_core::params::Params;
use luthier_core::{Dataset, Error, Estimator, FitContext, StagePlan};

use super::family::Family;
use super::fit::fit_rows;
use super::model::{LogisticRegressionModel, ModelColumns};
use super::notes::Names;
use super::rows::{Origin, RowColumns, Rows};
use crate::classifier::{ClassColumns, check_thresholds};
use crate::columns;
use crate::together::{fit_in_groups, only};

/// Logistic regression: predicts the probability of each class from a linear function of the features.
///
/// A binomial model has one score `z = x · β + c` and `P(1) = 1 / (1 + e⁻ᶻ)`; a multinomial model has one score per
/// class and `P(k) = eᶻₖ / Σ eᶻˡ`. Labels are class indices 0, 1, 2, …; the number of classes is the largest label plus one.
/// With `ℓ = −ln P(y)` and `W = Σw` it minimises
///
/// `1/W Σ w ℓ + λ [(1−α)/2 Σ (s_j β_j)² + α Σ s_j |β_j|]`
///
/// where `λ = reg_param`, `α = elastic_net_param`, and `s_j` is the sample standard deviation of feature `j`, or 1
/// without `standardization`. Intercepts are not penalised. This is the objective of Spark.
///
/// ```
/// use luthier_core::{EstimatorExt, Transformer};
/// use luthier_core::frame::DataFrame;
/// use luthier_stages::LogisticRegression;
///
/// let x = ndarray::array![[0.5], [1.0], [1.5], [2.0], [2.5], [3.0]];
/// let data = DataFrame::from_ndarray(x, vec![0.0, 0.0, 1.0, 0.0, 1.0, 1.0])?;
/// let model = LogisticRegression::new().fit_frame(&data)?;
/// // By symmetry either class has probability ½ at 1.75.
/// assert!((model.intercept()? + 1.75 * model.coefficients()?[0]).abs() < 1e-9);
/// assert!(model.summary().converged);
/// let predictions = model.transform(&data).unwrap().column_f64("prediction")?;
/// assert_eq!(predictions, [0.0, 0.0, 0.0, 1.0, 1.0, 1.0]);
/// # Ok::<(), luthier_core::Error>(())
/// ```
///
/// | rows | outcome |
/// |---|---|
/// | constant feature | with an intercept: coefficient 0; without: the coefficient that minimises the objective with `s_j = 0` (Spark: 0) |
/// | all labels of one class, with free intercept | coefficients 0, intercept `±∞` (multinomial: `+∞` for that class, 0 for others); objective history `[0]`; a note |
/// | a class without rows, multinomial, with free intercept | coefficients 0 and intercept `−∞`, so its probability is 0; a note |
/// | separated or quasi-separated classes, no penalty | coefficients grow until the loss is below the tolerance; the summary says `separated`, and by what; no standard errors; a note |
/// | linearly dependent features, no penalty | approximately the smallest of the solutions; standard errors of the other features only; a note |
/// | nearly dependent features | the optimum to eight digits of the objective up to a condition number of 1e10 of the standardised features; a note if rounding ends the fit before the tolerance is reached |
/// | multinomial: intercepts, and coefficients without L2 penalty | of equivalent solutions, the one with the smallest sum of squares: centred over the classes, as far as bounds and the L1 penalty allow |
/// | features or weights of any size | the same model as in other units; an error if a standard deviation or a penalty is outside the range of normal doubles |
/// | null, NaN or infinite feature | an error naming column and row |
/// | two labels that are not 0 and 1, such as 1 and 2 or −1 and 1 | the larger is class 1; predictions are these labels, and a note says so |
/// | more than two labels, one of which is not an integer from 0 to 65535 | an error naming column and row |
/// | negative, null, NaN or infinite weight | an error naming column and row |
/// | zero weight | the row is ignored |
/// | all weights zero, or no rows | an error |
///
/// If the label column carries categories, like one appended by a [`StringIndexer`](crate::StringIndexer), these are the
/// classes, including those without rows, except for a binomial model.
///
/// It is fitted by a proximal Newton method: the quadratic model of the loss at a point is minimised with the L1
/// penalty and within the bounds, and a line search makes every step a descent. If the Hessian of all rows is expensive, it
/// is computed from a sample of the rows and updated by the gradients (BFGS). If features are so nearly dependent that the
/// Hessian loses digits, a triangular (QR) factor of the weighted rows replaces it in every iteration.
///
/// The fit stops when the quadratic model predicts a decrease below `1e-7 · tol` of the objective (or of the loss of a model
/// without features, if that is smaller), or below `1e-5 · tol` if the Hessian of all rows is expensive or not formed
/// (L-BFGS), because iterations cost more then. `converged` also requires that every derivative, in units of the features'
/// standard deviations, is within `tol` (at least 1e-12) of its optimality condition. A stop because of rounding counts as
/// convergence only if the predicted decrease is at most `1e-9` of the objective. With more than 1000
/// unknowns no Hessian is formed. Only the prediction of L-BFGS is known then, and nearly dependent features without a
/// penalty may be further from their optimum.
///
/// During the fit the standardised rows are kept in memory, and the candidates of a grid pass over them together. The model
/// of a candidate is the same, bit for bit, alone and in any grid, whatever the number of threads or partitions.
///
/// The fit starts with coefficients of 0 and the best intercepts for them, or at `initial_coefficients`.
#[derive(Debug, Clone, Params)]
#[params(check = "Self::check")]
pub struct LogisticRegression {
    /// The numeric or vector column of features.
    #[param(default = "features", column = input)]
    features_col: String,
    /// The numeric column of classes: 0, 1, 2, …, or any two integers, the larger of which is class 1. For text, use a
    /// `string_indexer`; predictions keep its categories.
    #[param(default = "label", column = label)]
    label_col: String,
    /// The column of predicted classes to append; none if empty.
    #[param(default = "prediction", column = prediction)]
    prediction_col: String,
    /// The vector column of scores to append, `[−z, z]` for a binomial model; none if empty.
    #[param(default = "raw_prediction", column = raw_prediction)]
    raw_prediction_col: String,
    /// The vector column of probabilities to append; none if empty.
    #[param(default = "probability", column = probability)]
    probability_col: String,
    /// A numeric column of weights; without it, every row has weight 1.
    #[param(column = weight)]
    weight_col: Option<String>,
    /// The model of the class probabilities.
    #[param(default = Family::Auto)]
    family: Family,
    /// Strength of the penalty.
    #[param(default = 0.0, range = 0.0.., simpler = larger)]
    reg_param: f64,
    /// Mixture of the penalties: 0 is L2 only (ridge), 1 is L1 only (lasso).
    #[param(default = 0.0, range = 0.0..=1.0)]
    // It has no order of complexity: more of the L1 penalty is less of the L2 penalty.
    elastic_net_param: f64,
    /// Whether to fit an intercept.
    #[param(default = true)]
    fit_intercept: bool,
    /// Whether to penalise coefficients as if features had been scaled to unit standard deviation.
    #[param(default = true)]
    standardization: bool,
    /// Probability above which a binomial model predicts class 1.
    #[param(default = 0.5, range = 0.0..=1.0)]
    threshold: f64,
    /// Thresholds, one per class: the class with the largest `p / t` is predicted. For two classes they are equivalent to a
    /// `threshold` of `1 / (1 + t₀/t₁)`.
    thresholds: Option<Vec<f64>>,
    /// Lower bounds on the coefficients: one list per class, or a single list for a binomial model, with one number per
    /// feature.
    lower_bounds_on_coefficients: Option<Vec<Vec<f64>>>,
    /// Upper bounds on the coefficients, in the same form.
    upper_bounds_on_coefficients: Option<Vec<Vec<f64>>>,
    /// Lower bounds on the intercepts: one per class, or a single one for a binomial model.
    lower_bounds_on_intercepts: Option<Vec<f64>>,
    /// Upper bounds on the intercepts, in the same form.
    upper_bounds_on_intercepts: Option<Vec<f64>>,
    /// Initial coefficients: one list per class, or a single list for a binomial model.
    initial_coefficients: Option<Vec<Vec<f64>>>,
    /// Initial intercepts, together with `initial_coefficients`: one per class, or a single one for a binomial model.
    initial_intercepts: Option<Vec<f64>>,
    /// Largest number of iterations; 0 returns the starting point.
    #[param(default = 100)]
    max_iter: usize,
    /// Tolerance of the derivatives in units of the features' standard deviations; that of the objective is a small fraction
    /// of it.
    #[param(default = 1e-6, range = 0.0..)]
    tol: f64,
}

luthier_core::register_estimator!(
    LogisticRegression: "Logistic regression, binomial or multinomial, with an L1 and L2 penalty or bounds."
);

impl LogisticRegression {
    fn check(&self) -> Result<(), String> {
        if let Some(thresholds) = &self.thresholds {
            check_thresholds(self.threshold, thresholds)?;
        }
        let bounds = [
            (&self.lower_bounds_on_coefficients, &self.upper_bounds_on_coefficients),
            (
                &Some(as_matrix(&self.lower_bounds_on_intercepts)),
                &Some(as_matrix(&self.upper_bounds_on_intercepts)),
            ),
        ];
        for ((lower, upper), what) in bounds.into_iter().zip(["coefficients", "intercepts"]) {
            check_bounds(lower.as_deref().unwrap_or(&[]), upper.as_deref().unwrap_or(&[]), what)?;
        }
        if self.bounds_intercepts() && !self.fit_intercept {
            return Err(
                "intercepts have bounds, but fit_intercept is false: set it to true, or remove the bounds"
                    .to_owned(),
            );
        }
        if self.initial_intercepts.is_some() && self.initial_coefficients.is_none() {
            return Err("initial_intercepts is set, but initial_coefficients is not: set both".to_owned());
        }
        let initial = self
            .initial_coefficients
            .iter()
            .flatten()
            .flatten()
            .chain(self.initial_intercepts.iter().flatten());
        if let Some(value) = initial.into_iter().find(|value| !value.is_finite()) {
            return Err(format!("the initial model must be finite, found {value}"));
        }
        Ok(())
    }

    pub(super) fn bounds_intercepts(&self) -> bool {
        self.lower_bounds_on_intercepts.is_some() || self.upper_bounds_on_intercepts.is_some()
    }

    pub(super) fn is_bounded(&self) -> bool {
        self.bounds_intercepts()
            || self.lower_bounds_on_coefficients.is_some()
            || self.upper_bounds_on_coefficients.is_some()
    }

    /// A bounded intercept is that of the features as they are.
    pub(super) fn is_centred(&self) -> bool {
        self.origin() == Origin::Mean
    }

    fn origin(&self) -> Origin {
        match self.fit_intercept {
            false => Origin::Zero,
            true if self.bounds_intercepts() => Origin::ZeroBesideIntercept,
            true => Origin::Mean,
        }
    }

    fn row_columns(&self) -> RowColumns {
        RowColumns {
            features: self.features_col.clone(),
            label: self.label_col.clone(),
            weight: self.weight_col.clone(),
        }
    }

    pub(super) fn model_columns(&self) -> ModelColumns {
        ModelColumns {
            features: self.features_col.clone(),
            label: self.label_col.clone(),
            weight: self.weight_col.clone(),
            outputs: ClassColumns {
                raw_prediction: self.raw_prediction_col.clone(),
                probability: self.probability_col.clone(),
                prediction: self.prediction_col.clone(),
            },
        }
    }

    /// Whether the model has a score for each class, and whether what was set fits so many classes and features.
    pub(super) fn is_multinomial(&self, rows: &Rows) -> luthier_core::Result<bool> {
        let features = rows.units.features;
        // Of a binomial model classes without rows are no news.
        let classes = if self.family == Family::Binomial { rows.found_classes } else { rows.classes };
        let multinomial = match self.family {
            Family::Auto => classes > 2,
            Family::Multinomial => true,
            Family::Binomial if classes > 2 => {
                return Err(Error::invalid(format!(
                    "column `{}` has {classes} classes (labels up to {}), but a binomial model is for 2: set family to auto or \
                     multinomial",
                    self.label_col,
                    classes - 1
                )));
            }
            Family::Binomial => false,
        };
        let sets = if multinomial { classes } else { 1 };
        let of_classes =
            if multinomial { format!("{classes} classes") } else { "a binomial model".to_owned() };
        let matrices = [
            ("lower_bounds_on_coefficients", &self.lower_bounds_on_coefficients),
            ("upper_bounds_on_coefficients", &self.upper_bounds_on_coefficients),
            ("initial_coefficients", &self.initial_coefficients),
        ];
        for (name, matrix) in matrices {
            let Some(rows) = matrix else { continue };
            if rows.len() != sets || rows.iter().any(|row| row.len() != features) {
                let lengths: Vec<usize> = rows.iter().map(Vec::len).collect();
                return Err(Error::invalid(format!(
                    "{name} has lists of {lengths:?} numbers, expected {sets} of {features}: one for each feature, for \
                     {of_classes}"
                )));
            }
        }
        let vectors = [
            ("lower_bounds_on_intercepts", &self.lower_bounds_on_intercepts, sets),
            ("upper_bounds_on_intercepts", &self.upper_bounds_on_intercepts, sets),
            ("initial_intercepts", &self.initial_intercepts, sets),
            ("thresholds", &self.thresholds, classes.max(2)),
        ];
        for (name, vector, expected) in vectors {
            if let Some(found) = vector.as_ref().map(Vec::len).filter(|found| *found != expected) {
                return Err(Error::invalid(format!(
                    "{name} has {found} numbers, expected {expected} for {of_classes}"
                )));
            }
        }
        Ok(multinomial)
    }

    /// The models of configurations of the same rows.
    fn fit_same_rows(
        configs: &[&Self],
        data: &Dataset,
        ctx: &FitContext,
    ) -> Vec<anyhow::Result<LogisticRegressionModel>> {
        let Some(first) = configs.first() else { return Vec::new() };
        let labels = data.schema().field(&first.label_col).and_then(Field::categories);
        let named = labels.as_deref().map_or(0, known_classes);
        match Rows::read(data, &first.row_columns(), first.origin(), named) {
            Ok(rows) => {
                let class_labels = rows.class_labels;
                let classes =
                    labels.clone().or(class_labels.map(|two| two.map(|label| label.to_string()).to_vec()));
                let names = Names::of(data.schema(), &first.features_col, classes);
                let named = |model| LogisticRegressionModel { labels: labels.clone(), class_labels, ..model };
                fit_rows(configs, &rows, &names, ctx).into_iter().map(|model| model.map(named)).collect()
            }
            Err(error) => configs.iter().map(|_| Err(error.clone().into())).collect(),
        }
    }
}

/// Categories that labels stand for; a [`StringIndexer`](crate::StringIndexer) may add one for what it has not seen.
fn known_classes(categories: &[String]) -> usize {
    categories.iter().position(|name| name == crate::categories::UNKNOWN).unwrap_or(categories.len())
}

fn as_matrix(vector: &Option<Vec<f64>>) -> Vec<Vec<f64>> {
    vector.iter().cloned().collect()
}

fn check_bounds(lower: &[Vec<f64>], upper: &[Vec<f64>], what: &str) -> Result<(), String> {
    if let Some(value) = lower.iter().flatten().find(|v| v.is_nan() || **v == f64::INFINITY) {
        return Err(format!("lower bounds on {what} must be numbers or -Inf, found {value}"));
    }
    if let Some(value) = upper.iter().flatten().find(|v| v.is_nan() || **v == f64::NEG_INFINITY) {
        return Err(format!("upper bounds on {what} must be numbers or Inf, found {value}"));
    }
    for (k, (low, high)) in lower.iter().zip(upper).enumerate() {
        if let Some(j) = low.iter().zip(high).position(|(low, high)| low > high) {
            return Err(format!(
                "bounds on {what}: the lower one at [{k}][{j}] is {}, above the upper one, {}",
                low[j], high[j]
            ));
        }
    }
    Ok(())
}

impl Estimator for LogisticRegression {
    const NAME: &'static str = "logistic_regression";
    type Model = LogisticRegressionModel;

    fn fit(&self, data: &Dataset, ctx: &FitContext) -> anyhow::Result<LogisticRegressionModel> {
        only(Self::fit_same_rows(&[self], data, ctx).into_iter().next())
    }

    fn fit_many(
        configs: &[Self],
        data: &Dataset,
        ctx: &FitContext,
    ) -> Vec<anyhow::Result<LogisticRegressionModel>> {
        fit_in_groups(
            configs,
            |config| (config.row_columns(), config.origin()),
            |rows, config| *rows == (config.row_columns(), config.origin()),
            |_, group| Self::fit_same_rows(group, data, ctx),
        )
    }

    fn outputs(&self, schema: &Schema) -> anyhow::Result<Vec<Field>> {
        columns::planned_width(schema, &self.features_col)?;
        columns::require_numeric(schema, &self.label_col)?;
        if let Some(weight_col) = &self.weight_col {
            columns::require_numeric(schema, weight_col)?;
        }
        let labels = schema.field(&self.label_col).and_then(Field::categories);
        // How many classes there are the labels tell.
        let classes = (self.family == Family::Binomial).then_some(2);
        Ok(self.model_columns().outputs.fields(classes, &[], labels.as_deref()))
    }

    fn plan(&self, _schema: &Schema) -> StagePlan {
        let columns = [&self.features_col, &self.label_col].into_iter().chain(&self.weight_col);
        StagePlan::opaque().grouped().iterates().holds(columns)
    }
}

/// What the fit needs of the parameters.
impl LogisticRegression {
    pub(super) fn penalty(&self) -> super::coordinates::Penalty {
        super::coordinates::Penalty {
            strength: self.reg_param,
            l1_share: self.elastic_net_param,
            standardization: self.standardization,
        }
    }

    pub(super) fn lower_bounds(&self) -> super::coordinates::Bounds<'_> {
        super::coordinates::Bounds {
            coefficients: self.lower_bounds_on_coefficients.as_deref(),
            intercepts: self.lower_bounds_on_intercepts.as_deref(),
        }
    }

    pub(super) fn upper_bounds(&self) -> super::coordinates::Bounds<'_> {
        super::coordinates::Bounds {
            coefficients: self.upper_bounds_on_coefficients.as_deref(),
            intercepts: self.upper_bounds_on_intercepts.as_deref(),
        }
    }

    pub(super) fn has_intercept(&self) -> bool {
        self.fit_intercept
    }

    #[allow(clippy::type_complexity)]
    pub(super) fn initial(&self) -> Option<(&[Vec<f64>], Option<&[f64]>)> {
        Some((self.initial_coefficients.as_deref()?, self.initial_intercepts.as_deref()))
    }

    pub(super) fn stopping(&self) -> (f64, usize) {
        (self.tol, self.max_iter)
    }

    pub(super) fn rule(&self) -> (f64, Option<&[f64]>) {
        (self.threshold, self.thresholds.as_deref())
    }

    pub(super) fn is_unpenalised(&self) -> bool {
        self.reg_param == 0.0 && !self.is_bounded()
    }
}
