//! Stages among the children of others that parameters exchange or leave out.

use std::collections::HashMap;

use crate::composite::{self, split};
use crate::params::{ColumnRole, ParamInfo, ParamMap, Value};
use crate::registry::{self, StageEntry};
use crate::stage::DynEstimator;
use crate::{Error, Result};

/// The parameter that every child has besides its own: the registered name of its type.
const TYPE: &str = "type";

/// The parameter that every child has besides its own: whether it is there.
const ENABLED: &str = "enabled";

/// A change of the stages, as a parameter asks for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Change {
    Type,
    Enabled,
}

impl dyn DynEstimator + '_ {
    /// A copy with parameters set by dotted name.
    ///
    /// Every child has two parameters besides its own: `type`, the registered name of the type that takes its place, and
    /// `enabled`, which is false for a stage that is left out. Whatever order the map has, types are set first, and stages are
    /// left out last.
    ///
    /// A stage that is exchanged keeps the columns that it reads and appends, and what was set of the parameters that both
    /// types have. Where a stage is left out, those behind it read what it would have read.
    ///
    /// # Errors
    /// An unknown stage or parameter, a wrong type, a value out of range; a stage that cannot be left out, because a later one
    /// reads a column that it makes from several.
    pub fn with_params(&self, params: &ParamMap) -> Result<Box<dyn DynEstimator>> {
        let mut copy = self.clone_box();
        set_all(copy.as_mut(), params)?;
        Ok(copy)
    }

    /// Whether a dotted path is `stage.type` or `stage.enabled` of a stage that does not itself have a parameter of that name,
    /// so that the value exchanges the stage or leaves it out.
    pub fn changes_stages(&self, path: &str) -> bool {
        change(self, path).is_some()
    }

    /// The relevant parameters of a candidate: without those of stages that it leaves out, and those that the chosen type of
    /// a stage does not have.
    ///
    /// # Errors
    /// A type that is not registered.
    pub fn relevant(&self, params: &ParamMap) -> Result<ParamMap> {
        let changes = || params.iter().filter_map(|(path, value)| Some((change(self, path)?, value)));
        let mut chosen = self.clone_box();
        for ((stage, _), value) in changes().filter(|((_, change), _)| *change == Change::Type) {
            exchange(chosen.as_mut(), stage, value).map_err(|e| e.in_stage(stage))?;
        }
        let left_out = |path: &str| {
            let below = |stage: &str| path.strip_prefix(stage).is_some_and(|rest| rest.starts_with('.'));
            changes().any(|((stage, change), value)| {
                change == Change::Enabled
                    && *value == Value::Bool(false)
                    && below(stage)
                    && path.strip_prefix(stage) != Some(".enabled")
            })
        };
        let lacks = |path: &str| {
            let Some((stage, param)) = path.rsplit_once('.') else { return false };
            let exchanged = changes().any(|((other, change), _)| change == Change::Type && other == stage);
            exchanged
                && change(self, path).is_none()
                && !chosen.stage_at(stage).is_some_and(|stage| is_own(stage, param))
        };
        Ok(params
            .iter()
            .filter(|(path, _)| !left_out(path) && !lacks(path))
            .map(|(path, value)| (path, value.clone()))
            .collect())
    }
}

/// The stage that a path changes, by its dotted name, and how.
pub(crate) fn change<'p>(root: &dyn DynEstimator, path: &'p str) -> Option<(&'p str, Change)> {
    let (stage, last) = path.rsplit_once('.')?;
    let change = match last {
        TYPE => Change::Type,
        ENABLED => Change::Enabled,
        _ => return None,
    };
    (!is_own(root.stage_at(stage)?, last)).then_some((stage, change))
}

/// Sets parameters by dotted name, in whatever order they are given: see [`with_params`](DynEstimator#method.with_params).
pub(crate) fn set_all(root: &mut dyn DynEstimator, params: &ParamMap) -> Result<()> {
    let mut entries: Vec<(&str, &Value)> = params.iter().collect();
    entries.sort_by_key(|(path, _)| match change(root, path) {
        Some((_, Change::Type)) => 0,
        None => 1,
        Some((_, Change::Enabled)) => 2,
    });
    entries.into_iter().try_for_each(|(path, value)| set_value(root, path, value))
}

/// Sets a parameter: its own, or one of a stage among the children, which may be to exchange that stage or to leave it out.
pub(crate) fn set_value(root: &mut dyn DynEstimator, path: &str, value: &Value) -> Result<()> {
    match change(root, path) {
        Some((stage, Change::Type)) => exchange(root, stage, value).map_err(|e| e.in_stage(stage)),
        Some((stage, Change::Enabled)) => leave_out(root, stage, value),
        None if root.children().are_possible() && !is_own(root, path) => {
            composite::set_value(root, path, value)
        }
        None => root.set_value(path, value),
    }
}

/// The value of a parameter, as [`set_value`] sets it.
pub(crate) fn get_value(root: &dyn DynEstimator, path: &str) -> Result<Value> {
    match change(root, path) {
        Some((stage, Change::Type)) => {
            Ok(Value::from(root.stage_at(stage).map_or("", |stage| stage.type_name())))
        }
        Some((_, Change::Enabled)) => Ok(Value::Bool(true)),
        None => composite::get_value(root, path),
    }
}

fn is_own(stage: &dyn DynEstimator, param: &str) -> bool {
    stage.param_infos().iter().any(|info| info.name == param)
}

/// Puts another stage, or none, in the place of the one with a dotted name.
fn replace(root: &mut dyn DynEstimator, path: &str, stage: Option<Box<dyn DynEstimator>>) {
    let (name, rest) = split(path);
    let Some(children) = root.children_mut() else { return };
    let Some(place) = children.iter().position(|child| child.name() == name) else { return };
    match (rest, stage, children.get_mut(place)) {
        (Some(rest), stage, Some(child)) => replace(child.stage_mut(), rest, stage),
        (None, Some(stage), Some(child)) => child.put(stage),
        (None, None, _) => drop(children.remove(place)),
        (_, _, None) => {}
    }
}

/// Replaces a stage by one of another type. The columns that the stage reads and appends stay the same, and so do the values
/// of parameters that both types have; all other parameters have the defaults of the new type.
pub(crate) fn exchange(root: &mut dyn DynEstimator, path: &str, value: &Value) -> Result<()> {
    let Value::Str(type_name) = value else {
        return Err(Error::invalid(format!(
            "`{path}.{TYPE}` is {}, expected the registered name of a stage",
            value.quoted()
        )));
    };
    let Some(before) = root.stage_at(path).filter(|stage| stage.type_name() != type_name) else {
        return Ok(());
    };
    let mut after = registry::find::<StageEntry>(type_name)?.create();
    for info in before.param_infos() {
        let Some(value) = before.get_value(info.name).ok().filter(|value| !value.is_null()) else {
            continue;
        };
        let default = info.default_value();
        let was_set = || default.as_ref().is_none_or(|default| !default.same(&value));
        if info.column.is_some() || was_set() {
            // What the new type does not take has its default there.
            let target = counterpart(info, before.param_infos(), after.param_infos());
            let _ = target.map(|target| after.set_value(target, &value));
        }
    }
    replace(root, path, Some(after));
    Ok(())
}

/// Leaves a stage out: later stages read the columns that it would have read. This is possible if each column that it
/// appends is computed from a single column.
pub(crate) fn leave_out(root: &mut dyn DynEstimator, path: &str, value: &Value) -> Result<()> {
    match value {
        Value::Bool(true) => return Ok(()),
        Value::Bool(false) => {}
        other => {
            return Err(Error::invalid(format!(
                "`{path}.{ENABLED}` is {}, expected true or false",
                other.quoted()
            )));
        }
    }
    let inside =
        |name: &str| name.strip_prefix(path).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'));
    let leaves = root.leaves();
    let last = leaves.iter().rposition(|(name, _)| inside(name));
    // For each column that goes, the one that takes its place, if there is one.
    let mut instead: HashMap<String, Option<String>> = HashMap::new();
    for (_, leaf) in leaves.iter().filter(|(name, _)| inside(name)) {
        let source = |column: &String| instead.get(column).cloned().unwrap_or(Some(column.clone()));
        let inputs = leaf.columns_of(ColumnRole::Input);
        let outputs = leaf.columns_where(&ColumnRole::is_appended);
        let one_each = inputs.len() == outputs.len();
        let sources: Vec<Option<String>> = inputs.iter().map(source).collect();
        for (place, output) in outputs.into_iter().enumerate() {
            let source = sources.get(place).filter(|_| one_each).cloned().flatten();
            instead.insert(output, source);
        }
    }
    let mut changes: Vec<(String, Value)> = Vec::new();
    for (name, leaf) in leaves.iter().skip(last.map_or(0, |last| last + 1)) {
        for info in leaf.param_infos().iter().filter(|info| info.column.is_some_and(|r| !r.is_appended())) {
            let Ok(value) = leaf.get_value(info.name) else { continue };
            match rewired(&value, &instead) {
                Ok(None) => {}
                Ok(Some(value)) => changes.push((format!("{name}.{}", info.name), value)),
                Err(column) => {
                    return Err(Error::invalid(format!(
                        "the stage `{path}` cannot be left out: stage `{name}` reads the column `{column}`, which \
                        `{path}` does not compute from a single column"
                    )));
                }
            }
        }
    }
    changes.iter().try_for_each(|(path, value)| composite::set_value(root, path, value))?;
    replace(root, path, None);
    Ok(())
}

/// The corresponding parameter of another type: that of the same name, or the only one with the same role.
fn counterpart(info: &ParamInfo, before: &[ParamInfo], after: &[ParamInfo]) -> Option<&'static str> {
    if let Some(same) = after.iter().find(|other| other.name == info.name && other.column == info.column) {
        return Some(same.name);
    }
    let role = info.column?;
    let only = |infos: &[ParamInfo]| {
        let mut of_role = infos.iter().filter(|info| info.column == Some(role)).map(|info| info.name);
        of_role.next().filter(|_| of_role.next().is_none())
    };
    only(before).and(only(after))
}

/// The value of a parameter that names columns, with some columns replaced; `None` if it does not change.
///
/// # Errors
/// A column without a replacement.
fn rewired(value: &Value, instead: &HashMap<String, Option<String>>) -> Result<Option<Value>, String> {
    match value {
        Value::Str(name) => match instead.get(name) {
            None => Ok(None),
            Some(Some(other)) => Ok(Some(Value::Str(other.clone()))),
            Some(None) => Err(name.clone()),
        },
        Value::List(items) => {
            let changed = items.iter().map(|item| rewired(item, instead)).collect::<Result<Vec<_>, _>>()?;
            let merged = |(item, changed): (&Value, Option<Value>)| changed.unwrap_or_else(|| item.clone());
            match changed.iter().any(Option::is_some) {
                true => Ok(Some(Value::List(items.iter().zip(changed).map(merged).collect()))),
                false => Ok(None),
            }
        }
        _ => Ok(None),
    }
}
