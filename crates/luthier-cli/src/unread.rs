//! Stages without effect.

use std::collections::HashSet;
use std::sync::Arc;

use luthier::core::{ColumnRole, DynModel, PipelineModel};

use crate::build::texts_in;
use crate::config::PartConfig;
use crate::output::note;

/// Prints notes on the stages of a model whose outputs nothing reads.
pub(crate) fn tell(model: &Arc<dyn DynModel>, evaluators: &[PartConfig]) {
    notes(&PipelineModel::from(Arc::clone(model)), evaluators).iter().for_each(|text| note(text));
}

/// Notes on columns that a stage appends in front of the one that predicts, and that nothing reads: neither a later stage nor
/// one of the evaluators. A stage that leaves rows out has an effect in any case.
fn notes(model: &PipelineModel, evaluators: &[PartConfig]) -> Vec<String> {
    let stages = model.leaves();
    let last = stages.iter().rposition(|(_, model)| predicts(model.as_ref())).unwrap_or(0);
    let mut read: HashSet<String> = evaluators
        .iter()
        .flat_map(|part| part.params.iter().flat_map(|(_, value)| texts_in(value)))
        .collect();
    let mut notes = Vec::new();
    for (place, (name, model)) in stages.iter().enumerate().rev() {
        let model = model.as_ref();
        if place < last && !predicts(model) && !model.transformer().drops_rows() {
            let outputs = model.columns_of(ColumnRole::Output);
            let unread: Vec<String> = outputs
                .iter()
                .filter(|column| !read.contains(*column))
                .map(|column| format!("`{column}`"))
                .collect();
            if !unread.is_empty() {
                let what = if unread.len() == outputs.len() { "leave the stage out" } else { "leave it out" };
                notes.push(format!(
                    "stage `{name}`: no later stage reads its output {}, which has no effect on the predictions: name it as an \
                     input of a later stage, or {what}",
                    unread.join(", ")
                ));
            }
        }
        read.extend(model.transformer().inputs());
        read.extend(
            ColumnRole::ALL
                .into_iter()
                .filter(|role| !role.is_appended())
                .flat_map(|role| model.columns_of(role)),
        );
    }
    notes.reverse();
    notes
}

fn predicts(model: &dyn DynModel) -> bool {
    !model.columns_of(ColumnRole::Prediction).is_empty()
}
