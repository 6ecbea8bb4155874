//! The columns that a classifier appends.

use luthier_core::Outputs;
use luthier_core::frame::{ColumnType, Field};
use ndarray::Array2;
use serde::{Deserialize, Serialize};

/// Names of the columns that a classifier appends: the scores of the classes, their probabilities, and the predicted class.
/// A column whose name is empty is left out.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ClassColumns {
    /// The vector column of scores.
    pub raw_prediction: String,
    /// The vector column of probabilities.
    pub probability: String,
    /// The column of predicted classes.
    pub prediction: String,
}

impl ClassColumns {
    /// The fields, for [`Transformer::outputs`](luthier_core::Transformer::outputs).
    ///
    /// The number of `classes` may only be known after fitting. The vectors carry the `names` of the classes, so that a file
    /// has `probability_setosa` in place of `probability_0` and an evaluator knows what a label stands for; before fitting
    /// there are none. The prediction carries the `categories` that the label column had.
    pub fn fields(
        &self,
        classes: Option<usize>,
        names: &[String],
        categories: Option<&[String]>,
    ) -> Vec<Field> {
        let vector = |name: &str| {
            let field = Field::new(name, ColumnType::vector(classes));
            if names.is_empty() { field } else { field.with_categories(names) }
        };
        let prediction = Field::number(&self.prediction);
        let fields = [
            vector(&self.raw_prediction),
            vector(&self.probability),
            match categories {
                Some(categories) => prediction.with_categories(categories),
                None => prediction,
            },
        ];
        fields.into_iter().filter(|field| !field.name().is_empty()).collect()
    }

    /// Writes the columns of some rows, in the order of [`fields`](Self::fields): a row of `scores` and `probabilities` for
    /// each, and the label of its predicted class.
    pub fn write(
        &self,
        scores: Array2<f64>,
        probabilities: Array2<f64>,
        predictions: Vec<f64>,
        out: &mut Outputs,
    ) {
        if !self.raw_prediction.is_empty() {
            out.vectors(scores);
        }
        if !self.probability.is_empty() {
            out.vectors(probabilities);
        }
        if !self.prediction.is_empty() {
            out.numbers(predictions);
        }
    }
}
