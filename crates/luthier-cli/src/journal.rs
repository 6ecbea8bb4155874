//! The journal of a search in the folder of its results.

use std::path::Path;

use anyhow::{Context, Result};
use luthier::frame::ContentHash;
use toml::Table;

use crate::config::Config;
use crate::failure;

/// The sections of a configuration that say nothing of the rows: the journal knows what depends on them.
const ABOUT_SEARCH: [&str; 9] =
    ["seed", "stage", "pipeline", "grid", "space", "candidate", "search", "evaluator", "default"];

/// What identifies the rows of a search: the contents of the files, and how the configuration says that they are read.
///
/// # Errors
/// If a file cannot be read.
pub(crate) fn fingerprint(config: &Config, file: &Path) -> Result<String> {
    let mut hash = ContentHash::new();
    for path in config.data.source.files()? {
        let contents = ContentHash::of_file(&path).map_err(|e| failure::of_frame("read", e))?;
        hash.write(format!("{contents}\n").as_bytes());
    }
    let text = std::fs::read_to_string(file).map_err(|e| failure::io("read", file, &e))?;
    let mut sections: Table = text.parse().with_context(|| format!("cannot read {}", file.display()))?;
    sections.retain(|name, _| !ABOUT_SEARCH.contains(&name));
    hash.write(sections.to_string().as_bytes());
    Ok(hash.finish().to_string())
}

/// Removes the cells of a journal.
///
/// # Errors
/// If they cannot be removed.
pub(crate) fn remove(folder: &Path) -> Result<()> {
    let Ok(entries) = std::fs::read_dir(folder) else { return Ok(()) };
    for entry in entries {
        let path = entry.map_err(|e| failure::io("read", folder, &e))?.path();
        if path.extension().is_some_and(|extension| extension == "jsonl") {
            std::fs::remove_file(&path).map_err(|e| failure::io("remove", &path, &e))?;
        }
    }
    Ok(())
}
