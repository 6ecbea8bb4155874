//! Columns selected by names, globs and exclusions.

use std::collections::{BTreeMap, HashSet};

use anyhow::{Context, Result, bail};
use glob::Pattern;
use luthier::frame::{ColumnType, Field, Schema};

/// Whether a text is a glob or an exclusion rather than a name.
pub(crate) fn is_pattern(text: &str, schema: &Schema) -> bool {
    (text.starts_with('!') || is_glob(text)) && schema.field(text).is_none()
}

fn is_glob(text: &str) -> bool {
    text.contains(['*', '?', '['])
}

/// Which columns a list of names and globs may select.
pub(crate) struct Selector<'a> {
    /// The name of the list in messages: "features".
    pub(crate) what: &'a str,
    /// The columns there are.
    pub(crate) schema: &'a Schema,
    /// Labels, weights and the like, which no glob selects; each with what it is.
    pub(crate) roles: &'a BTreeMap<String, String>,
    /// Whether columns of these roles must not be named either, because they would become features.
    pub(crate) features: bool,
    /// Whether a glob may select the column: one of a usable type.
    pub(crate) takes: &'a dyn Fn(&Field) -> bool,
    /// The columns that it takes, in words: "numeric or vector column".
    pub(crate) takes_what: &'a str,
}

/// The columns that are selected, and those that a glob would select if they were of a usable type.
#[derive(Debug, Default)]
pub(crate) struct Selected {
    pub(crate) columns: Vec<String>,
    pub(crate) passed_over: Vec<String>,
}

impl Selector<'_> {
    /// The columns of a list, each once: names as they are, the columns that match a glob in the order of the file.
    /// `!name` and `!glob` remove columns from those selected before; a list of exclusions only starts from all columns.
    ///
    /// # Errors
    /// A glob that is invalid or matches nothing; a column to remove that does not exist; a name with another role.
    pub(crate) fn select(&self, patterns: &[String]) -> Result<Selected> {
        let what = self.what;
        let mut selected = Selected::default();
        let without = |text: &String| is_pattern(text, self.schema) && text.starts_with('!');
        if !patterns.is_empty() && patterns.iter().all(without) {
            self.glob("*", &mut selected)?;
        }
        for text in patterns {
            if without(text) {
                let text = text.trim_start_matches('!');
                let pattern = self.pattern(text)?;
                if !is_glob(text) || self.schema.field(text).is_some() {
                    self.schema.require(text).with_context(|| format!("{what}: `!{text}`"))?;
                    selected.columns.retain(|name| name != text);
                } else {
                    selected.columns.retain(|name| !pattern.matches(name));
                    selected.passed_over.retain(|name| !pattern.matches(name));
                }
                selected.passed_over.retain(|name| name != text);
            } else if is_pattern(text, self.schema) {
                self.glob(text, &mut selected)?;
            } else {
                if let Some(role) = self.roles.get(text).filter(|_| self.features) {
                    bail!(
                        "{what}: the column `{text}` cannot be a feature, because it is {role}: leave it out here"
                    );
                }
                selected.columns.push(text.clone());
            }
        }
        for names in [&mut selected.columns, &mut selected.passed_over] {
            let mut seen = HashSet::new();
            names.retain(|name| seen.insert(name.clone()));
        }
        Ok(selected)
    }

    fn pattern(&self, text: &str) -> Result<Pattern> {
        Pattern::new(text).with_context(|| format!("{}: glob `{text}`", self.what))
    }

    fn glob(&self, text: &str, selected: &mut Selected) -> Result<()> {
        let pattern = self.pattern(text)?;
        // A column without a name holds row names or row numbers.
        let is_free = |name: &str| !name.is_empty() && !self.roles.contains_key(name);
        let matches = |field: &&Field| pattern.matches(field.name()) && is_free(field.name());
        let (usable, others): (Vec<&Field>, Vec<&Field>) =
            self.schema.fields().iter().filter(matches).partition(|field| (self.takes)(field));
        if usable.is_empty() {
            let shown = |field: &Field| match (field.name(), self.roles.get(field.name())) {
                ("", _) => "row names".to_owned(),
                (name, Some(role)) => format!("`{name}` ({role})"),
                (name, None) => format!("`{name}` ({})", field.column_type()),
            };
            let known: Vec<String> = self.schema.fields().iter().map(shown).collect();
            let remedy =
                others.iter().find_map(|field| Some(format!("; `{}`: {}", field.name(), as_feature(field)?)));
            bail!(
                "{}: the glob `{text}` matches no {}; the columns are: {}{}",
                self.what,
                self.takes_what,
                known.join(", "),
                remedy.unwrap_or_default()
            );
        }
        selected.columns.extend(usable.into_iter().map(|field| field.name().to_owned()));
        selected.passed_over.extend(others.into_iter().map(|field| field.name().to_owned()));
        Ok(())
    }
}

/// How a column that is neither a number nor a vector can become a feature.
pub(crate) fn as_feature(field: &Field) -> Option<String> {
    match field.column_type() {
        ColumnType::Utf8 => {
            let name = field.name();
            Some(format!("to use its values as categories, write `categories = [{name:?}]` under [data]"))
        }
        ColumnType::Date | ColumnType::Timestamp => {
            Some("a stage `date_parts` turns it into numbers".to_owned())
        }
        _ => None,
    }
}
