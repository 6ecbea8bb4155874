//! What the model says about itself.

use luthier_core::{AxisLabels, Description, Note, NoteKind};

use super::model::LogisticRegressionModel;
use crate::columns;

pub(super) fn describe(model: &LogisticRegressionModel) -> Description {
    let summary = model.summary();
    let description = Description::new()
        .fact("rows", summary.num_instances)
        .fact("classes", model.num_classes())
        .fact("multinomial", model.is_multinomial())
        .fact("log_loss", summary.log_loss)
        .fact("deviance", summary.deviance)
        .fact("null_deviance", summary.null_deviance)
        .fact("log_likelihood", summary.log_likelihood())
        .fact_if("aic", summary.aic)
        .fact_if("bic", summary.bic)
        .fact_if("degrees_of_freedom", summary.degrees_of_freedom)
        .fact("accuracy", summary.accuracy)
        .fact("iterations", summary.total_iterations)
        .fact("converged", summary.converged)
        .fact("gradient", summary.gradient)
        .fact("separated", summary.separated);
    let features = model.features_col();
    let description = match model.is_multinomial() {
        true => {
            let classes = AxisLabels::named("class", model.class_names());
            description.vector("intercept", classes.clone(), model.intercepts().iter().copied()).matrix(
                "coefficients",
                AxisLabels::Features(features.to_owned()),
                classes,
                model.coefficient_matrix().reversed_axes(),
            )
        }
        false => of_binomial(model, description.fact("threshold", model.threshold()), features),
    };
    description.with_notes(of_labels(model)).with_notes(summary.notes.iter().cloned())
}

fn of_binomial(model: &LogisticRegressionModel, description: Description, features: &str) -> Description {
    let coefficients = model.coefficients().unwrap_or_default();
    let intercept = model.intercept().unwrap_or(0.0);
    let inference = model.summary().inference.as_ref();
    let with_intercept =
        inference.map_or(intercept != 0.0, |found| found.standard_errors.len() > coefficients.len());
    let axis = match with_intercept {
        true => AxisLabels::FeaturesAndIntercept(features.to_owned()),
        false => AxisLabels::Features(features.to_owned()),
    };
    let estimates = coefficients.iter().copied().chain(with_intercept.then_some(intercept));
    let description = description.vector("coefficient", axis.clone(), estimates);
    match inference {
        Some(found) => description
            .vector("standard_error", axis.clone(), found.standard_errors.iter().copied())
            .vector("z_value", axis.clone(), found.z_values.iter().copied())
            .vector("p_value", axis, found.p_values.iter().copied()),
        None => description,
    }
}

/// Which of two labels that have names, or are not 0 and 1, is the positive class.
fn of_labels(model: &LogisticRegressionModel) -> Option<Note> {
    let is_said = model.class_labels.is_some() || model.labels().is_some_and(|labels| labels.len() > 1);
    let names = model.class_names();
    let [negative, positive] = &names[..] else { return None };
    let message = format!("the labels are {negative} and {positive}: {positive} is the positive class");
    is_said.then(|| Note::new(NoteKind::Labels, message).about([positive.clone()]))
}

/// Whether lists of a loaded model fit together.
pub(super) fn check(model: &LogisticRegressionModel) -> anyhow::Result<()> {
    let (rows, features) = (model.coefficients.len(), model.num_features());
    columns::same_lengths([("coefficients", rows), ("intercepts", model.intercepts.len())])?;
    if rows == 0 || !model.multinomial && rows != 1 {
        anyhow::bail!(
            "`coefficients` has {rows} rows, expected 1 of a binomial model and one per class of a multinomial one"
        );
    }
    if let Some(row) = model.coefficients.iter().find(|row| row.len() != features) {
        anyhow::bail!("`coefficients` has rows of {features} and of {} numbers", row.len());
    }
    if let Some(thresholds) = &model.thresholds {
        columns::same_lengths([("thresholds", thresholds.len()), ("classes", model.num_classes())])?;
    }
    Ok(())
}
