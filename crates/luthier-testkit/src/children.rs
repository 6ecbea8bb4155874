//! Stages that are made of stages.

use std::sync::Arc;

use luthier_core::frame::Schema;
use luthier_core::{DynEstimator, DynModel, PipelineModel, PipelineStage};

fn names(children: &[PipelineStage]) -> Vec<&str> {
    children.iter().map(PipelineStage::name).collect()
}

/// Checks that children can be changed. Of children in a row, the model that is assembled from those that `fitted` has.
pub(crate) fn check_children(
    stage: &dyn DynEstimator,
    fitted: &Arc<dyn DynModel>,
    columns: &Schema,
) -> Result<Option<Arc<dyn DynModel>>, String> {
    let children = stage.children();
    if !children.are_possible() {
        return Ok(None);
    }
    let mut copy = stage.clone_box();
    let Some(changed) = copy.children_mut() else {
        return Err("`children` gives stages and `children_mut` none, so they can be neither set nor loaded"
            .to_owned());
    };
    if names(changed) != names(children.all()) {
        return Err(format!(
            "`children` gives {:?}, `children_mut` {:?}",
            names(children.all()),
            names(changed)
        ));
    }
    changed.clear();
    if !copy.children().all().is_empty() {
        return Err("what is changed by `children_mut` is not seen in `children`".to_owned());
    }
    if children.row().is_none() {
        return Ok(None);
    }
    if fitted.children().row().is_none() {
        return Err("the children of the stage are in a row, those of its model are not".to_owned());
    }
    let fitted = PipelineModel::from(Arc::clone(fitted));
    let mut leaves = fitted.leaves().into_iter().map(|(_, leaf)| Arc::clone(leaf));
    let assembled = stage.assemble_leaves(&mut leaves, Some(columns));
    assembled.map(Some).map_err(|e| format!("what the children were fitted to cannot be put together: {e}"))
}
