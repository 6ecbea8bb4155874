//! The behaviour of all stages that consist of other stages.

use std::sync::Arc;

use luthier_frame::Schema;

use crate::params::{Value, closest};
use crate::stage::{DynEstimator, DynModel, FittedChild, PipelineStage};
use crate::{Error, Result};

impl dyn DynEstimator + '_ {
    /// The stages that are fitted one after another, by dotted name; sequences of stages are flattened. A stage that is not a
    /// sequence is its only leaf, named after its type.
    pub fn leaves(&self) -> Vec<(String, &dyn DynEstimator)> {
        match self.children().row() {
            Some(stages) => leaves_of(stages),
            None => vec![(self.type_name().to_owned(), self)],
        }
    }

    /// The stage with a dotted name, at any depth.
    pub(crate) fn stage_at(&self, path: &str) -> Option<&dyn DynEstimator> {
        let (name, rest) = split(path);
        let child = self.children().all().iter().find(|child| child.name() == name)?.stage();
        match rest {
            None => Some(child),
            Some(rest) => child.stage_at(rest),
        }
    }

    /// Everything that distinguishes it from other stages of its type: the values of its parameters, in the order of its type,
    /// then the name, type and configuration of each child.
    pub fn configuration(&self) -> Vec<Value> {
        let of_child = |child: &PipelineStage| {
            let known = [child.name(), child.stage().type_name()].map(Value::from);
            known.into_iter().chain(child.stage().configuration()).collect::<Vec<_>>()
        };
        let own = self.values().into_iter().map(|(_, value)| value);
        own.chain(self.children().all().iter().flat_map(of_child)).collect()
    }

    /// Assembles fitted leaves, in order, into the structure of this stage. `columns` are those of the frame, if they are
    /// known.
    ///
    /// # Errors
    /// If there are fewer models than leaves.
    pub fn assemble_leaves(
        &self,
        models: &mut dyn Iterator<Item = Arc<dyn DynModel>>,
        columns: Option<&Schema>,
    ) -> Result<Arc<dyn DynModel>> {
        match self.children().row() {
            Some(stages) => self.assemble(assemble_children(stages, models)?, columns),
            None => models.next().ok_or_else(|| Error::invalid("a stage has no fitted model")),
        }
    }
}

/// Assembles the models of a sequence of stages from the models of its leaves.
pub(crate) fn assemble_children(
    stages: &[PipelineStage],
    models: &mut dyn Iterator<Item = Arc<dyn DynModel>>,
) -> Result<Vec<FittedChild>> {
    let child =
        |child: &PipelineStage| Ok((child.name().to_owned(), child.stage().assemble_leaves(models, None)?));
    stages.iter().map(child).collect()
}

/// The leaves of a sequence of stages.
pub(crate) fn leaves_of(stages: &[PipelineStage]) -> Vec<(String, &dyn DynEstimator)> {
    let mut leaves = Vec::with_capacity(stages.len());
    for child in stages {
        match child.stage().children().row() {
            Some(inner) => leaves.extend(
                leaves_of(inner).into_iter().map(|(name, leaf)| (format!("{}.{name}", child.name()), leaf)),
            ),
            None => leaves.push((child.name().to_owned(), child.stage())),
        }
    }
    leaves
}

/// The stage with which a dotted path begins, and the rest of the path.
pub(crate) fn split(path: &str) -> (&str, Option<&str>) {
    path.split_once('.').map_or((path, None), |(name, rest)| (name, Some(rest)))
}

/// Sets a parameter of a stage among the children.
pub(crate) fn set_value(root: &mut dyn DynEstimator, path: &str, value: &Value) -> Result<()> {
    let (place, param) = locate(root, path)?;
    let Some(child) = root.children_mut().and_then(|children| children.get_mut(place)) else {
        let type_name = root.type_name();
        return Err(Error::invalid(format!(
            "`{path}` cannot be set: a `{type_name}` does not let its stages be changed"
        )));
    };
    let is_below = param.contains('.') && child.stage().children().are_possible();
    let set = match is_below {
        true => set_value(child.stage_mut(), param, value),
        false => child.stage_mut().set_value(param, value),
    };
    set.map_err(|e| e.within(child.name()))
}

/// The value of a parameter of a stage among the children.
pub(crate) fn get_value(root: &dyn DynEstimator, path: &str) -> Result<Value> {
    let (place, param) = locate(root, path)?;
    let Some(child) = root.children().all().get(place) else { return Ok(Value::Null) };
    let stage = child.stage();
    let got = match param.contains('.') && stage.children().are_possible() {
        true => get_value(stage, param),
        false => stage.get_value(param),
    };
    got.map_err(|e| e.within(child.name()))
}

/// The child with which a dotted path begins, and the rest of the path.
fn locate<'p>(root: &dyn DynEstimator, path: &'p str) -> Result<(usize, &'p str)> {
    let children = root.children().all();
    let names = || children.iter().map(PipelineStage::name);
    let Some((stage, param)) = path.split_once('.') else {
        let known: Vec<_> = names().map(|name| format!("`{name}`")).collect();
        return Err(Error::invalid(format!(
            "`{path}` does not name a stage: write `stage.parameter`; the stages are {}",
            known.join(", ")
        )));
    };
    let place = names().position(|name| name == stage).ok_or_else(|| {
        let mut paths = nested(children, "").into_iter();
        let inner = paths.find(|path| path.strip_suffix(stage).is_some_and(|outer| outer.ends_with('.')));
        let near = inner.map(|inner| format!("{inner}.{param}"));
        let near = near.or_else(|| closest(stage, names()).map(str::to_owned));
        let hint = near.map(|near| format!("did you mean `{near}`? ")).unwrap_or_default();
        Error::UnknownStage { path: stage.to_owned(), known: names().map(str::to_owned).collect(), hint }
    })?;
    Ok((place, param))
}

/// The dotted names of all stages inside.
fn nested(children: &[PipelineStage], outer: &str) -> Vec<String> {
    let below = |child: &PipelineStage| {
        let name = format!("{outer}{}", child.name());
        let inner = nested(child.stage().children().all(), &format!("{name}."));
        std::iter::once(name).chain(inner).collect::<Vec<_>>()
    };
    children.iter().flat_map(below).collect()
}
