//! A configuration with the columns of one table: globs become names, and categories become stages.

use std::collections::{BTreeSet, HashSet};

use anyhow::{Result, bail};
use luthier::core::params::ParamInfo;
use luthier::core::registry::{self, StageEntry};
use luthier::core::{ColumnRole, Value};
use luthier::frame::{ColumnType, Field, Schema};

use super::{FEATURES, Inputs, is_usable};
use crate::build::{self, texts_in};
use crate::config::{COLUMN_TRANSFORMER, Config, DataConfig, Key, PartConfig, Place, StageConfig};
use crate::output::note;
use crate::roles::Roles;
use crate::select::{Selected, Selector, is_pattern};

/// The stage that `categories` adds before the others.
const CATEGORIES: &str = "categories";

/// Adds a first stage that sends the columns of `categories` through a `string_indexer`, which keeps unknown ones, and
/// a `one_hot_encoder`, and assembles them with the other features into the vector `features`.
///
/// # Errors
/// A column that does not exist, has another role, or does not hold categories; a stage that has the name already.
pub(crate) fn categories(config: &mut Config, roles: &Roles, schema: &Schema) -> Result<()> {
    let data = &config.data;
    if data.categories.patterns.is_empty() {
        return Ok(());
    }
    let place = data.categories.place.clone();
    let mut stages = config.pipelines.iter().flat_map(|pipeline| &pipeline.stages);
    if let Some(stage) = stages.find(|stage| stage.name.name == CATEGORIES) {
        bail!(
            "{}: `categories` in [data] adds a stage named `{CATEGORIES}`: give this stage another name",
            stage.name.place
        );
    }
    let takes = |field: &Field| {
        let found = field.column_type();
        found.is_temporal() || matches!(found, ColumnType::Utf8 | ColumnType::I64 | ColumnType::Bool)
    };
    let selector = Selector {
        what: "categories",
        schema,
        roles: roles.all(),
        features: true,
        takes: &takes,
        takes_what: "column of categories",
    };
    let Selected { columns, .. } = selector.select(&data.categories.patterns).map_err(|e| place.error(e))?;
    for column in &columns {
        schema.require(column).map_err(|e| place.error(e))?;
    }
    // Columns of numbers among the categories are not quantities, and text may be listed among the features.
    let names: HashSet<&str> = columns.iter().map(String::as_str).collect();
    let is_category = |field: &Field| names.contains(field.name());
    let selector = Selector {
        what: "features",
        takes: &|field| is_category(field) || is_usable(field.column_type()),
        takes_what: "numeric or vector column",
        ..selector
    };
    let features = selector.select(&data.features.patterns).map_err(|e| data.features.place.error(e))?;
    if !features.passed_over.is_empty() {
        let left = features.passed_over.join(", ");
        note(&format!(
            "these columns are neither numbers nor listed in `categories` and are not used as features: {left}"
        ));
    }
    let others = features.columns.into_iter().filter(|name| !names.contains(name.as_str()));
    let key = |name: &str| Key { name: name.to_owned(), place: place.clone() };
    let stage = |type_name: &str, params: Vec<(Key, Value)>, stages: Vec<StageConfig>| StageConfig {
        name: key(type_name),
        part: PartConfig { type_name: key(type_name), params },
        stages,
    };
    let keep = vec![(key("handle_invalid"), Value::from("keep"))];
    let inner =
        vec![stage("string_indexer", keep, Vec::new()), stage("one_hot_encoder", Vec::new(), Vec::new())];
    let part = stage("pipeline", vec![(key("columns"), columns.clone().into())], inner);
    let part = StageConfig { name: key("indicators"), ..part };
    let others: Vec<String> = others.collect();
    let front = stage(COLUMN_TRANSFORMER, vec![(key("passthrough"), others.into())], vec![part]);
    let front = StageConfig { name: key(CATEGORIES), ..front };
    for pipeline in &mut config.pipelines {
        pipeline.stages.insert(0, front.clone());
    }
    config.data.features.patterns.clear();
    Ok(())
}

/// Replaces the globs among the columns of stages by names.
///
/// # Errors
/// A glob that matches nothing; in a column transformer, a column that must not be a feature.
pub(crate) fn stages(config: &mut Config, roles: &Roles, schema: &Schema, inputs: &Inputs) -> Result<()> {
    let data = &config.data;
    let mut told = BTreeSet::new();
    let assembled = inputs.makes_features();
    let assembled =
        assembled.then(|| Field::new(FEATURES, ColumnType::Vector { width: inputs.num_features }));
    for pipeline in &mut config.pipelines {
        let (schema, assembled) = (schema.clone(), assembled.clone());
        Walk { roles, data, schema, assembled, told: &mut told }.stages(&mut pipeline.stages)?;
    }
    Ok(())
}

/// The columns that a stage sees.
struct Walk<'a> {
    roles: &'a Roles,
    data: &'a DataConfig,
    schema: Schema,
    /// The vector that the program assembles. No glob matches it, because its columns are there as well.
    assembled: Option<Field>,
    /// The notes that were already given, because pipelines may have common stages.
    told: &'a mut BTreeSet<String>,
}

impl Walk<'_> {
    fn stages(&mut self, stages: &mut [StageConfig]) -> Result<()> {
        for stage in stages {
            match stage.part.type_name.name.as_str() {
                COLUMN_TRANSFORMER => self.column_transformer(stage)?,
                type_name if is_row(type_name) => {
                    self.stages(&mut stage.stages)?;
                    continue;
                }
                _ => self.stage(stage)?,
            }
            self.go_through(stage);
        }
        Ok(())
    }

    /// Errors are reported when the stage is checked.
    fn go_through(&mut self, stage: &StageConfig) {
        let Ok(built) = build::stage(stage, self.data) else { return };
        let before = self.schema.fields().iter().chain(&self.assembled).cloned().collect();
        let Ok(before) = Schema::new(before) else { return };
        let new: Vec<Field> = match built.transform_schema(&before) {
            Ok(behind) => behind.fields().iter().skip(before.len()).cloned().collect(),
            // A parameter that the grid sets may still be missing.
            Err(_) => {
                let appended = ColumnRole::ALL.into_iter().filter(|role| role.is_appended());
                let columns = appended.flat_map(|role| built.columns_of(role));
                columns.map(|column| Field::new(column, ColumnType::AnyVector)).collect()
            }
        };
        let fields = self.schema.fields().iter().cloned().chain(new).collect();
        if let Ok(schema) = Schema::new(fields) {
            self.schema = schema;
        }
    }

    fn stage(&mut self, stage: &mut StageConfig) -> Result<()> {
        let Ok(entry) = registry::find::<StageEntry>(&stage.part.type_name.name) else { return Ok(()) };
        let (infos, name) = ((entry.params)(), stage.name.name.clone());
        let of = |key: &Key, wanted: fn(ColumnRole) -> bool| {
            infos
                .iter()
                .any(|info| info.name == key.name && info.is_list() && info.column.is_some_and(wanted))
        };
        let takes = Takes::new(entry, &stage.part.params);
        let mut inputs = Vec::new();
        for (key, value) in
            stage.part.params.iter_mut().filter(|(key, _)| of(key, |r| r == ColumnRole::Input))
        {
            let what = format!("stage `{name}`: `{}`", key.name);
            if let Some(columns) =
                self.select(&what, &key.place, value, false, &|field| takes.takes(field))?
            {
                *value = columns.clone().into();
                inputs = columns;
            }
        }
        for (_, value) in stage.part.params.iter_mut().filter(|(key, _)| of(key, ColumnRole::is_appended)) {
            if let [one] = texts_in(value).as_slice()
                && one.contains('*')
                && !inputs.is_empty()
            {
                *value = inputs.iter().map(|input| one.replace('*', input)).collect::<Vec<_>>().into();
            }
        }
        Ok(())
    }

    fn column_transformer(&mut self, stage: &mut StageConfig) -> Result<()> {
        let name = stage.name.name.clone();
        for (key, value) in stage.part.params.iter_mut().filter(|(key, _)| key.name == "passthrough") {
            let what = format!("stage `{name}`: `passthrough`");
            let usable = |field: &Field| is_usable(field.column_type());
            if let Some(columns) = self.select(&what, &key.place, value, true, &usable)? {
                *value = columns.into();
            }
        }
        for part in &mut stage.stages {
            let what = format!("part `{name}.{}`: `columns`", part.name.name);
            let takes = first_of(&part.stages);
            for (key, value) in part.part.params.iter_mut().filter(|(key, _)| key.name == "columns") {
                let takes = |field: &Field| takes.as_ref().is_none_or(|first| first.takes(field));
                if let Some(columns) = self.select(&what, &key.place, value, true, &takes)? {
                    *value = columns.into();
                }
            }
        }
        Ok(())
    }

    /// The columns of a list; `None` if it is one already.
    fn select(
        &mut self,
        what: &str,
        place: &Place,
        value: &Value,
        features: bool,
        takes: &dyn Fn(&Field) -> bool,
    ) -> Result<Option<Vec<String>>> {
        let patterns = texts_in(value);
        if !features && !patterns.iter().any(|text| is_pattern(text, &self.schema)) {
            return Ok(None);
        }
        let (schema, roles) = (&self.schema, self.roles);
        let roles = roles.all();
        let selector =
            Selector { what, schema, roles, features, takes, takes_what: "column of a suitable type" };
        let Selected { columns, passed_over } = selector.select(&patterns).map_err(|e| place.error(e))?;
        if !passed_over.is_empty() {
            let text = format!(
                "{what}: these columns are left out because their types do not suit: {}",
                passed_over.join(", ")
            );
            if self.told.insert(text.clone()) {
                note(&text);
            }
        }
        Ok(Some(columns))
    }
}

/// The first stage that columns go through, with the name of a parameter for them.
fn first_of(stages: &[StageConfig]) -> Option<Takes> {
    let first = stages.first()?;
    match first.part.type_name.name.as_str() {
        type_name if is_row(type_name) => first_of(&first.stages),
        name => Some(Takes::new(registry::find(name).ok()?, &first.part.params)),
    }
}

/// Whether stages of this type are made of stages in a row.
fn is_row(type_name: &str) -> bool {
    registry::find::<StageEntry>(type_name).is_ok_and(|entry| entry.create().children().row().is_some())
}

/// Asks a stage which columns it accepts.
struct Takes {
    entry: StageEntry,
    /// Its parameters that name no columns.
    params: Vec<(String, Value)>,
}

impl Takes {
    fn new(entry: StageEntry, params: &[(Key, Value)]) -> Self {
        let names_none =
            |key: &Key| (entry.params)().iter().any(|i| i.name == key.name && i.column.is_none());
        let params = params.iter().filter(|(key, _)| names_none(key));
        Self { entry, params: params.map(|(key, value)| (key.name.clone(), value.clone())).collect() }
    }

    /// Whether the stage accepts a column of this type.
    fn takes(&self, field: &Field) -> bool {
        let mut stage = self.entry.create();
        let mut set = |name: &str, value: &Value| stage.set_value(name, value).is_ok();
        for (name, value) in &self.params {
            set(name, value);
        }
        let column = |info: &ParamInfo, name: &str| match info.is_list() {
            true => Value::from(vec![name.to_owned()]),
            false => Value::from(name),
        };
        for info in (self.entry.params)() {
            match info.column {
                Some(ColumnRole::Input) => set(info.name, &column(info, field.name())),
                Some(role) if role.is_appended() && info.required => {
                    set(info.name, &column(info, "made of it"))
                }
                _ => true,
            };
        }
        Schema::new(vec![field.clone()]).is_ok_and(|schema| stage.transform_schema(&schema).is_ok())
    }
}
