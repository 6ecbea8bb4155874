//! From a file to a frame with the vector column `features`.

mod inputs;
pub(crate) mod reading;
mod selection;
mod source;
mod write;

pub(crate) use inputs::{FEATURES, Inputs, is_usable};
pub(crate) use reading::{DeclaredType, Reading, SavedReading};
pub(crate) use selection::{MissingLabel, Selection};
pub(crate) use source::{DataSource, Format};
pub(crate) use write::{is_broken_pipe, writable, write, writer};

use anyhow::{Result, bail};
use luthier::frame::arrow_array::Array;
use luthier::frame::{DataFrame, numbers};

use crate::config::Config;
use crate::output::note;
use crate::roles::Roles;
use crate::{build, expand};

/// The rows that a configuration names, ready for its stages.
#[derive(Debug)]
pub(crate) struct Prepared {
    pub(crate) frame: DataFrame,
    pub(crate) inputs: Inputs,
}

/// Checks the roles of the columns, puts the selected ones side by side, and names the columns that the stages of the
/// configuration take: it says it by globs and by `categories`.
pub(crate) fn prepare(config: &mut Config, frame: &DataFrame) -> Result<Prepared> {
    let label = config.data.label.as_ref().filter(|label| frame.schema().field(&label.name).is_some());
    let frame = &config.data.selection.apply(frame, label.map(|label| label.name.as_str()))?;
    config.data.source = config.data.source.with_rows(frame.clone());
    let roles = Roles::new(config, frame.schema())?;
    expand::categories(config, &roles, frame.schema())?;
    let selected = Inputs::select(&config.data, &roles, frame.schema());
    let (inputs, passed_over) = selected.inspect_err(|error| {
        let (told, source) = (format!("{error:#}"), &config.data.source);
        let is_news =
            |column: &str| source.text_among_numbers(column).is_some_and(|why| !told.contains(&why));
        source.note_texts(|column| roles.of(column).is_none() && is_news(column));
    })?;
    expand::stages(config, &roles, frame.schema(), &inputs)?;
    for pipeline in build::pipelines(config)? {
        pipeline.check_features(roles.all()).map_err(|e| config.located_core(e))?;
    }
    let config = &config.data;
    if !passed_over.is_empty() {
        note(&format!(
            "columns that are neither numbers nor vectors are no features: {}",
            passed_over.join(", ")
        ));
        let is_passed =
            |name: &str| passed_over.iter().any(|of| of.rsplit_once(": ").is_some_and(|(of, _)| of == name));
        config.source.note_texts(is_passed);
    }
    if frame.num_rows() == 0 {
        bail!("{}: the file has no rows", config.source.path.display());
    }
    if let Some(label) = &config.label {
        check_values(&config.source, frame, &label.name, MISSING_LABEL)?;
    }
    for column in [&config.weight, &config.fold].into_iter().flatten() {
        let advice = format!("`drop_nulls = [{:?}]` under [data] leaves such rows out", column.name);
        check_values(&config.source, frame, &column.name, &advice)?;
    }
    Ok(Prepared { frame: inputs.assemble(frame, &config.source)?, inputs })
}

/// What leaves rows without a label out.
const MISSING_LABEL: &str = "`missing_label = \"drop\"` under [data] leaves such rows out";

/// Refuses the first value of a column that is missing or not finite; `advice` is for those that are missing.
pub(crate) fn check_values(source: &DataSource, frame: &DataFrame, column: &str, advice: &str) -> Result<()> {
    let index = frame.schema().require_index(column)?;
    let mut row = 0;
    for partition in frame.partitions() {
        for batch in partition.batches(Some(&[index]))? {
            let batch = batch?;
            let array = batch.column(0);
            let values = numbers(array.as_ref()).unwrap_or_default();
            let is_bad =
                |at: &usize| array.is_null(*at) || values.get(*at).is_some_and(|value| !value.is_finite());
            if let Some(at) = (0..array.len()).find(is_bad) {
                let place = source.place_of(row + at);
                match values.get(at) {
                    Some(value) if value.is_infinite() => bail!(
                        "{place}: column `{column}` is {value}, expected a finite number: drop the row or change the value"
                    ),
                    Some(value) if array.is_valid(at) => bail!(
                        "{place}: column `{column}` is {value}, expected a finite number: fill the value, or {advice}"
                    ),
                    _ => {
                        bail!("{place}: column `{column}` is missing, expected a value: fill it, or {advice}")
                    }
                }
            }
            row += array.len();
        }
    }
    Ok(())
}
