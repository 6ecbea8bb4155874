//! The data of a search: rows of files, summaries of rows that are elsewhere, or both.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow, bail};
use luthier::frame::{ColumnType, ContentHash, DataFrame, Field, FileSet, Schema};
use luthier::tune::Shards;
use serde::{Deserialize, Serialize};

use crate::config::{Config, TestRows};
use crate::data::{DataSource, Reading, SavedColumn, SavedReading};
use crate::output::{is_standard, note};
use crate::prepare::{self, Inputs, Prepared};
use crate::{failure, journal};

/// What is known of the shards of a search, in the folder of its results.
pub(crate) const FILE: &str = "summaries.lsum";

/// How often what is known of the rows is saved while they are read.
const SAVED_EVERY: Duration = Duration::from_secs(5);

/// What is known of rows whose search has not ended.
pub(crate) fn begun(folder: &Path) -> PathBuf {
    folder.join(journal::FOLDER).join(FILE)
}

/// What is kept of what a command finds out about the rows.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Keeps<'a> {
    Nothing,
    /// The summaries.
    Summaries,
    /// The summaries and all results, in a folder where those of earlier searches may be.
    In {
        folder: &'a Path,
        fresh: bool,
    },
}

/// The data of a search.
pub(crate) struct Data {
    /// The rows as they were read, absent if they are elsewhere.
    pub(crate) raw: DataFrame,
    /// The rows of the search.
    pub(crate) frame: DataFrame,
    pub(crate) shards: Shards,
    pub(crate) inputs: Inputs,
    pub(crate) test: Option<DataSource>,
    /// The files that were read, with hashes of their contents where these are needed.
    pub(crate) files: Vec<(PathBuf, Option<ContentHash>)>,
    /// The seconds that reading took.
    pub(crate) load: f64,
}

/// What is saved with the summaries of a shard: how its file was read, and its columns.
#[derive(Debug, Serialize, Deserialize)]
struct About {
    /// What identifies what the configuration makes of the rows of a file.
    rules: String,
    reading: Reading,
    columns: Vec<RawColumn>,
}

#[derive(Debug, Serialize, Deserialize)]
struct RawColumn {
    #[serde(flatten)]
    column: SavedColumn,
    metadata: BTreeMap<String, String>,
}

impl About {
    fn of(source: &DataSource, raw: &Schema, config_file: &Path) -> Result<Self> {
        let SavedReading { reading, columns } = SavedReading::new(&source.reading, raw);
        let fields = columns.into_iter().zip(raw.fields());
        let columns =
            fields.map(|(column, field)| RawColumn { column, metadata: field.metadata().clone() }).collect();
        Ok(Self { rules: journal::rules(config_file)?, reading, columns })
    }

    fn text(&self) -> Result<String> {
        Ok(serde_json::to_string(self)?)
    }

    /// How the file of another shard is read: its columns have the types that these have.
    fn reading(self, given: Reading) -> Reading {
        let columns = self.columns.into_iter().map(|one| one.column).collect();
        SavedReading { reading: self.reading, columns }.for_model(given, |_| true)
    }

    fn schema(&self) -> Result<Schema> {
        let field = |RawColumn { column, metadata }: &RawColumn| {
            let column_type = column.column_type.parse().map_err(|_| anyhow!("an unknown type of column"))?;
            let field = Field::new(&column.name, column_type).with_nullable(column.nullable);
            Ok(field.with_metadata(metadata.clone()))
        };
        Ok(Schema::new(self.columns.iter().map(field).collect::<Result<_>>()?)?)
    }
}

/// Reads the rows that a configuration names. What is known of them in the folder of the results is taken from there, unless everything is
/// computed `fresh`.
///
/// # Errors
/// Files that cannot be read; rows that cannot be used.
pub(crate) fn of_configuration(config: &mut Config, file: &Path, kept: Keeps<'_>) -> Result<Data> {
    let start = Instant::now();
    let raw = config.read_data()?;
    let load = start.elapsed().as_secs_f64();
    let Prepared { frame, inputs, test } = prepare::prepare(config, &raw)?;
    let files = match kept {
        Keeps::Nothing => Vec::new(),
        Keeps::Summaries | Keeps::In { .. } => config.data.source.hashed_files()?,
    };
    let mut shards = Shards::new();
    if config.data.source.shards || matches!(kept, Keeps::Summaries) {
        refuse_test_rows(config)?;
    }
    if config.data.source.shards {
        for (path, rows) in by_file(&frame, config.data.source.partitions)? {
            let own: Vec<_> = files.iter().filter(|(of, _)| *of == path).cloned().collect();
            shards = appended(shards, &path.display().to_string(), &rows, &own, file)?;
        }
    } else {
        shards = appended(shards, &config.data.source.name(), &frame, &files, file)?;
    }
    if let Keeps::In { folder, fresh } = kept {
        for known in [folder.join(FILE), begun(folder)].iter().filter(|known| !fresh && known.exists()) {
            match Shards::load(known) {
                Ok(known) => {
                    tell_left_out(&shards, &known, folder);
                    shards.recall(&known);
                }
                Err(error) => note(&format!("{error}; the rows are read")),
            }
        }
        shards = shards.saved_while_read(begun(folder), SAVED_EVERY);
    }
    let shards = shards.with_about(&About::of(&config.data.source, raw.schema(), file)?.text()?);
    let frame = if config.data.source.shards { shards.rows()? } else { frame };
    Ok(Data { raw, frame, shards, inputs, test, files, load })
}

/// Takes what is known of shards, and reads the files that are appended to them.
///
/// # Errors
/// Summaries that were made of other columns; files that cannot be read.
pub(crate) fn of_summaries(
    config: &mut Config,
    file: &Path,
    mut shards: Shards,
    append: &[PathBuf],
) -> Result<Data> {
    refuse_test_rows(config)?;
    let about = |text: &str| {
        serde_json::from_str::<About>(text).context("the summaries do not say how their rows were read")
    };
    let saved = about(shards.about().next().unwrap_or_default())?;
    let text = saved.text()?;
    let rules = journal::rules(file)?;
    for (name, text) in shards.names().zip(shards.about()) {
        if about(text)?.rules != rules {
            bail!(
                "{}: [data] is not what it was when {name} was summarised, so its rows cannot be put together with others: only `path`, `partitions`, `shards` and \
                 `test` may differ",
                file.display()
            );
        }
    }
    let reading = config.data.source.reading.clone();
    let (mut load, mut files) = (0.0, Vec::new());
    let mut last: Option<(DataFrame, Inputs, Option<DataSource>)> = None;
    let columns = saved.schema()?;
    for path in &files_of(append)? {
        // The names of columns are put into a configuration once.
        let mut own = Config::read(file)?;
        let reading = about(&text)?.reading(std::mem::take(&mut own.data.source.reading));
        own.data.source = DataSource::new(path.clone()).with_reading(reading);
        own.data.source.partitions = config.data.source.partitions;
        let start = Instant::now();
        own.data.source.readable()?;
        let raw = in_columns_of(&columns, &own.data.source.read()?, path)?;
        own.data.source = own.data.source.with_rows(raw.clone());
        load += start.elapsed().as_secs_f64();
        let prepared = prepare::prepare(&mut own, &raw);
        let Prepared { frame, inputs, test } = prepared.with_context(|| path.display().to_string())?;
        let hashed = own.data.source.hashed_files()?;
        shards = appended(shards, &path.display().to_string(), &frame, &hashed, file)?;
        files.extend(hashed);
        last = Some((raw, inputs, test));
        *config = own;
    }
    let (raw, inputs, test) = match last {
        Some(last) => last,
        None => {
            let names = shards.names().collect::<Vec<_>>().join(", ");
            let raw = DataFrame::absent(saved.schema()?, shards.rows()?.num_rows(), &names);
            config.data.source = config.data.source.with_rows(raw.clone());
            let Prepared { frame, inputs, test } = prepare::prepare(config, &raw)?;
            require_same_columns(&shards.rows()?, &frame)?;
            (raw, inputs, test)
        }
    };
    let frame = shards.rows()?;
    let columns: Vec<&str> = columns.names().collect();
    config.data.source = config.data.source.with_rows(frame.select(&columns)?);
    config.data.source.reading = reading;
    let shards = shards.with_about(&text);
    Ok(Data { raw, frame, shards, inputs, test, files, load })
}

/// The files of paths, of which each may be a folder or a glob.
fn files_of(paths: &[PathBuf]) -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for path in paths {
        match path.exists() && !path.is_dir() || is_standard(path) {
            true => files.push(path.clone()),
            false => files.extend(
                FileSet::open(path).map_err(|e| failure::of_frame("read", e))?.paths().map(Path::to_owned),
            ),
        }
    }
    Ok(files)
}

/// The columns of earlier rows, in their order.
fn in_columns_of(earlier: &Schema, rows: &DataFrame, path: &Path) -> Result<DataFrame> {
    let found = rows.schema();
    if let Some(missing) = earlier.names().find(|name| found.field(name).is_none()) {
        let columns = found.names().collect::<Vec<_>>().join(", ");
        bail!(
            "{}: there is no column `{missing}` as in the rows before; the file has {columns}",
            path.display()
        );
    }
    let unknown: Vec<&str> = found.names().filter(|name| earlier.field(name).is_none()).collect();
    if !unknown.is_empty() {
        note(&format!(
            "{}: not used, because the rows before do not have it: {}",
            path.display(),
            unknown.join(", ")
        ));
    }
    Ok(rows.select(&earlier.names().collect::<Vec<_>>())?)
}

/// Says which of the rows of an earlier search are not among those of this one.
fn tell_left_out(shards: &Shards, known: &Shards, folder: &Path) {
    let here: Vec<Option<&str>> = shards.fingerprints().collect();
    let is_here = |fingerprint: &Option<&str>| fingerprint.is_some() && here.contains(fingerprint);
    let left: Vec<&str> = known
        .names()
        .zip(known.fingerprints())
        .filter(|(_, one)| !is_here(one))
        .map(|(name, _)| name)
        .collect();
    if !left.is_empty() && left.len() < known.len() {
        note(&format!(
            "the last search in {} also had the rows of {}, which this one leaves out: `--append` adds to those of the last search",
            folder.display(),
            left.join(", ")
        ));
    }
}

/// What is known of the shards of several files. A shard is called by the name of its file, or by its path where that is the name of several.
///
/// # Errors
/// Files that cannot be read; the same rows twice; columns that do not agree.
pub(crate) fn load(paths: &[PathBuf]) -> Result<Shards> {
    let stem_of = |path: &Path| path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    let mut all = Shards::new();
    for path in paths {
        let is_common = paths.iter().filter(|other| stem_of(other) == stem_of(path)).count() > 1;
        let stem = if is_common { path.display().to_string() } else { stem_of(path) };
        let shards = Shards::load(path)?;
        let is_one = shards.len() == 1;
        let shards = shards.renamed(|name| if is_one { stem.clone() } else { format!("{stem}: {name}") });
        all.append_all(shards)?;
    }
    Ok(all)
}

/// The same shards, and a table as another one.
fn appended(
    mut shards: Shards,
    name: &str,
    rows: &DataFrame,
    files: &[(PathBuf, Option<ContentHash>)],
    config_file: &Path,
) -> Result<Shards> {
    let fingerprint = journal::fingerprint(files, config_file, rows.schema())?;
    if fingerprint.is_some() && shards.fingerprints().any(|known| known == fingerprint.as_deref()) {
        note(&format!("{name}: these rows are there already and are not added again"));
        return Ok(shards);
    }
    // A file of the same name may have other rows every day.
    let is_free = |wanted: &String| shards.names().all(|name| name != wanted);
    let names = std::iter::once(name.to_owned()).chain((2..).map(|number| format!("{name} ({number})")));
    let name = names.take(shards.len() + 1).find(is_free).unwrap_or_default();
    shards.append(name, rows)?;
    Ok(match fingerprint {
        Some(fingerprint) => shards.known_as(fingerprint),
        None => shards,
    })
}

/// The rows of each file, in order. They have the partitions that the file has by itself.
fn by_file(frame: &DataFrame, partitions: Option<usize>) -> Result<Vec<(PathBuf, DataFrame)>> {
    let file_of = |row: usize| frame.place_of_row(row).map(|place| place.file().to_owned());
    let (mut start, rows) = (0, frame.num_rows());
    let mut parts = Vec::new();
    while start < rows {
        let Some(file) = file_of(start) else {
            bail!(
                "`shards = true` divides the data by file, but it is not known which rows are of which file"
            )
        };
        // The first row of another file.
        let (mut same, mut end) = (start, rows);
        while same + 1 < end {
            let middle = same + (end - same) / 2;
            if file_of(middle).as_ref() == Some(&file) { same = middle } else { end = middle }
        }
        let part = frame.slice(start, end - start)?;
        let part = match partitions {
            Some(partitions) => part.repartition(partitions.min(part.num_rows().max(1)))?,
            None if part.is_in_memory() => part.coalesce(1)?,
            None => part,
        };
        parts.push((file, part));
        start = end;
    }
    Ok(parts)
}

/// Test rows that are taken out of all rows would depend on which of these are there.
fn refuse_test_rows(config: &Config) -> Result<()> {
    match &config.data.test {
        Some(test) if !matches!(&test.rows, TestRows::Named { path, .. } if path.exists()) => Err(test.place.error(anyhow!(
            "`test` takes rows out of the data, but data in shards are known by their summaries: name a file of test rows"
        ))),
        _ => Ok(()),
    }
}

fn require_same_columns(known: &DataFrame, made: &DataFrame) -> Result<()> {
    let columns = |frame: &DataFrame| {
        let fields = frame.schema().fields().iter();
        // Integers of one shard may be numbers with a fraction in another.
        let kind = |field: &Field| match field.column_type() {
            ColumnType::I64 => ColumnType::F64,
            other => other,
        };
        fields.map(|field| format!("{}: {}", field.name(), kind(field))).collect::<Vec<_>>()
    };
    let (known, made) = (columns(known), columns(made));
    match known.iter().zip(&made).find(|(known, made)| known != made) {
        None if known.len() == made.len() => Ok(()),
        differ => {
            let what = differ.map_or_else(
                || format!("{} columns, expected {}", made.len(), known.len()),
                |(known, made)| format!("`{made}`, expected `{known}`"),
            );
            bail!("the configuration makes other columns than those that were summarised: {what}")
        }
    }
}
