//! The journal of a search in the folder of its results.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use luthier::frame::{ContentHash, Schema};
use toml::Table;

use crate::{config, failure};

/// The folder of the journal, within that of the results.
pub(crate) const FOLDER: &str = "journal";

/// The sections of a configuration that say nothing of the rows: the journal knows what depends on them.
const ABOUT_SEARCH: [&str; 9] =
    ["seed", "stage", "pipeline", "grid", "space", "candidate", "search", "evaluator", "default"];

/// What identifies the rows of a search: the contents of the files, how the configuration says that they are read, and the columns that
/// follow. `None` for rows that come through a pipe: their values have to be looked at.
///
/// # Errors
/// If the configuration cannot be read.
pub(crate) fn fingerprint(
    files: &[(PathBuf, Option<ContentHash>)],
    config_file: &Path,
    columns: &Schema,
) -> Result<Option<String>> {
    let hashes: Option<Vec<ContentHash>> = files.iter().map(|(_, hash)| *hash).collect();
    let Some(hashes) = hashes.filter(|hashes| !hashes.is_empty()) else { return Ok(None) };
    let mut sections = sections(config_file)?;
    sections.retain(|name, _| !ABOUT_SEARCH.contains(&name));
    let mut hash = ContentHash::new();
    hashes.iter().for_each(|contents| hash.write(format!("{contents}\n").as_bytes()));
    hash.write(format!("{sections}\n{columns:?}").as_bytes());
    Ok(Some(hash.finish().to_string()))
}

/// The sections of a configuration as they are written.
fn sections(config_file: &Path) -> Result<Table> {
    let text = config::text(config_file)?;
    text.parse().with_context(|| format!("cannot read {}", config_file.display()))
}

/// The keys of `[data]` that do not change what a row of a file becomes.
const ABOUT_FILES: [&str; 4] = ["path", "partitions", "shards", "test"];

/// What identifies what a configuration makes of the rows of any file.
///
/// # Errors
/// If the configuration cannot be read.
pub(crate) fn rules(config_file: &Path) -> Result<String> {
    let sections = sections(config_file)?;
    let mut data = sections.get("data").and_then(toml::Value::as_table).cloned().unwrap_or_default();
    data.retain(|name, _| !ABOUT_FILES.contains(&name));
    Ok(ContentHash::of(data.to_string().as_bytes()).to_string())
}

/// Removes the cells of a journal, and what was saved while rows were read.
///
/// # Errors
/// If they cannot be removed.
pub(crate) fn remove(folder: &Path) -> Result<()> {
    let Ok(entries) = std::fs::read_dir(folder) else { return Ok(()) };
    for entry in entries {
        let path = entry.map_err(|e| failure::io("read", folder, &e))?.path();
        if path.extension().is_some_and(|extension| extension == "jsonl" || extension == "lsum") {
            std::fs::remove_file(&path).map_err(|e| failure::io("remove", &path, &e))?;
        }
    }
    Ok(())
}
