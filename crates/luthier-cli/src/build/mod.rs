//! From a configuration to a pipeline, an evaluator and a search, by the registered names.
//!
//! Required parameters are not asked for here: a grid may give them, and a search checks every candidate.

mod column_transformer;

pub(crate) use column_transformer::texts_in;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use anyhow::{Result, anyhow, bail};
use luthier::core::params::{ParamInfo, closest};
use luthier::core::registry::{self, Entry, EvaluatorEntry, StageEntry};
use luthier::core::{ColumnRole, DynEstimator, DynEvaluator, Pipeline, PipelineStage, Value};
use luthier::tune::strategy::Axis;
use luthier::tune::{
    Executor, ExecutorEntry, ParamGrid, Search, Sharing, Splitter, SplitterEntry, Strategy, StrategyEntry,
};

use crate::config::{COLUMN_TRANSFORMER, SEARCH_KEYS};
use crate::config::{
    Config, DataConfig, GridConfig, Key, PartConfig, PipelineConfig, Place, SearchConfig, StageConfig,
    place_of_param, unknown_key,
};
use crate::method::{CROSS_VALIDATOR, TRAIN_VALIDATION_SPLIT, methods};

/// The configured pipelines, at least one.
pub(crate) fn pipelines(config: &Config) -> Result<Vec<Pipeline>> {
    config.pipelines.iter().map(|pipeline| pipeline_of(&pipeline.stages, &config.data)).collect()
}

/// The pipeline of some stages.
pub(crate) fn pipeline_of(stages: &[StageConfig], data: &DataConfig) -> Result<Pipeline> {
    let mut pipeline = Pipeline::new();
    for stage in stages {
        pipeline.add_dyn(stage.name.name.clone(), self::stage(stage, data)?);
    }
    Ok(pipeline)
}

/// One stage.
pub(crate) fn stage(config: &StageConfig, data: &DataConfig) -> Result<Box<dyn DynEstimator>> {
    if config.part.type_name.name == COLUMN_TRANSFORMER {
        return Ok(Box::new(column_transformer::pipeline(config, data)?));
    }
    let type_name = &config.part.type_name;
    let entry: StageEntry =
        registry::find(&type_name.name).map_err(|e| type_name.place.error(with_own_types(e)))?;
    let mut stage = entry.create();
    if let Some(children) = stage.children_mut() {
        let title = format!("[[stage]] of type `{}`", entry.name);
        check_keys(&config.part.params, (entry.params)(), &title, &["name", "type", "stage"])?;
        children.clear();
        for child in &config.stages {
            children.push(PipelineStage::new(child.name.name.clone(), self::stage(child, data)?));
        }
    } else if let Some(child) = config.stages.first() {
        let what = anyhow!("a `{}` is not made of stages: take [[stage.stage]] away", entry.name);
        return Err(child.name.place.error(what));
    }
    let title = format!("stage `{}`", config.name.name);
    configure(&config.part.params, (entry.params)(), data, &title, |name, value| {
        stage.set_value(name, value)
    })?;
    Ok(stage)
}

/// The error for an unknown type of stage, which also lists the type that is not registered because it writes a pipeline.
fn with_own_types(mut error: luthier::core::Error) -> luthier::core::Error {
    if let luthier::core::Error::UnknownType { known, .. } = &mut error {
        known.push(COLUMN_TRANSFORMER.to_owned());
        known.sort();
    }
    error
}

/// The evaluator of a configuration that names none.
pub(crate) fn default_evaluator() -> &'static str {
    "regression"
}

pub(crate) type Evaluator = Box<dyn DynEvaluator>;

/// The evaluator that ranks (by default `regression` with its defaults) and the others.
pub(crate) fn evaluators(config: &Config, pipelines: &[Pipeline]) -> Result<(Evaluator, Vec<Evaluator>)> {
    let evaluator = |entry, params| self::evaluator(config, pipelines, entry, params);
    let mut all = config.evaluators.iter();
    let deciding = match all.next() {
        Some(PartConfig { type_name, params }) => evaluator(find(type_name)?, params)?,
        None => {
            let regression = registry::find(default_evaluator())
                .map_err(|e| anyhow::Error::from(e).context("the configuration has no [evaluator]"))?;
            evaluator(regression, &[])?
        }
    };
    let others = all.map(|PartConfig { type_name, params }| evaluator(find(type_name)?, params));
    Ok((deciding, others.collect::<Result<_>>()?))
}

/// An evaluator. By default it reads the columns of the last stage that has a label or appends predictions.
///
/// # Errors
/// These columns differ between the pipelines.
fn evaluator(
    config: &Config,
    pipelines: &[Pipeline],
    entry: EvaluatorEntry,
    params: &[(Key, Value)],
) -> Result<Evaluator> {
    let mut evaluator = entry.create();
    let infos = (entry.params)();
    configure(params, infos, &config.data, "[evaluator]", |name, value| evaluator.set_value(name, value))?;
    for info in infos.iter().filter(|info| params.iter().all(|(key, _)| key.name != info.name)) {
        let Some(role) = info.column.filter(|role| *role == ColumnRole::Label || role.is_appended()) else {
            continue;
        };
        let column = |pipeline: &Pipeline| {
            let leaves = pipeline.leaves();
            leaves.iter().rev().find_map(|(_, stage)| stage.columns_of(role).into_iter().next())
        };
        let mut columns = config.pipelines.iter().zip(pipelines.iter().map(column));
        let Some((first, Some(of_first))) = columns.find(|(_, column)| column.is_some()) else { continue };
        if let Some((other, Some(of_other))) =
            columns.find(|(_, c)| c.as_ref().is_some_and(|c| *c != of_first))
        {
            let name =
                |pipeline: &PipelineConfig| pipeline.name.as_ref().map_or("", |name| &name.name).to_owned();
            let place = other.name.as_ref().map_or(&config.data.place, |name| &name.place);
            bail!(
                "{place}: the {role} is `{of_other}` in the pipeline `{}` and `{of_first}` in `{}`: use one name, so that \
                 both can be scored, or write `{} = \"…\"` under [evaluator]",
                name(other),
                name(first),
                info.name
            );
        }
        evaluator.set_value(info.name, &Value::from(of_first))?;
    }
    Ok(evaluator)
}

/// Sets the given parameters, and those that `[data]` gives a default and that are not given.
fn configure(
    params: &[(Key, Value)],
    infos: &[ParamInfo],
    data: &DataConfig,
    title: &str,
    mut set: impl FnMut(&str, &Value) -> luthier::core::Result<()>,
) -> Result<()> {
    for (key, value) in params {
        let value = none_if_empty(value, infos, &key.name);
        set(&key.name, &value)
            .map_err(|e| key.place.error(anyhow::Error::from(e).context(title.to_owned())))?;
    }
    for (name, value, place) in defaults(params, infos, data) {
        set(name, &value).map_err(|e| place.error(anyhow::Error::from(e).context(title.to_owned())))?;
    }
    Ok(())
}

/// The parameters that `[data]` gives a value and the configuration does not, and where.
fn defaults<'a>(
    params: &'a [(Key, Value)],
    infos: &'a [ParamInfo],
    data: &'a DataConfig,
) -> impl Iterator<Item = (&'static str, Value, &'a Place)> + 'a {
    infos.iter().filter_map(move |info| {
        let (_, column) = data.roles().into_iter().find(|(role, _)| Some(*role) == info.column)?;
        let column = column.filter(|_| !params.iter().any(|(key, _)| key.name == info.name))?;
        Some((info.name, Value::from(column.name.as_str()), &column.place))
    })
}

/// `weight_col = ""` means none.
fn none_if_empty(value: &Value, infos: &[ParamInfo], name: &str) -> Value {
    let optional = infos.iter().any(|info| info.name == name && info.optional);
    match value {
        Value::Str(text) if text.is_empty() && optional => Value::Null,
        other => other.clone(),
    }
}

fn find<T: Entry>(name: &Key) -> Result<T> {
    registry::find(&name.name).map_err(|e| name.place.error(e))
}

/// The configured grid. Every value is tried on the pipeline, so that an error can name the line.
pub(crate) fn grid(
    grids: &[GridConfig],
    pipeline: &Pipeline,
    max_candidates: Option<usize>,
) -> Result<ParamGrid> {
    let one = |config: &GridConfig| -> Result<ParamGrid> {
        let mut grid = ParamGrid::new();
        for (key, axis) in &config.axes {
            let exchanged = exchanged(config, key, pipeline)?;
            let target = exchanged.as_ref().unwrap_or(pipeline);
            let leaves = target.leaves();
            let leaf = key.name.rsplit_once('.').and_then(|(stage, param)| {
                let (_, stage) = leaves.iter().find(|(name, _)| name == stage)?;
                Some((stage.param_infos(), param))
            });
            let value = |value| leaf.map_or_else(|| Value::clone(value), |(i, p)| none_if_empty(value, i, p));
            let values: Vec<Value> = match axis {
                Axis::Values(values) => values.iter().map(value).collect(),
                Axis::Range(range) => range.ends().to_vec(),
            };
            for value in &values {
                DynEstimator::set_value(&mut target.clone(), &key.name, value).map_err(|e| {
                    let value = match value {
                        Value::Str(text) => format!("{text:?}"),
                        other => other.to_string(),
                    };
                    key.place.error(anyhow::Error::from(e).context(format!("grid: `{}` = {value}", key.name)))
                })?;
            }
            grid = match axis {
                Axis::Values(_) => grid.add_by_name(key.name.clone(), values),
                Axis::Range(range) => grid.range_by_name(key.name.clone(), *range),
            };
        }
        Ok(grid)
    };
    let mut all = grids.iter().map(one);
    let Some(first) = all.next() else { return Ok(ParamGrid::new()) };
    let all = all.try_fold(first?, |union, grid| anyhow::Ok(union.union(grid?)))?;
    let has_range =
        || grids.iter().flat_map(|grid| &grid.axes).any(|(_, axis)| matches!(axis, Axis::Range(_)));
    Ok(match max_candidates {
        Some(most) => all.draw(most),
        None if has_range() => all.draw(DRAWN),
        None => all,
    })
}

/// The number of candidates that are drawn if a grid has ranges and the file does not say how many.
const DRAWN: usize = 20;

/// The pipeline with the first of the types that the grid chooses for a stage that has the parameter of this key; `None`
/// where the grid chooses no types for its stage, or the type that is configured has the parameter.
fn exchanged(config: &GridConfig, key: &Key, pipeline: &Pipeline) -> Result<Option<Pipeline>> {
    let Some((stage, param)) = key.name.rsplit_once('.') else { return Ok(None) };
    let axis = format!("{stage}.type");
    let has = |pipeline: &Pipeline| {
        let leaves = pipeline.leaves();
        let leaf = leaves.iter().find(|(name, _)| name == stage);
        leaf.is_some_and(|(_, leaf)| leaf.param_infos().iter().any(|info| info.name == param))
    };
    let Some((_, types)) = config.axes.iter().find(|(other, _)| other.name == axis && other.name != key.name)
    else {
        return Ok(None);
    };
    if !(pipeline as &dyn DynEstimator).changes_stages(&axis) || has(pipeline) {
        return Ok(None);
    }
    for value in types.values() {
        let mut other = pipeline.clone();
        // An unknown type is reported where the types are tried.
        if DynEstimator::set_value(&mut other, &axis, value).is_ok() && has(&other) {
            return Ok(Some(other));
        }
    }
    Ok(None)
}

/// The configured search over `pipeline`, on the executor that is asked for.
pub(crate) fn search(config: &Config, search: &SearchConfig, executor: Option<&str>) -> Result<Search> {
    let pipelines = pipelines(config)?;
    let (evaluator, others) = evaluators(config, &pipelines)?;
    let splitter = splitter(search, &config.data)?;
    let executor = self::executor(search, executor)?;
    let (strategy, drawn) = strategy(search)?;
    let sharing = if search.sharing { Sharing::On } else { Sharing::Off };
    let mut all: Option<Search> = None;
    for (config, pipeline) in config.pipelines.iter().zip(pipelines) {
        let (grid, pipeline) = (grid(&config.grids, &pipeline, drawn)?, Box::new(pipeline));
        let search = match all.take() {
            Some(search) => search.or(pipeline, grid),
            None => Search::new(pipeline, grid, evaluator.clone(), Arc::clone(&splitter)),
        };
        all = Some(match &config.name {
            Some(name) => search.named(&name.name),
            None => search,
        });
    }
    let all = all.ok_or_else(|| anyhow!("there is no pipeline"))?;
    let all = search.max_fits.into_iter().fold(all, Search::max_fits);
    let all = search.max_time.into_iter().fold(all, Search::max_time);
    let all = search.max_fit_time.into_iter().fold(all, Search::max_fit_time);
    let all = search.max_failures.into_iter().fold(all, Search::max_failures);
    Ok(others
        .into_iter()
        .fold(all, Search::also)
        .strategy(strategy)
        .selection(search.selection)
        .executor(executor)
        .parallelism(search.parallelism)
        .memory_budget(search.memory_budget)
        .sharing(sharing)
        .nested(search.nested)
        .seed(config.seed))
}

/// The entry of the splitter that a search names, by its own name or by Spark's.
pub(crate) fn splitter_entry(search: &SearchConfig, data: &DataConfig) -> Result<Option<SplitterEntry>> {
    let mut registered = registry::entries::<SplitterEntry>()?;
    Ok(registered.remove(splitter_name(search, data, &registered)))
}

fn splitter_name<'a>(
    search: &'a SearchConfig,
    data: &DataConfig,
    registered: &BTreeMap<&'static str, SplitterEntry>,
) -> &'a str {
    const BY_COLUMN: &str = "fold_column";
    let infos = registered.get(BY_COLUMN).map_or(&[][..], |entry| (entry.params)());
    let is_fold = |name: &str| infos.iter().any(|i| i.name == name && i.column == Some(ColumnRole::Fold));
    let by_column = match search.params.iter().find(|(key, _)| is_fold(&key.name)) {
        Some((_, value)) => *value != Value::Str(String::new()),
        None => data.fold.is_some(),
    };
    match search.method.name.as_str() {
        TRAIN_VALIDATION_SPLIT => "train_ratio",
        CROSS_VALIDATOR if by_column => BY_COLUMN,
        CROSS_VALIDATOR => "k_fold",
        other => other,
    }
}

pub(crate) fn splitter(search: &SearchConfig, data: &DataConfig) -> Result<Arc<dyn Splitter>> {
    let method = &search.method;
    let methods = methods()?;
    let registered = registry::entries::<SplitterEntry>()?;
    let splitter = splitter_name(search, data, &registered);
    let Some(entry) = registered.get(splitter) else {
        let known: Vec<&str> = methods.iter().map(|m| m.name).chain(registered.into_keys()).collect();
        let hint = closest(&method.name, known.iter().copied());
        let hint = hint.map(|near| format!(", did you mean `{near}`?")).unwrap_or_default();
        bail!(
            "{}: unknown search method `{}`{hint}; the known methods are: {}",
            method.place,
            method.name,
            known.join(", ")
        );
    };
    let known = match methods.into_iter().find(|known| known.name == method.name) {
        Some(method) => method.params,
        None => (entry.params)().to_vec(),
    };
    check_keys(&search.params, &known, "[search]", &SEARCH_KEYS)?;
    let infos = (entry.params)();
    let takes = |name: &str| infos.iter().any(|info| info.name == name);
    let given = search.params.iter().filter(|(key, _)| takes(&key.name));
    let given = given.map(|(key, value)| (key.name.clone(), none_if_empty(value, infos, &key.name)));
    let defaults = defaults(&search.params, infos, data).map(|(name, value, _)| (name.to_owned(), value));
    let params: Vec<(String, Value)> = given.chain(defaults).collect();
    entry.create(&params).map_err(|e| at_param(&search.params, &search.place, e))
}

fn executor(search: &SearchConfig, asked: Option<&str>) -> Result<Arc<dyn Executor>> {
    let configured = search.executor.as_ref().map(|key| key.name.as_str());
    let name = asked.or(configured).unwrap_or("thread_pool");
    let entry: ExecutorEntry = registry::find(name).map_err(|e| match &search.executor {
        Some(key) if asked.is_none() => key.place.error(e),
        _ => e.into(),
    })?;
    // Options are for the executor that the file names.
    let options =
        if name == configured.unwrap_or("thread_pool") { &search.executor_options[..] } else { &[] };
    check_keys(options, (entry.params)(), "[search.executor_options]", &[])?;
    let values: Vec<_> = options.iter().map(|(key, value)| (key.name.clone(), value.clone())).collect();
    entry.create(&values).map_err(|e| at_param(options, &search.place, e))
}

/// The strategy, and the number of candidates that are drawn from the grids: `max_candidates` is for the strategy if it has
/// such a parameter.
fn strategy(search: &SearchConfig) -> Result<(Arc<dyn Strategy>, Option<usize>)> {
    const LIMIT: &str = "max_candidates";
    let name = search.strategy.as_ref().map_or("grid", |key| key.name.as_str());
    let entry: StrategyEntry = registry::find(name).map_err(|e| match &search.strategy {
        Some(key) => key.place.error(e),
        None => e.into(),
    })?;
    let options = &search.strategy_options[..];
    check_keys(options, (entry.params)(), "[search.strategy_options]", &[])?;
    let mut values: Vec<_> = options.iter().map(|(key, value)| (key.name.clone(), value.clone())).collect();
    let takes_limit = (entry.params)().iter().any(|info| info.name == LIMIT);
    let mut drawn = search.max_candidates;
    if let Some(limit) = drawn.take_if(|_| takes_limit) {
        values.push((LIMIT.to_owned(), Value::Int(limit as i64)));
    }
    let strategy = entry.create(&values).map_err(|e| at_param(options, &search.place, e))?;
    Ok((strategy, drawn))
}

/// Adds to an error the line of the parameter that it names, else `place`.
fn at_param(params: &[(Key, Value)], place: &Place, error: luthier::tune::Error) -> anyhow::Error {
    let keys = params.iter().map(|(key, _)| key);
    place_of_param(keys, &error).unwrap_or(place).clone().error(error)
}

fn check_keys(params: &[(Key, Value)], infos: &[ParamInfo], title: &str, others: &[&str]) -> Result<()> {
    let names: BTreeSet<&str> = infos.iter().map(|info| info.name).collect();
    match params.iter().find(|(key, _)| !names.contains(key.name.as_str())) {
        Some((key, _)) => {
            let known = others.iter().copied().chain(names).map(str::to_owned).collect::<Vec<_>>();
            Err(unknown_key(key, title, &known))
        }
        None => Ok(()),
    }
}
