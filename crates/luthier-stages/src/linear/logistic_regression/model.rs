//! The fitted model.

use luthier_core::frame::{DataFrame, Field, Schema};
use luthier_core::{Description, Error, Outputs, Tile, Transformer, catch_panic, linalg};
use ndarray::{Array2, ArrayView2, ArrayViewMut2, Axis};
use serde::{Deserialize, Serialize};

use super::evaluation::LogisticEvaluation;
use super::links::{sigmoid, softmax};
use super::summary::LogisticTrainingSummary;
use crate::classifier::{ClassColumns, Decision, equivalent_threshold};
use crate::columns;

/// The columns a model reads and appends.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct ModelColumns {
    pub(super) features: String,
    pub(super) label: String,
    pub(super) weight: Option<String>,
    #[serde(flatten)]
    pub(super) outputs: ClassColumns,
}

/// A fitted [`LogisticRegression`](crate::LogisticRegression).
///
/// ```
/// use luthier_core::EstimatorExt;
/// use luthier_core::frame::DataFrame;
/// use luthier_stages::LogisticRegression;
///
/// let x = ndarray::array![[0.0, 1.0], [1.0, 0.5], [2.0, 0.0], [2.5, 2.0], [3.0, 1.0], [4.0, 1.5]];
/// let data = DataFrame::from_ndarray(x, vec![0.0, 0.0, 1.0, 1.0, 2.0, 2.0])?;
/// let model = LogisticRegression::new().reg_param(0.1).fit_frame(&data)?;
/// assert!(model.is_multinomial());
/// assert_eq!(model.coefficient_matrix().dim(), (3, 2));
/// assert_eq!(model.intercepts().len(), 3);
/// assert_eq!(model.summary().accuracy, model.evaluate(&data)?.confusion.accuracy());
/// # Ok::<(), luthier_core::Error>(())
/// ```
///
/// It appends the raw prediction (the scores; `[−z, z]` for a binomial model), the probabilities of the classes, and the
/// predicted class, except for columns whose names are empty. If a feature is NaN, all of them are NaN; null is an error.
/// The first two carry the names of the classes, so that a file has `probability_setosa` instead of `probability_0`.
/// If the label column carried categories, like one appended by a [`StringIndexer`](crate::StringIndexer), the prediction
/// carries them too, and an [`IndexToString`](crate::IndexToString) turns it into text.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LogisticRegressionModel {
    pub(super) columns: ModelColumns,
    pub(super) multinomial: bool,
    /// One row for a binomial model, else one for each class.
    pub(super) coefficients: Vec<Vec<f64>>,
    pub(super) intercepts: Vec<f64>,
    pub(super) threshold: f64,
    pub(super) thresholds: Option<Vec<f64>>,
    /// What the classes stand for, if the label column said so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) labels: Option<Vec<String>>,
    /// The labels of two classes that are not 0 and 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) class_labels: Option<[f64; 2]>,
    pub(super) summary: LogisticTrainingSummary,
}

impl LogisticRegressionModel {
    /// Whether the model is multinomial, with one score per class.
    pub fn is_multinomial(&self) -> bool {
        self.multinomial
    }

    /// Number of classes: 2 for a binomial model, otherwise the largest label plus one.
    pub fn num_classes(&self) -> usize {
        if self.multinomial { self.intercepts.len() } else { 2 }
    }

    /// The names of the classes 0, 1, …, if the label column carried categories.
    pub fn labels(&self) -> Option<&[String]> {
        self.labels.as_deref()
    }

    /// The names of the classes: the categories of the label column, else the labels themselves. Where there are fewer
    /// categories than classes, because all rows are of one class, the other class has no name.
    pub(super) fn class_names(&self) -> Vec<String> {
        let name = |k: usize| match &self.labels {
            Some(labels) => labels.get(k).cloned().unwrap_or_else(|| crate::categories::UNKNOWN.to_owned()),
            None => self.label_of(k as f64).to_string(),
        };
        (0..self.num_classes()).map(name).collect()
    }

    /// The label of a class: its number, but of two labels that are not 0 and 1. NaN stays NaN.
    fn label_of(&self, class: f64) -> f64 {
        match self.class_labels {
            Some([negative, _]) if class == 0.0 => negative,
            Some([_, positive]) if class == 1.0 => positive,
            _ => class,
        }
    }

    pub(super) fn features_col(&self) -> &str {
        &self.columns.features
    }

    /// Number of features.
    pub fn num_features(&self) -> usize {
        self.coefficients.first().map_or(0, Vec::len)
    }

    /// The coefficients of a binomial model, one per feature.
    ///
    /// # Errors
    /// If the model is multinomial: see [`coefficient_matrix`](Self::coefficient_matrix).
    pub fn coefficients(&self) -> luthier_core::Result<&[f64]> {
        match (&self.coefficients[..], self.multinomial) {
            ([coefficients], false) => Ok(coefficients),
            _ => Err(self.has_many("coefficients", "coefficient_matrix()")),
        }
    }

    /// The intercept of a binomial model; 0 without `fit_intercept`.
    ///
    /// # Errors
    /// If the model is multinomial: see [`intercepts`](Self::intercepts).
    pub fn intercept(&self) -> luthier_core::Result<f64> {
        match (&self.intercepts[..], self.multinomial) {
            ([intercept], false) => Ok(*intercept),
            _ => Err(self.has_many("an intercept", "intercepts()")),
        }
    }

    fn has_many(&self, what: &str, instead: &str) -> Error {
        let classes = self.num_classes();
        Error::invalid(format!(
            "a multinomial model of {classes} classes has {what} per class: use {instead}"
        ))
    }

    /// The coefficients as a matrix with one row per class, or a single row for a binomial model, and one column per feature.
    pub fn coefficient_matrix(&self) -> Array2<f64> {
        let columns = self.num_features();
        Array2::from_shape_fn((self.coefficients.len(), columns), |(k, j)| self.coefficients[k][j])
    }

    /// The intercepts: one per class, or a single one for a binomial model.
    pub fn intercepts(&self) -> &[f64] {
        &self.intercepts
    }

    /// The threshold of a binomial model on the probability of class 1.
    pub fn threshold(&self) -> f64 {
        match self.thresholds.as_deref() {
            Some([zero, one]) => equivalent_threshold(*zero, *one),
            _ => self.threshold,
        }
    }

    /// How it was fitted, and how well it fits its training rows.
    pub fn summary(&self) -> &LogisticTrainingSummary {
        &self.summary
    }

    /// How well it predicts the classes of the rows of a frame that has the label column (and the weight column, if the model
    /// was fitted with one): accuracy, precision, recall and F-measure by label, log loss, and the curves of a binomial model.
    ///
    /// # Errors
    /// A column that is missing or of the wrong type; a null, NaN or infinite value, or a label that is not a class, with
    /// its row.
    pub fn evaluate(&self, data: &DataFrame) -> luthier_core::Result<LogisticEvaluation> {
        catch_panic("logistic_regression", || LogisticEvaluation::of(self, data))
    }

    fn decision(&self) -> Decision<'_> {
        Decision::new(self.multinomial, self.threshold, self.thresholds.as_deref())
    }

    /// The scores of some rows, a column for each class; of sparse features without their zeros.
    fn scores(&self, rows: &Tile<'_>) -> luthier_core::Result<Array2<f64>> {
        let mut scores = Array2::zeros((rows.len(), self.num_classes()));
        let Some(sparse) = rows.sparse(&self.columns.features) else {
            self.add_scores(rows.vectors(&self.columns.features)?.view(), scores.view_mut());
            return Ok(scores);
        };
        for (i, mut row) in scores.outer_iter_mut().enumerate() {
            let (positions, values) = sparse.row(i);
            let held = || positions.iter().map(|&j| j as usize).zip(values.iter().copied());
            self.score(held, row.as_slice_mut().unwrap_or_default());
        }
        Ok(scores)
    }

    /// The scores of one row, given as positions and values of its features.
    fn score<I: Iterator<Item = (usize, f64)>>(&self, row: impl Fn() -> I, scores: &mut [f64]) {
        let of_class = |k: usize| -> f64 {
            row().map(|(j, x)| x * self.coefficients[k][j]).sum::<f64>() + self.intercepts[k]
        };
        match (self.multinomial, scores) {
            (false, [minus, plus]) => {
                *plus = of_class(0);
                *minus = -*plus;
            }
            (_, scores) => scores.iter_mut().enumerate().for_each(|(k, score)| *score = of_class(k)),
        }
    }

    fn add_scores(&self, rows: ArrayView2<'_, f64>, mut out: ArrayViewMut2<'_, f64>) {
        let scores = linalg::row_products(rows, self.coefficient_matrix().view());
        let intercepts = ndarray::aview1(&self.intercepts);
        if self.multinomial {
            out.assign(&scores);
            out += &intercepts.insert_axis(Axis(0));
        } else {
            let score = &scores.column(0) + intercepts.first().copied().unwrap_or(0.0);
            out.column_mut(1).assign(&score);
            out.column_mut(0).assign(&-score);
        }
    }

    fn probabilities(&self, scores: &Array2<f64>) -> Array2<f64> {
        let mut all = Array2::zeros(scores.dim());
        if let (Some(scores), Some(p)) = (scores.as_slice(), all.as_slice_mut()) {
            let classes = self.num_classes();
            let rows = scores.chunks_exact(classes).zip(p.chunks_exact_mut(classes));
            rows.for_each(|(scores, p)| self.probability(scores, p));
        }
        all
    }

    /// The probabilities of one row from its scores.
    fn probability(&self, scores: &[f64], p: &mut [f64]) {
        match self.multinomial {
            true => softmax(scores, p),
            false => p.iter_mut().zip(scores).for_each(|(p, z)| *p = sigmoid(*z)),
        }
    }
}

impl Transformer for LogisticRegressionModel {
    fn inputs(&self) -> Vec<String> {
        vec![self.columns.features.clone()]
    }

    fn outputs(&self, schema: &Schema) -> anyhow::Result<Vec<Field>> {
        columns::require_width(schema, &self.columns.features, self.num_features())?;
        Ok(self.columns.outputs.fields(Some(self.num_classes()), &self.class_names(), self.labels()))
    }

    fn apply(&self, rows: &Tile<'_>, out: &mut Outputs) -> anyhow::Result<()> {
        let classes = self.num_classes();
        let scores = self.scores(rows)?;
        let probabilities = self.probabilities(&scores);
        let decision = self.decision();
        let (z, p) = (scores.as_slice().unwrap_or(&[]), probabilities.as_slice().unwrap_or(&[]));
        let each = z.chunks_exact(classes).zip(p.chunks_exact(classes));
        let predictions = each.map(|(z, p)| self.label_of(decision.class_by_scores(z, p))).collect();
        self.columns.outputs.write(scores, probabilities, predictions, out);
        Ok(())
    }

    fn describe(&self) -> Description {
        super::describe::describe(self)
    }

    fn check_state(&self) -> anyhow::Result<()> {
        super::describe::check(self)
    }
}
