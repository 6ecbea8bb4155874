//! Checks the roles of parameters that name columns.

use luthier_core::params::ParamInfo;
use luthier_core::{ColumnRole, Value};

/// The columns that a parameter names with a role, or would name if it had one.
fn columns(value: &Value) -> Vec<String> {
    match value {
        Value::Str(name) => vec![name.clone()],
        Value::List(items) => items.iter().flat_map(columns).collect(),
        _ => Vec::new(),
    }
}

/// Checks the roles of a part's parameters against the columns that it reads and appends; `known` are all existing
/// columns.
pub(crate) fn check_roles(
    infos: &[ParamInfo],
    values: &[(&'static str, Value)],
    known: &[String],
    reads: &[String],
    appends: &[String],
) -> Result<(), String> {
    for (param, value) in values {
        let role = infos.iter().find(|info| info.name == *param).and_then(|info| info.column);
        for column in columns(value).iter().filter(|column| !column.is_empty()) {
            let write = |role: &str| format!("write `#[param(column = {role})]`");
            match role {
                None if appends.contains(column) => {
                    return Err(format!(
                        "`{param}` names the column `{column}` to append: {}",
                        write("output")
                    ));
                }
                None if known.contains(column) => {
                    return Err(format!(
                        "`{param}` names the column `{column}` but has no role: {}",
                        write("input")
                    ));
                }
                Some(role) if role.is_appended() && !appends.contains(column) => {
                    return Err(format!("`{param}` has the role `{role}`, but `{column}` is not appended"));
                }
                Some(ColumnRole::Input) if !reads.contains(column) => {
                    return Err(format!(
                        "`{param}` has the role `input`, but the model does not read `{column}`"
                    ));
                }
                Some(role) if role.is_no_feature() && reads.contains(column) => {
                    return Err(format!(
                        "`{param}` has the role `{role}`, but the model reads `{column}` to predict"
                    ));
                }
                _ => {}
            }
        }
    }
    Ok(())
}
