//! `luthier report`

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, anyhow, bail};
use luthier::core::json;
use luthier::report::{PictureOptions, Report, pictures};
use luthier::tune::{Event, SearchResult};
use serde_json::Value as Json;

use crate::args::ReportArgs;
use crate::output::{check_target, make_folder, print, recover, write_together};
use crate::{failure, journal, results};

pub(crate) fn run(args: &ReportArgs) -> Result<()> {
    if let Some(folder) = &args.plots {
        return plots(args, folder);
    }
    let name = if args.compare.is_some() { "compare.html" } else { results::REPORT };
    let document = document(args)?;
    let target = args.out.clone().unwrap_or_else(|| args.folder.join(name));
    check_target(&target)?;
    let page = Report::page_of(&document)?;
    luthier::frame::write_files(&[(&target, page.as_bytes())]).map_err(|e| failure::of_frame("write", e))?;
    print(&format!("wrote {}\n", target.display()))
}

/// Writes each plot as SVG.
fn plots(args: &ReportArgs, folder: &Path) -> Result<()> {
    let document = document(args)?;
    let options = PictureOptions { is_dark: args.dark, ..PictureOptions::default() };
    let pictures = pictures(&document, options).map_err(|e| anyhow!("cannot draw the plots: {e}"))?;
    make_folder(folder)?;
    let names: Vec<String> = pictures.iter().map(|picture| format!("{}.svg", picture.id)).collect();
    let drawn = pictures.into_iter().map(|picture| picture.svg.into_bytes());
    let files: Vec<(&str, Vec<u8>)> = names.iter().map(String::as_str).zip(drawn).collect();
    write_together(folder, &files, &[])?;
    print(&format!("wrote {} plots to {}\n", files.len(), folder.display()))
}

/// The document of a search, beside that of another one if it is asked for.
fn document(args: &ReportArgs) -> Result<Json> {
    let document = document_of(&args.folder)?;
    match &args.compare {
        Some(other) => Ok(Report::beside(&document, &document_of(other)?)),
        None => Ok(document),
    }
}

/// What is known of the search of a folder: the document of its report, or what its results tell.
fn document_of(folder: &Path) -> Result<Json> {
    recover(folder)?;
    let page = folder.join(results::REPORT);
    if let Some(document) = std::fs::read_to_string(&page).ok().and_then(|page| Report::document_of(&page)) {
        return Ok(document);
    }
    let file: PathBuf = folder.join(results::RESULTS);
    if !folder.is_dir() {
        bail!(
            "{}: there is no such folder; expected one that `luthier tune --out` has written",
            folder.display()
        );
    }
    if !file.exists() && folder.join(journal::FOLDER).is_dir() {
        bail!(
            "{}: the search has not ended, so there are no results yet; run its command again to go on from where it was",
            folder.display()
        );
    }
    if !file.exists() {
        bail!(
            "{} has neither {} nor {}: expected a folder that `luthier tune --out` has written",
            folder.display(),
            results::REPORT,
            results::RESULTS
        );
    }
    let mut result = SearchResult::load(&file)?;
    let events = folder.join(results::EVENTS);
    if events.exists() {
        result.events = json::from_value::<Vec<Event>>(&json::read_file(&events)?)
            .with_context(|| format!("cannot read {}", events.display()))?;
    }
    let title = folder.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    Ok(serde_json::to_value(Report::new(&result).title(title))?)
}
