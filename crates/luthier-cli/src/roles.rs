//! The columns that are labels, weights or fold numbers and therefore not features.

use std::collections::BTreeMap;

use anyhow::Result;
use luthier::core::params::ParamInfo;
use luthier::core::registry::{self, EvaluatorEntry, StageEntry};
use luthier::core::{ColumnRole, Value};
use luthier::frame::Schema;

use crate::build::{default_evaluator, splitter_entry};
use crate::config::{Config, DataConfig, GridConfig, Key, PipelineConfig, StageConfig};
use crate::select::Selector;

/// Whose the parameters of a splitter are.
const SEARCH: &str = " of [search]";

/// Columns by name with what they are: "the label", or "the label of stage `lr`".
#[derive(Debug, Default)]
pub(crate) struct Roles(BTreeMap<String, String>);

impl Roles {
    /// The roles in `[data]`, and those of the parameters of every stage, the evaluators and the search, whether set, by
    /// default, or in the grid.
    ///
    /// # Errors
    /// A registry with two parts of one name; a glob of `exclude` that matches nothing.
    pub(crate) fn new(config: &Config, schema: &Schema) -> Result<Self> {
        let mut roles = Self::default();
        let data = &config.data;
        for (role, column) in data.roles() {
            if let Some(column) = column {
                roles.add(role, &column.name, "");
            }
        }
        for PipelineConfig { stages, grids, .. } in &config.pipelines {
            roles.stages(stages, "", grids, data)?;
        }
        let known = registry::entries::<EvaluatorEntry>()?;
        let given = config.evaluators.iter().map(|part| (part.type_name.name.as_str(), &part.params[..]));
        let default = config.evaluators.is_empty().then(|| (default_evaluator(), &[][..]));
        for (evaluator, params) in given.chain(default) {
            if let Some(entry) = known.get(evaluator) {
                roles.part(params, (entry.params)(), data, " of the evaluator");
            }
        }
        if let Some(search) = &config.search
            && let Some(entry) = splitter_entry(search, data)?
        {
            roles.part(&search.params, (entry.params)(), data, SEARCH);
        }
        if let Some(column) = data.test_column(schema) {
            roles.0.entry(column.to_owned()).or_insert_with(|| "the `test` column of [data]".to_owned());
        }
        let excluded = Selector {
            what: "exclude",
            schema,
            roles: &BTreeMap::new(),
            features: false,
            takes: &|_| true,
            takes_what: "column",
        };
        let excluded = excluded.select(&data.exclude.patterns).map_err(|e| data.exclude.place.error(e))?;
        for column in excluded.columns {
            schema.require(&column).map_err(|e| data.exclude.place.error(e))?;
            roles.0.entry(column).or_insert_with(|| "excluded by [data]".to_owned());
        }
        Ok(roles)
    }

    /// What a column is, if it is not a feature.
    pub(crate) fn of(&self, column: &str) -> Option<&str> {
        self.0.get(column).map(String::as_str)
    }

    /// All of these columns, with what they are.
    pub(crate) fn all(&self) -> &BTreeMap<String, String> {
        &self.0
    }

    fn stages(
        &mut self,
        stages: &[StageConfig],
        outer: &str,
        grids: &[GridConfig],
        data: &DataConfig,
    ) -> Result<()> {
        let entries = registry::entries::<StageEntry>()?;
        for stage in stages {
            let name = format!("{outer}{}", stage.name.name);
            if let Some(entry) = entries.get(stage.part.type_name.name.as_str()) {
                let (infos, whose) = ((entry.params)(), format!(" of stage `{name}`"));
                self.part(&stage.part.params, infos, data, &whose);
                for (key, axis) in grids.iter().flat_map(|grid| &grid.axes) {
                    let param = key.name.rsplit_once('.').filter(|(path, _)| *path == name);
                    let info = param.and_then(|(_, param)| infos.iter().find(|info| info.name == param));
                    for column in axis.values().iter().filter_map(text) {
                        info.and_then(|info| info.column)
                            .into_iter()
                            .for_each(|r| self.add(r, column, &whose));
                    }
                }
            }
            self.stages(&stage.stages, &format!("{name}."), grids, data)?;
        }
        Ok(())
    }

    /// The roles of a part's parameters, with its defaults where neither the part nor `[data]` sets them.
    fn part(&mut self, params: &[(Key, Value)], infos: &[ParamInfo], data: &DataConfig, whose: &str) {
        for info in infos {
            let Some(role) = info.column else { continue };
            let given = params.iter().find(|(key, _)| key.name == info.name).map(|(_, value)| value.clone());
            let by_data = data.roles().iter().any(|(other, column)| *other == role && column.is_some());
            let default = || info.default_value().filter(|_| !by_data);
            if let Some(column) = given.or_else(default).as_ref().and_then(text) {
                match whose {
                    // "The fold" would not tell a column of groups.
                    SEARCH => self.add_as(role, column, format!("the `{}`{whose}", info.name)),
                    _ => self.add(role, column, whose),
                }
            }
        }
    }

    fn add(&mut self, role: ColumnRole, column: &str, whose: &str) {
        self.add_as(role, column, format!("the {role}{whose}"));
    }

    fn add_as(&mut self, role: ColumnRole, column: &str, what: String) {
        if role.is_no_feature() && !column.is_empty() {
            self.0.entry(column.to_owned()).or_insert(what);
        }
    }
}

fn text(value: &Value) -> Option<&str> {
    match value {
        Value::Str(text) => Some(text),
        _ => None,
    }
}
