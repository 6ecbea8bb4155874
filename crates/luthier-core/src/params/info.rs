use std::fmt::Write as _;

use super::error::in_range;
use super::{ColumnRole, Simpler, Value};

/// Information about a parameter that does not need an instance.
#[derive(Debug, Clone, Copy)]
pub struct ParamInfo {
    /// The name, `"reg_param"`.
    pub name: &'static str,
    /// The doc comment of the field.
    pub doc: &'static str,
    /// The type in users' terms, see [`ParamType::type_name`](super::ParamType::type_name).
    pub type_name: fn() -> String,
    /// The default; `None` for a required parameter.
    pub default: Option<fn() -> Value>,
    /// The range: `"[0, 1]"`, `"> 0"`.
    pub range: Option<&'static str>,
    /// The role of the columns that it names; `None` if it does not name columns.
    pub column: Option<ColumnRole>,
    /// Which of its values make a simpler model; `None` if that is not declared.
    pub simpler: Option<Simpler>,
    /// Whether it has no default, so that a value must be set.
    pub required: bool,
    /// Whether it may have no value (null).
    pub optional: bool,
    /// The names of all values of an enum; empty for other types.
    pub choices: fn() -> &'static [&'static str],
}

impl ParamInfo {
    /// The first paragraph of the documentation on one line, without the final full stop.
    #[must_use]
    pub fn summary(&self) -> String {
        let lines = self.doc.lines().map(str::trim).take_while(|line| !line.is_empty());
        let text = lines.collect::<Vec<_>>().join(" ");
        text.strip_suffix('.').unwrap_or(&text).to_owned()
    }

    /// Whether its values are lists.
    #[must_use]
    pub fn is_list(&self) -> bool {
        (self.type_name)().starts_with("list<")
    }

    /// The default value; `None` for a required parameter and for an optional one without default.
    #[must_use]
    pub fn default_value(&self) -> Option<Value> {
        self.default.map(|default| default()).filter(|value| !value.is_null())
    }

    /// The parameter in one line, in the form of Spark's `explainParam`:
    /// `max_iter: Maximum number of iterations (>= 0) (default: 10, current: 5)`, or `… (undefined)`.
    ///
    /// `current` is the value of an instance, if there is one; it is shown if it differs from the default.
    #[must_use]
    pub fn explain(&self, current: Option<&Value>) -> String {
        let mut line = format!("{}: {}", self.name, self.summary());
        let choices = (self.choices)();
        if let Some(range) = self.range {
            let _ = write!(line, " ({})", in_range(range));
        } else if !choices.is_empty() {
            let _ = write!(line, " ({})", choices.join(" | "));
        }
        let default = self.default_value();
        let current = current.filter(|c| match &default {
            Some(default) => !c.same(default),
            None => !c.is_null(),
        });
        let parts = [default.as_ref().map(|v| ("default", v)), current.map(|v| ("current", v))];
        let parts: Vec<String> = parts.into_iter().flatten().map(|(k, v)| format!("{k}: {v}")).collect();
        let _ = match parts.is_empty() {
            true => write!(line, " (undefined)"),
            false => write!(line, " ({})", parts.join(", ")),
        };
        line
    }
}
