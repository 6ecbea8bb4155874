//! The pipelines of a configuration: their stages and their grids.

use anyhow::{Result, anyhow, bail};
use luthier::core::Value;
use luthier::tune::ParamRange;
use luthier::tune::strategy::Axis;

use super::{Key, PartConfig, Place, Table, type_of};

/// `[[pipeline]]`, or the stages and the grid of a file that has none.
#[derive(Debug)]
pub(crate) struct PipelineConfig {
    /// Its name, unique among the pipelines.
    pub(crate) name: Option<Key>,
    /// At least one. The stages outside `[[pipeline]]` come first.
    pub(crate) stages: Vec<StageConfig>,
    /// Its candidates: those of the first grid, then those of the second, and so on.
    pub(crate) grids: Vec<GridConfig>,
}

/// `[[stage]]`
#[derive(Debug, Clone)]
pub(crate) struct StageConfig {
    /// The name in the pipeline.
    pub(crate) name: Key,
    /// The stage.
    pub(crate) part: PartConfig,
    /// The stages of a stage that is a pipeline; the parts of a column transformer, each a pipeline with `columns`.
    pub(crate) stages: Vec<StageConfig>,
}

/// `[grid]`: addresses and the values to try.
#[derive(Debug, Clone)]
pub(crate) struct GridConfig {
    /// The start of the table.
    pub(crate) place: Place,
    /// In the order of the file; the last one varies fastest.
    pub(crate) axes: Vec<(Key, Axis)>,
}

/// The type of a stage that sends columns through the stages of its parts.
pub(crate) const COLUMN_TRANSFORMER: &str = "column_transformer";

/// Reads `[[pipeline]]`, or `[[stage]]` and `[grid]` alone. If both are present, the stages outside come first in every
/// pipeline, and the grid outside is combined with the grid of each.
pub(super) fn take(top: &mut Table<'_>) -> Result<Vec<PipelineConfig>> {
    let Some(tables) = top.take("pipeline") else {
        let stages = stages(top.require("stage", "[[stage]]")?.tables()?, &[])?;
        return Ok(vec![PipelineConfig { name: None, stages, grids: grids(top)? }]);
    };
    let place = tables.key.place.clone();
    if let Some(listed) = top.take("candidate") {
        bail!("{}: [[candidate]] belongs to a pipeline: write [[pipeline.candidate]]", listed.key.place);
    }
    let (before, common) = (inner_stages(top)?, grids(top)?);
    let mut pipelines: Vec<PipelineConfig> = Vec::new();
    for mut table in tables.tables()? {
        let name = table.require("name", "name = \"ridge\"")?.text()?;
        let is_same = |other: &&Key| other.name == name.name;
        if let Some(earlier) = pipelines.iter().filter_map(|pipeline| pipeline.name.as_ref()).find(is_same) {
            bail!(
                "{}: two pipelines are named `{}`, the other one in {}: give one of them another `name`",
                name.place,
                name.name,
                earlier.place
            );
        }
        let own = stages(table.require("stage", "[[pipeline.stage]]")?.tables()?, &before)?;
        let stages: Vec<StageConfig> = before.iter().cloned().chain(own).collect();
        let grids = combined(&common, grids(&mut table)?);
        table.misplaced("part", "[[pipeline.stage.part]]")?;
        table.finish()?;
        pipelines.push(PipelineConfig { name: Some(name), stages, grids });
    }
    if pipelines.is_empty() {
        bail!(
            "{place}: the list of pipelines is empty: write `[[pipeline]]`, or `[[stage]]` for a single pipeline"
        );
    }
    Ok(pipelines)
}

/// Combines every grid of a pipeline with every common grid; for a key in both, the values of the pipeline count.
fn combined(common: &[GridConfig], own: Vec<GridConfig>) -> Vec<GridConfig> {
    if own.is_empty() {
        return common.to_vec();
    }
    if common.is_empty() {
        return own;
    }
    let both = |common: &GridConfig, own: &GridConfig| {
        let is_own = |key: &Key| own.axes.iter().any(|(other, _)| other.name == key.name);
        let common = common.axes.iter().filter(|(key, _)| !is_own(key));
        GridConfig { place: own.place.clone(), axes: common.chain(&own.axes).cloned().collect() }
    };
    common.iter().flat_map(|common| own.iter().map(move |own| both(common, own))).collect()
}

/// `[grid]`, or every `[[grid]]`, each combined with `[space]`; then every `[[candidate]]`.
fn grids(table: &mut Table<'_>) -> Result<Vec<GridConfig>> {
    let listed = table.take("candidate").map(|item| item.tables()).transpose()?.unwrap_or_default();
    let listed: Vec<GridConfig> = listed.into_iter().map(candidate).collect::<Result<_>>()?;
    let space = table.take("space");
    if let (Some(space), Some(_)) = (&space, listed.first()) {
        bail!(
            "{}: [space] cannot be combined with [[candidate]]: of a space, candidates are drawn, and listed ones might not be among \
             them; give a range of [space] as a list under [grid], or omit [[candidate]]",
            space.key.place
        );
    }
    let space = space.map(|item| grid(item.table()?)).transpose()?;
    let grids = match table.take("grid") {
        Some(item) if item.is_table() => vec![grid(item.table()?)?],
        Some(item) => item.tables()?.into_iter().map(grid).collect::<Result<_>>()?,
        None => Vec::new(),
    };
    let mut grids = combined(&space.into_iter().collect::<Vec<_>>(), grids);
    grids.extend(listed);
    Ok(grids)
}

/// `[[candidate]]`: one value for each parameter.
fn candidate(table: Table<'_>) -> Result<GridConfig> {
    let place = table.place().clone();
    let axes: Vec<_> =
        table.params()?.into_iter().map(|(key, value)| (key, Axis::Values(vec![value]))).collect();
    if axes.is_empty() {
        bail!("{place}: the candidate is empty: write `\"stage.parameter\" = value`");
    }
    Ok(GridConfig { place, axes })
}

/// A list of stages; their names must differ from each other and from those `before` them.
fn stages(tables: Vec<Table<'_>>, before: &[StageConfig]) -> Result<Vec<StageConfig>> {
    let mut stages: Vec<StageConfig> = Vec::new();
    for mut table in tables {
        let type_name = type_of(&mut table)?;
        let name = match table.take("name") {
            Some(item) => item.text()?,
            // `acme.ridge` is named `ridge`, because dots separate the parts of an address.
            None => {
                let last = type_name.name.rsplit('.').next().unwrap_or_default();
                Key { name: last.to_owned(), ..type_name.clone() }
            }
        };
        check_name(&name, before.iter().chain(&stages))?;
        stages.push(match type_name.name.as_str() {
            COLUMN_TRANSFORMER => column_transformer(name, type_name, table)?,
            _ => {
                let stages = inner_stages(&mut table)?;
                StageConfig { name, part: PartConfig { type_name, params: table.params()? }, stages }
            }
        });
    }
    Ok(stages)
}

fn inner_stages(table: &mut Table<'_>) -> Result<Vec<StageConfig>> {
    Ok(table.take("stage").map(|item| stages(item.tables()?, &[])).transpose()?.unwrap_or_default())
}

/// Checks that the name can be part of an address and is unique.
fn check_name<'a>(name: &Key, others: impl IntoIterator<Item = &'a StageConfig>) -> Result<()> {
    let Key { name: text, place } = name;
    if text.is_empty() || text.contains('.') {
        bail!("{place}: `{text}` cannot be the name of a stage: use a name without dots");
    }
    match others.into_iter().find(|stage| stage.name.name == *text) {
        Some(earlier) => bail!(
            "{place}: two stages are named `{text}`, the other one in {}: give one of them another `name`",
            earlier.name.place
        ),
        None => Ok(()),
    }
}

fn column_transformer(name: Key, type_name: Key, mut table: Table<'_>) -> Result<StageConfig> {
    let mut params = Vec::new();
    if let Some(item) = table.take("output_col") {
        params.push((item.key.clone(), Value::Str(item.string()?)));
    }
    if let Some(item) = table.take("passthrough") {
        params.push((item.key.clone(), item.strings()?.into()));
    }
    let parts = table.take("part").map(|item| item.tables()).transpose()?.unwrap_or_default();
    table.finish()?;
    let mut stages: Vec<StageConfig> = Vec::new();
    for mut table in parts {
        let place = table.place().clone();
        let name = table.require("name", "name = \"numbers\"")?.text()?;
        check_name(&name, &stages)?;
        let columns = table.require("columns", "columns = [\"age\"]")?;
        let params = vec![(columns.key.clone(), columns.strings()?.into())];
        let inner = inner_stages(&mut table)?;
        table.finish()?;
        let part = PartConfig { type_name: Key { name: "pipeline".to_owned(), place }, params };
        stages.push(StageConfig { name, part, stages: inner });
    }
    Ok(StageConfig { name, part: PartConfig { type_name, params }, stages })
}

fn grid(table: Table<'_>) -> Result<GridConfig> {
    let place = table.place().clone();
    let axes = table.rest().into_iter().map(|item| {
        let key = item.key.clone();
        // `"lr.reg_param" = { log = […] }` and `"lr.reg_param.log" = […]` are the same in TOML.
        if let Some((path, kind)) = key.name.rsplit_once('.').filter(|(_, kind)| RANGES.contains(kind)) {
            let range = range(kind, &item.list()?).map_err(|e| anyhow!("{}: `{path}`: {e}", key.place))?;
            return Ok((Key { name: path.to_owned(), place: key.place.clone() }, Axis::Range(range)));
        }
        match item.list()? {
            values if values.is_empty() => {
                Err(anyhow!("{}: the grid is empty: `{}` has no values", key.place, key.name))
            }
            values => Ok((key, Axis::Values(values))),
        }
    });
    let axes: Vec<_> = axes.collect::<Result<_>>()?;
    if axes.is_empty() {
        bail!("{place}: the grid is empty: write `\"stage.parameter\" = [value, …]`");
    }
    Ok(GridConfig { place, axes })
}

/// The kinds of ranges.
const RANGES: [&str; 4] = ["uniform", "log", "integers", "log_integers"];

/// `{ log = [0.001, 10.0] }`: a range to draw from.
fn range(kind: &str, ends: &[Value]) -> Result<ParamRange> {
    let [low, high] = ends else {
        bail!("`{kind}` has {} numbers, expected the lowest and the highest", ends.len());
    };
    let float = |value: &Value| match value {
        Value::Float(x) => Ok(*x),
        Value::Int(x) => Ok(*x as f64),
        other => Err(anyhow!("`{kind}` has {other}, expected a number")),
    };
    let whole = |value: &Value| match value {
        Value::Int(x) => Ok(*x),
        other => Err(anyhow!("`{kind}` has {other}, expected a whole number")),
    };
    Ok(match kind {
        "uniform" => ParamRange::uniform(float(low)?, float(high)?)?,
        "log" => ParamRange::log(float(low)?, float(high)?)?,
        "integers" => ParamRange::integers(whole(low)?, whole(high)?)?,
        _ => ParamRange::log_integers(whole(low)?, whole(high)?)?,
    })
}
