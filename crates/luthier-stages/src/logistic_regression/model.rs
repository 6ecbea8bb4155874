//! The fitted model.

use luthier_core::frame::{Column, ColumnType, DataFrame, Field, Schema};
use luthier_core::{Error, Transformer};
use ndarray::{Array2, Axis, s};
use serde::{Deserialize, Serialize};

use super::decision::{Decision, equivalent_threshold, sigmoid, softmax};
use super::summary::LogisticTrainingSummary;
use crate::columns;

/// The columns a model reads and appends.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct ModelColumns {
    pub(super) features: String,
    pub(super) label: String,
    pub(super) weight: Option<String>,
    pub(super) raw_prediction: String,
    pub(super) probability: String,
    pub(super) prediction: String,
}

/// A fitted [`LogisticRegression`](crate::LogisticRegression).
///
/// It appends, as far as their names are not empty, the raw prediction (the scores; `[−z, z]` of a binomial model), the
/// probabilities of the classes, and the predicted class. A feature that is NaN makes all of them NaN; null is an error.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LogisticRegressionModel {
    pub(super) columns: ModelColumns,
    pub(super) multinomial: bool,
    /// One row for a binomial model, else one for each class.
    pub(super) coefficients: Vec<Vec<f64>>,
    pub(super) intercepts: Vec<f64>,
    pub(super) threshold: f64,
    pub(super) thresholds: Option<Vec<f64>>,
    pub(super) summary: LogisticTrainingSummary,
}

impl LogisticRegressionModel {
    /// Whether there are scores for each class.
    pub fn is_multinomial(&self) -> bool {
        self.multinomial
    }

    /// Number of classes: 2 of a binomial model, else the largest label and one.
    pub fn num_classes(&self) -> usize {
        if self.multinomial { self.intercepts.len() } else { 2 }
    }

    /// Number of features.
    pub fn num_features(&self) -> usize {
        self.coefficients.first().map_or(0, Vec::len)
    }

    /// The coefficients of a binomial model, one a feature.
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
            "a multinomial model of {classes} classes has {what} for each class: use {instead}"
        ))
    }

    /// A row for each class, or one row of a binomial model; a column for each feature.
    pub fn coefficient_matrix(&self) -> Array2<f64> {
        let columns = self.num_features();
        Array2::from_shape_fn((self.coefficients.len(), columns), |(k, j)| self.coefficients[k][j])
    }

    /// One for each class, or one of a binomial model.
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

    /// How it was fitted and how well it fits.
    pub fn summary(&self) -> &LogisticTrainingSummary {
        &self.summary
    }

    fn decision(&self) -> Decision<'_> {
        Decision::new(self.multinomial, self.threshold, self.thresholds.as_deref())
    }

    /// The raw predictions.
    fn scores(&self, data: &DataFrame) -> luthier_core::Result<Array2<f64>> {
        let features = &self.columns.features;
        columns::require_width(data.schema(), features, self.num_features())?;
        let mut scores = columns::products(data, features, self.coefficient_matrix().view())?;
        for mut row in scores.outer_iter_mut() {
            row.iter_mut().zip(&self.intercepts).for_each(|(score, intercept)| *score += intercept);
        }
        if self.multinomial {
            return Ok(scores);
        }
        Ok(ndarray::concatenate![Axis(1), -&scores, scores])
    }

    fn probabilities(&self, scores: &Array2<f64>) -> Array2<f64> {
        let mut all = Array2::zeros(scores.dim());
        for (scores, mut p) in scores.outer_iter().zip(all.outer_iter_mut()) {
            match (self.multinomial, scores.to_slice(), p.as_slice_mut()) {
                (true, Some(scores), Some(p)) => softmax(scores, p),
                _ => p.iter_mut().zip(scores).for_each(|(p, z)| *p = sigmoid(*z)),
            }
        }
        all
    }
}

impl Transformer for LogisticRegressionModel {
    fn transform(&self, data: &DataFrame) -> anyhow::Result<DataFrame> {
        let data = data.collect()?;
        let c = &self.columns;
        let scores = self.scores(&data)?;
        let probabilities = self.probabilities(&scores);
        let decision = self.decision();
        let class = |i: usize| {
            let (scores, p) = (scores.slice(s![i, ..]), probabilities.slice(s![i, ..]));
            decision.class(scores.as_slice().unwrap_or(&[]), p.as_slice().unwrap_or(&[]))
        };
        let predictions: Vec<f64> = (0..scores.nrows()).map(class).collect();
        let appended = [
            (&c.raw_prediction, Column::vector(scores)),
            (&c.probability, Column::vector(probabilities)),
            (&c.prediction, Column::f64(predictions)),
        ];
        let mut out = data;
        for (name, column) in appended.into_iter().filter(|(name, _)| !name.is_empty()) {
            out = out.with_column(name, column)?;
        }
        Ok(out)
    }

    fn transform_schema(&self, schema: &Schema) -> anyhow::Result<Schema> {
        columns::require_width(schema, &self.columns.features, self.num_features())?;
        Ok(self.columns.append_to(schema, Some(self.num_classes()))?)
    }

    fn input_columns(&self) -> Option<Vec<String>> {
        Some(vec![self.columns.features.clone()])
    }
}

impl ModelColumns {
    /// The schema with the columns appended; the number of classes may only be known after fitting.
    pub(super) fn append_to(&self, schema: &Schema, classes: Option<usize>) -> luthier_core::Result<Schema> {
        let mut schema = schema.clone();
        for vector in [&self.raw_prediction, &self.probability] {
            if !vector.is_empty() {
                schema = columns::append_vector(&schema, vector, classes)?;
            }
        }
        if !self.prediction.is_empty() {
            schema = schema.with_field(Field::new(&self.prediction, ColumnType::F64))?;
        }
        Ok(schema)
    }
}
