//! What a fitted pipeline should not keep to itself.

use std::sync::Arc;

use luthier::core::{DynModel, PipelineModel};
use luthier::stages::LogisticRegressionModel;

/// The remarks on all stages, those of nested pipelines by dotted name.
pub(crate) fn of_pipeline(model: &Arc<dyn DynModel>) -> Vec<String> {
    let pipeline = PipelineModel::from(model.clone());
    let remark = |(name, model): (String, &Arc<dyn DynModel>)| {
        of_stage(model).map(|remark| format!("stage `{name}` {remark}"))
    };
    pipeline.leaves().into_iter().filter_map(remark).collect()
}

/// Whatever the crate that a stage comes from: its model says in its state, by `summary.converged`, whether its fit did.
pub(crate) fn of_stage(model: &Arc<dyn DynModel>) -> Option<String> {
    // Spark's `[0]`: one class is certain, there was nothing to fit.
    let has_one_class = |model: &LogisticRegressionModel| model.summary().objective_history == [0.0];
    if model.downcast_ref().is_some_and(has_one_class) {
        return Some("was given labels of one class: it predicts that one, whatever the features".to_owned());
    }
    let state = model.state().ok()?;
    let converged = state.get("summary")?.get("converged")?.as_bool()?;
    let values = model.values();
    let limit = values.iter().find(|(name, _)| *name == "max_iter");
    let limit = limit.map(|(name, value)| format!(" at {name} = {value}")).unwrap_or_default();
    (!converged).then(|| {
        format!("stopped{limit} before it converged: give it more iterations, or features on one scale")
    })
}
