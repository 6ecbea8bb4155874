//! The evaluation of a logistic model on some rows.

use luthier_core::frame::DataFrame;
use luthier_core::{Dataset, Need, Transformer};

use super::model::LogisticRegressionModel;
use crate::classifier::ClassColumns;
use crate::metrics::{
    BinaryCurve, BinaryScores, BinaryScoresSpec, ClassLosses, ClassLossesSpec, Classes, Confusion,
    ConfusionSpec,
};

/// A comparison of a logistic model's predictions with the labels, weighted if the model has a weight column. It has the
/// contents of Spark's summaries, for the training rows or any others.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct LogisticEvaluation {
    /// Labels against predictions: accuracy, and precision, recall and F-measure of each label and weighted.
    pub confusion: Confusion,
    /// `Σ w ℓ / W` with `ℓ = −ln P(y)`, where probabilities are kept at least 1e-15 away from 0 and 1.
    pub log_loss: f64,
    /// For a binomial model: the ROC and precision-recall curves, and the metrics at each threshold on the raw prediction.
    pub curve: Option<BinaryCurve>,
}

impl LogisticEvaluation {
    pub(super) fn of(model: &LogisticRegressionModel, data: &DataFrame) -> anyhow::Result<Self> {
        let c = &model.columns;
        // Under names of its own: the rows may have predictions already.
        let own = |name: &str| format!("{name} of the evaluation");
        let (raw, probability, prediction) = (own("raw"), own("probability"), own("prediction"));
        let mut named = model.clone();
        named.columns.outputs = ClassColumns {
            raw_prediction: raw.clone(),
            probability: probability.clone(),
            prediction: prediction.clone(),
        };
        let (label_col, weight_col) = (c.label.clone(), c.weight.clone());
        let confusion = ConfusionSpec {
            label_col: label_col.clone(),
            prediction_col: prediction,
            weight_col: weight_col.clone(),
        };
        let losses = ClassLossesSpec {
            label_col: label_col.clone(),
            probability_col: probability,
            weight_col: weight_col.clone(),
            classes: Classes::Many,
            eps: 1e-15,
        };
        let scores =
            (!model.is_multinomial()).then_some(BinaryScoresSpec { label_col, score_col: raw, weight_col });
        let mut needs =
            vec![Need::summary::<Confusion>(confusion.clone()), Need::summary::<ClassLosses>(losses.clone())];
        needs.extend(scores.clone().map(Need::summary::<BinaryScores>));
        let rows = Dataset::new(named.transform(data)?).prepare(&needs)?;
        Ok(Self {
            confusion: Confusion::clone(&*rows.summarize::<Confusion>(&confusion)?),
            log_loss: rows.summarize::<ClassLosses>(&losses)?.log_loss(),
            curve: scores.map(|scores| BinaryCurve::of(&rows, &scores)).transpose()?,
        })
    }
}
