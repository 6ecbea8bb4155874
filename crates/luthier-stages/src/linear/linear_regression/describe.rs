//! What the model says about itself.

use luthier_core::{AxisLabels, Description, Note, Value};

use super::model::LinearRegressionModel;

pub(super) fn describe(model: &LinearRegressionModel) -> Description {
    let summary = model.summary();
    let errors = model.standard_errors();
    let with_intercept = model.fits_intercept();
    let mut description = Description::new()
        .fact("rows", summary.num_instances)
        .fact("degrees_of_freedom", summary.degrees_of_freedom)
        .fact("r2", summary.r2)
        .fact("adjusted_r2", summary.adjusted_r2)
        .fact("rmse", summary.rmse)
        .fact("mse", summary.mse)
        .fact("explained_variance", summary.explained_variance)
        .fact_if("log_likelihood", summary.log_likelihood)
        .fact_if("aic", summary.aic)
        .fact_if("bic", summary.bic)
        .fact("iterations", summary.total_iterations)
        .fact("converged", summary.converged)
        .fact_if("condition", summary.condition.map(condition))
        .fact("scale", model.scale())
        .fact_if(
            "standard_errors",
            match (errors, model.is_penalised()) {
                _ if model.is_of_sparse_rows() => {
                    Some("not computed, nor the rank: the features are sparse")
                }
                (Some(_), true) => Some(
                    "of the penalised coefficients: they leave out the bias of the penalty, so p_value is no test of whether \
                     a coefficient is 0",
                ),
                _ => None,
            },
        );
    let column = model.features_col().to_owned();
    let axis = match with_intercept {
        true => AxisLabels::FeaturesAndIntercept(column),
        false => AxisLabels::Features(column),
    };
    let intercept = with_intercept.then(|| model.intercept());
    let estimates = model.coefficients().iter().copied().chain(intercept);
    description = description.vector("coefficient", axis.clone(), estimates);
    let inference =
        [("standard_error", errors), ("t_value", model.t_values()), ("p_value", model.p_values())];
    for (name, values) in inference {
        if let Some(values) = values {
            description = description.vector(name, axis.clone(), values.iter().copied());
        }
    }
    description.with_notes(notes(model))
}

pub(super) fn notes(model: &LinearRegressionModel) -> Vec<Note> {
    let summary = model.summary();
    let stopped = (!summary.converged).then(|| crate::linear::not_converged(summary.total_iterations));
    stopped.into_iter().chain(model.notes_on_features().iter().cloned()).collect()
}

/// The condition of the correlation matrix; where it is infinite, with the reason.
fn condition(condition: f64) -> Value {
    match condition.is_infinite() {
        true => Value::from("Inf: some features are linear combinations of others"),
        false => Value::Float(condition),
    }
}

/// Whether lists of a loaded model fit together.
pub(super) fn check(model: &LinearRegressionModel) -> anyhow::Result<()> {
    let features = model.coefficients().len();
    for (name, values) in [("standard_errors", model.standard_errors()), ("t_values", model.t_values())] {
        let found = values.map_or(features, <[f64]>::len);
        if found != features && found != features + 1 {
            anyhow::bail!("`{name}` has {found} numbers beside {features} coefficients");
        }
    }
    Ok(())
}
