//! The contents of a configuration file, before any name in it is looked up.
//!
//! Unknown keys are errors. The parameters of stages, evaluators, splitters and executors are kept as they are written;
//! [`crate::build`] passes them to the part of that name.

mod pipelines;
mod place_of;
mod table;
mod test;

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Result, anyhow, bail};
use luthier::core::params::ParamType;
use luthier::core::{ColumnRole, Value};
use luthier::frame::{DataFrame, Predicate};
use luthier::tune::{self, MemoryBudget, Nested, Parallelism};

use crate::data::reading::{self, Reading};
use crate::data::{DataSource, Format, MissingLabel, Selection};
use crate::failure;
use crate::method::CROSS_VALIDATOR;
use crate::paths::Paths;
pub(crate) use pipelines::{COLUMN_TRANSFORMER, GridConfig, PipelineConfig, StageConfig};
pub(crate) use place_of::{place_of_param, stage_place};
pub(crate) use table::Key;
use table::Table;
pub(crate) use table::unknown_key;
pub(crate) use test::{TestConfig, TestRows};

pub(crate) use crate::place::Place;

/// A configuration file.
#[derive(Debug)]
pub(crate) struct Config {
    /// Seed for the folds and for any randomness in stages; default 0.
    pub(crate) seed: u64,
    /// The rows and the roles of their columns.
    pub(crate) data: DataConfig,
    /// The competing pipelines of a search, at least one.
    pub(crate) pipelines: Vec<PipelineConfig>,
    /// How candidates are evaluated.
    pub(crate) search: Option<SearchConfig>,
    /// `[evaluator]`, or every `[[evaluator]]`: how predictions are scored. The first one ranks the candidates.
    pub(crate) evaluators: Vec<PartConfig>,
}

/// `[data]`
#[derive(Debug)]
pub(crate) struct DataConfig {
    /// The file and how it is read.
    pub(crate) source: DataSource,
    /// The columns whose types are declared.
    pub(crate) types: Vec<Key>,
    /// Where the table begins.
    pub(crate) place: Place,
    /// Where `path` is.
    pub(crate) path_place: Place,
    /// Column of labels, the default of every parameter of that role.
    pub(crate) label: Option<Key>,
    /// Column of weights, the default of every parameter of that role.
    pub(crate) weight: Option<Key>,
    /// Column of folds, the default of every parameter of that role.
    pub(crate) fold: Option<Key>,
    /// The columns that form the vector `features`.
    pub(crate) features: ColumnList,
    /// The columns that are categories: they go into `features` as indicators.
    pub(crate) categories: ColumnList,
    /// The columns that must not be features, like labels.
    pub(crate) exclude: ColumnList,
    /// The rows that are used.
    pub(crate) selection: Selection,
    /// Those of them that no search sees.
    pub(crate) test: Option<TestConfig>,
}

/// Names and globs of columns; see [`Selector`](crate::select::Selector).
#[derive(Debug, Clone)]
pub(crate) struct ColumnList {
    pub(crate) patterns: Vec<String>,
    /// Where the list is.
    pub(crate) place: Place,
}

impl ColumnList {
    fn take(table: &mut Table<'_>, name: &str, default: &[&str]) -> Result<Self> {
        match table.take(name) {
            Some(item) => {
                let place = item.key.place.clone();
                Ok(Self { patterns: item.strings()?, place })
            }
            None => {
                let patterns = default.iter().map(|name| (*name).to_owned()).collect();
                Ok(Self { patterns, place: table.place().clone() })
            }
        }
    }
}

impl DataConfig {
    /// The columns that are the default of all parameters of a role.
    pub(crate) fn roles(&self) -> [(ColumnRole, Option<&Key>); 3] {
        [
            (ColumnRole::Label, self.label.as_ref()),
            (ColumnRole::Weight, self.weight.as_ref()),
            (ColumnRole::Fold, self.fold.as_ref()),
        ]
    }
}

/// A registered part and its parameters.
#[derive(Debug, Clone)]
pub(crate) struct PartConfig {
    /// The registered name, under the key `type`.
    pub(crate) type_name: Key,
    /// Its parameters.
    pub(crate) params: Vec<(Key, Value)>,
}

/// `[search]`
#[derive(Debug)]
pub(crate) struct SearchConfig {
    /// Where the table begins.
    pub(crate) place: Place,
    /// `train_validation_split`, `cross_validator` (the default), or a registered splitter.
    pub(crate) method: Key,
    /// The largest number of units that run at the same time; default 1.
    pub(crate) parallelism: Parallelism,
    /// How much memory summaries may take; default a quarter of the free memory.
    pub(crate) memory_budget: MemoryBudget,
    /// The registered name of the executor; default `thread_pool`.
    pub(crate) executor: Option<Key>,
    /// Its parameters.
    pub(crate) executor_options: Vec<(Key, Value)>,
    /// Whether work that candidates and folds have in common is done only once; default true.
    pub(crate) sharing: bool,
    /// Whether the procedure is scored by nested cross-validation; default `auto`.
    pub(crate) nested: Nested,
    /// The number of candidates to draw at random; default all combinations of [grid], or 20 if there are ranges.
    pub(crate) max_candidates: Option<usize>,
    /// The registered name of the strategy; default `grid`.
    pub(crate) strategy: Option<Key>,
    /// Its parameters.
    pub(crate) strategy_options: Vec<(Key, Value)>,
    /// The rule by which a candidate is chosen; default `best`.
    pub(crate) selection: tune::Selection,
    /// The largest number of pairs of a candidate and a fold that are scored.
    pub(crate) max_fits: Option<u64>,
    /// The longest time that scoring may take.
    pub(crate) max_time: Option<Duration>,
    /// The longest time that a unit may take.
    pub(crate) max_fit_time: Option<Duration>,
    /// The number of pairs of a candidate and a fold that may fail.
    pub(crate) max_failures: Option<u64>,
    /// Whether units run in processes of their own.
    pub(crate) isolate: bool,
    /// Parameters of the method.
    pub(crate) params: Vec<(Key, Value)>,
}

impl SearchConfig {
    /// Cross-validation with its defaults, where the file has no `[search]`.
    pub(crate) fn cross_validation(place: &Place) -> Self {
        Self {
            place: place.clone(),
            method: cross_validator(place),
            parallelism: Parallelism::default(),
            memory_budget: MemoryBudget::default(),
            executor: None,
            executor_options: Vec::new(),
            sharing: true,
            nested: Nested::Auto,
            max_candidates: None,
            strategy: None,
            strategy_options: Vec::new(),
            selection: tune::Selection::default(),
            max_fits: None,
            max_time: None,
            max_fit_time: None,
            max_failures: None,
            isolate: false,
            params: Vec::new(),
        }
    }
}

/// The keys of `[search]` that are not parameters of the method.
pub(crate) const SEARCH_KEYS: [&str; 17] = [
    "method",
    "parallelism",
    "memory_budget",
    "executor",
    "executor_options",
    "sharing",
    "nested",
    "max_candidates",
    "strategy",
    "strategy_options",
    "selection",
    "max_fits",
    "max_seconds",
    "max_fit_seconds",
    "max_failures",
    "on_error",
    "isolate",
];

impl Config {
    /// Where the first stage begins.
    pub(crate) fn stages_place(&self) -> &Place {
        let first = self.pipelines.first().and_then(|pipeline| pipeline.stages.first());
        first.map_or(&self.data.place, |stage| &stage.part.type_name.place)
    }

    /// The name of a pipeline, if it has one.
    pub(crate) fn pipeline_name(&self, place: usize) -> Option<&str> {
        Some(self.pipelines.get(place)?.name.as_ref()?.name.as_str())
    }

    /// The grids of all pipelines.
    pub(crate) fn grids(&self) -> impl Iterator<Item = &GridConfig> {
        self.pipelines.iter().flat_map(|pipeline| &pipeline.grids)
    }

    /// The files that are read: the configuration itself, at `path`, the data, and the test rows.
    pub(crate) fn paths(&self, path: &Path) -> Paths {
        let paths = Paths::default().input("the configuration", path).data(&self.data.source.path);
        match &self.data.test {
            Some(TestConfig { rows: TestRows::Named { path, .. }, .. }) => paths.data(path),
            _ => paths,
        }
    }

    /// Reads the rows.
    ///
    /// # Errors
    /// A file that cannot be opened, with the line of the configuration; one that cannot be parsed, with its own line.
    pub(crate) fn read_data(&self) -> Result<DataFrame> {
        let source = &self.data.source;
        source.readable().map_err(|e| self.data.path_place.error(e))?;
        let frame = source.read()?;
        for column in &self.data.types {
            frame.schema().require(&column.name).map_err(|e| column.place.error(e))?;
        }
        Ok(frame)
    }

    /// Reads a file.
    ///
    /// # Errors
    /// With file and line: invalid TOML, or a key that is missing, unknown or of the wrong type.
    pub(crate) fn read(path: &Path) -> Result<Self> {
        let name = path.display().to_string();
        Self::parse(&name, &text(path)?, path.parent().unwrap_or(Path::new("")))
    }

    /// Parses the text of a file called `name`, in which paths are relative to `directory`.
    ///
    /// # Errors
    /// As [`read`](Self::read).
    pub(crate) fn parse(name: &str, text: &str, directory: &Path) -> Result<Self> {
        let mut top = Table::parse(name, text)?;
        let seed = top.take("seed").map(|item| item.whole(0)).transpose()?.unwrap_or(0);
        let data = data(top.require("data", "[data]")?.table()?, directory)?;
        let pipelines = pipelines::take(&mut top)?;
        let search = top.take("search").map(|item| search(item.table()?)).transpose()?;
        let evaluators = match top.take("evaluator") {
            Some(item) if item.is_table() => vec![part(item.table()?)?],
            Some(item) => item.tables()?.into_iter().map(part).collect::<Result<_>>()?,
            None => Vec::new(),
        };
        top.misplaced("part", "[[stage.part]]")?;
        top.finish()?;
        Ok(Self { seed, data, pipelines, search, evaluators })
    }
}

/// The largest configuration in bytes. It has room for the names of some ten thousand columns, and costs less than a second.
const MOST_BYTES: u64 = 1 << 20;

/// The text of a configuration.
///
/// # Errors
/// A file that cannot be read, is too large or is not text.
pub(crate) fn text(path: &Path) -> Result<String> {
    let failed = |e: io::Error| failure::io("read the configuration", path, &e);
    let mut bytes = Vec::new();
    File::open(path).and_then(|file| file.take(MOST_BYTES + 1).read_to_end(&mut bytes)).map_err(failed)?;
    if bytes.len() as u64 > MOST_BYTES {
        bail!(
            "{}: the file is larger than {} MB, expected a configuration, which is a short text in TOML",
            path.display(),
            MOST_BYTES >> 20
        );
    }
    String::from_utf8(bytes).map_err(|e| failed(io::Error::new(io::ErrorKind::InvalidData, e)))
}

fn data(mut table: Table<'_>, directory: &Path) -> Result<DataConfig> {
    let place = table.place().clone();
    let path = table.require("path", "path = \"data.csv\"")?.text()?;
    // Standard input is not in a folder.
    let file = if path.name == "-" { PathBuf::from("-") } else { directory.join(path.name) };
    let (path, path_place): (PathBuf, Place) = (file, path.place);
    let text = |item: Option<table::Item<'_>>| item.map(table::Item::text).transpose();
    let label = text(table.take("label"))?;
    let weight = text(table.take("weight"))?;
    let fold = text(table.take("fold"))?;
    let features = ColumnList::take(&mut table, "features", &["*"])?;
    let categories = ColumnList::take(&mut table, "categories", &[])?;
    let exclude = ColumnList::take(&mut table, "exclude", &[])?;
    let selection = selection(&mut table)?;
    let test = table.take("test").map(|item| TestConfig::parse(item, directory)).transpose()?;
    let mut source = DataSource::new(path);
    if let Some(partitions) = table.take("partitions") {
        source.partitions = Some(partitions.whole(1)?);
    }
    source.shards = table.take("shards").map(table::Item::bool).transpose()?.unwrap_or(false);
    let types = reading(&mut table, &mut source.reading)?;
    table.finish()?;
    let named = |role: Option<Key>| role.filter(|key| !key.name.is_empty());
    Ok(DataConfig {
        source,
        types,
        place,
        path_place,
        label: named(label),
        weight: named(weight),
        fold: named(fold),
        features,
        categories,
        exclude,
        selection,
        test,
    })
}

/// `where`, `drop_nulls` and `missing_label`.
fn selection(table: &mut Table<'_>) -> Result<Selection> {
    let condition = |item: table::Item<'_>| {
        let place = item.key.place.clone();
        let condition = item.string()?.parse::<Predicate>().map_err(|e| place.error(e))?;
        Ok::<_, anyhow::Error>((condition, place))
    };
    let drop_nulls = |item: table::Item<'_>| {
        let place = item.key.place.clone();
        Ok::<_, anyhow::Error>(item.strings()?.into_iter().map(|column| (column, place.clone())).collect())
    };
    let missing_label = |item: table::Item<'_>| {
        let place = item.key.place.clone();
        MissingLabel::parse(&item.string()?).map_err(|e| place.error(e))
    };
    Ok(Selection {
        condition: table.take("where").map(condition).transpose()?,
        drop_nulls: table.take("drop_nulls").map(drop_nulls).transpose()?.unwrap_or_default(),
        missing_label: table.take("missing_label").map(missing_label).transpose()?.unwrap_or_default(),
    })
}

/// Takes the keys that say how the file is read; returns the columns whose types are declared.
fn reading(table: &mut Table<'_>, reading: &mut Reading) -> Result<Vec<Key>> {
    fn parsed<T>(table: &mut Table<'_>, key: &str, parse: impl Fn(&str) -> Result<T>) -> Result<Option<T>> {
        let Some(item) = table.take(key) else { return Ok(None) };
        let place = item.key.place.clone();
        parse(&item.string()?).map(Some).map_err(|e| place.error(e))
    }
    let sign = |key: &'static str| move |text: &str| reading::character(key, text);
    reading.format = parsed(table, "format", Format::parse)?;
    reading.delimiter = parsed(table, "delimiter", reading::delimiter)?;
    reading.header = table.take("header").map(table::Item::bool).transpose()?;
    reading.skip_lines = table.take("skip_lines").map(|item| item.whole(0)).transpose()?;
    reading.null_values = table.take("null_values").map(table::Item::strings).transpose()?;
    reading.decimal = parsed(table, "decimal", sign("decimal"))?;
    reading.thousands = parsed(table, "thousands", sign("thousands"))?;
    reading.comment = parsed(table, "comment", sign("comment"))?;
    reading.encoding = parsed(table, "encoding", |name| Ok(name.to_owned()))?;
    reading.max_bytes = table.take("max_bytes").map(|item| item.whole(1)).transpose()?;
    let Some(types) = table.take("types") else { return Ok(Vec::new()) };
    let mut columns = Vec::new();
    for (column, value) in types.table()?.params()? {
        let Value::Str(name) = value else {
            bail!(
                "{}: the type of `{}` is {value}, expected \"text\" or \"number\"",
                column.place,
                column.name
            );
        };
        let declared = name.try_into().map_err(|e: anyhow::Error| column.place.error(e))?;
        reading.types.insert(column.name.clone(), declared);
        columns.push(column);
    }
    Ok(columns)
}

fn type_of(table: &mut Table<'_>) -> Result<Key> {
    table.require("type", "type = \"…\"")?.text()
}

fn part(mut table: Table<'_>) -> Result<PartConfig> {
    let type_name = type_of(&mut table)?;
    Ok(PartConfig { type_name, params: table.params()? })
}

/// The default method.
fn cross_validator(place: &Place) -> Key {
    Key { name: CROSS_VALIDATOR.to_owned(), place: place.clone() }
}

fn search(mut table: Table<'_>) -> Result<SearchConfig> {
    let place = table.place().clone();
    let [
        method,
        parallelism,
        memory_budget,
        executor,
        executor_options,
        sharing,
        nested,
        max_candidates,
        strategy,
        strategy_options,
        selection,
        max_fits,
        max_seconds,
        max_fit_seconds,
        max_failures,
        on_error,
        isolate,
    ] = SEARCH_KEYS;
    let method = table.take(method).map(|item| item.text()).transpose()?;
    let method = method.unwrap_or_else(|| cross_validator(&place));
    let parallelism = value_of(&mut table, parallelism, Parallelism::from_value)?.unwrap_or_default();
    let memory_budget = value_of(&mut table, memory_budget, MemoryBudget::from_value)?.unwrap_or_default();
    let executor = table.take(executor).map(|item| item.text()).transpose()?;
    let options = table.take(executor_options).map(|item| item.table()?.params()).transpose()?;
    let sharing = table.take(sharing).map(|item| item.bool()).transpose()?.unwrap_or(true);
    let nested = value_of(&mut table, nested, Nested::from_value)?.unwrap_or(Nested::Auto);
    let max_candidates = table.take(max_candidates).map(|item| item.whole(1)).transpose()?;
    let strategy = table.take(strategy).map(|item| item.text()).transpose()?;
    let strategy_options = table.take(strategy_options).map(|item| item.table()?.params()).transpose()?;
    let selection = value_of(&mut table, selection, tune::Selection::from_value)?.unwrap_or_default();
    let max_fits = table.take(max_fits).map(|item| item.whole(1)).transpose()?;
    let max_time = value_of(&mut table, max_seconds, seconds)?;
    let max_fit_time = value_of(&mut table, max_fit_seconds, seconds)?;
    let max_failures = table.take(max_failures).map(|item| item.whole(0)).transpose()?;
    let stops = value_of(&mut table, on_error, stops_on_error)?.unwrap_or(false);
    if stops && max_failures.is_some_and(|most| most > 0) {
        bail!(
            "{place}: on_error = \"stop\" ends the search at the first failure, but max_failures allows some: omit one of them"
        );
    }
    let max_failures = if stops { Some(0) } else { max_failures };
    let isolate = table.take(isolate).map(|item| item.bool()).transpose()?.unwrap_or(false);
    let params = table.params()?;
    Ok(SearchConfig {
        place,
        method,
        parallelism,
        memory_budget,
        executor,
        executor_options: options.unwrap_or_default(),
        sharing,
        nested,
        max_candidates,
        strategy,
        strategy_options: strategy_options.unwrap_or_default(),
        selection,
        max_fits,
        max_time,
        max_fit_time,
        max_failures,
        isolate,
        params,
    })
}

/// Whether a search ends at the first failure: `on_error = "stop"`. With `"keep"`, a failure is a row of the results.
fn stops_on_error(value: &Value) -> Result<bool> {
    match value {
        Value::Str(text) if text == "keep" => Ok(false),
        Value::Str(text) if text == "stop" => Ok(true),
        other => Err(anyhow!("on_error is {other}, expected \"keep\" or \"stop\"")),
    }
}

/// A number of seconds as a time, if it is above 0.
pub(crate) fn positive_time(seconds: f64) -> Option<Duration> {
    Duration::try_from_secs_f64(seconds).ok().filter(|time| !time.is_zero())
}

/// A time in seconds.
fn seconds(value: &Value) -> Result<Duration> {
    let seconds = match value {
        Value::Float(seconds) => *seconds,
        Value::Int(seconds) => *seconds as f64,
        _ => f64::NAN,
    };
    positive_time(seconds).ok_or_else(|| anyhow!("the time is {value}, expected a number of seconds above 0"))
}

/// A value of a type that reads it from a parameter.
fn value_of<T, E: std::fmt::Display>(
    table: &mut Table<'_>,
    key: &str,
    read: impl Fn(&Value) -> std::result::Result<T, E>,
) -> Result<Option<T>> {
    let Some(item) = table.take(key) else { return Ok(None) };
    let place = item.key.place.clone();
    read(&item.into_value()?).map(Some).map_err(|e| anyhow!("{place}: {e}"))
}
