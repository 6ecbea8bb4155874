//! Which columns are labels, weights and fold numbers, and so no features.

use std::collections::BTreeMap;

use anyhow::Result;
use luthier::core::Value;
use luthier::core::params::ParamInfo;
use luthier::core::registry::{self, EvaluatorEntry, StageEntry};

use crate::config::{Config, DataConfig, Key, StageConfig};

/// The parameters that name such a column, and what it is.
const PARAMS: [(&str, &str); 3] = [("label_col", "label"), ("weight_col", "weight"), ("fold_col", "fold")];

/// Columns by name with what they are: "label", or "label of stage `lr`".
#[derive(Debug, Default)]
pub(crate) struct Roles(BTreeMap<String, String>);

impl Roles {
    /// What `[data]` says, and the `label_col`, `weight_col` and `fold_col` of every stage, of the evaluators and of
    /// the search: given, by default, or by the grid.
    ///
    /// # Errors
    /// A registry with two parts of one name.
    pub(crate) fn new(config: &Config) -> Result<Self> {
        let mut roles = Self::default();
        for (param, column) in config.data.roles() {
            if let Some(column) = column {
                roles.add(param, &column.name, "");
            }
        }
        roles.stages(&config.stages, "", &config.data)?;
        let known = registry::entries::<EvaluatorEntry>()?;
        let given = config.evaluators.iter().map(|part| (part.type_name.name.as_str(), &part.params[..]));
        let default = config.evaluators.is_empty().then_some(("regression", &[][..]));
        for (evaluator, params) in given.chain(default) {
            if let Some(entry) = known.get(evaluator) {
                roles.part(params, (entry.params)(), &config.data, " of the evaluator");
            }
        }
        if let Some(search) = &config.search {
            roles.values(&search.params, " of the search");
        }
        for (key, values) in config.grids.iter().flat_map(|grid| &grid.axes) {
            let Some((stage, param)) = key.name.rsplit_once('.') else { continue };
            for column in values.iter().filter_map(text) {
                roles.add(param, column, &format!(" of stage `{stage}`"));
            }
        }
        Ok(roles)
    }

    /// What a column is, if it is no feature.
    pub(crate) fn of(&self, column: &str) -> Option<&str> {
        self.0.get(column).map(String::as_str)
    }

    fn stages(&mut self, stages: &[StageConfig], outer: &str, data: &DataConfig) -> Result<()> {
        let entries = registry::entries::<StageEntry>()?;
        for stage in stages {
            let name = format!("{outer}{}", stage.name.name);
            if let Some(entry) = entries.get(stage.part.type_name.name.as_str()) {
                self.part(&stage.part.params, (entry.params)(), data, &format!(" of stage `{name}`"));
            }
            self.stages(&stage.stages, &format!("{name}."), data)?;
        }
        Ok(())
    }

    /// What a part's parameters say, and its defaults where neither they nor `[data]` do.
    fn part(&mut self, params: &[(Key, Value)], infos: &[ParamInfo], data: &DataConfig, whose: &str) {
        self.values(params, whose);
        for info in infos {
            let given = params.iter().any(|(key, _)| key.name == info.name);
            let by_data = data.roles().iter().any(|(param, column)| *param == info.name && column.is_some());
            if !given && !by_data {
                let default = info.default_value();
                default
                    .as_ref()
                    .and_then(text)
                    .into_iter()
                    .for_each(|column| self.add(info.name, column, whose));
            }
        }
    }

    fn values(&mut self, params: &[(Key, Value)], whose: &str) {
        for (key, value) in params {
            text(value).into_iter().for_each(|column| self.add(&key.name, column, whose));
        }
    }

    fn add(&mut self, param: &str, column: &str, whose: &str) {
        if let Some((_, role)) = PARAMS.iter().find(|(known, _)| *known == param) {
            self.0.entry(column.to_owned()).or_insert_with(|| format!("{role}{whose}"));
        }
    }
}

fn text(value: &Value) -> Option<&str> {
    match value {
        Value::Str(text) => Some(text),
        _ => None,
    }
}
